/* SPDX-License-Identifier: MIT */
/*
 * CPU nanoseconds per operation of src/wire: what one packet costs besides system calls. Medians of
 * nine rounds; the arguments are a round's length in milliseconds (20).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/slice.h"
#include "wire/deflate.h"
#include "wire/http1.h"
#include "wire/json.h"
#include "wire/json_out.h"
#include "wire/packet.h"
#include "wire/ws.h"

#define ROUNDS 9

static const struct nuncio_str envelope = STR_INIT(
	"{\"type\":\"request\",\"seq\":12345,\"op\":\"message.send\",\"data\":{\"to\":{\"conversation\":"
	"\"u:alice:bob\"},\"client_id\":\"01HF7YAT31JZECCEXAMPLE\",\"kind\":\"text\",\"body\":\"Hello, this "
	"is a message of ordinary length, \\\"quoted\\\" once, about lunch.\",\"mentions\":[\"bob\"]}}");
static const struct nuncio_str chinese = STR_INIT(
	"{\"type\":\"request\",\"seq\":12345,\"op\":\"message.send\",\"data\":{\"to\":{\"user\":\"bob\"},"
	"\"client_id\":\"01HF7YAT31JZECCEXAMPLE\",\"kind\":\"text\",\"body\":\"中午一起吃饭吗？我知道一家新开的"
	"面馆，走路五分钟就到，味道很好。\"}}");
static const char head[] =
	"GET /api/v1/users/bob?fields=name HTTP/1.1\r\nHost: chat.example.org\r\n"
	"User-Agent: curl/7.88.1\r\nAccept: */*\r\nAuthorization: Bearer aaaa.bbbb.cccc\r\n\r\n";

struct bench {
	struct ws_pool *pool;
	struct ws_parser *parser;
	struct deflater *deflater;
	struct arena arena;
	struct nuncio_str frame; /* masked, of the envelope */
	char *scratch;
	size_t sink; /* so that nothing is optimised away */
};

static int on_data(struct nuncio_str data, void *user)
{
	((struct bench *)user)->sink += data.n;
	return 0;
}

static int on_message(enum ws_opcode kind, struct nuncio_str data, void *user)
{
	(void)kind;
	return on_data(data, user);
}

static void on_close(uint16_t code, struct nuncio_str reason, void *user)
{
	((struct bench *)user)->sink += code + reason.n;
}

static const struct ws_events events = { on_message, on_data, on_data, on_close };

static void check_envelope(struct bench *b)
{
	b->sink += (size_t)json_check(envelope, NULL, NULL, NULL) + 1;
}

static void check_chinese(struct bench *b)
{
	b->sink += (size_t)json_check(chinese, NULL, NULL, NULL) + 1;
}

static void read_packet(struct bench *b)
{
	struct packet p;
	struct packet_fault fault;
	b->sink += (size_t)packet_read_json(envelope, &p, &fault) + p.seq;
}

static void read_members(struct bench *b)
{
	struct packet p;
	struct packet_fault fault;
	struct nuncio_str child, text;
	packet_read_json(envelope, &p, &fault);
	json_path(p.data, "to.conversation", &child);
	json_text(child, &b->arena, &text);
	b->sink += text.n;
	json_member(p.data, "client_id", &child);
	json_text(child, &b->arena, &text);
	b->sink += text.n;
	json_member(p.data, "body", &child);
	b->sink += child.n;
}

static void feed_whole(struct bench *b)
{
	const struct ws_rules rules = { .kind = WS_TEXT };
	memcpy(b->scratch, b->frame.p, b->frame.n);
	ws_feed(b->pool, &b->parser, &rules, b->scratch, b->frame.n, &events, b, NULL);
}

static void feed_cut(struct bench *b)
{
	const struct ws_rules rules = { .kind = WS_TEXT };
	memcpy(b->scratch, b->frame.p, b->frame.n);
	ws_feed(b->pool, &b->parser, &rules, b->scratch, 50, &events, b, NULL);
	ws_feed(b->pool, &b->parser, &rules, b->scratch + 50, b->frame.n - 50, &events, b, NULL);
}

static void send_response(struct bench *b)
{
	struct packet_out *p = packet_out_response(12345, 0, STR(""),
		STR("{\"conversation\":\"u:alice:bob\",\"seq\":7,\"id\":\"123456789012345678\","
		    "\"sent_at\":\"2026-11-23T08:42:00.123Z\",\"durability\":\"stored\"}"));
	b->sink += packet_out_bytes(p, PACKET_JSON, NULL).n;
	packet_out_unref(&p);
}

static void send_both_forms(struct bench *b)
{
	struct packet_out *p = packet_out_notify(STR("message.new"), envelope);
	b->sink += packet_out_bytes(p, PACKET_JSON, NULL).n +
		   packet_out_bytes(p, PACKET_FRAME, NULL).n;
	packet_out_unref(&p);
}

static void send_deflated(struct bench *b)
{
	struct packet_out *p = packet_out_notify(STR("message.new"), envelope);
	b->sink += packet_out_bytes(p, PACKET_JSON_DEFLATE, b->deflater).n;
	packet_out_unref(&p);
}

static void quote_text(struct bench *b)
{
	struct buf out;
	buf_init(&out);
	json_quote(&out, envelope);
	b->sink += out.used;
	buf_fini(&out);
}

static void read_http(struct bench *b)
{
	size_t used;
	struct http1 *h = http1_new(NULL);
	http1_feed(h, head, sizeof(head) - 1, &used);
	b->sink += http1_request(h)->path.n;
	http1_free(&h);
}

static double now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double round_ns(void (*run)(struct bench *), struct bench *b, double length_ns)
{
	double start = now_ns(), end;
	size_t count = 0;
	do {
		for (int i = 0; i < 256; i++)
			run(b);
		count += 256;
		arena_reset(&b->arena);
		end = now_ns();
	} while (end - start < length_ns);
	return (end - start) / (double)count;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static void report(const char *name, void (*run)(struct bench *), struct bench *b, double length_ns)
{
	double ns[ROUNDS];
	for (int i = 0; i < ROUNDS; i++)
		ns[i] = round_ns(run, b, length_ns);
	qsort(ns, ROUNDS, sizeof(ns[0]), by_value);
	printf("%-44s %8.0f ns  [%.0f..%.0f]\n", name, ns[ROUNDS / 2], ns[0], ns[ROUNDS - 1]);
}

/* Two-byte length: the envelope is between 126 and 65,535 bytes. */
static struct nuncio_str masked_frame(void)
{
	static const char key[4] = { 0x37, 0x7a, 0x21, 0x3d };
	size_t n = envelope.n;
	char *frame = malloc(n + 8);
	if (!frame)
		abort();
	memcpy(frame, "\x81\xFE", 2);
	frame[2] = (char)(n >> 8);
	frame[3] = (char)n;
	memcpy(frame + 4, key, 4);
	for (size_t i = 0; i < n; i++)
		frame[8 + i] = (char)(envelope.p[i] ^ key[i & 3]);
	return (struct nuncio_str){ frame, n + 8 };
}

int main(int argc, char **argv)
{
	double length_ns = (argc > 1 ? atof(argv[1]) : 20) * 1e6;
	struct bench b = {
		.pool = ws_pool_new(), .deflater = deflater_new(), .frame = masked_frame()
	};
	b.scratch = malloc(b.frame.n);
	if (!b.scratch)
		abort();
	arena_init(&b.arena, 0);
	printf("envelope of %zu bytes, Chinese of %zu\n", envelope.n, chinese.n);
	report("json_check", check_envelope, &b, length_ns);
	report("json_check, Chinese", check_chinese, &b, length_ns);
	report("packet_read_json", read_packet, &b, length_ns);
	report("packet_read_json and three members", read_members, &b, length_ns);
	report("ws_feed, whole frame in place", feed_whole, &b, length_ns);
	report("ws_feed, cut in two, through wslay", feed_cut, &b, length_ns);
	report("packet_out_response, sent once", send_response, &b, length_ns);
	report("packet_out_notify in both forms", send_both_forms, &b, length_ns);
	report("packet_out_notify deflated", send_deflated, &b, length_ns);
	report("json_quote of the envelope", quote_text, &b, length_ns);
	report("http1 request", read_http, &b, length_ns);
	fprintf(stderr, "%zu\n", b.sink);
	free(b.scratch);
	free((char *)(uintptr_t)b.frame.p);
	arena_fini(&b.arena);
	deflater_free(&b.deflater);
	ws_pool_free(&b.pool);
	return 0;
}
