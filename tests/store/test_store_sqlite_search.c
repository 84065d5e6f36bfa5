/* SPDX-License-Identifier: MIT */
/*
 * The search index of store_sqlite as a file: lost, damaged, foreign, out of date, killed; and that
 * it holds nothing of what was edited away or taken back.
 */
#include "sqlite_file.h"
#include "store_case.h"

#include <sys/stat.h>
#include <time.h>

enum { WAIT_MS = 20000, PAUSE_NS = 5000000 };

static void nap(void)
{
	nanosleep(&(struct timespec){ 0, PAUSE_NS }, NULL);
}

static void index_path(char *out, size_t size)
{
	case_path(out, size, "nuncio-search.db");
}

/* Until everything that was stored is indexed. */
static void settle(void)
{
	int64_t last = ask_file("nuncio.db", "SELECT max(id) FROM event");
	for (int waited_ms = 0; waited_ms < WAIT_MS; waited_ms += PAUSE_NS / 1000000) {
		if (ask_file("nuncio-search.db", "SELECT value FROM meta WHERE name = 'upto'") ==
			last)
			return;
		nap();
	}
	fail_msg("not indexed within %d ms", WAIT_MS);
}

/* In how many messages the index has a token. */
static int64_t documents_with(const char *token)
{
	char sql[200];
	run_file("nuncio-search.db",
		"CREATE VIRTUAL TABLE IF NOT EXISTS vocabulary USING fts5vocab (word, 'row')");
	snprintf(sql, sizeof(sql), "SELECT coalesce(sum(doc), 0) FROM vocabulary WHERE term = '%s'",
		token);
	return ask_file("nuncio-search.db", sql);
}

static void check_index(void)
{
	run_file("nuncio-search.db", "INSERT INTO word (word) VALUES ('integrity-check')");
	assert_int_equal(ask_file("nuncio-search.db", "SELECT count(*) FROM doc"),
		ask_file("nuncio.db", "SELECT count(*) FROM event WHERE type = 'message'"));
}

static struct nuncio_job find(const char *user, const char *words, const char *after)
{
	struct nuncio_search_query q = { .size = sizeof(q),
		.limit = 100,
		.user = text_of(user),
		.text = text_of(words),
		.after = text_of(after) };
	return read_job(NUNCIO_JOB_SEARCH, &q);
}

static size_t count_found(const char *user, const char *words)
{
	struct nuncio_job job = find(user, words, "");
	assert_int_equal(job.status, 0);
	size_t count = job.event_count;
	store_host_job_fini(&job);
	return count;
}

static int search_status(void)
{
	struct nuncio_job job = find("alice", "word", "");
	int status = job.status;
	store_host_job_fini(&job);
	return status;
}

static void the_index_is_private(void **state)
{
	static const char *const names[] = { "nuncio-search.db", "nuncio-search.db-wal" };
	(void)state;
	append("d:1", "alice", "", "\"word\"");
	settle();
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		char path[512];
		struct stat st;
		case_path(path, sizeof(path), names[i]);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode & 0777, 0600);
	}
}

static void remove_index(void)
{
	static const char *const names[] = { "nuncio-search.db", "nuncio-search.db-wal",
		"nuncio-search.db-shm" };
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		char path[512];
		case_path(path, sizeof(path), names[i]);
		unlink(path);
	}
}

static void a_lost_index_is_made_again(void **state)
{
	(void)state;
	append("d:1", "alice", "", "\"word\"");
	append("d:1", "alice", "", "\"word\"");
	append("d:1", "alice", "", "\"secret word\"");
	amend("d:1", 1, "\"other\"", NULL);
	struct nuncio_job_append in = make_amend("d:1", 3, NULL, NULL);
	in.target_flags = NUNCIO_EVENT_VOID; /* its body stays */
	assert_int_equal(append_job(&in, NULL), 0);
	settle();
	case_close();
	remove_index();
	case_open();
	settle();
	assert_int_equal(count_found("alice", "word"), 1);
	assert_int_equal(count_found("alice", "other"), 1);
	assert_int_equal(documents_with("wsecret"), 0);
	check_index();
}

/* Until the bodies that edits replaced are gone. */
static void settle_shed(void)
{
	for (int waited_ms = 0; waited_ms < WAIT_MS; waited_ms += 5) {
		store_host_idle(the.host);
		if (ask_file("nuncio.db", "SELECT count(*) FROM shed") == 0)
			return;
		nap();
	}
	fail_msg("old bodies are kept");
}

/* As when the index was far behind and has just come up to date. */
static void many_old_bodies_go_little_by_little(void **state)
{
	static const char count[] = "SELECT count(*) FROM shed";
	enum { BODIES = 2000, STEP = 200 + 2 };
	int waited_ms = 0;
	(void)state;
	append("d:1", "alice", "", "\"word\"");
	run_file("nuncio.db", "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
			      " WHERE i < 2000) INSERT INTO shed SELECT -i, 'old' FROM n");
	amend("d:1", 1, "\"other\"", NULL); /* the index lets go of it, and of what is older */
	settle();
	for (int64_t left = BODIES + 1; left && waited_ms < WAIT_MS;) {
		append("d:1", "alice", "", "\"word\"");
		int64_t before = left;
		left = ask_file("nuncio.db", count);
		if (left != before)
			assert_int_equal(left, before > STEP ? before - STEP : 0);
		else
			nap(); /* the writer does not know yet that the index was committed */
		waited_ms += left == before ? 5 : 0;
	}
	assert_int_equal(ask_file("nuncio.db", count), 0);
	settle();
	check_index();
}

static void copy_index(const char *from, const char *to)
{
	char command[1200];
	snprintf(command, sizeof(command), "cp %s/%s %s/%s", the.dir, from, the.dir, to);
	assert_int_equal(system(command), 0);
}

/* An edit was indexed and let go of, which this copy of the index does not know. */
static void an_index_put_back_is_made_again(void **state)
{
	(void)state;
	append("d:1", "alice", "", "\"secret word\"");
	settle();
	case_close();
	copy_index("nuncio-search.db", "copy");
	case_open();
	amend("d:1", 1, "\"plain word\"", NULL);
	settle();
	settle_shed();
	case_close();
	remove_index();
	copy_index("copy", "nuncio-search.db");
	case_open();
	settle();
	assert_int_equal(documents_with("wsecret"), 0);
	assert_int_equal(count_found("alice", "plain"), 1);
	check_index();
}

static void write_index(const char *content, size_t n)
{
	char path[512];
	remove_index();
	index_path(path, sizeof(path));
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(content, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

static void a_damaged_index_is_made_again(void **state)
{
	static char junk[20000], last[1024];
	(void)state;
	append("d:1", "alice", "", "\"word\"");
	case_close();
	memset(junk, 'j', sizeof(junk));
	write_index(junk, sizeof(junk));
	unsigned complaints = store_host_complaints(last, sizeof(last));
	case_open();
	assert_int_equal(store_host_complaints(last, sizeof(last)), complaints + 1);
	assert_non_null(strstr(last, "nuncio-search.db"));
	settle();
	assert_int_equal(count_found("alice", "word"), 1);
	case_close();
	run_file("nuncio-search.db", "PRAGMA user_version = 77");
	case_open();
	settle();
	assert_int_equal(count_found("alice", "word"), 1);
}

static void an_index_damaged_in_use_is_made_again(void **state)
{
	(void)state;
	append("d:1", "alice", "", "\"word\"");
	append("d:1", "alice", "", "\"other\"");
	settle();
	/* What a search reads of it is not there any more. */
	run_file("nuncio-search.db", "DELETE FROM doc WHERE number = 1");
	int status = search_status();
	assert_int_equal(status, NUNCIO_E_FAIL);
	for (int waited_ms = 0; waited_ms < WAIT_MS && status != 0; waited_ms += 5) {
		nap();
		status = search_status();
	}
	assert_int_equal(status, 0);
	append("d:1", "alice", "", "\"word\"");
	settle();
	assert_int_equal(count_found("alice", "word"), 2);
	check_index();
}

static void a_foreign_database_is_left_alone(void **state)
{
	(void)state;
	append("d:1", "alice", "", "\"word\"");
	case_close();
	write_index("", 0);
	run_file("nuncio-search.db", "CREATE TABLE theirs (x); INSERT INTO theirs VALUES (7)");
	case_open();
	assert_int_equal(search_status(), NUNCIO_E_BUSY);
	assert_int_equal(append("d:1", "alice", "", "\"word\""), 2);
	assert_int_equal(ask_file("nuncio-search.db", "SELECT x FROM theirs"), 7);
}

static void an_index_of_another_store_is_made_again(void **state)
{
	char from[512], to[512];
	(void)state;
	append("d:1", "alice", "", "\"word\"");
	settle();
	case_close();
	index_path(from, sizeof(from));
	case_path(to, sizeof(to), "kept");
	assert_int_equal(rename(from, to), 0);
	case_path(from, sizeof(from), "nuncio.db");
	assert_int_equal(unlink(from), 0);
	case_open();
	append("d:1", "alice", "", "\"new\"");
	case_close();
	remove_index();
	case_path(from, sizeof(from), "kept");
	index_path(to, sizeof(to));
	assert_int_equal(rename(from, to), 0);
	case_open();
	settle();
	assert_int_equal(count_found("alice", "word"), 0);
	assert_int_equal(count_found("alice", "new"), 1);
	check_index();
}

static void a_store_put_back_has_its_index_made_again(void **state)
{
	char path[512], copy[512], command[1200];
	(void)state;
	append("d:1", "alice", "", "\"word\"");
	case_close();
	case_path(path, sizeof(path), "nuncio.db");
	case_path(copy, sizeof(copy), "copy");
	snprintf(command, sizeof(command), "cp %s %s", path, copy);
	assert_int_equal(system(command), 0);
	case_open();
	append("d:1", "alice", "", "\"lost\"");
	settle();
	case_close();
	assert_int_equal(rename(copy, path), 0);
	case_open();
	settle();
	assert_int_equal(count_found("alice", "word"), 1);
	assert_int_equal(count_found("alice", "lost"), 0);
	check_index();
}

static void without_search_there_is_none(void **state)
{
	(void)state;
	append("d:1", "alice", "", "\"teh word\"");
	append("d:1", "alice", "", "\"secret word\"");
	settle();
	case_close();
	the.options[0] = "search=off";
	case_open();
	assert_int_equal(search_status(), NUNCIO_E_UNSUPPORTED);
	/* What was edited meanwhile is right when there is a search again. */
	amend("d:1", 1, "\"the word\"", NULL);
	recall("d:1", 2);
	assert_int_equal(ask_file("nuncio.db", "SELECT count(*) FROM shed"), 0);
	case_close();
	the.options[0] = NULL;
	case_open();
	settle();
	assert_int_equal(count_found("alice", "word"), 1);
	assert_int_equal(count_found("alice", "the"), 1);
	assert_int_equal(documents_with("wsecret") + documents_with("wteh"), 0);
	check_index();
}

/* Edits and recalls of messages that are indexed, and of some that are not yet. */
static void nothing_is_left_of_what_was_changed(void **state)
{
	enum { MESSAGES = 60, ROUNDS = 12 };
	static struct nuncio_job_append in[MESSAGES * 3];
	static struct nuncio_job jobs[MESSAGES * 3];
	static char bodies[MESSAGES * 3][40];
	static uint64_t changed[MESSAGES];
	(void)state;
	srand(11);
	for (int i = 0; i < MESSAGES; i++)
		append("d:1", "alice", "", "\"start common \xe4\xb8\xad\xe6\x96\x87\"");
	uint64_t seq = MESSAGES;
	for (int round = 0; round < ROUNDS; round++) {
		for (int i = 0; i < MESSAGES * 3; i++) {
			int m = rand() % MESSAGES;
			snprintf(bodies[i], sizeof(bodies[i]), "\"r%d common v%d\"", round, i);
			in[i] = make_amend("d:1", (uint64_t)m + 1, NULL, NULL);
			in[i].expect_changed = changed[m];
			if (rand() % 4)
				in[i].target_body = text_of(bodies[i]);
			else
				in[i].target_state = S("\"reactions\":1"); /* only a reaction */
			jobs[i] = (struct nuncio_job){ .kind = NUNCIO_JOB_APPEND, .input = &in[i] };
			changed[m] = ++seq;
		}
		store_host_run(the.host, jobs, MESSAGES * 3);
		for (int i = 0; i < MESSAGES * 3; i++) {
			assert_int_equal(jobs[i].status, 0);
			store_host_job_fini(&jobs[i]);
		}
		if (round % 3 == 0)
			settle();
		if (round == 5) {
			case_close();
			case_open();
		}
	}
	settle();
	check_index();
	assert_int_equal(documents_with("wcommon"), MESSAGES);
	assert_int_equal(documents_with("wstart"), documents_with("u04e2d"));
	int64_t words = ask_file("nuncio-search.db",
		"SELECT sum(doc) FROM vocabulary WHERE term GLOB 'wv*' OR term = 'wstart'");
	assert_int_equal(words, MESSAGES);
	for (uint64_t i = 1; i <= MESSAGES; i++)
		recall("d:1", i);
	settle();
	check_index();
	assert_int_equal(documents_with("wcommon"), 0);
	assert_int_equal(ask_file("nuncio-search.db", "SELECT count(*) FROM vocabulary"), 0);
	settle_shed();
}

/* --- kill -9 --- */

enum { KILL_ROUNDS = 8, KILL_BATCH = 50 };

_Noreturn static void write_until_killed(int round)
{
	static struct nuncio_job_append in[KILL_BATCH];
	static char bodies[KILL_BATCH][64];
	case_open();
	nuncio_id highest = store_host_highest(the.host);
	the.last_id = highest > the.last_id ? highest : the.last_id;
	for (int batch = 0;; batch++) {
		struct nuncio_job jobs[KILL_BATCH] = { 0 };
		for (int i = 0; i < KILL_BATCH; i++) {
			snprintf(bodies[i], sizeof(bodies[i]), "\"word r%d b%d i%d\"", round, batch,
				i);
			in[i] = make_append(&(struct event_args){
				.conversation = "d:1", .from = "alice", .body = bodies[i] });
			jobs[i] = (struct nuncio_job){ .kind = NUNCIO_JOB_APPEND, .input = &in[i] };
		}
		store_host_run(the.host, jobs, KILL_BATCH);
		uint64_t seq = jobs[0].seq;
		if (batch % 5 == 4) {
			amend("d:1", seq, "\"edited\"", NULL);
			recall("d:1", seq + 1);
		}
	}
}

static void it_goes_on_after_a_kill(void **state)
{
	(void)state;
	case_close();
	for (int round = 0; round < KILL_ROUNDS; round++) {
		int status;
		pid_t pid = fork();
		assert_true(pid >= 0);
		if (pid == 0)
			write_until_killed(round);
		nanosleep(&(struct timespec){ 0, 150000000 + round * 70000000 }, NULL);
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	}
	case_open();
	settle();
	check_index();
	assert_int_equal(documents_with("wword"),
		ask_file("nuncio.db", "SELECT count(*) FROM event WHERE type = 'message'"
				      " AND flags & 1 = 0 AND body LIKE '\"word%'"));
	assert_int_equal(documents_with("wedited"),
		ask_file("nuncio.db", "SELECT count(*) FROM event WHERE body = '\"edited\"'"
				      " AND type = 'message'"));
}

/* --- many --- */

enum { MANY = 70000, MANY_BATCH = 1000, MANY_LOGS = 500 };

/* The first of each log is "rare"; all are "common". */
static void write_many(void)
{
	static struct nuncio_job_append in[MANY_BATCH];
	static struct nuncio_job jobs[MANY_BATCH];
	static char names[MANY_LOGS][16];
	for (int i = 0; i < MANY; i++) {
		int at = i % MANY_BATCH, log = i % MANY_LOGS;
		snprintf(names[log], sizeof(names[log]), "d:%03d", log);
		in[at] = make_append(&(struct event_args){ .conversation = names[log],
			.from = i % 2 ? "alice" : "bob",
			.body = i < MANY_LOGS ? "\"rare common\"" : "\"common\"" });
		jobs[at] = (struct nuncio_job){ .kind = NUNCIO_JOB_APPEND, .input = &in[at] };
		if (at == MANY_BATCH - 1)
			store_host_run(the.host, jobs, MANY_BATCH);
	}
}

/* All pages, of which some may be empty; how many there are. */
static size_t walk(struct nuncio_search_query *q)
{
	char after[300] = "";
	size_t count = 0;
	nuncio_id last = UINT64_MAX;
	do {
		q->after = text_of(after);
		struct nuncio_job job = read_job(NUNCIO_JOB_SEARCH, q);
		assert_int_equal(job.status, 0);
		for (size_t i = 0; i < job.event_count; i++) {
			assert_true(job.events[i].id < last);
			last = job.events[i].id;
		}
		count += job.event_count;
		snprintf(after, sizeof(after), "%s", job.cursor.n ? job.cursor.p : "");
		store_host_job_fini(&job);
	} while (after[0]);
	return count;
}

/* More conversations than can be asked for by name, more messages than one slice. */
static void much_is_found_page_by_page(void **state)
{
	struct nuncio_search_query q = {
		.size = sizeof(q), .limit = 97, .user = S("alice"), .text = S("rare")
	};
	(void)state;
	write_many();
	append("g:other", "carol", "", "\"rare common\""); /* founders are alice and bob */
	remove_member("g:other", "bob");
	append("g:other", "alice", "", "\"rare common\"");
	settle();
	check_index();
	assert_int_equal(walk(&q), MANY_LOGS + 2);
	q.user = S("bob");
	assert_int_equal(walk(&q), MANY_LOGS + 1);
	q.user = S("carol");
	assert_int_equal(walk(&q), 0);
	q.user = S("alice");
	q.from = S("alice");
	assert_int_equal(walk(&q), MANY_LOGS / 2 + 1);
	q.conversation = S("d:007");
	assert_int_equal(walk(&q), 1);
	q.text = S("common");
	assert_int_equal(walk(&q), MANY / MANY_LOGS);
	q.text = S("common absent");
	assert_int_equal(walk(&q), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		CASE(the_index_is_private),
		CASE(a_lost_index_is_made_again),
		CASE(an_index_put_back_is_made_again),
		CASE(many_old_bodies_go_little_by_little),
		CASE(a_damaged_index_is_made_again),
		CASE(an_index_damaged_in_use_is_made_again),
		CASE(a_foreign_database_is_left_alone),
		CASE(an_index_of_another_store_is_made_again),
		CASE(a_store_put_back_has_its_index_made_again),
		CASE(without_search_there_is_none),
		CASE(nothing_is_left_of_what_was_changed),
		CASE(it_goes_on_after_a_kill),
		CASE(much_is_found_page_by_page),
	};
	the = (struct store_case){ .so = case_so("store_sqlite"), .is_durable = true };
	return cmocka_run_group_tests_name("store_sqlite_search", tests, NULL, NULL);
}
