/* SPDX-License-Identifier: MIT */
/* What concerns a whole I/O thread: limits, back-pressure, drain and stop. See io_server.h. */
#include "io_server.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/slice.h"
#include "loop/loop.h"
#include "tests/lib/unit.h"

#define TOKEN "Authorization: Bearer good\r\n"
#define READY "{\"type\":\"notify\",\"op\":\"session.ready\",\"data\":{\"user\":\"u\"}}"

static struct io_server server;
static unsigned told; /* log lines about accepting */

static int start(void **state)
{
	io_server_init(&server, *(unsigned *)*state);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	clock_use_real(); /* should a test have failed before it did */
	io_server_stop(&server);
	return 0;
}

static int open_session(void)
{
	int fd = client_upgrade(&server, "/ws", TOKEN);
	client_ws_expect(fd, READY);
	return fd;
}

static void expect_alive(int fd)
{
	struct buf body = { 0 };
	client_send(fd, "GET /alive HTTP/1.1\r\nHost: h\r\n\r\n");
	client_read_answer(fd, &body);
	assert_string_equal(body.data, "GET /alive? ");
	buf_fini(&body);
}

static void on_log(int level, struct nuncio_str line, void *user)
{
	(void)level;
	(void)user;
	told += strstr(line.p, "accepting stopped") != NULL;
}

static void stops_accepting_at_the_limit(void **state)
{
	(void)state;
	int fds[4];
	server.settings.max_connections = 3;
	told = 0;
	log_capture(on_log, NULL);
	io_server_start(&server, 1000);
	for (int i = 0; i < 4; i++) {
		fds[i] = client_open(&server); /* the kernel takes the fourth */
		client_send(fds[i], "GET /alive HTTP/1.1\r\nHost: h\r\n\r\n");
	}
	for (int i = 0; i < 3; i++)
		client_read_answer(fds[i], NULL), client_read_until(fds[i], "alive? ");
	assert_true(client_is_silent(fds[3], 40));
	assert_int_equal(io_server_stats(&server).accepted, 3);
	close(fds[0]);
	client_read_answer(fds[3], NULL);
	log_capture(NULL, NULL);
	assert_int_equal(told, 1);
	for (int i = 1; i < 4; i++)
		close(fds[i]);
}

/* Other parts have eaten the descriptors: the client is told, accepting rests, then goes on. */
static void survives_without_descriptors(void **state)
{
	(void)state;
	struct rlimit limit, tight;
	char byte;
	told = 0;
	log_capture(on_log, NULL);
	io_server_start(&server, 1000);
	getrlimit(RLIMIT_NOFILE, &limit);
	int fd = client_open(&server);
	expect_alive(fd);
	tight = limit;
	int next = dup(fd);
	tight.rlim_cur = (rlim_t)next + 1;
	close(next);
	setrlimit(RLIMIT_NOFILE, &tight);
	int refused = client_open(&server); /* takes the last one */
	ssize_t n = recv(refused, &byte, 1, 0);
	uint64_t failed, pauses;
	setrlimit(RLIMIT_NOFILE, &limit);
	assert_true(n <= 0 && errno != EAGAIN);
	close(refused);
	refused = client_open(&server);
	expect_alive(refused);
	io_listeners_troubles(server.listeners, &failed, &pauses);
	assert_true(failed >= 1 && pauses >= failed);
	assert_true(io_listeners_connections(server.listeners) >= 1);
	log_capture(NULL, NULL);
	assert_int_equal(told, 1);
	close(refused);
	close(fd);
}

/* Nobody is connected whose end could make accepting go on. */
static void accepts_again_although_nobody_is_there(void **state)
{
	(void)state;
	struct rlimit limit, tight;
	char byte;
	uint64_t failed, pauses;
	told = 0;
	log_capture(on_log, NULL);
	io_server_start(&server, 1000);
	getrlimit(RLIMIT_NOFILE, &limit);
	tight = limit;
	int next = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_true(next >= 0);
	tight.rlim_cur = (rlim_t)next + 1;
	close(next);
	setrlimit(RLIMIT_NOFILE, &tight);
	int refused = client_open(&server); /* takes the last one */
	ssize_t n = recv(refused, &byte, 1, 0);
	setrlimit(RLIMIT_NOFILE, &limit);
	assert_true(n <= 0 && errno != EAGAIN);
	close(refused);
	assert_int_equal(io_server_stats(&server).accepted, 0);
	int fd = client_open(&server);
	expect_alive(fd);
	io_listeners_troubles(server.listeners, &failed, &pauses);
	assert_true(failed >= 1 && pauses >= failed);
	log_capture(NULL, NULL);
	assert_int_equal(told, 1);
	close(fd);
}

/* Nobody came for a month: no tick has moved the wheel in between. */
static void minds_deadlines_after_a_month_alone(void **state)
{
	(void)state;
	struct buf body = { 0 };
	const int64_t begin_ms = 1000, later_ms = begin_ms + (INT64_C(1) << 31);
	clock_set_for_test(begin_ms, begin_ms);
	server.settings.head_ms = 60;
	io_server_start(&server, 1000);
	clock_set_for_test(later_ms, later_ms);
	int fd = client_open(&server);
	client_send(fd, "GET / HTT");
	while (io_server_stats(&server).bytes_in == 0)
		poll(NULL, 0, 1);
	clock_set_for_test(later_ms + 100, later_ms + 100);
	const char *head = client_read_answer(fd, &body);
	clock_use_real();
	assert_non_null(strstr(head, " 408 "));
	buf_fini(&body);
	close(fd);
}

/* A client that is gone before it was let in is closed like any other. */
static void forgets_who_leaves_at_the_door(void **state)
{
	(void)state;
	io_server_start(&server, 1000);
	atomic_store(&server.is_deaf, true);
	int fd = client_open(&server);
	client_send(fd,
		"GET /ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
	while (io_server_stats(&server).admitting == 0)
		poll(NULL, 0, 1);
	close(fd);
	atomic_store(&server.is_deaf, false);
	loop_wake(server.loop);
	io_server_wait(&server.closed_count, 1);
	assert_int_equal(server.close_code, 1006);
}

/* The logic thread takes nothing for a while: we stop reading, nothing is lost, nothing grows. */
static void stops_reading_when_the_logic_thread_is_behind(void **state)
{
	(void)state;
	enum { CLIENTS = 8, REQUESTS = 50 };
	int fds[CLIENTS], opcode;
	size_t n;
	unsigned answers = 0;
	io_server_start(&server, 40);
	for (int i = 0; i < CLIENTS; i++)
		fds[i] = open_session();
	atomic_store(&server.is_deaf, true);
	for (int k = 0; k < REQUESTS; k++)
		for (int i = 0; i < CLIENTS; i++)
			client_ws_text(fds[i], "{\"type\":\"request\",\"seq\":1,\"op\":\"echo\"}");
	poll(NULL, 0, 30);
	assert_true(mailbox_count(&server.mailbox) < CLIENTS * REQUESTS);
	assert_true(io_server_stats(&server).stalls > 0);
	assert_true(io_server_stats(&server).held > 0);
	atomic_store(&server.is_deaf, false);
	loop_wake(server.loop);
	for (int k = 0; k < REQUESTS; k++)
		for (int i = 0; i < CLIENTS; i++)
			answers +=
				strstr(client_ws_read(fds[i], &opcode, &n), "\"seq\":1,") != NULL;
	assert_int_equal(answers, CLIENTS * REQUESTS);
	for (int i = 0; i < CLIENTS; i++)
		close(fds[i]);
}

static void drains(void **state)
{
	(void)state;
	io_server_start(&server, 1000);
	int ws = open_session(), idle = client_open(&server), busy = client_open(&server);
	expect_alive(idle);
	client_send(busy, "GET /busy HT");
	while (io_server_stats(&server).bytes_in == 0 || io_server_stats(&server).http < 2)
		poll(NULL, 0, 1);
	for (unsigned i = 0; i < (server.thread_count ? server.thread_count : 1); i++)
		io_thread_drain(server.threads[i]);
	assert_true(client_is_at_end(idle));
	client_send(busy, "TP/1.1\r\nHost: h\r\n\r\n");
	assert_non_null(strstr(client_read_answer(busy, NULL), "Connection: close"));
	client_ws_text(ws, "{\"type\":\"request\",\"seq\":1,\"op\":\"echo\"}");
	client_ws_expect(
		ws, "{\"type\":\"response\",\"seq\":1,\"code\":0,\"message\":\"\",\"data\":{}}");
	close(ws);
	close(idle);
	close(busy);
}

static void stops_with_a_word(void **state)
{
	(void)state;
	io_server_start(&server, 1000);
	int ws = open_session(), http = client_open(&server);
	expect_alive(http);
	for (unsigned i = 0; i < (server.thread_count ? server.thread_count : 1); i++)
		io_thread_stop(server.threads[i]); /* the teardown does it again */
	assert_int_equal(client_ws_read_close(ws), 1001);
	assert_true(client_is_at_end(ws));
	assert_true(client_is_at_end(http));
	close(ws);
	close(http);
}

static void two_threads_share_the_port(void **state)
{
	(void)state;
	enum { CLIENTS = 40 };
	int fds[CLIENTS], opcode;
	size_t n;
	struct io_stats stats[2];
	io_server_start(&server, 1000);
	for (int i = 0; i < CLIENTS; i++)
		fds[i] = open_session();
	for (int i = 0; i < 2; i++)
		io_thread_stats(server.threads[i], &stats[i]);
	assert_int_equal(stats[0].open + stats[1].open, CLIENTS);
	assert_true(stats[0].open > 0 && stats[1].open > 0);
	for (int i = 0; i < CLIENTS; i++) {
		client_ws_text(fds[i], "{\"type\":\"request\",\"seq\":1,\"op\":\"ping\"}");
		assert_non_null(strstr(client_ws_read(fds[i], &opcode, &n), "server_time"));
		close(fds[i]);
	}
}

/* Never started, or made and thrown away: nothing leaks, nothing waits. */
static void can_be_freed_without_a_start(void **state)
{
	(void)state;
	static const char *const addresses[] = { "127.0.0.1:0" };
	struct io_settings settings;
	struct io_listeners *listeners;
	struct io_thread *t;
	struct mailbox mailbox;
	struct nuncio_error err;
	io_settings_init(&settings);
	settings.listen = addresses;
	settings.listen_count = 1;
	mailbox_init(&mailbox, NULL, 10);
	assert_int_equal(io_listen(&settings, 1, &listeners, &err), 0);
	assert_int_equal(io_thread_new(0, &settings, listeners, &mailbox, NULL, &t, &err), 0);
	io_thread_free(&t);
	assert_null(t);
	io_listeners_free(&listeners);
	mailbox_fini(&mailbox);
}

#define BOTH(fn) \
	{ #fn " (own thread)", fn, start, stop, &own }, \
	{ \
#fn " (shared loop)", fn, start, stop, &shared \
	}

int main(void)
{
	static unsigned own = 1, shared = 0, two = 2;
	const struct CMUnitTest tests[] = {
		BOTH(stops_accepting_at_the_limit),
		BOTH(survives_without_descriptors),
		BOTH(accepts_again_although_nobody_is_there),
		BOTH(minds_deadlines_after_a_month_alone),
		BOTH(forgets_who_leaves_at_the_door),
		BOTH(stops_reading_when_the_logic_thread_is_behind),
		BOTH(drains),
		BOTH(stops_with_a_word),
		{ "two_threads_share_the_port", two_threads_share_the_port, start, stop, &two },
		cmocka_unit_test(can_be_freed_without_a_start),
	};
	return cmocka_run_group_tests_name("io_thread", tests, NULL, NULL);
}
