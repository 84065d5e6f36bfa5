/* SPDX-License-Identifier: MIT */
/*
 * What only a store in a file can get wrong: crashes, full disks, foreign files, old versions,
 * second processes.
 */
#include "store_case.h"

#include <nuncio/text.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>

static void db_path(char *out, size_t size)
{
	case_path(out, size, "nuncio.db");
}

static void run_sql(const char *sql)
{
	char path[512];
	sqlite3 *db;
	db_path(path, sizeof(path));
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
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
	run_sql("CREATE TABLE other (x)");
	check_refused("another program");
	write_file("", 0);
	case_open();
	append("d:1", "alice", "", "1");
	case_close();
	run_sql("PRAGMA user_version = 5");
	check_refused("schema version 5");
	check_refused("up to 4");
	run_sql("PRAGMA user_version = 4; DELETE FROM meta");
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
	run_sql(schema_1);
	run_sql(schema_2);
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
	run_sql(schema_1);
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

/* --- kill -9 --- */

enum { CRASH_LOGS = 5, CRASH_BATCH = 20 };

/* Appends until killed; writes one byte per acknowledged batch. */
_Noreturn static void append_until_killed(int fd, int round)
{
	static struct nuncio_job_append in[CRASH_BATCH];
	static char keys[CRASH_BATCH][48], names[CRASH_LOGS][16];
	for (int i = 0; i < CRASH_LOGS; i++)
		snprintf(names[i], sizeof(names[i]), "d:%d", i);
	case_open();
	nuncio_id highest = store_host_highest(the.host);
	the.last_id = highest > the.last_id ? highest : the.last_id;
	for (int batch = 0;; batch++) {
		struct nuncio_job jobs[CRASH_BATCH] = { 0 };
		for (int i = 0; i < CRASH_BATCH; i++) {
			snprintf(keys[i], sizeof(keys[i]), "%d.%d.%d", round, batch, i);
			in[i] = make_append(
				&(struct event_args){ .conversation = names[i % CRASH_LOGS],
					.from = "alice",
					.client_id = keys[i],
					.body = "1" });
			jobs[i] = (struct nuncio_job){ .kind = NUNCIO_JOB_APPEND, .input = &in[i] };
		}
		store_host_run(the.host, jobs, CRASH_BATCH);
		for (int i = 0; i < CRASH_BATCH; i++)
			if (jobs[i].status != 0 || jobs[i].duplicate)
				_exit(3);
		if (write(fd, "b", 1) != 1)
			_exit(4);
	}
}

/*
 * Lets a child commit `batches` batches or more, kills it, returns how many it said were committed.
 */
static int crash(int round, int batches)
{
	char bytes[256];
	int fds[2], status, count = 0;
	assert_int_equal(pipe(fds), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		close(fds[0]);
		append_until_killed(fds[1], round);
	}
	close(fds[1]);
	ssize_t n = 1;
	while (count < batches && (n = read(fds[0], bytes, 1)) > 0)
		count += (int)n;
	kill(pid, SIGKILL);
	while ((n = read(fds[0], bytes, sizeof(bytes))) > 0)
		count += (int)n;
	close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	return count;
}

/* Sends every acknowledged event again: all must be there, each once. */
static void check_acknowledged(int round, int batches)
{
	for (int batch = 0; batch < batches; batch++) {
		for (int i = 0; i < CRASH_BATCH; i++) {
			char key[48], name[16];
			struct nuncio_job job;
			snprintf(key, sizeof(key), "%d.%d.%d", round, batch, i);
			snprintf(name, sizeof(name), "d:%d", i % CRASH_LOGS);
			assert_int_equal(append_with(&(struct event_args){ .conversation = name,
							     .from = "alice",
							     .client_id = key,
							     .body = "1" },
						 &job),
				0);
			assert_int_equal(job.duplicate, 1);
			store_host_job_fini(&job);
		}
	}
}

static void nothing_acknowledged_is_lost_by_kill(void **state)
{
	int batches[12];
	(void)state;
	case_close();
	for (int round = 0; round < 12; round++) {
		batches[round] = crash(round, 3 + round * 17 % 29);
		case_open();
		check_acknowledged(round, batches[round]);
		uint64_t sum = 0, least = 0;
		for (int i = 0; i < CRASH_LOGS; i++) {
			char name[16];
			snprintf(name, sizeof(name), "d:%d", i);
			sum += check_log(name);
		}
		for (int k = 0; k <= round; k++)
			least += (uint64_t)batches[k] * CRASH_BATCH;
		/* At most one batch a round was committed and not heard of, and only whole ones. */
		assert_true(sum >= least && sum <= least + (uint64_t)(round + 1) * CRASH_BATCH);
		assert_int_equal(sum % CRASH_BATCH, 0);
		case_close();
	}
	case_open();
	check_acknowledged(0, batches[0]);
}

/* --- batches that are rolled back --- */

enum { ROLL_SIZE = 500 };

/* Keyed events k<first> and on; the one at `bad` (-1: none) has a body that the trigger refuses. */
static void run_keyed(int first, int bad, struct nuncio_job *jobs)
{
	static struct nuncio_job_append in[ROLL_SIZE];
	static char keys[ROLL_SIZE][24];
	for (int i = 0; i < ROLL_SIZE; i++) {
		snprintf(keys[i], sizeof(keys[i]), "k%d", first + i);
		in[i] = make_append(&(struct event_args){ .conversation = "d:1",
			.from = "alice",
			.client_id = keys[i],
			.body = i == bad ? "\"bad\"" : "1" });
		jobs[i] = (struct nuncio_job){ .kind = NUNCIO_JOB_APPEND, .input = &in[i] };
	}
	store_host_run(the.host, jobs, ROLL_SIZE);
}

static void one_job_that_sqlite_refuses_fails_alone(void **state)
{
	static struct nuncio_job jobs[ROLL_SIZE];
	(void)state;
	run_sql("CREATE TRIGGER refuse BEFORE INSERT ON event WHEN new.body = '\"bad\"'"
		" BEGIN SELECT RAISE(ABORT, 'refused'); END");
	run_keyed(0, 321, jobs);
	for (int i = 0; i < ROLL_SIZE; i++) {
		assert_int_equal(jobs[i].status, i == 321 ? NUNCIO_E_FAIL : 0);
		if (i != 321)
			assert_int_equal(jobs[i].seq, i < 321 ? i + 1 : i);
	}
	assert_int_equal(check_log("d:1"), ROLL_SIZE - 1);
	/* Without the refusal it goes through; the others are repeats. */
	run_sql("DROP TRIGGER refuse");
	run_keyed(0, -1, jobs);
	for (int i = 0; i < ROLL_SIZE; i++)
		assert_int_equal(jobs[i].status | (jobs[i].duplicate == (i == 321)), 0);
}

static void keys_outlive_a_rollback_while_they_are_merged(void **state)
{
	enum { BATCHES = 52 }; /* more keys than one run of once.c, and its merging */
	static struct nuncio_job jobs[ROLL_SIZE];
	int refused = 0;
	(void)state;
	/* The last statement of a merge fails until there was a batch that met it. */
	run_sql("CREATE TRIGGER refuse BEFORE INSERT ON meta"
		" BEGIN SELECT RAISE(ABORT, 'refused'); END");
	for (int batch = 0; batch < BATCHES; batch++) {
		run_keyed(batch * ROLL_SIZE, -1, jobs);
		int failed = 0;
		for (int i = 0; i < ROLL_SIZE; i++)
			failed += jobs[i].status != 0;
		if (!failed)
			continue;
		refused++;
		run_sql("DROP TRIGGER refuse");
		batch--; /* what failed is sent again */
	}
	assert_int_equal(refused, 1);
	case_close();
	case_open();
	for (int batch = 0; batch < BATCHES; batch++) {
		run_keyed(batch * ROLL_SIZE, -1, jobs);
		for (int i = 0; i < ROLL_SIZE; i++)
			assert_int_equal(jobs[i].duplicate, 1);
	}
	assert_int_equal(check_log("d:1"), BATCHES * ROLL_SIZE);
}

/* --- a full disk --- */

static int fill_up(const char *path)
{
	static const char block[4096];
	int fd = open(path, O_CREAT | O_WRONLY, 0600);
	if (fd < 0)
		return -1;
	while (write(fd, block, sizeof(block)) > 0)
		;
	int full = errno == ENOSPC;
	close(fd);
	return full ? 0 : -1;
}

static int append_many(const char *client_prefix, int limit)
{
	char body[2002], key[32];
	memset(body, 'x', sizeof(body) - 1);
	body[0] = body[2000] = '"';
	body[2001] = '\0';
	for (int i = 0; i < limit; i++) {
		snprintf(key, sizeof(key), "%s%d", client_prefix, i);
		int status = append_with(&(struct event_args){ .conversation = "d:1",
						 .from = "alice",
						 .client_id = key,
						 .body = body },
			NULL);
		if (status != 0) {
			assert_int_equal(status, NUNCIO_E_NOSPACE);
			return i;
		}
	}
	return limit;
}

static void a_full_disk_fails_jobs_and_heals(void **state)
{
	char ballast[512], last[1024], dir[64];
	(void)state;
	case_close();
	snprintf(dir, sizeof(dir), "%s", the.dir);
	if (mount("tmpfs", dir, "tmpfs", 0, "size=2m,mode=0700") != 0) {
		case_open();
		skip();
	}
	case_open();
	case_path(ballast, sizeof(ballast), "ballast");
	int before = append_many("a", 20);
	int filled = fill_up(ballast);
	unsigned complaints = store_host_complaints(last, sizeof(last));
	int during = append_many("b", 2000);
	int none = append_many("c", 5);
	unsigned after = store_host_complaints(last, sizeof(last));
	struct nuncio_job job = read_events("d:1", 0, 0, 1);
	int readable = job.status;
	store_host_job_fini(&job);
	unlink(ballast);
	int healed = append_many("b", during + 50);
	uint64_t count = check_log("d:1");
	case_close();
	case_open();
	uint64_t again = check_log("d:1");
	case_close();
	umount(dir);
	case_open();
	assert_int_equal(before, 20);
	assert_int_equal(filled, 0);
	assert_true(during < 2000);
	assert_int_equal(none, 0);
	assert_int_equal(readable, 0);
	/* Said every ten seconds, with the place and the cause, not once for every job. */
	assert_in_range(after - complaints, 1, 3);
	assert_non_null(strstr(last, "nuncio.db"));
	assert_non_null(strstr(last, "full"));
	assert_int_equal(healed, during + 50); /* the first of them as repeats */
	assert_int_equal(count, 20 + during + 50);
	assert_int_equal(again, count);
}

/* An assertion that fails leaves in the middle: the mount must not stay. */
static int unmount_teardown(void **state)
{
	case_close();
	umount(the.dir);
	return case_teardown(state);
}

/* --- lanes side by side --- */

enum { BUSY_BATCHES = 400, BUSY_SIZE = 10 };

struct busy {
	_Atomic(uint64_t) acknowledged; /* events whose jobs were done */
	atomic_bool is_over;
	struct nuncio_str cursor;
};

struct busy_reader {
	struct busy *busy;
	uint32_t lane;
	uint64_t seen, missed, disordered, failed;
};

static void *write_busily(void *arg)
{
	static struct nuncio_job_append in[BUSY_SIZE];
	struct busy *busy = arg;
	for (int batch = 0; batch < BUSY_BATCHES; batch++) {
		struct nuncio_job jobs[BUSY_SIZE] = { 0 };
		for (int i = 0; i < BUSY_SIZE; i++) {
			in[i] = make_append(&(struct event_args){
				.conversation = "d:1", .from = "alice", .body = "1" });
			jobs[i] = (struct nuncio_job){ .kind = NUNCIO_JOB_APPEND, .input = &in[i] };
		}
		store_host_run_lane(the.host, 0, jobs, BUSY_SIZE);
		for (int i = 0; i < BUSY_SIZE; i++)
			atomic_fetch_add(&busy->acknowledged, jobs[i].status == 0);
	}
	atomic_store(&busy->is_over, true);
	return NULL;
}

/*
 * Syncs page by page; whatever was acknowledged before a call that says "no more" must have been
 * seen.
 */
static void *read_busily(void *arg)
{
	struct busy_reader *r = arg;
	struct nuncio_job last = { 0 };
	struct nuncio_str cursor = r->busy->cursor;
	for (bool is_last = false; !is_last;) {
		is_last = atomic_load(&r->busy->is_over);
		uint64_t before = atomic_load(&r->busy->acknowledged);
		int more = 1;
		while (more) {
			struct nuncio_sync_query q = {
				.size = sizeof(q), .user = S("bob"), .cursor = cursor, .limit = 37
			};
			struct nuncio_job job = { .kind = NUNCIO_JOB_SYNC, .input = &q };
			store_host_run_lane(the.host, r->lane, &job, 1);
			r->failed += job.status != 0 || job.gap;
			for (size_t i = 0; i < job.event_count; i++)
				r->disordered += job.events[i].seq != ++r->seen + 1;
			more = job.more && job.status == 0;
			store_host_job_fini(&last);
			last = job;
			cursor = job.cursor;
		}
		r->missed += r->seen < before;
	}
	store_host_job_fini(&last);
	return NULL;
}

static void readers_beside_the_writer_miss_nothing(void **state)
{
	struct busy busy = { 0 };
	struct busy_reader readers[2] = { { .busy = &busy, .lane = 1 },
		{ .busy = &busy, .lane = 2 } };
	pthread_t threads[3];
	(void)state;
	append("d:1", "alice", "", "1");
	assert_int_equal(store_host_readers(the.host), 2);
	struct nuncio_job start = read_sync("bob", S(""), 1);
	busy.cursor = start.cursor;
	assert_int_equal(pthread_create(&threads[0], NULL, write_busily, &busy), 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(
			pthread_create(&threads[i + 1], NULL, read_busily, &readers[i]), 0);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	store_host_job_fini(&start);
	assert_int_equal(busy.acknowledged, BUSY_BATCHES * BUSY_SIZE);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(readers[i].seen, BUSY_BATCHES * BUSY_SIZE);
		assert_int_equal(readers[i].missed, 0);
		assert_int_equal(readers[i].disordered, 0);
		assert_int_equal(readers[i].failed, 0);
	}
}

/* --- the log --- */

static void the_write_ahead_log_stays_bounded(void **state)
{
	enum { BATCHES = 300, SIZE = 256 };
	static struct nuncio_job_append in[SIZE];
	static char body[1002], path[512];
	struct stat st;
	(void)state;
	memset(body, 'x', sizeof(body) - 1);
	body[0] = body[1000] = '"';
	case_path(path, sizeof(path), "nuncio.db-wal");
	off_t largest = 0;
	for (int batch = 0; batch < BATCHES; batch++) {
		struct nuncio_job jobs[SIZE] = { 0 };
		for (int i = 0; i < SIZE; i++) {
			in[i] = make_append(&(struct event_args){
				.conversation = "d:1", .from = "alice", .body = body });
			jobs[i] = (struct nuncio_job){ .kind = NUNCIO_JOB_APPEND, .input = &in[i] };
		}
		store_host_run(the.host, jobs, SIZE);
		assert_int_equal(stat(path, &st), 0);
		largest = st.st_size > largest ? st.st_size : largest;
	}
	/* 77 MB of rows went through it; 32 MB where the checkpoints' thread gets its turns. */
	assert_true(largest < 64 * 1024 * 1024);
}

/* How often the log has started over: in its header, which is made anew each time. */
static uint32_t log_round(off_t *size_r)
{
	char path[512];
	unsigned char head[16] = { 0 };
	struct stat st;
	case_path(path, sizeof(path), "nuncio.db-wal");
	int fd = open(path, O_RDONLY);
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(read(fd, head, sizeof(head)), sizeof(head));
	close(fd);
	*size_r = st.st_size;
	return (uint32_t)head[12] << 24 | (uint32_t)head[13] << 16 | (uint32_t)head[14] << 8 |
	       head[15];
}

static void the_log_has_room_and_starts_over(void **state)
{
	enum { ROOM = 6 * 1024 * 1024, TRIES = 1000, COMMITS = 8 };
	const struct timespec pause = { 0, 5000000 };
	struct statvfs fs;
	off_t size;
	(void)state;
	assert_int_equal(statvfs(the.dir, &fs), 0);
	append("d:1", "alice", "", "1");
	uint32_t first = log_round(&size);
	/* What the store asks of a disk before it takes some for room. */
	if ((uint64_t)fs.f_bavail * fs.f_frsize > (uint64_t)16 * ROOM)
		assert_int_equal(size, ROOM);
	int tries = 0;
	while (log_round(&size) == first && tries++ < TRIES) {
		for (int i = 0; i < COMMITS; i++)
			append("d:1", "alice", "", "1");
		nanosleep(&pause, NULL);
	}
	assert_true(tries < TRIES);
	/* The room is still there: starting over does not cut it off. */
	if ((uint64_t)fs.f_bavail * fs.f_frsize > (uint64_t)16 * ROOM)
		assert_true(size >= ROOM);
}

/* --- export: everything, page by page --- */

static struct nuncio_job export_page(struct nuncio_job_export what)
{
	what.size = sizeof(what);
	return read_job(NUNCIO_JOB_EXPORT, &what);
}

static void furnish_for_export(void)
{
	struct nuncio_job_append in = make_append(&(struct event_args){
		.conversation = "d:1", .from = "alice", .client_id = "c", .body = "1" });
	static const struct nuncio_str mentions[] = { { "bob", 3 } };
	struct nuncio_record_write synced = make_write("s", "alice", "k", "1", NUNCIO_EXPECT_ANY);
	struct nuncio_record_write plain = make_write("s", "bob", "", "2", NUNCIO_EXPECT_ANY);
	struct nuncio_record_write over = make_write("s", "bob", "x", "3", NUNCIO_EXPECT_ANY);
	in.mentions = mentions;
	in.mentions_count = 1;
	assert_int_equal(append_job(&in, NULL), 0);
	append("d:2", "alice", "c", "2");
	add_member("d:1", "carol"); /* seq 2 */
	remove_member("d:1", "bob");
	synced.flags = NUNCIO_WRITE_SYNCED;
	over.expires_at_ms = 1;
	assert_int_equal(write_records(&synced, 1), 0);
	assert_int_equal(write_records(&plain, 1), 0);
	assert_int_equal(write_records(&over, 1), 0);
}

static void check_exported_members(void)
{
	struct nuncio_job job = export_page((struct nuncio_job_export){
		.what = NUNCIO_EXPORT_MEMBERS, .conversation = S("d:1"), .limit = 2 });
	assert_int_equal(job.member_count, 2);
	assert_int_equal(job.more, 1);
	assert_true(nuncio_text_same(job.members[0].user, S("alice")) && !job.members[0].until);
	assert_true(nuncio_text_same(job.members[1].user, S("bob")));
	assert_int_equal(job.members[1].until, 3); /* has left, and is there */
	store_host_job_fini(&job);
	job = export_page((struct nuncio_job_export){ .what = NUNCIO_EXPORT_MEMBERS,
		.conversation = S("d:1"),
		.user = S("bob"),
		.limit = 2 });
	assert_int_equal(job.member_count, 1);
	assert_int_equal(job.more, 0);
	assert_int_equal(job.members[0].since, 1);
	store_host_job_fini(&job);
}

static void check_exported_records(void)
{
	struct nuncio_job job = export_page(
		(struct nuncio_job_export){ .what = NUNCIO_EXPORT_RECORDS, .limit = 1 });
	assert_int_equal(job.record_count, 1);
	assert_int_equal(job.more, 1);
	assert_true(nuncio_text_same(job.records[0].owner, S("alice")));
	assert_int_equal(job.records[0].flags, NUNCIO_RECORD_SYNCED);
	store_host_job_fini(&job);
	job = export_page((struct nuncio_job_export){ .what = NUNCIO_EXPORT_RECORDS,
		.space = S("s"),
		.owner = S("alice"),
		.key = S("k"),
		.limit = 5 });
	assert_int_equal(job.record_count, 1); /* not the expired one */
	assert_int_equal(job.records[0].flags, 0);
	assert_int_equal(job.more, 0);
	store_host_job_fini(&job);
	job = export_page((struct nuncio_job_export){
		.what = NUNCIO_EXPORT_RECORD, .space = S("s"), .owner = S("bob"), .key = S("x") });
	assert_int_equal(job.record_count, 0);
	store_host_job_fini(&job);
}

static void everything_is_exported(void **state)
{
	(void)state;
	furnish_for_export();
	struct nuncio_job job = export_page(
		(struct nuncio_job_export){ .what = NUNCIO_EXPORT_CONVERSATIONS, .limit = 1 });
	assert_int_equal(job.conversation_count, 1);
	assert_int_equal(job.more, 1);
	assert_true(nuncio_text_same(job.conversations[0].conversation, S("d:1")));
	assert_int_equal(job.conversations[0].last_seq, 3);
	store_host_job_fini(&job);
	check_exported_members();
	job = export_page((struct nuncio_job_export){
		.what = NUNCIO_EXPORT_MENTIONS, .conversation = S("d:1"), .from = 1, .upto = 3 });
	assert_int_equal(job.member_count, 1);
	assert_true(nuncio_text_same(job.members[0].user, S("bob")) && job.members[0].since == 1);
	store_host_job_fini(&job);
	check_exported_records();
	job = export_page(
		(struct nuncio_job_export){ .what = NUNCIO_EXPORT_COUNTS, .now_ms = 1000 });
	assert_int_equal(job.counts.conversations, 2);
	assert_int_equal(job.counts.events, 4);
	assert_int_equal(job.counts.members, 5); /* with the one who has left */
	assert_int_equal(job.counts.records, 2);
	store_host_job_fini(&job);
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
		CASE(nothing_acknowledged_is_lost_by_kill),
		CASE(one_job_that_sqlite_refuses_fails_alone),
		CASE(keys_outlive_a_rollback_while_they_are_merged),
		cmocka_unit_test_setup_teardown(
			a_full_disk_fails_jobs_and_heals, case_setup, unmount_teardown),
		CASE(readers_beside_the_writer_miss_nothing),
		CASE(the_write_ahead_log_stays_bounded),
		CASE(the_log_has_room_and_starts_over),
		CASE(everything_is_exported),
	};
	the = (struct store_case){ .so = case_so("store_sqlite"), .is_durable = true };
	return cmocka_run_group_tests_name("store_sqlite_file", tests, NULL, NULL);
}
