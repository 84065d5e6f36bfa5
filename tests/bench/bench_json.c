/* SPDX-License-Identifier: MIT */
/*
 * The load generator shares two cores with the server that it measures, so reading an answer must
 * cost next to nothing: one pass over the members of an object, values skipped and handed out as
 * they lie in the buffer. It finds the members in any order. It does not check that the text is
 * valid JSON (the server's own tests do), but never reads beyond its end.
 */
#include "bench_json.h"

#include <string.h>

static const char *skip_space(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r'))
		p++;
	return p;
}

/* A quote ends a text unless an odd number of backslashes stands before it. */
static bool is_escaped(const char *start, const char *quote)
{
	const char *p = quote;

	while (p > start && p[-1] == '\\')
		p--;
	return ((quote - p) & 1) != 0;
}

/* p stands behind the opening quote; the answer on the closing one, or on the end. */
static const char *skip_text(const char *p, const char *end)
{
	const char *quote = p;

	while ((quote = memchr(quote, '"', (size_t)(end - quote))) != NULL) {
		if (!is_escaped(p, quote))
			return quote;
		quote++;
	}
	return end;
}

static const char *skip_nested(const char *p, const char *end)
{
	int depth = 0;

	for (; p < end; p++) {
		if (*p == '"') {
			p = skip_text(p + 1, end);
			if (p == end)
				break;
		} else if (*p == '{' || *p == '[')
			depth++;
		else if ((*p == '}' || *p == ']') && --depth == 0)
			return p + 1;
	}
	return end;
}

static const char *take_value(const char *p, const char *end, struct span *value_r)
{
	if (p < end && *p == '"') {
		const char *close = skip_text(p + 1, end);
		*value_r = (struct span){ p + 1, (size_t)(close - p - 1) };
		return close < end ? close + 1 : end;
	}
	const char *start = p;
	if (p < end && (*p == '{' || *p == '['))
		p = skip_nested(p, end);
	else
		while (p < end && *p != ',' && *p != '}' && *p != ']' && *p != ' ')
			p++;
	*value_r = (struct span){ start, (size_t)(p - start) };
	return p;
}

struct json_walk json_walk_of(struct span object)
{
	const char *end = object.p + object.n;
	const char *p = object.n != 0 ? skip_space(object.p, end) : end;

	if (p == end || *p != '{')
		return (struct json_walk){ end, end };
	return (struct json_walk){ p + 1, end };
}

bool json_walk_next(struct json_walk *w, struct span *key_r, struct span *value_r)
{
	const char *p = skip_space(w->at, w->end);

	if (p < w->end && *p == ',')
		p = skip_space(p + 1, w->end);
	if (p == w->end || *p != '"')
		return false;
	p = skip_space(take_value(p, w->end, key_r), w->end);
	if (p == w->end || *p != ':')
		return false;
	w->at = take_value(skip_space(p + 1, w->end), w->end, value_r);
	return true;
}

struct span json_member(struct span object, const char *key)
{
	struct json_walk walk = json_walk_of(object);
	struct span name, value;

	while (json_walk_next(&walk, &name, &value))
		if (span_is(name, key))
			return value;
	return (struct span){ "", 0 };
}

bool span_is(struct span s, const char *text)
{
	return strlen(text) == s.n && memcmp(s.p, text, s.n) == 0;
}

int64_t span_number(struct span s)
{
	int64_t v = 0;

	if (s.n == 0 || s.n > 18)
		return -1;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return -1;
		v = v * 10 + (s.p[i] - '0');
	}
	return v;
}

static enum packet_type type_of(struct span value)
{
	if (span_is(value, "response"))
		return PACKET_RESPONSE;
	return span_is(value, "notify") ? PACKET_NOTIFY : PACKET_OTHER;
}

bool packet_read(struct span text, struct packet *packet_r)
{
	struct json_walk walk = json_walk_of(text);
	struct span key, value;

	memset(packet_r, 0, sizeof *packet_r);
	packet_r->code = -1;
	while (json_walk_next(&walk, &key, &value)) {
		if (span_is(key, "type"))
			packet_r->type = type_of(value);
		else if (span_is(key, "seq"))
			packet_r->seq = (uint32_t)span_number(value);
		else if (span_is(key, "code"))
			packet_r->code = span_number(value);
		else if (span_is(key, "op"))
			packet_r->op = value;
		else if (span_is(key, "message"))
			packet_r->message = value;
		else if (span_is(key, "data"))
			packet_r->data = value;
	}
	return packet_r->type != PACKET_OTHER;
}
