/* SPDX-License-Identifier: MIT */
/* WebSockets on real sockets, with the logic thread of io_server.c: both kinds of threads. */
#include "io_server.h"

#include <poll.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/slice.h"
#include "loop/loop.h"
#include "tests/lib/unit.h"
#include "wire/deflate.h"
#include "wire/frame.h"
#include "wire/limits.h"

#define READY "{\"type\":\"notify\",\"op\":\"session.ready\",\"data\":{\"user\":\"u\"}}"
#define DONE(seq) "{\"type\":\"response\",\"seq\":" #seq ",\"code\":0,\"message\":\"\",\"data\":{}}"
#define ECHO(seq) "{\"type\":\"request\",\"seq\":" #seq ",\"op\":\"echo\"}"
#define TOKEN "Authorization: Bearer good\r\n"
#define FRAME "Sec-WebSocket-Protocol: nuncio.frame.v1\r\n"

static struct io_server server;

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

static int open_session(void)
{
	int fd = client_upgrade(&server, "/ws", TOKEN);
	client_ws_expect(fd, READY);
	return fd;
}

static void request(int fd, unsigned seq, const char *op)
{
	char packet[128];
	snprintf(
		packet, sizeof(packet), "{\"type\":\"request\",\"seq\":%u,\"op\":\"%s\"}", seq, op);
	client_ws_text(fd, packet);
}

/* ---- the door ---- */

static void admits_by_each_way_of_proof(void **state)
{
	(void)state;
	io_server_start(&server, 1000);
	close(open_session());
	assert_string_equal(server.seen_token, "good");
	assert_string_equal(server.seen_address, "127.0.0.1");
	int fd = client_upgrade(&server, "/ws?access_token=a%2Bb&device=phone", "");
	client_ws_expect(fd, READY);
	assert_string_equal(server.seen_token, "a+b");
	assert_string_equal(server.seen_device, "phone");
	close(fd);
	fd = client_upgrade(&server, "/ws", "");
	request(fd, 1, "ping"); /* not ready: the logic thread's */
	client_ws_expect(fd, DONE(1));
	request(fd, 2, "session.open");
	client_ws_expect(fd, DONE(2));
	request(fd, 3, "ping");
	int opcode;
	size_t n;
	assert_non_null(strstr(client_ws_read(fd, &opcode, &n), "\"data\":{\"server_time\":\"2"));
	close(fd);
	io_server_wait(&server.closed_count, 3);
	assert_int_equal(server.close_code, 1006);
}

static void refuse(const char *target, const char *lines, const char *status, const char *code)
{
	char text[1024];
	struct buf body = { 0 };
	int fd = client_open(&server);
	snprintf(text, sizeof(text),
		"GET %s HTTP/1.1\r\nHost: chat.example\r\nUpgrade: websocket\r\n"
		"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n%s\r\n",
		target, lines);
	client_send(fd, text);
	const char *head = client_read_answer(fd, &body);
	if (!strstr(head, status) || !strstr(body.data, code))
		fail_msg("wanted %s %s, got %s%s", status, code, head, body.data);
	assert_true(client_is_at_end(fd));
	buf_fini(&body);
	close(fd);
}

static void refuses_at_the_door(void **state)
{
	(void)state;
	io_server_start(&server, 1000);
	refuse("/ws?access_token=bad", "", " 401 ",
		"\"code\":2001,\"message\":\"the token is bad\"");
	refuse("/ws?access_token=bad", "", " 401 ", "0123456789abcdef0123456789abcdef");
	assert_int_equal(server.connect_count, 2);
	io_server_wait(&server.closed_count, 2);
	refuse("/ws", "Origin: https://evil.example\r\n", " 403 ", "\"code\":3002");
	refuse("/ws", "Origin: null\r\n", " 403 ", "\"code\":3002");
	refuse("/ws?access_token=a", TOKEN, " 400 ", "one token is enough");
	refuse("/ws?access_token=a&access_token=b", "", " 400 ", "given twice");
	refuse("/ws", "Sec-WebSocket-Protocol: other\r\n", " 400 ", "\"code\":1000");
	assert_int_equal(server.connect_count, 2);
}

static void knows_its_own_pages(void **state)
{
	(void)state;
	static const char *const listed[] = { "https://other.example" };
	server.settings.origins = listed;
	server.settings.origin_count = 1;
	io_server_start(&server, 1000);
	close(client_upgrade(&server, "/ws", "Origin: http://localhost\r\n"));
	close(client_upgrade(&server, "/ws", "Origin: https://other.example\r\n"));
	assert_string_equal(server.seen_origin, "https://other.example");
	io_server_wait(&server.closed_count, 2);
}

/* ---- packets ---- */

static void carries_json(void **state)
{
	(void)state;
	io_server_start(&server, 1000);
	int fd = open_session();
	client_ws_text(
		fd, "{\"type\":\"request\",\"seq\":7,\"op\":\"echo\",\"data\":{\"a\":[1,2]}}");
	client_ws_expect(fd,
		"{\"type\":\"response\",\"seq\":7,\"code\":0,\"message\":\"\",\"data\":{\"a\":[1,2]}}");
	client_ws_text(fd, "{broken");
	int opcode;
	size_t n;
	assert_non_null(strstr(
		client_ws_read(fd, &opcode, &n), "\"op\":\"error\",\"data\":{\"code\":1001"));
	request(fd, 8, "echo"); /* it is still usable */
	client_ws_expect(fd, DONE(8));
	client_ws_send(fd, 9, "abc", 3);
	assert_string_equal(client_ws_read(fd, &opcode, &n), "abc");
	assert_int_equal(opcode, 10);
	close(fd);
}

static void carries_frames(void **state)
{
	(void)state;
	static const char data[] = "{\"op\":\"echo\",\"data\":{\"b\":1}}",
			  ping[] = "{\"op\":\"ping\"}";
	io_server_start(&server, 1000);
	int fd = client_upgrade(&server, "/ws", FRAME TOKEN), opcode;
	size_t n;
	client_ws_read(fd, &opcode, &n);
	assert_int_equal(opcode, 2);
	struct buf message = { 0 };
	char head[LIMIT_FRAME_HEAD_BYTES];
	frame_head(head, 1, 5, sizeof(data) - 1);
	buf_add(&message, head, sizeof(head));
	buf_add_text(&message, data);
	frame_head(head, 1, 6, sizeof(ping) - 1);
	buf_add(&message, head, sizeof(head));
	buf_add_text(&message, ping);
	client_ws_send(fd, 2, message.data, message.used);
	buf_fini(&message);
	for (int i = 0; i < 2; i++) { /* the ping's answer may be first */
		struct frame f;
		struct nuncio_str rest = { client_ws_read(fd, &opcode, &n), n };
		assert_int_equal(opcode, 2);
		assert_int_equal(frame_next(&rest, &f), 1);
		assert_int_equal(f.type, 2);
		if (f.seq == 5)
			assert_str(f.payload, "{\"code\":0,\"message\":\"\",\"data\":{\"b\":1}}");
		else
			assert_int_equal(f.payload.n, 73);
	}
	close(fd);
}

static void answers_what_one_read_brought_with_one_write(void **state)
{
	(void)state;
	struct buf all = { 0 };
	io_server_start(&server, 1000);
	int fd = open_session(), opcode;
	size_t n;
	uint64_t before = io_server_stats(&server).sends;
	for (int i = 0; i < 100; i++) { /* unmasked by a mask of zero */
		static const char packet[] = "{\"type\":\"request\",\"seq\":1,\"op\":\"ping\"}";
		buf_add_char(&all, (char)0x81);
		buf_add_char(&all, (char)(0x80 | (sizeof(packet) - 1)));
		buf_add(&all, "\0\0\0\0", 4);
		buf_add_text(&all, packet);
	}
	client_send_bytes(fd, all.data, all.used);
	for (int i = 0; i < 100; i++)
		assert_non_null(strstr(client_ws_read(fd, &opcode, &n), "server_time"));
	assert_true(io_server_stats(&server).sends - before <= 2);
	assert_int_equal(io_server_stats(&server).pings, 100);
	buf_fini(&all);
	close(fd);
}

static void deflates_when_agreed(void **state)
{
	(void)state;
	io_server_start(&server, 1000);
	int fd = client_upgrade(
		&server, "/ws", "Sec-WebSocket-Extensions: permessage-deflate\r\n" TOKEN);
	client_ws_expect(fd, READY); /* too small to be worth it */
	request(fd, 1, "flood");
	unsigned char head[4];
	client_read_bytes(fd, head, 4);
	assert_int_equal(head[0], 0xC1); /* RSV1 */
	assert_int_equal(head[1], 126);
	assert_true((head[2] << 8 | head[3]) < FLOOD_BYTES / 50);
	close(fd);
}

/* ---- limits ---- */

static void stops_reading_at_the_inflight_limit(void **state)
{
	(void)state;
	server.settings.inflight = 4;
	io_server_start(&server, 1000);
	int fd = open_session(), other = open_session();
	for (unsigned i = 1; i <= 4; i++) { /* one read each */
		request(fd, i, "park");
		io_server_wait(&server.packet_count, i);
	}
	request(fd, 5, "echo");
	assert_true(client_is_silent(fd, 30));
	assert_int_equal(server.packet_count, 4);
	request(other, 1, "release");
	client_ws_expect(other, DONE(1));
	client_ws_expect(fd, DONE(4));
	client_ws_expect(fd, DONE(3));
	client_ws_expect(fd, DONE(2));
	client_ws_expect(fd, DONE(1));
	client_ws_expect(fd, DONE(5));
	close(fd);
	close(other);
}

static void closes_slow_readers(void **state)
{
	(void)state;
	server.settings.queue_bytes = 64 * 1024;
	io_server_start(&server, 1000);
	int fd = open_session(), other = open_session(), opcode;
	size_t n;
	for (unsigned i = 0; i < 10; i++) /* 1.6 MiB each, and nobody reads */
		request(fd, i + 1, "flood");
	io_server_wait(&server.closed_count, 1);
	request(other, 1, "ping"); /* others are untouched */
	client_ws_read(other, &opcode, &n);
	assert_int_equal(server.close_code, 4003);
	assert_int_equal(client_ws_read_close(fd), 4003); /* whole frames up to it */
	assert_int_equal(io_server_stats(&server).slow, 1);
	close(fd);
	close(other);
}

/* Pings without end from one who does not read the pongs: it is not read from any more. */
static void flood_with_pings(int fd, int64_t limit_bytes)
{
	struct buf all = { 0 };
	size_t at = 0;
	for (int i = 0; i < 500; i++) {
		buf_add(&all, "\x89\xfd\0\0\0\0", 6);
		memset(buf_reserve(&all, 125), 'p', 125);
		buf_commit(&all, 125);
	}
	for (int calm = 0; calm < 20;) { /* until neither side takes more */
		ssize_t n = send(fd, all.data + at, all.used - at, MSG_DONTWAIT | MSG_NOSIGNAL);
		at = n > 0 ? (at + (size_t)n) % all.used : at;
		calm = n > 0 ? 0 : calm + 1;
		poll(NULL, 0, n > 0 ? 0 : 2);
		assert_true(io_server_stats(&server).queue_bytes <= limit_bytes);
	}
	assert_int_equal(server.closed_count, 0);
	buf_fini(&all);
}

static void bounds_what_it_owes(void **state)
{
	(void)state;
	server.settings.queue_bytes = 256 * 1024;
	io_server_start(&server, 1000);
	int fd = open_session(), other = open_session();
	flood_with_pings(fd, 256 * 1024);
	request(other, 1, "echo");
	client_ws_expect(other, DONE(1));
	close(fd);
	close(other);
}

static void owes_strangers_less(void **state)
{
	(void)state;
	io_server_start(&server, 1000);
	int fd = client_upgrade(&server, "/ws", "");
	flood_with_pings(fd, LIMIT_OPEN_QUEUE_BYTES);
	close(fd);
}

/* A whole frame, by a mask of zero. */
static void add_frame(struct buf *to, unsigned first, struct nuncio_str payload)
{
	buf_add_char(to, (char)first);
	if (payload.n < 126) {
		buf_add_char(to, (char)(0x80 | payload.n));
	} else {
		buf_add_char(to, (char)(0x80 | 126));
		buf_add_char(to, (char)(payload.n >> 8));
		buf_add_char(to, (char)payload.n);
	}
	buf_add(to, "\0\0\0\0", 4);
	buf_add_str(to, payload);
}

/* Requests of 60,000 bytes, as often as one read can bring. Returns how many. */
static unsigned send_bombs(int fd, const char *op)
{
	enum { BOMB_BYTES = 60000, READ_BYTES = 64 * 1024 };
	struct deflater *deflater = deflater_new();
	struct buf text = { 0 }, packed = { 0 }, all = { 0 };
	unsigned count = 0;
	buf_printf(&text, "{\"type\":\"request\",\"seq\":1,\"op\":\"%s\",\"data\":{\"a\":\"", op);
	memset(buf_reserve(&text, BOMB_BYTES), 'a', BOMB_BYTES), buf_commit(&text, BOMB_BYTES);
	buf_add_text(&text, "\"}}");
	assert_true(deflater_run(deflater, buf_str(&text), &packed));
	for (; all.used + packed.used + 8 < READ_BYTES; count++)
		add_frame(&all, 0xC1, buf_str(&packed));
	client_send_bytes(fd, all.data, all.used);
	deflater_free(&deflater);
	buf_fini(&text);
	buf_fini(&packed);
	buf_fini(&all);
	return count;
}

static int open_deflated(void)
{
	int fd = client_upgrade(
		&server, "/ws", "Sec-WebSocket-Extensions: permessage-deflate\r\n" TOKEN);
	client_ws_expect(fd, READY);
	return fd;
}

/* A read of 64 KiB is several MB of requests: no more of them is made than may wait. */
static void bounds_what_a_read_inflates_to(void **state)
{
	(void)state;
	enum { LIMIT_BYTES = 1024 * 1024 };
	struct queue_stats stats;
	server.mailbox_bytes = LIMIT_BYTES;
	server.settings.inflight = 4096;
	io_server_start(&server, 100000);
	int fd = open_deflated(), opcode;
	size_t n;
	atomic_store(&server.is_deaf, true);
	unsigned count = send_bombs(fd, "skip");
	assert_true(count > 100);
	for (int i = 0; i < CLIENT_WAIT_MS && io_server_stats(&server).held == 0; i++)
		poll(NULL, 0, 1);
	poll(NULL, 0, 20);
	mailbox_stats(&server.mailbox, &stats);
	assert_in_range(stats.bytes, LIMIT_BYTES / 4, LIMIT_BYTES);
	assert_true(io_server_stats(&server).messages_in < 20);
	atomic_store(&server.is_deaf, false);
	loop_wake(server.loop);
	for (unsigned i = 0; i < count; i++)
		assert_non_null(strstr(client_ws_read(fd, &opcode, &n), "\"seq\":1,"));
	mailbox_stats(&server.mailbox, &stats);
	assert_int_equal(stats.bytes, 0);
	close(fd);
}

/* These are answered by the I/O thread, so nothing is in the way but the turn's end. */
static void shares_a_turn_with_others(void **state)
{
	(void)state;
	io_server_start(&server, 1000);
	int fd = open_deflated(), opcode;
	size_t n;
	unsigned count = send_bombs(fd, "ping");
	for (unsigned i = 0; i < count; i++)
		assert_non_null(strstr(client_ws_read(fd, &opcode, &n), "server_time"));
	assert_true(io_server_stats(&server).pauses >= count / 8);
	request(fd, 1, "echo");
	client_ws_expect(fd, DONE(1));
	close(fd);
}

/* All in one read: what is over the limit waits, and nothing is lost or comes out of order. */
static void stops_within_a_read(void **state)
{
	(void)state;
	enum { COUNT = 50 };
	struct buf all = { 0 };
	char text[128];
	server.settings.inflight = 4;
	io_server_start(&server, 1000);
	int fd = open_session(), opcode;
	size_t n;
	for (int i = 1; i <= COUNT; i++) {
		snprintf(
			text, sizeof(text), "{\"type\":\"request\",\"seq\":%d,\"op\":\"echo\"}", i);
		add_frame(&all, 0x81, str_of(text));
	}
	atomic_store(&server.is_deaf, true);
	client_send_bytes(fd, all.data, all.used);
	for (int i = 0; i < CLIENT_WAIT_MS && io_server_stats(&server).pauses == 0; i++)
		poll(NULL, 0, 1);
	poll(NULL, 0, 20);
	assert_int_equal(mailbox_count(&server.mailbox), 4);
	atomic_store(&server.is_deaf, false);
	loop_wake(server.loop);
	for (int i = 1; i <= COUNT; i++) {
		snprintf(text, sizeof(text), "\"seq\":%d,", i);
		assert_non_null(strstr(client_ws_read(fd, &opcode, &n), text));
	}
	buf_fini(&all);
	close(fd);
}

/* Closed by us while the rest of a read waits: the peer's close frame is in it, and is found. */
static void finds_the_close_behind_a_pause(void **state)
{
	(void)state;
	struct buf all = { 0 };
	server.settings.inflight = 1;
	io_server_start(&server, 1000);
	int fd = open_session();
	add_frame(&all, 0x81, STR("{\"type\":\"request\",\"seq\":1,\"op\":\"close\"}"));
	add_frame(&all, 0x81, STR(ECHO(2)));
	add_frame(&all, 0x88, STR("\x0f\xa2"));
	client_send_bytes(fd, all.data, all.used);
	assert_int_equal(client_ws_read_close(fd), 4002);
	assert_true(client_is_at_end(fd));
	io_server_wait(&server.closed_count, 1);
	assert_int_equal(server.packet_count, 1);
	assert_int_equal(io_server_stats(&server).pauses, 1);
	buf_fini(&all);
	close(fd);
}

/* ---- before it is known who it is ---- */

static void takes_little_from_strangers(void **state)
{
	(void)state;
	static char text[LIMIT_OPEN_MESSAGE_BYTES + 1];
	struct buf all = { 0 };
	char head[LIMIT_FRAME_HEAD_BYTES];
	io_server_start(&server, 1000);
	int fd = client_upgrade(&server, "/ws", "");
	memset(text, ' ', sizeof(text));
	memcpy(text, ECHO(1), sizeof(ECHO(1)) - 1);
	client_ws_send(fd, 1, text, sizeof(text) - 1);
	client_ws_expect(fd, DONE(1));
	client_ws_send(fd, 1, text, sizeof(text));
	assert_int_equal(client_ws_read_close(fd), 1009);
	close(fd);
	fd = client_upgrade(&server, "/ws", FRAME);
	for (int i = 0; i <= LIMIT_OPEN_PACKETS; i++) {
		frame_head(head, 1, 5, 13);
		buf_add(&all, head, sizeof(head));
		buf_add_text(&all, "{\"op\":\"echo\"}");
	}
	client_ws_send(fd, 2, all.data, all.used);
	assert_int_equal(client_ws_read_close(fd), 1009);
	io_server_wait(&server.closed_count, 2);
	assert_int_equal(server.packet_count, 1 + LIMIT_OPEN_PACKETS);
	assert_int_equal(server.close_code, 1009);
	buf_fini(&all);
	close(fd);
}

/* One request at a time, until session.open is answered; what was sent behind it waits. */
static void lets_strangers_ask_one_by_one(void **state)
{
	(void)state;
	static char large[60000];
	struct buf all = { 0 };
	io_server_start(&server, 1000);
	int fd = client_upgrade(&server, "/ws", ""), other = open_session();
	memset(large, ' ', sizeof(large));
	memcpy(large, ECHO(4), sizeof(ECHO(4)) - 1);
	add_frame(&all, 0x81, STR("{\"type\":\"request\",\"seq\":1,\"op\":\"park\"}"));
	add_frame(&all, 0x81, STR(ECHO(2)));
	add_frame(&all, 0x81, STR("{\"type\":\"request\",\"seq\":3,\"op\":\"session.open\"}"));
	add_frame(&all, 0x81, (struct nuncio_str){ large, sizeof(large) });
	uint64_t before = io_server_stats(&server).bytes_in;
	client_send_bytes(fd, all.data, all.used);
	io_server_wait(&server.packet_count, 1);
	assert_true(client_is_silent(fd, 20));
	assert_int_equal(server.packet_count, 1);
	assert_true(io_server_stats(&server).bytes_in - before <= LIMIT_OPEN_MESSAGE_BYTES);
	request(other, 1, "release");
	client_ws_expect(other, DONE(1));
	client_ws_expect(fd, DONE(1));
	client_ws_expect(fd, DONE(2));
	client_ws_expect(fd, DONE(3));
	client_ws_expect(fd, DONE(4));
	buf_fini(&all);
	close(fd);
	close(other);
}

/* A burst over the limit is no crime when the peer takes it. */
static void lets_bursts_pass(void **state)
{
	(void)state;
	int opcode;
	size_t n;
	server.settings.queue_bytes = 4 * FLOOD_BYTES;
	io_server_start(&server, 1000);
	int fd = open_session();
	request(fd, 1, "burst"); /* twice the limit */
	for (int i = 0; i < 8; i++) {
		client_ws_read(fd, &opcode, &n);
		assert_true(n > FLOOD_BYTES);
	}
	client_ws_expect(fd, DONE(1));
	assert_int_equal(io_server_stats(&server).slow, 0);
	close(fd);
}

/* ---- closing ---- */

static void closes_when_told(void **state)
{
	(void)state;
	io_server_start(&server, 1000);
	int fd = open_session(), opcode;
	size_t n;
	request(fd, 1, "close");
	client_ws_expect(
		fd, "{\"type\":\"notify\",\"op\":\"session.closing\",\"data\":{\"code\":4002}}");
	const char *payload = client_ws_read(fd, &opcode, &n);
	assert_int_equal(opcode, 8);
	assert_memory_equal(payload, "\x0f\xa2signed out", 12);
	assert_int_equal(server.closed_count, 0); /* until the peer has answered */
	client_ws_send(fd, 8, "\x0f\xa2", 2);
	io_server_wait(&server.closed_count, 1);
	assert_int_equal(server.close_code, 4002);
	assert_true(client_is_at_end(fd));
	close(fd);
}

static void does_not_wait_forever_for_the_peers_close(void **state)
{
	(void)state;
	server.settings.closing_ms = 40;
	io_server_start(&server, 1000);
	int fd = open_session();
	request(fd, 1, "close");
	assert_int_equal(client_ws_read_close(fd), 4002);
	io_server_wait(&server.closed_count, 1);
	assert_true(client_is_at_end(fd));
	close(fd);
}

static void echoes_the_peers_close(void **state)
{
	(void)state;
	io_server_start(&server, 1000);
	int fd = open_session();
	client_ws_send(fd, 8, "\x03\xe9gone", 6);
	assert_int_equal(client_ws_read_close(fd), 1001);
	assert_true(client_is_at_end(fd));
	io_server_wait(&server.closed_count, 1);
	assert_int_equal(server.close_code, 1001);
	close(fd);
}

static void fails_broken_peers(void **state)
{
	(void)state;
	static const struct {
		const char *bytes;
		size_t n;
		unsigned code;
	} cases[] = {
		{ "\x81\x02hi", 4, 1002 },           /* no mask */
		{ "\xc1\x80\0\0\0\0", 6, 1002 },     /* RSV1 without deflate */
		{ "\x82\x81\0\0\0\0a", 7, 1003 },    /* binary in JSON */
		{ "\x81\x81\0\0\0\0\xff", 7, 1007 }, /* not UTF-8 */
		{ "\x81\xff\0\0\0\0\x7f\xff\xff\xff\0\0\0\0a", 15, 1009 }, /* 2 GiB announced */
	};
	io_server_start(&server, 1000);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		int fd = open_session();
		client_send_bytes(fd, cases[i].bytes, cases[i].n);
		assert_int_equal(client_ws_read_close(fd), cases[i].code);
		assert_true(client_is_at_end(fd));
		io_server_wait(&server.closed_count, (unsigned)i + 1);
		assert_int_equal(server.close_code, cases[i].code);
		close(fd);
	}
}

static void watches_the_heartbeat(void **state)
{
	(void)state;
	int opcode;
	size_t n;
	server.settings.heartbeat_ms = 250;
	io_server_start(&server, 1000);
	int alive = open_session(), dead = open_session();
	for (int i = 0; i < 4; i++) { /* longer than twice the heartbeat */
		client_ws_read(alive, &opcode, &n);
		assert_int_equal(opcode, 9);
		client_ws_send(alive, 10, "", 0);
	}
	client_ws_read(dead, &opcode, &n);
	assert_int_equal(opcode, 9);
	assert_int_equal(client_ws_read_close(dead), 4004);
	io_server_wait(&server.closed_count, 1);
	assert_int_equal(server.close_code, 4004);
	assert_int_equal(io_server_stats(&server).silent, 1);
	close(dead);
	close(alive);
}

/* What comes in the same packet as the handshake is a message like any other. */
static void takes_what_came_with_the_handshake(void **state)
{
	(void)state;
	char text[1024] =
		"GET /ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" TOKEN
		"\r\n";
	size_t n = strlen(text);
	memcpy(text + n, "\x89\x82\0\0\0\0hi", 8);
	io_server_start(&server, 1000);
	int fd = client_open(&server), opcode;
	client_send_bytes(fd, text, n + 8);
	client_read_until(fd, "\r\n\r\n");
	client_ws_expect(fd, READY);
	assert_string_equal(client_ws_read(fd, &opcode, &n), "hi");
	assert_int_equal(opcode, 10);
	close(fd);
}

static void takes_frames_byte_by_byte(void **state)
{
	(void)state;
	static const char packet[] = "{\"type\":\"request\",\"seq\":1,\"op\":\"echo\"}";
	char frame[6 + sizeof(packet)] = { (char)0x81, (char)(0x80 | (sizeof(packet) - 1)) };
	memcpy(frame + 6, packet, sizeof(packet) - 1);
	io_server_start(&server, 1000);
	int fd = open_session();
	for (size_t i = 0; i < sizeof(frame) - 1; i++)
		client_send_bytes(fd, frame + i, 1);
	client_ws_expect(fd, DONE(1));
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
		BOTH(admits_by_each_way_of_proof),
		BOTH(refuses_at_the_door),
		BOTH(knows_its_own_pages),
		BOTH(carries_json),
		BOTH(carries_frames),
		BOTH(answers_what_one_read_brought_with_one_write),
		BOTH(deflates_when_agreed),
		BOTH(stops_reading_at_the_inflight_limit),
		BOTH(closes_slow_readers),
		BOTH(bounds_what_it_owes),
		BOTH(owes_strangers_less),
		BOTH(bounds_what_a_read_inflates_to),
		BOTH(shares_a_turn_with_others),
		BOTH(stops_within_a_read),
		BOTH(finds_the_close_behind_a_pause),
		BOTH(takes_little_from_strangers),
		BOTH(lets_strangers_ask_one_by_one),
		BOTH(lets_bursts_pass),
		BOTH(closes_when_told),
		BOTH(does_not_wait_forever_for_the_peers_close),
		BOTH(echoes_the_peers_close),
		BOTH(fails_broken_peers),
		BOTH(watches_the_heartbeat),
		BOTH(takes_what_came_with_the_handshake),
		BOTH(takes_frames_byte_by_byte),
	};
	return cmocka_run_group_tests_name("conn_ws", tests, NULL, NULL);
}
