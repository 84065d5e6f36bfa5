/* SPDX-License-Identifier: MIT */
/*
 * Answers to requests that never reach the logic thread: malformed, slow, from a foreign page. They
 * look like every other answer ({"code","message","data","trace_id"}) and always end the
 * connection, because after most of them it is not known where the next request would begin.
 */
#include "io/refusal.h"

#include <string.h>

#include <nuncio/codes.h>

#include "base/id.h"
#include "base/slice.h"
#include "wire/http1_out.h"
#include "wire/json_out.h"

static void write_body(struct buf *to, const struct refusal *refusal)
{
	struct json_out o;
	json_out_init(&o, to);
	json_out_object_begin(&o);
	json_out_key_int(&o, "code", refusal->code);
	json_out_key_cstr(&o, "message", refusal->text);
	json_out_key(&o, "data");
	json_out_null(&o);
	json_out_key_cstr(&o, "trace_id", refusal->trace);
	json_out_object_end(&o);
}

void refusal_write(struct buf *to, const struct refusal *refusal)
{
	struct http1_field fields[3] = { { STR_INIT("Content-Type"),
		STR_INIT("application/json") } };
	struct http1_answer answer = { .status = nuncio_code_http_status(refusal->code),
		.fields = fields,
		.field_count = 1,
		.close = true,
		.date = refusal->date };
	struct buf body = { 0 };
	if (answer.status == 426) {
		fields[answer.field_count++] =
			(struct http1_field){ STR("Upgrade"), STR("websocket") };
		fields[answer.field_count++] =
			(struct http1_field){ STR("Sec-WebSocket-Version"), STR("13") };
	} else if (answer.status == 401) {
		fields[answer.field_count++] =
			(struct http1_field){ STR("WWW-Authenticate"), STR("Bearer") };
	} else if (answer.status == 503) {
		fields[answer.field_count++] = (struct http1_field){ STR("Retry-After"), STR("1") };
	}
	write_body(&body, refusal);
	answer.body_bytes = body.used;
	http1_write_head(to, &answer);
	if (!refusal->is_head)
		buf_add_str(to, buf_str(&body));
	buf_fini(&body);
}

int refusal_code(int status)
{
	switch (status) {
	case 403:
		return NUNCIO_CODE_denied;
	case 405:
		return NUNCIO_CODE_method_not_allowed;
	case 408:
		return NUNCIO_CODE_request_timeout;
	case 413:
		return NUNCIO_CODE_too_large;
	case 414:
		return NUNCIO_CODE_uri_too_long;
	case 426:
		return NUNCIO_CODE_upgrade_required;
	case 431:
		return NUNCIO_CODE_head_too_large;
	case 501:
		return NUNCIO_CODE_not_implemented;
	case 505:
		return NUNCIO_CODE_http_version;
	default:
		return NUNCIO_CODE_bad_request;
	}
}

/* "00-" 32 lower-case hex digits "-" ...; all zero is invalid. */
static bool read_traceparent(struct nuncio_str text, char trace[REFUSAL_TRACE_SIZE])
{
	bool is_zero = true;
	if (text.n < 55 || text.p[2] != '-' || text.p[35] != '-' || str_starts(text, STR("ff")))
		return false;
	for (size_t i = 3; i < 35; i++) {
		char c = text.p[i];
		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
			return false;
		is_zero = is_zero && c == '0';
	}
	memcpy(trace, text.p + 3, 32);
	trace[32] = '\0';
	return !is_zero;
}

void refusal_trace(const struct http1_request *rq, char trace[REFUSAL_TRACE_SIZE])
{
	if (!rq || !read_traceparent(http1_header(rq, "traceparent"), trace))
		id_random_hex(trace, 16);
}
