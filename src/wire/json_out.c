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

#define QUOTE_BYTES 512 /* of text that are quoted in one go, with room for six times that */

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

/* Both write to out, which has room for six bytes, and return what they wrote. */
static size_t put_control(char *out, unsigned char c)
{
	static const char hex[] = "0123456789abcdef";
	out[0] = '\\';
	switch (c) {
	case '"':
	case '\\':
		out[1] = (char)c;
		return 2;
	case '\n':
		out[1] = 'n';
		return 2;
	case '\r':
		out[1] = 'r';
		return 2;
	case '\t':
		out[1] = 't';
		return 2;
	default:
		out[1] = 'u';
		out[2] = '0';
		out[3] = '0';
		out[4] = hex[c >> 4];
		out[5] = hex[c & 15];
		return 6;
	}
}

/* One character that is not plain ASCII; *p moves behind it. */
static size_t put_odd(char *out, const char **p, const char *end)
{
	unsigned char c = (unsigned char)**p;
	if (c < 0x80) {
		(*p)++;
		return put_control(out, c);
	}
	size_t n = utf8_char_bytes(*p, (size_t)(end - *p));
	memcpy(out, n ? *p : "\xEF\xBF\xBD", n ? n : 3);
	*p += n ? n : 1;
	return n ? n : 3;
}

/* At most QUOTE_BYTES bytes, so that the room for the worst case stays small. */
static const char *quote_piece(struct buf *to, const char *p, const char *end, const char *text_end)
{
	char *start = buf_reserve(to, (size_t)(end - p) * 6 + 8), *out = start;
	while (p < end) {
		const char *next = plain_end(p, end);
		memcpy(out, p, (size_t)(next - p));
		out += next - p;
		p = next;
		if (p < end)
			out += put_odd(out, &p, text_end);
	}
	buf_commit(to, (size_t)(out - start));
	return p; /* a character may reach over the piece's end */
}

void json_quote(struct buf *to, struct nuncio_str text)
{
	const char *p = text.n ? text.p : "", *end = p + text.n;
	buf_add_char(to, '"');
	while (p < end)
		p = quote_piece(to, p, end - p > QUOTE_BYTES ? p + QUOTE_BYTES : end, end);
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
