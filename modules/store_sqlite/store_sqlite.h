/* SPDX-License-Identifier: MIT */
#ifndef STORE_SQLITE_H
#define STORE_SQLITE_H

/*
 * What the files of this module share: the store, its connections, and the parts that work on them.
 */

#include <nuncio/json.h>
#include <nuncio/log.h>
#include <nuncio/metric.h>
#include <nuncio/store_provider.h>
#include <nuncio/text.h>
#include <nuncio/timer.h>

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdbool.h>

enum {
	STORE_READERS_MAX = 16,
	STORE_BATCH_MAX = 1024, /* jobs in one call of run: promised by store_provider.h */
	STORE_ROWS_MAX = 1000,
	STORE_UUID_CHARS = 32,
	STORE_VALUE_BYTES_MAX = 64 * 1024,
	STORE_KEY_BYTES_MAX = 255,    /* of a record, with the digits of NUNCIO_WRITE_KEY_SEQ */
	STORE_EXTRA_BYTES_MAX = 1024, /* of a member */
	STORE_UNREAD_MAX = 1000,
	STORE_TIDY_ROWS = 200 /* that have had their time, removed in a step */
};

/* Every statement of the module; the texts stand in db.c. */
enum db_sql {
	SQL_BEGIN_WRITE,
	SQL_BEGIN_READ,
	SQL_COMMIT,
	SQL_ROLLBACK,
	SQL_SAVEPOINT,
	SQL_SAVEPOINT_UNDO,
	SQL_SAVEPOINT_END,
	SQL_META_SET,
	SQL_META_GET,
	SQL_CONVERSATION_ADD,
	SQL_CONVERSATION_FIND,
	SQL_CONVERSATION_ID,
	SQL_CONVERSATIONS_OF,
	SQL_HEAD_ADD,
	SQL_HEAD_SET,
	SQL_EVENT_ADD,
	SQL_EVENT_ADD_MORE,
	SQL_EVENT_GET,
	SQL_EVENT_AT,
	SQL_EVENT_ID,
	SQL_EVENT_TIME,
	SQL_EVENT_AMEND,
	SQL_EVENTS_FROM,
	SQL_EVENTS_BACK,
	SQL_EVENTS_UNREAD,
	SQL_EVENTS_KEYED,
	SQL_ONCE_ADD,
	SQL_ONCE_FIND,
	SQL_MEMBER_ADD,
	SQL_MEMBER_RAISE,
	SQL_MEMBER_GET,
	SQL_MEMBER_SET,
	SQL_MEMBER_DROP,
	SQL_MEMBERS_DROP,
	SQL_MEMBERS_FROM,
	SQL_MEMBERS_ROLE,
	SQL_MEMBERS_REACHED,
	SQL_MEMBERS_MARKED,
	SQL_MEMBERSHIPS,
	SQL_MEMBERSHIP_IDS,
	SQL_PAST_KEEP,
	SQL_PAST_KEEP_ALL,
	SQL_PAST_DROP,
	SQL_PAST_GET,
	SQL_MENTION_ADD,
	SQL_MENTIONS_DROP,
	SQL_MENTIONS_COUNT,
	SQL_SYNC_PRESENT,
	SQL_SYNC_PAST,
	SQL_SYNC_RECORDS,
	SQL_SYNC_RECORDS_AT,
	SQL_RECORD_GET,
	SQL_RECORD_PUT,
	SQL_RECORD_DROP,
	SQL_RECORDS_OWNER,
	SQL_RECORDS_SPACE,
	SQL_RECORDS_EXPIRE,
	SQL_EXPORT_CONVERSATIONS,
	SQL_EXPORT_MEMBERS,
	SQL_EXPORT_MENTIONS,
	SQL_EXPORT_RECORDS,
	SQL_EXPORT_RECORD,
	SQL_EXPORT_COUNTS,
	SQL_SHED_ADD,
	SQL_SHED_DROP,
	SQL_SEARCH_WHERE,
	SQL_SEARCH_SENT,
	SQL_COUNT
};

/* One connection with its statements; used by one thread at a time. */
struct db {
	sqlite3 *handle;
	sqlite3_stmt *sql[SQL_COUNT];
};

struct heads;
struct once;
struct checkpoint;
struct search;

/* What became of a write, kept until its batch is committed. */
struct outcome {
	int status;
	bool duplicate, raised;
	struct nuncio_member member; /* whose cursors rose; `extra` is a copy */
	uint64_t seq;
	nuncio_id id;
	int64_t sent_at_ms;
	struct nuncio_event *now; /* the target of an event with one: a copy, one allocation */
};

struct store {
	struct nuncio_module *self;
	char *path;
	char uuid[STORE_UUID_CHARS + 1];
	int lock_fd; /* holds the lock against a second process; closed after all connections */
	uint32_t readers;
	struct db writer, reader[STORE_READERS_MAX];
	/* The writer lane's own. */
	struct heads *heads;
	struct once *once;
	nuncio_id shed_dropping,
		shed_dropped; /* search.h: in the running transaction, and before */
	bool has_expired;     /* records, more than the last step removed */
	nuncio_id highest;    /* of events, marks and synced writes in the running transaction */
	struct outcome outcome[STORE_BATCH_MAX];
	/* Shared. */
	_Atomic(nuncio_id) committed; /* highest id that is durable: what cursors of sync say */
	struct checkpoint *checkpoint;
	struct search *search;          /* NULL: off */
	_Atomic(int64_t) complained_ms; /* when a failure was logged last */
	_Atomic(uint32_t) silent;       /* failures since then that were not */
	struct nuncio_counter *commits, *failures, *indexed;
	struct nuncio_gauge *wal_pages;
};

/* --- memory: aborts instead of returning NULL --- */

/* Logs why something failed, at most once in ten seconds. Thread: any. */
void store_complain(struct store *s, struct db *db, int rc, const char *doing);

/* --- db.c: a connection --- */
int db_open(struct db *db, const char *path, int64_t cache_bytes, struct nuncio_error *err);
int db_prepare(struct db *db, const char *path, struct nuncio_error *err);
void db_close(struct db *db);
int db_exec(struct db *db, const char *sql);
int db_run(struct db *db, enum db_sql which); /* step to the end and reset; SQLITE_OK or an error */
void db_bind(sqlite3_stmt *st, int at, struct nuncio_str text);
struct nuncio_str db_text(sqlite3_stmt *st, int column);
uint64_t db_uint(sqlite3_stmt *st, int column);

/* --- schema.c: what the file must be --- */
int schema_lock(const char *path, int *fd_r, struct nuncio_error *err);
int schema_migrate(struct db *db, const char *path, struct nuncio_error *err);
/* 0: a file of ours and of the newest version; or why it is not. */
int schema_is_now(sqlite3 *handle, const char *path, struct nuncio_error *err);
int schema_meta(struct db *db, const char *name, void *out, size_t size); /* bytes, or negative */

/* --- heads.c: what the writer knows of conversations, cached --- */
struct head {
	struct head *chain;         /* same hash bucket */
	struct head *newer, *older; /* order of use */
	int64_t number;
	uint64_t last_seq;
	nuncio_id last_id, marked; /* of the newest event; of the newest change of a cursor */
	uint32_t member_count;
	bool is_dirty;
	uint64_t hash;
	size_t id_bytes;
	char id[];
};
struct heads *heads_new(void);
void heads_free(struct heads **heads);
/* SQLITE_OK and *head_r NULL when there is no such conversation. Valid until the batch ends. */
int heads_find(struct heads *h, struct db *db, struct nuncio_str id, struct head **head_r);
int heads_add(struct heads *h, struct db *db, struct nuncio_str id, struct head **head_r);
void heads_touch(struct heads *h, struct head *head); /* it changed: write it with the batch */
void heads_drop(struct heads *h, struct head **head); /* just added, and undone */
int heads_write(struct heads *h, struct db *db);
void heads_forget(struct heads *h);

/* --- once.c: has this client_id been here before? --- */
int once_open(struct db *db, struct once **once_r);
void once_free(struct once **once);
/* SQLITE_ROW with SQL_EVENT_GET standing on the event, SQLITE_DONE for none, or an error. */
int once_find(struct once *o, struct db *db, int64_t number, const struct nuncio_event *event);
void once_add(struct once *o, int64_t number, const struct nuncio_event *event);
int once_merge(struct once *o, struct db *db, bool everything);
void once_commit(struct once *o);
void once_rollback(struct once *o);

/*
 * --- the kinds of work; writers return an SQLite code and put the job's own status into *out. What
 * is refused leaves nothing behind in the transaction. ---
 */
int append_apply(struct store *s, const struct nuncio_job_append *in, struct outcome *out);
int member_mark(struct store *s, const struct nuncio_job_mark *in, struct outcome *out);
/* With `seq`, that of the event that they come with; `id` is what sync knows them by. */
int record_write(struct store *s, const struct nuncio_record_write *writes, size_t n, nuncio_id id,
	uint64_t seq, struct outcome *out);

/* --- parts of an append; the same --- */
struct append {
	struct store *s;
	const struct nuncio_job_append *in;
	struct outcome *out;
	struct head *head;     /* NULL: the conversation is not there yet */
	uint64_t seq;          /* that the event gets */
	uint32_t member_count; /* as it will be */
};
int member_check_sender(struct append *a);
int member_add_founders(struct append *a);
int member_change_all(struct append *a);
int amend_check(struct append *a);
int amend_apply(struct append *a);
int amend_answer(struct append *a, uint64_t seq); /* puts that event into out->now */
int mention_add(const struct append *a);
int mention_drop(struct db *db, int64_t number, uint64_t seq);
int mention_count(
	struct db *db, int64_t number, struct nuncio_str user, uint64_t above, uint64_t *count_r);

/* --- readers return a status for nuncio_job_done; SQLite's errors as READ_FAILED --- */
enum { READ_FAILED = INT32_MIN };
int event_page(struct db *db, struct nuncio_job *job, const struct nuncio_events_query *q);
enum { EVENT_COLUMN_CONVERSATION = 13 }; /* its number, behind those of event_from_row */
void event_from_row(sqlite3_stmt *st, struct nuncio_str conversation, struct nuncio_event *event_r);
size_t event_bytes(const struct nuncio_event *event);
/* Copies its texts to `room`, and not those of `now`; the end of them. */
char *event_take_texts(struct nuncio_event *event, char *room);
/*
 * Fills event->now from *now_r, which SQL_EVENT_AT holds until event_now_end. The target must be
 * above `since`, else there is none.
 */
int event_now(struct db *db, int64_t number, uint64_t since, struct nuncio_event *event,
	struct nuncio_event *now_r);
void event_now_end(struct db *db, struct nuncio_event *event);
int sync_read(struct store *s, struct db *db, struct nuncio_job *job,
	const struct nuncio_sync_query *q, nuncio_id now);
/* Where a pass of sync goes on; a 0: at its beginning. */
enum sync_part {
	SYNC_EVENTS,  /* a: number of a conversation, b: seq to begin with */
	SYNC_MARKS,   /* a: number of a conversation, b: id of the last mark that was given */
	SYNC_PAST,    /* a: id of the event of leaving, b: seq to begin with */
	SYNC_RECORDS, /* a: id of writes, b: how many of them are still to be given */
	SYNC_PARTS
};
struct sync_place {
	nuncio_id from, upto;
	uint64_t part, a, b;
};
bool sync_cursor_parse(
	const struct store *s, struct nuncio_str text, nuncio_id now, struct sync_place *place_r);
void sync_cursor_set(const struct store *s, struct nuncio_job *job, const struct sync_place *place);
int conversation_list(
	struct db *db, struct nuncio_job *job, const struct nuncio_job_conversations *q);
/* From a row that begins with user, delivered, read, role, since, muted, joined, extra. */
void member_from_row(
	sqlite3_stmt *st, struct nuncio_str conversation, struct nuncio_member *member_r);
int member_list(struct db *db, struct nuncio_job *job, const struct nuncio_job_members *q);
int member_one(struct db *db, struct nuncio_job *job, const struct nuncio_job_member *q);
int member_ships(struct db *db, struct nuncio_job *job, const struct nuncio_job_memberships *q);
int member_count_ships(
	struct db *db, struct nuncio_job *job, const struct nuncio_job_memberships *q);
int member_reached(struct db *db, struct nuncio_job *job, const struct nuncio_job_reached *q);
/* Of a row that begins with owner, key, value, version, expires_at_ms, deleted. */
int export_run(struct db *db, struct nuncio_job *job, const struct nuncio_job_export *q);
void record_from_row(sqlite3_stmt *st, struct nuncio_str space, struct nuncio_record *record_r);
bool record_is_absent(sqlite3_stmt *st, int64_t now_ms);
int record_get(struct db *db, struct nuncio_job *job, const struct nuncio_record *q);
int record_list(struct db *db, struct nuncio_job *job, const struct nuncio_records_query *q);
/* Removes so many at most that have expired, and sets s->has_expired. */
int record_expire(struct store *s, int rows);
bool record_idle(struct store *s); /* a small step in a transaction of its own; is there more? */

/* --- batch.c: everything that queued, one transaction --- */
void batch_run(struct store *s, struct nuncio_job **jobs, size_t n);

/* --- log_room.c: the log's file is made long beforehand --- */
enum { LOG_ROOM_BYTES = 6 * 1024 * 1024 };
void log_room_make(const struct store *s);
void log_room_settle(const struct store *s);

/* --- checkpoint.c: the log is copied into the database beside the commits --- */
int checkpoint_start(struct store *s, struct nuncio_error *err);
void checkpoint_stop(struct store *s);
void checkpoint_wish(struct store *s);
void checkpoint_help(struct store *s); /* writer lane, between transactions */

/*
 * --- search: an index of its own file, kept by a thread of its own; see search.h ---
 */
int search_start(struct store *s, bool is_on, struct nuncio_error *err);
void search_stop(struct store *s);
void search_wake(struct search *search); /* something was committed; NULL is fine */
int search_find(struct store *s, struct db *db, uint32_t lane, struct nuncio_job *job,
	const struct nuncio_search_query *q);
/* The writer's part, within its transaction; SQLite codes. */
int search_shed(struct store *s, nuncio_id id, const struct nuncio_event *target);
/* So many at most; after the commit: shed_dropped = shed_dropping. */
int search_drop_shed(struct store *s, int rows);
bool search_idle(struct store *s); /* a small step in a transaction of its own; is there more? */

#endif
