/* SPDX-License-Identifier: MIT */
/*
 * Refuses messages and edits that have a word of one list, and masks words of another. The lists
 * are read in the background at SIGHUP: until the new ones are ready the old ones hold, and if a
 * file is wrong they stay.
 *
 * Thread: logic; files are read on a worker. Messages are looked through on the logic thread: one
 * pass over the text, a microsecond or so for a sentence.
 */
#include "word_filter.h"

#include <nuncio/codes.h>
#include <nuncio/conf.h>
#include <nuncio/hooks.h>
#include <nuncio/log.h>
#include <nuncio/metric.h>
#include <nuncio/timer.h>

#include <stdlib.h>
#include <string.h>

struct word_filter {
	struct nuncio_module *self;
	struct words *words;
	char mask[MASK_BYTES_MAX + 1];
	struct nuncio_counter *refused, *masked;
};

/* ---- reading the lists ---- */

struct loading {
	struct word_filter *f;
	char **paths; /* those to refuse, then those to mask */
	size_t count, refuse_count;
	struct words *words; /* NULL: error says why */
	struct nuncio_error error;
};

static void loading_free(struct loading *loading)
{
	for (size_t i = 0; i < loading->count; i++)
		free(loading->paths[i]);
	free(loading->paths);
	words_free(&loading->words);
	free(loading);
}

/* Lists hold file names; relative ones are in data_dir, as everywhere. */
static char *path_of(const char *name)
{
	const char *dir = nuncio_conf_data_dir();
	size_t dir_bytes = name[0] == '/' ? 0 : strlen(dir) + 1, n = strlen(name);
	char *path = nuncio_alloc(dir_bytes + n + 1);
	if (dir_bytes) {
		memcpy(path, dir, dir_bytes - 1);
		path[dir_bytes - 1] = '/';
	}
	memcpy(path + dir_bytes, name, n + 1);
	return path;
}

static struct loading *loading_new(struct word_filter *f)
{
	struct loading *loading = nuncio_alloc(sizeof *loading);
	size_t refuse = nuncio_conf_count(f->self, "refuse"),
	       mask = nuncio_conf_count(f->self, "mask");
	loading->f = f;
	loading->refuse_count = refuse;
	loading->count = refuse + mask;
	loading->paths = nuncio_alloc(loading->count * sizeof *loading->paths);
	for (size_t i = 0; i < loading->count; i++)
		loading->paths[i] =
			path_of(i < refuse ? nuncio_conf_item(f->self, "refuse", i)
					   : nuncio_conf_item(f->self, "mask", i - refuse));
	return loading;
}

static void load(void *user)
{
	struct loading *loading = user;
	struct words *words = words_new();
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < loading->count; i++)
		rc = list_read(words, loading->paths[i],
			i < loading->refuse_count ? ACTION_REFUSE : ACTION_MASK, &loading->error);
	if (rc == 0) {
		words_build(words);
		loading->words = words;
	} else {
		words_free(&words);
	}
}

static int take_over(struct loading *loading)
{
	struct word_filter *f = loading->f;
	if (!loading->words)
		return NUNCIO_E_INVAL;
	words_free(&f->words);
	f->words = loading->words;
	loading->words = NULL;
	nuncio_log(f->self, NUNCIO_INFO, "%zu entries in %zu lists", words_count(f->words),
		loading->count);
	return 0;
}

static void on_loaded(void *user)
{
	struct loading *loading = user;
	if (take_over(loading) < 0)
		nuncio_log(loading->f->self, NUNCIO_ERROR, "%s; the lists stay as they were",
			loading->error.text);
	loading_free(loading);
}

/* ---- messages ---- */

/* may_send and may_edit: an edit must not say what a message may not. */
static enum nuncio_verdict on_words(
	struct nuncio_ask *ask, const struct nuncio_send *what, void *user)
{
	struct word_filter *f = user;
	enum nuncio_verdict verdict = NUNCIO_PASS;
	struct masked masked = mask_body(f->words, what->event->body, f->mask);
	if (masked.action == ACTION_REFUSE) {
		nuncio_counter_add(f->refused, 1);
		verdict = nuncio_reject(
			ask, NUNCIO_CODE_denied, nuncio_conf_text(f->self, "refusal"));
	} else if (masked.action == ACTION_MASK) {
		nuncio_counter_add(f->masked, 1);
		if (nuncio_ask_set_body(
			    ask, (struct nuncio_str){ masked.body, masked.body_bytes }) < 0)
			verdict = nuncio_reject(
				ask, NUNCIO_CODE_internal, "the message could not be filtered");
	}
	free(masked.body);
	return verdict;
}

/* ---- the module ---- */

static int read_mask(struct word_filter *f, struct nuncio_error *err)
{
	const char *mask = nuncio_conf_text(f->self, "mask_with");
	char where[160];
	if (strlen(mask) <= MASK_BYTES_MAX) {
		memcpy(f->mask, mask, strlen(mask) + 1);
		return 0;
	}
	nuncio_error_set(err, "%s: at most %d bytes",
		nuncio_conf_where(f->self, "mask_with", where, sizeof where), MASK_BYTES_MAX);
	return NUNCIO_E_INVAL;
}

static int init(struct nuncio_module *self, struct nuncio_error *err)
{
	struct word_filter *f = nuncio_alloc(sizeof *f);
	f->self = self;
	nuncio_module_set_data(self, f);
	f->refused = nuncio_counter_new(
		self, "refused_total", NULL, "Messages refused because of a word.");
	f->masked = nuncio_counter_new(self, "masked_total", NULL, "Messages with words masked.");
	int rc = read_mask(f, err);
	if (rc < 0)
		return rc;
	rc = nuncio_hook_may_send(self, NUNCIO_PRIO_REWRITE, on_words, f);
	if (rc == 0)
		rc = nuncio_hook_may_edit(self, NUNCIO_PRIO_REWRITE, on_words, f);
	if (rc < 0)
		nuncio_error_set(err, "its hooks cannot be added: %s", nuncio_status_name(rc));
	return rc;
}

/* Nobody is served yet, so the lists may be read here and now. */
static int start(struct nuncio_module *self, struct nuncio_error *err)
{
	struct loading *loading = loading_new(nuncio_module_data(self));
	load(loading);
	int rc = take_over(loading);
	if (rc < 0)
		nuncio_error_set(err, "%s", loading->error.text);
	loading_free(loading);
	return rc;
}

static int reload(struct nuncio_module *self, struct nuncio_error *err)
{
	struct word_filter *f = nuncio_module_data(self);
	int rc = read_mask(f, err);
	if (rc < 0)
		return rc;
	struct loading *loading = loading_new(f);
	rc = nuncio_work(self, 0, load, on_loaded, loading);
	if (rc == 0)
		return 0;
	nuncio_error_set(err, "the lists cannot be read now: %s", nuncio_status_name(rc));
	loading_free(loading);
	return rc;
}

static void fini(struct nuncio_module *self)
{
	struct word_filter *f = nuncio_module_data(self);
	if (f)
		words_free(&f->words);
	free(f);
	nuncio_module_set_data(self, NULL);
}

static const struct nuncio_option options[] = {
	{ "refuse", NUNCIO_OPT_LIST, NUNCIO_OPT_LIVE, "", 0, 64, NULL,
		"Files with words; a message with one of them is refused. Relative to data_dir." },
	{ "mask", NUNCIO_OPT_LIST, NUNCIO_OPT_LIVE, "", 0, 64, NULL,
		"Files with words that are masked in messages." },
	{ "mask_with", NUNCIO_OPT_TEXT, NUNCIO_OPT_LIVE, "*", 1, MASK_BYTES_MAX, NULL,
		"What stands in the place of each character of a masked word." },
	{ "refusal", NUNCIO_OPT_TEXT, NUNCIO_OPT_LIVE,
		"the message has a word that is not allowed here", 1, 200, NULL,
		"What the sender of a refused message is told." },
	{ 0 },
};

NUNCIO_MODULE("word_filter", .version = "1.0",
	.summary = "Refuses or masks messages by lists of words.", .options = options, .init = init,
	.start = start, .reload = reload, .fini = fini)
