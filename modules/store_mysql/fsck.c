/* SPDX-License-Identifier: MIT */
/*
 * `nuncioctl mysql fsck`: do the tables keep what they promise each other? Seq without holes, heads
 * that know the last one and their members, cursors not above it, references that lead somewhere.
 * (Pages are InnoDB's own business.) Nothing is mended here.
 *
 * One shard after the other, some conversations at a time: each part is one packet, sent by a
 * worker, so the servers are not held up; each statement sees one moment, so people may write
 * meanwhile. Thread: logic, but for run_part and what it calls, which have the fsck to themselves.
 */
#include "store_mysql.h"

#include <nuncio/control.h>

#include <stdlib.h>
#include <string.h>

enum { PART_CONVERSATIONS = 500, PROBLEMS_MAX = 100 };

/*
 * One promise, and the rows that break it: where that is, and what is wrong. $ is the shard, @ the
 * numbers of this part.
 */
static const struct {
	const char *kind, *sql;
} checks[] = {
	{ "hole", "SELECT COALESCE(h.id,CONCAT('#',e.conversation)),"
		  "CONCAT(COUNT(*),' events, seq ',MIN(e.seq),' to ',MAX(e.seq))"
		  " FROM message_$ e LEFT JOIN head_$ h ON h.number=e.conversation"
		  " WHERE e.conversation @ GROUP BY e.conversation"
		  " HAVING MIN(e.seq)<>1 OR MAX(e.seq)<>COUNT(*)" },
	{ "head", "SELECT id,CONCAT('the head says seq ',last_seq,', the log ends with ',log)"
		  " FROM (SELECT h.id,h.last_seq,COALESCE((SELECT MAX(e.seq) FROM message_$ e"
		  " WHERE e.conversation=h.number),0) AS log FROM head_$ h WHERE h.number @) x"
		  " WHERE last_seq<>log" },
	{ "head", "SELECT id,CONCAT('the head counts ',members,' members, there are ',n)"
		  " FROM (SELECT h.id,h.members,(SELECT COUNT(*) FROM member_$ m"
		  " WHERE m.conversation=h.number AND m.until_=0) AS n FROM head_$ h"
		  " WHERE h.number @) x WHERE members<>n" },
	{ "cursor",
		"SELECT COALESCE(h.id,CONCAT('#',m.conversation)),"
		"CONCAT(m.user,' has delivered ',m.delivered,', read ',m.read_,', since ',m.since,"
		"', until ',m.until_,'; the last seq is ',COALESCE(h.last_seq,0))"
		" FROM member_$ m LEFT JOIN head_$ h ON h.number=m.conversation"
		" WHERE m.conversation @ AND"
		" GREATEST(m.delivered,m.read_,m.since,m.until_)>COALESCE(h.last_seq,0)" },
	{ "change", "SELECT COALESCE(h.id,CONCAT('#',e.conversation)),"
		    "CONCAT('seq ',e.seq,' changes seq ',e.target,', which is not before it')"
		    " FROM message_$ e LEFT JOIN head_$ h ON h.number=e.conversation"
		    " WHERE e.conversation @ AND e.target>=e.seq" },
	{ "change",
		"SELECT COALESCE(h.id,CONCAT('#',e.conversation)),"
		"CONCAT('seq ',e.seq,' was changed by seq ',e.changed,', which says otherwise')"
		" FROM message_$ e LEFT JOIN head_$ h ON h.number=e.conversation"
		" LEFT JOIN message_$ x ON x.conversation=e.conversation AND x.seq=e.changed"
		" AND x.target=e.seq WHERE e.conversation @ AND e.changed<>0 AND x.seq IS NULL" },
	{ "reference", "SELECT COALESCE(h.id,CONCAT('#',m.conversation)),"
		       "CONCAT('\"',m.user,'\" is called in seq ',m.seq,', which is not there')"
		       " FROM mention_$ m LEFT JOIN head_$ h ON h.number=m.conversation"
		       " LEFT JOIN message_$ e ON e.conversation=m.conversation AND e.seq=m.seq"
		       " WHERE m.conversation @ AND e.seq IS NULL" },
	{ "reference", "SELECT CONCAT('#',e.conversation),"
		       "CONCAT(COUNT(*),' events of no conversation')"
		       " FROM message_$ e LEFT JOIN head_$ h ON h.number=e.conversation"
		       " WHERE e.conversation @ AND h.number IS NULL GROUP BY e.conversation" },
	{ "reference", "SELECT CONCAT('#',m.conversation),"
		       "CONCAT(m.user,' is a member of no conversation')"
		       " FROM member_$ m LEFT JOIN head_$ h ON h.number=m.conversation"
		       " WHERE m.conversation @ AND h.number IS NULL" },
};
static const char counting[] = "SELECT (SELECT COUNT(*) FROM head_$ WHERE number @ AND last_seq>0),"
			       "(SELECT COUNT(*) FROM message_$ WHERE conversation @),"
			       "(SELECT COUNT(*) FROM member_$ WHERE conversation @ AND until_=0)";
enum { CHECKS = sizeof checks / sizeof checks[0], ANSWER_COUNTS = CHECKS };

struct fsck {
	struct store *store;
	struct fsck **running; /* the module's: at most one */
	struct nuncio_request *rq;
	struct nuncio_json *json;
	struct nuncio_error err;
	int status;
	bool is_cancelled;
	uint32_t shard;
	uint64_t after; /* numbers of the shard up to here are done */
	uint64_t problems, conversations, events, members;
};

/* ---- one part, on a worker ---- */

static void add(struct sql *sql, const char *text, const struct fsck *fsck, uint64_t last)
{
	sql_begin(sql);
	for (size_t n; *text; text += n) {
		n = strcspn(text, "$@");
		sql_add_raw(sql, (struct nuncio_str){ text, n });
		if (text[n] == '$')
			sql_add(sql, "%n", fsck->shard);
		else if (text[n] == '@')
			sql_add(sql, "BETWEEN %u AND %u", fsck->after + 1, last);
		n += text[n] != '\0';
	}
}

/* The part's last number; the last part of a shard has all that is behind it, too. */
static int find_last(struct fsck *fsck, struct db *db, uint64_t *last_r)
{
	struct row row;
	db_begin(db);
	sql_begin(&db->sql);
	sql_add(&db->sql,
		"SELECT MAX(number),COUNT(*) FROM"
		" (SELECT number FROM head_%n WHERE number>%u ORDER BY number LIMIT %u) x",
		fsck->shard, fsck->after, (uint64_t)PART_CONVERSATIONS);
	int rc = db_run(db);
	bool is_full =
		rc == DB_OK && db_next(db, 0, &row) && row_uint(&row, 1) == PART_CONVERSATIONS;
	*last_r = is_full ? row_uint(&row, 0) : UINT64_MAX;
	return rc;
}

static void put_text(struct nuncio_json *json, const char *key, struct nuncio_str text)
{
	nuncio_json_key(json, key);
	nuncio_json_put_text(json, text);
}

static void take_problems(struct fsck *fsck, struct db *db, unsigned check)
{
	struct row row;
	while (db_next(db, check, &row)) {
		if (++fsck->problems > PROBLEMS_MAX)
			continue;
		nuncio_json_object_begin(fsck->json);
		put_text(fsck->json, "kind", nuncio_text(checks[check].kind));
		put_text(fsck->json, "where", row_text(&row, 0));
		put_text(fsck->json, "what", row_text(&row, 1));
		nuncio_json_object_end(fsck->json);
	}
}

static int check_part(struct fsck *fsck, struct db *db)
{
	struct row row;
	uint64_t last;
	int rc = find_last(fsck, db, &last);
	if (rc != DB_OK)
		return rc;
	db_begin(db);
	for (unsigned i = 0; i < CHECKS; i++)
		add(&db->sql, checks[i].sql, fsck, last);
	add(&db->sql, counting, fsck, last);
	rc = db_run(db);
	if (rc != DB_OK)
		return rc;
	for (unsigned i = 0; i < CHECKS; i++)
		take_problems(fsck, db, i);
	if (db_next(db, ANSWER_COUNTS, &row)) {
		fsck->conversations += row_uint(&row, 0);
		fsck->events += row_uint(&row, 1);
		fsck->members += row_uint(&row, 2);
	}
	fsck->after = last;
	return DB_OK;
}

static void run_part(void *user)
{
	struct fsck *fsck = user;
	struct server *server = place_server(fsck->store, fsck->shard);
	struct db db = { NULL };
	fsck->status = db_connect(&db, server, DB_INDEX, &fsck->err);
	if (fsck->status == 0 && check_part(fsck, &db) != DB_OK) {
		fsck->status = NUNCIO_E_FAIL;
		nuncio_error_set(&fsck->err, "%s: %s", server->address.name, db.why);
	}
	db_fini(&db);
	mysql_thread_end();
}

/* ---- part after part ---- */

static void put_int(struct nuncio_json *json, const char *key, uint64_t number)
{
	nuncio_json_key(json, key);
	nuncio_json_put_int(json, (int64_t)number);
}

static void answer(struct fsck *fsck)
{
	struct nuncio_json *json = fsck->json;
	nuncio_json_array_end(json);
	put_int(json, "conversations", fsck->conversations);
	put_int(json, "events", fsck->events);
	put_int(json, "members", fsck->members);
	put_int(json, "problem_count", fsck->problems);
	nuncio_json_key(json, "ok");
	nuncio_json_put_bool(json, fsck->problems == 0);
	nuncio_json_object_end(json);
	nuncio_reply(&fsck->rq, 200, nuncio_json_str(json));
}

static void end(struct fsck *fsck)
{
	if (fsck->status == 0 && !fsck->is_cancelled)
		answer(fsck);
	else
		nuncio_reply_error(&fsck->rq, NUNCIO_CODE_store_failed, "%s",
			fsck->is_cancelled ? "the server is stopping" : fsck->err.text);
	*fsck->running = NULL;
	nuncio_json_free(&fsck->json);
	free(fsck);
}

static void on_part(void *user);

static void next_part(struct fsck *fsck)
{
	if (fsck->after == UINT64_MAX) {
		fsck->after = 0;
		fsck->shard++;
	}
	if (fsck->status < 0 || fsck->is_cancelled || fsck->shard == fsck->store->shards) {
		end(fsck);
		return;
	}
	int rc = nuncio_work(fsck->store->self, 0, run_part, on_part, fsck);
	if (rc == 0)
		return;
	fsck->status = rc;
	nuncio_error_set(&fsck->err, "no worker takes it (%s)", nuncio_status_name(rc));
	end(fsck);
}

static void on_part(void *user)
{
	next_part(user);
}

void fsck_begin(struct store *store, struct fsck **running, struct nuncio_request *rq)
{
	if (*running || !store) {
		nuncio_reply_error(&rq, *running ? NUNCIO_CODE_busy : NUNCIO_CODE_unavailable, "%s",
			*running ? "another fsck is under way; try again later"
				 : "the store is not open");
		return;
	}
	struct fsck *fsck = nuncio_alloc(sizeof *fsck);
	*fsck = (struct fsck){ .store = store, .running = running, .rq = rq };
	fsck->json = nuncio_json_new();
	nuncio_json_object_begin(fsck->json);
	nuncio_json_key(fsck->json, "problems");
	nuncio_json_array_begin(fsck->json);
	*running = fsck;
	next_part(fsck);
}

void fsck_cancel(struct fsck *running)
{
	if (running)
		running->is_cancelled = true;
}
