/* SPDX-License-Identifier: MIT */
#ifndef NUNCIO_BUS_H
#define NUNCIO_BUS_H

/*
 * Several nodes: the provider "bus", chosen by `[core] bus`, carries frames between them. Without
 * one a node is alone and everything here is local. The bus may lose frames: order and durability
 * come from the store, clients repair by seq and sync.
 *
 * Who gets a frame is said by *topics*: the core tells the bus which topics it is interested in (a
 * user who has a session here, a live conversation), and a frame goes to each other node that is
 * interested in at least one of its topics, once.
 */

#include <nuncio/module.h>

NUNCIO_BEGIN_DECLS

struct nuncio_bus_ask; /* one question of `find` */

struct nuncio_bus_ops {
	uint32_t size, reserved;
	/*
	 * Send a frame (any bytes, at most 128 KiB; borrowed) to every other node with interest in
	 * one of `topics`; n = 0: to all. Must not block; drops and counts what it cannot queue.
	 * Thread: logic.
	 */
	void (*publish)(
		void *impl, const struct nuncio_str *topics, size_t n, struct nuncio_str frame);
	/*
	 * This node's interest in a topic begins (1) or ends (0). The bus remembers and announces
	 * again after it was cut off. Thread: logic.
	 */
	void (*interest)(void *impl, struct nuncio_str topic, int on);
	/*
	 * Which of the topics has interest on another node: ends in one nuncio_bus_found, within 2
	 * s or it counts as not known. May be NULL. Thread: logic.
	 */
	void (*find)(
		void *impl, const struct nuncio_str *topics, size_t n, struct nuncio_bus_ask *ask);
};

/*
 * Registers this module as a bus under its own name; `[core] bus` chooses if several are on. It is
 * used from the end of its start to the beginning of its stop.
 * Thread: logic, in init.
 */
int nuncio_provide_bus(struct nuncio_module *self, const struct nuncio_bus_ops *ops, void *impl);

/*
 * The bus hands over a frame of another node (borrowed); answers a find: yes[i] is 1 where topic i
 * has somebody elsewhere (status 0), or negative: could not tell. *ask becomes NULL.
 * Thread: logic.
 */
void nuncio_bus_received(struct nuncio_module *self, struct nuncio_str frame);
void nuncio_bus_found(struct nuncio_bus_ask **ask, int status, const unsigned char *yes, size_t n);

/*
 * Frames may have been lost, the bus works again: the core asks every client to sync (notify
 * `session.resync`), spread over `[core] retry_after`.
 * Thread: logic.
 */
void nuncio_bus_recovered(struct nuncio_module *self);

/* A message of a module to itself on other nodes. */
typedef void nuncio_peer_fn(struct nuncio_str data, void *user);

/*
 * Registers who takes this module's messages of other nodes; `name` is the module's own word.
 * NUNCIO_E_EXISTS.
 * Thread: logic, in init (fn: logic).
 */
int nuncio_peer_add(struct nuncio_module *self, const char *name, nuncio_peer_fn *fn, void *user);

/*
 * Sends to the nodes where `who` has a session (empty: to all nodes), not to this one. Nothing
 * happens without a bus. NUNCIO_E_TOOBIG over 64 KiB.
 * Thread: logic.
 */
int nuncio_peer_send(struct nuncio_module *self, const char *name, struct nuncio_str who,
	struct nuncio_str data);

/* 1 if there is a bus, so that other nodes may exist. Thread: logic. */
int nuncio_bus_is_there(void);

NUNCIO_END_DECLS

#endif
