/* SPDX-License-Identifier: MIT */
#include "base/log.h"

#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/slice.h"
#include "tests/lib/unit.h"

static char path[64];

static void on_line(int level, struct nuncio_str line, void *user)
{
	(void)level;
	buf_add_str(user, line);
	buf_add_char(user, '\n');
}

static char *file_text(const char *file)
{
	static char text[1 << 20];
	FILE *f = fopen(file, "r");
	assert_non_null(f);
	size_t n = fread(text, 1, sizeof(text) - 1, f);
	text[n] = '\0';
	fclose(f);
	return text;
}

static size_t lines_in(const char *text)
{
	size_t count = 0;
	for (; *text; text++)
		count += *text == '\n';
	return count;
}

static void init_log(const char *to, int level, size_t ring_bytes)
{
	struct log_config config = {
		.path = to, .level = level, .service = "nuncio", .node = "n1"
	};
	config.ring_bytes = ring_bytes;
	assert_int_equal(log_init(&config, NULL), NUNCIO_OK);
}

static int set_up(void **state)
{
	(void)state;
	snprintf(path, sizeof(path), "/tmp/nuncio_test_log_XXXXXX");
	close(mkstemp(path));
	clock_set_for_test(0, 1795423320123);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	log_fini();
	unlink(path);
	clock_use_real();
	return 0;
}

static void a_line_has_all_members(void **state)
{
	(void)state;
	struct buf got = { 0 };
	init_log("-", LOG_LEVEL_INFO, 0);
	log_capture(on_line, &got);
	log_write(LOG_LEVEL_WARN, "echo", "abc", "hello %d", 7);
	log_write(LOG_LEVEL_INFO, NULL, NULL, "plain");
	log_write(LOG_LEVEL_DEBUG, NULL, NULL, "not seen");
	log_capture(NULL, NULL);
	assert_str(buf_str(&got),
		"{\"timestamp\":\"2026-11-23T08:42:00.123Z\",\"level\":\"warn\",\"service\":"
		"\"nuncio\",\"node\":\"n1\",\"module\":\"echo\",\"trace_id\":\"abc\",\"message\":"
		"\"hello 7\"}\n"
		"{\"timestamp\":\"2026-11-23T08:42:00.123Z\",\"level\":\"info\",\"service\":"
		"\"nuncio\",\"node\":\"n1\",\"module\":\"core\",\"message\":\"plain\"}\n");
	buf_fini(&got);
}

static void fields_are_typed_and_escaped(void **state)
{
	(void)state;
	struct buf got = { 0 };
	struct log_field fields[] = {
		LOG_F_TEXT("t", STR("q\" b\\ n\n \x01 \xFF \xE4\xB8\xAD")),
		LOG_F_INT("i", INT64_MIN),
		LOG_F_UINT("u", UINT64_MAX),
		LOG_F_REAL("r", 0.5),
		LOG_F_REAL("nan", NAN),
		LOG_F_BOOL("b", true),
	};
	log_capture(on_line, &got);
	log_fields(LOG_LEVEL_ERROR, "m", NULL, "x", fields, COUNT_OF(fields));
	log_capture(NULL, NULL);
	buf_add_char(&got, '\0');
	assert_non_null(strstr(got.data,
		"\"t\":\"q\\\" b\\\\ n\\n \\u0001 \xEF\xBF\xBD \xE4\xB8\xAD\","
		"\"i\":-9223372036854775808,\"u\":18446744073709551615,\"r\":0.5,\"nan\":null,"
		"\"b\":true}"));
	buf_fini(&got);
}

static void long_text_is_cut(void **state)
{
	(void)state;
	struct buf got = { 0 }, text = { 0 };
	for (int i = 0; i < 3000; i++)
		buf_add_text(&text, "\xE4\xB8\xAD");
	buf_add_char(&text, '\0');
	log_capture(on_line, &got);
	log_write(LOG_LEVEL_ERROR, "m", NULL, "%s", text.data);
	log_capture(NULL, NULL);
	assert_in_range(got.used, 4000, 4500);
	buf_fini(&got);
	buf_fini(&text);
}

static void writes_directly_without_a_writer(void **state)
{
	(void)state;
	init_log(path, 0, 0);
	log_write(LOG_LEVEL_INFO, NULL, NULL, "one");
	assert_int_equal(lines_in(file_text(path)), 1);
	assert_int_equal(log_start_writer(NULL), NUNCIO_OK);
	log_stop();
	log_write(LOG_LEVEL_INFO, NULL, NULL, "two");
	assert_int_equal(lines_in(file_text(path)), 2);
}

static void *write_many(void *user)
{
	for (int i = 0; i < 500; i++)
		log_write(LOG_LEVEL_INFO, user, NULL, "line %d", i);
	return NULL;
}

static void threads_lose_nothing_and_keep_order(void **state)
{
	(void)state;
	pthread_t threads[4];
	char names[4][4] = { "t0", "t1", "t2", "t3" };
	int next[4] = { 0 };
	init_log(path, LOG_LEVEL_INFO, 4 << 20);
	assert_int_equal(log_start_writer(NULL), NUNCIO_OK);
	for (size_t i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, write_many, names[i]);
	for (size_t i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	log_stop();
	assert_int_equal(log_dropped_total(), 0);
	for (char *line = strtok(file_text(path), "\n"); line; line = strtok(NULL, "\n")) {
		int who = strstr(line, "\"module\":\"t")[11] - '0';
		assert_int_equal(atoi(strstr(line, "\"line ") + 6), next[who]++);
	}
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(next[i], 500);
}

static void *end_log(void *unused)
{
	log_fini();
	return unused;
}

/* A pipe that nobody reads: callers go on, low levels are dropped first, all is told afterwards. */
static void a_slow_sink_drops_low_levels(void **state)
{
	(void)state;
	char fifo[80], line[200];
	snprintf(fifo, sizeof(fifo), "%s.fifo", path);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	int reader = open(fifo, O_RDONLY | O_NONBLOCK);
	assert_true(reader >= 0);
	init_log(fifo, LOG_LEVEL_DEBUG, 64 << 10);
	assert_int_equal(log_start_writer(NULL), NUNCIO_OK);
	memset(line, 'x', sizeof(line) - 1);
	line[sizeof(line) - 1] = '\0';
	for (int i = 0; i < 2000; i++)
		log_write(LOG_LEVEL_DEBUG, NULL, NULL, "%s", line);
	assert_true(log_dropped_total() > 0);
	size_t waiting, limit;
	log_waiting(&waiting, &limit);
	assert_int_equal(limit, 64 << 10);
	assert_true(waiting <= limit); /* the writer may have just taken it */
	assert_int_equal(log_lines_total(LOG_LEVEL_DEBUG), 2000);
	uint64_t before = log_dropped_total();
	log_write(LOG_LEVEL_WARN, NULL, NULL, "kept warning");
	log_write(LOG_LEVEL_ERROR, NULL, NULL, "kept error");
	assert_int_equal(log_dropped_total(), before);

	struct buf got = { 0 };
	pthread_t stopper;
	fcntl(reader, F_SETFL, 0);
	assert_int_equal(pthread_create(&stopper, NULL, end_log, NULL), 0);
	for (ssize_t n = 1; n > 0; buf_commit(&got, (size_t)n))
		n = read(reader, buf_reserve(&got, 65536), 65536);
	pthread_join(stopper, NULL);
	buf_add_char(&got, '\0');
	assert_non_null(strstr(got.data, "kept warning"));
	assert_non_null(strstr(got.data, "kept error"));
	assert_non_null(strstr(got.data, "log lines were dropped"));
	buf_fini(&got);
	close(reader);
	unlink(fifo);
}

static void a_moved_file_is_opened_again(void **state)
{
	(void)state;
	char moved[80];
	snprintf(moved, sizeof(moved), "%s.1", path);
	init_log(path, 0, 0);
	assert_int_equal(log_start_writer(NULL), NUNCIO_OK);
	log_write(LOG_LEVEL_INFO, NULL, NULL, "before");
	log_stop();
	assert_int_equal(rename(path, moved), 0);
	log_reopen();
	assert_int_equal(log_start_writer(NULL), NUNCIO_OK);
	log_stop();
	log_write(LOG_LEVEL_INFO, NULL, NULL, "after");
	assert_int_equal(lines_in(file_text(moved)), 1);
	assert_non_null(strstr(file_text(path), "after"));
	unlink(moved);
}

static void fatal_is_out_when_the_call_returns(void **state)
{
	(void)state;
	init_log(path, 0, 0);
	assert_int_equal(log_start_writer(NULL), NUNCIO_OK);
	log_write(LOG_LEVEL_INFO, NULL, NULL, "waits");
	log_write(LOG_LEVEL_FATAL, NULL, NULL, "last words");
	char *text = file_text(path);
	assert_true(strstr(text, "waits") && strstr(text, "waits") < strstr(text, "last words"));
}

static void levels_can_change(void **state)
{
	(void)state;
	init_log(path, 0, 0);
	assert_false(log_is_on(LOG_LEVEL_DEBUG));
	log_level_set(LOG_LEVEL_DEBUG);
	assert_true(log_is_on(LOG_LEVEL_DEBUG));
	log_level_set(LOG_LEVEL_ERROR);
	log_write(LOG_LEVEL_WARN, NULL, NULL, "silent");
	assert_string_equal(file_text(path), "");
}

static void a_bad_path_is_refused(void **state)
{
	(void)state;
	struct nuncio_error err;
	struct log_config config = { .path = "/nonexistent/dir/log" };
	assert_int_equal(log_init(&config, &err), NUNCIO_E_NOTFOUND);
	assert_string_equal(err.text, "/nonexistent/dir/log: No such file or directory");
}

#define LOG_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LOG_TEST(a_line_has_all_members),
		LOG_TEST(fields_are_typed_and_escaped),
		LOG_TEST(long_text_is_cut),
		LOG_TEST(writes_directly_without_a_writer),
		LOG_TEST(threads_lose_nothing_and_keep_order),
		LOG_TEST(a_slow_sink_drops_low_levels),
		LOG_TEST(a_moved_file_is_opened_again),
		LOG_TEST(fatal_is_out_when_the_call_returns),
		LOG_TEST(levels_can_change),
		LOG_TEST(a_bad_path_is_refused),
	};
	return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
