/* SPDX-License-Identifier: MIT */
/*
 * Reads values out of checked JSON text: members, items, and typed values. Any thread; owns
 * nothing. Nothing is checked again, so the answers are only as good as the text, but no function
 * reads outside of the slice it was given, whatever is in it. Looking a member up walks the object:
 * that is cheaper than any index for the two or three members that a handler asks for.
 */
#include "wire/json.h"

#include <locale.h>
#include <math.h>
#include <stdlib.h>

#include "base/slice.h"
#include "base/utf8.h"
#include "wire/json_private.h"

#define NUMBER_BYTES 128 /* longer ones are refused by json_double: nobody means them */

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int json_hex4(const char *p)
{
	int a = hex_digit(p[0]), b = hex_digit(p[1]), c = hex_digit(p[2]), d = hex_digit(p[3]);
	return (a | b | c | d) < 0 ? -1 : a << 12 | b << 8 | c << 4 | d;
}

static uint8_t put_utf8(uint32_t code, char out[4])
{
	if (code < 0x80) {
		out[0] = (char)code;
		return 1;
	}
	if (code < 0x800) {
		out[0] = (char)(0xC0 | code >> 6);
		out[1] = (char)(0x80 | (code & 0x3F));
		return 2;
	}
	if (code < 0x10000) {
		out[0] = (char)(0xE0 | code >> 12);
		out[1] = (char)(0x80 | (code >> 6 & 0x3F));
		out[2] = (char)(0x80 | (code & 0x3F));
		return 3;
	}
	out[0] = (char)(0xF0 | code >> 18);
	out[1] = (char)(0x80 | (code >> 12 & 0x3F));
	out[2] = (char)(0x80 | (code >> 6 & 0x3F));
	out[3] = (char)(0x80 | (code & 0x3F));
	return 4;
}

/* *p stands behind "\u"; reads the second half of a pair too. */
static uint32_t read_unicode(const char **p, const char *end)
{
	int unit = end - *p >= 4 ? json_hex4(*p) : -1;
	if (unit < 0) {
		*p = end;
		return 0xFFFD;
	}
	*p += 4;
	if (unit < 0xD800 || unit > 0xDFFF)
		return (uint32_t)unit;
	int low = end - *p >= 6 && (*p)[0] == '\\' && (*p)[1] == 'u' ? json_hex4(*p + 2) : -1;
	if (low < 0xDC00 || low > 0xDFFF || unit > 0xDBFF)
		return 0xFFFD;
	*p += 6;
	return 0x10000 + (((uint32_t)unit - 0xD800) << 10) + ((uint32_t)low - 0xDC00);
}

/* *p stands on the backslash. Returns how many bytes were put out. */
static uint8_t read_escape(const char **p, const char *end, char out[4])
{
	static const char named[] = "b\bf\fn\nr\rt\t";
	if (end - *p < 2) {
		*p = end;
		return 0;
	}
	char c = (*p)[1];
	*p += 2;
	if (c == 'u')
		return put_utf8(read_unicode(p, end), out);
	out[0] = c;
	for (size_t i = 0; i < sizeof(named) - 1; i += 2)
		if (named[i] == c)
			out[0] = named[i + 1];
	return 1;
}

int json_read_byte(struct json_reader *r)
{
	while (r->at == r->count) {
		if (r->p == r->end)
			return -1;
		if (*r->p != '\\')
			return (unsigned char)*r->p++;
		r->at = 0;
		r->count = read_escape(&r->p, r->end, r->ready);
	}
	return (unsigned char)r->ready[r->at++];
}

int json_key_cmp(struct nuncio_str a, struct nuncio_str b)
{
	if (!json_has_escape(a) && !json_has_escape(b))
		return str_cmp(a, b);
	struct json_reader left = json_reader_of(a), right = json_reader_of(b);
	int x, y;
	do {
		x = json_read_byte(&left);
		y = json_read_byte(&right);
	} while (x == y && x >= 0);
	return x - y;
}

bool json_key_is(struct nuncio_str key, struct nuncio_str name)
{
	if (key.n == name.n && (key.n == 0 || memcmp(key.p, name.p, key.n) == 0))
		return !json_has_escape(key);
	if (key.n <= name.n || !json_has_escape(key))
		return false;
	struct json_reader r = json_reader_of(key);
	for (size_t i = 0; i < name.n; i++)
		if (json_read_byte(&r) != (unsigned char)name.p[i])
			return false;
	return json_read_byte(&r) < 0;
}

/* p stands behind the opening quote; the result on the closing one, or end. */
static const char *find_quote(const char *p, const char *end)
{
	for (;;) {
		while (end - p >= 8) {
			uint64_t word = json_load8(p);
			uint64_t odd = json_bytes_equal(word, '"') | json_bytes_equal(word, '\\');
			if (odd) {
				p += __builtin_ctzll(odd) >> 3;
				break;
			}
			p += 8;
		}
		while (p < end && *p != '"' && *p != '\\')
			p++;
		if (p == end || *p == '"')
			return p;
		p = end - p >= 2 ? p + 2 : end;
	}
}

static const char *skip_text(const char *p, const char *end)
{
	p = find_quote(p + 1, end);
	return p < end ? p + 1 : end;
}

/* p stands on the opening bracket; only quotes can hide brackets. */
static const char *skip_nested(const char *p, const char *end)
{
	size_t depth = 0;
	while (p < end) {
		switch (*p) {
		case '"':
			p = skip_text(p, end);
			continue;
		case '{':
		case '[':
			depth++;
			break;
		case '}':
		case ']':
			if (--depth == 0)
				return p + 1;
			break;
		default:
			break;
		}
		p++;
	}
	return end;
}

static const char *skip_value(const char *p, const char *end)
{
	if (p == end)
		return end;
	if (*p == '"')
		return skip_text(p, end);
	if (*p == '{' || *p == '[')
		return skip_nested(p, end);
	while (p < end && *p != ',' && *p != '}' && *p != ']' && (unsigned char)*p > ' ')
		p++;
	return p;
}

enum json_type json_type(struct nuncio_str value)
{
	if (value.n == 0)
		return JSON_NONE;
	switch (value.p[0]) {
	case '{':
		return JSON_OBJECT;
	case '[':
		return JSON_ARRAY;
	case '"':
		return JSON_TEXT;
	case 't':
		return JSON_TRUE;
	case 'f':
		return JSON_FALSE;
	case 'n':
		return JSON_NULL;
	default:
		return JSON_NUMBER;
	}
}

const char *json_type_name(enum json_type type)
{
	switch (type) {
	case JSON_NONE:
		return "missing";
	case JSON_NULL:
		return "null";
	case JSON_FALSE:
	case JSON_TRUE:
		return "a boolean";
	case JSON_NUMBER:
		return "a number";
	case JSON_TEXT:
		return "a string";
	case JSON_ARRAY:
		return "an array";
	case JSON_OBJECT:
		return "an object";
	}
	return "unknown";
}

static struct json_iter walk(struct nuncio_str value, char open)
{
	if (value.n < 2 || value.p[0] != open)
		return (struct json_iter){ NULL, NULL };
	return (struct json_iter){ value.p + 1, value.p + value.n - 1 };
}

struct json_iter json_members(struct nuncio_str value)
{
	return walk(value, '{');
}

struct json_iter json_items(struct nuncio_str value)
{
	return walk(value, '[');
}

/* Past blanks and the comma in front of the next one. False at the end. */
static bool to_next(struct json_iter *it)
{
	if (it->p == it->end)
		return false;
	it->p = json_skip_blanks(it->p, it->end);
	if (it->p < it->end && *it->p == ',')
		it->p = json_skip_blanks(it->p + 1, it->end);
	return it->p < it->end;
}

bool json_next_item(struct json_iter *it, struct nuncio_str *child_r)
{
	if (!to_next(it))
		return false;
	const char *value = it->p;
	it->p = skip_value(value, it->end);
	if (it->p == value)
		it->p = it->end; /* not JSON: do not stand still */
	*child_r = (struct nuncio_str){ value, (size_t)(it->p - value) };
	return true;
}

bool json_next_member(struct json_iter *it, struct nuncio_str *key_r, struct nuncio_str *child_r)
{
	if (!to_next(it) || *it->p != '"')
		return false;
	const char *key = it->p + 1;
	const char *quote = find_quote(key, it->end);
	const char *p = quote < it->end ? json_skip_blanks(quote + 1, it->end) : it->end;
	if (p == it->end || *p != ':') {
		it->p = it->end;
		return false;
	}
	it->p = json_skip_blanks(p + 1, it->end);
	*key_r = (struct nuncio_str){ key, (size_t)(quote - key) };
	const char *value = it->p;
	it->p = skip_value(value, it->end);
	*child_r = (struct nuncio_str){ value, (size_t)(it->p - value) };
	return true;
}

static int member(struct nuncio_str value, struct nuncio_str name, struct nuncio_str *child_r)
{
	struct nuncio_str key, child;
	*child_r = (struct nuncio_str){ NULL, 0 };
	if (json_type(value) != JSON_OBJECT)
		return NUNCIO_E_INVAL;
	for (struct json_iter it = json_members(value); json_next_member(&it, &key, &child);) {
		if (json_key_is(key, name)) {
			*child_r = child;
			return 1;
		}
	}
	return 0;
}

int json_member(struct nuncio_str value, const char *key, struct nuncio_str *child_r)
{
	return member(value, str_of(key), child_r);
}

int json_path(struct nuncio_str value, const char *path, struct nuncio_str *child_r)
{
	struct nuncio_str rest = str_of(path), name;
	int rc;
	do {
		str_cut(rest, '.', &name, &rest);
		rc = member(value, name, child_r);
		value = *child_r;
	} while (rc == 1 && rest.n);
	if (rc <= 0)
		*child_r = (struct nuncio_str){ NULL, 0 };
	return rc;
}

size_t json_count(struct nuncio_str value)
{
	struct nuncio_str key, child;
	size_t count = 0;
	for (struct json_iter it = json_items(value); json_next_item(&it, &child);)
		count++;
	for (struct json_iter it = json_members(value); json_next_member(&it, &key, &child);)
		count++;
	return count;
}

struct nuncio_str json_key_text(struct nuncio_str key, struct arena *a)
{
	if (!json_has_escape(key))
		return key;
	char *out = arena_get(a, key.n);
	struct json_reader r = json_reader_of(key);
	size_t n = 0;
	for (int byte; (byte = json_read_byte(&r)) >= 0;)
		out[n++] = (char)byte;
	return (struct nuncio_str){ out, n };
}

int json_text(struct nuncio_str value, struct arena *a, struct nuncio_str *text_r)
{
	if (json_type(value) != JSON_TEXT || value.n < 2)
		return NUNCIO_E_INVAL;
	*text_r = json_key_text((struct nuncio_str){ value.p + 1, value.n - 2 }, a);
	return 0;
}

int json_word(struct nuncio_str value, size_t max_bytes, struct arena *a, struct nuncio_str *text_r)
{
	struct nuncio_str text;
	if (json_text(value, a, &text) < 0 || text.n == 0 || text.n > max_bytes)
		return NUNCIO_E_INVAL;
	for (size_t i = 0; i < text.n; i++)
		if ((unsigned char)text.p[i] < 0x20 || text.p[i] == 0x7F)
			return NUNCIO_E_INVAL;
	*text_r = text;
	return 0;
}

static bool is_minus_zero(struct nuncio_str value)
{
	return value.n == 2 && value.p[0] == '-' && value.p[1] == '0';
}

int json_int(struct nuncio_str value, int64_t *v_r)
{
	if (json_type(value) != JSON_NUMBER || is_minus_zero(value))
		return NUNCIO_E_INVAL;
	return str_to_i64(value, v_r) < 0 ? NUNCIO_E_INVAL : 0;
}

int json_uint(struct nuncio_str value, uint64_t *v_r)
{
	if (json_type(value) != JSON_NUMBER)
		return NUNCIO_E_INVAL;
	return str_to_u64(value, v_r) < 0 ? NUNCIO_E_INVAL : 0;
}

int json_double(struct nuncio_str value, double *v_r)
{
	char text[NUMBER_BYTES + 1];
	if (json_type(value) != JSON_NUMBER || value.n > NUMBER_BYTES)
		return NUNCIO_E_INVAL;
	memcpy(text, value.p, value.n);
	text[value.n] = '\0';
	locale_t plain = newlocale(
		LC_ALL_MASK, "C", (locale_t)0); /* glibc: a constant, nothing is allocated */
	char *end = text;
	double v = strtod_l(text, &end, plain);
	freelocale(plain);
	if (end != text + value.n || !isfinite(v))
		return NUNCIO_E_INVAL;
	*v_r = v;
	return 0;
}

int json_bool(struct nuncio_str value, bool *v_r)
{
	enum json_type type = json_type(value);
	if (type != JSON_TRUE && type != JSON_FALSE)
		return NUNCIO_E_INVAL;
	*v_r = type == JSON_TRUE;
	return 0;
}
