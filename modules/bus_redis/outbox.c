/* SPDX-License-Identifier: MIT */
/*
 * What leaves for other nodes at the end of a turn: one PUBLISH for each node that gets something,
 * whatever the number of frames, and one for what all get. A frame has its length in front (4
 * bytes, network order); an interest is '+' or '-', the topic's length (2 bytes), the topic.
 */
#include "bus_redis.h"

#include <stdlib.h>
#include <string.h>

#include <hiredis/hiredis.h>

#include <nuncio/timer.h>

enum { FLUSH_BYTES = 512 * 1024, INTEREST_HEAD_BYTES = 3, NOTE_HEAD_BYTES = 1 + REDIS_ID_BYTES };

void outbox_fini(struct outbox *outbox)
{
	nuncio_timer_stop(&outbox->flush);
	for (uint16_t i = 0; i < outbox->node_count; i++)
		redis_buffer_free(&outbox->nodes[i]);
	free(outbox->nodes);
	free(outbox->frames);
	redis_buffer_free(&outbox->all);
	redis_buffer_free(&outbox->interest);
}

static void on_flush(void *user)
{
	struct bus *bus = user;
	bus->outbox.flush = NULL;
	outbox_flush(bus);
}

static void flush_soon(struct bus *bus)
{
	if (!bus->outbox.flush)
		bus->outbox.flush = nuncio_timer_start(bus->self, 0, 0, on_flush, bus);
}

/* ---- filling ---- */

static void add_frame(struct redis_buffer *b, struct nuncio_str frame)
{
	const unsigned char head[FRAME_HEAD_BYTES] = { (unsigned char)(frame.n >> 24),
		(unsigned char)(frame.n >> 16), (unsigned char)(frame.n >> 8),
		(unsigned char)frame.n };
	redis_buffer_add(b, head, sizeof head);
	redis_buffer_add_str(b, frame);
}

/* A note begins with who says it. */
static void begin_note(const struct bus *bus, struct redis_buffer *b, enum note_kind kind)
{
	const char letter = (char)kind;
	if (b->used)
		return;
	redis_buffer_add(b, &letter, 1);
	redis_buffer_add(b, redis_lease_id(bus->member.lease), REDIS_ID_BYTES);
}

static void make_room(struct outbox *outbox, uint16_t node)
{
	if (node < outbox->node_count)
		return;
	uint16_t count = (uint16_t)(node + 1);
	outbox->nodes = nuncio_resize(outbox->nodes, count * sizeof outbox->nodes[0]);
	outbox->frames = nuncio_resize(outbox->frames, count * sizeof outbox->frames[0]);
	for (; outbox->node_count < count; outbox->node_count++) {
		outbox->nodes[outbox->node_count] = (struct redis_buffer){ NULL, 0, 0 };
		outbox->frames[outbox->node_count] = 0;
	}
}

void outbox_add(struct bus *bus, uint16_t node, struct nuncio_str frame)
{
	struct outbox *outbox = &bus->outbox;
	make_room(outbox, node);
	if (outbox->nodes[node].used + frame.n > FLUSH_BYTES)
		outbox_flush(bus);
	add_frame(&outbox->nodes[node], frame);
	outbox->frames[node]++;
	flush_soon(bus);
}

void outbox_add_all(struct bus *bus, struct nuncio_str frame)
{
	struct outbox *outbox = &bus->outbox;
	if (outbox->all.used + frame.n > FLUSH_BYTES)
		outbox_flush(bus);
	begin_note(bus, &outbox->all, NOTE_FRAMES);
	add_frame(&outbox->all, frame);
	outbox->all_frames++;
	flush_soon(bus);
}

void outbox_add_interest(struct bus *bus, struct nuncio_str topic, bool is_on)
{
	struct outbox *outbox = &bus->outbox;
	const char head[INTEREST_HEAD_BYTES] = { is_on ? '+' : '-', (char)(topic.n >> 8),
		(char)topic.n };
	if (outbox->interest.used + topic.n > FLUSH_BYTES)
		outbox_flush(bus);
	begin_note(bus, &outbox->interest, NOTE_INTEREST);
	redis_buffer_add(&outbox->interest, head, sizeof head);
	redis_buffer_add_str(&outbox->interest, topic);
	flush_soon(bus);
}

/* ---- sending ---- */

struct sending {
	struct bus *bus;
	uint32_t frames;
	bool is_to_one;
};

/* How many have heard it. Nobody: the node died, or is being connected anew and will sync. */
static void on_published(const redisReply *reply, void *user)
{
	struct sending sending = *(struct sending *)user;
	free(user);
	if (!reply || reply->type != REDIS_REPLY_INTEGER)
		bus_lost(sending.bus, sending.frames);
	else if (sending.is_to_one && reply->integer == 0 &&
		 !redis_is_cluster(sending.bus->member.asks))
		nuncio_counter_add(sending.bus->count.unheard, sending.frames);
	else
		nuncio_counter_add(sending.bus->count.sent, sending.frames);
}

static void publish(struct bus *bus, struct nuncio_str channel, struct redis_buffer *text,
	uint32_t frames, bool is_to_one)
{
	struct nuncio_str body = { text->p, text->used };
	struct sending *sending = nuncio_alloc(sizeof *sending);
	*sending = (struct sending){ bus, frames, is_to_one };
	nuncio_counter_add(bus->count.publishes, 1);
	if (redis_publish(bus->member.asks, channel, body, on_published, sending) < 0) {
		free(sending);
		bus_lost(bus, frames);
	}
	redis_buffer_drop(text, text->used);
}

void outbox_flush(struct bus *bus)
{
	struct outbox *outbox = &bus->outbox;
	struct nuncio_str all = { bus->member.all.p, bus->member.all.used };
	/* First what others have to know before frames find them. */
	if (outbox->interest.used)
		publish(bus, all, &outbox->interest, 0, false);
	for (uint16_t i = 0; i < outbox->node_count; i++) {
		uint32_t frames = outbox->frames[i];
		outbox->frames[i] = 0;
		if (!frames)
			continue;
		struct nuncio_str id = nuncio_text(redis_lease_node_id(bus->member.lease, i));
		struct nuncio_str channel = redis_member_key(&bus->member, "to:", id);
		publish(bus, channel, &outbox->nodes[i], frames, true);
	}
	if (outbox->all.used) {
		uint32_t frames = outbox->all_frames;
		outbox->all_frames = 0;
		publish(bus, all, &outbox->all, frames, false);
	}
	redis_flush(bus->member.asks);
}

void outbox_tell_loss(struct bus *bus)
{
	struct redis_buffer note = { NULL, 0, 0 };
	begin_note(bus, &note, NOTE_LOSS);
	publish(bus, (struct nuncio_str){ bus->member.all.p, bus->member.all.used }, &note, 0,
		false);
	redis_buffer_free(&note);
}

void outbox_forget(struct bus *bus)
{
	struct outbox *outbox = &bus->outbox;
	uint32_t frames = outbox->all_frames;
	for (uint16_t i = 0; i < outbox->node_count; i++) {
		frames += outbox->frames[i];
		outbox->frames[i] = 0;
		redis_buffer_drop(&outbox->nodes[i], outbox->nodes[i].used);
	}
	outbox->all_frames = 0;
	redis_buffer_drop(&outbox->all, outbox->all.used);
	redis_buffer_drop(&outbox->interest, outbox->interest.used);
	if (frames)
		bus_lost(bus, frames);
}

/* ---- reading ---- */

bool outbox_next_frame(struct nuncio_str text, size_t *at, struct nuncio_str *frame_r)
{
	const unsigned char *p = (const unsigned char *)text.p + *at;
	if (text.n - *at < FRAME_HEAD_BYTES)
		return false;
	size_t n = (size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];
	if (text.n - *at - FRAME_HEAD_BYTES < n)
		return false;
	*frame_r = (struct nuncio_str){ text.p + *at + FRAME_HEAD_BYTES, n };
	*at += FRAME_HEAD_BYTES + n;
	return true;
}

bool outbox_next_interest(
	struct nuncio_str text, size_t *at, struct nuncio_str *topic_r, bool *is_on_r)
{
	const unsigned char *p = (const unsigned char *)text.p + *at;
	if (text.n - *at < INTEREST_HEAD_BYTES || (p[0] != '+' && p[0] != '-'))
		return false;
	size_t n = (size_t)p[1] << 8 | p[2];
	if (text.n - *at - INTEREST_HEAD_BYTES < n)
		return false;
	*is_on_r = p[0] == '+';
	*topic_r = (struct nuncio_str){ text.p + *at + INTEREST_HEAD_BYTES, n };
	*at += INTEREST_HEAD_BYTES + n;
	return true;
}
