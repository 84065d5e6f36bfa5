/* SPDX-License-Identifier: MIT */
/*
 * A body with its hits masked. A body is any JSON: every text in it is looked at, and one that has
 * hits is written anew in its place; everything else stays byte for byte. Pure; any thread.
 */
#include "word_filter.h"

#include <nuncio/json.h>

#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 40 };

struct masking {
	const struct words *words;
	const char *mask;
	struct nuncio_str body;
	char *out;
	size_t used, room, copied; /* copied: bytes of body that are in out */
	enum action action;
	unsigned char *is_hit; /* per byte of the text at hand */
};

static void put(struct masking *m, const char *p, size_t n)
{
	if (m->used + n > m->room) {
		m->room = (m->used + n) * 2;
		m->out = nuncio_resize(m->out, m->room);
	}
	if (n)
		memcpy(m->out + m->used, p, n);
	m->used += n;
}

static void on_hit(size_t begin, size_t end, void *user)
{
	struct masking *m = user;
	memset(m->is_hit + begin, 1, end - begin);
}

/* Each character that is hit becomes one mask. */
static void put_masked(struct masking *m, struct nuncio_str text)
{
	struct nuncio_json *json = nuncio_json_new();
	const char *p = text.p, *end = text.p + text.n;
	size_t used = 0, mask_bytes = strlen(m->mask);
	char *masked = nuncio_alloc(text.n * (mask_bytes > 1 ? mask_bytes : 1) + 1);
	while (p < end) {
		const char *begin = p;
		fold_next(&p, end);
		bool is_hit = m->is_hit[begin - text.p] != 0;
		size_t n = is_hit ? mask_bytes : (size_t)(p - begin);
		memcpy(masked + used, is_hit ? m->mask : begin, n);
		used += n;
	}
	nuncio_json_put_text(json, (struct nuncio_str){ masked, used });
	struct nuncio_str written = nuncio_json_str(json);
	put(m, written.p, written.n);
	nuncio_json_free(&json);
	free(masked);
}

static void mask_text(struct masking *m, struct nuncio_str value)
{
	char *text = nuncio_alloc(value.n + 1);
	int n = nuncio_json_text(value, text, value.n + 1);
	if (n > 0) {
		m->is_hit = nuncio_alloc((size_t)n);
		struct nuncio_str plain = { text, (size_t)n };
		enum action action = words_search(m->words, plain, on_hit, m);
		if (action > m->action)
			m->action = action;
		if (memchr(m->is_hit, 1, plain.n)) {
			size_t at = (size_t)(value.p - m->body.p);
			put(m, m->body.p + m->copied, at - m->copied);
			put_masked(m, plain);
			m->copied = at + value.n;
		}
		free(m->is_hit);
	}
	free(text);
}

static void mask_value(struct masking *m, struct nuncio_str value, int depth)
{
	enum nuncio_json_type type = nuncio_json_type(value);
	struct nuncio_str member;
	size_t at = 0;
	if (type == NUNCIO_JSON_TEXT)
		mask_text(m, value);
	if ((type != NUNCIO_JSON_ARRAY && type != NUNCIO_JSON_OBJECT) || depth == DEPTH_MAX)
		return;
	while (nuncio_json_next(value, &at, NULL, &member))
		mask_value(m, member, depth + 1);
}

struct masked mask_body(const struct words *words, struct nuncio_str body, const char *mask)
{
	struct masking m = { .words = words, .mask = mask, .body = body };
	mask_value(&m, body, 0);
	struct masked masked = { .action = m.action };
	if (m.action == ACTION_MASK) {
		put(&m, body.p + m.copied, body.n - m.copied);
		masked.body = m.out;
		masked.body_bytes = m.used;
	} else {
		free(m.out);
	}
	return masked;
}
