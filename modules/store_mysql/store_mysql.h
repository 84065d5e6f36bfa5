/* SPDX-License-Identifier: MIT */
#ifndef STORE_MYSQL_H
#define STORE_MYSQL_H

/*
 * What the files of this module share: the store, its servers, connections and lanes, and the parts
 * that work on them. How it all fits together: README.md.
 */

#include <nuncio/json.h>
#include <nuncio/log.h>
#include <nuncio/metric.h>
#include <nuncio/search.h>
#include <nuncio/store_provider.h>
#include <nuncio/text.h>
#include <nuncio/timer.h>

#include <mysql.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

enum {
	SERVERS_MAX = 8, /* as many as a cursor has room for */
	SHARDS_MAX = 64,
	WRITERS_MAX = 16, /* per server */
	LANES_MAX = 64,   /* of each kind, over all servers: store_provider.h */
	READERS_MAX = 32,
	BATCH_MAX = 1024, /* jobs in one call of run: store_provider.h */
	NAME_BYTES_MAX = 255,
	VALUE_BYTES_MAX = 64 * 1024,
	COUNT_MAX = 1000, /* unread messages and mentions are counted to this */
	LIST_BYTES_MAX = 4 * 1024 * 1024
};

struct store;
struct work;

/* --- pool.c: memory that goes in one piece; aborts instead of returning NULL --- */
struct pool {
	struct pool_block *blocks;
	char *at, *end;
};
void *pool_take(struct pool *pool, size_t bytes); /* zeroed */
struct nuncio_str pool_text(struct pool *pool, struct nuncio_str text);
void pool_reset(struct pool *pool);
void pool_fini(struct pool *pool);

/*
 * --- sql.c: the text of one or more statements ---
 *
 * sql_add knows: %u uint64_t, %d int64_t, %n uint32_t shard in two digits, %q struct nuncio_str in
 * quotes, %t int64_t milliseconds as a time in quotes, %s trusted text, %%.
 */
struct sql {
	char *p;
	size_t n, size;
	unsigned count; /* statements */
};
void sql_begin(struct sql *sql); /* the next statement */
void sql_add(struct sql *sql, const char *format, ...);
void sql_add_raw(struct sql *sql, struct nuncio_str trusted);
void sql_reset(struct sql *sql);
void sql_fini(struct sql *sql);
int64_t sql_time_ms(struct nuncio_str text); /* reads what %t wrote */

/* --- db.c: one connection --- */

/* What became of statements; what is not 0 leaves no transaction open. */
enum db_status {
	DB_OK = 0,
	DB_AGAIN,   /* dead-lock, lock not given, key taken: the transaction may be repeated */
	DB_LOST,    /* no connection any more, or to a server that does not write */
	DB_NOSPACE, /* its disk is full */
	DB_SLOW,    /* a read took longer than allowed */
	DB_ERROR    /* it refuses */
};
struct db {
	struct server *server;
	MYSQL *handle;  /* NULL: not connected */
	struct sql sql; /* what db_run sends */
	MYSQL_RES **answers;
	uint64_t *affected;
	unsigned answer_count, answer_size;
	bool is_key_taken; /* why DB_AGAIN */
	unsigned code;
	char why[256];
	int64_t used_ms;  /* monotonic, of the last answer */
	uint64_t session; /* grows with every connection: statements of an earlier one are gone */
};
struct row {
	MYSQL_ROW v;
	unsigned long *bytes;
};
enum db_use { DB_WRITES, DB_READS, DB_WATCH, DB_INDEX, DB_SCHEMA };
int db_connect(struct db *db, struct server *server, enum db_use use, struct nuncio_error *err);
void db_close(struct db *db);
void db_fini(struct db *db);
void db_begin(struct db *db); /* forgets answers, and begins a text */
int db_run(struct db *db);    /* enum db_status; answers stay until db_begin */
int db_execute(struct db *db, const char *text);
bool db_next(struct db *db, unsigned answer, struct row *row);
void db_again(struct db *db, unsigned answer); /* from its first row */
struct nuncio_str row_text(const struct row *row, unsigned column);
uint64_t row_uint(const struct row *row, unsigned column);
int64_t row_int(const struct row *row, unsigned column);
bool row_is_null(const struct row *row, unsigned column);

/* --- address.c: what `servers` says --- */
struct address {
	char *text; /* one allocation: all others point into it */
	const char *host, *user, *password, *database, *socket;
	unsigned port;
	char name[160]; /* host:port/database, for people */
};
int address_parse(const char *text, struct address *list, unsigned max, unsigned *n_r,
	struct nuncio_error *err);
void address_free(struct address *address);

/* --- server.c: is it there? --- */
struct server {
	struct store *store;
	unsigned index;
	struct address address;
	uint32_t first_shard, end_shard;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool is_up, is_doubted, is_stopping; /* under lock */
	char why[256];                       /* under lock */
	uint32_t identity;                   /* under lock: hash of what cursors depend on */
	pthread_t thread;
	bool has_thread;
	struct db db; /* the watcher's */
	struct indexer *indexer;
};
void server_init(struct server *server, struct store *store, unsigned index);
void server_fini(struct server *server);
int server_open(struct server *server, struct nuncio_error *err);
int server_watch(struct server *server, struct nuncio_error *err);
void server_stop(struct server *server);
bool server_is_up(struct server *server);
bool server_wait(struct server *server, int64_t until_ms); /* monotonic; true when it is up */
void server_doubt(struct server *server, const char *why); /* someone could not connect */
uint32_t server_identity(struct server *server);

/* --- fsck.c: the operator's question whether all is whole --- */
struct fsck;
struct nuncio_request;
/* Answers later; *running is the one under way. store NULL: none is open. */
void fsck_begin(struct store *store, struct fsck **running, struct nuncio_request *rq);
void fsck_cancel(struct fsck *running); /* NULL: none; it ends after the part under way */

/* --- schema.c: the tables --- */
int schema_open(struct db *db, struct nuncio_error *err);
int schema_meta(struct db *db, const char *name, char *out, size_t size);

/* --- place.c: where something is kept --- */
uint64_t place_hash(struct nuncio_str text);
uint32_t place_shard(const struct store *s, struct nuncio_str text);
struct server *place_server(struct store *s, uint32_t shard);
uint32_t place_lane(const struct store *s, struct nuncio_str text);

/* --- names.c: numbers of conversations, as far as known --- */
struct name {
	uint64_t hash, number;
	bool has_begun; /* has an event, so its first members are written */
	bool is_big;    /* more members than sync shows the cursors of */
	size_t bytes;
	char *id;
};
struct names;
struct names *names_new(void);
void names_free(struct names **names);
struct name *names_find(struct names *names, struct nuncio_str id);
struct name *names_put(struct names *names, struct nuncio_str id, uint64_t number);
void names_forget(struct names *names);

/* A lane: one thread of the core at a time, a connection to each server. */
struct lane {
	struct store *store;
	uint32_t index;
	enum db_use use;
	struct db db[SERVERS_MAX];
	struct names *names;
	struct pool pool;
	uint64_t row[SERVERS_MAX];   /* of the table lane; 0: none yet */
	uint64_t batch[SERVERS_MAX]; /* number of the last transaction */
	struct work *work;           /* write lanes */
	int64_t house_ms;            /* monotonic: when sweep.c did the rare things */
	uint32_t sweep_at;           /* sweep.c: the shard of its server that is next */
	struct nuncio_job *group[BATCH_MAX];
};

struct store {
	struct nuncio_module *self;
	unsigned server_count;
	uint32_t shards, writers, readers, lane_count; /* writers: of one server */
	int64_t timeout_ms;
	bool is_target; /* opened to copy into */
	bool has_search, tls, tls_verify;
	const char *tls_ca, *tls_cert, *tls_key; /* NULL: not given */
	char uuid[40];
	struct server servers[SERVERS_MAX];
	struct lane *lanes;
	_Atomic(int64_t) complained_ms; /* when a failure was logged last */
	_Atomic(uint32_t) silent;       /* failures since then that were not */
	pthread_mutex_t ready_lock;
	int ready; /* under ready_lock: what was said last; -1 nothing */
	struct nuncio_counter *commits, *failures, *repeats, *reconnects;
};

/* Logs why something failed, at most once in ten seconds. Thread: any. */
void store_complain(struct store *s, const struct db *db, const char *doing);
/* The lane's connection to a server, made if need be; NULL: there is none now. */
struct db *lane_db(struct lane *lane, struct server *server);
/* Whether everything is there: tells the core. Thread: any. */
void store_tell_ready(struct store *s);

/* --- batch.c: everything that queued, one transaction per server --- */
void batch_run(struct lane *lane, struct nuncio_job **jobs, size_t n);

/* --- import.c: rows of another store; how many there are --- */
void import_run(struct lane *lane, struct nuncio_job **jobs, size_t n);
struct reading;
int export_counts(struct reading *r, const struct nuncio_job_export *q);

/*
 * --- work.c: what a transaction knows and changes. Rows are read and locked for all its jobs at
 * once, the jobs change them here, in order, and the changed ones are written at once. ---
 */
enum thing_kind {
	THING_HEAD,
	THING_NUMBER,
	THING_MEMBER,
	THING_TARGET,
	THING_ONCE,
	THING_RECORD,
	THING_KINDS
};
struct thing_key {
	enum thing_kind kind;
	uint32_t shard;
	const struct head *head;
	uint64_t number;
	struct nuncio_str a, b, c;
};
struct thing {
	struct thing_key key;
	uint64_t hash;
	struct thing *chain; /* same bucket */
	struct thing *next;  /* same kind and shard, in order of arrival */
};
struct head {
	struct thing thing;           /* a: the conversation */
	uint64_t number;              /* 0: there is no such conversation */
	uint64_t last_seq, first_seq; /* first_seq: the last one when it was read */
	nuncio_id last_id;
	uint64_t member_count;
	bool may_begin;         /* an append may make it */
	bool has_begun, is_big; /* as far as known before it was read */
	bool is_locked, has_news, has_marks;
	uint64_t all_left; /* seq of the event with which all left who had been there; 0: none */
};
struct number {
	struct thing thing; /* number */
	struct head *head;
};
struct member_row {
	struct thing thing; /* head, a: the user */
	bool is_there;      /* as a row; those who have left are */
	bool is_changed, is_marked;
	struct nuncio_member member;
};
struct target_row {
	struct thing thing; /* head, number: seq */
	bool is_there, is_changed;
	struct nuncio_event event;
};
struct once_row {
	struct thing thing; /* head, a, b: sender, client_id */
	bool is_there;
	struct nuncio_event event;
};
struct record_row {
	struct thing thing; /* a, b, c: space, owner, key */
	bool is_there;      /* as a row, perhaps expired */
	uint64_t version;   /* 0: there is none, or it has expired */
	bool is_changed, is_synced;
	struct nuncio_str value; /* of a changed one; p NULL: deleted */
	int64_t expires_at_ms;
};
/* An event that this transaction adds. */
struct fresh_event {
	struct head *head;
	struct nuncio_event event; /* texts are the job's */
	const struct nuncio_job_append *in;
};
struct outcome {
	int status;
	bool is_refused; /* before the transaction */
	bool has_appended, duplicate, has_now, has_member;
	uint64_t seq;
	nuncio_id id;
	int64_t sent_at_ms;
	struct nuncio_event now;
	struct nuncio_member member;
};
enum { THING_BUCKETS = 4096 };
struct work {
	struct lane *lane;
	struct server *server;
	struct nuncio_job **jobs;
	size_t n;
	bool is_careful; /* looks up repeated sends before it writes */
	bool has_changes;
	struct thing *buckets[THING_BUCKETS];
	struct thing *first[THING_KINDS][SHARDS_MAX], *last[THING_KINDS][SHARDS_MAX];
	struct fresh_event *events;
	size_t event_count;
	struct undo *undo; /* of the running job */
	size_t events_before;
	nuncio_id highest;
	int64_t now_ms;
	struct outcome outcome[BATCH_MAX];
};
void work_reset(struct work *w);
void *work_find(struct work *w, const struct thing_key *key);
/* The one that is there, or a new one of so many bytes (a struct that begins with a thing). */
void *work_put(struct work *w, const struct thing_key *key, size_t bytes);
struct head *work_head(struct work *w, struct nuncio_str conversation);
struct head *work_head_of(struct work *w, uint32_t shard, uint64_t number);
void work_number(struct work *w, struct head *head, uint64_t number);
struct member_row *work_member(struct work *w, struct head *head, struct nuncio_str user);
struct target_row *work_target(struct work *w, struct head *head, uint64_t seq);
struct once_row *work_once(struct work *w, struct head *head, const struct nuncio_event *event);
struct record_row *work_record(
	struct work *w, const struct nuncio_record_write *write, struct nuncio_str key);
/* Keep what is there now, so that a job that fails takes back its changes. */
void work_keep(struct work *w, void *at, size_t bytes);
#define WORK_KEEP_ROW(w, row) \
	work_keep((w), &(row)->thing + 1, sizeof(*(row)) - sizeof((row)->thing))
void work_undo(struct work *w);
void work_settle(struct work *w); /* the job's changes stay */

/* --- the three steps of a transaction; enum db_status --- */
int first_rows(struct work *w, struct db *db); /* what must be there before, on any server */
int lock_rows(struct work *w, struct db *db, uint64_t batch);
int write_rows(struct work *w, struct db *db, bool *is_sent_r); /* commits */

/* --- what jobs want of the rows, and do to them: no database here --- */
void append_wants(struct work *w, const struct nuncio_job_append *in);
int append_apply(struct work *w, const struct nuncio_job_append *in, struct outcome *out);
int append_members(struct work *w, struct head *head, const struct nuncio_job_append *in);
bool append_same(const struct nuncio_event *first, const struct nuncio_event *again);
void mark_wants(struct work *w, const struct nuncio_job_mark *in);
int mark_apply(struct work *w, const struct nuncio_job_mark *in, struct outcome *out);
void record_wants(struct work *w, const struct nuncio_record_write *writes, size_t n);
int record_apply(struct work *w, const struct nuncio_record_write *writes, size_t n, uint64_t seq);

/* --- reads return a status for nuncio_job_done, or READ_FAILED with the cause in `reading` --- */
enum { READ_FAILED = INT32_MIN };
struct reading {
	struct lane *lane;
	struct nuncio_job *job;
	bool has_answered; /* rows were given to the job */
	struct db *failed; /* whose statement it was; NULL: no connection */
	int rc;            /* enum db_status */
};
void read_run(struct lane *lane, struct nuncio_job **jobs, size_t n);
/* Sends what stands in db->sql. */
int read_send(struct reading *r, struct db *db);
int read_result(struct reading *r, struct db *db, int rc); /* an enum db_status, likewise */
/* A connection with an empty text, or NULL with the failure noted. */
struct db *read_db(struct reading *r, struct server *server);
int read_number(
	struct reading *r, struct nuncio_str conversation, uint64_t *number_r); /* 0: none */
/* The number if this lane has met it, else 0; and what asks for it. */
uint64_t read_known_number(const struct reading *r, struct nuncio_str conversation);
#define READ_NUMBER "SELECT number FROM head_%n WHERE id=%q AND last_seq>0"

#define EVENT_COLUMNS \
	"seq,id,sent_at,sender,client_id,type,kind,flags,target,changed,body,extra,state"
enum { EVENT_COLUMN_COUNT = 13 };
#define MEMBER_COLUMNS "user,role,delivered,read_,since,until_,joined_at,muted_until,extra"
enum { MEMBER_COLUMN_COUNT = 9 };
void event_from_row(const struct row *row, unsigned column, struct nuncio_str conversation,
	struct nuncio_event *event_r);
void event_keep(struct pool *pool, struct nuncio_event *event); /* copies its texts */
size_t event_bytes(const struct nuncio_event *event);
void member_from_row(const struct row *row, unsigned column, struct nuncio_str conversation,
	struct nuncio_member *member_r);

/* One conversation of a user, as they are in it. */
struct mine {
	struct nuncio_str id;
	uint32_t shard;
	uint64_t number, last_seq, changed, marked;
	nuncio_id last_id;
	struct nuncio_member member;
	uint64_t member_changed;
};
struct mines {
	struct mine *all;
	size_t count, size;
};
/*
 * --- mine.c: the conversations of a user, those that they have left too. `above[server]`: only
 * where something has a higher ticket; NULL: all. Everything lies in the lane's pool. ---
 */
int mine_read(
	struct reading *r, struct nuncio_str user, const uint64_t *above, struct mines *mines);
/* The next ids in order, some of which may not be theirs; 0: the end. */
int mine_ids(struct reading *r, struct nuncio_str user, struct nuncio_str prefix,
	struct nuncio_str after, struct nuncio_str **ids_r, size_t *n_r);
/* Of these ids those that are theirs, added to mines. */
int mine_read_ids(struct reading *r, struct nuncio_str user, const struct nuncio_str *ids, size_t n,
	const uint64_t *above, struct mines *mines);
/* Adds how many of them the user is in. */
int mine_count_ids(struct reading *r, struct nuncio_str user, const struct nuncio_str *ids,
	size_t n, uint64_t *count);

/* --- position.c: how far everything has been committed --- */
struct position {
	uint64_t seen;    /* the highest ticket that was committed */
	uint64_t safe;    /* nothing at or below it can appear any more */
	uint64_t horizon; /* deletions up to it have been forgotten */
};
int position_read(struct db *db, struct position *position_r); /* enum db_status */

int event_page(struct reading *r, const struct nuncio_events_query *q);
/* All events of an answer, kept in the pool. */
struct nuncio_event *event_take(struct reading *r, struct db *db, unsigned answer,
	struct nuncio_str conversation, size_t *n_r);
/* Fills `now` of events of one conversation that have a target above `since`. */
int event_targets(struct reading *r, struct db *db, uint32_t shard, uint64_t number, uint64_t since,
	struct nuncio_event *events, size_t n);
int sync_read(struct reading *r, const struct nuncio_sync_query *q);
int conversation_list(struct reading *r, const struct nuncio_job_conversations *q);
int conversation_rows_fill(struct reading *r, const struct mine *mines, size_t n,
	struct nuncio_str user, struct nuncio_conversation_row *rows);
int member_list(struct reading *r, const struct nuncio_job_members *q);
int member_one(struct reading *r, const struct nuncio_job_member *q);
int member_ships(struct reading *r, const struct nuncio_job_memberships *q);
int member_count_ships(struct reading *r, const struct nuncio_job_memberships *q);
int member_reached(struct reading *r, const struct nuncio_job_reached *q);
int record_get(struct reading *r, const struct nuncio_record *q);
int record_list(struct reading *r, const struct nuncio_records_query *q);
int search_find(struct reading *r, const struct nuncio_search_query *q);

/* --- sweep.c: what has had its time; on idle write lanes --- */
void sweep(struct lane *lane);

/* --- search_words.c: texts as the index has them --- */
/* The words of a message, each with a blank behind; 0 bytes: nothing to be found. */
void search_words(struct sql *out, const struct nuncio_event *event, uint64_t number);
/* What must be there, for MATCH; false: the text has no word. */
bool search_wants(struct sql *out, struct nuncio_str text);
/* Whether an event has all of it now. */
bool search_fits(const struct nuncio_event *event, struct nuncio_str text);

/* --- search_index.c: puts messages into the index, behind the commits --- */
int indexer_start(struct store *s, struct nuncio_error *err);
void indexer_stop(struct store *s);
void indexer_wake(struct server *server); /* Thread: any */

#endif
