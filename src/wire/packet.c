/* SPDX-License-Identifier: MIT */
/*
 * Reads requests in both subprotocols into struct packet. Pure; any thread. Text is borrowed from
 * the message: one validating pass finds the envelope's members, and data stays text until its
 * handler looks into it. A packet that cannot be read costs its sender an answer, never the
 * connection; the one exception, a binary message whose framing is broken, loses the rest of that
 * message.
 */
#include "wire/packet.h"

#include <string.h>

#include "base/slice.h"
#include "wire/frame.h"
#include "wire/json.h"
#include "wire/limits.h"

static int fault(
	struct packet_fault *fault_r, uint32_t seq, enum nuncio_code code, const char *text)
{
	fault_r->seq = seq;
	fault_r->code = code;
	nuncio_error_set(&fault_r->error, "%s", text);
	return code == NUNCIO_CODE_too_large ? NUNCIO_E_TOOBIG : NUNCIO_E_INVAL;
}

/* err is in place already. */
static int json_fault(struct packet_fault *fault_r, uint32_t seq, int rc)
{
	fault_r->seq = seq;
	fault_r->code = rc == NUNCIO_E_TOOBIG ? NUNCIO_CODE_too_large : NUNCIO_CODE_bad_json;
	return rc;
}

static uint32_t read_seq(struct nuncio_str value)
{
	uint64_t seq;
	return json_uint(value, &seq) == 0 && seq <= UINT32_MAX ? (uint32_t)seq : 0;
}

static bool is_op_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '.' || c == '_' || c == '-';
}

/* Without escapes: names have none of the characters that would need one. */
static bool read_op(struct nuncio_str value, struct nuncio_str *op_r)
{
	if (json_type(value) != JSON_TEXT || value.n < 3 || value.n - 2 > LIMIT_OP_BYTES)
		return false;
	for (size_t i = 1; i < value.n - 1; i++)
		if (!is_op_char(value.p[i]))
			return false;
	*op_r = (struct nuncio_str){ value.p + 1, value.n - 2 };
	return true;
}

/* What both subprotocols share: op and data. */
static int read_members(uint32_t seq, struct nuncio_str op, struct nuncio_str data,
	struct packet *packet_r, struct packet_fault *fault_r)
{
	enum json_type type = json_type(data);
	if (seq == 0)
		return fault(fault_r, 0, NUNCIO_CODE_bad_request,
			"seq: must be an integer from 1 to 4294967295");
	if (!read_op(op, &packet_r->op))
		return fault(fault_r, seq, NUNCIO_CODE_bad_request,
			"op: must be a string of 1 to 64 letters, digits, '.', '_' or '-'");
	if (type != JSON_OBJECT && type != JSON_NULL && type != JSON_NONE)
		return fault(fault_r, seq, NUNCIO_CODE_bad_request, "data: must be an object");
	packet_r->seq = seq;
	packet_r->data = type == JSON_OBJECT ? data : STR("{}");
	return 0;
}

int packet_read_json(struct nuncio_str text, struct packet *packet_r, struct packet_fault *fault_r)
{
	static const struct nuncio_str keys[] = { STR_INIT("type"), STR_INIT("seq"), STR_INIT("op"),
		STR_INIT("data") };
	struct nuncio_str values[4];
	int rc = json_scan_members(text, NULL, keys, 4, values, &fault_r->error);
	uint32_t seq = read_seq(values[1]);
	if (rc < 0)
		return json_fault(fault_r, seq, rc);
	if (!str_eq(values[0], STR("\"request\"")))
		return fault(fault_r, seq, NUNCIO_CODE_bad_request, "type: must be \"request\"");
	return read_members(seq, values[2], values[3], packet_r, fault_r);
}

int packet_read_frame(
	struct nuncio_str *rest, struct packet *packet_r, struct packet_fault *fault_r)
{
	static const struct nuncio_str keys[] = { STR_INIT("op"), STR_INIT("data") };
	struct nuncio_str values[2];
	struct frame frame;
	int rc = frame_next(rest, &frame);
	if (rc == 0)
		return 0;
	if (rc < 0) {
		*rest = (struct nuncio_str){ NULL, 0 };
		return fault(
			fault_r, 0, NUNCIO_CODE_bad_request, "the message ends inside a frame");
	}
	if (frame.type != PACKET_REQUEST)
		return fault(
			fault_r, frame.seq, NUNCIO_CODE_bad_request, "type: must be 1 (request)");
	rc = json_scan_members(frame.payload, NULL, keys, 2, values, &fault_r->error);
	if (rc < 0)
		return json_fault(fault_r, frame.seq, rc);
	rc = read_members(frame.seq, values[0], values[1], packet_r, fault_r);
	return rc < 0 ? rc : 1;
}
