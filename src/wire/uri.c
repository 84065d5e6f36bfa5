/* SPDX-License-Identifier: MIT */
/*
 * Percent-encoding and query strings (RFC 3986). Pure; any thread. A path is decoded once, here,
 * and everything behind works with the decoded one: who decodes twice, or checks before decoding,
 * can be walked out of its folder with %2e%2e or %252f.
 */
#include "wire/uri.h"

#include <string.h>

#include "base/slice.h"
#include "base/utf8.h"

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte at raw.p[*at], which moves on; negative for a bad escape. */
static int next_byte(struct nuncio_str raw, size_t *at)
{
	if (raw.p[*at] != '%')
		return (unsigned char)raw.p[(*at)++];
	if (raw.n - *at < 3)
		return -1;
	int high = hex_value(raw.p[*at + 1]), low = hex_value(raw.p[*at + 2]);
	*at += 3;
	return high < 0 || low < 0 ? -1 : high << 4 | low;
}

static int refuse(const char *why, const char **why_r)
{
	*why_r = why;
	return NUNCIO_E_INVAL;
}

static bool has_dot_segment(struct nuncio_str path)
{
	struct nuncio_str segment;
	while (path.n) {
		str_cut(path, '/', &segment, &path);
		if (str_eq_text(segment, ".") || str_eq_text(segment, ".."))
			return true;
	}
	return false;
}

int uri_path_decode(struct nuncio_str raw, char *out, struct nuncio_str *path_r, const char **why_r)
{
	size_t n = 0;
	if (raw.n == 0 || raw.p[0] != '/')
		return refuse("the path does not begin with /", why_r);
	for (size_t at = 0; at < raw.n;) {
		bool is_encoded = raw.p[at] == '%';
		int byte = next_byte(raw, &at);
		if (byte < 0)
			return refuse("a % in the path without two hex digits", why_r);
		if (byte < 0x20 || byte == 0x7F)
			return refuse("a control character in the path", why_r);
		if (byte == '/' && is_encoded)
			return refuse("an encoded slash in the path", why_r);
		out[n++] = (char)byte;
	}
	struct nuncio_str path = { out, n };
	if (!utf8_is_valid(path.p, path.n))
		return refuse("the path is not UTF-8", why_r);
	if (has_dot_segment(path))
		return refuse("a dot segment in the path", why_r);
	*path_r = path;
	return 0;
}

static bool is_plain(struct nuncio_str raw, bool plus_is_blank)
{
	return raw.n == 0 ||
	       (!memchr(raw.p, '%', raw.n) && !(plus_is_blank && memchr(raw.p, '+', raw.n)));
}

int uri_decode(
	struct nuncio_str raw, bool plus_is_blank, struct arena *a, struct nuncio_str *text_r)
{
	struct nuncio_str text = raw;
	if (!is_plain(raw, plus_is_blank)) {
		char *out = arena_get(a, raw.n);
		text = (struct nuncio_str){ out, 0 };
		for (size_t at = 0; at < raw.n;) {
			bool is_plus = plus_is_blank && raw.p[at] == '+';
			int byte = next_byte(raw, &at);
			if (byte < 0)
				return NUNCIO_E_INVAL;
			out[text.n++] = is_plus ? ' ' : (char)byte;
		}
	}
	if (text.n && (memchr(text.p, 0, text.n) || !utf8_is_valid(text.p, text.n)))
		return NUNCIO_E_INVAL;
	*text_r = text;
	return 0;
}

bool uri_query_next(struct nuncio_str *rest, struct nuncio_str *key_r, struct nuncio_str *value_r)
{
	struct nuncio_str pair;
	while (rest->n) {
		str_cut(*rest, '&', &pair, rest);
		if (pair.n) {
			str_cut(pair, '=', key_r, value_r);
			return true;
		}
	}
	return false;
}

int uri_query_get(
	struct nuncio_str query, const char *key, struct arena *a, struct nuncio_str *value_r)
{
	struct nuncio_str raw_key, raw_value, name;
	int found = 0;
	while (uri_query_next(&query, &raw_key, &raw_value)) {
		if (uri_decode(raw_key, true, a, &name) < 0 || !str_eq_text(name, key))
			continue;
		if (found || uri_decode(raw_value, true, a, value_r) < 0)
			return NUNCIO_E_INVAL;
		found = 1;
	}
	return found;
}
