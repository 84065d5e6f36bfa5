/* SPDX-License-Identifier: MIT */
#ifndef LOGIC_DELIVER_H
#define LOGIC_DELIVER_H

#include <nuncio/conversation.h>

struct logic;
struct reach;
struct user;

/*
 * Tells an event to the audience that its kind names, but not to the session `except`: message.new,
 * message.changed for one that changes another, TYPE.changed for one of another type. One packet
 * for all, one message per I/O thread. Logic thread only. Returns how many sessions it went to.
 * reach (may be NULL) collects whom the kind has named.
 */
size_t deliver_event(struct logic *logic, const struct nuncio_event *event, nuncio_sid except,
	struct reach *reach);

/* The same for an event of another node, to those in `reach` who are here. */
size_t deliver_event_to(
	struct logic *logic, const struct nuncio_event *event, const struct reach *reach);

/* Only asks the kind who is in the audience of a conversation now. */
void deliver_reach(struct logic *logic, struct nuncio_str conversation, struct reach *reach);

/*
 * A notify to one session (NUNCIO_E_GONE: no such one), or to all of a user but `except`: how many
 * here. The latter goes to other nodes, too.
 * data is one JSON value; NUNCIO_E_TOOBIG when no packet can carry it.
 */
int deliver_notify(
	struct logic *logic, nuncio_sid id, struct nuncio_str op, struct nuncio_str data);
int deliver_notify_user(struct logic *logic, struct nuncio_str name, struct nuncio_str op,
	struct nuncio_str data, nuncio_sid except);

/* The same to the audience of a conversation; NUNCIO_E_NOTFOUND: its id is of no kind. */
int deliver_notify_audience(struct logic *logic, struct nuncio_str conversation,
	struct nuncio_str op, struct nuncio_str data, nuncio_sid except);

/* One of another node, to those in `reach` who are here. */
size_t deliver_notify_to(struct logic *logic, struct nuncio_str op, struct nuncio_str data,
	const struct reach *reach);

/* The audience callback of a kind collects here. */
void deliver_add_user(struct nuncio_audience *audience, struct nuncio_str name);
void deliver_add_live(struct nuncio_audience *audience, struct nuncio_str conversation);

#endif
