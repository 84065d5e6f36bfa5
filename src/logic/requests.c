/* SPDX-License-Identifier: MIT */
#include "logic/requests.h"

/*
 * The life of a request and its answer: made from a packet or an HTTP call, owned by a handler,
 * ended by exactly one answer. All requests have the same time to live, whatever it is at the
 * moment, so they wait in one list in the order in which they began. Logic thread only.
 */

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/slice.h"
#include "hook/chain.h"
#include "logic/control.h"
#include "logic/logic.h"
#include "logic/request_input.h"
#include "logic/requests_private.h"
#include "wire/json_out.h"

void requests_init(struct requests *requests)
{
	list_init(&requests->waiting);
	list_init(&requests->late);
	list_init(&requests->slow);
	requests->count = 0;
	requests->inner_count = 0;
	requests->is_over = false;
}

static struct nuncio_request *request_new(struct logic *logic, nuncio_sid id)
{
	struct nuncio_request *rq = ALLOC_NEW(struct nuncio_request);
	rq->magic = REQUEST_MAGIC;
	rq->logic = logic;
	rq->id = id;
	rq->begun_ms = loop_now_ms(logic->parts.loop);
	rq->begun_ns = clock_mono_ns();
	arena_init(&rq->arena, 1024);
	list_add(&logic->requests.waiting, &rq->node);
	logic->requests.count++;
	return rq;
}

struct nuncio_request *request_from_packet(
	struct logic *logic, const struct session *session, struct io_packet *packet)
{
	struct nuncio_request *rq = request_new(logic, packet->id);
	metric_add_alone(logic->count.requests, 1);
	rq->packet = packet;
	rq->seq = packet->packet.seq;
	rq->data = packet->packet.data;
	request_set_user(rq, session_user_name(session));
	return rq;
}

struct nuncio_request *request_from_http(struct logic *logic, struct io_http *http)
{
	struct nuncio_request *rq = request_new(logic, http->id);
	metric_add_alone(logic->count.http_requests, 1);
	rq->is_http = true;
	rq->arena = http->arena;
	rq->http = arena_zero(&rq->arena, sizeof *rq->http);
	rq->http->method = http->method;
	rq->http->path = http->path;
	rq->http->query = http->query;
	rq->http->host = http->host;
	rq->http->fields = http->fields;
	rq->http->field_count = http->field_count;
	rq->data = http->body;
	memcpy(rq->address, http->address, sizeof rq->address);
	return rq;
}

struct nuncio_request *request_from_module(struct logic *logic, struct nuncio_str who,
	struct nuncio_str data, const struct inner_side *inner)
{
	struct nuncio_request *rq = request_new(logic, 0);
	rq->inner = arena_zero(&rq->arena, sizeof *rq->inner);
	*rq->inner = *inner;
	rq->inner->extra = arena_str(&rq->arena, inner->extra);
	rq->data = arena_str(&rq->arena, data);
	request_set_user(rq, who);
	logic->requests.inner_count++;
	metric_add_alone(logic->count.inner_requests, 1);
	return rq;
}

struct nuncio_request *request_from_control(
	struct logic *logic, struct nuncio_str data, struct control_sink *sink, bool is_slow)
{
	struct nuncio_request *rq = request_new(logic, 0);
	logic->requests.count--; /* nothing waits for the operator's */
	rq->is_control = true;
	rq->sink = sink;
	rq->data = (struct nuncio_str){ arena_copy(&rq->arena, data.p, data.n), data.n };
	if (is_slow) {
		list_remove(&rq->node);
		list_add(&logic->requests.slow, &rq->node);
	}
	return rq;
}

void request_set_user(struct nuncio_request *rq, struct nuncio_str user)
{
	CHECK(user.n < sizeof rq->user);
	memcpy(rq->user, user.n ? user.p : "", user.n);
	rq->user[user.n] = '\0';
	rq->user_bytes = (uint8_t)user.n;
}

const char *request_trace(struct nuncio_request *rq)
{
	struct nuncio_str header = { NULL, 0 };
	if (!rq->trace[0]) {
		if (rq->is_http)
			request_header(rq, "traceparent", &header);
		trace_from_header(header, rq->trace);
	}
	return rq->trace;
}

void request_free(struct nuncio_request **rq)
{
	struct nuncio_request *r = *rq;
	CHECK_MAGIC(r, REQUEST_MAGIC);
	if (r->parked)
		chain_cancel(&r->parked);
	list_remove(&r->node);
	if (!r->is_answered && !r->is_control)
		r->logic->requests.count--;
	if (r->inner && !r->is_answered)
		r->logic->requests.inner_count--;
	r->magic = 0;
	arena_fini(&r->arena);
	alloc_free(r->packet);
	alloc_free(r);
	*rq = NULL;
}

static struct session *request_live_session(const struct nuncio_request *rq)
{
	return rq->is_http ? NULL : session_find(&rq->logic->sessions, rq->id);
}

void request_park(struct nuncio_request *rq, struct chain *chain)
{
	struct session *session = request_live_session(rq);
	rq->parked = chain;
	if (session)
		session->parked = rq;
}

bool request_unpark(struct nuncio_request *rq)
{
	struct session *session = request_live_session(rq);
	bool was_parked = rq->parked != NULL;
	rq->parked = NULL;
	if (session && was_parked)
		session->parked = NULL;
	return was_parked;
}

void request_drop(struct nuncio_request **rq)
{
	if (*rq)
		request_free(rq);
}

/* ---- the answer ---- */

static void request_answer_packet(
	struct nuncio_request *rq, int code, struct nuncio_str message, struct nuncio_str data)
{
	struct session *session = session_find(&rq->logic->sessions, rq->id);
	if (!session || session->state == SESSION_CLOSING)
		return;
	struct io_send *send = alloc_get(sizeof *send + sizeof(nuncio_sid));
	send->mail.kind = IO_SEND;
	send->packet = packet_out_response(rq->seq, code, message, data);
	send->count = 1;
	send->ids[0] = rq->id;
	logic_post_io(rq->logic, rq->id, &send->mail);
}

static size_t http_fields_bytes(const struct http1_field *fields, size_t count)
{
	size_t n = 0;
	for (size_t i = 0; i < count; i++)
		n += sizeof *fields + fields[i].name.n + fields[i].value.n;
	return n;
}

static struct nuncio_str put_text(char **at, struct nuncio_str text)
{
	struct nuncio_str copy = { *at, text.n };
	if (text.n)
		memcpy(*at, text.p, text.n);
	*at += text.n;
	return copy;
}

/* One piece of memory: the struct, the fields, their texts, the body. */
static void request_answer_http(struct nuncio_request *rq, int status, struct nuncio_str body)
{
	struct http_side *http = rq->http;
	size_t fields = http->answer_field_count;
	struct io_answer *answer =
		alloc_zero(sizeof *answer + http_fields_bytes(http->answer_fields, fields) +
			   body.n + sizeof(void *));
	uintptr_t behind = ((uintptr_t)answer->text + sizeof(void *) - 1) & ~(sizeof(void *) - 1);
	struct http1_field *copies = (struct http1_field *)behind;
	char *at = (char *)(copies + fields);
	for (size_t i = 0; i < fields; i++) {
		copies[i].name = put_text(&at, http->answer_fields[i].name);
		copies[i].value = put_text(&at, http->answer_fields[i].value);
	}
	answer->mail.kind = IO_ANSWER;
	answer->id = rq->id;
	answer->status = status;
	answer->fields = copies;
	answer->field_count = fields;
	answer->body = put_text(&at, body);
	logic_post_io(rq->logic, rq->id, &answer->mail);
}

static void add_answer_field(struct nuncio_request *rq, const char *name, struct nuncio_str value)
{
	struct http_side *http = rq->http;
	size_t n = http->answer_field_count;
	struct http1_field *fields = arena_get(&rq->arena, (n + 1) * sizeof *fields);
	if (n)
		memcpy(fields, http->answer_fields, n * sizeof *fields);
	fields[n].name = arena_str(&rq->arena, str_of(name));
	fields[n].value = arena_str(&rq->arena, value);
	http->answer_fields = fields;
	http->answer_field_count = n + 1;
}

/*
 * When to come back, for who was refused because of the moment (RFC 9110 10.2.3, RFC 6585 4). A
 * second is long for a limit or a full queue; another server may take over from one that stops.
 */
static void add_retry_after(struct nuncio_request *rq, int code)
{
	char text[24];
	int64_t ms = code == NUNCIO_CODE_stopping ? rq->logic->settings.retry_after_ms : 0;
	snprintf(text, sizeof text, "%lld", ms > 1000 ? (long long)(ms + 999) / 1000 : 1LL);
	add_answer_field(rq, "Retry-After", str_of(text));
}

static void write_unified(struct nuncio_request *rq, struct buf *to, int code,
	struct nuncio_str message, struct nuncio_str data)
{
	struct json_out out;
	json_out_init(&out, to);
	json_out_object_begin(&out);
	json_out_key_int(&out, "code", code);
	json_out_key_text(&out, "message", message);
	json_out_key_raw(&out, "data", data.n ? data : STR("null"));
	json_out_key_cstr(&out, "trace_id", request_trace(rq));
	json_out_object_end(&out);
}

static void request_answer_unified(struct nuncio_request *rq, int status, int code,
	struct nuncio_str message, struct nuncio_str data)
{
	struct buf body = { 0 };
	if (status != 204) {
		write_unified(rq, &body, code, message, data);
		add_answer_field(rq, "Content-Type", STR("application/json"));
	}
	add_answer_field(rq, "Cache-Control", STR("no-store"));
	if (status == 401)
		add_answer_field(rq, "WWW-Authenticate", STR("Bearer"));
	if (status == 429 || status == 503)
		add_retry_after(rq, code);
	route_leave(rq, status);
	request_answer_http(rq, status, buf_str(&body));
	buf_fini(&body);
}

static void request_answer_control(
	struct nuncio_request *rq, int code, struct nuncio_str message, struct nuncio_str data)
{
	struct control_sink *sink = rq->sink;
	struct buf line = { 0 };
	rq->sink = NULL;
	if (!sink)
		return;
	write_unified(rq, &line, code, message, data);
	sink->answer(sink, buf_str(&line));
	buf_fini(&line);
}

/*
 * The text is the module's until it returns, and it may ask the server for more before it reads:
 * logic->scratch, where answers are written, would be somebody else's by then.
 */
static void request_answer_inner(
	struct nuncio_request *rq, int code, struct nuncio_str message, struct nuncio_str data)
{
	if (rq->inner->done)
		rq->inner->done(code, message, arena_str(&rq->arena, data), rq->inner->user);
}

void request_send_answer(struct nuncio_request *rq, int http_status, int code,
	struct nuncio_str message, struct nuncio_str data)
{
	if (rq->is_control) {
		request_answer_control(rq, code, message, data);
		return;
	}
	answered_add(rq, http_status, code);
	if (rq->is_http)
		request_answer_unified(rq, http_status, code, message, data);
	else if (rq->inner)
		request_answer_inner(rq, code, message, data);
	else
		request_answer_packet(rq, code, message, data);
}

void request_answer(struct nuncio_request **rq, int http_status, int code,
	struct nuncio_str message, struct nuncio_str data)
{
	CHECK_MAGIC(*rq, REQUEST_MAGIC);
	if (!(*rq)->is_answered)
		request_send_answer(*rq, http_status, code, message, data);
	request_free(rq);
}

int request_code_of_status(int status)
{
	switch (status) {
	case NUNCIO_OK:
		return NUNCIO_CODE_ok;
	case NUNCIO_E_BUSY:
		return NUNCIO_CODE_busy;
	case NUNCIO_E_TIMEOUT:
		return NUNCIO_CODE_timeout;
	case NUNCIO_E_UNSUPPORTED:
		return NUNCIO_CODE_unavailable;
	case NUNCIO_E_NOTFOUND:
		return NUNCIO_CODE_not_found;
	case NUNCIO_E_EXISTS:
		return NUNCIO_CODE_exists;
	case NUNCIO_E_DENIED:
		return NUNCIO_CODE_denied;
	case NUNCIO_E_CONFLICT:
		return NUNCIO_CODE_conflict;
	case NUNCIO_E_INVAL:
		return NUNCIO_CODE_bad_request;
	case NUNCIO_E_TOOBIG:
		return NUNCIO_CODE_too_large;
	case NUNCIO_E_EXPIRED:
		return NUNCIO_CODE_token_expired;
	case NUNCIO_E_NOSPACE:
		return NUNCIO_CODE_store_failed;
	case NUNCIO_E_GONE:
		return NUNCIO_CODE_stopping;
	default:
		return NUNCIO_CODE_internal;
	}
}

static const char *code_meaning(int code)
{
	switch (code) {
#define MEANING_CASE(number, name, http, meaning) \
	case number: \
		return meaning;
		NUNCIO_CODES(MEANING_CASE)
#undef MEANING_CASE
	default:
		return "error";
	}
}

void request_reply(struct nuncio_request **rq, int http_status, struct nuncio_str data)
{
	request_answer(rq, http_status, NUNCIO_CODE_ok, STR(""), data);
}

void request_error(struct nuncio_request **rq, int code, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	request_error_args(rq, code, format, args);
	va_end(args);
}

void request_error_args(struct nuncio_request **rq, int code, const char *format, va_list args)
{
	char text[512];
	if (format)
		vsnprintf(text, sizeof text, format, args);
	request_answer(rq, nuncio_code_http_status(code), code,
		str_of(format ? text : code_meaning(code)), STR(""));
}

void request_status(struct nuncio_request **rq, int status)
{
	int code = request_code_of_status(status);
	if (code == NUNCIO_CODE_ok)
		request_reply(rq, 200, STR(""));
	else if (status == NUNCIO_E_NOSPACE)
		request_error(rq, code, "the store's disk is full");
	else
		request_error(rq, code, NULL);
}

int request_add_header(struct nuncio_request *rq, const char *name, const char *value)
{
	CHECK_MAGIC(rq, REQUEST_MAGIC);
	if (!rq->is_http)
		return NUNCIO_E_UNSUPPORTED;
	if (!http1_is_token(str_of(name)))
		return NUNCIO_E_INVAL;
	for (const char *p = value; *p; p++)
		if (((unsigned char)*p < 0x20 && *p != '\t') || *p == 0x7f)
			return NUNCIO_E_INVAL;
	add_answer_field(rq, name, str_of(value));
	return 0;
}

void request_reply_raw(struct nuncio_request **rq, int http_status, const char *content_type,
	struct nuncio_str body)
{
	struct nuncio_request *r = *rq;
	CHECK_MAGIC(r, REQUEST_MAGIC);
	if (!r->is_http) {
		request_error(rq, NUNCIO_CODE_internal, NULL);
		return;
	}
	if (!r->is_answered) {
		if (content_type)
			add_answer_field(r, "Content-Type", str_of(content_type));
		route_leave(r, http_status);
		answered_add(r, http_status, NUNCIO_CODE_ok);
		request_answer_http(r, http_status, body);
	}
	request_free(rq);
}
