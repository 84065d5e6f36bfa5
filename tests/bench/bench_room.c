/* SPDX-License-Identifier: MIT */
/*
 * A group for loads, made as a client makes one: group.create, then group.add with a hundred users
 * a time. Readers log in when they are members, as the server meets them in life. Several rooms may
 * be open at once.
 *
 * Readers check what comes: the Nth message to a reader must be the Nth that was sent, so nothing
 * may be missing, come twice or in another order.
 */
#include "bench_room.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ADD_USERS = 100, PATIENCE_S = 30, DATA_BYTES = 8192 };

/* ---- what comes ---- */

static void take_answer(struct room *room, const struct packet *packet)
{
	size_t n = packet->data.n < sizeof room->answer ? packet->data.n : sizeof room->answer - 1;

	if (packet->code != 0)
		swarm_fault(&room->load->swarm, "a request of %s was answered %lld: %.*s",
			room->owner.name, (long long)packet->code, (int)packet->message.n,
			packet->message.n != 0 ? packet->message.p : "");
	if (n != 0)
		memcpy(room->answer, packet->data.p, n);
	room->answer[n] = '\0';
	room->answered++;
}

static void take_ack(struct room *room, const struct packet *packet)
{
	struct swarm *s = &room->load->swarm;

	if (packet->code != 0)
		swarm_fault(s, "message.send answered %lld: %.*s", (long long)packet->code,
			(int)packet->message.n, packet->message.n != 0 ? packet->message.p : "");
	else if (!span_is(json_member(packet->data, "durability"), "stored") ||
		 span_is(json_member(packet->data, "duplicate"), "true"))
		swarm_fault(s, "acknowledged as not stored or as duplicate");
	room->acked++;
	room->acked_ns = bench_now_ns();
}

static void take_delivery(struct room_reader *reader, const struct packet *packet)
{
	struct room *room = reader->room;
	struct span id = json_member(packet->data, "client_id");
	int64_t index = id.n > 1 ? span_number((struct span){ id.p + 1, id.n - 1 }) : -1;

	if (index != (int64_t)reader->received)
		swarm_fault(&room->load->swarm, "%s: message %lld came as the %uth",
			room->owner.name, (long long)index, (unsigned)reader->received);
	reader->received++;
	if (++room->delivered == (uint64_t)room->sent * room->online)
		room->delivered_ns = bench_now_ns();
}

static void on_packet(struct peer *peer, const struct packet *packet)
{
	struct room_reader *reader = peer->user;
	struct room *room = reader->room;

	if (reader != &room->self) {
		if (span_is(packet->op, "message.new"))
			take_delivery(reader, packet);
	} else if (packet->type == PACKET_RESPONSE) {
		if (room->sent == 0)
			take_answer(room, packet);
		else
			take_ack(room, packet);
	}
}

const struct swarm_hooks room_hooks = { .on_packet = on_packet };

/* ---- making it ---- */

static void ask(struct room *room, const char *op, const char *data, size_t n)
{
	struct swarm *s = &room->load->swarm;
	uint64_t end_ns = bench_now_ns() + PATIENCE_S * 1000000000ull;

	peer_request(&room->owner, op, data, n);
	peer_flush(&room->owner);
	room->asked++;
	while (room->answered < room->asked && s->faults == 0 && bench_now_ns() < end_ns)
		swarm_turn(s, 100);
	errno = 0; /* of no call that failed: the answer is wrong, or late */
	if (room->answered < room->asked || s->faults != 0)
		bench_die("%s: %s", op, s->faults != 0 ? s->first_fault : "no answer");
}

static void add_members(struct room *room, unsigned from, unsigned to)
{
	char data[DATA_BYTES], name[LOAD_NAME_BYTES];
	size_t n = (size_t)snprintf(
		data, sizeof data, "{\"group\":\"%s\",\"users\":[", room->owner.name);

	for (unsigned i = from; i < to; i++) {
		load_name(room->load, room->name, i, name);
		n += (size_t)snprintf(
			data + n, sizeof data - n, "%s\"%s\"", i != from ? "," : "", name);
	}
	n += (size_t)snprintf(data + n, sizeof data - n, "]}");
	ask(room, "group.add", data, n);
}

static void make_group(struct room *room)
{
	unsigned others = room->members - 1;
	char data[256];

	int n = snprintf(
		data, sizeof data, "{\"name\":\"bench\",\"group\":\"%s\"}", room->owner.name);
	ask(room, "group.create", data, (size_t)n);
	for (unsigned at = 0; at < others; at += ADD_USERS)
		add_members(room, at, at + ADD_USERS < others ? at + ADD_USERS : others);
	n = snprintf(data, sizeof data, "{\"group\":\"%s\"}", room->owner.name);
	ask(room, "group.info", data, (size_t)n);
	struct span answer = { room->answer, strlen(room->answer) };
	if (span_number(json_member(answer, "members")) != (int64_t)room->members)
		bench_die("the group has not %u members: %s", room->members, room->answer);
}

void room_open(
	struct room *room, struct load *load, const char *name, unsigned online, unsigned members)
{
	char role[8];

	memset(room, 0, sizeof *room);
	room->load = load;
	room->online = online;
	room->members = members;
	room->peers = load_array(online, sizeof *room->peers);
	room->readers = load_array(online, sizeof *room->readers);
	snprintf(room->name, sizeof room->name, "%s", name);
	snprintf(role, sizeof role, "%.5s.o", name);
	room->self.room = room;
	room->owner.user = &room->self;
	for (unsigned i = 0; i < online; i++) {
		room->readers[i].room = room;
		room->peers[i].user = &room->readers[i];
	}
	load_open(load, &room->owner, 0, 1, role);
	make_group(room);
	load_open(load, room->peers, 0, online, room->name);
}

void room_close(struct room *room)
{
	load_close(&room->owner, 1);
	load_close(room->peers, room->online);
	free(room->peers);
	free(room->readers);
	memset(room, 0, sizeof *room);
}

/* ---- messages ---- */

static void add_message(struct room *room)
{
	static char body[8001];
	char data[sizeof body + 512];

	if (body[0] == '\0')
		memset(body, 'x', sizeof body - 1);
	int n = snprintf(data, sizeof data,
		"{\"to\":{\"group\":\"%s\"},\"client_id\":\"m%u\",\"body\":\"%.*s\"}",
		room->owner.name, (unsigned)room->sent++, (int)room->load->body_bytes, body);
	peer_request(&room->owner, "message.send", data, (size_t)n);
}

void room_send(struct room *room, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		add_message(room);
	room->sent_ns = bench_now_ns();
	peer_flush(&room->owner);
}

uint32_t room_done(const struct room *room)
{
	return (uint32_t)(room->delivered / room->online);
}

void room_wait(struct room *room)
{
	struct swarm *s = &room->load->swarm;
	uint64_t end_ns = bench_now_ns() + PATIENCE_S * 1000000000ull;

	while ((room->acked < room->sent || room_done(room) < room->sent) && s->faults == 0) {
		swarm_turn(s, 100);
		if (bench_now_ns() > end_ns)
			swarm_fault(s,
				"of %u messages %u were acknowledged, %llu of %llu delivered",
				(unsigned)room->sent, (unsigned)room->acked,
				(unsigned long long)room->delivered,
				(unsigned long long)room->sent * room->online);
	}
}
