/* SPDX-License-Identifier: MIT */
/* The lanes of the store in a file beside each other, its log, what has had its time. */
#include "sqlite_file.h"
#include "store_case.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>

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

/* --- what has had its time --- */

enum { TIDY_ROWS = 200 }; /* in a step; with a transaction two more for each of its jobs */

static void write_expiring(int count, int64_t expires_at_ms)
{
	enum { SIZE = 500 };
	static struct nuncio_record_write writes[SIZE];
	static char keys[SIZE][16];
	for (int done = 0; done < count; done += SIZE) {
		for (int i = 0; i < SIZE; i++) {
			snprintf(keys[i], sizeof(keys[i]), "k%d", done + i);
			writes[i] = make_write("s", "o", keys[i], "1", NUNCIO_EXPECT_ANY);
			writes[i].expires_at_ms = expires_at_ms;
		}
		assert_int_equal(write_records(writes, SIZE), 0);
	}
}

/* What idle times leave goes with the transactions that come, each a little. */
static void many_that_expire_at_once_go_little_by_little(void **state)
{
	static const char count[] = "SELECT count(*) FROM record";
	enum { RECORDS = 20000 };
	(void)state;
	store_host_set_wall_ms(1000000);
	write_expiring(RECORDS, 1000500);
	store_host_set_wall_ms(1000500);
	append("d:1", "alice", "", "1");
	assert_int_equal(ask_file("nuncio.db", count), RECORDS);
	store_host_idle(the.host);
	int64_t left = ask_file("nuncio.db", count);
	assert_true(left <= RECORDS - TIDY_ROWS);
	while (left) {
		append("d:1", "alice", "", "1");
		int64_t expected = left > TIDY_ROWS + 2 ? left - TIDY_ROWS - 2 : 0;
		left = ask_file("nuncio.db", count);
		assert_int_equal(left, expected);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		CASE(readers_beside_the_writer_miss_nothing),
		CASE(the_write_ahead_log_stays_bounded),
		CASE(the_log_has_room_and_starts_over),
		CASE(many_that_expire_at_once_go_little_by_little),
	};
	the = (struct store_case){ .so = case_so("store_sqlite"), .is_durable = true };
	return cmocka_run_group_tests_name("store_sqlite_lanes", tests, NULL, NULL);
}
