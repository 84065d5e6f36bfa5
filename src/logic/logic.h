/* SPDX-License-Identifier: MIT */
#ifndef LOGIC_LOGIC_H
#define LOGIC_LOGIC_H

#include <stdbool.h>
#include <stdint.h>

#include <nuncio/base.h>

#include "base/buf.h"
#include "base/list.h"
#include "base/metric.h"
#include "base/wheel.h"
#include "loop/loop.h"
#include "loop/mailbox.h"
#include "loop/timer.h"
#include "logic/answered.h"
#include "logic/cluster.h"
#include "logic/editing.h"
#include "logic/joining.h"
#include "logic/kinds.h"
#include "logic/live.h"
#include "logic/marks.h"
#include "logic/miss.h"
#include "logic/op.h"
#include "logic/requests.h"
#include "logic/route.h"
#include "logic/session.h"
#include "logic/shape.h"
#include "logic/tally.h"
#include "logic/user.h"

struct auth;
struct bus;
struct hook_table;
struct ready_set;
struct store;

/* What the configuration says to the logic thread; may change at a reload, read at use. */
struct logic_settings {
	const char *node;
	int64_t heartbeat_ms, auth_timeout_ms, request_timeout_ms, drain_timeout_ms;
	uint32_t body_bytes;     /* of one message */
	uint32_t page_limit;     /* rows of one page */
	uint32_t user_sessions;  /* of one user at the same time */
	int64_t retry_after_ms;  /* clients of a stopping server come back after this time */
	int64_t retry_spread_ms; /* ... and up to so much later, each at another moment */
	int metrics_access;      /* enum logic_metrics */
};
enum { LOGIC_TICK_MS = 1000, LOGIC_BATCH = 1024 };
enum logic_metrics { LOGIC_METRICS_OFF = 0, LOGIC_METRICS_LOCAL, LOGIC_METRICS_ON };

struct logic_parts { /* what the server made before; outlives the logic thread */
	struct loop *loop;
	struct hook_table *hooks;
	struct auth *auth;
	struct store *store;
	struct bus *bus; /* NULL: there is none */
	struct ready_set *ready;
	struct metric_set *metrics;
	uint32_t io_threads;
	size_t inbox_limit, inbox_bytes;
};

/*
 * Everything that belongs to the logic thread: sessions, users, ops, routes, conversations. No
 * locks; all of it is touched by that thread only, except `inbox` (any thread posts) and the
 * registration of modules before the threads start.
 */
struct logic {
	struct logic_settings settings;
	struct logic_parts parts;
	struct mailbox inbox;
	struct mail *taken; /* from it, not handled yet; oldest first */
	size_t taken_count, done_bytes;
	struct outbox *to_io; /* one per I/O thread; flushed at the end of a turn */
	struct sessions sessions;
	struct slots user_slots;
	struct users users;
	struct lives lives;
	struct wheel wheel; /* deadlines of sessions, to LOGIC_TICK_MS */
	struct ops ops;
	struct ops controls; /* commands of the control socket */
	struct routes routes;
	struct shapes shapes; /* of answers */
	struct buf openapi;   /* the document of all of these */
	struct kinds kinds;
	struct marks marks;
	struct misses misses;
	struct cluster cluster;
	struct requests requests;
	struct answers answers;
	struct loop_timer second;
	struct buf scratch; /* for text that is built and used within one call */
	uint32_t stamp;     /* of the last fan-out */
	uint32_t stopped_io;
	void (*on_io_stopped)(void *user);
	void *io_stopped_user;
	bool is_draining;
	void (*on_drained)(void *user);
	void *drained_user;
	struct {
		struct metric *answers[TALLY_RESULTS]; /* made by tally_make */
		struct metric *requests, *http_requests, *inner_requests;
		struct metric *messages, *duplicates, *deliveries, *logins, *logins_refused,
			*misses_dropped, *bus_received, *bus_malformed;
	} count;
};

struct logic *logic_new(const struct logic_settings *settings, const struct logic_parts *parts);
void logic_free(struct logic **logic); /* after every session has ended */

/* The outbox of each I/O thread leads to its inbox; before the threads start. */
void logic_set_io(struct logic *logic, uint32_t thread, struct mailbox *inbox);

/*
 * On the logic thread: start timers, take messages from the inbox at each turn. Turn callbacks run
 * in the order of registration, so bind_end comes after everything else that may answer (store,
 * calls from other threads): it hands out what the turn has made.
 */
void logic_bind(struct logic *logic);
void logic_bind_end(struct logic *logic);

/* Hands a message to an I/O thread at the end of this turn. */
void logic_post_io(struct logic *logic, nuncio_sid id, struct mail *mail);

/*
 * Begins to stop: modules hear did_drain, no new session, the present ones are told `stopping` with
 * a time to come back and closed; on_drained is called when the last has gone, every request is
 * answered, and no mark is unwritten.
 */
void logic_drain(struct logic *logic, void (*on_drained)(void *user), void *user);

/* fn is called once all I/O threads have said IO_STOPPED. */
void logic_on_io_stopped(struct logic *logic, void (*fn)(void *user), void *user);

/*
 * After the I/O threads have ended, before the modules stop: what they still sent is dropped, every
 * session that is left ends, and cursors go to the store.
 */
void logic_end_sessions(struct logic *logic);

/* After the modules are through: answers to everybody, which are dropped with the rest for I/O. */
void logic_clear(struct logic *logic);

#endif
