/* SPDX-License-Identifier: MIT */
/* See io_server.h. The logic thread's half runs on its own loop, which is also the shared one. */
#include "io_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/slice.h"
#include "io/io_msg.h"
#include "loop/loop.h"
#include "loop/thread.h"
#include "tests/lib/unit.h"

/* ---- the logic thread ---- */

struct parked {
	struct parked *next;
	nuncio_sid id;
	uint32_t seq;
};

static void post(struct io_server *s, nuncio_sid id, struct mail *m, enum io_kind kind)
{
	m->kind = kind;
	mailbox_post_forced(io_thread_inbox(s->threads[io_id_thread(id)]), m);
}

static struct mail *new_send(nuncio_sid id, struct packet_out *packet)
{
	struct io_send *m = alloc_zero(sizeof(*m) + sizeof(m->ids[0]));
	m->mail.kind = IO_SEND;
	m->packet = packet;
	m->count = 1;
	m->ids[0] = id;
	return &m->mail;
}

static void send_packet(struct io_server *s, nuncio_sid id, struct packet_out *packet)
{
	post(s, id, new_send(id, packet), IO_SEND);
}

static void respond(struct io_server *s, nuncio_sid id, uint32_t seq, struct nuncio_str data)
{
	send_packet(s, id, packet_out_response(seq, 0, STR(""), data));
}

static void copy_text(char *to, size_t size, struct nuncio_str text)
{
	snprintf(to, size, STR_FMT, STR_ARG(text));
}

static void do_connect(struct io_server *s, struct io_connect *m)
{
	copy_text(s->seen_origin, sizeof(s->seen_origin), m->origin);
	copy_text(s->seen_device, sizeof(s->seen_device), m->device);
	copy_text(s->seen_token, sizeof(s->seen_token), m->token);
	copy_text(s->seen_address, sizeof(s->seen_address), str_of(m->address));
	unsigned at = atomic_fetch_add(&s->connect_count, 1);
	if (at < IDS_MAX)
		s->ids[at] = m->id;
	if (str_eq(m->token, STR("bad"))) {
		struct io_refuse *no = ALLOC_NEW(struct io_refuse);
		no->id = m->id;
		no->code = NUNCIO_CODE_token_invalid;
		snprintf(no->text, sizeof(no->text), "the token is bad");
		snprintf(no->trace, sizeof(no->trace), "0123456789abcdef0123456789abcdef");
		post(s, m->id, &no->mail, IO_REFUSE);
		return;
	}
	struct io_admit *yes = ALLOC_NEW(struct io_admit);
	yes->id = m->id;
	yes->ready = m->token.n > 0;
	if (yes->ready)
		yes->first = packet_out_notify(STR("session.ready"), STR("{\"user\":\"u\"}"));
	post(s, m->id, &yes->mail, IO_ADMIT);
}

static void do_flood(struct io_server *s, nuncio_sid id, int count)
{
	char *data = alloc_get(FLOOD_BYTES);
	memset(data, 'x', FLOOD_BYTES);
	data[0] = data[FLOOD_BYTES - 1] = '"';
	for (int i = 0; i < count; i++)
		send_packet(s, id,
			packet_out_notify(STR("flood"), (struct nuncio_str){ data, FLOOD_BYTES }));
	alloc_free(data);
}

static struct mail *tell_all(struct io_server *s, int number)
{
	unsigned people = atomic_load(&s->connect_count);
	unsigned repeats = s->tell_repeats ? s->tell_repeats : 1;
	struct io_send *m = alloc_zero(sizeof(*m) + people * repeats * sizeof(m->ids[0]));
	char data[16];
	snprintf(data, sizeof(data), "%d", number);
	m->mail.kind = IO_SEND;
	m->packet = packet_out_notify(STR("tell"), str_of(data));
	for (unsigned k = 0; k < repeats; k++)
		for (unsigned i = 0; i < people; i++)
			m->ids[m->count++] = s->ids[i];
	return &m->mail;
}

/* In one batch, as the logic thread does. */
static void do_tell(struct io_server *s)
{
	struct outbox out;
	outbox_init(&out, io_thread_inbox(s->threads[0]));
	for (int i = 0; i < TELL_COUNT; i++)
		outbox_add(&out, tell_all(s, i));
	outbox_flush_forced(&out);
}

static void release(struct io_server *s)
{
	while (s->parked) {
		struct parked *p = s->parked;
		s->parked = p->next;
		respond(s, p->id, p->seq, STR("{}"));
		alloc_free(p);
	}
}

static void do_close(struct io_server *s, nuncio_sid id)
{
	struct io_close *m = ALLOC_NEW(struct io_close);
	m->id = id;
	m->last = packet_out_notify(STR("session.closing"), STR("{\"code\":4002}"));
	m->close_code = 4002;
	snprintf(m->reason, sizeof(m->reason), "signed out");
	post(s, id, &m->mail, IO_CLOSE);
}

/* In one batch, as the logic thread does: what was sent behind it finds the session open. */
static void do_open(struct io_server *s, nuncio_sid id, const struct packet *p)
{
	struct io_ready *ready = ALLOC_NEW(struct io_ready);
	struct outbox out;
	ready->mail.kind = IO_READY;
	ready->id = id;
	outbox_init(&out, io_thread_inbox(s->threads[io_id_thread(id)]));
	outbox_add(&out, new_send(id, packet_out_response(p->seq, 0, STR(""), p->data)));
	outbox_add(&out, &ready->mail);
	outbox_flush_forced(&out);
}

static void do_packet(struct io_server *s, const struct io_packet *m)
{
	const struct packet *p = &m->packet;
	atomic_fetch_add(&s->packet_count, 1);
	if (str_eq(p->op, STR("park"))) {
		struct parked *parked = ALLOC_NEW(struct parked);
		*parked = (struct parked){ s->parked, m->id, p->seq };
		s->parked = parked;
		return;
	}
	if (str_eq(p->op, STR("close"))) {
		do_close(s, m->id);
		return;
	}
	if (str_eq(p->op, STR("tell"))) {
		do_tell(s);
		return;
	}
	if (str_eq(p->op, STR("session.open"))) {
		do_open(s, m->id, p);
		return;
	}
	if (str_eq(p->op, STR("release")))
		release(s);
	if (str_eq(p->op, STR("flood")))
		do_flood(s, m->id, FLOOD_COUNT);
	if (str_eq(p->op, STR("burst")))
		do_flood(s, m->id, 8);
	respond(s, m->id, p->seq, str_eq(p->op, STR("skip")) ? STR("{}") : p->data);
}

static struct io_answer *new_answer(nuncio_sid id, struct nuncio_str body)
{
	static const struct http1_field good[] = { { STR_INIT("X-Test"), STR_INIT("yes") } };
	struct io_answer *m = alloc_zero(sizeof(*m) + body.n);
	m->id = id;
	m->status = 200;
	m->fields = good;
	m->field_count = 1;
	m->body = (struct nuncio_str){ m->text, body.n };
	if (body.n)
		memcpy(m->text, body.p, body.n);
	return m;
}

static void do_http(struct io_server *s, const struct io_http *m)
{
	static const struct http1_field broken[] = { { STR_INIT("X-Test"), STR_INIT("a\r\nb") } };
	struct buf body = { 0 };
	if (str_eq(m->path, STR("/never")))
		return;
	size_t fill = str_eq(m->path, STR("/big")) ? BIG_BYTES : PAGE_BYTES;
	if (str_eq(m->path, STR("/big")) || str_eq(m->path, STR("/page")))
		memset(buf_reserve(&body, fill), 'x', fill), buf_commit(&body, fill);
	else if (!str_eq(m->path, STR("/empty")))
		buf_printf(&body, STR_FMT " " STR_FMT "?" STR_FMT " " STR_FMT, STR_ARG(m->method),
			STR_ARG(m->path), STR_ARG(m->query), STR_ARG(m->body));
	struct io_answer *answer = new_answer(m->id, buf_str(&body));
	buf_fini(&body);
	answer->close = str_eq(m->path, STR("/close"));
	if (str_eq(m->path, STR("/empty")))
		answer->status = 204;
	if (str_eq(m->path, STR("/broken")))
		answer->fields = broken;
	post(s, m->id, &answer->mail, IO_ANSWER);
}

static void free_http(struct io_http *m)
{
	struct arena a = m->arena;
	arena_fini(&a);
}

static void do_mail(struct io_server *s, struct mail *m)
{
	switch (m->kind) {
	case IO_CONNECT:
		do_connect(s, (struct io_connect *)m);
		break;
	case IO_PACKET:
		do_packet(s, (struct io_packet *)m);
		break;
	case IO_HTTP:
		do_http(s, (struct io_http *)m);
		free_http((struct io_http *)m);
		return;
	case IO_CLOSED:
		atomic_store(&s->close_code, ((struct io_closed *)m)->close_code);
		atomic_fetch_add(&s->closed_count, 1);
		break;
	case IO_STOPPED:
		if (++s->stopped >= (s->thread_count ? s->thread_count : 1))
			loop_stop(s->loop);
		break;
	default:
		abort();
	}
	alloc_free(m);
}

/* Once in each turn, before the others. */
static void watch_sends(struct io_server *s)
{
	uint64_t sends = io_server_stats(s).sends;
	if (s->thread_count || loop_turn(s->loop) == s->turn)
		return;
	if (sends - s->turn_sends > atomic_load(&s->most_sends))
		atomic_store(&s->most_sends, (unsigned)(sends - s->turn_sends));
	s->turn = loop_turn(s->loop);
	s->turn_sends = sends;
}

static bool on_turn(struct loop *l, void *user)
{
	struct io_server *s = user;
	(void)l;
	watch_sends(s);
	if (atomic_load(&s->is_deaf))
		return false;
	struct mail *m = mailbox_take_all(&s->mailbox), *next;
	bool did_any = m != NULL;
	for (; m; m = next) {
		next = m->next;
		mailbox_done(&s->mailbox, m->bytes);
		do_mail(s, m);
	}
	return did_any;
}

static void run(void *user)
{
	loop_run(((struct io_server *)user)->loop);
}

/* ---- start and stop ---- */

void io_server_init(struct io_server *s, unsigned thread_count)
{
	static const char *const listen[] = { "127.0.0.1:0" };
	*s = (struct io_server){ .thread_count = thread_count };
	io_settings_init(&s->settings);
	s->settings.listen = listen;
	s->settings.listen_count = 1;
}

void io_server_start(struct io_server *s, size_t mailbox_limit)
{
	unsigned count = s->thread_count ? s->thread_count : 1;
	struct nuncio_error err = { "" };
	s->loop = loop_new("logic");
	mailbox_init(&s->mailbox, s->loop, mailbox_limit);
	mailbox_limit_bytes(&s->mailbox, s->mailbox_bytes);
	if (io_listen(&s->settings, count, &s->listeners, &err) < 0)
		fail_msg("%s", err.text);
	for (unsigned i = 0; i < count; i++)
		assert_int_equal(io_thread_new(i, &s->settings, s->listeners, &s->mailbox,
					 s->thread_count ? NULL : s->loop, &s->threads[i], &err),
			0);
	loop_on_turn(s->loop, on_turn, s);
	for (unsigned i = 0; i < count; i++)
		assert_int_equal(io_thread_start(s->threads[i], &err), 0);
	assert_int_equal(thread_start("logic", run, s, &s->logic, &err), 0);
}

void io_server_stop(struct io_server *s)
{
	unsigned count = s->thread_count ? s->thread_count : 1;
	atomic_store(&s->is_deaf, false);
	for (unsigned i = 0; i < count; i++)
		io_thread_stop(s->threads[i]);
	thread_join(&s->logic);
	for (unsigned i = 0; i < count; i++) {
		struct io_stats stats;
		io_thread_join(s->threads[i]);
		io_thread_stats(s->threads[i], &stats);
		assert_int_equal(stats.http + stats.waiting + stats.admitting + stats.open, 0);
		assert_int_equal(stats.closing + stats.ending, 0);
		assert_int_equal(stats.fan_out, 0);
		assert_int_equal(stats.queue_bytes, 0);
		assert_int_equal(stats.http_bytes, 0);
		io_thread_free(&s->threads[i]);
	}
	assert_int_equal(atomic_load(&s->closed_count), atomic_load(&s->connect_count));
	while (s->parked) {
		struct parked *p = s->parked;
		s->parked = p->next;
		alloc_free(p);
	}
	io_listeners_free(&s->listeners);
	assert_null(mailbox_take_all(&s->mailbox));
	mailbox_fini(&s->mailbox);
	loop_free(&s->loop);
}

struct io_stats io_server_stats(const struct io_server *s)
{
	struct io_stats stats;
	io_thread_stats(s->threads[0], &stats);
	return stats;
}

void io_server_wait(const atomic_uint *value, unsigned wanted)
{
	int64_t end_ms = clock_mono_ms() + CLIENT_WAIT_MS;
	while (atomic_load(value) != wanted && clock_mono_ms() < end_ms)
		poll(NULL, 0, 1);
	assert_int_equal(atomic_load(value), wanted);
}

/* ---- client ---- */

static char text[BIG_BYTES + 4096]; /* what the last read returned */

static int open_with(const struct io_server *s, int receive_bytes)
{
	struct timeval wait = { CLIENT_WAIT_MS / 1000, 0 };
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons(io_listeners_port(s->listeners, 0)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	if (receive_bytes)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof(receive_bytes));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

int client_open(const struct io_server *s)
{
	return open_with(s, 0);
}

int client_open_narrow(const struct io_server *s)
{
	return open_with(s, 4096);
}

void client_send_bytes(int fd, const void *bytes, size_t n)
{
	assert_int_equal(send(fd, bytes, n, MSG_NOSIGNAL), n);
}

void client_send(int fd, const char *bytes)
{
	client_send_bytes(fd, bytes, strlen(bytes));
}

void client_read_bytes(int fd, void *to, size_t n)
{
	for (size_t got = 0; got < n;) {
		ssize_t rc = recv(fd, (char *)to + got, n - got, 0);
		if (rc <= 0)
			fail_msg("%zu of %zu bytes came: %s", got, n,
				rc ? strerror(errno) : "end of stream");
		got += (size_t)rc;
	}
}

const char *client_read_until(int fd, const char *end)
{
	size_t used = 0, end_bytes = strlen(end);
	do {
		assert_true(used < sizeof(text) - 1);
		client_read_bytes(fd, text + used++, 1);
		text[used] = '\0';
	} while (used < end_bytes || memcmp(text + used - end_bytes, end, end_bytes) != 0);
	return text;
}

const char *client_read_answer(int fd, struct buf *body)
{
	const char *head = client_read_until(fd, "\r\n\r\n"), *length;
	size_t n = 0;
	assert_true(strncmp(head, "HTTP/1.1 ", 9) == 0);
	length = strstr(head, "Content-Length: ");
	if (length)
		n = strtoul(length + 16, NULL, 10);
	if (body) {
		buf_reset(body);
		client_read_bytes(fd, buf_reserve(body, n + 1), n);
		buf_commit(body, n);
		body->data[n] = '\0';
	}
	return head;
}

bool client_is_at_end(int fd)
{
	char byte;
	return recv(fd, &byte, 1, 0) == 0;
}

bool client_is_silent(int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	return poll(&p, 1, ms) == 0;
}

int client_upgrade(const struct io_server *s, const char *target, const char *lines)
{
	char request[1024];
	int fd = client_open(s);
	snprintf(request, sizeof(request),
		"GET %s HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
		"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n%s\r\n",
		target, lines);
	client_send(fd, request);
	const char *head = client_read_until(fd, "\r\n\r\n");
	if (!strstr(head, "HTTP/1.1 101 ") || !strstr(head, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="))
		fail_msg("no handshake: %s", head);
	return fd;
}

void client_ws_send(int fd, int opcode, const char *bytes, size_t n)
{
	static const char mask[4] = { 1, 2, 3, 4 };
	struct buf out = { 0 };
	buf_add_char(&out, (char)(0x80 | opcode));
	if (n < 126) {
		buf_add_char(&out, (char)(0x80 | n));
	} else {
		assert_true(n < 65536);
		buf_add_char(&out, (char)(0x80 | 126));
		buf_add_char(&out, (char)(n >> 8));
		buf_add_char(&out, (char)n);
	}
	buf_add(&out, mask, 4);
	for (size_t i = 0; i < n; i++)
		buf_add_char(&out, (char)(bytes[i] ^ mask[i % 4]));
	client_send_bytes(fd, out.data, out.used);
	buf_fini(&out);
}

void client_ws_text(int fd, const char *bytes)
{
	client_ws_send(fd, 1, bytes, strlen(bytes));
}

const char *client_ws_read(int fd, int *opcode_r, size_t *n_r)
{
	unsigned char head[2], more[8];
	client_read_bytes(fd, head, 2);
	size_t n = head[1];
	assert_true(n < 128); /* a server does not mask */
	size_t more_bytes = n == 126 ? 2 : n == 127 ? 8 : 0;
	client_read_bytes(fd, more, more_bytes);
	for (size_t i = 0; i < more_bytes; i++)
		n = (i ? n << 8 : 0) | more[i];
	assert_true(n < sizeof(text));
	client_read_bytes(fd, text, n);
	text[n] = '\0';
	*opcode_r = head[0] & 15;
	*n_r = n;
	return text;
}

void client_ws_expect(int fd, const char *wanted)
{
	int opcode;
	size_t n;
	assert_string_equal(client_ws_read(fd, &opcode, &n), wanted);
	assert_int_equal(opcode, 1);
}

unsigned client_ws_read_close(int fd)
{
	int opcode;
	size_t n;
	const unsigned char *payload;
	do
		payload = (const unsigned char *)client_ws_read(fd, &opcode, &n);
	while (opcode != 8);
	return n >= 2 ? (unsigned)payload[0] << 8 | payload[1] : 1005;
}
