/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_IO_SERVER_H
#define TESTS_UNIT_IO_SERVER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "io/io_thread.h"
#include "loop/mailbox.h"

/*
 * Real I/O threads on a loopback port, a logic thread that only answers, and a client with blocking
 * sockets that gives up after CLIENT_WAIT_MS. What the logic thread does:
 *
 * 	token "bad"      refused with token_invalid        token ""    admitted, not ready
 * 	any other token  admitted, first packet session.ready, ready
 * 	echo             answers with the data             session.open  answers, then ready
 * 	skip             answers without the data
 * 	park             not answered until: release, which answers all that is parked, then itself
 * 	flood, burst     100 or 8 notifies of 16 KiB, then the response
 * 	tell             TELL_COUNT notifies to everybody who ever connected, no response
 * 	close            session.closing, then closes with 4002
 * 	GET /big, /page  4 MiB, 48 KiB of 'x'  GET /empty  204       GET /close  ends the connection
 * 	GET /broken      a malformed field     GET /never  no answer
 * 	others           "METHOD path?query body"
 */
enum {
	CLIENT_WAIT_MS = 3000,
	BIG_BYTES = 4 * 1024 * 1024,
	PAGE_BYTES = 48 * 1024,
	FLOOD_COUNT = 100,
	FLOOD_BYTES = 16384,
	TELL_COUNT = 10,
	IDS_MAX = 1000
};

struct thread;
struct parked;

struct io_server {
	struct io_settings settings;
	struct io_listeners *listeners;
	struct io_thread *threads[2];
	unsigned thread_count; /* 0: one on the logic thread's loop */
	struct loop *loop;
	struct mailbox mailbox;
	size_t mailbox_bytes; /* its limit; set before the start */
	struct thread *logic;
	unsigned stopped;
	struct parked *parked; /* newest first */
	atomic_bool is_deaf;   /* the logic thread takes nothing from its mailbox */
	atomic_uint closed_count, connect_count, packet_count;
	atomic_uint close_code;  /* of the last IO_CLOSED */
	nuncio_sid ids[IDS_MAX]; /* of IO_CONNECT */
	unsigned tell_repeats;   /* `tell` names everybody so many times; 0: once */
	/* On a shared loop: system calls that sent something in one turn, at most. */
	atomic_uint most_sends;
	uint64_t turn, turn_sends;
	char seen_origin[64], seen_device[64], seen_token[64],
		seen_address[46]; /* of the last IO_CONNECT */
};

/* Change s->settings between the two. */
void io_server_init(struct io_server *s, unsigned thread_count);
void io_server_start(struct io_server *s, size_t mailbox_limit);
void io_server_stop(struct io_server *s); /* everything; checks that nothing is left */
struct io_stats io_server_stats(const struct io_server *s);
/* Waits until *value is `wanted`; fails the test if it does not become so. */
void io_server_wait(const atomic_uint *value, unsigned wanted);

/* ---- client ---- */

int client_open(const struct io_server *s);
int client_open_narrow(const struct io_server *s); /* with a small receive buffer */
void client_send(int fd, const char *text);
void client_send_bytes(int fd, const void *bytes, size_t n);
/* Reads up to and with `end`; NUL-ended, valid until the next call. Fails if it does not come. */
const char *client_read_until(int fd, const char *end);
void client_read_bytes(int fd, void *to, size_t n);
/* One HTTP answer: head into the returned text, body into *body (may be NULL for HEAD). */
const char *client_read_answer(int fd, struct buf *body);
bool client_is_at_end(int fd); /* the next thing is the end of the stream */
bool client_is_silent(int fd, int ms);

/* Handshake with these header lines ("" or "X: y\r\n..."); expects 101. */
int client_upgrade(const struct io_server *s, const char *target, const char *lines);
void client_ws_send(int fd, int opcode, const char *text, size_t n); /* masked, one frame */
void client_ws_text(int fd, const char *text);
/* Payload of the next frame, NUL-ended, valid until the next call. */
const char *client_ws_read(int fd, int *opcode_r, size_t *n_r);
/* The next frame has to be this text message. */
void client_ws_expect(int fd, const char *text);
/* Reads up to a close frame and returns its code. */
unsigned client_ws_read_close(int fd);

#endif
