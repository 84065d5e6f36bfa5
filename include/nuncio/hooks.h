/* SPDX-License-Identifier: MIT */
#ifndef NUNCIO_HOOKS_H
#define NUNCIO_HOOKS_H

/*
 * Hooks: may_* asks and can wait for the answer, did_* tells and cannot stop anything. One table
 * makes enum, types and typed registration functions: nuncio_hook_may_send(self, prio, fn, user).
 *
 * Handlers run by priority, low number first; equal ones in the order of the INI's [modules] list.
 * `nunciod --show-hooks` prints it. PASS asks the next, ACCEPT ends with yes, REJECT with no, LATER
 * parks the question until its ticket is resumed; then it goes on at the *next* handler. The end of
 * the list means yes.
 *
 * Order per session: may_connect, may_login, did_login, ... , did_disconnect, then its slots are
 * freed. Nothing about a session is asked or told after did_disconnect. While a packet of a session
 * is parked, its next packets wait.
 */

#include <nuncio/conversation.h>
#include <nuncio/module.h>

NUNCIO_BEGIN_DECLS

enum nuncio_verdict {
	NUNCIO_PASS = 0,
	NUNCIO_ACCEPT = 1,
	NUNCIO_REJECT = 2, /* only through nuncio_reject() */
	NUNCIO_LATER = 3   /* only after nuncio_defer() */
};

enum nuncio_priority {
	NUNCIO_PRIO_FIRST = -1000,
	NUNCIO_PRIO_GUARD = -500,
	NUNCIO_PRIO_NORMAL = 0,
	NUNCIO_PRIO_REWRITE = 500,
	NUNCIO_PRIO_LAST = 1000
};

struct nuncio_session;
struct nuncio_ask;    /* a question being asked: valid during the handler */
struct nuncio_ticket; /* the right to answer it later: valid until resumed */

/*
 * Facts. The core allocates, handlers read; borrowed, but valid as long as a question is parked.
 * They may grow at the end.
 */
struct nuncio_peer {               /* someone wants a WebSocket */
	struct nuncio_str address; /* numeric, without port */
	struct nuncio_str origin;  /* Origin header or empty */
	struct nuncio_str agent;   /* User-Agent header or empty */
	uint32_t port, reserved;
};
struct nuncio_login { /* a token was good */
	struct nuncio_session *session;
	struct nuncio_str user, device;
	int64_t expires_at_ms; /* the token's exp */
	int64_t issued_at_ms;  /* the token's iat, in whole seconds; 0: it does not say */
};
struct nuncio_call {                    /* an op or an HTTP route is about to run */
	struct nuncio_session *session; /* NULL over HTTP */
	struct nuncio_str user;         /* empty when not authenticated */
	struct nuncio_str address;      /* of the peer */
	struct nuncio_str op; /* "message.send", or "POST /api/v1/messages" (the route's pattern) */
	int64_t issued_at_ms; /* over HTTP: as in struct nuncio_login; else 0 */
};
struct nuncio_send { /* a message is about to be stored, was, or is about to be edited */
	struct nuncio_session
		*session; /* NULL through REST; NULL in did_store when the sender left meanwhile */
	/* seq 0 in may_send; in may_edit the message as it would be, with its new body */
	const struct nuncio_event *event;
};
struct nuncio_reach { /* an event is about to go to one session */
	struct nuncio_session *to;
	const struct nuncio_event *event;
};
struct nuncio_mark { /* a member's cursor moved */
	struct nuncio_str user, conversation;
	uint64_t delivered, read;
	/*
	 * 1: moved on another node, where did_mark was told without this; whoever sends something
	 * because of it has done so there
	 */
	uint32_t is_remote, reserved;
};
struct nuncio_leave { /* a session ended */
	struct nuncio_session *session;
	struct nuncio_str user, device;
	uint32_t close_code, reserved; /* RFC 6455 section 7.4, or PROTOCOL.md 1.3 */
};

/*
 * An event is known here: stored by this node, or come over the bus because somebody of its
 * audience is here. One that comes over the bus may come twice, or not at all.
 */
struct nuncio_told {
	const struct nuncio_event *event;
	uint32_t is_remote, reserved; /* 1: another node stored it */
};
/*
 * Someone was written to and has no session on any node: a member whom the kind's audience names by
 * name, or a member whom the message calls (of a live audience only those). Not the sender; only
 * for new messages, and only on the node that stored them. When it cannot be said who is on other
 * nodes they count as being nowhere. A message that calls all members of a live audience is told
 * of by and by, a few hundred members at a time, after the others.
 */
struct nuncio_miss {
	struct nuncio_str user;
	const struct nuncio_event *event;
	uint32_t is_called, reserved; /* 1: by name, or because all are */
};

struct nuncio_writes;
struct nuncio_storing {                   /* an event goes to the store, whoever made it */
	const struct nuncio_event *event; /* seq 0: the store gives it */
	struct nuncio_writes *writes;     /* see nuncio_storing_add */
};

/* Someone is about to become a member; the module asks that makes them one. */
struct nuncio_join {
	uint32_t size;                  /* sizeof(struct nuncio_join) */
	uint32_t role;                  /* that they get, as the kind understands it */
	struct nuncio_session *session; /* of `by`; NULL: through REST or a module */
	struct nuncio_str user;
	/* who lets them in: themselves, or who adds or invited them; empty: nobody but a module */
	struct nuncio_str by;
	struct nuncio_str conversation;
};
struct nuncio_state { /* someone's presence has changed, on all nodes together */
	struct nuncio_str user;
	uint32_t was, is; /* enum nuncio_presence_status (services/presence.h) */
	int64_t last_seen_ms;
};
struct nuncio_answered {                /* a request was answered */
	struct nuncio_session *session; /* NULL over HTTP, and when it has gone meanwhile */
	struct nuncio_str user;         /* empty when not authenticated */
	struct nuncio_str op;           /* as in nuncio_call; empty: no such op or route */
	int32_t code;                   /* codes.h; 0: success */
	uint32_t http_status;           /* 0 over WebSocket */
	int64_t took_us;                /* from when the core had it to the answer */
};
/*
 * Frames of other nodes may have been lost, and come again: whoever keeps something right by
 * did_event or messages of peers looks it up again. Clients are asked to sync besides.
 */
struct nuncio_recovery {
	uint32_t size, reserved;
};
/*
 * An event could not be stored, for a reason that leaves open whether it is there all the same: the
 * store broke down in the middle of it. Whoever keeps a copy of that log looks it up again.
 */
struct nuncio_failure {
	uint32_t size;
	int32_t status; /* NUNCIO_E_FAIL, ... */
	struct nuncio_str conversation;
};
struct nuncio_drain {       /* the server begins to stop */
	int64_t timeout_ms; /* what is not over by then is cut off */
};

/* Every hook there is. Numbers are never reused. */
#define NUNCIO_DECISIONS(X) \
	X(1, may_connect, peer) \
	X(2, may_login, login) \
	X(3, may_call, call) \
	X(4, may_send, send) \
	X(5, may_query, access) \
	X(6, may_join, join) \
	X(7, may_edit, send)
#define NUNCIO_FILTERS(X) \
	X(501, may_reach, reach) \
	X(502, may_store, storing) \
	X(503, may_show, reach)
#define NUNCIO_NOTICES(X) \
	X(1001, did_login, login) \
	X(1002, did_store, send) \
	X(1003, did_mark, mark) \
	X(1004, did_disconnect, leave) \
	X(1005, did_event, told) \
	X(1006, did_miss, miss) \
	X(1007, did_presence, state) \
	X(1008, did_request, answered) \
	X(1009, did_drain, drain) \
	X(1010, did_recover, recovery) \
	X(1011, did_fail, failure)

enum nuncio_hook {
	NUNCIO_HOOK_none = 0,
#define NUNCIO_X(number, name, facts) NUNCIO_HOOK_##name = number,
	NUNCIO_DECISIONS(NUNCIO_X) NUNCIO_FILTERS(NUNCIO_X) NUNCIO_NOTICES(NUNCIO_X)
#undef NUNCIO_X
};

typedef void nuncio_any_fn(void);

/*
 * Adds a handler; use the typed wrappers below. NUNCIO_E_UNSUPPORTED: this server has no such hook;
 * NUNCIO_E_DENIED: called after init.
 * Thread: logic, in init.
 */
int nuncio_hook_add(struct nuncio_module *self, enum nuncio_hook hook, int priority,
	nuncio_any_fn *fn, void *user);

/*
 * Decisions: enum nuncio_verdict fn(ask, what, user). may_query covers history, sync of one
 * conversation and search.
 */
#define NUNCIO_X(number, name, facts) \
	typedef enum nuncio_verdict nuncio_##name##_fn( \
		struct nuncio_ask *ask, const struct nuncio_##facts *what, void *user); \
	static inline int nuncio_hook_##name( \
		struct nuncio_module *self, int priority, nuncio_##name##_fn *fn, void *user) \
	{ \
		return nuncio_hook_add( \
			self, NUNCIO_HOOK_##name, priority, (nuncio_any_fn *)fn, user); \
	}
NUNCIO_DECISIONS(NUNCIO_X)
#undef NUNCIO_X

/*
 * Filters: like decisions, but they cannot wait (LATER counts as REJECT). may_reach runs per
 * receiver: a handler there makes every fan-out walk its receivers. may_store is the last word
 * before an event is stored, whoever made it; REJECT refuses it with `busy`. may_show runs per
 * receiver of an event with a `now`; REJECT: they get it without that.
 */
#define NUNCIO_X(number, name, facts) \
	typedef enum nuncio_verdict nuncio_##name##_fn( \
		const struct nuncio_##facts *what, void *user); \
	static inline int nuncio_hook_##name( \
		struct nuncio_module *self, int priority, nuncio_##name##_fn *fn, void *user) \
	{ \
		return nuncio_hook_add( \
			self, NUNCIO_HOOK_##name, priority, (nuncio_any_fn *)fn, user); \
	}
NUNCIO_FILTERS(NUNCIO_X)
#undef NUNCIO_X

/*
 * Notices: void fn(what, user). They may start new work; that is queued behind what runs now.
 * did_request comes at the end of the turn in which the answer was given.
 */
#define NUNCIO_X(number, name, facts) \
	typedef void nuncio_##name##_fn(const struct nuncio_##facts *what, void *user); \
	static inline int nuncio_hook_##name( \
		struct nuncio_module *self, int priority, nuncio_##name##_fn *fn, void *user) \
	{ \
		return nuncio_hook_add( \
			self, NUNCIO_HOOK_##name, priority, (nuncio_any_fn *)fn, user); \
	}
NUNCIO_NOTICES(NUNCIO_X)
#undef NUNCIO_X

/*
 * Asks may_join; whoever makes members asks before. The answer comes to `done` (0, or negative with
 * code and text for the client), perhaps before this returns; NUNCIO_E_GONE when what->session ends
 * first. `what` and its texts are copied.
 * Thread: logic (done too).
 */
void nuncio_conversation_join_ask(struct nuncio_module *self, const struct nuncio_join *what,
	nuncio_entry_fn *done, void *user);

/*
 * Asks may_edit; whoever gives a message another body asks before. what->event is the message as it
 * would be, its session who edits it. The answer comes to `done`, perhaps before this returns: 0
 * and the body to be stored, which a handler may have replaced, or negative with code and text for
 * the client: NUNCIO_E_TOOBIG over [core] body_limit, as for sending; NUNCIO_E_GONE when
 * what->session ends first. Body and entry are borrowed until `done`
 * returns. `what`, its event and its texts are copied.
 * Thread: logic (done too).
 */
typedef void nuncio_edit_fn(
	int status, const struct nuncio_entry *entry, struct nuncio_str body, void *user);
void nuncio_edit_ask(struct nuncio_module *self, const struct nuncio_send *what,
	nuncio_edit_fn *done, void *user);

/*
 * Tells did_presence. For the module that knows who is online (it offers presence.v1), on the node
 * that noticed, once for each change.
 * Thread: logic.
 */
void nuncio_tell_presence(struct nuncio_module *self, struct nuncio_str user, uint32_t was,
	uint32_t is, int64_t last_seen_ms);

/*
 * Refuses: `code` (codes.h) and English words for the client (copied). Returns NUNCIO_REJECT, so
 * `return nuncio_reject(...)`.
 * Thread: logic, within the handler.
 */
enum nuncio_verdict nuncio_reject(struct nuncio_ask *ask, int code, const char *text);

/*
 * Replaces the body of the message in may_send and may_edit by `body` (one JSON value, checked,
 * copied); later handlers see it. NUNCIO_E_INVAL otherwise.
 * Thread: logic, within the handler.
 */
int nuncio_ask_set_body(struct nuncio_ask *ask, struct nuncio_str body);

/*
 * Adds a record write (store.h) to the message in may_send: it is written in the same transaction,
 * or not at all when the message was sent before. Copied. The space is the module's, the owner the
 * conversation, `expect` NUNCIO_EXPECT_ANY; of the flags NUNCIO_WRITE_KEY_SEQ is possible.
 * NUNCIO_E_INVAL otherwise, or outside of may_send; NUNCIO_E_TOOBIG: a value over 64 KiB, or more
 * than 16 writes of all handlers together.
 * Thread: logic, within the handler.
 */
struct nuncio_record_write;
int nuncio_ask_add_write(struct nuncio_ask *ask, const struct nuncio_record_write *write);

/*
 * Says in a kind's may_enter which part of the log they may read: events above `since` and, if
 * until is not 0, up to it. Not said: all of it.
 * Thread: logic, within the handler.
 */
void nuncio_ask_set_window(struct nuncio_ask *ask, uint64_t since, uint64_t until);

/*
 * Takes the ticket of this question, then the handler must return NUNCIO_LATER. It is the caller's
 * until nuncio_resume takes it back, exactly once. After timeout_ms, or [core] answer_timeout if
 * that is shorter, the question is refused with `timeout`, or goes on at the next handler if the
 * operator has named the hook or the module in [core] fail_open. When the one who asked is gone, or
 * the deadline passed, `cancelled` (may be NULL) is called once on the logic thread: the ticket
 * must still be given back. One ticket per handler call; a second try returns NULL.
 * Thread: logic, within the handler.
 */
typedef void nuncio_cancelled_fn(void *user);
struct nuncio_ticket *nuncio_defer(
	struct nuncio_ask *ask, uint32_t timeout_ms, nuncio_cancelled_fn *cancelled, void *user);

/*
 * Answers: NUNCIO_PASS, NUNCIO_ACCEPT or NUNCIO_REJECT with code and text (copied; ignored
 * otherwise). *ticket becomes NULL. Allowed before the handler has returned LATER. A new body for
 * may_send and may_edit may be given (p NULL: unchanged; invalid JSON counts as REJECT with
 * `internal`).
 * Thread: any.
 */
void nuncio_resume(struct nuncio_ticket **ticket, enum nuncio_verdict verdict, int code,
	const char *text, struct nuncio_str body);

/*
 * nuncio_ask_set_window for a question that waits; before nuncio_resume.
 * Thread: any, the one that resumes it.
 */
void nuncio_ticket_set_window(struct nuncio_ticket *ticket, uint64_t since, uint64_t until);

/*
 * nuncio_ask_add_write for a question that waits; before nuncio_resume. Only there it is known
 * whether the owner is right and all have room: if not, that counts as REJECT with `internal`.
 * Thread: any, the one that resumes it.
 */
int nuncio_ticket_add_write(struct nuncio_ticket *ticket, const struct nuncio_record_write *write);

/*
 * Adds a record write to the transaction of an event in may_store, as nuncio_ask_add_write does to
 * that of a message. NUNCIO_E_INVAL, NUNCIO_E_TOOBIG: as there.
 * Thread: logic, within the handler.
 */
int nuncio_storing_add(struct nuncio_module *self, const struct nuncio_storing *what,
	const struct nuncio_record_write *write);

NUNCIO_END_DECLS

#endif
