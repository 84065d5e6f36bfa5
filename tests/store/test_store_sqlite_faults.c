/* SPDX-License-Identifier: MIT */
/* What a store in a file must outlive: kill -9, jobs that SQLite refuses, a full disk. */
#include "sqlite_file.h"
#include "store_case.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>

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
	run_file("nuncio.db",
		"CREATE TRIGGER refuse BEFORE INSERT ON event WHEN new.body = '\"bad\"'"
		" BEGIN SELECT RAISE(ABORT, 'refused'); END");
	run_keyed(0, 321, jobs);
	for (int i = 0; i < ROLL_SIZE; i++) {
		assert_int_equal(jobs[i].status, i == 321 ? NUNCIO_E_FAIL : 0);
		if (i != 321)
			assert_int_equal(jobs[i].seq, i < 321 ? i + 1 : i);
	}
	assert_int_equal(check_log("d:1"), ROLL_SIZE - 1);
	/* Without the refusal it goes through; the others are repeats. */
	run_file("nuncio.db", "DROP TRIGGER refuse");
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
	run_file("nuncio.db", "CREATE TRIGGER refuse BEFORE INSERT ON meta"
			      " BEGIN SELECT RAISE(ABORT, 'refused'); END");
	for (int batch = 0; batch < BATCHES; batch++) {
		run_keyed(batch * ROLL_SIZE, -1, jobs);
		int failed = 0;
		for (int i = 0; i < ROLL_SIZE; i++)
			failed += jobs[i].status != 0;
		if (!failed)
			continue;
		refused++;
		run_file("nuncio.db", "DROP TRIGGER refuse");
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

int main(void)
{
	static const struct CMUnitTest tests[] = {
		CASE(nothing_acknowledged_is_lost_by_kill),
		CASE(one_job_that_sqlite_refuses_fails_alone),
		CASE(keys_outlive_a_rollback_while_they_are_merged),
		cmocka_unit_test_setup_teardown(
			a_full_disk_fails_jobs_and_heals, case_setup, unmount_teardown),
	};
	the = (struct store_case){ .so = case_so("store_sqlite"), .is_durable = true };
	return cmocka_run_group_tests_name("store_sqlite_faults", tests, NULL, NULL);
}
