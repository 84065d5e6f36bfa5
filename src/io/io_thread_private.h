/* SPDX-License-Identifier: MIT */
#ifndef IO_IO_THREAD_PRIVATE_H
#define IO_IO_THREAD_PRIVATE_H

#include <stdatomic.h>

#include "base/buf.h"
#include "base/list.h"
#include "io/acceptor.h"
#include "io/conn_table.h"
#include "io/io_msg.h"
#include "io/io_thread.h"
#include "io/outq.h"
#include "base/wheel.h"
#include "loop/loop.h"
#include "loop/mailbox.h"
#include "loop/timer.h"
#include "wire/http1.h"

/*
 * One I/O thread; see io_thread.c. Everything but the inbox and the counters belongs to it alone.
 */

/* Written by the owner only, read by anybody. */
struct io_counters {
	atomic_uint_fast64_t accepted, refused, slow, silent, timeouts, requests;
	atomic_uint_fast64_t messages_in, messages_out, pings, bytes_in, bytes_out, sends, stalls;
	atomic_uint_fast64_t pauses, crowded;
	atomic_int_fast64_t by_state[8]; /* enum conn_state */
	atomic_int_fast64_t queue_bytes, http_bytes, held;
	atomic_int_fast64_t taken, fan_out; /* of the inbox, not done; receivers of the first */
};

/* One writer: a plain addition, not a locked one. */
#define COUNTER_ADD(counter, by) \
	atomic_store_explicit(&(counter), \
		atomic_load_explicit(&(counter), memory_order_relaxed) + (by), \
		memory_order_relaxed)

struct conn;
struct conn_http;
struct deflater;
struct thread;
struct ws_pool;

enum { IO_SCRATCH_BYTES = 64 * 1024, IO_SPARE_HTTP = 16 };

struct io_ids {
	nuncio_sid *ids;
	size_t count, size;
};

struct io_thread {
	uint32_t magic;
	unsigned index;
	const struct io_settings *settings;
	struct io_listeners *listeners;
	struct loop *loop;
	bool is_shared; /* the loop is not ours */
	bool is_draining, is_stopped;
	struct thread *thread;
	struct mailbox inbox;
	struct outbox outbox; /* to the logic thread */
	struct io_counters counters;

	struct acceptor *acceptor;
	struct conn_table conns;
	struct wheel wheel;
	struct loop_timer tick;
	struct list dead; /* connections that end with this turn */
	/* Queues to be sent: with this turn; those that a large fan-out alone has filled */
	struct list dirty, bulk;
	struct mail *taken;   /* from the inbox, not carried out yet */
	uint32_t send_at;     /* how far the first of them is, if it is a large IO_SEND */
	bool is_fan_out;      /* that is being carried out */
	uint64_t budget_turn; /* the turn of the loop that these are for: */
	uint32_t adds_left, bulk_left;
	bool is_cut;       /* more was to be added in it */
	bool is_ahead;     /* what was ready has left before a large fan-out */
	unsigned gathered; /* turns in a row that were cut */
	struct outq_pool outqs;

	struct io_ids held; /* not read from until the logic thread has caught up */
	struct loop_timer held_timer;
	struct io_ids paused; /* go on in the next turn with what they have read */
	struct loop_timer paused_timer;
	size_t feed_left; /* bytes of messages that the WebSocket being fed may still bring */
	bool is_blocked;  /* the outbox was refused */

	struct ws_pool *ws;
	struct deflater *deflater;
	struct http1_limits http_limits;
	struct conn_http *spare_http; /* parsers kept for reuse */
	unsigned spare_http_count;

	char *scratch_in, *scratch_out;
	struct buf text; /* for what is composed and copied at once */
	uint32_t trimmed_ms;

	int64_t date_s, time_ms; /* what the texts say */
	char date[30];
	char time[25];
};

static inline uint32_t io_now(const struct io_thread *t)
{
	return (uint32_t)loop_now_ms(t->loop);
}

/* io_hold.c */
bool io_thread_is_full(const struct io_thread *t); /* the logic thread is behind: do not read */
/* Reads of this connection go on when it has caught up. */
void io_thread_hold(struct io_thread *t, struct conn *c);
void io_thread_go_on(struct io_thread *t, struct conn *c); /* conn_ws_go_on with the next turn */
void io_thread_post(struct io_thread *t);                  /* what is in the outbox */
void io_hold_init(struct io_thread *t);
void io_hold_stop(struct io_thread *t);
void io_hold_fini(struct io_thread *t);

/* The tick runs while there are connections, or accepting is paused. */
void io_thread_watch_time(struct io_thread *t);

const char *io_thread_date(struct io_thread *t); /* of an HTTP answer */
const char *io_thread_time(struct io_thread *t); /* RFC 3339 */

void io_thread_do_drain(struct io_thread *t);
void io_thread_do_stop(struct io_thread *t);

/*
 * A large fan-out takes many turns, so that sockets, timers and, on a shared loop, the logic thread
 * get theirs in between. A queue that got something else meanwhile leaves with that at once.
 */
enum {
	IO_FAN_OUT_MIN = 32,   /* receivers; below it is not worth the trouble */
	IO_ADDS_A_TURN = 2048, /* about half a millisecond */
	IO_BULK_A_TURN = 64,   /* system calls of about 5 us */
	IO_GATHER_TURNS = 8    /* so many only add, so that a burst leaves in one write */
};
void io_thread_budget(struct io_thread *t); /* anew with each turn of the loop */

/*
 * io_inbox.c: carries out and frees one message of the logic thread. False: it is not through; it
 * goes on with the next turn, and what is behind it waits.
 */
bool io_inbox_do(struct io_thread *t, struct mail *m);

#endif
