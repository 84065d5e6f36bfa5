/* SPDX-License-Identifier: MIT */
/*
 * Is the database whole? First page by page, by SQLite; then what the tables promise each other:
 * seq without holes, heads that know the last one, cursors not above it, references that lead
 * somewhere. One read transaction, so the server may write on meanwhile; nothing is mended here.
 */
#include "tools.h"

#include <nuncio/json.h>

#include <stdio.h>
#include <string.h>

#include "store_sqlite.h"

/* The name of a conversation by its number, also of one that is not there. */
#define NAME(number) \
	"coalesce((SELECT id FROM conversation AS c WHERE c.number = " number "), '#' || " number \
	")"

/*
 * One promise, and the rows that break it: where that is and what is wrong, as texts. The first one
 * is SQLite's own.
 */
static const struct {
	const char *kind, *sql;
} checks[] = {
	{ "page", "SELECT '', integrity_check FROM pragma_integrity_check(100)"
		  " WHERE integrity_check <> 'ok'" },
	{ "hole",
		"SELECT " NAME(
			"e.conversation") ","
					  " printf('%d events, seq %d to %d', count(*), min(e.seq), max(e.seq))"
					  " FROM event AS e"
					  " GROUP BY e.conversation HAVING min(e.seq) <> 1 OR max(e.seq) <> count(*)" },
	{ "order",
		"SELECT " NAME(
			"e.conversation") ","
					  " printf('seq %d has the id %d, the one before it %d', e.seq, e.id, e.before)"
					  " FROM (SELECT conversation, seq, id, lag(id) OVER"
					  " (PARTITION BY conversation ORDER BY seq) AS before FROM event) AS e"
					  " WHERE e.before >= e.id" },
	{ "head",
		"SELECT " NAME(
			"h.number") ","
				    " printf('the head says seq %d, id %d; the log ends with %d, %d',"
				    " h.last_seq, h.last_id, coalesce(e.seq, 0), coalesce(e.id, 0))"
				    " FROM head AS h LEFT JOIN (SELECT conversation, max(seq) AS seq, max(id) AS id"
				    " FROM event GROUP BY conversation) AS e ON e.conversation = h.number"
				    " WHERE h.last_seq <> coalesce(e.seq, 0) OR h.last_id <> coalesce(e.id, 0)" },
	{ "head",
		"SELECT " NAME(
			"h.number") ","
				    " printf('the head counts %d members, there are %d', h.member_count,"
				    " coalesce(m.n, 0)) FROM head AS h"
				    " LEFT JOIN (SELECT conversation, count(*) AS n FROM member GROUP BY"
				    " conversation) AS m ON m.conversation = h.number"
				    " WHERE h.member_count <> coalesce(m.n, 0)" },
	{ "cursor",
		"SELECT " NAME(
			"m.conversation") ","
					  " printf('%s has delivered %d, read %d, since %d; the last seq is %d',"
					  " m.user, m.delivered, m.read, m.since, coalesce(h.last_seq, 0))"
					  " FROM member AS m LEFT JOIN head AS h ON h.number = m.conversation"
					  " WHERE max(m.delivered, m.read, m.since) > coalesce(h.last_seq, 0)" },
	{ "cursor",
		"SELECT " NAME(
			"p.conversation") ","
					  " printf('%s, who left, has delivered %d, read %d, since %d, until %d;"
					  " the last seq is %d', p.user, p.delivered, p.read, p.since, p.until,"
					  " coalesce(h.last_seq, 0))"
					  " FROM past AS p LEFT JOIN head AS h ON h.number = p.conversation"
					  " WHERE max(p.delivered, p.read, p.since, p.until) > coalesce(h.last_seq, 0)" },
	{ "change",
		"SELECT " NAME(
			"e.conversation") ","
					  " printf('seq %d changes seq %d, which is not before it', e.seq, e.target)"
					  " FROM event AS e WHERE e.target <> 0 AND e.target NOT BETWEEN 1 AND e.seq - 1" },
	{ "change",
		"SELECT " NAME(
			"e.conversation") ","
					  " printf('seq %d was changed by seq %d, which says otherwise', e.seq, e.changed)"
					  " FROM event AS e WHERE e.changed <> 0 AND NOT EXISTS (SELECT 1 FROM event AS x"
					  " WHERE x.conversation = e.conversation AND x.seq = e.changed"
					  " AND x.target = e.seq)" },
	{ "reference", "SELECT '#' || conversation, count(*) || ' events of no conversation'"
		       " FROM event WHERE conversation NOT IN (SELECT number FROM conversation)"
		       " GROUP BY conversation" },
	{ "reference", "SELECT '#' || m.conversation, printf('%s is a member of %s, which is none',"
		       " m.user, m.id) FROM member AS m LEFT JOIN conversation AS c"
		       " ON c.number = m.conversation WHERE c.id IS NULL OR c.id <> m.id" },
	{ "reference",
		"SELECT " NAME(
			"p.conversation") ", p.user || ' has left, and is there'"
					  " FROM past AS p JOIN member AS m USING (conversation, user)" },
	{ "reference", "SELECT '#' || conversation, user || ' has left no conversation'"
		       " FROM past WHERE conversation NOT IN (SELECT number FROM conversation)" },
	{ "reference", "SELECT '#' || number, 'a head of no conversation' FROM head"
		       " WHERE number NOT IN (SELECT number FROM conversation)" },
	{ "reference", "SELECT id, 'a conversation without a head' FROM conversation"
		       " WHERE number NOT IN (SELECT number FROM head)" },
	{ "reference",
		"SELECT " NAME(
			"m.conversation") ","
					  " printf('\"%s\" is called in seq %d, which is not there', m.user, m.seq)"
					  " FROM mention AS m LEFT JOIN event AS e ON e.conversation = m.conversation"
					  " AND e.seq = m.seq WHERE e.id IS NULL" },
	{ "reference", "SELECT printf('%x', key), printf('a key of the event %d, which is none',"
		       " event) FROM once WHERE event NOT IN (SELECT id FROM event)" },
};

/* What was looked at. */
static const struct {
	const char *name, *sql;
} counts[] = {
	{ "conversations", "SELECT count(*) FROM conversation" },
	{ "events", "SELECT count(*) FROM event" },
	{ "members", "SELECT count(*) FROM member" },
	{ "records", "SELECT count(*) FROM record WHERE deleted = 0" },
};

static void put(struct nuncio_json *json, const char *key, sqlite3_stmt *st, int column)
{
	const char *text = (const char *)sqlite3_column_text(st, column);
	nuncio_json_key(json, key);
	nuncio_json_put_text(
		json, (struct nuncio_str){ text ? text : "", text ? strlen(text) : 0 });
}

/* The rows of one query go into the list, as long as there is room; counts all. */
static int check(struct tool *tool, sqlite3 *db, size_t at, size_t *problems)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(db, checks[at].sql, -1, &st, NULL);
	while (rc == SQLITE_OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		rc = SQLITE_OK;
		if (++*problems > TOOL_PROBLEMS_MAX)
			continue;
		nuncio_json_object_begin(tool->json);
		nuncio_json_key(tool->json, "kind");
		nuncio_json_put_text(tool->json,
			(struct nuncio_str){ checks[at].kind, strlen(checks[at].kind) });
		put(tool->json, "where", st, 0);
		put(tool->json, "what", st, 1);
		nuncio_json_object_end(tool->json);
	}
	sqlite3_finalize(st);
	return rc == SQLITE_DONE ? 0 : tool_fail(tool, tool->path, db);
}

/* The pages are told about in any case; if they are bad the rest may not be readable. */
static int check_all(struct tool *tool, sqlite3 *db, size_t *problems)
{
	int rc = 0;
	nuncio_json_key(tool->json, "problems");
	nuncio_json_array_begin(tool->json);
	for (size_t i = 0; rc == 0 && i < sizeof checks / sizeof checks[0]; i++) {
		rc = check(tool, db, i, problems);
		if (i == 0 && *problems)
			break;
	}
	nuncio_json_array_end(tool->json);
	return rc;
}

static int count_all(struct tool *tool, sqlite3 *db)
{
	for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
		sqlite3_stmt *st = NULL;
		int rc = sqlite3_prepare_v2(db, counts[i].sql, -1, &st, NULL);
		if (rc == SQLITE_OK)
			rc = sqlite3_step(st);
		nuncio_json_key(tool->json, counts[i].name);
		nuncio_json_put_int(tool->json, rc == SQLITE_ROW ? sqlite3_column_int64(st, 0) : 0);
		sqlite3_finalize(st);
		if (rc != SQLITE_ROW)
			return tool_fail(tool, tool->path, db);
	}
	return 0;
}

int fsck_run(struct tool *tool)
{
	sqlite3 *db = NULL;
	size_t problems = 0;
	int rc = tool_open(tool, tool->path, &db);
	if (rc == 0 && sqlite3_exec(db, "BEGIN", NULL, NULL, NULL) != SQLITE_OK)
		rc = tool_fail(tool, tool->path, db);
	if (rc == 0)
		rc = schema_is_now(db, tool->path, &tool->err);
	if (rc == 0)
		rc = check_all(tool, db, &problems);
	if (rc == 0) {
		nuncio_json_key(tool->json, "file");
		nuncio_json_put_text(
			tool->json, (struct nuncio_str){ tool->path, strlen(tool->path) });
	}
	if (rc == 0 && !problems)
		rc = count_all(tool, db);
	if (rc == 0) {
		nuncio_json_key(tool->json, "problem_count");
		nuncio_json_put_int(tool->json, (int64_t)problems);
		nuncio_json_key(tool->json, "ok");
		nuncio_json_put_bool(tool->json, problems == 0);
	}
	sqlite3_close(db);
	return rc;
}
