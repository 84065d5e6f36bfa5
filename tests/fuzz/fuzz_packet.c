/* SPDX-License-Identifier: MIT */
/*
 * Requests in both subprotocols (first byte: which), and back: whatever was read is put into
 * packets to clients, and every form of those must be well-formed and say the same.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/slice.h"
#include "wire/deflate.h"
#include "wire/frame.h"
#include "wire/json.h"
#include "wire/limits.h"
#include "wire/packet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(cond) \
	do { \
		if (!(cond)) { \
			fprintf(stderr, "%d: %s\n", __LINE__, #cond); \
			abort(); \
		} \
	} while (0)

static const struct json_limits roomy = { LIMIT_JSON_DEPTH, LIMIT_JSON_MEMBERS, 1 << 20 };

/* The payload of a whole server frame. */
static struct nuncio_str payload_of(struct nuncio_str bytes, unsigned first)
{
	size_t length, head;
	const unsigned char *p = (const unsigned char *)bytes.p;
	REQUIRE(bytes.n >= 2 && p[0] == first);
	head = p[1] < 126 ? 2 : p[1] == 126 ? 4 : 10;
	REQUIRE(bytes.n >= head);
	length = p[1];
	if (head > 2) {
		length = 0;
		for (size_t i = 2; i < head; i++)
			length = length << 8 | p[i];
	}
	REQUIRE(bytes.n == head + length);
	return (struct nuncio_str){ bytes.p + head, length };
}

static void same_when_inflated(
	struct nuncio_str packed, unsigned plain_first, struct nuncio_str plain)
{
	if (str_eq(packed, plain))
		return;
	struct inflater *inflater = inflater_new();
	struct buf b;
	buf_init(&b);
	REQUIRE(inflater_run(inflater, payload_of(packed, plain_first | 0x40), 1 << 20, &b) == 0);
	REQUIRE(str_eq(buf_str(&b), payload_of(plain, plain_first)));
	REQUIRE(packed.n < plain.n);
	buf_fini(&b);
	inflater_free(&inflater);
}

/* A packet of depth 32 is one level deeper inside an envelope, so depth is not judged here. */
static void check_text(struct nuncio_str text)
{
	struct nuncio_error err;
	int rc = json_check(text, &roomy, NULL, &err);
	REQUIRE(rc == 0 || rc == NUNCIO_E_TOOBIG);
}

static void check_out(struct packet_out *p)
{
	struct deflater *deflater = deflater_new();
	struct nuncio_str json = packet_out_bytes(p, PACKET_JSON, NULL);
	struct nuncio_str binary = packet_out_bytes(p, PACKET_FRAME, NULL);
	struct nuncio_str rest = payload_of(binary, 0x82);
	struct frame frame;
	REQUIRE(str_eq(payload_of(json, 0x81), packet_out_text(p)));
	check_text(packet_out_text(p));
	REQUIRE(frame_next(&rest, &frame) == 1 && rest.n == 0);
	REQUIRE(frame.type == packet_out_type(p) && frame.seq == packet_out_seq(p));
	check_text(frame.payload);
	same_when_inflated(packet_out_bytes(p, PACKET_JSON_DEFLATE, deflater), 0x81, json);
	same_when_inflated(packet_out_bytes(p, PACKET_FRAME_DEFLATE, deflater), 0x82, binary);
	packet_out_unref(&p);
	deflater_free(&deflater);
}

static void check_packet(const struct packet *p, struct nuncio_str input)
{
	struct nuncio_str value;
	REQUIRE(p->seq > 0);
	REQUIRE(p->op.n >= 1 && p->op.n <= LIMIT_OP_BYTES && !memchr(p->op.p, '"', p->op.n));
	REQUIRE(json_check(p->data, NULL, &value, NULL) == 0 && str_eq(value, p->data));
	REQUIRE(json_type(p->data) == JSON_OBJECT);
	check_out(packet_out_notify(p->op, p->data));
	check_out(packet_out_response(p->seq, 0, STR(""), p->data));
	check_out(packet_out_response(p->seq, -5, input, STR("null")));
}

static void check_fault(const struct packet_fault *fault)
{
	REQUIRE(fault->error.text[0] && fault->code > 0);
	check_out(packet_out_fault(fault));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct packet packet;
	struct packet_fault fault;
	if (size == 0)
		return 0;
	struct nuncio_str input = { (const char *)data + 1, size - 1 }, rest = input;
	if (data[0] & 1) {
		if (packet_read_json(input, &packet, &fault) == 0)
			check_packet(&packet, input);
		else
			check_fault(&fault);
		return 0;
	}
	for (int rc; (rc = packet_read_frame(&rest, &packet, &fault)) != 0;) {
		if (rc > 0)
			check_packet(&packet, input);
		else
			check_fault(&fault);
	}
	return 0;
}
