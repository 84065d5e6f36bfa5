/* SPDX-License-Identifier: MIT */
/*
 * One connection: how it is made, statements in packets, answers as rows of text. Used by one
 * thread at a time; blocks, but never longer than the time-outs say.
 *
 * Written for both client libraries, MariaDB's and Oracle's: nothing but blocking mysql_* calls
 * that both have; where they differ it stands in this file.
 *
 * After an error of a statement no transaction is open: the rest of the packet was not executed,
 * and what was is rolled back, by us or by the server that lost us.
 */
#include "store_mysql.h"

#include <errmsg.h>
#include <mysqld_error.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Numbers that only one of the two headers has. */
enum {
	CODE_CONNECTION_KILLED = 1927, /* MariaDB */
	CODE_STATEMENT_TIMEOUT = 1969, /* MariaDB */
	CODE_QUERY_TIMEOUT = 3024,     /* MySQL */
	CODE_CLIENT_FIRST = 2000,
	CODE_CLIENT_LAST = 2999,
	CODE_CLIENT_MORE_FIRST = 5000, /* MariaDB */
	CODE_CLIENT_MORE_LAST = 5999
};

#if defined(MARIADB_BASE_VERSION) || MYSQL_VERSION_ID < 80000
typedef my_bool db_bool;
#else
typedef bool db_bool;
#endif

enum { SCHEMA_TIMEOUT_S = 3600, INDEX_TIMEOUT_S = 60, IDLE_TIMEOUT_S = 60, WATCH_TIMEOUT_S = 2 };

static enum db_status classify(unsigned code)
{
	switch (code) {
	case ER_LOCK_DEADLOCK:
	case ER_LOCK_WAIT_TIMEOUT:
	case ER_CHECKREAD:
	case ER_DUP_ENTRY:
		return DB_AGAIN;
	case ER_DISK_FULL:
	case ER_RECORD_FILE_FULL:
		return DB_NOSPACE;
	case CODE_STATEMENT_TIMEOUT:
	case CODE_QUERY_TIMEOUT:
		return DB_SLOW;
	case ER_SERVER_SHUTDOWN:
	case ER_NEW_ABORTING_CONNECTION:
	case ER_QUERY_INTERRUPTED:
	case ER_OPTION_PREVENTS_STATEMENT: /* read-only: no primary any more */
	case ER_UNKNOWN_COM_ERROR:         /* Galera: not in the cluster */
	case ER_CON_COUNT_ERROR:
	case ER_TOO_MANY_USER_CONNECTIONS:
	case CODE_CONNECTION_KILLED:
		return DB_LOST;
	default:
		break;
	}
#ifdef ER_READ_ONLY_MODE
	if (code == ER_READ_ONLY_MODE)
		return DB_LOST;
#endif
	if ((code >= CODE_CLIENT_FIRST && code <= CODE_CLIENT_LAST) ||
		(code >= CODE_CLIENT_MORE_FIRST && code <= CODE_CLIENT_MORE_LAST))
		return DB_LOST;
	return DB_ERROR;
}

static void forget_answers(struct db *db)
{
	for (unsigned i = 0; i < db->answer_count; i++)
		if (db->answers[i])
			mysql_free_result(db->answers[i]);
	db->answer_count = 0;
}

void db_close(struct db *db)
{
	if (!db->handle)
		return;
	forget_answers(db);
	mysql_close(db->handle);
	db->handle = NULL;
}

void db_fini(struct db *db)
{
	db_close(db);
	sql_fini(&db->sql);
	free(db->answers);
	free(db->affected);
	*db = (struct db){ 0 };
}

void db_begin(struct db *db)
{
	forget_answers(db);
	sql_reset(&db->sql);
}

/* Keeps why; what was going on is no more. */
static int fail(struct db *db)
{
	db->code = mysql_errno(db->handle);
	snprintf(db->why, sizeof(db->why), "%s", mysql_error(db->handle));
	db->is_key_taken = db->code == ER_DUP_ENTRY;
	enum db_status rc = classify(db->code);
	forget_answers(db);
	if (rc == DB_LOST || mysql_query(db->handle, "ROLLBACK") != 0) {
		db_close(db);
		return DB_LOST;
	}
	return rc;
}

static void add_answer(struct db *db, MYSQL_RES *answer)
{
	if (db->answer_count == db->answer_size) {
		db->answer_size = db->answer_size ? db->answer_size * 2 : 32;
		db->answers = nuncio_resize(db->answers, db->answer_size * sizeof(*db->answers));
		db->affected = nuncio_resize(db->affected, db->answer_size * sizeof(*db->affected));
	}
	db->affected[db->answer_count] = answer ? 0 : mysql_affected_rows(db->handle);
	db->answers[db->answer_count++] = answer;
}

int db_run(struct db *db)
{
	forget_answers(db);
	if (mysql_real_query(db->handle, db->sql.p, (unsigned long)db->sql.n) != 0)
		return fail(db);
	for (;;) {
		MYSQL_RES *answer = mysql_store_result(db->handle);
		if (!answer && mysql_field_count(db->handle))
			return fail(db);
		add_answer(db, answer);
		int rc = mysql_next_result(db->handle);
		if (rc > 0)
			return fail(db);
		if (rc < 0)
			break;
	}
	db->used_ms = nuncio_mono_ms();
	return DB_OK;
}

int db_execute(struct db *db, const char *text)
{
	db_begin(db);
	sql_begin(&db->sql);
	sql_add(&db->sql, "%s", text);
	return db_run(db);
}

/* --- connecting --- */

static void set_tls(MYSQL *handle, const struct store *s)
{
	if (!s->tls)
		return;
#ifdef MARIADB_BASE_VERSION
	db_bool yes = 1, verify = s->tls_verify;
	mysql_ssl_set(handle, s->tls_key, s->tls_cert, s->tls_ca, NULL, NULL);
	mysql_options(handle, MYSQL_OPT_SSL_ENFORCE, &yes);
	mysql_options(handle, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &verify);
#else
	unsigned mode = s->tls_verify ? SSL_MODE_VERIFY_IDENTITY : SSL_MODE_REQUIRED;
	if (s->tls_ca)
		mysql_options(handle, MYSQL_OPT_SSL_CA, s->tls_ca);
	if (s->tls_cert) {
		mysql_options(handle, MYSQL_OPT_SSL_CERT, s->tls_cert);
		mysql_options(handle, MYSQL_OPT_SSL_KEY, s->tls_key);
	}
	mysql_options(handle, MYSQL_OPT_SSL_MODE, &mode);
#endif
}

static unsigned seconds(int64_t ms)
{
	return ms < 1000 ? 1 : (unsigned)((ms + 999) / 1000);
}

/* Nobody waits for the indexer; the watcher is to notice first. */
static unsigned wait_for_answer(const struct store *s, enum db_use use)
{
	unsigned wait = seconds(s->timeout_ms);
	switch (use) {
	case DB_SCHEMA:
		return SCHEMA_TIMEOUT_S;
	case DB_INDEX:
		return wait > INDEX_TIMEOUT_S ? wait : INDEX_TIMEOUT_S;
	case DB_WATCH:
		return wait < WATCH_TIMEOUT_S ? wait : WATCH_TIMEOUT_S;
	default:
		return wait;
	}
}

static void set_options(MYSQL *handle, const struct store *s, enum db_use use)
{
	unsigned wait = wait_for_answer(s, use), connect = wait_for_answer(s, DB_WATCH), none = 0;
	mysql_options(handle, MYSQL_OPT_CONNECT_TIMEOUT, &connect);
	mysql_options(handle, MYSQL_OPT_READ_TIMEOUT, &wait);
	mysql_options(handle, MYSQL_OPT_WRITE_TIMEOUT, &wait);
	/* A server must not be able to ask for our files. */
	mysql_options(handle, MYSQL_OPT_LOCAL_INFILE, &none);
	mysql_options(handle, MYSQL_SET_CHARSET_NAME, "binary");
	set_tls(handle, s);
}

/*
 * Locks are waited for less long than an answer, so that the server ends what we do not wait for
 * any more. It also ends a connection of which it hears nothing: behind a broken network that frees
 * the locks of a half transaction; ours are used or swept more often.
 */
static int begin_session(struct db *db, enum db_use use)
{
	const struct store *s = db->server->store;
	int64_t lock_wait = use == DB_SCHEMA ? SCHEMA_TIMEOUT_S : seconds(s->timeout_ms / 3);
	int64_t idle = use == DB_SCHEMA ? SCHEMA_TIMEOUT_S : IDLE_TIMEOUT_S;
	db_begin(db);
	sql_begin(&db->sql);
	sql_add(&db->sql,
		"SET SESSION sql_mode='STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION',time_zone='+00:00',"
		"autocommit=1,innodb_lock_wait_timeout=%d,wait_timeout=%d",
		lock_wait, idle);
	sql_begin(&db->sql);
	sql_add(&db->sql, "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED");
	if (use == DB_READS) {
		sql_begin(&db->sql);
		if (strstr(mysql_get_server_info(db->handle), "MariaDB"))
			sql_add(&db->sql, "SET SESSION max_statement_time=%d",
				(int64_t)seconds(s->timeout_ms * 4 / 5));
		else
			sql_add(&db->sql, "SET SESSION max_execution_time=%d",
				s->timeout_ms * 4 / 5);
	}
	return db_run(db);
}

int db_connect(struct db *db, struct server *server, enum db_use use, struct nuncio_error *err)
{
	const struct address *a = &server->address;
	db_close(db);
	db->server = server;
	db->session++;
	db->handle = mysql_init(NULL);
	if (!db->handle)
		abort();
	set_options(db->handle, server->store, use);
	if (!mysql_real_connect(db->handle, a->socket ? "localhost" : a->host, a->user, a->password,
		    a->database, a->port, a->socket, CLIENT_MULTI_STATEMENTS | CLIENT_FOUND_ROWS)) {
		db->code = mysql_errno(db->handle);
		snprintf(db->why, sizeof(db->why), "%s", mysql_error(db->handle));
		db_close(db);
	} else if (begin_session(db, use) != DB_OK) {
		db_close(db);
	}
	if (db->handle)
		return 0;
	nuncio_error_set(err, "%s: %s (code %u)", a->name, db->why, db->code);
	return NUNCIO_E_FAIL;
}

/* --- rows --- */

bool db_next(struct db *db, unsigned answer, struct row *row)
{
	if (answer >= db->answer_count || !db->answers[answer])
		return false;
	row->v = mysql_fetch_row(db->answers[answer]);
	row->bytes = row->v ? mysql_fetch_lengths(db->answers[answer]) : NULL;
	return row->v != NULL;
}

void db_again(struct db *db, unsigned answer)
{
	mysql_data_seek(db->answers[answer], 0);
}

struct nuncio_str row_text(const struct row *row, unsigned column)
{
	const char *p = row->v[column];
	return (struct nuncio_str){ p ? p : "", p ? row->bytes[column] : 0 };
}

bool row_is_null(const struct row *row, unsigned column)
{
	return !row->v[column];
}

uint64_t row_uint(const struct row *row, unsigned column)
{
	return row->v[column] ? strtoull(row->v[column], NULL, 10) : 0;
}

int64_t row_int(const struct row *row, unsigned column)
{
	return row->v[column] ? strtoll(row->v[column], NULL, 10) : 0;
}
