/* SPDX-License-Identifier: MIT */
/*
 * What only a store in a file can get wrong: crashes, full disks, foreign files, old versions,
 * second processes.
 */
#include "sqlite_file.h"
#include "store_case.h"

#include <sys/stat.h>

static void db_path(char *out, size_t size)
{
	case_path(out, size, "nuncio.db");
}

/* Opening must fail, and say the path and this. */
static void check_refused(const char *reason)
{
	struct nuncio_error err = { "" };
	char path[512];
	db_path(path, sizeof(path));
	struct store_host *host = store_host_open(the.so, the.dir, the.options, &err);
	assert_null(host);
	assert_non_null(strstr(err.text, path));
	if (!strstr(err.text, reason))
		fail_msg("\"%s\" does not say \"%s\"", err.text, reason);
}

static void write_file(const char *content, size_t n)
{
	char path[512];
	db_path(path, sizeof(path));
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(content, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

static void the_file_is_private(void **state)
{
	char path[512];
	struct stat st;
	(void)state;
	append("d:1", "alice", "", "1");
	db_path(path, sizeof(path));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	case_path(path, sizeof(path), "nuncio.db-wal");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void a_second_opener_is_refused(void **state)
{
	(void)state;
	check_refused("in use by another process");
	append("d:1", "alice", "", "1"); /* and the first is none the worse */
	case_close();
	case_open();
}

static void foreign_and_broken_files_are_refused(void **state)
{
	char junk[8192];
	(void)state;
	case_close();
	memset(junk, 'j', sizeof(junk));
	write_file(junk, sizeof(junk));
	check_refused("file is not a database");
	write_file("", 0);
	run_file("nuncio.db", "CREATE TABLE other (x)");
	check_refused("another program");
	write_file("", 0);
	case_open();
	append("d:1", "alice", "", "1");
	case_close();
	run_file("nuncio.db", "PRAGMA user_version = 5");
	check_refused("schema version 5");
	check_refused("up to 4");
	run_file("nuncio.db", "PRAGMA user_version = 4; DELETE FROM meta");
	check_refused("meta");
}

static void a_missing_directory_is_named(void **state)
{
	struct nuncio_error err = { "" };
	(void)state;
	assert_null(store_host_open(the.so, "/nonexistent/dir", NULL, &err));
	assert_non_null(strstr(err.text, "/nonexistent/dir/nuncio.db"));
	assert_non_null(strstr(err.text, "No such file or directory"));
}

/* In a child that is nobody, since root may write anywhere. 0: as it should be. */
static int open_as_nobody(void)
{
	struct nuncio_error err = { "" };
	if (getuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
		return 2;
	struct store_host *host = store_host_open(the.so, the.dir, the.options, &err);
	if (host)
		return 3;
	return strstr(err.text, the.dir) && (strstr(err.text, "Permission denied") ||
						    strstr(err.text, "not writable"))
		       ? 0
		       : 4;
}

static void run_as_nobody(void)
{
	int status;
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(open_as_nobody());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void a_read_only_directory_is_named(void **state)
{
	char path[512];
	(void)state;
	case_close();
	db_path(path, sizeof(path));
	/* The file may be written, but nothing can be made beside it. */
	assert_int_equal(chmod(path, 0666), 0);
	assert_int_equal(chmod(the.dir, 0555), 0);
	run_as_nobody();
	assert_int_equal(unlink(path), 0);
	run_as_nobody();
	assert_int_equal(chmod(the.dir, 0755), 0);
}

/* The first schema, as a server of that version left it. */
static const char schema_1[] =
	"PRAGMA journal_mode = WAL; PRAGMA application_id = 1853189731; PRAGMA user_version = 1;"
	"CREATE TABLE meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID;"
	"INSERT INTO meta VALUES ('uuid', '0123456789abcdef0123456789abcdef');"
	"CREATE TABLE conversation (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE);"
	"CREATE TABLE head (number INTEGER PRIMARY KEY, last_seq INTEGER NOT NULL,"
	" last_id INTEGER NOT NULL);"
	"CREATE TABLE event (id INTEGER PRIMARY KEY, conversation INTEGER NOT NULL,"
	" seq INTEGER NOT NULL, sent_at_ms INTEGER NOT NULL, sender TEXT NOT NULL,"
	" client_id TEXT NOT NULL, type TEXT NOT NULL, kind TEXT NOT NULL, body TEXT NOT NULL,"
	" extra TEXT NOT NULL, UNIQUE (conversation, seq));"
	"CREATE TABLE member (conversation INTEGER NOT NULL, user TEXT NOT NULL,"
	" delivered INTEGER NOT NULL, read INTEGER NOT NULL, PRIMARY KEY (conversation, user))"
	" WITHOUT ROWID;"
	"CREATE INDEX member_user ON member (user, conversation);"
	"CREATE TABLE record (space TEXT NOT NULL, owner TEXT NOT NULL, key TEXT NOT NULL,"
	" value BLOB NOT NULL, version INTEGER NOT NULL, expires_at_ms INTEGER NOT NULL,"
	" PRIMARY KEY (space, owner, key)) WITHOUT ROWID;"
	"CREATE INDEX record_expiry ON record (expires_at_ms) WHERE expires_at_ms > 0;"
	"INSERT INTO conversation VALUES (4, 'd:1');"
	"INSERT INTO head VALUES (4, 2, 1002);"
	"INSERT INTO event VALUES (1001, 4, 1, 5, 'alice', 'c1', 'message', 'text', '\"a\"', ''),"
	" (1002, 4, 2, 6, 'bob', '', 'message', 'text', '\"b\"', '');"
	"INSERT INTO member VALUES (4, 'alice', 2, 1), (4, 'bob', 0, 0);"
	"INSERT INTO record VALUES ('s', 'o', 'k', 'v', 7, 0);";

/* What version 2 added. */
static const char schema_2[] =
	"CREATE TABLE once (key INTEGER NOT NULL, event INTEGER NOT NULL,"
	" PRIMARY KEY (key, event)) WITHOUT ROWID;"
	"INSERT INTO meta VALUES ('once_secret', randomblob(16)), ('once_upto', 0);"
	"PRAGMA user_version = 2;"
	"INSERT INTO conversation VALUES (5, 'd:2'), (6, 'd:0');"
	"INSERT INTO head VALUES (5, 1, 1003), (6, 1, 1004);"
	"INSERT INTO event VALUES (1003, 5, 1, 7, 'carol', '', 'message', 'text', '\"c\"', ''),"
	" (1004, 6, 1, 8, 'alice', '', 'message', 'text', '\"d\"', '');"
	"INSERT INTO member VALUES (5, 'alice', 1, 1), (5, 'carol', 0, 0), (6, 'alice', 0, 0);";

/* Everything that version 2 did not know, on what it left. */
static void check_what_is_new(void)
{
	struct nuncio_job_memberships ships = {
		.size = sizeof(ships), .limit = 10, .user = S("alice"), .prefix = S("d:")
	};
	struct nuncio_job job = read_job(NUNCIO_JOB_MEMBERSHIPS, &ships);
	assert_int_equal(job.member_count, 3);
	assert_str(job.members[0].conversation, "d:0");
	assert_str(job.members[1].conversation, "d:1");
	assert_str(job.members[2].conversation, "d:2");
	assert_int_equal(job.members[2].member_count, 2);
	assert_int_equal(job.members[2].since + job.members[2].role, 0);
	assert_int_equal(job.members[2].joined_at_ms, 7);
	assert_int_equal(job.members[2].read, 1);
	store_host_job_fini(&job);
	job = read_events("d:2", 0, 0, 10);
	assert_int_equal(job.event_count, 1);
	assert_int_equal(job.events[0].target + job.events[0].changed + job.events[0].flags, 0);
	assert_str(job.events[0].state, "");
	store_host_job_fini(&job);
	job = read_conversations("alice", "", 1);
	assert_str(job.conversations[0].peer, "");
	assert_int_equal(job.conversations[0].member_count, 1);
	store_host_job_fini(&job);
}

static void version_2_is_migrated(void **state)
{
	(void)state;
	case_close();
	write_file("", 0);
	run_file("nuncio.db", schema_1);
	run_file("nuncio.db", schema_2);
	case_open();
	assert_int_equal(store_host_highest(the.host), 1004);
	check_what_is_new();
	the.last_id = 2000;
	/* A page that the older version left unfinished begins anew. */
	struct nuncio_job job =
		read_sync("alice", S("0123456789abcdef0123456789abcdef-1001-1003-5-1"), 10);
	assert_int_equal(job.gap, 0);
	assert_int_equal(job.event_count, 3);
	store_host_job_fini(&job);
	assert_int_equal(mark("d:2", "carol", 1, 1), 1);
	job = read_sync("alice", S("0123456789abcdef0123456789abcdef-1004"), 10);
	assert_int_equal(job.event_count, 0);
	assert_int_equal(job.member_count, 1);
	assert_str(job.members[0].user, "carol");
	store_host_job_fini(&job);
}

static void an_older_schema_is_migrated(void **state)
{
	(void)state;
	case_close();
	write_file("", 0);
	run_file("nuncio.db", schema_1);
	case_open();
	assert_int_equal(store_host_highest(the.host), 1002);
	struct nuncio_job job;
	/* Repeats of what the older version stored are known. */
	assert_int_equal(append_with(&(struct event_args){ .conversation = "d:1",
					     .from = "alice",
					     .client_id = "c1",
					     .body = "\"a\"" },
				 &job),
		0);
	assert_int_equal(job.duplicate, 1);
	assert_int_equal(job.id, 1001);
	store_host_job_fini(&job);
	assert_int_equal(append("d:1", "bob", "c2", "1"), 3);
	job = read_sync("alice", S("0123456789abcdef0123456789abcdef-1001"), 10);
	assert_int_equal(job.gap, 0);
	assert_int_equal(job.event_count, 2);
	store_host_job_fini(&job);
	job = read_record("s", "o", "k");
	assert_int_equal(job.records[0].version, 7);
	store_host_job_fini(&job);
	case_close();
	case_open(); /* and not once more */
	assert_int_equal(check_log("d:1"), 3);
}

static void a_copy_put_back_makes_cursors_gaps(void **state)
{
	char path[512], copy[512], command[1200];
	(void)state;
	append("d:1", "alice", "", "1");
	case_close();
	db_path(path, sizeof(path));
	case_path(copy, sizeof(copy), "copy");
	snprintf(command, sizeof(command), "cp %s %s", path, copy);
	assert_int_equal(system(command), 0);
	case_open();
	append("d:1", "alice", "", "2");
	struct nuncio_job start = read_sync("alice", S(""), 10);
	case_close();
	assert_int_equal(rename(copy, path), 0);
	case_open();
	struct nuncio_job job = read_sync("alice", start.cursor, 10);
	assert_int_equal(job.gap, 1);
	store_host_job_fini(&job);
	store_host_job_fini(&start);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		CASE(the_file_is_private),
		CASE(a_second_opener_is_refused),
		CASE(foreign_and_broken_files_are_refused),
		CASE(a_missing_directory_is_named),
		CASE(a_read_only_directory_is_named),
		CASE(an_older_schema_is_migrated),
		CASE(version_2_is_migrated),
		CASE(a_copy_put_back_makes_cursors_gaps),
	};
	the = (struct store_case){ .so = case_so("store_sqlite"), .is_durable = true };
	return cmocka_run_group_tests_name("store_sqlite_file", tests, NULL, NULL);
}
