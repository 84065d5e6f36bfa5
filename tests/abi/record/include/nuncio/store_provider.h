/* SPDX-License-Identifier: MIT */
#ifndef NUNCIO_STORE_PROVIDER_H
#define NUNCIO_STORE_PROVIDER_H

/*
 * How to be the store. The core queues jobs per *lane*; each lane has a worker thread of its own
 * that hands everything that has queued to `run` in one call, so a store commits in groups that
 * grow with the load, by itself. Writes of one conversation (or of one records owner) always go to
 * the same write lane, in the order in which they were asked. Reads go to the read lanes, or to the
 * write lanes if there are none. Every job ends in exactly one nuncio_job_done, from any thread.
 * tests/store has the conformance suite that every store passes.
 */

#include <nuncio/store.h>

NUNCIO_BEGIN_DECLS

struct nuncio_job; /* opaque; belongs to the store from `run` until nuncio_job_done */

enum nuncio_job_kind {
	NUNCIO_JOB_APPEND = 1,   /* write: struct nuncio_job_append */
	NUNCIO_JOB_MARK = 2,     /* write: struct nuncio_job_mark */
	NUNCIO_JOB_WRITE = 3,    /* write: struct nuncio_job_write */
	NUNCIO_JOB_IMPORT = 4,   /* write: struct nuncio_job_import; below */
	NUNCIO_JOB_EVENTS = 101, /* read: struct nuncio_events_query; rows: nuncio_job_add_event */
	/*
	 * read: struct nuncio_sync_query; nuncio_job_add_event, _add_member, _add_record, then
	 * nuncio_job_set_cursor, _set_more, _set_gap. max_bytes counts the texts of all rows.
	 */
	NUNCIO_JOB_SYNC = 102,
	/* read: struct nuncio_job_conversations; nuncio_job_add_conversation, _set_cursor (next) */
	NUNCIO_JOB_CONVERSATIONS = 103,
	NUNCIO_JOB_MEMBERS = 104, /* read: struct nuncio_job_members; nuncio_job_add_member */
	NUNCIO_JOB_GET = 105,     /* read: struct nuncio_record (space, owner, key) */
	NUNCIO_JOB_LIST = 106,    /* read: struct nuncio_records_query; nuncio_job_add_record */
	/* read: struct nuncio_job_member; one nuncio_job_add_member, with last_seq, member_count */
	NUNCIO_JOB_MEMBER = 107,
	/* read: struct nuncio_job_memberships; nuncio_job_add_member, likewise */
	NUNCIO_JOB_MEMBERSHIPS = 108,
	NUNCIO_JOB_REACHED = 109, /* read: struct nuncio_job_reached; nuncio_job_set_reached */
	/*
	 * read: struct nuncio_search_query, whose text has a word; nuncio_job_add_event,
	 * _set_cursor (next)
	 */
	NUNCIO_JOB_SEARCH = 110,
	NUNCIO_JOB_EXPORT = 111, /* read: struct nuncio_job_export; below */
	/*
	 * read: struct nuncio_job_memberships, whose `after` is empty; how many there are, or
	 * `limit` if there are more, goes to nuncio_job_set_membership_count
	 */
	NUNCIO_JOB_MEMBERSHIP_COUNT = 112
};

/*
 * Append an event: give it seq = last seq of the conversation + 1 in the same transaction as the
 * row and everything else here. `event.id` and `sent_at_ms` are given by the core and grow within a
 * lane. All or nothing, in this order:
 *
 * 1. If (conversation, from, client_id) is there already (client_id not empty): the same type,
 *    kind, target, body (nuncio_json_equal; not compared if that event was changed since) and extra
 *    -> done(0) with nuncio_job_set_appended(first seq, id, time, duplicate 1) and nothing written;
 *    otherwise NUNCIO_E_CONFLICT.
 * 2. If the conversation is new, `founders` become its members with cursors 0 and since 0.
 * 3. NUNCIO_APPEND_MEMBERS_ONLY: `from` must be a present member or added by `members`, else
 *    NUNCIO_E_DENIED; an empty `from` passes. NUNCIO_APPEND_UNMUTED: the muted_until_ms of `from`,
 *    who is there, must not be above this event's sent_at_ms, else NUNCIO_E_EXPIRED.
 * 4. `members`, one after the other (conversation.h). ADD of one who is there: NUNCIO_E_EXISTS;
 *    REMOVE or SET of one who is not: NUNCIO_E_NOTFOUND; each nothing with TOLERANT. An added one
 *    has since = this event's seq - 1, or 0 with ALL_HISTORY, until 0, joined_at_ms = sent_at_ms,
 *    role, muted and extra as given; cursors at least since, and of one who comes back not lower
 *    than they were. A removed one has until = this event's seq and keeps the rest. REMOVE without
 *    a user is one statement over all who are there, be they none.
 * 5. More members than members_max present: NUNCIO_E_TOOBIG.
 * 6. The target (conversation.h).
 * 7. `writes`: the first expectation that failed. Their owner is the conversation, and the core has
 *    made sure of that.
 * 8. The event, and who is mentioned.
 *
 * With a target the target as it is then goes to nuncio_job_add_event, for a duplicate too. A
 * failure is this job's alone. A member who appends has delivered and read at least up to their own
 * event only through marks.
 */
struct nuncio_job_append {
	uint32_t size, reserved;
	struct nuncio_event event;
	const struct nuncio_str *founders;
	size_t founders_count;
	const struct nuncio_record_write *writes;
	size_t writes_count;
	/* event.target says which one; event.flags are this event's own */
	uint64_t expect_changed;
	struct nuncio_str target_body, target_state; /* p NULL: leave it */
	uint32_t target_flags;                       /* added to the target's */
	uint32_t flags;                              /* NUNCIO_APPEND_* */
	const struct nuncio_member_change *members;
	size_t members_count;
	uint64_t members_max; /* 0: no limit */
	const struct nuncio_str *mentions;
	size_t mentions_count;
};
#define NUNCIO_APPEND_MEMBERS_ONLY 1u
#define NUNCIO_APPEND_UNMUTED 2u /* with MEMBERS_ONLY only */

/*
 * Raise the cursors of a member (never lower them); a cursor of 0 leaves it. read implies
 * delivered. Not beyond last_seq. If something rose: nuncio_job_add_member with the new cursors.
 * Unknown member, or one who has left: done(NUNCIO_E_NOTFOUND).
 */
struct nuncio_job_mark {
	uint32_t size, reserved;
	struct nuncio_str conversation, user;
	uint64_t delivered, read;
	nuncio_id id; /* of this change, from the same row as the ids of events: for sync */
};

/*
 * Writes of one owner. Of those with NUNCIO_WRITE_SYNCED a deletion must be remembered for 30 days
 * (nuncio_wall_ms); when it is forgotten, cursors from before it are gaps.
 */
struct nuncio_job_write {
	uint32_t size, reserved;
	const struct nuncio_record_write *writes;
	size_t writes_count;
	nuncio_id id; /* of this change, likewise */
};

struct nuncio_job_conversations {
	uint32_t size, limit;
	struct nuncio_str user, after;
};

struct nuncio_job_members {
	uint32_t size, limit;
	struct nuncio_str conversation, after;
	uint32_t min_role, reserved;
};

struct nuncio_job_member {
	uint32_t size, reserved;
	struct nuncio_str conversation, user;
};

struct nuncio_job_memberships {
	uint32_t size, limit;
	struct nuncio_str user, prefix, after; /* prefix and after of conversation ids */
};

struct nuncio_job_reached {
	uint32_t size, reserved;
	struct nuncio_str conversation;
	uint64_t seq;
};

/*
 * Moving everything into another store: the core asks the one that runs for what it has, writes it
 * as it is into the other, and goes after what changes meanwhile. A store from which, or into
 * which, nothing can be moved answers NUNCIO_E_UNSUPPORTED.
 *
 * CONVERSATIONS: ids above `conversation`: nuncio_job_add_conversation with conversation, last_seq,
 * last.id. MEMBERS of a conversation above `user`, those who have left too. MENTIONS of its events
 * from `from` to `upto`: nuncio_job_add_member with user (empty: everybody), and since = the seq.
 * RECORDS above (space, owner, key), in that order; RECORD, that one or none; expired and deleted
 * ones never. COUNTS: nuncio_job_set_counts. All but the last two in pages: `limit` rows, and
 * nuncio_job_set_more.
 */
enum nuncio_export {
	NUNCIO_EXPORT_CONVERSATIONS = 1,
	NUNCIO_EXPORT_MEMBERS = 2,
	NUNCIO_EXPORT_MENTIONS = 3,
	NUNCIO_EXPORT_RECORDS = 4,
	NUNCIO_EXPORT_RECORD = 5,
	NUNCIO_EXPORT_COUNTS = 6
};
struct nuncio_job_export {
	uint32_t size, what; /* enum nuncio_export */
	uint32_t limit, reserved;
	struct nuncio_str conversation, user, space, owner, key;
	uint64_t from, upto;
	int64_t now_ms; /* COUNTS: records that expire until then are not counted */
};

/*
 * What a store has. Members: those who have left too. faults: conversations whose events are not
 * 1 .. last_seq, or whose number of members is wrong.
 */
struct nuncio_store_counts {
	uint32_t size, reserved;
	uint64_t conversations, events, members, records, faults;
};

/*
 * One step of writing into a store that serves nobody. BEGIN comes first and alone: a store that
 * has something answers NUNCIO_E_EXISTS, unless that was left by a copy which did not end; that it
 * forgets. ROWS are of one conversation, or records of one owner (conversation empty); what is
 * there already is overwritten; with `upto`, the mentions of the events from `from` to it are
 * replaced by those given. A record with value.p NULL is removed. END: all is there; ids made from
 * now on are above `highest`. Until it a store must refuse to open, except for the next copy.
 */
enum nuncio_import { NUNCIO_IMPORT_BEGIN = 1, NUNCIO_IMPORT_ROWS = 2, NUNCIO_IMPORT_END = 3 };
struct nuncio_job_import {
	uint32_t size, step; /* enum nuncio_import */
	struct nuncio_str conversation;
	const struct nuncio_event *events;
	size_t events_count;
	const struct nuncio_member *members, *mentions; /* as they were exported */
	size_t members_count, mentions_count;
	const struct nuncio_record *records;
	size_t records_count;
	uint64_t from, upto;
	nuncio_id highest;
};

struct nuncio_store_ops {
	uint32_t size, reserved;
	/*
	 * Opens (blocking is fine: nobody is served yet), runs migrations, calls
	 * nuncio_store_opened. Thread: logic.
	 */
	int (*open)(struct nuncio_module *self, void **store_r, struct nuncio_error *err);
	/* After the last job is done. Thread: logic. */
	void (*close)(void **store);
	/* 1 to 64 write lanes, 0 to 64 read lanes. Thread: logic, after open. */
	void (*lanes)(void *store, uint32_t *writers_r, uint32_t *readers_r);
	/*
	 * n >= 1 jobs (at most 1024) in the order asked; lane 0 .. writers-1 write, then read
	 * lanes. Jobs may be finished in any order, but appends of one conversation in order. A job
	 * of an unknown kind: done(NUNCIO_E_UNSUPPORTED). Thread: the lane's worker; it may block.
	 */
	void (*run)(void *store, uint32_t lane, struct nuncio_job **jobs, size_t n);
	/*
	 * Called about every 10 s on each lane's worker, between jobs: checkpoint, remove expired
	 * records. A lane for which jobs always wait is called after a minute all the same, so it
	 * must be done in small steps, and only so many of them. May be NULL.
	 */
	void (*idle)(void *store, uint32_t lane);
	/*
	 * The write lane, below writers, for what belongs to a conversation or a records owner:
	 * always the same one for the same text. For a store whose lanes lead to different places,
	 * so that one that hangs does not hold up the others. May be NULL: by a hash.
	 * Thread: logic; must not block.
	 */
	uint32_t (*lane)(void *store, struct nuncio_str owner);
};

/*
 * Registers this module as a store under its own name.
 * Thread: logic, in init.
 */
int nuncio_provide_store(struct nuncio_module *self, const struct nuncio_store_ops *ops);

/*
 * Tells the core the highest id in the store, of events, marks or writes, so that new ones are
 * above it even when the clock went back.
 * Thread: logic, within open.
 */
void nuncio_store_opened(struct nuncio_module *self, nuncio_id highest);

/*
 * 1 if this store is opened to copy into it (`[core] copy_to`), and is not the one that the server
 * uses: it should not keep up the start, say nothing of readiness, and do no work of its own.
 * Thread: logic, within open.
 */
int nuncio_store_is_target(const struct nuncio_module *self);

/*
 * The kind of a job, and its input: the struct named at its kind.
 * Thread: any, while the job is the store's.
 */
uint32_t nuncio_job_kind(const struct nuncio_job *job);
const void *nuncio_job_input(const struct nuncio_job *job);

/*
 * Results; everything is copied into the job, an event's `now` too. `more` says that rows were left
 * out because of limit or max_bytes. Members: fill everything, last_seq and member_count only where
 * the job's kind says so.
 * Thread: any, one at a time, while the job is the store's.
 */
void nuncio_job_set_appended(
	struct nuncio_job *job, uint64_t seq, nuncio_id id, int64_t sent_at_ms, int duplicate);
void nuncio_job_add_event(struct nuncio_job *job, const struct nuncio_event *event);
void nuncio_job_add_conversation(struct nuncio_job *job, const struct nuncio_conversation_row *row);
void nuncio_job_add_member(struct nuncio_job *job, const struct nuncio_member *member);
void nuncio_job_add_record(struct nuncio_job *job, const struct nuncio_record *record);
void nuncio_job_set_cursor(struct nuncio_job *job, struct nuncio_str cursor);
void nuncio_job_set_reached(struct nuncio_job *job, uint64_t delivered, uint64_t read);
void nuncio_job_set_counts(struct nuncio_job *job, const struct nuncio_store_counts *counts);
void nuncio_job_set_membership_count(struct nuncio_job *job, uint64_t count);
void nuncio_job_set_more(struct nuncio_job *job, int more);
void nuncio_job_set_gap(struct nuncio_job *job, int gap);

/*
 * Ends a job: *job becomes NULL. status 0, or negative; after a negative one results are dropped.
 * NUNCIO_E_FAIL: the store could not (log the cause with nuncio_log);
 * NUNCIO_E_NOSPACE: its disk is full.
 * Thread: any.
 */
void nuncio_job_done(struct nuncio_job **job, int status);

NUNCIO_END_DECLS

#endif
