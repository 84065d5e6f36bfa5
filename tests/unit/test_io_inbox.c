/* SPDX-License-Identifier: MIT */
/*
 * What the logic thread asks of an I/O thread: fan-outs, small and large. See io_server.h. The
 * rest of io_inbox.c is in the tests of what it asks for (test_conn_ws.c, test_conn_http.c).
 */
#include "io_server.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include "io/io_thread_private.h"
#include "loop/loop.h"
#include "tests/lib/unit.h"

#define TOKEN "Authorization: Bearer good\r\n"
#define READY "{\"type\":\"notify\",\"op\":\"session.ready\",\"data\":{\"user\":\"u\"}}"

enum { FEW = 5, SOME = 60 /* a large fan-out that one turn adds */, MANY = 300 };

static struct io_server server;
static int fds[MANY];

static int start(void **state)
{
	io_server_init(&server, *(unsigned *)*state);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	io_server_stop(&server);
	return 0;
}

/* The counter moves a moment after the bytes. */
static void expect_sends(unsigned wanted)
{
	for (int i = 0; i < CLIENT_WAIT_MS && io_server_stats(&server).sends < wanted; i++)
		poll(NULL, 0, 1);
	assert_int_equal(io_server_stats(&server).sends, wanted);
}

/* 101 and session.ready leave in one write. */
static void open_sessions(int count)
{
	io_server_start(&server, 10000);
	for (int i = 0; i < count; i++) {
		fds[i] = client_upgrade(&server, "/ws", TOKEN);
		client_ws_expect(fds[i], READY);
	}
	expect_sends((unsigned)count);
	atomic_store(&server.most_sends, 0);
}

static void close_sessions(int count)
{
	for (int i = 0; i < count; i++)
		close(fds[i]);
}

static void expect_told(int fd, int number, unsigned times)
{
	char text[80];
	snprintf(text, sizeof(text), "{\"type\":\"notify\",\"op\":\"tell\",\"data\":%d}", number);
	for (unsigned i = 0; i < times; i++)
		client_ws_expect(fd, text);
}

static void tell(void)
{
	client_ws_text(fds[0], "{\"type\":\"request\",\"seq\":1,\"op\":\"tell\"}");
}

/* Everybody gets everything in order; the next answer comes behind it. */
static void expect_all_told(int count, unsigned times)
{
	for (int i = 0; i < count; i++)
		for (int k = 0; k < TELL_COUNT; k++)
			expect_told(fds[i], k, times);
	client_ws_text(fds[0], "{\"type\":\"request\",\"seq\":1,\"op\":\"echo\"}");
	client_ws_expect(fds[0],
		"{\"type\":\"response\",\"seq\":1,\"code\":0,\"message\":\"\",\"data\":{}}");
}

/* Ten messages into one audience: one write for each of its sockets. */
static void a_burst_leaves_in_one_write(void **state)
{
	(void)state;
	open_sessions(FEW);
	tell();
	expect_all_told(FEW, 1);
	expect_sends(FEW + FEW + 1);
	assert_int_equal(io_server_stats(&server).messages_out, FEW * (1 + TELL_COUNT) + 1);
	close_sessions(FEW);
}

/* A large one is sent over many turns, still in one write for each socket. */
static void a_large_fan_out_leaves_in_slices(void **state)
{
	(void)state;
	open_sessions(MANY);
	tell();
	expect_all_told(MANY, 1);
	expect_sends(MANY + MANY + 1);
	if (!server.thread_count)
		assert_int_equal(atomic_load(&server.most_sends), IO_BULK_A_TURN);
	close_sessions(MANY);
}

static void hold_back(int fd, int on)
{
	assert_return_code(setsockopt(fd, IPPROTO_TCP, TCP_CORK, &on, sizeof(on)), errno);
}

/*
 * An answer that is ready does not wait for a large fan-out, though it would fit into one write
 * with it.
 */
static void what_is_ready_leaves_ahead(void **state)
{
	(void)state;
	open_sessions(SOME);
	hold_back(fds[0], 1); /* both come with one read */
	client_ws_text(fds[0], "{\"type\":\"request\",\"seq\":1,\"op\":\"echo\"}");
	tell();
	hold_back(fds[0], 0);
	client_ws_expect(fds[0],
		"{\"type\":\"response\",\"seq\":1,\"code\":0,\"message\":\"\",\"data\":{}}");
	expect_all_told(SOME, 1);
	expect_sends(SOME + 1 + SOME + 1);
	close_sessions(SOME);
}

/* More receivers than one turn adds: what comes behind for the same sockets stays behind. */
static void order_holds_over_slices(void **state)
{
	(void)state;
	open_sessions(MANY);
	server.tell_repeats = 1 + IO_ADDS_A_TURN / MANY;
	tell();
	expect_all_told(MANY, server.tell_repeats);
	close_sessions(MANY);
}

/* Who goes in the middle of it takes nothing from the others, and nothing is left behind. */
static void receivers_may_go_in_the_middle(void **state)
{
	(void)state;
	open_sessions(MANY);
	server.tell_repeats = 3 * (1 + IO_ADDS_A_TURN / MANY);
	tell();
	for (int i = 1; i < MANY; i += 2)
		close(fds[i]);
	for (int i = 0; i < MANY; i += 2)
		for (int k = 0; k < TELL_COUNT; k++)
			expect_told(fds[i], k, server.tell_repeats);
	for (int i = 0; i < MANY; i += 2)
		close(fds[i]);
}

/* The server ends while a fan-out is under way. */
static void stops_in_the_middle(void **state)
{
	(void)state;
	open_sessions(MANY);
	server.tell_repeats = 3 * (1 + IO_ADDS_A_TURN / MANY);
	tell();
	io_server_wait(&server.packet_count, 1);
	close_sessions(MANY); /* the teardown checks that nothing is left */
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
		BOTH(a_burst_leaves_in_one_write),
		BOTH(a_large_fan_out_leaves_in_slices),
		BOTH(what_is_ready_leaves_ahead),
		BOTH(order_holds_over_slices),
		BOTH(receivers_may_go_in_the_middle),
		BOTH(stops_in_the_middle),
	};
	return cmocka_run_group_tests_name("io_inbox", tests, NULL, NULL);
}
