/* SPDX-License-Identifier: MIT */
/* Many nuncio clients on one epoll: connect, upgrade with a token, packets in, packets out. */
#ifndef BENCH_SWARM_H
#define BENCH_SWARM_H

#include "bench_json.h"
#include "bench_token.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct peer;

/*
 * Every hook may send and may reset its peer, but opening it again waits until swarm_turn is back.
 * NULL where a load does not care.
 */
struct swarm_hooks {
	void (*on_ready)(struct peer *peer);
	void (*on_packet)(struct peer *peer, const struct packet *packet);
	void (*on_batch_end)(struct peer *peer); /* all that one read brought has been told */
};

enum peer_state { PEER_CLOSED, PEER_CONNECTING, PEER_UPGRADING, PEER_GREETING, PEER_READY };

struct peer {
	struct swarm *swarm;
	void *user; /* what the load keeps for it */
	int fd;
	enum peer_state state;
	bool wants_write;
	uint32_t seq;                         /* of its last request */
	uint32_t in_used, out_used, out_size; /* bytes of the buffers below */
	char *in;                             /* start of a frame whose rest has not come yet */
	char *out;                            /* frames that wait for the end of the batch */
	char name[48];
};

struct swarm {
	int epoll_fd;
	struct sockaddr_in server;
	struct swarm_hooks hooks;
	struct token_maker tokens;
	uint32_t connects; /* so far: picks the source address */
	uint32_t ready;    /* peers that are logged in now */
	uint64_t faults;   /* things that must not happen; the first is kept in words */
	char first_fault[256];
	char accept_key[32];
	char *buffer;
};

void swarm_init(struct swarm *s, const char *address, const char *key_file, const char *kid);
void swarm_fini(struct swarm *s);
/* One round of epoll; timeout_ms as there. */
void swarm_turn(struct swarm *s, int timeout_ms);
void swarm_fault(struct swarm *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Starts a login of user `name`; on_ready tells when session.ready has come. */
void peer_open(struct swarm *s, struct peer *peer, const char *name);
/* Queues one request; its data is JSON. Returns the request's seq. */
uint32_t peer_request(struct peer *peer, const char *op, const char *data, size_t data_bytes);
/* Writes what is queued. Inside hooks this happens by itself. */
void peer_flush(struct peer *peer);
/* Ends the connection with a reset, so that no port is left in TIME_WAIT. */
void peer_reset(struct peer *peer);

#endif
