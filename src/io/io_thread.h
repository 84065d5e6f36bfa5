/* SPDX-License-Identifier: MIT */
#ifndef IO_IO_THREAD_H
#define IO_IO_THREAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <nuncio/base.h>

struct loop;
struct mailbox;

/*
 * What server.c needs of the I/O threads; everybody else talks to them by the messages of io_msg.h.
 *
 *	io_settings_init(&s); ... fill ...
 *	io_listen(&s, max(io_threads, 1), &listeners, &err);    binds; before privileges are dropped
 *	io_thread_new(i, &s, listeners, logic_mailbox, NULL or the logic loop, &t[i], &err);
 *	io_thread_start(t[i], &err);                            accepts from here on
 *	io_thread_stop(t[i]);  ... IO_STOPPED arrives in logic's mailbox ...
 *	io_thread_join(t[i]);  io_thread_free(&t[i]);  io_listeners_free(&listeners);
 *
 * With a shared loop (io_threads = 0) there is no thread: sockets are served by the loop that is
 * given, from on_turn callbacks, and a request is answered within the turn that read it.
 */

/* Outlives the threads and does not change; the texts too. */
struct io_settings {
	const char *const
		*listen; /* "127.0.0.1:8480", "[::1]:8480"; "8480": every address of the host */
	size_t listen_count;
	const char *const
		*origins; /* "https://chat.example", "*": all; own host is always allowed */
	size_t origin_count;

	uint32_t heartbeat_ms; /* ping after this much silence, close after twice as much */
	uint32_t head_ms;      /* for a whole request head; 408 */
	uint32_t body_ms;      /* for a whole request body; 408 */
	uint32_t idle_ms;      /* keep-alive connection without a request */
	uint32_t stall_ms;     /* the peer takes nothing of what is queued for it */
	uint32_t closing_ms;   /* for the peer's half of a closing */

	uint32_t max_connections;      /* of all threads; 0: as many as descriptors allow */
	uint32_t descriptor_reserve;   /* descriptors left for files and databases */
	uint32_t inflight;             /* requests of one WebSocket that wait for their answers */
	size_t message_bytes;          /* one WebSocket message */
	size_t head_bytes, body_bytes; /* of HTTP requests */
	size_t open_body_bytes;        /* of those without Authorization */
	size_t http_bytes;  /* of all that a thread holds, and of answers that have not left */
	size_t queue_bytes; /* waiting for one WebSocket's peer; over it: close 4003 */
	unsigned spin_us;   /* own threads: look for answers this long before sleeping */
	bool deflate;       /* accept permessage-deflate */
};

void io_settings_init(struct io_settings *s); /* the defaults, nothing to listen on */

/*
 * Binds every address once per thread, and raises RLIMIT_NOFILE to its hard limit. The address
 * stands in every error. Thread: main.
 */
struct io_listeners;
int io_check_address(const char *text, struct nuncio_error *err); /* of listen; binds nothing */
int io_listen(const struct io_settings *settings, unsigned thread_count,
	struct io_listeners **listeners_r, struct nuncio_error *err);
void io_listeners_free(struct io_listeners **listeners); /* after the threads */
size_t io_listeners_count(const struct io_listeners *listeners);
/* As bound, with the port that the system chose when 0 was asked for. */
const char *io_listeners_address(const struct io_listeners *listeners, size_t index);
uint16_t io_listeners_port(const struct io_listeners *listeners, size_t index);
/* Where accepting stops, by max_connections or by descriptors. */
uint32_t io_listeners_max_connections(const struct io_listeners *listeners);
uint32_t io_listeners_connections(const struct io_listeners *listeners); /* Thread: any */
/* Calls of accept that failed for want of descriptors or memory, and pauses for any reason. */
void io_listeners_troubles(
	const struct io_listeners *listeners, uint64_t *failed_r, uint64_t *pauses_r);

struct io_thread;

/* index < the thread_count of io_listen, and the thread's number in every id. Thread: main. */
int io_thread_new(unsigned index, const struct io_settings *settings,
	struct io_listeners *listeners, struct mailbox *to_logic, struct loop *shared,
	struct io_thread **t_r, struct nuncio_error *err);
int io_thread_start(struct io_thread *t, struct nuncio_error *err);
struct mailbox *io_thread_inbox(struct io_thread *t);
void io_thread_drain(struct io_thread *t); /* posts IO_DRAIN. Thread: any */
void io_thread_stop(struct io_thread *t);  /* posts IO_STOP. Thread: any */
void io_thread_join(struct io_thread *t);  /* nothing to do with a shared loop */
void io_thread_free(struct io_thread **t); /* after the join; a shared loop runs no more */

/* Counters grow, the rest are gauges. A moment's truth, each number for itself. Thread: any. */
struct io_stats {
	uint64_t accepted;
	uint64_t refused;  /* handshakes and requests that got no further than this thread */
	uint64_t slow;     /* closed with 4003 */
	uint64_t silent;   /* closed with 4004 */
	uint64_t timeouts; /* HTTP */
	uint64_t crowded;  /* HTTP, refused because of http_bytes */
	uint64_t requests; /* HTTP, given to the logic thread */
	uint64_t messages_in, messages_out; /* WebSocket packets */
	uint64_t pings;                     /* of messages_in, the op ping answered here */
	uint64_t bytes_in, bytes_out;
	uint64_t sends;  /* system calls that carried bytes_out */
	uint64_t stalls; /* times that reading stopped because the logic thread was behind */
	uint64_t pauses; /* times that a read brought more than one turn may do */
	int64_t http, waiting, admitting, open, closing, ending; /* connections by state */
	int64_t queue_bytes;                                     /* waiting for peers */
	int64_t http_bytes; /* of HTTP requests until answered, and of answers until they left */
	int64_t held;       /* connections not read from because the logic thread is behind */
	int64_t inbox;      /* messages of the logic thread, not carried out */
	int64_t fan_out;    /* receivers that the large fan-out under way has still to reach */
};
void io_thread_stats(const struct io_thread *t, struct io_stats *stats_r);
const char *io_thread_name(const struct io_thread *t); /* of its loop: "io-0", or "logic" */
/* As loop_set_lag, of its own loop; nothing with a shared one. Before the start. */
struct metric;
void io_thread_set_lag(struct io_thread *t, struct metric *lag);
/* False with a shared loop, and before the start. Thread: main. */
bool io_thread_cpu_ns(const struct io_thread *t, int64_t *ns_r);

#endif
