/* SPDX-License-Identifier: MIT */
/*
 * The client side of nuncio for load: one thread, one epoll, WebSocket written by hand.
 *
 * It is built to be cheap, since it shares the machine with the server: one read buffer for all
 * peers (a peer owns memory only while a frame is incomplete or a socket is full), all requests
 * that one read brings about leave in one send, and packets are scanned, not parsed. Source
 * addresses 127.64.i.j are spread so that ports do not run out.
 *
 * It speaks nuncio.json.v1. It checks what a client must check (status 101, the accept key,
 * unmasked whole frames, no reserved bits), answers pings, and counts everything else as a fault.
 */
#include "bench_swarm.h"

#include "bench.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	READ_BYTES = 65536,
	/* A packet has at most 65,535 bytes, its frame's header up to 10. */
	FRAME_BYTES_MAX = 65535 + 10,
	PEERS_PER_SOURCE = 2000,
	OP_TEXT = 1,
	OP_CLOSE = 8,
	OP_PING = 9,
	OP_PONG = 10,
};

static const char client_key[] = "bnVuY2lvLWJlbmNoLWtleQ==";

struct frame {
	int opcode;
	struct span body;
	size_t bytes; /* with its header */
};

void swarm_fault(struct swarm *s, const char *fmt, ...)
{
	va_list ap;

	if (s->faults++ != 0)
		return;
	va_start(ap, fmt);
	vsnprintf(s->first_fault, sizeof s->first_fault, fmt, ap);
	va_end(ap);
}

static void parse_address(const char *text, struct sockaddr_in *address_r)
{
	char host[64];
	unsigned port;

	memset(address_r, 0, sizeof *address_r);
	address_r->sin_family = AF_INET;
	if (sscanf(text, "%63[0-9.]:%u", host, &port) != 2 || port == 0 || port > 65535 ||
		inet_pton(AF_INET, host, &address_r->sin_addr) != 1)
		bench_die("\"%s\" must be ADDRESS:PORT", text);
	/* Load is for the machine itself: this program never fires at another one. */
	if (ntohl(address_r->sin_addr.s_addr) >> 24 != 127)
		bench_die("\"%s\" is not in 127.0.0.0/8", text);
	address_r->sin_port = htons((uint16_t)port);
}

static void make_accept_key(char accept_r[32])
{
	unsigned char digest[SHA_DIGEST_LENGTH];
	char text[96];

	int n = snprintf(text, sizeof text, "%s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", client_key);
	SHA1((const unsigned char *)text, (size_t)n, digest);
	EVP_EncodeBlock((unsigned char *)accept_r, digest, sizeof digest);
}

void swarm_init(struct swarm *s, const char *address, const char *key_file, const char *kid)
{
	memset(s, 0, sizeof *s);
	parse_address(address, &s->server);
	token_maker_init(&s->tokens, key_file, kid);
	make_accept_key(s->accept_key);
	s->buffer = bench_grow(NULL, FRAME_BYTES_MAX + READ_BYTES);
	s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (s->epoll_fd < 0)
		bench_die("epoll_create1");
	bench_raise_descriptors();
}

void swarm_fini(struct swarm *s)
{
	close(s->epoll_fd);
	free(s->buffer);
	memset(s, 0, sizeof *s);
}

static void watch(struct peer *peer, int operation, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = peer };

	if (epoll_ctl(peer->swarm->epoll_fd, operation, peer->fd, &event) != 0)
		bench_die("epoll_ctl");
}

void peer_reset(struct peer *peer)
{
	struct linger reset = { .l_onoff = 1 };

	if (peer->state == PEER_CLOSED)
		return;
	if (peer->state == PEER_READY)
		peer->swarm->ready--;
	setsockopt(peer->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
	close(peer->fd);
	free(peer->in);
	free(peer->out);
	peer->in = peer->out = NULL;
	peer->in_used = peer->out_used = peer->out_size = 0;
	peer->fd = -1;
	peer->state = PEER_CLOSED;
}

static void fail(struct peer *peer, const char *what, struct span detail)
{
	swarm_fault(peer->swarm, "%s: %s%s%.*s", peer->name, what, detail.n != 0 ? ": " : "",
		(int)(detail.n < 120 ? detail.n : 120), detail.n != 0 ? detail.p : "");
	peer_reset(peer);
}

static void fail_errno(struct peer *peer, const char *what)
{
	const char *why = strerror(errno);

	fail(peer, what, (struct span){ why, strlen(why) });
}

/* ---- writing */

static char *reserve_out(struct peer *peer, size_t n)
{
	if (peer->out_used + n > peer->out_size) {
		peer->out_size = (uint32_t)((peer->out_used + n) * 2);
		peer->out = bench_grow(peer->out, peer->out_size);
	}
	return peer->out + peer->out_used;
}

void peer_flush(struct peer *peer)
{
	if (peer->state == PEER_CLOSED || peer->out_used == 0)
		return;
	ssize_t n = send(peer->fd, peer->out, peer->out_used, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n < 0 && errno != EAGAIN) {
		fail_errno(peer, "send");
		return;
	}
	if (n > 0) {
		peer->out_used -= (uint32_t)n;
		memmove(peer->out, peer->out + n, peer->out_used);
	}
	if (peer->wants_write != (peer->out_used != 0)) {
		peer->wants_write = peer->out_used != 0;
		watch(peer, EPOLL_CTL_MOD, peer->wants_write ? EPOLLIN | EPOLLOUT : EPOLLIN);
	}
}

/* Eight bytes at a time: all that is sent goes through here. */
static void mask_bytes(char *to, const char *from, size_t n, uint32_t mask)
{
	uint64_t word, mask8 = (uint64_t)mask << 32 | mask;
	unsigned char key[4];
	size_t i = 0;

	for (; i + 8 <= n; i += 8) {
		memcpy(&word, from + i, 8);
		word ^= mask8;
		memcpy(to + i, &word, 8);
	}
	memcpy(key, &mask, sizeof key);
	for (; i < n; i++)
		to[i] = (char)(from[i] ^ key[i & 3]);
}

/*
 * A client must mask (RFC 6455 5.3). The mask protects proxies from pages; a load has neither, so
 * one that is cheap and different in each frame does.
 */
static void add_frame(struct peer *peer, int opcode, const char *body, size_t n)
{
	char *p = reserve_out(peer, n + 16);
	uint32_t mask = (peer->seq + 1) * 2654435761u;
	size_t used = 0;

	p[used++] = (char)(0x80 | opcode);
	if (n < 126) {
		p[used++] = (char)(0x80 | n);
	} else {
		p[used++] = (char)(0x80 | 126);
		p[used++] = (char)(n >> 8);
		p[used++] = (char)(n & 255);
	}
	memcpy(p + used, &mask, sizeof mask);
	used += sizeof mask;
	mask_bytes(p + used, body, n, mask);
	peer->out_used += (uint32_t)(used + n);
}

uint32_t peer_request(struct peer *peer, const char *op, const char *data, size_t data_bytes)
{
	char text[16384];

	if (peer->state != PEER_READY)
		return 0;
	int n = snprintf(text, 256,
		"{\"type\":\"request\",\"seq\":%u,\"op\":\"%s\",\"data\":", (unsigned)++peer->seq,
		op);
	if ((size_t)n + data_bytes + 1 > sizeof text)
		bench_die("a request of %zu bytes is more than this program sends", data_bytes);
	memcpy(text + n, data, data_bytes);
	text[(size_t)n + data_bytes] = '}';
	add_frame(peer, OP_TEXT, text, (size_t)n + data_bytes + 1);
	return peer->seq;
}

/* ---- connecting */

static void send_upgrade(struct peer *peer)
{
	char token[TOKEN_BYTES_MAX], host[INET_ADDRSTRLEN];
	struct swarm *s = peer->swarm;

	token_make(&s->tokens, peer->name, token);
	inet_ntop(AF_INET, &s->server.sin_addr, host, sizeof host);
	char *p = reserve_out(peer, 1024);
	int n = snprintf(p, 1024,
		"GET /ws HTTP/1.1\r\nHost: %s:%u\r\nUpgrade: websocket\r\n"
		"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
		"Sec-WebSocket-Key: %s\r\nSec-WebSocket-Protocol: nuncio.json.v1\r\n"
		"Authorization: Bearer %s\r\n\r\n",
		host, (unsigned)ntohs(s->server.sin_port), client_key, token);
	peer->out_used += (uint32_t)n;
	peer->state = PEER_UPGRADING;
	peer_flush(peer);
}

static void finish_connect(struct peer *peer)
{
	socklen_t n = sizeof(int);
	int why = 0;

	if (getsockopt(peer->fd, SOL_SOCKET, SO_ERROR, &why, &n) != 0 || why != 0) {
		errno = why;
		fail_errno(peer, "connect");
		return;
	}
	peer->wants_write = false;
	watch(peer, EPOLL_CTL_MOD, EPOLLIN);
	send_upgrade(peer);
}

static void bind_source(struct peer *peer)
{
	uint32_t i = peer->swarm->connects++ / PEERS_PER_SOURCE % 4096;
	struct sockaddr_in source = { .sin_family = AF_INET };
	int one = 1;

	source.sin_addr.s_addr = htonl(0x7f400000u | (i / 250) << 8 | (1 + i % 250));
	setsockopt(peer->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
	setsockopt(peer->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	if (bind(peer->fd, (struct sockaddr *)&source, sizeof source) != 0)
		bench_die("bind to a source address in 127.64.0.0/16");
}

void peer_open(struct swarm *s, struct peer *peer, const char *name)
{
	void *user = peer->user;

	memset(peer, 0, sizeof *peer);
	peer->user = user;
	peer->swarm = s;
	snprintf(peer->name, sizeof peer->name, "%s", name);
	peer->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (peer->fd < 0)
		bench_die("socket (the descriptor limit may be too low)");
	peer->state = PEER_CONNECTING;
	bind_source(peer);
	int rc = connect(peer->fd, (struct sockaddr *)&s->server, sizeof s->server);
	if (rc != 0 && errno != EINPROGRESS) {
		fail_errno(peer, "connect");
		return;
	}
	peer->wants_write = rc != 0;
	watch(peer, EPOLL_CTL_ADD, rc != 0 ? EPOLLIN | EPOLLOUT : EPOLLIN);
	if (rc == 0)
		send_upgrade(peer);
}

/* ---- reading */

static size_t take_head(struct peer *peer, struct span in)
{
	const char *end = memmem(in.p, in.n, "\r\n\r\n", 4);

	if (end == NULL)
		return 0;
	size_t n = (size_t)(end - in.p) + 4;
	if (n < 12 || memcmp(in.p, "HTTP/1.1 101", 12) != 0) {
		const char *line = memchr(in.p, '\r', in.n);
		fail(peer, "upgrade refused", (struct span){ in.p, (size_t)(line - in.p) });
		return 0;
	}
	if (memmem(in.p, n, peer->swarm->accept_key, strlen(peer->swarm->accept_key)) == NULL) {
		fail(peer, "wrong Sec-WebSocket-Accept", (struct span){ "", 0 });
		return 0;
	}
	peer->state = PEER_GREETING;
	return n;
}

/* 1 a whole frame, 0 not yet, -1 not a frame that a server may send here. */
static int read_frame(struct span in, struct frame *frame_r)
{
	const unsigned char *p = (const unsigned char *)in.p;
	size_t head = 2;

	if (in.n < 2)
		return 0;
	size_t n = p[1] & 127;
	if ((p[0] & 0xf0) != 0x80 || (p[1] & 0x80) != 0 || n == 127)
		return -1;
	if (n == 126) {
		if (in.n < 4)
			return 0;
		n = (size_t)p[2] << 8 | p[3];
		head = 4;
	}
	if (in.n < head + n)
		return 0;
	*frame_r = (struct frame){ p[0] & 15, { in.p + head, n }, head + n };
	return 1;
}

static void take_packet(struct peer *peer, struct span text)
{
	struct swarm *s = peer->swarm;
	struct packet packet;

	if (!packet_read(text, &packet)) {
		fail(peer, "not a packet", text);
	} else if (peer->state == PEER_GREETING) {
		if (packet.type != PACKET_NOTIFY || !span_is(packet.op, "session.ready"))
			return;
		peer->state = PEER_READY;
		s->ready++;
		if (s->hooks.on_ready != NULL)
			s->hooks.on_ready(peer);
	} else if (packet.type == PACKET_NOTIFY &&
		   (span_is(packet.op, "session.closing") || span_is(packet.op, "error"))) {
		fail(peer, "the server is displeased", packet.data);
	} else if (s->hooks.on_packet != NULL) {
		s->hooks.on_packet(peer, &packet);
	}
}

static void take_frame(struct peer *peer, const struct frame *frame)
{
	if (frame->opcode == OP_TEXT)
		take_packet(peer, frame->body);
	else if (frame->opcode == OP_PING)
		add_frame(peer, OP_PONG, frame->body.p, frame->body.n);
	else if (frame->opcode == OP_CLOSE)
		fail(peer, "the server closed", (struct span){ "", 0 });
	else if (frame->opcode != OP_PONG)
		fail(peer, "a frame of another kind than text", (struct span){ "", 0 });
}

/* Returns how much of it was used up. */
static size_t take_bytes(struct peer *peer, struct span in)
{
	size_t used = 0;
	struct frame frame;

	if (peer->state == PEER_UPGRADING)
		used = take_head(peer, in);
	if (peer->state == PEER_UPGRADING && in.n > 8192)
		fail(peer, "an endless response head", (struct span){ "", 0 });
	while (peer->state == PEER_GREETING || peer->state == PEER_READY) {
		int rc = read_frame((struct span){ in.p + used, in.n - used }, &frame);
		if (rc < 0)
			fail(peer, "a malformed or masked frame", (struct span){ "", 0 });
		if (rc <= 0)
			break;
		used += frame.bytes;
		take_frame(peer, &frame);
	}
	return used;
}

static void keep_rest(struct peer *peer, struct span rest)
{
	if (rest.n > FRAME_BYTES_MAX) {
		fail(peer, "a frame larger than a packet may be", (struct span){ "", 0 });
		return;
	}
	if (rest.n == 0) {
		free(peer->in);
		peer->in = NULL;
	} else {
		peer->in = bench_grow(peer->in, rest.n);
		memcpy(peer->in, rest.p, rest.n);
	}
	peer->in_used = (uint32_t)rest.n;
}

static void read_peer(struct peer *peer)
{
	struct swarm *s = peer->swarm;
	size_t have = peer->in_used;

	if (have != 0)
		memcpy(s->buffer, peer->in, have);
	ssize_t n = recv(peer->fd, s->buffer + have, READ_BYTES, MSG_DONTWAIT);
	if (n < 0 && errno == EAGAIN)
		return;
	if (n < 0) {
		fail_errno(peer, "recv");
		return;
	}
	if (n == 0) {
		fail(peer, "the server hung up", (struct span){ "", 0 });
		return;
	}
	have += (size_t)n;
	size_t used = take_bytes(peer, (struct span){ s->buffer, have });
	if (peer->state == PEER_CLOSED)
		return;
	keep_rest(peer, (struct span){ s->buffer + used, have - used });
	if (s->hooks.on_batch_end != NULL && peer->state == PEER_READY)
		s->hooks.on_batch_end(peer);
	peer_flush(peer);
}

void swarm_turn(struct swarm *s, int timeout_ms)
{
	struct epoll_event events[256];

	int n = epoll_wait(s->epoll_fd, events, 256, timeout_ms);
	for (int i = 0; i < n; i++) {
		struct peer *peer = events[i].data.ptr;
		if (peer->state == PEER_CONNECTING) {
			finish_connect(peer);
			continue;
		}
		if ((events[i].events & EPOLLOUT) != 0)
			peer_flush(peer);
		if (peer->state != PEER_CLOSED && (events[i].events & ~(uint32_t)EPOLLOUT) != 0)
			read_peer(peer);
	}
}
