/* SPDX-License-Identifier: MIT */
/*
 * Packets to clients: made once, by any thread, then immutable and shared by reference count.
 *
 * One allocation holds the struct, room for the longest WebSocket header, and the JSON text. The
 * text begins with what only the JSON form has ({"type":"notify", or {"type":"response","seq":7,),
 * and the rest behind it is also the payload of the frame form, which puts its own { in front. Each
 * further form is an allocation of its own, made by the first thread that asks and published
 * through an atomic pointer; when two threads race the loser frees its copy. It lives as long as
 * the packet.
 */
#include "wire/packet.h"

#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/check.h"
#include "base/slice.h"
#include "wire/deflate.h"
#include "wire/frame.h"
#include "wire/json_out.h"
#include "wire/limits.h"
#include "wire/ws.h"

#define PACKET_MAGIC 0x70616b6fu

/* A form other than JSON. `same` stands for "not worth compressing: send the plain form". */
struct variant {
	size_t n;
	bool same;
	char bytes[];
};

struct packet_out {
	uint32_t magic;
	atomic_uint refs;
	uint32_t seq;
	uint8_t type;
	uint8_t head_bytes;    /* of the JSON form's WebSocket header, in front of the text */
	uint16_t prefix_bytes; /* of the text that the frame form does not have */
	uint32_t text_bytes;
	_Atomic(struct variant *) variants[PACKET_FORMS]; /* [PACKET_JSON] stays NULL */
	char bytes[];                                     /* LIMIT_WS_HEAD_BYTES, text */
};

/* ---- making ---- */

static const char *text_of(const struct packet_out *p)
{
	return p->bytes + LIMIT_WS_HEAD_BYTES;
}

/* A packet with room for the text and the header written; the caller fills the text. */
static struct packet_out *make(
	enum packet_type type, uint32_t seq, size_t prefix_bytes, size_t text_bytes)
{
	char head[LIMIT_WS_HEAD_BYTES];
	CHECK(text_bytes <= UINT32_MAX);
	struct packet_out *p = alloc_get(sizeof(*p) + LIMIT_WS_HEAD_BYTES + text_bytes);
	p->magic = PACKET_MAGIC;
	atomic_init(&p->refs, 1);
	p->seq = seq;
	p->type = (uint8_t)type;
	p->prefix_bytes = (uint16_t)prefix_bytes;
	p->text_bytes = (uint32_t)text_bytes;
	for (size_t i = 0; i < PACKET_FORMS; i++)
		atomic_init(&p->variants[i], NULL);
	p->head_bytes = (uint8_t)ws_head(head, WS_TEXT, false, text_bytes);
	memcpy(p->bytes + LIMIT_WS_HEAD_BYTES - p->head_bytes, head, p->head_bytes);
	return p;
}

static char *put(char *at, struct nuncio_str s)
{
	if (s.n)
		memcpy(at, s.p, s.n);
	return at + s.n;
}

struct packet_out *packet_out_notify(struct nuncio_str op, struct nuncio_str data_json)
{
	static const struct nuncio_str prefix = STR_INIT("{\"type\":\"notify\",");
	static const struct nuncio_str before = STR_INIT("\"op\":\""),
				       between = STR_INIT("\",\"data\":");
	struct nuncio_str data = data_json.n ? data_json : STR("{}");
	size_t n = prefix.n + before.n + op.n + between.n + data.n + 1;
	struct packet_out *p = make(PACKET_NOTIFY, 0, prefix.n, n);
	char *at = put(p->bytes + LIMIT_WS_HEAD_BYTES, prefix);
	at = put(at, before);
	at = put(at, op);
	at = put(at, between);
	at = put(at, data);
	*at = '}';
	return p;
}

static struct nuncio_str decimal(char digits[24], int64_t v)
{
	uint64_t left = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
	size_t at = 24;
	do
		digits[--at] = (char)('0' + left % 10);
	while (left /= 10);
	if (v < 0)
		digits[--at] = '-';
	return (struct nuncio_str){ digits + at, 24 - at };
}

struct packet_out *packet_out_response(
	uint32_t seq, int code, struct nuncio_str message, struct nuncio_str data_json)
{
	static const struct nuncio_str before = STR_INIT("{\"type\":\"response\",\"seq\":");
	static const struct nuncio_str key_code = STR_INIT("\"code\":"),
				       key_message = STR_INIT(",\"message\":");
	static const struct nuncio_str key_data = STR_INIT(",\"data\":");
	char seq_digits[24], code_digits[24];
	struct nuncio_str seq_text = decimal(seq_digits, seq),
			  code_text = decimal(code_digits, code);
	struct nuncio_str data = data_json.n ? data_json : STR("{}"), quoted = STR("\"\"");
	struct buf scratch;
	buf_init(&scratch);
	if (message.n) {
		json_quote(&scratch, message);
		quoted = buf_str(&scratch);
	}
	size_t prefix = before.n + seq_text.n + 1;
	size_t n = prefix + key_code.n + code_text.n + key_message.n + quoted.n + key_data.n +
		   data.n + 1;
	struct packet_out *p = make(PACKET_RESPONSE, seq, prefix, n);
	char *at = put(p->bytes + LIMIT_WS_HEAD_BYTES, before);
	at = put(at, seq_text);
	*at++ = ',';
	at = put(at, key_code);
	at = put(at, code_text);
	at = put(at, key_message);
	at = put(at, quoted);
	at = put(at, key_data);
	at = put(at, data);
	*at = '}';
	buf_fini(&scratch);
	return p;
}

static struct packet_out *notify_error(int code, struct nuncio_str message, struct nuncio_str op)
{
	struct buf data;
	struct json_out o;
	buf_init(&data);
	json_out_init(&o, &data);
	json_out_object_begin(&o);
	json_out_key_int(&o, "code", code);
	json_out_key_text(&o, "message", message);
	if (op.n)
		json_out_key_text(&o, "op", op);
	json_out_object_end(&o);
	struct packet_out *p = packet_out_notify(STR("error"), buf_str(&data));
	buf_fini(&data);
	return p;
}

struct packet_out *packet_out_fault(const struct packet_fault *fault)
{
	struct nuncio_str message = str_of(fault->error.text);
	if (fault->seq)
		return packet_out_response(fault->seq, fault->code, message, STR("{}"));
	return notify_error(fault->code, message, STR(""));
}

/* ---- counting ---- */

struct packet_out *packet_out_ref(struct packet_out *p)
{
	CHECK_MAGIC(p, PACKET_MAGIC);
	atomic_fetch_add_explicit(&p->refs, 1, memory_order_relaxed);
	return p;
}

void packet_out_unref(struct packet_out **pp)
{
	struct packet_out *p = *pp;
	*pp = NULL;
	if (!p)
		return;
	CHECK_MAGIC(p, PACKET_MAGIC);
	if (atomic_fetch_sub_explicit(&p->refs, 1, memory_order_acq_rel) != 1)
		return;
	for (size_t i = 0; i < PACKET_FORMS; i++)
		alloc_free(atomic_load_explicit(&p->variants[i], memory_order_relaxed));
	p->magic = 0;
	alloc_free(p);
}

/* ---- further forms ---- */

static struct nuncio_str frame_rest(const struct packet_out *p)
{
	return (struct nuncio_str){ text_of(p) + p->prefix_bytes, p->text_bytes - p->prefix_bytes };
}

/* rest is the payload without its opening bracket. */
static struct variant *make_frame(uint8_t type, uint32_t seq, struct nuncio_str rest)
{
	char head[LIMIT_WS_HEAD_BYTES];
	size_t message_bytes = LIMIT_FRAME_HEAD_BYTES + 1 + rest.n;
	size_t head_bytes = ws_head(head, WS_BINARY, false, message_bytes);
	struct variant *v = alloc_get(sizeof(*v) + head_bytes + message_bytes);
	v->n = head_bytes + message_bytes;
	v->same = false;
	char *at = put(v->bytes, (struct nuncio_str){ head, head_bytes });
	frame_head(at, type, seq, (uint16_t)(1 + rest.n));
	at[LIMIT_FRAME_HEAD_BYTES] = '{';
	put(at + LIMIT_FRAME_HEAD_BYTES + 1, rest);
	return v;
}

/* The op of a notify stands at a fixed place behind the prefix: "op":"...". */
static struct nuncio_str notify_op(const struct packet_out *p)
{
	struct nuncio_str rest = frame_rest(p), op, tail;
	rest.p += 6;
	rest.n -= 6;
	str_cut(rest, '"', &op, &tail);
	return op;
}

static struct variant *make_too_large(const struct packet_out *p)
{
	static const struct nuncio_str why = STR_INIT("larger than a frame can be (65535 bytes)");
	struct packet_out *other =
		p->type == PACKET_RESPONSE
			? packet_out_response(p->seq, NUNCIO_CODE_too_large, why, STR("{}"))
			: notify_error(NUNCIO_CODE_too_large, why, notify_op(p));
	struct variant *v = make_frame(other->type, other->seq, frame_rest(other));
	packet_out_unref(&other);
	return v;
}

static struct variant *make_plain_frame(const struct packet_out *p)
{
	struct nuncio_str rest = frame_rest(p);
	return rest.n + 1 > LIMIT_PACKET_BYTES ? make_too_large(p)
					       : make_frame(p->type, p->seq, rest);
}

/* plain is a whole WebSocket frame; its payload begins where the header ends. */
static struct variant *make_deflated(
	struct nuncio_str plain, enum ws_opcode opcode, struct deflater *deflater)
{
	char head[LIMIT_WS_HEAD_BYTES];
	unsigned char length = (unsigned char)plain.p[1];
	size_t plain_head = length < 126 ? 2 : length == 126 ? 4 : 10;
	struct nuncio_str payload = { plain.p + plain_head, plain.n - plain_head };
	struct variant *v;
	struct buf packed;
	buf_init(&packed);
	if (payload.n >= LIMIT_DEFLATE_MIN_BYTES && deflater_run(deflater, payload, &packed)) {
		size_t head_bytes = ws_head(head, opcode, true, packed.used);
		v = alloc_get(sizeof(*v) + head_bytes + packed.used);
		v->n = head_bytes + packed.used;
		v->same = false;
		put(put(v->bytes, (struct nuncio_str){ head, head_bytes }), buf_str(&packed));
	} else {
		v = ALLOC_NEW(struct variant);
		v->same = true;
	}
	buf_fini(&packed);
	return v;
}

static struct variant *make_variant(
	struct packet_out *p, enum packet_form form, struct deflater *deflater)
{
	switch (form) {
	case PACKET_JSON_DEFLATE:
		return make_deflated(packet_out_bytes(p, PACKET_JSON, NULL), WS_TEXT, deflater);
	case PACKET_FRAME_DEFLATE:
		return make_deflated(packet_out_bytes(p, PACKET_FRAME, NULL), WS_BINARY, deflater);
	default:
		return make_plain_frame(p);
	}
}

static const struct variant *variant_of(
	struct packet_out *p, enum packet_form form, struct deflater *deflater)
{
	struct variant *there = atomic_load_explicit(&p->variants[form], memory_order_acquire);
	if (there)
		return there;
	struct variant *mine = make_variant(p, form, deflater);
	if (atomic_compare_exchange_strong_explicit(
		    &p->variants[form], &there, mine, memory_order_acq_rel, memory_order_acquire))
		return mine;
	alloc_free(mine);
	return there;
}

struct nuncio_str packet_out_bytes(
	struct packet_out *p, enum packet_form form, struct deflater *deflater)
{
	CHECK_MAGIC(p, PACKET_MAGIC);
	if (form == PACKET_JSON)
		return (struct nuncio_str){ text_of(p) - p->head_bytes,
			p->head_bytes + (size_t)p->text_bytes };
	const struct variant *v = variant_of(p, form, deflater);
	if (v->same)
		return packet_out_bytes(
			p, form == PACKET_JSON_DEFLATE ? PACKET_JSON : PACKET_FRAME, NULL);
	return (struct nuncio_str){ v->bytes, v->n };
}

struct nuncio_str packet_out_text(const struct packet_out *p)
{
	return (struct nuncio_str){ text_of(p), p->text_bytes };
}

enum packet_type packet_out_type(const struct packet_out *p)
{
	return (enum packet_type)p->type;
}

uint32_t packet_out_seq(const struct packet_out *p)
{
	return p->seq;
}

size_t packet_out_heap_bytes(const struct packet_out *p)
{
	size_t n = sizeof(*p) + LIMIT_WS_HEAD_BYTES + p->text_bytes;
	for (size_t i = 0; i < PACKET_FORMS; i++) {
		const struct variant *v =
			atomic_load_explicit(&p->variants[i], memory_order_acquire);
		n += v ? sizeof(*v) + v->n : 0;
	}
	return n;
}
