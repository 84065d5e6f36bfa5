/* SPDX-License-Identifier: MIT */
#ifndef NUNCIO_CONVERSATION_H
#define NUNCIO_CONVERSATION_H

/*
 * Conversations are logs of events; the core keeps the log and the delivery, a module defines a
 * *kind*: what its ids look like, who may enter, who is the audience. `message.send`,
 * `message.confirm` and `message.read` exist as soon as there is a kind.
 */

#include <nuncio/module.h>

NUNCIO_BEGIN_DECLS

struct nuncio_session;
struct nuncio_ask;

/*
 * One event of a log. Texts are borrowed; body and extra are JSON. Structs may grow at the end:
 * whoever makes one sets size.
 */
struct nuncio_event {
	uint32_t size; /* sizeof(struct nuncio_event) */
	uint32_t reserved;
	struct nuncio_str conversation;
	uint64_t seq;                /* 1, 2, 3 ... without holes, given by the store */
	nuncio_id id;                /* unique, grows with time */
	int64_t sent_at_ms;          /* milliseconds since 1970, UTC */
	struct nuncio_str type;      /* "message"; other types come with other modules */
	struct nuncio_str from;      /* user */
	struct nuncio_str client_id; /* the sender's key, may be empty for events made by modules */
	struct nuncio_str kind;      /* "text", ... */
	struct nuncio_str body;      /* one JSON value */
	/* further members without braces (`"reply_to":3,"mentions":["bob"]`), may be empty */
	struct nuncio_str extra;
};

/* One member of a conversation with the cursors of what has reached and was read by them. */
struct nuncio_member {
	uint32_t size, reserved;
	struct nuncio_str user;
	uint64_t delivered, read; /* seq, cumulative */
};

/* What someone wants of a conversation. */
enum nuncio_access_kind { NUNCIO_ACCESS_READ = 1, NUNCIO_ACCESS_WRITE = 2 };
struct nuncio_access {
	struct nuncio_session *session; /* NULL: through REST or a module */
	struct nuncio_str user, conversation;
	uint32_t access; /* enum nuncio_access_kind */
	uint32_t reserved;
};

/* Collects who is to get an event. Opaque, valid during the callback. */
struct nuncio_audience;

/*
 * Adds all live sessions of a user. Adding someone twice counts once.
 * Thread: logic, within a kind's audience callback.
 */
void nuncio_audience_add_user(struct nuncio_audience *audience, struct nuncio_str user);

/*
 * A kind of conversations. The module allocates (static), the core reads. Callbacks: logic thread,
 * must not block.
 */
struct nuncio_kind {
	uint32_t size; /* sizeof(struct nuncio_kind) */
	uint32_t reserved;
	const char *name;   /* "direct": how clients see it */
	const char *prefix; /* ids of this kind start with it and a colon: "d" */
	const char *target; /* member of `to` in message.send: "user" */
	/*
	 * Writes the id of the conversation that `value` of `to` means for `sender` into out
	 * (NUL-ended), returns its length; negative with err when it means none.
	 */
	int (*resolve)(struct nuncio_str sender, struct nuncio_str value, char *out,
		size_t out_size, void *user, struct nuncio_error *err);
	/*
	 * May they? PASS, nuncio_reject(...) or LATER with a ticket (hooks.h). Never called for
	 * malformed ids (see is_valid).
	 */
	int32_t (*may_enter)(struct nuncio_ask *ask, const struct nuncio_access *what, void *user);
	/* 1 if the text can be an id of this kind. */
	int (*is_valid)(struct nuncio_str conversation, void *user);
	/* Who gets its events now. */
	void (*audience)(
		struct nuncio_str conversation, struct nuncio_audience *audience, void *user);
	/*
	 * The members that the store is to write with the first event, for kinds whose ids say who
	 * they are: fills up to `max`, returns the count. NULL: none.
	 */
	size_t (*founders)(
		struct nuncio_str conversation, struct nuncio_str *users_r, size_t max, void *user);
};

/*
 * Adds a kind; `kind` is kept by reference. NUNCIO_E_EXISTS if the prefix, name or target is taken.
 * Thread: logic, in init.
 */
int nuncio_kind_add(struct nuncio_module *self, const struct nuncio_kind *kind, void *user);

/*
 * Asks the kind of `conversation` whether `user` may; the answer comes to `done` (0, or negative
 * with text for the client), perhaps before this returns. An id of no kind answers
 * NUNCIO_E_NOTFOUND; NUNCIO_E_GONE comes when what->session ends before the answer.
 * Thread: logic (done too).
 */
typedef void nuncio_access_fn(int status, const char *text, void *user);
void nuncio_conversation_enter(struct nuncio_module *self, const struct nuncio_access *what,
	nuncio_access_fn *done, void *user);

/*
 * The name of the kind that an id belongs to; NULL for none.
 * Thread: logic.
 */
const char *nuncio_conversation_kind(struct nuncio_str conversation);

/* An event to append. The core allocates nothing from it: texts are copied. */
struct nuncio_append {
	uint32_t size;  /* sizeof(struct nuncio_append) */
	uint32_t flags; /* 0 */
	struct nuncio_str conversation, type, from, client_id, kind, body, extra;
	const struct nuncio_record_write
		*writes; /* written in the same transaction (store.h), NULL if writes_count is 0 */
	size_t writes_count;
};

/*
 * status 0: event as stored, duplicate 1 if this client_id was there before with the same content.
 * Negative: event is NULL.
 */
typedef void nuncio_appended_fn(
	int status, const struct nuncio_event *event, int duplicate, void *user);

/*
 * Appends an event and delivers it to the audience, as message.send does after its checks; hooks
 * are not asked, did_store is told. `done` (may be NULL) comes when it is durable. NUNCIO_E_BUSY,
 * NUNCIO_E_UNSUPPORTED (no store), NUNCIO_E_INVAL, NUNCIO_E_TOOBIG (body and extra over 60 KiB, so
 * that every event fits into a packet): done is not called.
 * Thread: logic (done too).
 */
int nuncio_append(struct nuncio_module *self, const struct nuncio_append *what,
	nuncio_appended_fn *done, void *user);

struct nuncio_json;

/*
 * Writes an event as clients see it (PROTOCOL.md 1.4), one JSON object.
 * Thread: any, one at a time per writer.
 */
void nuncio_event_write(struct nuncio_json *json, const struct nuncio_event *event);

NUNCIO_END_DECLS

#endif
