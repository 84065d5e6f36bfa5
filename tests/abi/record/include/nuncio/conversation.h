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
 * One event of a log. Texts are borrowed; body and extra are JSON. Whoever makes one sets size and
 * leaves reserved at zero. It comes in arrays and within other structs. Final: its size does not
 * change; what comes later takes a part of `reserved`.
 */
struct nuncio_event {
	uint32_t size;  /* sizeof(struct nuncio_event) */
	uint32_t flags; /* NUNCIO_EVENT_* */
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
	uint64_t target;  /* seq of the event that this one changes; 0: it changes none */
	uint64_t changed; /* seq of the last event that changed this one; 0: as it was sent */
	/* what later events made of it: members without braces (`"edited_at":"..."`), or empty */
	struct nuncio_str state;
	/*
	 * the target as it is now, for an event with one that comes from the store; else NULL, and
	 * where the store knows who reads (sync, lists) also if they do not see the target
	 */
	const struct nuncio_event *now;
	uint64_t reserved[4];
};

/* It was taken back: does not count as unread or as a mention, is not found by searches. */
#define NUNCIO_EVENT_VOID 1u
/* Calls everybody in the conversation, as if all were mentioned. */
#define NUNCIO_EVENT_MENTIONS_ALL 2u

/*
 * Limits that let every event fit into a packet, with its `now` too: body, extra and state of one
 * event together; body and extra of an event with a target.
 */
#define NUNCIO_EVENT_BYTES 61440
#define NUNCIO_CHANGE_BYTES 1024

/*
 * One member of a conversation with the cursors of what has reached and was read by them. Final:
 * its size does not change, as that of an event.
 */
struct nuncio_member {
	uint32_t size;
	uint32_t role; /* what the kind makes of it; 0 is an ordinary member */
	struct nuncio_str user;
	uint64_t delivered, read; /* seq, cumulative */
	struct nuncio_str conversation;
	uint64_t since; /* sees events above this seq */
	uint64_t until; /* has left: sees events up to this one; 0: is there */
	int64_t joined_at_ms;
	int64_t muted_until_ms;  /* wall clock; 0: may speak */
	struct nuncio_str extra; /* JSON members without braces, may be empty, at most 1 KiB */
	/* of the conversation; filled where one member or the conversations of a user are read */
	uint64_t last_seq;
	uint32_t member_count, reserved;
	uint64_t reserved2[4];
};

/* A change to the members, written with the event that tells of it. */
enum nuncio_member_op {
	NUNCIO_MEMBER_ADD = 1, /* makes a member; one who had left comes back, as if new */
	/* sees nothing behind this event; user.n 0: everybody, and expect_role is not looked at */
	NUNCIO_MEMBER_REMOVE = 2,
	NUNCIO_MEMBER_SET = 3 /* changes what `fields` names */
};
#define NUNCIO_MEMBER_ROLE 1u
#define NUNCIO_MEMBER_MUTED 2u
#define NUNCIO_MEMBER_EXTRA 4u
/* ADD: the new member sees what was before, too. */
#define NUNCIO_MEMBER_ALL_HISTORY 16u
/*
 * ADD, REMOVE, SET: it is fine if they are there already, or not there: then this change does
 * nothing. Without it the append fails.
 */
#define NUNCIO_MEMBER_TOLERANT 32u
struct nuncio_member_change {
	uint32_t size, op; /* enum nuncio_member_op */
	struct nuncio_str user;
	uint32_t fields; /* NUNCIO_MEMBER_*; ADD takes role, muted and extra as they are */
	uint32_t role;
	/* REMOVE, SET: their role must be this, else NUNCIO_E_CONFLICT; -1: any. Not for ADD */
	int32_t expect_role;
	uint32_t reserved;
	int64_t muted_until_ms;
	struct nuncio_str extra;
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
 * Adds all live sessions of a user, on every node. Adding someone twice counts once.
 * Thread: logic, within a kind's audience callback.
 */
void nuncio_audience_add_user(struct nuncio_audience *audience, struct nuncio_str user);

/*
 * Adds everybody who has joined the live side of this conversation (below), on every node.
 * Thread: logic, within a kind's audience callback.
 */
void nuncio_audience_add_live(struct nuncio_audience *audience, struct nuncio_str conversation);

/*
 * The live side of a conversation with many members: those of them who are online on this node. It
 * comes into being with the first one who joins, and goes some time after the last one has left;
 * a user leaves by themselves with their last session here. Joining twice counts once.
 * NUNCIO_E_GONE: that user has no session here; NUNCIO_E_BUSY: more than 10,000 conversations for
 * one user; NUNCIO_E_INVAL: that can be no id. It costs 24 to 36 bytes for each pair of a user and
 * a conversation.
 * Thread: logic.
 */
int nuncio_live_join(
	struct nuncio_module *self, struct nuncio_str conversation, struct nuncio_str user);
void nuncio_live_leave(
	struct nuncio_module *self, struct nuncio_str conversation, struct nuncio_str user);
int nuncio_live_has(struct nuncio_str conversation, struct nuncio_str user); /* 1 or 0 */
/*
 * A user who is live in it sees of its log what is above `since` only (0, and after joining: all
 * of it): an event that changes one at or below goes to them without that one. NUNCIO_E_NOTFOUND:
 * they are not live in it.
 * Thread: logic.
 */
int nuncio_live_see_above(struct nuncio_module *self, struct nuncio_str conversation,
	struct nuncio_str user, uint64_t since);

/*
 * How many users of it are live here; 0 when it is not.
 * Thread: logic.
 */
size_t nuncio_live_count(struct nuncio_str conversation);

/*
 * A module's data with a live conversation: a slot taken with NUNCIO_PER_CONVERSATION (session.h).
 * NULL and NUNCIO_E_NOTFOUND when the conversation is not live here. Freed with the live side.
 * Thread: logic.
 */
struct nuncio_slot;
void *nuncio_live_get(struct nuncio_str conversation, const struct nuncio_slot *slot);
int nuncio_live_set(struct nuncio_str conversation, const struct nuncio_slot *slot, void *data);

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
	/*
	 * Flags of the kind. NUNCIO_KIND_MEMBERS_ONLY: the store refuses (NUNCIO_E_DENIED) an
	 * event of a sender who is not a member at that moment, nor made one by it, whatever
	 * may_enter has said before. Events without a sender pass. NUNCIO_KIND_UNMUTED_ONLY, with
	 * the former: likewise a message of a member whose muted_until_ms has not passed, or what
	 * was appended with NUNCIO_AS_WRITTEN; other events of theirs pass.
	 */
	uint32_t flags, reserved2;
	/*
	 * The same as `audience`, for kinds where it depends on the event (who has just been added
	 * is in it, though not live yet). NULL: `audience` is asked.
	 */
	void (*audience_of)(
		const struct nuncio_event *event, struct nuncio_audience *audience, void *user);
};
#define NUNCIO_KIND_MEMBERS_ONLY 1u
#define NUNCIO_KIND_UNMUTED_ONLY 2u

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

/* The same answer in full. */
struct nuncio_entry {
	uint32_t size;
	int32_t code;     /* what to tell the client (codes.h); 0: they may */
	const char *text; /* words for the client; never NULL */
	/*
	 * The part of the log that they may read, as the kind says (nuncio_ask_set_window): events
	 * above `since` and, if until is not 0, up to it.
	 */
	uint64_t since, until;
};

/*
 * As nuncio_conversation_enter; `entry` is borrowed until `done` returns.
 * Thread: logic (done too).
 */
typedef void nuncio_entry_fn(int status, const struct nuncio_entry *entry, void *user);
void nuncio_conversation_ask(struct nuncio_module *self, const struct nuncio_access *what,
	nuncio_entry_fn *done, void *user);

/*
 * The name of the kind that an id belongs to; NULL for none.
 * Thread: logic.
 */
const char *nuncio_conversation_kind(struct nuncio_str conversation);

/*
 * `from` does it as they would write a message: where the kind has NUNCIO_KIND_UNMUTED_ONLY, done
 * gets NUNCIO_E_EXPIRED when they are muted at that moment.
 */
#define NUNCIO_AS_WRITTEN 1u

/* An event to append. The core allocates nothing from it: texts are copied. */
struct nuncio_append {
	uint32_t size;  /* sizeof(struct nuncio_append) */
	uint32_t flags; /* NUNCIO_AS_WRITTEN */
	struct nuncio_str conversation, type, from, client_id, kind, body, extra;
	/*
	 * written in the same transaction (store.h), NULL if writes_count is 0; their owner is the
	 * conversation, so none is SYNCED, else NUNCIO_E_INVAL
	 */
	const struct nuncio_record_write *writes;
	size_t writes_count;
	/*
	 * Changes another event of this conversation: that with seq `target` gets this body and
	 * state (p NULL: keeps its own) and these flags added, and `changed` becomes the seq of
	 * this one. NUNCIO_E_CONFLICT if its `changed` is not expect_changed; NUNCIO_E_NOTFOUND;
	 * NUNCIO_E_TOOBIG if it grows over NUNCIO_EVENT_BYTES. The event that changes stays as it
	 * is written here: leave out of its own body and extra what may be taken back one day.
	 */
	uint64_t target, expect_changed;
	struct nuncio_str target_body, target_state;
	uint32_t target_flags; /* NUNCIO_EVENT_VOID */
	uint32_t event_flags;  /* NUNCIO_EVENT_MENTIONS_ALL, of this event */
	/* Changes to the members, in the same transaction, in this order. At most 1,000. */
	const struct nuncio_member_change *members;
	size_t members_count;
	/* after the changes there may be so many members, else NUNCIO_E_TOOBIG; 0: no limit */
	uint64_t members_max;
	/* Users to be called: it is in their count of mentions. At most 100; twice is once. */
	const struct nuncio_str *mentions;
	size_t mentions_count;
};

/*
 * status 0: event as stored, duplicate 1 if this client_id was there before with the same content.
 * Negative: event is NULL.
 */
typedef void nuncio_appended_fn(
	int status, const struct nuncio_event *event, int duplicate, void *user);

/*
 * Appends an event and delivers it to the audience, as message.send does after its checks; hooks
 * are not asked, did_store is told. Clients get it as message.new when its type is "message", as
 * message.changed when it has a target, else as TYPE.changed. The audience is asked before did_*
 * hooks are told, so who leaves because of an event still gets it. `done` (may be NULL) comes when
 * it is durable; an event with a target has its `now`. NUNCIO_E_BUSY, NUNCIO_E_UNSUPPORTED (no
 * store), NUNCIO_E_INVAL, NUNCIO_E_TOOBIG (NUNCIO_EVENT_BYTES, NUNCIO_CHANGE_BYTES): done is not
 * called.
 * Thread: logic (done too).
 */
int nuncio_append(struct nuncio_module *self, const struct nuncio_append *what,
	nuncio_appended_fn *done, void *user);

/*
 * Sends a notify to everybody who would get an event of this conversation now, but not to the
 * session `except` (0: none); no hook is asked. data: one JSON value. Nothing is kept: who is not
 * online never hears of it. Returns to how many sessions here, NUNCIO_E_NOTFOUND (no such
 * conversation can be), NUNCIO_E_TOOBIG.
 * Thread: logic.
 */
int nuncio_conversation_notify(struct nuncio_module *self, struct nuncio_str conversation,
	const char *op, struct nuncio_str data, nuncio_sid except);

struct nuncio_json;

/*
 * Writes an event as clients see it (PROTOCOL.md 1.4), one JSON object. One with `now` has that as
 * its member "message".
 * Thread: any, one at a time per writer.
 */
void nuncio_event_write(struct nuncio_json *json, const struct nuncio_event *event);

NUNCIO_END_DECLS

#endif
