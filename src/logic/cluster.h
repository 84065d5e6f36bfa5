/* SPDX-License-Identifier: MIT */
#ifndef LOGIC_CLUSTER_H
#define LOGIC_CLUSTER_H

#include <stdbool.h>
#include <stddef.h>

#include <nuncio/bus.h>
#include <nuncio/hooks.h>

#include "base/list.h"
#include "loop/timer.h"

struct callback;
struct logic;
struct peer;
struct reach;

/*
 * This node among others: what is known here and concerns users elsewhere goes to the bus, and what
 * comes from there is told here. A topic is "u:" and a user, or "c:" and a conversation that is
 * live. Without a bus nothing of this costs more than a test. Logic thread only.
 */
struct cluster {
	struct list peers; /* of struct peer: who takes modules' messages */
	struct loop_timer resync_timer;
	uint32_t resync_thread, resync_slot; /* the next session to be asked to sync */
	size_t resync_a_tick;                /* sessions */
};
enum { CLUSTER_RESYNC_TICK_MS = 50 };

void cluster_init(struct cluster *cluster, struct logic *logic);
void cluster_fini(struct cluster *cluster, struct logic *logic); /* every peer was removed */
bool cluster_is_there(const struct logic *logic);

/* A user's first session, or their last one's end; a live side's beginning and end. */
void cluster_user(struct logic *logic, struct nuncio_str user, bool is_here);
void cluster_live(struct logic *logic, struct nuncio_str conversation, bool is_here);

/* To the nodes where somebody of the audience is. */
void cluster_publish_event(
	struct logic *logic, const struct nuncio_event *event, const struct reach *reach);
void cluster_publish_notify(struct logic *logic, struct nuncio_str op, struct nuncio_str data,
	const struct reach *reach);
void cluster_publish_mark(struct logic *logic, const struct nuncio_mark *mark);

/* A frame of another node. */
void cluster_received(struct logic *logic, struct nuncio_str bytes);

/* Frames may have been lost: asks every session to sync, over [core] retry_after. */
void cluster_resync(struct logic *logic);

/* Messages of modules; `module` and `name` are kept by reference. EXISTS; TOOBIG over 64 KiB. */
int cluster_peer_add(struct logic *logic, const char *module, const char *name, nuncio_peer_fn *fn,
	void *user, struct callback *stats, struct peer **peer_r);
void cluster_peer_remove(struct peer **peer);
int cluster_peer_send(struct logic *logic, const char *module, const char *name,
	struct nuncio_str who, struct nuncio_str data);

#endif
