/* SPDX-License-Identifier: MIT */
/*
 * HTTP on a connection: one request at a time goes to the logic thread, whole and in an arena of
 * its own; what the client sent behind it waits here (at most one read) or in the kernel. A parser
 * exists only from a request's first byte to its answer.
 *
 * All that the requests of a thread hold is counted (http_bytes): what arrives, what waits behind
 * it, and the copy that the logic thread works on, until it is answered. Over the limit a request
 * is refused with 503; those that are still arriving have half of it, so that slow bodies of
 * strangers do not shut out requests that come at once. FAIR_BYTES of each connection are never
 * refused. Answers count, too, until they have left: over the limit the next large one is not sent.
 *
 * What cannot be understood is answered here in the unified form, and the connection ends; its
 * input is dropped for a while, so that the client can read the answer instead of a reset. A
 * request target may hold a token: nothing here logs one.
 */
#include "io/conn_private.h"

#include <string.h>

#include <nuncio/codes.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/slice.h"
#include "io/refusal.h"
#include "wire/http1_out.h"

enum {
	COPY_MAX_BYTES = 4096, /* a longer body is sent from where it lies */
	FAIR_BYTES = 4096      /* most requests are not longer */
};

/* ---- the parser comes and goes ---- */

static void open_http(struct conn *c)
{
	struct io_thread *t = c->thread;
	if (c->http)
		return;
	if (t->spare_http) {
		c->http = t->spare_http;
		t->spare_http = c->http->next;
		t->spare_http_count--;
		return;
	}
	c->http = ALLOC_NEW(struct conn_http);
	c->http->parser = http1_new(&t->http_limits);
}

static void free_http(struct conn_http *http)
{
	http1_free(&http->parser);
	alloc_free(http);
}

static void count(struct conn *c, size_t bytes)
{
	COUNTER_ADD(
		c->thread->counters.http_bytes, (int64_t)bytes - (int64_t)c->http->counted_bytes);
	c->http->counted_bytes = bytes;
}

void conn_http_close(struct conn *c)
{
	struct io_thread *t = c->thread;
	struct conn_http *http = c->http;
	if (!http)
		return;
	count(c, 0);
	c->http = NULL;
	alloc_free(http->rest);
	if (t->spare_http_count >= IO_SPARE_HTTP || http1_request(http->parser) == NULL) {
		free_http(http); /* in the middle of something, or failed */
		return;
	}
	struct http1 *parser = http->parser;
	http1_next(parser);
	*http = (struct conn_http){ .parser = parser, .next = t->spare_http };
	t->spare_http = http;
	t->spare_http_count++;
}

void conn_http_fini(struct io_thread *t)
{
	while (t->spare_http) {
		struct conn_http *http = t->spare_http;
		t->spare_http = http->next;
		free_http(http);
	}
	t->spare_http_count = 0;
}

/* ---- refusing ---- */

void conn_http_refuse(struct conn *c, int code, const char *text, const char *trace)
{
	struct io_thread *t = c->thread;
	const struct http1_request *rq = c->http ? http1_request(c->http->parser) : NULL;
	char made[REFUSAL_TRACE_SIZE];
	if (!trace || !trace[0]) {
		refusal_trace(rq, made);
		trace = made;
	}
	const struct refusal refusal = { .code = code,
		.text = text,
		.trace = trace,
		.date = io_thread_date(t),
		.is_head = c->http && c->http->is_head };
	COUNTER_ADD(t->counters.refused, 1);
	if (log_is_on(LOG_LEVEL_DEBUG))
		log_write(LOG_LEVEL_DEBUG, "io", trace, "refused with code %d: %s", code, text);
	buf_reset(&t->text);
	refusal_write(&t->text, &refusal);
	conn_send_copy(c, buf_str(&t->text));
	conn_http_close(c);
	conn_end(c);
}

void conn_http_timeout(struct conn *c)
{
	bool is_begun = c->is_in_body || (c->http && !http1_is_idle(c->http->parser));
	COUNTER_ADD(c->thread->counters.timeouts, 1);
	if (is_begun)
		conn_http_refuse(c, NUNCIO_CODE_request_timeout,
			c->is_in_body ? "the body did not arrive in time"
				      : "the head did not arrive in time",
			NULL);
	else
		conn_kill(c, 1006);
}

/* ---- a request ---- */

static struct http1_field *copy_fields(struct arena *a, const struct http1_request *rq)
{
	struct http1_field *fields = arena_get(a, (rq->field_count + 1) * sizeof(*fields));
	for (size_t i = 0; i < rq->field_count; i++) {
		fields[i].name = arena_str(a, rq->fields[i].name);
		fields[i].value = arena_str(a, rq->fields[i].value);
	}
	return fields;
}

/* One block, as a rule: what the arena adds to each piece is counted in. */
static size_t request_bytes(const struct http1_request *rq)
{
	size_t n = sizeof(struct io_http) + 512 + rq->method.n + rq->path.n + rq->query.n +
		   rq->host.n + rq->body.n;
	for (size_t i = 0; i < rq->field_count; i++)
		n += sizeof(struct http1_field) + rq->fields[i].name.n + rq->fields[i].value.n + 64;
	return n;
}

static void give_request(struct conn *c, const struct http1_request *rq)
{
	struct arena a;
	size_t bytes = request_bytes(rq);
	arena_init(&a, bytes);
	struct io_http *m = arena_zero(&a, sizeof(*m));
	m->mail.kind = IO_HTTP;
	m->id = c->id;
	m->method = arena_str(&a, rq->method);
	m->path = arena_str(&a, rq->path);
	m->query = arena_str(&a, rq->query);
	m->body = arena_str(&a, rq->body);
	m->host = arena_str(&a, rq->host);
	m->fields = copy_fields(&a, rq);
	m->field_count = rq->field_count;
	conn_peer(c, m->address, &m->port);
	m->arena = a;
	COUNTER_ADD(c->thread->counters.requests, 1);
	outbox_add_bytes(&c->thread->outbox, &m->mail, bytes);
	conn_set_state(c, CONN_WAITING);
}

/* What the request holds: `rest_bytes` of what came behind it, too. False: it was refused. */
static bool has_room(struct conn *c, size_t rest_bytes, bool is_whole)
{
	struct io_thread *t = c->thread;
	size_t bytes = http1_bytes(c->http->parser) + rest_bytes;
	size_t limit = is_whole ? t->settings->http_bytes : t->settings->http_bytes / 2;
	count(c, bytes);
	if (bytes <= FAIR_BYTES || (uint64_t)t->counters.http_bytes <= limit)
		return true;
	COUNTER_ADD(t->counters.crowded, 1);
	conn_http_refuse(c, NUNCIO_CODE_busy, "too many requests at once", NULL);
	return false;
}

static void on_request(struct conn *c)
{
	const struct http1_request *rq = http1_request(c->http->parser);
	c->is_in_head = c->is_in_body = false;
	c->http->is_head = str_eq(rq->method, STR("HEAD"));
	c->http->is_old = rq->minor == 0;
	c->http->keep_alive = rq->keep_alive;
	if (str_eq(rq->path, STR("/ws"))) {
		conn_shake(c, rq);
		return;
	}
	give_request(c, rq);
	http1_drop_body(c->http->parser); /* its copy stays counted */
}

/* The deadline of a head begins with its first byte, that of a body with the head's end. */
static void on_partial(struct conn *c)
{
	struct http1 *parser = c->http->parser;
	bool is_in_body = http1_is_in_body(parser), is_in_head = !http1_is_idle(parser);
	if (http1_take_continue(parser))
		conn_send_copy(c, STR("HTTP/1.1 100 Continue\r\n\r\n"));
	if (is_in_body == c->is_in_body && (is_in_head == c->is_in_head || !is_in_head))
		return;
	c->is_in_body = is_in_body;
	c->is_in_head = is_in_head;
	conn_restart_clock(c);
}

static void keep_rest(struct conn *c, const char *bytes, size_t n)
{
	if (!n || (c->state != CONN_WAITING && c->state != CONN_ADMITTING))
		return;
	c->http->rest = alloc_copy(bytes, n);
	c->http->rest_bytes = n;
}

void conn_http_input(struct conn *c, char *bytes, size_t n)
{
	size_t used = 0;
	open_http(c);
	switch (http1_feed(c->http->parser, bytes, n, &used)) {
	case HTTP1_MORE:
		if (has_room(c, 0, false))
			on_partial(c);
		break;
	case HTTP1_READY:
		if (!has_room(c, n - used, true))
			break;
		on_request(c);
		keep_rest(c, bytes + used, n - used);
		break;
	default: {
		struct http1_failure failure = http1_failure(c->http->parser);
		conn_http_refuse(c, refusal_code(failure.status), failure.text, NULL);
	}
	}
}

/* ---- its answer ---- */

static int write_head(struct conn *c, const struct io_answer *m, bool close)
{
	struct io_thread *t = c->thread;
	bool has_no_body = m->status == 204 || m->status == 304 || m->status < 200;
	const struct http1_answer answer = { .status = m->status,
		.fields = m->fields,
		.field_count = m->field_count,
		.body_bytes = has_no_body ? HTTP1_NO_BODY : m->body.n,
		.close = close,
		.keep_alive = c->http->is_old && !close,
		.date = io_thread_date(t) };
	buf_reset(&t->text);
	return http1_write_head(&t->text, &answer);
}

/* Slow readers of large answers have filled it; not those who will take theirs with this turn. */
static bool is_crowded(struct io_thread *t)
{
	if ((uint64_t)t->counters.http_bytes <= t->settings->http_bytes)
		return false;
	conn_flush_ready(t);
	return (uint64_t)t->counters.http_bytes > t->settings->http_bytes;
}

static void refuse_answer(struct conn *c)
{
	if (c->state != CONN_WAITING) /* it was found gone */
		return;
	COUNTER_ADD(c->thread->counters.crowded, 1);
	conn_http_refuse(c, NUNCIO_CODE_busy, "too many large answers at once", NULL);
}

/* Takes the message: its body may have to stay until it is sent. */
static void send_answer(struct conn *c, struct io_answer *m)
{
	struct io_thread *t = c->thread;
	bool has_body = m->body.n && !c->http->is_head && m->status != 204 && m->status != 304;
	if (has_body && m->body.n <= COPY_MAX_BYTES)
		buf_add_str(&t->text, m->body);
	conn_send_copy(c, buf_str(&t->text));
	if (has_body && m->body.n > COPY_MAX_BYTES)
		conn_send_own(c, m, m->body);
	else
		alloc_free(m);
}

/* Ready for the next request, which may have been read already. */
void conn_http_go_on(struct conn *c)
{
	char *rest = c->http->rest;
	size_t rest_bytes = c->http->rest_bytes;
	c->http->rest = NULL;
	conn_http_close(c);
	c->is_waiting = c->is_answered = false;
	conn_set_state(c, CONN_HTTP);
	conn_update_events(c);
	if (rest)
		conn_http_input(c, rest, rest_bytes);
	alloc_free(rest);
}

/* Who asks and does not read gets no next answer before the last ones have left. */
static void go_on_if_read(struct conn *c)
{
	if (c->outq && c->outq->bytes > OUTQ_SCRATCH_BYTES)
		conn_flush(c);
	if (c->outq && c->outq->bytes > OUTQ_SCRATCH_BYTES)
		c->is_answered = true;
	else if (c->state == CONN_WAITING)
		conn_http_go_on(c);
}

void conn_http_answer(struct conn *c, struct io_answer *m)
{
	if (c->state != CONN_WAITING || c->is_answered) {
		alloc_free(m);
		return;
	}
	if (m->body.n > FAIR_BYTES && is_crowded(c->thread)) {
		alloc_free(m);
		refuse_answer(c);
		return;
	}
	bool close = m->close || !c->http->keep_alive || c->thread->is_draining;
	if (write_head(c, m, close) < 0) {
		log_write(LOG_LEVEL_ERROR, "io", NULL,
			"an answer with status %d has a malformed header field", m->status);
		alloc_free(m);
		conn_http_refuse(c, NUNCIO_CODE_internal, "the answer was malformed", NULL);
		return;
	}
	send_answer(c, m);
	if (close) {
		conn_http_close(c);
		conn_end(c);
	} else {
		go_on_if_read(c);
	}
}
