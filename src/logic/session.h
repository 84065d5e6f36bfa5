/* SPDX-License-Identifier: MIT */
#ifndef LOGIC_SESSION_H
#define LOGIC_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <nuncio/base.h>

#include "base/list.h"
#include "io/io_msg.h"
#include "logic/slots.h"

struct login;
struct logic;
struct nuncio_request;
struct user;

/*
 * One WebSocket connection as the logic thread sees it. Its id is the connection's. States only go
 * forward:
 *
 *   ASKED     may_connect is being asked, the handshake waits for our answer
 *   OPENING   connected, a token has to come before the deadline
 *   PROVING   a token is being checked, then may_login asked
 *   READY     logged in: has a user, is found by modules
 *   CLOSING   we ended it; waiting for IO_CLOSED, nothing is sent or carried out any more
 *
 * It is freed at IO_CLOSED and only then, so an id that the I/O thread still knows always finds its
 * session.
 */
enum session_state {
	SESSION_ASKED = 1,
	SESSION_OPENING,
	SESSION_PROVING,
	SESSION_READY,
	SESSION_CLOSING
};

struct session {
	uint32_t magic;
	uint8_t state;
	bool is_upgrade; /* the handshake is not answered yet: IO_ADMIT or IO_REFUSE is due */
	bool is_told;    /* did_login was told, so did_disconnect is due */
	nuncio_sid id;
	struct user *user;     /* from READY on */
	struct list of_user;   /* in user->sessions */
	struct list questions; /* that wait, and end with it: struct session_question */
	struct list deadline;  /* in logic's wheel */
	int64_t due_ms;   /* monotonic: of the token to come, then the end of the token's life */
	int64_t since_ms; /* wall clock of the login */
	char *device;     /* NULL: none */
	struct nuncio_request
		*parked;     /* its may_call or may_send waits, and so do the next packets */
	struct login *login; /* while being asked or proved */
	bool is_resuming;    /* its waiting packets are being carried out */
	struct mail *first_waiting, *last_waiting;
	void **slots;
	unsigned char address[16]; /* IPv6, or IPv4 mapped */
	uint16_t port;
};

#define SESSION_MAGIC 0x53455353u

/* A question with facts about a session, which must not outlive it. Part of its asker's struct. */
struct session_question {
	struct list node; /* in session->questions, or a ring of its own */
	/* The session goes: takes it out, cancels it, and tells who asked. */
	void (*end)(struct session_question *question);
};

struct sessions {
	struct {
		struct session **slots;
		uint32_t size;
	} * threads;
	uint32_t thread_count;
	size_t count, ready_count;
	struct slots slot_kinds;
};

void sessions_init(struct sessions *sessions, uint32_t io_threads);
void sessions_fini(struct sessions *sessions); /* all sessions must have ended */

struct session *session_new(struct sessions *sessions, const struct io_connect *connect);
void session_free(struct sessions *sessions, struct session **session);
struct session *session_find(
	const struct sessions *sessions, nuncio_sid id); /* in any state; NULL: gone */

struct nuncio_str session_user_name(const struct session *session); /* empty before READY */
struct nuncio_str session_device(const struct session *session);
/* Numeric text of the peer's address; out has 46 bytes. */
struct nuncio_str session_address(const struct session *session, char out[46]);

/* session NULL: the question is nobody's, and has all its time. */
void session_add_question(const struct nuncio_session *session, struct session_question *question);
void session_end_questions(struct session *session);

/* Packets that came while a question is parked. The I/O thread bounds their number. */
void session_push_waiting(struct session *session, struct io_packet *packet);
struct io_packet *session_pop_waiting(struct session *session); /* NULL: none */

/*
 * Walking in pieces: the session at *place (0 to begin with) or behind it, and *place moves on;
 * NULL at the end. Sessions that come or go meanwhile do no harm.
 */
struct session *session_walk(const struct sessions *sessions, uint64_t *place);

typedef void session_each_fn(struct session *session, void *user);
void sessions_each(const struct sessions *sessions, session_each_fn *fn, void *user);

#endif
