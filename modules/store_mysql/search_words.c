/* SPDX-License-Identifier: MIT */
/*
 * Words of messages as the full-text index has them. The rule of search.h cuts the texts; its
 * tokens are ASCII, which no parser of the server cuts further. Two things are added for it:
 *
 *  - An `n` in front of each, since words under three bytes and some common ones are not indexed.
 *  - For each message a word `nc` and the conversation's number, so that a search within some
 *    conversations meets only theirs.
 */
#include "store_mysql.h"

#include <stdlib.h>
#include <string.h>

enum { TOKENS_MAX = 128 }; /* of a query, which has 255 bytes at most */

static void add_word(struct nuncio_str token, size_t begin, size_t end, void *user)
{
	struct sql *out = user;
	(void)begin, (void)end;
	sql_add(out, "n");
	sql_add_raw(out, token);
	sql_add(out, " ");
}

void search_words(struct sql *out, const struct nuncio_event *event, uint64_t number)
{
	char *text = nuncio_resize(NULL, NUNCIO_EVENT_BYTES + 1);
	int n = nuncio_search_text(event->body, text, NUNCIO_EVENT_BYTES + 1);
	sql_reset(out);
	if (n > 0 && nuncio_search_cut((struct nuncio_str){ text, (size_t)n }, 0, add_word, out))
		sql_add(out, "nc%u ", number);
	free(text);
}

static void add_wanted(struct nuncio_str token, size_t begin, size_t end, void *user)
{
	struct sql *out = user;
	(void)begin, (void)end;
	sql_add(out, "+n");
	sql_add_raw(out, token);
	sql_add(out, " ");
}

bool search_wants(struct sql *out, struct nuncio_str text)
{
	sql_reset(out);
	return nuncio_search_cut(text, 1, add_wanted, out) > 0;
}

/* --- does it fit? --- */

struct fit {
	char text[TOKENS_MAX][80];
	size_t bytes[TOKENS_MAX], count;
	bool is_found[TOKENS_MAX];
};

static void keep_token(struct nuncio_str token, size_t begin, size_t end, void *user)
{
	struct fit *fit = user;
	(void)begin, (void)end;
	if (fit->count == TOKENS_MAX || token.n > sizeof(fit->text[0]))
		return;
	memcpy(fit->text[fit->count], token.p, token.n);
	fit->bytes[fit->count++] = token.n;
}

static void look_for(struct nuncio_str token, size_t begin, size_t end, void *user)
{
	struct fit *fit = user;
	(void)begin, (void)end;
	for (size_t i = 0; i < fit->count; i++) {
		struct nuncio_str wanted = { fit->text[i], fit->bytes[i] };
		bool is_prefix = wanted.n && wanted.p[wanted.n - 1] == '*';
		wanted.n -= is_prefix;
		fit->is_found[i] |= is_prefix ? nuncio_text_starts(token, wanted)
					      : nuncio_text_same(token, wanted);
	}
}

bool search_fits(const struct nuncio_event *event, struct nuncio_str wanted)
{
	char *text = nuncio_resize(NULL, NUNCIO_EVENT_BYTES + 1);
	struct fit *fit = nuncio_resize(NULL, sizeof(*fit));
	memset(fit, 0, sizeof(*fit));
	nuncio_search_cut(wanted, 1, keep_token, fit);
	int n = nuncio_search_text(event->body, text, NUNCIO_EVENT_BYTES + 1);
	if (n > 0)
		nuncio_search_cut((struct nuncio_str){ text, (size_t)n }, 0, look_for, fit);
	bool fits = true;
	for (size_t i = 0; i < fit->count; i++)
		fits &= fit->is_found[i];
	free(fit);
	free(text);
	return fits;
}
