/* SPDX-License-Identifier: MIT */
/* HTTP on real sockets, answered by io_server.c: both kinds of threads. */
#include "io_server.h"

#include <poll.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/slice.h"
#include "tests/lib/unit.h"
#include "wire/limits.h"

static struct io_server server;
static struct buf body;

static int start(void **state)
{
	io_server_init(&server, *(unsigned *)*state);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	io_server_stop(&server);
	buf_fini(&body);
	return 0;
}

static void expect(int fd, const char *status, const char *wanted)
{
	const char *head = client_read_answer(fd, &body);
	if (!strstr(head, status))
		fail_msg("wanted %s, got %s", status, head);
	if (wanted && (!body.data || !strstr(body.data, wanted)))
		fail_msg("wanted %s, got %s", wanted, body.data ? body.data : "nothing");
}

static void keeps_the_connection(void **state)
{
	(void)state;
	io_server_start(&server, 1000);
	int fd = client_open(&server);
	for (int i = 0; i < 3; i++) {
		client_send(
			fd, "POST /a%20b?q=1 HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody");
		expect(fd, "200 OK", "POST /a b?q=1 body");
	}
	client_send(fd, "GET /x HTTP/1.1\r\nHost: h\r\n\r\n");
	const char *head = client_read_answer(fd, &body);
	assert_non_null(strstr(head, "Date: "));
	assert_non_null(strstr(head, "X-Test: yes"));
	assert_null(strstr(head, "Connection:"));
	close(fd);
}

static void answers_pipelined_requests_in_order(void **state)
{
	(void)state;
	struct buf all = { 0 };
	char wanted[32];
	io_server_start(&server, 1000);
	int fd = client_open(&server);
	for (int i = 0; i < 50; i++)
		buf_printf(&all, "GET /%d HTTP/1.1\r\nHost: h\r\n\r\n", i);
	client_send_bytes(fd, all.data, all.used);
	for (int i = 0; i < 50; i++) {
		snprintf(wanted, sizeof(wanted), "GET /%d? ", i);
		expect(fd, "200 OK", wanted);
	}
	buf_fini(&all);
	close(fd);
}

static void takes_requests_byte_by_byte(void **state)
{
	(void)state;
	static const char request[] =
		"POST /slow HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
	io_server_start(&server, 1000);
	int fd = client_open(&server);
	for (size_t i = 0; request[i]; i++)
		client_send_bytes(fd, &request[i], 1);
	expect(fd, "200 OK", "POST /slow? abc");
	close(fd);
}

static void answers_head_without_body(void **state)
{
	(void)state;
	io_server_start(&server, 1000);
	int fd = client_open(&server);
	client_send(
		fd, "HEAD /x HTTP/1.1\r\nHost: h\r\n\r\nGET /empty HTTP/1.1\r\nHost: h\r\n\r\n");
	const char *head = client_read_until(fd, "\r\n\r\n");
	assert_non_null(strstr(head, "Content-Length: 9\r\n"));
	head = client_read_until(fd, "\r\n\r\n");
	assert_non_null(strstr(head, "204 No Content"));
	assert_null(strstr(head, "Content-Length"));
	close(fd);
}

static void closes_when_asked(void **state)
{
	(void)state;
	static const char *const requests[] = {
		"GET /close HTTP/1.1\r\nHost: h\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
		"GET / HTTP/1.0\r\n\r\n",
	};
	io_server_start(&server, 1000);
	for (size_t i = 0; i < COUNT_OF(requests); i++) {
		int fd = client_open(&server);
		client_send(fd, requests[i]);
		const char *head = client_read_answer(fd, &body);
		assert_non_null(strstr(head, "Connection: close"));
		assert_true(client_is_at_end(fd));
		close(fd);
	}
	int fd = client_open(&server);
	client_send(fd, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
	assert_non_null(strstr(client_read_answer(fd, &body), "Connection: keep-alive"));
	client_send(fd, "GET /two HTTP/1.0\r\n\r\n");
	expect(fd, "200 OK", "/two");
	close(fd);
}

static void answers_a_client_that_ends_its_half(void **state)
{
	(void)state;
	io_server_start(&server, 1000);
	int fd = client_open(&server);
	client_send(fd, "GET /half HTTP/1.1\r\nHost: h\r\n\r\n");
	shutdown(fd, SHUT_WR);
	expect(fd, "200 OK", "/half");
	assert_true(client_is_at_end(fd));
	close(fd);
}

static void on_log(int level, struct nuncio_str line, void *user)
{
	assert_int_equal(level, LOG_LEVEL_ERROR);
	assert_non_null(strstr(line.p, "malformed header field"));
	++*(unsigned *)user;
}

/* No `Connection: close`, and the end comes while the last part of an answer waits for room. */
static void sends_the_rest_to_a_client_that_ended_its_half(void **state)
{
	(void)state;
	unsigned asked = 0;
	io_server_start(&server, 1000);
	int fd = client_open_narrow(&server);
	while (io_server_stats(&server).queue_bytes == 0) { /* until the socket takes no more */
		assert_true(++asked < 2000);
		client_send(fd, "GET /page HTTP/1.1\r\nHost: h\r\n\r\n");
		while (io_server_stats(&server).requests < asked)
			poll(NULL, 0, 1);
		poll(NULL, 0, 2);
	}
	shutdown(fd, SHUT_WR);
	poll(NULL, 0, 20);
	for (unsigned i = 0; i < asked; i++) {
		client_read_answer(fd, &body);
		assert_int_equal(body.used, PAGE_BYTES);
	}
	assert_true(client_is_at_end(fd));
	close(fd);
}

static void says_what_is_wrong(void **state)
{
	(void)state;
	static const struct {
		const char *request, *status, *code;
	} cases[] = {
		{ "NONSENSE\r\n\r\n", " 400 ", "\"code\":1000," },
		{ "GET / HTTP/1.1\r\n\r\n", " 400 ", "\"code\":1000," },
		{ "GET / HTTP/3.0\r\nHost: h\r\n\r\n", " 505 ", "\"code\":1012," },
		{ "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9999999\r\n\r\nx", " 413 ",
			"\"code\":1004," },
		{ "GET /ws HTTP/1.1\r\nHost: h\r\n\r\n", " 426 ", "\"code\":1013," },
		{ "GET /broken HTTP/1.1\r\nHost: h\r\n\r\n", " 500 ", "\"code\":5000," },
	};
	unsigned logged = 0;
	log_capture(on_log, &logged);
	io_server_start(&server, 1000);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		int fd = client_open(&server);
		client_send(fd, cases[i].request);
		expect(fd, cases[i].status, cases[i].code);
		assert_non_null(strstr(body.data, "\"data\":null,\"trace_id\":\""));
		assert_true(client_is_at_end(fd));
		close(fd);
	}
	log_capture(NULL, NULL);
	assert_int_equal(logged, 1); /* only our own mistake is */
}

static void refuses_a_head_without_end(void **state)
{
	(void)state;
	char line[1024];
	io_server_start(&server, 1000);
	int fd = client_open(&server);
	memset(line, 'a', sizeof(line));
	client_send(fd, "GET / HTTP/1.1\r\nX: ");
	for (int i = 0; i < 64; i++)
		(void)!send(fd, line, sizeof(line), MSG_NOSIGNAL);
	expect(fd, " 431 ", "\"code\":1009,");
	close(fd);
}

/* So many bytes of a request's body. */
static void send_body(int fd, size_t n)
{
	static char bytes[64 * 1024];
	memset(bytes, 'b', sizeof(bytes));
	for (; n > sizeof(bytes); n -= sizeof(bytes))
		client_send_bytes(fd, bytes, sizeof(bytes));
	client_send_bytes(fd, bytes, n);
}

static int begin_post(const char *lines, size_t body_bytes)
{
	char head[256];
	int fd = client_open(&server);
	snprintf(head, sizeof(head),
		"POST /up HTTP/1.1\r\nHost: h\r\n%sContent-Length: %zu\r\n\r\n", lines, body_bytes);
	client_send(fd, head);
	return fd;
}

static void takes_short_bodies_from_strangers(void **state)
{
	(void)state;
	enum { LONG_BYTES = LIMIT_HTTP_OPEN_BODY_BYTES + 1 };
	io_server_start(&server, 1000);
	int fd = begin_post("", LONG_BYTES - 1);
	send_body(fd, LONG_BYTES - 1);
	expect(fd, " 200 ", "POST /up? bbb");
	close(fd);
	fd = begin_post("", LONG_BYTES); /* refused before a byte of it has come */
	expect(fd, " 413 ", "without Authorization");
	close(fd);
	fd = client_open(&server);
	client_send(
		fd, "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n10001\r\n");
	expect(fd, " 413 ", "without Authorization");
	close(fd);
	fd = begin_post("Authorization: Bearer x\r\n", LONG_BYTES);
	send_body(fd, LONG_BYTES);
	expect(fd, " 200 ", "POST /up? bbb");
	close(fd);
}

/* Bodies that do not come to an end, from many: who asks for little is served all the same. */
static void bounds_the_bodies_of_all(void **state)
{
	(void)state;
	enum { CLIENTS = 16, BODY_BYTES = 100 * 1000, SENT_BYTES = 60 * 1000 };
	int fds[CLIENTS];
	unsigned served = 0;
	server.settings.http_bytes = 1024 * 1024;
	io_server_start(&server, 1000);
	for (int i = 0; i < CLIENTS; i++) {
		uint64_t before = io_server_stats(&server).bytes_in;
		fds[i] = begin_post("Authorization: Bearer x\r\n", BODY_BYTES);
		send_body(fds[i], SENT_BYTES);
		while (io_server_stats(&server).bytes_in < before + SENT_BYTES)
			poll(NULL, 0, 1);
		assert_true(io_server_stats(&server).http_bytes < 1024 * 1024);
	}
	assert_in_range(io_server_stats(&server).crowded, 1, CLIENTS - 4);
	int fd = begin_post("", 1000);
	send_body(fd, 1000);
	expect(fd, " 200 ", "POST /up? bbb");
	close(fd);
	for (int i = 0; i < CLIENTS; i++) {
		if (client_is_silent(fds[i], 0)) {
			send_body(fds[i], BODY_BYTES - SENT_BYTES);
			expect(fds[i], " 200 ", "POST /up? bbb");
			served++;
		} else {
			expect(fds[i], " 503 ", "too many requests at once");
		}
		close(fds[i]);
	}
	assert_int_equal(served, CLIENTS - io_server_stats(&server).crowded);
}

/* What waits for its answer counts until that comes, with what was sent behind it. */
static void counts_requests_until_they_are_answered(void **state)
{
	(void)state;
	server.settings.http_bytes = 64 * 1024;
	io_server_start(&server, 1000);
	int fd = client_open(&server), other;
	struct buf all = { 0 };
	buf_add_text(&all, "GET /never HTTP/1.1\r\nHost: h\r\n\r\n");
	memset(buf_reserve(&all, 10000), 'b', 10000), buf_commit(&all, 10000);
	client_send_bytes(fd, all.data, all.used); /* in one read */
	buf_fini(&all);
	while (io_server_stats(&server).requests == 0)
		poll(NULL, 0, 1);
	assert_in_range(io_server_stats(&server).http_bytes, 10000, 20000);
	other = begin_post("", 60 * 1000);
	send_body(other, 60 * 1000);
	expect(other, " 503 ", "\"code\":5001,");
	close(other);
	close(fd);
}

/* Large answers that nobody reads: the next large one is not given, small ones are. */
static void bounds_the_answers_of_all(void **state)
{
	(void)state;
	server.settings.http_bytes = 64 * 1024;
	io_server_start(&server, 1000);
	int slow = client_open_narrow(&server), fd = client_open(&server);
	client_send(slow, "GET /big HTTP/1.1\r\nHost: h\r\n\r\n");
	for (int i = 0; i < CLIENT_WAIT_MS && io_server_stats(&server).http_bytes < 65536; i++)
		poll(NULL, 0, 1);
	assert_true(io_server_stats(&server).http_bytes > 65536);
	client_send(fd, "GET /small HTTP/1.1\r\nHost: h\r\n\r\n");
	expect(fd, " 200 ", "GET /small");
	client_send(fd, "GET /page HTTP/1.1\r\nHost: h\r\n\r\n");
	expect(fd, " 503 ", "\"code\":5001,");
	assert_int_equal(io_server_stats(&server).crowded, 1);
	close(fd);
	client_read_answer(slow, &body);
	assert_int_equal(body.used, BIG_BYTES);
	close(slow);
	fd = client_open(&server);
	client_send(fd, "GET /page HTTP/1.1\r\nHost: h\r\n\r\n");
	expect(fd, " 200 ", "xxx");
	close(fd);
}

static void takes_the_trace_id_of_the_request(void **state)
{
	(void)state;
	io_server_start(&server, 1000);
	int fd = client_open(&server);
	client_send(fd,
		"GET /ws HTTP/1.1\r\nHost: h\r\n"
		"traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n\r\n");
	expect(fd, " 426 ", "\"trace_id\":\"4bf92f3577b34da6a3ce929d0e0e4736\"");
	close(fd);
}

static void tells_the_client_to_go_on(void **state)
{
	(void)state;
	io_server_start(&server, 1000);
	int fd = client_open(&server);
	client_send(fd,
		"POST /up HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
	assert_string_equal(client_read_until(fd, "\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
	client_send(fd, "ok");
	expect(fd, "200 OK", "POST /up? ok");
	close(fd);
}

/* The answers are larger than any socket buffer: the second request waits for the first answer. */
static void sends_large_answers_to_slow_readers(void **state)
{
	(void)state;
	io_server_start(&server, 1000);
	int fd = client_open_narrow(&server);
	for (int i = 0; i < 3; i++)
		client_send(fd, "GET /big HTTP/1.1\r\nHost: h\r\n\r\n");
	for (int i = 0; i < 3; i++) {
		client_read_answer(fd, &body);
		assert_int_equal(body.used, BIG_BYTES);
		assert_true(body.data[0] == 'x' && body.data[BIG_BYTES - 1] == 'x');
		assert_true(io_server_stats(&server).queue_bytes <= BIG_BYTES + 1024);
	}
	close(fd);
}

static void times_out(void **state)
{
	(void)state;
	server.settings.head_ms = server.settings.body_ms = 60;
	server.settings.idle_ms = 30;
	io_server_start(&server, 1000);
	int nothing = client_open(&server), head = client_open(&server),
	    late_body = client_open(&server), idle = client_open(&server);
	client_send(head, "GET / HTT");
	client_send(late_body, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nab");
	client_send(idle, "GET /idle HTTP/1.1\r\nHost: h\r\n\r\n");
	expect(idle, "200 OK", "/idle");
	assert_true(client_is_at_end(idle));
	expect(head, " 408 ", "\"code\":1010,");
	expect(late_body, " 408 ", "the body did not arrive");
	assert_true(client_is_at_end(nothing));
	assert_int_equal(io_server_stats(&server).timeouts, 4);
	close(nothing);
	close(head);
	close(late_body);
	close(idle);
}

static bool is_at_work(struct io_stats stats)
{
	return stats.http + stats.waiting > 0;
}

static void gives_up_on_readers_that_stall(void **state)
{
	(void)state;
	static char sink[1 << 20];
	size_t got = 0;
	ssize_t n;
	server.settings.stall_ms = 60;
	io_server_start(&server, 1000);
	int fd = client_open_narrow(&server);
	client_send(fd, "GET /big HTTP/1.1\r\nHost: h\r\n\r\nGET /big HTTP/1.1\r\nHost: h\r\n\r\n");
	while (io_server_stats(&server).accepted == 0 || is_at_work(io_server_stats(&server)))
		poll(NULL, 0, 1);
	while ((n = recv(fd, sink, sizeof(sink), 0)) > 0)
		got += (size_t)n;
	assert_true(got < 2 * BIG_BYTES);
	close(fd);
}

static void survives_clients_that_leave(void **state)
{
	(void)state;
	io_server_start(&server, 1000);
	for (int i = 0; i < 20; i++) {
		int fd = client_open(&server);
		struct linger reset = { 1, 0 };
		if (i % 2)
			setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
		client_send(fd, i % 4 < 2 ? "GET /big HTTP/1.1\r\nHost: h\r\n\r\n" : "GET / HT");
		close(fd);
	}
	int fd = client_open(&server);
	client_send(fd, "GET /alive HTTP/1.1\r\nHost: h\r\n\r\n");
	expect(fd, "200 OK", "/alive");
	close(fd);
}

#define BOTH(fn) \
	{ #fn " (own thread)", fn, start, stop, &own }, \
	{ \
#fn " (shared loop)", fn, start, stop, &shared \
	}

int main(void)
{
	static unsigned own = 1, shared = 0;
	const struct CMUnitTest tests[] = {
		BOTH(keeps_the_connection),
		BOTH(answers_pipelined_requests_in_order),
		BOTH(takes_requests_byte_by_byte),
		BOTH(answers_head_without_body),
		BOTH(closes_when_asked),
		BOTH(answers_a_client_that_ends_its_half),
		BOTH(sends_the_rest_to_a_client_that_ended_its_half),
		BOTH(says_what_is_wrong),
		BOTH(refuses_a_head_without_end),
		BOTH(takes_short_bodies_from_strangers),
		BOTH(bounds_the_bodies_of_all),
		BOTH(counts_requests_until_they_are_answered),
		BOTH(bounds_the_answers_of_all),
		BOTH(takes_the_trace_id_of_the_request),
		BOTH(tells_the_client_to_go_on),
		BOTH(sends_large_answers_to_slow_readers),
		BOTH(times_out),
		BOTH(gives_up_on_readers_that_stall),
		BOTH(survives_clients_that_leave),
	};
	return cmocka_run_group_tests_name("conn_http", tests, NULL, NULL);
}
