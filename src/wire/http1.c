/* SPDX-License-Identifier: MIT */
/*
 * Reads HTTP/1.1 requests that arrive in pieces: collects the head line by line, has http1_head.c
 * parse it when it is complete, then collects the body. One struct per connection that speaks HTTP;
 * it owns the memory of one request, grows it with received bytes only (never with announced ones),
 * and gives it back in http1_next. Each byte is looked at once however small the pieces are.
 *
 * It keeps no time: clients that are too slow are the I/O thread's business, which http1_is_idle
 * and http1_is_in_body help with.
 */
#include "wire/http1.h"

#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/check.h"
#include "base/slice.h"
#include "wire/http1_private.h"

/* Method, target, version and the blanks between them. */
#define REQUEST_LINE_BYTES (LIMIT_HTTP_METHOD_BYTES + LIMIT_HTTP_TARGET_BYTES + 12)

enum phase {
	PHASE_HEAD,       /* collecting lines */
	PHASE_BODY,       /* of known length */
	PHASE_CHUNK_SIZE, /* the line in front of a chunk */
	PHASE_CHUNK,      /* its bytes */
	PHASE_CHUNK_END,  /* the CRLF behind it */
	PHASE_TRAILER,    /* field lines behind the last chunk */
	PHASE_READY,
	PHASE_FAILED
};

struct http1 {
	struct http1_limits limits;
	enum phase phase;
	struct buf head;
	size_t line_start;  /* of the line that is being collected in head (or in line) */
	size_t line_count;  /* whole lines in head, without the empty one */
	bool skipped_line;  /* one empty line before the request line is tolerated */
	struct buf line;    /* chunk size and trailer lines */
	size_t extra_bytes; /* of chunk extensions and trailers so far */
	uint64_t left;      /* of the body or chunk */
	size_t body_limit;  /* of this request */
	struct buf body;
	struct http1_request rq;
	struct http1_field *fields;
	char *path;
	bool continue_due;
	struct http1_failure failure;
};

struct http1 *http1_new(const struct http1_limits *limits)
{
	struct http1 *h = ALLOC_NEW(struct http1);
	if (limits)
		h->limits = *limits;
	if (!h->limits.head_bytes)
		h->limits.head_bytes = LIMIT_HTTP_HEAD_BYTES;
	if (!h->limits.body_bytes)
		h->limits.body_bytes = LIMIT_HTTP_BODY_BYTES;
	return h;
}

void http1_next(struct http1 *h)
{
	struct http1_limits limits = h->limits;
	buf_fini(&h->head);
	buf_fini(&h->line);
	buf_fini(&h->body);
	alloc_free(h->fields);
	alloc_free(h->path);
	memset(h, 0, sizeof(*h));
	h->limits = limits;
}

void http1_free(struct http1 **hp)
{
	if (*hp)
		http1_next(*hp);
	alloc_free(*hp);
	*hp = NULL;
}

static enum http1_fed fail(struct http1 *h, int status, const char *text)
{
	h->phase = PHASE_FAILED;
	h->failure = (struct http1_failure){ status, text };
	return HTTP1_FAILED;
}

/* ---- lines ---- */

/*
 * Moves bytes up to and with the next LF into b. 1 when a line is complete, 0 when bytes ran out,
 * negative when it ends without CR: then where one server sees a line's end another may not.
 */
static int collect_line(struct buf *b, size_t most, const char **p, const char *end)
{
	size_t left = (size_t)(end - *p), room = most > b->used ? most - b->used : 0;
	const char *lf = memchr(*p, '\n', left < room ? left : room);
	size_t n = lf ? (size_t)(lf - *p) + 1 : left < room ? left : room;
	buf_add(b, *p, n);
	*p += n;
	if (!lf)
		return n == left && b->used < most ? 0 : NUNCIO_E_TOOBIG;
	return b->used >= 2 && b->data[b->used - 2] == '\r' ? 1 : NUNCIO_E_INVAL;
}

/* The line behind line_start, without CRLF. A CR inside of it is as bad as an LF without. */
static struct nuncio_str last_line(const struct buf *b, size_t line_start)
{
	return (struct nuncio_str){ b->data + line_start, b->used - 2 - line_start };
}

static bool has_cr(struct nuncio_str line)
{
	return line.n && memchr(line.p, '\r', line.n) != NULL;
}

/* ---- head ---- */

/* Who names no one gets no large buffer; whether the name is good, others find out. */
static size_t body_limit(const struct http1 *h)
{
	size_t most = h->limits.body_bytes, open = h->limits.open_body_bytes;
	return open && open < most && !http1_header(&h->rq, "Authorization").p ? open : most;
}

static enum http1_fed too_long(struct http1 *h)
{
	return fail(h, 413,
		h->body_limit < h->limits.body_bytes
			? "the body is too long for a request without Authorization"
			: "the body is too long");
}

static enum http1_fed begin_body(struct http1 *h)
{
	struct http1_framing framing;
	const char *why = NULL;
	int status = http1_parse_head(
		buf_str(&h->head), h->line_count, &h->rq, &framing, &h->fields, &h->path, &why);
	if (status)
		return fail(h, status, why);
	h->body_limit = body_limit(h);
	if (framing.body_bytes > h->body_limit)
		return too_long(h);
	h->left = framing.body_bytes;
	h->phase = framing.is_chunked ? PHASE_CHUNK_SIZE : h->left ? PHASE_BODY : PHASE_READY;
	h->continue_due = h->rq.expect_continue && h->phase != PHASE_READY;
	return HTTP1_MORE;
}

static enum http1_fed end_head_line(struct http1 *h)
{
	struct nuncio_str line = last_line(&h->head, h->line_start);
	if (has_cr(line))
		return fail(h, 400, "a CR that does not end a line");
	if (line.n == 0 && h->line_count == 0) {
		if (h->skipped_line)
			return fail(h, 400, "empty lines instead of a request");
		h->skipped_line = true;
		buf_reset(&h->head);
		return HTTP1_MORE;
	}
	if (line.n == 0)
		return begin_body(h);
	if (h->line_count > LIMIT_HTTP_HEADERS)
		return fail(h, 431, "too many headers");
	h->line_count++;
	h->line_start = h->head.used;
	return HTTP1_MORE;
}

static enum http1_fed feed_head(struct http1 *h, const char **p, const char *end)
{
	size_t most = h->limits.head_bytes;
	if (h->line_count == 0 && most > REQUEST_LINE_BYTES)
		most = REQUEST_LINE_BYTES;
	int rc = collect_line(&h->head, most, p, end);
	if (rc == NUNCIO_E_TOOBIG)
		return h->line_count ? fail(h, 431, "the request head is too long")
				     : fail(h, 414, "the request line is too long");
	if (rc < 0)
		return fail(h, 400, "a line that ends without CR");
	return rc ? end_head_line(h) : HTTP1_MORE;
}

/* ---- body ---- */

static enum http1_fed feed_body(struct http1 *h, const char **p, const char *end, enum phase then)
{
	size_t n = (size_t)(end - *p);
	if (n > h->left)
		n = (size_t)h->left;
	buf_add(&h->body, *p, n);
	*p += n;
	h->left -= n;
	if (h->left == 0)
		h->phase = then;
	return HTTP1_MORE;
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Extensions are ignored (RFC 9112 section 7.1.1), but only text can be one. */
static bool is_extension(struct nuncio_str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (((unsigned char)s.p[i] < 0x20 && s.p[i] != '\t') || s.p[i] == 0x7F)
			return false;
	while (s.n && (s.p[0] == ' ' || s.p[0] == '\t')) {
		s.p++;
		s.n--;
	}
	return s.n >= 2 && s.p[0] == ';';
}

static enum http1_fed end_chunk_size(struct http1 *h, struct nuncio_str line)
{
	size_t digits = 0;
	uint64_t size = 0;
	while (digits < line.n && hex_value(line.p[digits]) >= 0) {
		if (size >> 60)
			return too_long(h);
		size = size << 4 | (uint64_t)hex_value(line.p[digits++]);
	}
	struct nuncio_str extension = { line.p + digits, line.n - digits };
	if (digits == 0 || has_cr(line) || (extension.n && !is_extension(extension)))
		return fail(h, 400, "a malformed chunk size");
	if (size > h->body_limit - h->body.used)
		return too_long(h);
	h->extra_bytes += extension.n;
	if (h->extra_bytes > LIMIT_HTTP_CHUNK_EXTRA_BYTES)
		return fail(h, 400, "too many chunk extensions");
	h->left = size;
	h->phase = size ? PHASE_CHUNK : PHASE_TRAILER;
	return HTTP1_MORE;
}

static enum http1_fed end_chunk(struct http1 *h, struct nuncio_str line)
{
	if (line.n)
		return fail(h, 400, "a chunk that is longer than its size");
	h->phase = PHASE_CHUNK_SIZE;
	return HTTP1_MORE;
}

/*
 * Fields that say where a body ends come too late here (RFC 9110 section 6.5.1); who heeded them
 * all the same would see another end than we do.
 */
static bool is_framing(struct nuncio_str name)
{
	static const struct nuncio_str framing[] = { STR_INIT("Content-Length"),
		STR_INIT("Transfer-Encoding") };
	for (size_t i = 0; i < 2; i++)
		if (name.n >= framing[i].n &&
			str_eq_nocase((struct nuncio_str){ name.p, framing[i].n }, framing[i]))
			return true;
	return false;
}

static enum http1_fed end_trailer(struct http1 *h, struct nuncio_str line)
{
	struct http1_field field;
	const char *why = NULL;
	if (line.n == 0) {
		h->phase = PHASE_READY;
		return HTTP1_MORE;
	}
	h->extra_bytes += line.n;
	if (h->extra_bytes > LIMIT_HTTP_CHUNK_EXTRA_BYTES)
		return fail(h, 431, "the trailers are too long");
	if (has_cr(line))
		return fail(h, 400, "a CR that does not end a line");
	int status = http1_parse_field(line, &field, &why);
	if (status)
		return fail(h, status, why);
	return is_framing(field.name) ? fail(h, 400, "a trailer that may not be one") : HTTP1_MORE;
}

static enum http1_fed feed_line(struct http1 *h, const char **p, const char *end)
{
	size_t most = h->phase == PHASE_TRAILER     ? LIMIT_HTTP_CHUNK_EXTRA_BYTES
		      : h->phase == PHASE_CHUNK_END ? 2
						    : LIMIT_HTTP_CHUNK_LINE_BYTES;
	int rc = collect_line(&h->line, most, p, end);
	enum http1_fed fed = HTTP1_MORE;
	if (rc < 0)
		return fail(h, 400, "a malformed line in a chunked body");
	if (rc == 0)
		return HTTP1_MORE;
	struct nuncio_str line = last_line(&h->line, 0);
	if (h->phase == PHASE_CHUNK_SIZE)
		fed = end_chunk_size(h, line);
	else if (h->phase == PHASE_CHUNK_END)
		fed = end_chunk(h, line);
	else
		fed = end_trailer(h, line);
	buf_reset(&h->line);
	return fed;
}

/* ---- all together ---- */

static enum http1_fed step(struct http1 *h, const char **p, const char *end)
{
	switch (h->phase) {
	case PHASE_HEAD:
		return feed_head(h, p, end);
	case PHASE_BODY:
		return feed_body(h, p, end, PHASE_READY);
	case PHASE_CHUNK:
		return feed_body(h, p, end, PHASE_CHUNK_END);
	case PHASE_FAILED:
		return HTTP1_FAILED;
	default:
		return feed_line(h, p, end);
	}
}

enum http1_fed http1_feed(struct http1 *h, const char *bytes, size_t n, size_t *used_r)
{
	const char *p = bytes, *end = bytes + n;
	enum http1_fed fed = h->phase == PHASE_FAILED ? HTTP1_FAILED : HTTP1_MORE;
	while (fed == HTTP1_MORE && h->phase != PHASE_READY && p < end)
		fed = step(h, &p, end);
	*used_r = (size_t)(p - bytes);
	if (fed == HTTP1_MORE && h->phase == PHASE_READY) {
		h->rq.body = buf_str(&h->body);
		h->continue_due = false;
		return HTTP1_READY;
	}
	return fed;
}

const struct http1_request *http1_request(const struct http1 *h)
{
	return h->phase == PHASE_READY ? &h->rq : NULL;
}

size_t http1_bytes(const struct http1 *h)
{
	return h->head.size + h->line.size + h->body.size + h->rq.field_count * sizeof(*h->fields) +
	       (h->path ? h->rq.path.n : 0);
}

void http1_drop_body(struct http1 *h)
{
	CHECK(h->phase == PHASE_READY);
	buf_fini(&h->body);
	h->rq.body = (struct nuncio_str){ NULL, 0 };
}

bool http1_is_idle(const struct http1 *h)
{
	return h->phase == PHASE_HEAD && h->head.used == 0;
}

bool http1_is_in_body(const struct http1 *h)
{
	return h->phase >= PHASE_BODY && h->phase < PHASE_READY;
}

bool http1_take_continue(struct http1 *h)
{
	bool due = h->continue_due && h->body.used == 0;
	h->continue_due = false;
	return due;
}

struct http1_failure http1_failure(const struct http1 *h)
{
	return h->failure;
}
