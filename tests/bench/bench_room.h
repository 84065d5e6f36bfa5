/* SPDX-License-Identifier: MIT */
/*
 * A group for loads: an owner who writes, members who are online and read, and members who are
 * away.
 */
#ifndef BENCH_ROOM_H
#define BENCH_ROOM_H

#include "bench_load.h"

#include <stdbool.h>
#include <stdint.h>

struct room;

/* Behind `user` of each of its peers. */
struct room_reader {
	struct room *room;
	uint32_t received; /* messages */
};

/* All of it is for reading. */
struct room {
	struct load *load;
	char name[8];
	struct peer owner, *peers; /* peers: the readers */
	struct room_reader self, *readers;
	unsigned online, members; /* readers; members in all, with the owner */
	uint32_t asked, answered; /* requests of the owner before the first message */
	char answer[512];         /* start of the last answer to them */
	uint32_t sent, acked;     /* messages */
	uint64_t delivered;       /* each to each reader */
	uint64_t sent_ns, acked_ns, delivered_ns; /* the last of each */
};

/* The swarm's hooks while there are rooms. */
extern const struct swarm_hooks room_hooks;

/*
 * Makes a group of so many members, of whom so many log in and read. Ends the program when that
 * fails. The name, up to 7 characters, tells rooms of one load apart.
 */
void room_open(
	struct room *room, struct load *load, const char *name, unsigned online, unsigned members);
void room_close(struct room *room);

/* Sends `count` messages in one write. */
void room_send(struct room *room, unsigned count);
/* Until every message was acknowledged and has reached every reader; too late is a fault. */
void room_wait(struct room *room);
/* How many messages have reached every reader. */
uint32_t room_done(const struct room *room);

#endif
