/* SPDX-License-Identifier: MIT */
/*
 * Frames of other nodes: whatever is accepted makes well-formed packets for clients, and says the
 * same when it is written and read again.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/slice.h"
#include "logic/bus_frame.h"
#include "logic/event.h"
#include "wire/json.h"
#include "wire/json_out.h"
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

static void check_packet(struct nuncio_str op, struct nuncio_str json)
{
	struct packet_out *packet = packet_out_notify(op, json);
	REQUIRE(json_check(packet_out_text(packet), &roomy, NULL, NULL) == 0);
	packet_out_unref(&packet);
}

static void write_event(struct buf *to, const struct nuncio_event *event)
{
	struct json_out out;
	json_out_init(&out, to);
	event_write(&out, event);
}

static void check_event(const struct bus_frame *frame)
{
	struct bus_frame again;
	struct buf json = { 0 }, bytes = { 0 }, same = { 0 };
	write_event(&json, &frame->event);
	check_packet(frame->event.type, buf_str(&json));
	bus_frame_event(&bytes, &frame->event);
	REQUIRE(bus_frame_read(buf_str(&bytes), &again) == 0);
	write_event(&same, &again.event);
	REQUIRE(str_eq(buf_str(&json), buf_str(&same)));
	buf_fini(&json);
	buf_fini(&bytes);
	buf_fini(&same);
}

static void check_mark(const struct bus_frame *frame)
{
	struct bus_frame again;
	struct buf bytes = { 0 };
	bus_frame_mark(&bytes, &frame->mark);
	REQUIRE(bus_frame_read(buf_str(&bytes), &again) == 0);
	REQUIRE(str_eq(again.mark.user, frame->mark.user));
	REQUIRE(again.mark.read == frame->mark.read);
	buf_fini(&bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bus_frame frame;
	struct nuncio_str name;
	bool is_live;
	size_t at = 0;
	if (bus_frame_read((struct nuncio_str){ (const char *)data, size }, &frame) < 0)
		return 0;
	while (bus_frame_next(&frame, &at, &name, &is_live))
		REQUIRE(name.n > 0 && name.n <= LIMIT_CONVERSATION_BYTES);
	if (frame.type == BUS_FRAME_EVENT)
		check_event(&frame);
	else if (frame.type == BUS_FRAME_NOTIFY)
		check_packet(frame.op, frame.data);
	else if (frame.type == BUS_FRAME_MARK)
		check_mark(&frame);
	return 0;
}
