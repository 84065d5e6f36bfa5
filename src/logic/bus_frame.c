/* SPDX-License-Identifier: MIT */
#include "logic/bus_frame.h"

/*
 * The frames between nodes. The bus is no client, but what it brings is believed no more: whoever
 * can write to it must not get anything else into a packet than what a node could have put there.
 */

#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/slice.h"
#include "base/utf8.h"
#include "logic/event.h"
#include "wire/json.h"
#include "wire/json_out.h"
#include "wire/limits.h"

enum {
	HEAD_BYTES = 4,
	FIELD_HEAD_BYTES = 5,
	VERSION = 1,
	NAME_BYTES = 255,
	NOTIFY_AROUND_BYTES = LIMIT_OP_BYTES + 64 /* what a packet has besides the event */
};

/* Tags, below 64, never used again for something else. */
#define EVENT_NUMBERS(X) X(1, seq) X(2, id) X(3, sent_at_ms) X(4, target) X(5, changed) X(6, flags)
#define EVENT_TEXTS(X) \
	X(10, conversation) \
	X(11, type) X(12, from) X(13, client_id) X(14, kind) X(15, body) X(16, extra) X(17, state)
enum {
	TAG_NOW = 20, /* the fields of another event */
	TAG_USER = 30,
	TAG_LIVE = 31,
	TAG_OP = 40,
	TAG_DATA = 41,
	TAG_WHO = 50,
	TAG_DELIVERED = 51,
	TAG_READ = 52,
	TAG_MODULE = 60,
	TAG_NAME = 61,
	TAG_MAX = 63
};

/* ---- writing ---- */

static void put_head(struct buf *to, enum bus_frame_type type)
{
	const char head[HEAD_BYTES] = { 'N', VERSION, (char)type, 0 };
	buf_add(to, head, sizeof head);
}

static void put_number_bytes(char *to, uint64_t value, size_t n)
{
	for (size_t i = n; i-- > 0; value >>= 8)
		to[i] = (char)(value & 0xff);
}

static void put_text(struct buf *to, int tag, struct nuncio_str text)
{
	char head[FIELD_HEAD_BYTES] = { (char)tag };
	if (!text.n)
		return;
	put_number_bytes(head + 1, text.n, 4);
	buf_add(to, head, sizeof head);
	buf_add_str(to, text);
}

static void put_number(struct buf *to, int tag, uint64_t value)
{
	char bytes[8];
	put_number_bytes(bytes, value, sizeof bytes);
	if (value)
		put_text(to, tag, (struct nuncio_str){ bytes, sizeof bytes });
}

static void put_event(struct buf *to, const struct nuncio_event *event)
{
#define PUT(tag, member) put_number(to, tag, (uint64_t)event->member);
	EVENT_NUMBERS(PUT)
#undef PUT
#define PUT(tag, member) put_text(to, tag, event->member);
	EVENT_TEXTS(PUT)
#undef PUT
}

void bus_frame_event(struct buf *to, const struct nuncio_event *event)
{
	struct buf now = { 0 };
	put_head(to, BUS_FRAME_EVENT);
	put_event(to, event);
	if (event->now)
		put_event(&now, event->now);
	put_text(to, TAG_NOW, buf_str(&now));
	buf_fini(&now);
}

void bus_frame_notify(struct buf *to, struct nuncio_str op, struct nuncio_str data)
{
	put_head(to, BUS_FRAME_NOTIFY);
	put_text(to, TAG_OP, op);
	put_text(to, TAG_DATA, data);
}

void bus_frame_mark(struct buf *to, const struct nuncio_mark *mark)
{
	put_head(to, BUS_FRAME_MARK);
	put_text(to, TAG_WHO, mark->user);
	put_text(to, 10, mark->conversation);
	put_number(to, TAG_DELIVERED, mark->delivered);
	put_number(to, TAG_READ, mark->read);
}

void bus_frame_peer(
	struct buf *to, struct nuncio_str module, struct nuncio_str name, struct nuncio_str data)
{
	put_head(to, BUS_FRAME_PEER);
	put_text(to, TAG_MODULE, module);
	put_text(to, TAG_NAME, name);
	put_text(to, TAG_DATA, data);
}

void bus_frame_add(struct buf *to, struct nuncio_str name, bool is_live)
{
	put_text(to, is_live ? TAG_LIVE : TAG_USER, name);
}

size_t bus_frame_added_bytes(struct nuncio_str name)
{
	return FIELD_HEAD_BYTES + name.n;
}

/* ---- reading ---- */

struct field {
	int tag;
	struct nuncio_str value;
};

static uint64_t number_of(const char *p, size_t n)
{
	uint64_t value = 0;
	for (size_t i = 0; i < n; i++)
		value = value << 8 | (unsigned char)p[i];
	return value;
}

/* 1 and the next field, 0 at the end, negative when it does not fit. */
static int next_field(struct nuncio_str fields, size_t *at, struct field *field_r)
{
	size_t left = fields.n - *at;
	if (left == 0)
		return 0;
	if (left < FIELD_HEAD_BYTES)
		return NUNCIO_E_INVAL;
	size_t n = (size_t)number_of(fields.p + *at + 1, 4);
	if (n > left - FIELD_HEAD_BYTES)
		return NUNCIO_E_INVAL;
	field_r->tag = (unsigned char)fields.p[*at];
	field_r->value = (struct nuncio_str){ fields.p + *at + FIELD_HEAD_BYTES, n };
	*at += FIELD_HEAD_BYTES + n;
	return 1;
}

static bool is_json(struct nuncio_str text)
{
	struct nuncio_str value;
	return text.n && json_check(text, NULL, &value, NULL) == 0 && value.n == text.n;
}

static bool is_event(const struct nuncio_event *event)
{
	return event->seq && event->conversation.n &&
	       str_is_clean(event->conversation, LIMIT_CONVERSATION_BYTES) &&
	       event_has_good_names(event->type, event->from, event->client_id, event->kind) &&
	       is_json(event->body) && json_are_members(event->extra) &&
	       json_are_members(event->state);
}

/* As clients will see it: no member twice, not too deep, and not too large for a packet. */
static bool is_whole(const struct nuncio_event *event)
{
	const struct json_limits limits = { .depth = LIMIT_JSON_DEPTH,
		.members = LIMIT_JSON_MEMBERS,
		.bytes = LIMIT_PACKET_BYTES - NOTIFY_AROUND_BYTES };
	struct buf text = { 0 };
	struct json_out out;
	json_out_init(&out, &text);
	event_write(&out, event);
	bool is_good = json_check(buf_str(&text), &limits, NULL, NULL) == 0;
	buf_fini(&text);
	return is_good;
}

static int set_number(uint64_t *to, struct nuncio_str value)
{
	if (value.n != 8)
		return NUNCIO_E_INVAL;
	*to = number_of(value.p, 8);
	return 0;
}

/* 1: it is a field of an event. */
static int set_event_field(struct nuncio_event *event, const struct field *field)
{
	uint64_t number = 0;
	switch (field->tag) {
#define SET(tag, member) \
	case tag: \
		if (set_number(&number, field->value) < 0) \
			return NUNCIO_E_INVAL; \
		event->member = number; \
		return 1;
		EVENT_NUMBERS(SET)
#undef SET
#define SET(tag, member) \
	case tag: \
		event->member = field->value; \
		return 1;
		EVENT_TEXTS(SET)
#undef SET
	default:
		return 0;
	}
}

static bool is_known_twice(uint64_t *tags_seen, int tag)
{
	if (tag > TAG_MAX || tag == TAG_USER || tag == TAG_LIVE)
		return false;
	uint64_t bit = UINT64_C(1) << tag;
	bool is_twice = *tags_seen & bit;
	*tags_seen |= bit;
	return is_twice;
}

static int read_now(struct bus_frame *frame, struct nuncio_str fields)
{
	struct field field;
	uint64_t tags_seen = 0;
	size_t at = 0;
	int rc;
	frame->now = (struct nuncio_event){ .size = sizeof frame->now };
	while ((rc = next_field(fields, &at, &field)) > 0)
		if (is_known_twice(&tags_seen, field.tag) ||
			set_event_field(&frame->now, &field) < 0)
			return NUNCIO_E_INVAL;
	if (rc < 0 || !is_event(&frame->now))
		return NUNCIO_E_INVAL;
	frame->event.now = &frame->now;
	return 0;
}

static int set_field(struct bus_frame *frame, const struct field *field)
{
	switch (field->tag) {
	case TAG_NOW:
		return read_now(frame, field->value);
	case TAG_USER:
		return field->value.n && str_is_clean(field->value, LIMIT_USER_BYTES)
			       ? 0
			       : NUNCIO_E_INVAL;
	case TAG_LIVE:
		return field->value.n && str_is_clean(field->value, LIMIT_CONVERSATION_BYTES)
			       ? 0
			       : NUNCIO_E_INVAL;
	case TAG_OP:
		frame->op = field->value;
		return 0;
	case TAG_DATA:
		frame->data = field->value;
		return 0;
	case TAG_WHO:
		frame->mark.user = field->value;
		return 0;
	case TAG_DELIVERED:
		return set_number(&frame->mark.delivered, field->value);
	case TAG_READ:
		return set_number(&frame->mark.read, field->value);
	case TAG_MODULE:
		frame->module = field->value;
		return 0;
	case TAG_NAME:
		frame->name = field->value;
		return 0;
	default:
		return set_event_field(&frame->event, field) < 0 ? NUNCIO_E_INVAL : 0;
	}
}

static int check_frame(struct bus_frame *frame)
{
	bool is_good = false;
	switch (frame->type) {
	case BUS_FRAME_EVENT:
		is_good = is_event(&frame->event) && is_whole(&frame->event);
		break;
	case BUS_FRAME_NOTIFY:
		is_good = str_is_name(frame->op, LIMIT_OP_BYTES) && is_json(frame->data);
		break;
	case BUS_FRAME_MARK:
		frame->mark.conversation = frame->event.conversation;
		is_good = frame->mark.user.n && str_is_clean(frame->mark.user, LIMIT_USER_BYTES) &&
			  frame->mark.conversation.n &&
			  str_is_clean(frame->mark.conversation, LIMIT_CONVERSATION_BYTES);
		break;
	case BUS_FRAME_PEER:
		is_good = str_is_clean(frame->module, NAME_BYTES) &&
			  str_is_clean(frame->name, NAME_BYTES);
		break;
	default:
		return NUNCIO_E_UNSUPPORTED;
	}
	return is_good ? 0 : NUNCIO_E_INVAL;
}

int bus_frame_read(struct nuncio_str bytes, struct bus_frame *frame_r)
{
	struct field field;
	uint64_t tags_seen = 0;
	size_t at = 0;
	int rc;
	*frame_r = (struct bus_frame){ .event.size = sizeof frame_r->event };
	if (bytes.n < HEAD_BYTES || bytes.p[0] != 'N')
		return NUNCIO_E_INVAL;
	if (bytes.p[1] != VERSION)
		return NUNCIO_E_UNSUPPORTED;
	frame_r->type = (unsigned char)bytes.p[2];
	frame_r->fields = (struct nuncio_str){ bytes.p + HEAD_BYTES, bytes.n - HEAD_BYTES };
	while ((rc = next_field(frame_r->fields, &at, &field)) > 0)
		if (is_known_twice(&tags_seen, field.tag) || set_field(frame_r, &field) < 0)
			return NUNCIO_E_INVAL;
	return rc < 0 ? rc : check_frame(frame_r);
}

bool bus_frame_next(
	const struct bus_frame *frame, size_t *at, struct nuncio_str *name_r, bool *is_live_r)
{
	struct field field;
	while (next_field(frame->fields, at, &field) > 0) {
		if (field.tag != TAG_USER && field.tag != TAG_LIVE)
			continue;
		*name_r = field.value;
		*is_live_r = field.tag == TAG_LIVE;
		return true;
	}
	return false;
}
