/* SPDX-License-Identifier: MIT */
/*
 * Borrowed text: comparing, cutting, strict numbers. Pure functions; nothing is copied or owned,
 * and a NULL pointer with length 0 is the empty text everywhere. Bytes, not characters.
 */
#include "base/slice.h"

#include <string.h>

#include "base/utf8.h"

struct nuncio_str str_of(const char *text)
{
	return (struct nuncio_str){ text, text ? strlen(text) : 0 };
}

bool str_eq(struct nuncio_str a, struct nuncio_str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool str_eq_text(struct nuncio_str a, const char *b)
{
	return str_eq(a, str_of(b));
}

static unsigned char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (unsigned char)(c - 'A' + 'a') : (unsigned char)c;
}

bool str_eq_nocase(struct nuncio_str a, struct nuncio_str b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		if (lower(a.p[i]) != lower(b.p[i]))
			return false;
	return true;
}

int str_cmp(struct nuncio_str a, struct nuncio_str b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int order = n ? memcmp(a.p, b.p, n) : 0;
	return order ? order : (a.n > b.n) - (a.n < b.n);
}

bool str_starts(struct nuncio_str s, struct nuncio_str prefix)
{
	return s.n >= prefix.n && (prefix.n == 0 || memcmp(s.p, prefix.p, prefix.n) == 0);
}

bool str_ends(struct nuncio_str s, struct nuncio_str suffix)
{
	return s.n >= suffix.n &&
	       (suffix.n == 0 || memcmp(s.p + s.n - suffix.n, suffix.p, suffix.n) == 0);
}

bool str_is_name(struct nuncio_str s, size_t max)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		bool is_mark = c == '.' || c == '_' || c == '-';
		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && !is_mark)
			return false;
	}
	return s.n > 0 && s.n <= max;
}

bool str_is_clean(struct nuncio_str s, size_t max)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
			return false;
	return s.n <= max && utf8_is_valid(s.p, s.n);
}

ptrdiff_t str_find(struct nuncio_str s, char c)
{
	const char *at = s.n ? memchr(s.p, c, s.n) : NULL;
	return at ? at - s.p : -1;
}

bool str_cut(struct nuncio_str s, char sep, struct nuncio_str *head_r, struct nuncio_str *tail_r)
{
	ptrdiff_t at = str_find(s, sep);
	if (at < 0) {
		*head_r = s;
		*tail_r = (struct nuncio_str){ NULL, 0 };
		return false;
	}
	*head_r = (struct nuncio_str){ s.p, (size_t)at };
	*tail_r = (struct nuncio_str){ s.p + at + 1, s.n - (size_t)at - 1 };
	return true;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct nuncio_str str_trim(struct nuncio_str s)
{
	while (s.n && is_blank(s.p[s.n - 1]))
		s.n--;
	while (s.n && is_blank(s.p[0])) {
		s.p++;
		s.n--;
	}
	return s;
}

int str_to_u64(struct nuncio_str s, uint64_t *v_r)
{
	uint64_t v = 0;
	if (!s.n)
		return NUNCIO_E_INVAL;
	for (size_t i = 0; i < s.n; i++) {
		unsigned digit = (unsigned)(unsigned char)s.p[i] - '0';
		if (digit > 9 || v > (UINT64_MAX - digit) / 10)
			return NUNCIO_E_INVAL;
		v = v * 10 + digit;
	}
	*v_r = v;
	return NUNCIO_OK;
}

int str_to_i64(struct nuncio_str s, int64_t *v_r)
{
	bool is_negative = s.n && s.p[0] == '-';
	uint64_t v;
	if (is_negative) {
		s.p++;
		s.n--;
	}
	if (str_to_u64(s, &v) < 0 || v > (uint64_t)INT64_MAX + is_negative)
		return NUNCIO_E_INVAL;
	*v_r = is_negative ? (int64_t)(0 - v) : (int64_t)v;
	return NUNCIO_OK;
}
