/* SPDX-License-Identifier: MIT */
/*
 * Our HTTP/1.1 parser against libhttp-parser, and against itself cut into pieces (first byte). What
 * we take as a request the other must take too, with the same method, target, fields, body,
 * keep-alive and end. What we refuse it may accept, because we are stricter by intent:
 *   - lines that end with a bare LF or with a CR and something else, folded lines, more than one
 *     empty line in front;
 *   - a Host header that is missing, doubled, empty or not a host; userinfo in the target;
 *   - methods that we do not know; HTTP versions other than 1.0 and 1.1;
 *   - Content-Length more than once even when equal; transfer codings other than chunked alone;
 *   - Transfer-Encoding in HTTP/1.0; blanks behind it, or behind a chunk size without extension;
 *   - targets with '#', bad escapes, control characters, invalid UTF-8, %2F or dot segments;
 *   - control characters in field values; framing fields in trailers; our limits of size;
 *   - `Connection: ,close` and the like, where it overlooks the close.
 * The other way round, what it refuses and we accept:
 *   - absolute targets whose host part it reads more narrowly (RFC 3986 reg-name, ports);
 *   - fields whose name only begins with Transfer-Encoding: it takes them for that one;
 *   - tabs behind the number of a Content-Length (RFC 9110 section 5.5 strips them);
 *   - a tab between a chunk size and the ';' of its extension (BWS in RFC 9112 section 7.1.1).
 * And it closes where we go on:
 *   - Proxy-Connection: close, which it takes for Connection (RFC 9112 appendix C.2.2: not for us);
 *   - Connection: close in a trailer, which is not a place for it (RFC 9110 section 6.5.1).
 */
#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/slice.h"
#include "base/utf8.h"
#include "wire/http1.h"
#include "wire/uri.h"

#ifdef HAVE_HTTP_PARSER
#include <http_parser.h>
#endif

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(cond) \
	do { \
		if (!(cond)) { \
			fprintf(stderr, "%d: %s\n", __LINE__, #cond); \
			abort(); \
		} \
	} while (0)

static const struct http1_limits limits = { .body_bytes = 2000 };

/* ---- ours ---- */

static enum http1_fed feed(struct http1 *h, struct nuncio_str in, unsigned cuts, size_t *used_r)
{
	enum http1_fed fed = HTTP1_MORE;
	*used_r = 0;
	while (*used_r < in.n && fed == HTTP1_MORE) {
		size_t n = cuts ? 1 + cuts % 11 * (cuts >> 4 & 3) : in.n, used;
		cuts = cuts ? cuts * 5 + 3 : 0;
		if (n > in.n - *used_r)
			n = in.n - *used_r;
		char *copy = malloc(n);
		memcpy(copy, in.p + *used_r, n);
		fed = http1_feed(h, copy, n, &used);
		free(copy);
		REQUIRE(used == n || fed != HTTP1_MORE);
		*used_r += used;
	}
	return fed;
}

static void check_request(const struct http1_request *rq)
{
	struct nuncio_str query = rq->query, key, value, text;
	struct arena a;
	arena_init(&a, 0);
	REQUIRE(rq->path.n > 0 && (rq->path.p[0] == '/' || str_eq_text(rq->path, "*")));
	REQUIRE(utf8_is_valid(rq->path.p, rq->path.n) && !memchr(rq->path.p, 0, rq->path.n));
	REQUIRE(!memmem(rq->path.p, rq->path.n, "/../", 4) &&
		!memmem(rq->path.p, rq->path.n, "/./", 3));
	while (uri_query_next(&query, &key, &value))
		uri_decode(value, true, &a, &text);
	uri_query_get(rq->query, "access_token", &a, &text);
	http1_header_has(rq, "Connection", "upgrade");
	arena_fini(&a);
}

/* ---- the other ---- */

#ifdef HAVE_HTTP_PARSER
struct other {
	http_parser parser;
	struct buf url, fields, body; /* fields: name, value, each behind a NUL */
	bool in_value, is_complete, keep_alive, in_trailer;
};

static int add_url(http_parser *p, const char *at, size_t n)
{
	buf_add(&((struct other *)p->data)->url, at, n);
	return 0;
}

static int add_name(http_parser *p, const char *at, size_t n)
{
	struct other *o = p->data;
	if (o->in_trailer)
		return 0;
	if (o->in_value || o->fields.used == 0)
		buf_add_char(&o->fields, '\0');
	o->in_value = false;
	buf_add(&o->fields, at, n);
	return 0;
}

static int add_value(http_parser *p, const char *at, size_t n)
{
	struct other *o = p->data;
	if (o->in_trailer)
		return 0;
	if (!o->in_value)
		buf_add_char(&o->fields, '\0');
	o->in_value = true;
	buf_add(&o->fields, at, n);
	return 0;
}

static int end_head(http_parser *p)
{
	((struct other *)p->data)->in_trailer = true;
	return 0;
}

static int add_body(http_parser *p, const char *at, size_t n)
{
	buf_add(&((struct other *)p->data)->body, at, n);
	return 0;
}

static int complete(http_parser *p)
{
	struct other *o = p->data;
	o->is_complete = true;
	o->keep_alive = http_should_keep_alive(p) != 0;
	http_parser_pause(p, 1);
	return 0;
}

/* Ours in the same form; the other leaves blanks behind a value, which the field rule strips. */
static void add_ours(const struct http1_request *rq, struct buf *to)
{
	for (size_t i = 0; i < rq->field_count; i++) {
		buf_add_char(to, '\0');
		buf_add_str(to, rq->fields[i].name);
		buf_add_char(to, '\0');
		buf_add_str(to, rq->fields[i].value);
	}
}

static void strip_values(struct buf *b)
{
	size_t to = 0;
	for (size_t i = 0; i < b->used; i++) {
		if (b->data[i] == '\0')
			while (to && (b->data[to - 1] == ' ' || b->data[to - 1] == '\t'))
				to--;
		b->data[to++] = b->data[i];
	}
	while (to && (b->data[to - 1] == ' ' || b->data[to - 1] == '\t'))
		to--;
	b->used = to;
}

/* The head is kept as it came, so what was stripped still stands behind the value. */
static bool has_tab_behind(struct nuncio_str value)
{
	const char *p = value.p + value.n;
	while (*p == ' ')
		p++;
	return *p == '\t';
}

/* What stands behind the head of a chunked request that is good: sizes, extensions, trailers. */
struct tail {
	bool has_tab;   /* between a chunk size and its extension */
	bool may_close; /* a trailer that the other obeys */
};

static bool is_connection(struct nuncio_str name)
{
	return str_eq_nocase(name, STR("Connection")) ||
	       str_eq_nocase(name, STR("Proxy-Connection"));
}

static struct nuncio_str take_line(struct nuncio_str *rest)
{
	struct nuncio_str line;
	REQUIRE(str_cut(*rest, '\n', &line, rest) && line.n > 0);
	line.n--;
	return line;
}

static void read_trailers(struct nuncio_str rest, struct tail *tail)
{
	for (;;) {
		struct nuncio_str line = take_line(&rest), name, value;
		if (line.n == 0)
			return;
		str_cut(line, ':', &name, &value);
		tail->may_close |= is_connection(name);
	}
}

/* in: what was read of it, from its first byte. */
static struct tail read_tail(struct nuncio_str in)
{
	struct tail tail = { false, false };
	struct nuncio_str line = take_line(&in);
	if (line.n == 0) /* one empty line may be in front */
		take_line(&in);
	while (take_line(&in).n)
		;
	for (;;) {
		line = take_line(&in);
		size_t digits = 0, size;
		while (digits < line.n && isxdigit((unsigned char)line.p[digits]))
			digits++;
		size = strtoul(line.p, NULL, 16);
		tail.has_tab |= digits < line.n && line.p[digits] == '\t';
		if (size == 0)
			break;
		in.p += size + 2;
		in.n -= size + 2;
	}
	read_trailers(in, &tail);
	return tail;
}

static bool is_narrow(const struct http1_request *rq)
{
	for (size_t i = 0; i < rq->field_count; i++) {
		struct nuncio_str name = rq->fields[i].name;
		if (name.n > 17 &&
			str_eq_nocase((struct nuncio_str){ name.p, 17 }, STR("Transfer-Encoding")))
			return true;
		if (str_eq_nocase(name, STR("Content-Length")) &&
			has_tab_behind(rq->fields[i].value))
			return true;
	}
	return rq->target.n && rq->target.p[0] != '/' && rq->target.p[0] != '*';
}

/* Whether it may close where we do not. */
static bool closes_more(const struct http1_request *rq, const struct tail *tail)
{
	return tail->may_close || http1_header_has(rq, "Proxy-Connection", "close");
}

static void compare_request(
	const struct http1_request *rq, const struct tail *tail, struct other *o)
{
	struct buf fields;
	buf_init(&fields);
	add_ours(rq, &fields);
	strip_values(&o->fields);
	REQUIRE(str_eq(rq->target, buf_str(&o->url)));
	REQUIRE(str_eq_text(rq->method, http_method_str((enum http_method)o->parser.method)));
	REQUIRE(str_eq(buf_str(&fields), buf_str(&o->fields)));
	REQUIRE(str_eq(rq->body, buf_str(&o->body)));
	REQUIRE(rq->minor == o->parser.http_minor && o->parser.http_major == 1);
	if (o->parser.upgrade == 0 && rq->minor == 1 && !closes_more(rq, tail))
		REQUIRE(!rq->keep_alive || o->keep_alive);
	buf_fini(&fields);
}

static void compare(
	struct nuncio_str in, enum http1_fed fed, size_t used, const struct http1_request *rq)
{
	struct other o;
	http_parser_settings settings;
	memset(&o, 0, sizeof(o));
	http_parser_settings_init(&settings);
	settings.on_url = add_url;
	settings.on_header_field = add_name;
	settings.on_header_value = add_value;
	settings.on_headers_complete = end_head;
	settings.on_body = add_body;
	settings.on_message_complete = complete;
	http_parser_init(&o.parser, HTTP_REQUEST);
	o.parser.data = &o;
	size_t other_used = http_parser_execute(&o.parser, &settings, in.p, in.n);
	struct tail tail = { false, false };
	if (fed == HTTP1_READY && http1_header(rq, "Transfer-Encoding").p)
		tail = read_tail((struct nuncio_str){ in.p, used });
	bool may_refuse = fed == HTTP1_READY && (tail.has_tab || is_narrow(rq));
	if (fed == HTTP1_READY && !(may_refuse && !o.is_complete)) {
		REQUIRE(o.is_complete);
		REQUIRE(other_used == used || other_used + 1 == used);
		compare_request(rq, &tail, &o);
	}
	buf_fini(&o.url);
	buf_fini(&o.fields);
	buf_fini(&o.body);
}
#endif

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t used, cut_used;
	if (size < 1)
		return 0;
	struct nuncio_str in = { (const char *)data + 1, size - 1 };
	struct http1 *whole = http1_new(&limits), *cut = http1_new(&limits);
	enum http1_fed fed = feed(whole, in, 0, &used),
		       cut_fed = feed(cut, in, data[0] | 1u, &cut_used);
	REQUIRE(fed == cut_fed);
	REQUIRE(fed != HTTP1_FAILED || http1_failure(whole).status == http1_failure(cut).status);
	REQUIRE((http1_request(whole) != NULL) == (fed == HTTP1_READY));
	if (fed == HTTP1_READY) {
		REQUIRE(used == cut_used);
		check_request(http1_request(whole));
		REQUIRE(str_eq(http1_request(whole)->body, http1_request(cut)->body));
	}
#ifdef HAVE_HTTP_PARSER
	compare(in, fed, used, http1_request(whole));
#endif
	http1_free(&whole);
	http1_free(&cut);
	return 0;
}
