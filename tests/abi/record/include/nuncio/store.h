/* SPDX-License-Identifier: MIT */
#ifndef NUNCIO_STORE_H
#define NUNCIO_STORE_H

/*
 * Asking the store. One module is the provider, chosen by `[core] store`; how to be one is in
 * store_provider.h. The store keeps logs of events (conversation.h), members with cursors, and
 * *records*: small values of modules under (space, owner, key). Every call copies its input and
 * answers once on the logic thread, never before it returns. Immediate returns:
 * NUNCIO_E_UNSUPPORTED no store, NUNCIO_E_BUSY queue full, NUNCIO_E_GONE stopping; then `done` is
 * not called.
 */

#include <nuncio/conversation.h>
#include <nuncio/module.h>

NUNCIO_BEGIN_DECLS

/*
 * Rows that come back are borrowed until `done` returns. `more`: there would have been others
 * beyond the limits.
 */
typedef void nuncio_events_fn(
	int status, const struct nuncio_event *rows, size_t n, int more, void *user);

/* The oldest rows above `after`, also when that is 0. */
#define NUNCIO_EVENTS_FORWARD 1u

/*
 * A page of one log: after < seq, or seq < before (0: not given; both 0: the newest). Rows come in
 * rising seq. Events with a target come with `now`, whoever asks: who shows them to a member with a
 * `since` leaves out a `now` whose seq is not above it.
 */
struct nuncio_events_query {
	uint32_t size, flags;
	struct nuncio_str conversation;
	uint64_t after, before;
	uint32_t limit; /* rows, 1-1000 */
	/* stop before the sum of texts, `now` too, exceeds this (at least one row); 0: no limit */
	uint32_t max_bytes;
	/* forward from the first event sent at or after this wall clock; 0: not given */
	int64_t from_ms;
};

/*
 * Reads a page of events. Does not ask who may: nuncio_conversation_enter does.
 * Thread: logic (done too).
 */
int nuncio_store_events(struct nuncio_module *self, const struct nuncio_events_query *query,
	nuncio_events_fn *done, void *user);

/* Everything in all conversations of a user since a cursor. */
struct nuncio_sync_query {
	uint32_t size, reserved;
	struct nuncio_str user;
	struct nuncio_str cursor; /* as the store gave it; empty: just give one of now */
	uint32_t limit, max_bytes;
};
struct nuncio_sync_answer {
	uint32_t size;
	uint32_t more;            /* 1: call again with the new cursor */
	uint32_t gap, reserved;   /* 1: the cursor was empty, too old or not this store's; reload */
	struct nuncio_str cursor; /* opaque text, [A-Za-z0-9._~-] */
	const struct nuncio_event *rows; /* per conversation in rising seq */
	size_t count;
	/*
	 * Members whose cursors moved by marks: the user's own in every conversation, and those of
	 * others in conversations of up to NUNCIO_SYNC_MEMBERS; of those who are there.
	 */
	const struct nuncio_member *members;
	size_t members_count;
	/* Records of the user that were written with NUNCIO_WRITE_SYNCED; value.p NULL: deleted. */
	const struct nuncio_record *records;
	size_t records_count;
};
#define NUNCIO_SYNC_MEMBERS 100
typedef void nuncio_sync_fn(int status, const struct nuncio_sync_answer *answer, void *user);

/*
 * Reads what changed for a user: events of the conversations that they are in, or were in up to
 * their leaving, cursors, records. limit counts all rows together. Everything committed before the
 * call is at or before the cursor that comes back when more is 0. What comes may have come before.
 * That a record was deleted is known for 30 days; cursors that are older than what was forgotten
 * are gaps. Records that expired just do not come.
 * Thread: logic (done too).
 */
int nuncio_store_sync(struct nuncio_module *self, const struct nuncio_sync_query *query,
	nuncio_sync_fn *done, void *user);

/* One conversation in a user's list. Final: its size does not change, as that of an event. */
struct nuncio_conversation_row {
	uint32_t size, reserved;
	struct nuncio_str conversation;
	uint64_t last_seq, delivered, read; /* delivered, read: the user's own cursors */
	/* messages of others above read that they see; not VOID; counts to 1000 at most */
	uint64_t unread;
	struct nuncio_event last; /* newest event; seq 0: none */
	struct nuncio_str peer; /* the other one, when there are exactly two members; else empty */
	uint64_t peer_delivered, peer_read;
	uint64_t since, until; /* as in nuncio_member; those who have left are not listed */
	uint64_t mentions;     /* those of the unread ones that call this user; to 1000 at most */
	uint32_t role, member_count;
	uint64_t reserved2[4];
};
typedef void nuncio_conversations_fn(int status, const struct nuncio_conversation_row *rows,
	size_t n, struct nuncio_str next, void *user);

/*
 * A user's conversations, the most recently active first. `after` is the `next` of the page before,
 * or empty; next is empty at the end.
 * Thread: logic (done too).
 */
int nuncio_store_conversations(struct nuncio_module *self, struct nuncio_str who,
	struct nuncio_str after, uint32_t limit, nuncio_conversations_fn *done, void *user);

typedef void nuncio_members_fn(
	int status, const struct nuncio_member *rows, size_t n, int more, void *user);

/*
 * Members of a conversation in order of user id, above `after` (empty: from the start). Those who
 * have left are not among them.
 * Thread: logic (done too).
 */
int nuncio_store_members(struct nuncio_module *self, struct nuncio_str conversation,
	struct nuncio_str after, uint32_t limit, nuncio_members_fn *done, void *user);

/*
 * The same, only those whose role is at least min_role.
 * Thread: logic (done too).
 */
int nuncio_store_members_by_role(struct nuncio_module *self, struct nuncio_str conversation,
	uint32_t min_role, struct nuncio_str after, uint32_t limit, nuncio_members_fn *done,
	void *user);

/*
 * One member, also one who has left (until is not 0): one row, or NUNCIO_E_NOTFOUND.
 * Thread: logic (done too).
 */
int nuncio_store_member(struct nuncio_module *self, struct nuncio_str conversation,
	struct nuncio_str who, nuncio_members_fn *done, void *user);

/*
 * The conversations that a user is in, in order of their id, above `after` (empty: from the start),
 * whose id starts with `prefix`: rows of that user.
 * Thread: logic (done too).
 */
int nuncio_store_memberships(struct nuncio_module *self, struct nuncio_str who,
	struct nuncio_str prefix, struct nuncio_str after, uint32_t limit, nuncio_members_fn *done,
	void *user);

/*
 * How many conversations that would list, counted to `limit` at most (1-1000): costs the store no
 * rows.
 * Thread: logic (done too).
 */
typedef void nuncio_count_fn(int status, uint64_t count, void *user);
int nuncio_store_membership_count(struct nuncio_module *self, struct nuncio_str who,
	struct nuncio_str prefix, uint32_t limit, nuncio_count_fn *done, void *user);

/*
 * How many present members of a conversation have a cursor at `seq` or above it.
 * Thread: logic (done too).
 */
typedef void nuncio_reached_fn(int status, uint64_t delivered, uint64_t read, void *user);
int nuncio_store_reached(struct nuncio_module *self, struct nuncio_str conversation, uint64_t seq,
	nuncio_reached_fn *done, void *user);

/* A search in messages: the body when it is a text, or its members that are texts. */
struct nuncio_search_query {
	uint32_t size, limit;           /* rows, 1-1000 */
	struct nuncio_str user;         /* only what they may see */
	struct nuncio_str conversation; /* only there; empty: in all */
	struct nuncio_str from;         /* only of this sender; empty: of all */
	struct nuncio_str text;  /* all words must be there; rules: search.h; up to 255 bytes */
	struct nuncio_str after; /* `next` of the page before; empty: the newest */
	int64_t from_ms, to_ms;  /* sent_at within these, both included; 0: not given */
	uint32_t max_bytes, reserved;
};
typedef void nuncio_found_fn(
	int status, const struct nuncio_event *rows, size_t n, struct nuncio_str next, void *user);

/*
 * Finds messages (type "message"), the newest first, as they are now: not what was taken back. The
 * user finds what they see: above their `since`, and up to their `until` where they have left. A
 * message can be found when it is durable and has been indexed, at most seconds later.
 * NUNCIO_E_UNSUPPORTED: this store has no index; NUNCIO_E_INVAL: no word in the text.
 * Thread: logic (done too).
 */
int nuncio_store_search(struct nuncio_module *self, const struct nuncio_search_query *query,
	nuncio_found_fn *done, void *user);

/*
 * One record: (space, owner, key) is unique. space: the module's name or name.something; owner:
 * what it is sharded by (a user id); key may be empty. A module writes only into spaces of its own
 * name; it may read those of others, whose READMEs say what is in them. Final: its size does not
 * change, as that of an event.
 */
struct nuncio_record {
	uint32_t size;
	uint32_t flags; /* NUNCIO_RECORD_SYNCED, only where all records are exported */
	struct nuncio_str space, owner, key;
	struct nuncio_str value; /* any bytes, up to 64 KiB; JSON by convention */
	uint64_t version;        /* grows with every write of this record, from 1 */
	/* wall clock; 0: never. Expired records are not found, and removed by and by */
	int64_t expires_at_ms;
	uint64_t reserved2[4];
};

#define NUNCIO_RECORD_SYNCED 1u /* was written with NUNCIO_WRITE_SYNCED */

#define NUNCIO_EXPECT_ANY 0
#define NUNCIO_EXPECT_ABSENT (-1) /* NUNCIO_E_EXISTS if there is one */
/* a positive number: the version that must be there, else NUNCIO_E_CONFLICT */

/* The owner is a user, whose sync tells of this write; the same for every write of a record. */
#define NUNCIO_WRITE_SYNCED 1u
/* Only within an append: 20 digits, the event's seq with zeros in front, are added to the key. */
#define NUNCIO_WRITE_KEY_SEQ 2u
/*
 * Only looks whether `expect` holds, a version or NUNCIO_EXPECT_ABSENT; changes nothing, whatever
 * value says. With no other flag.
 */
#define NUNCIO_WRITE_CHECK 4u

/* One write: value.p NULL deletes (deleting what is absent is fine with NUNCIO_EXPECT_ANY). */
struct nuncio_record_write {
	uint32_t size, flags; /* NUNCIO_WRITE_* */
	struct nuncio_str space, owner, key, value;
	int64_t expect;        /* NUNCIO_EXPECT_* or a version */
	int64_t expires_at_ms; /* 0: never */
};

typedef void nuncio_records_fn(
	int status, const struct nuncio_record *rows, size_t n, int more, void *user);
typedef void nuncio_written_fn(int status, void *user);

/*
 * Reads one record: status 0 and one row, or NUNCIO_E_NOTFOUND.
 * Thread: logic (done too).
 */
int nuncio_store_get(struct nuncio_module *self, struct nuncio_str space, struct nuncio_str owner,
	struct nuncio_str key, nuncio_records_fn *done, void *user);

/*
 * Records of a space: of one owner (by key), or of all owners (by owner, then key) whose owner
 * starts with owner_prefix.
 */
struct nuncio_records_query {
	uint32_t size, reserved;
	struct nuncio_str space;
	struct nuncio_str owner;        /* one owner; p NULL: all owners */
	struct nuncio_str owner_prefix; /* with owner.p NULL; may be empty */
	struct nuncio_str key_prefix;   /* may be empty */
	struct nuncio_str after_owner,
		after_key; /* go on behind this one; both empty: from the start */
	uint32_t limit, reserved2;
};

/*
 * Reads records in byte order of (owner, key).
 * Thread: logic (done too).
 */
int nuncio_store_list(struct nuncio_module *self, const struct nuncio_records_query *query,
	nuncio_records_fn *done, void *user);

/*
 * Writes all or nothing; all writes must have the same owner (one shard, one transaction). status:
 * 0, or the first expectation that failed: NUNCIO_E_EXISTS, NUNCIO_E_CONFLICT. Durable when done.
 * Thread: logic (done too).
 */
int nuncio_store_write(struct nuncio_module *self, const struct nuncio_record_write *writes,
	size_t n, nuncio_written_fn *done, void *user);

NUNCIO_END_DECLS

#endif
