/* SPDX-License-Identifier: MIT */
/*
 * Writes JSON text. Any thread; owns nothing, grows the caller's buffer. The result is valid UTF-8
 * and valid JSON whatever text is given; only json_out_raw trusts its caller.
 */
#include "wire/json_out.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/slice.h"
#include "base/utf8.h"
#include "wire/json_private.h"

static const char *plain_end(const char *p, const char *end)
{
	while (end - p >= 8) {
		uint64_t word = json_load8(p);
		uint64_t odd = json_bytes_equal(word, '"') | json_bytes_equal(word, '\\') |
			       json_bytes_equal(word, 0x7F) |
			       ((word - JSON_ONES * 0x20) & ~word & JSON_HIGHS) |
			       (word & JSON_HIGHS);
		if (odd)
			return p + (__builtin_ctzll(odd) >> 3);
		p += 8;
	}
	while (p < end && (unsigned char)*p >= 0x20 && (unsigned char)*p < 0x7F && *p != '"' &&
		*p != '\\')
		p++;
	return p;
}

static void add_control(struct buf *to, unsigned char c)
{
	static const char hex[] = "0123456789abcdef";
	char *out = buf_reserve(to, 6);
	size_t n = 2;
	out[0] = '\\';
	switch (c) {
	case '"':
	case '\\':
		out[1] = (char)c;
		break;
	case '\n':
		out[1] = 'n';
		break;
	case '\r':
		out[1] = 'r';
		break;
	case '\t':
		out[1] = 't';
		break;
	default:
		memcpy(out + 1, "u00", 3);
		out[4] = hex[c >> 4];
		out[5] = hex[c & 15];
		n = 6;
	}
	buf_commit(to, n);
}

/* One character that is not plain ASCII; returns how many bytes of the text it was. */
static size_t add_odd(struct buf *to, const char *p, const char *end)
{
	unsigned char c = (unsigned char)*p;
	if (c < 0x80) {
		add_control(to, c);
		return 1;
	}
	size_t n = utf8_char_bytes(p, (size_t)(end - p));
	if (n)
		buf_add(to, p, n);
	else
		buf_add(to, "\xEF\xBF\xBD", 3);
	return n ? n : 1;
}

void json_quote(struct buf *to, struct nuncio_str text)
{
	const char *p = text.n ? text.p : "", *end = p + text.n;
	buf_add_char(to, '"');
	while (p < end) {
		const char *next = plain_end(p, end);
		if (next > p)
			buf_add(to, p, (size_t)(next - p));
		p = next;
		if (p < end)
			p += add_odd(to, p, end);
	}
	buf_add_char(to, '"');
}

void json_out_init(struct json_out *o, struct buf *to)
{
	*o = (struct json_out){ .to = to };
}

static void begin_value(struct json_out *o)
{
	if (o->comma)
		buf_add_char(o->to, ',');
	o->comma = true;
}

static void open_bracket(struct json_out *o, char bracket)
{
	begin_value(o);
	buf_add_char(o->to, bracket);
	o->comma = false;
}

static void close_bracket(struct json_out *o, char bracket)
{
	buf_add_char(o->to, bracket);
	o->comma = true;
}

void json_out_object_begin(struct json_out *o)
{
	open_bracket(o, '{');
}

void json_out_object_end(struct json_out *o)
{
	close_bracket(o, '}');
}

void json_out_array_begin(struct json_out *o)
{
	open_bracket(o, '[');
}

void json_out_array_end(struct json_out *o)
{
	close_bracket(o, ']');
}

void json_out_key_str(struct json_out *o, struct nuncio_str key)
{
	begin_value(o);
	json_quote(o->to, key);
	buf_add_char(o->to, ':');
	o->comma = false;
}

void json_out_key(struct json_out *o, const char *key)
{
	json_out_key_str(o, str_of(key));
}

void json_out_text(struct json_out *o, struct nuncio_str text)
{
	begin_value(o);
	json_quote(o->to, text);
}

void json_out_cstr(struct json_out *o, const char *text)
{
	if (text)
		json_out_text(o, str_of(text));
	else
		json_out_null(o);
}

static void add_digits(struct buf *to, uint64_t v)
{
	char digits[20];
	size_t at = sizeof(digits);
	do
		digits[--at] = (char)('0' + v % 10);
	while (v /= 10);
	buf_add(to, digits + at, sizeof(digits) - at);
}

void json_out_int(struct json_out *o, int64_t v)
{
	begin_value(o);
	if (v < 0)
		buf_add_char(o->to, '-');
	add_digits(o->to, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);
}

void json_out_uint(struct json_out *o, uint64_t v)
{
	begin_value(o);
	add_digits(o->to, v);
}

void json_out_id(struct json_out *o, uint64_t v)
{
	begin_value(o);
	buf_add_char(o->to, '"');
	add_digits(o->to, v);
	buf_add_char(o->to, '"');
}

/* The shortest of the forms that read back as the same number. */
void json_out_double(struct json_out *o, double v)
{
	char text[32];
	if (!isfinite(v)) {
		json_out_null(o);
		return;
	}
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, v);
		double back = strtod(text, NULL);
		if (!(back < v) && !(back > v))
			break;
	}
	char *comma = strchr(text, ','); /* a locale's decimal point */
	if (comma)
		*comma = '.';
	json_out_raw(o, str_of(text));
}

void json_out_bool(struct json_out *o, bool v)
{
	json_out_raw(o, v ? STR("true") : STR("false"));
}

void json_out_null(struct json_out *o)
{
	json_out_raw(o, STR("null"));
}

void json_out_raw(struct json_out *o, struct nuncio_str json)
{
	begin_value(o);
	buf_add_str(o->to, json);
}

void json_out_key_text(struct json_out *o, const char *key, struct nuncio_str text)
{
	json_out_key(o, key);
	json_out_text(o, text);
}

void json_out_key_cstr(struct json_out *o, const char *key, const char *text)
{
	json_out_key(o, key);
	json_out_cstr(o, text);
}

void json_out_key_int(struct json_out *o, const char *key, int64_t v)
{
	json_out_key(o, key);
	json_out_int(o, v);
}

void json_out_key_uint(struct json_out *o, const char *key, uint64_t v)
{
	json_out_key(o, key);
	json_out_uint(o, v);
}

void json_out_key_id(struct json_out *o, const char *key, uint64_t v)
{
	json_out_key(o, key);
	json_out_id(o, v);
}

void json_out_key_bool(struct json_out *o, const char *key, bool v)
{
	json_out_key(o, key);
	json_out_bool(o, v);
}

void json_out_key_raw(struct json_out *o, const char *key, struct nuncio_str json)
{
	json_out_key(o, key);
	json_out_raw(o, json);
}
