/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <pthread.h>

#include "base/buf.h"
#include "base/slice.h"
#include "wire/deflate.h"
#include "wire/json.h"
#include "wire/limits.h"
#include "wire/packet.h"

static void is_text(struct nuncio_str got, const char *want)
{
	if (!str_eq_text(got, want))
		fail_msg("got %.*s, want %s", (int)got.n, got.p, want);
}

static void reads_a_json_request(void **state)
{
	struct packet p;
	struct packet_fault fault;
	(void)state;
	assert_int_equal(
		packet_read_json(
			STR("{\"type\":\"request\",\"seq\":7,\"op\":\"message.send\",\"x\":0,"
			    "\"data\":{\"a\":1}}"),
			&p, &fault),
		0);
	assert_int_equal(p.seq, 7);
	is_text(p.op, "message.send");
	is_text(p.data, "{\"a\":1}");
	assert_int_equal(
		packet_read_json(
			STR("{\"op\":\"ping\",\"seq\":4294967295,\"type\":\"request\",\"data\":null}"),
			&p, &fault),
		0);
	assert_true(p.seq == UINT32_MAX);
	is_text(p.data, "{}");
}

static void fails(const char *text, uint32_t seq, enum nuncio_code code, const char *message)
{
	struct packet p;
	struct packet_fault fault;
	if (packet_read_json(str_of(text), &p, &fault) >= 0)
		fail_msg("accepted %s", text);
	assert_int_equal(fault.seq, seq);
	assert_int_equal(fault.code, code);
	if (!strstr(fault.error.text, message))
		fail_msg("%s: %s", text, fault.error.text);
}

static void names_the_fault_and_the_seq(void **state)
{
	(void)state;
	fails("", 0, NUNCIO_CODE_bad_json, "byte 0");
	fails("[]", 0, NUNCIO_CODE_bad_json, "not an object");
	fails("{}", 0, NUNCIO_CODE_bad_request, "type");
	fails("{\"type\":\"request\",\"seq\":9,\"op\":}", 9, NUNCIO_CODE_bad_json, "byte 31");
	fails("{\"type\":\"notify\",\"seq\":9,\"op\":\"a\"}", 9, NUNCIO_CODE_bad_request, "type");
	fails("{\"type\":\"request\",\"seq\":9}", 9, NUNCIO_CODE_bad_request, "op");
	fails("{\"type\":\"request\",\"seq\":9,\"op\":7}", 9, NUNCIO_CODE_bad_request, "op");
	fails("{\"type\":\"request\",\"seq\":9,\"op\":\"\"}", 9, NUNCIO_CODE_bad_request, "op");
	fails("{\"type\":\"request\",\"seq\":9,\"op\":\"a b\"}", 9, NUNCIO_CODE_bad_request, "op");
	fails("{\"type\":\"request\",\"seq\":9,\"op\":\"a\\n\"}", 9, NUNCIO_CODE_bad_request, "op");
	fails("{\"type\":\"request\",\"op\":\"a\"}", 0, NUNCIO_CODE_bad_request, "seq");
	fails("{\"type\":\"request\",\"seq\":0,\"op\":\"a\"}", 0, NUNCIO_CODE_bad_request, "seq");
	fails("{\"type\":\"request\",\"seq\":-1,\"op\":\"a\"}", 0, NUNCIO_CODE_bad_request, "seq");
	fails("{\"type\":\"request\",\"seq\":1.5,\"op\":\"a\"}", 0, NUNCIO_CODE_bad_request, "seq");
	fails("{\"type\":\"request\",\"seq\":4294967296,\"op\":\"a\"}", 0, NUNCIO_CODE_bad_request,
		"seq");
	fails("{\"type\":\"request\",\"seq\":\"1\",\"op\":\"a\"}", 0, NUNCIO_CODE_bad_request,
		"seq");
	fails("{\"type\":\"request\",\"seq\":9,\"op\":\"a\",\"data\":[]}", 9,
		NUNCIO_CODE_bad_request, "data");
	fails("{\"type\":\"request\",\"seq\":9,\"seq\":8,\"op\":\"a\"}", 9, NUNCIO_CODE_bad_json,
		"already");
}

static void op_has_a_limit(void **state)
{
	struct packet p;
	struct packet_fault fault;
	char text[200];
	(void)state;
	for (int n = LIMIT_OP_BYTES; n <= LIMIT_OP_BYTES + 1; n++) {
		char op[LIMIT_OP_BYTES + 2] = { 0 };
		memset(op, 'a', (size_t)n);
		snprintf(text, sizeof(text), "{\"type\":\"request\",\"seq\":1,\"op\":\"%s\"}", op);
		assert_int_equal(packet_read_json(str_of(text), &p, &fault),
			n > LIMIT_OP_BYTES ? NUNCIO_E_INVAL : 0);
	}
}

static void reads_frames_and_goes_on_behind_a_bad_one(void **state)
{
	struct nuncio_str rest = STR("\x01\x00\x00\x00\x05\x00\x0d{\"op\":\"ping\"}"
				     "\x02\x00\x00\x00\x06\x00\x0d{\"op\":\"ping\"}"
				     "\x01\x00\x00\x00\x07\x00\x03{x}"
				     "\x01\x00\x00\x00\x00\x00\x0d{\"op\":\"ping\"}"
				     "\x01\x00\x00\x00\x08\x00\x16{\"op\":\"e\",\"data\":{}  }"
				     "\x01\x00");
	struct packet p;
	struct packet_fault fault;
	(void)state;
	assert_int_equal(packet_read_frame(&rest, &p, &fault), 1);
	assert_int_equal(p.seq, 5);
	is_text(p.op, "ping");
	is_text(p.data, "{}");
	assert_int_equal(packet_read_frame(&rest, &p, &fault), NUNCIO_E_INVAL);
	assert_int_equal(fault.seq, 6);
	assert_int_equal(fault.code, NUNCIO_CODE_bad_request);
	assert_int_equal(packet_read_frame(&rest, &p, &fault), NUNCIO_E_INVAL);
	assert_int_equal(fault.seq, 7);
	assert_int_equal(fault.code, NUNCIO_CODE_bad_json);
	assert_int_equal(packet_read_frame(&rest, &p, &fault), NUNCIO_E_INVAL);
	assert_int_equal(fault.seq, 0);
	assert_int_equal(packet_read_frame(&rest, &p, &fault), 1);
	assert_int_equal(p.seq, 8);
	is_text(p.op, "e");
	assert_int_equal(packet_read_frame(&rest, &p, &fault), NUNCIO_E_INVAL); /* cut off */
	assert_int_equal(packet_read_frame(&rest, &p, &fault), 0);
}

static void encodes_a_notify(void **state)
{
	struct packet_out *p = packet_out_notify(STR("message.new"), STR("{\"a\":1}"));
	(void)state;
	is_text(packet_out_text(p),
		"{\"type\":\"notify\",\"op\":\"message.new\",\"data\":{\"a\":1}}");
	is_text(packet_out_bytes(p, PACKET_JSON, NULL),
		"\x81\x33{\"type\":\"notify\",\"op\":\"message.new\",\"data\":{\"a\":1}}");
	struct nuncio_str frame = packet_out_bytes(p, PACKET_FRAME, NULL);
	static const char want[] =
		"\x82\x2a\x03\0\0\0\0\x00\x23{\"op\":\"message.new\",\"data\":{\"a\":1}}";
	assert_int_equal(frame.n, sizeof(want) - 1);
	assert_memory_equal(frame.p, want, frame.n);
	assert_ptr_equal(packet_out_bytes(p, PACKET_FRAME, NULL).p, frame.p);
	assert_int_equal(packet_out_type(p), PACKET_NOTIFY);
	packet_out_unref(&p);
	assert_null(p);
}

static void encodes_a_response(void **state)
{
	struct packet_out *p = packet_out_response(4294967295u, 0, STR(""), STR(""));
	(void)state;
	is_text(packet_out_text(p),
		"{\"type\":\"response\",\"seq\":4294967295,\"code\":0,\"message\":\"\",\"data\":{}}");
	struct nuncio_str frame = packet_out_bytes(p, PACKET_FRAME, NULL);
	assert_memory_equal(frame.p + 2, "\x02\xFF\xFF\xFF\xFF\0", 6);
	is_text((struct nuncio_str){ frame.p + 9, frame.n - 9 },
		"{\"code\":0,\"message\":\"\",\"data\":{}}");
	packet_out_unref(&p);
	p = packet_out_response(1, 1002, STR("say \"x\"\r\n"), STR("null"));
	is_text(packet_out_text(p),
		"{\"type\":\"response\",\"seq\":1,\"code\":1002,\"message\":\"say \\\"x\\\"\\r\\n\",\"data\":null}");
	packet_out_unref(&p);
	packet_out_unref(&p); /* nothing left is fine */
}

static void encodes_faults(void **state)
{
	struct packet_fault fault = { 0, NUNCIO_CODE_bad_json, { "byte 3: x" } };
	struct packet_out *p = packet_out_fault(&fault);
	(void)state;
	is_text(packet_out_text(p),
		"{\"type\":\"notify\",\"op\":\"error\",\"data\":{\"code\":1001,\"message\":\"byte 3: x\"}}");
	packet_out_unref(&p);
	fault.seq = 3;
	p = packet_out_fault(&fault);
	is_text(packet_out_text(p),
		"{\"type\":\"response\",\"seq\":3,\"code\":1001,\"message\":\"byte 3: x\",\"data\":{}}");
	packet_out_unref(&p);
}

/* A JSON text of n bytes. */
static struct nuncio_str text_of(struct buf *b, size_t n)
{
	buf_reset(b);
	buf_add_char(b, '"');
	while (b->used < n - 1)
		buf_add(b, "lorem ipsum ", n - 1 - b->used < 12 ? n - 1 - b->used : 12);
	buf_add_char(b, '"');
	return buf_str(b);
}

static void headers_follow_the_length(void **state)
{
	struct buf b;
	(void)state;
	buf_init(&b);
	for (size_t n = 90; n < 70000; n = n < 400 ? n + 1 : n * 2) {
		struct packet_out *p = packet_out_notify(STR("x"), text_of(&b, n));
		struct nuncio_str json = packet_out_bytes(p, PACKET_JSON, NULL),
				  text = packet_out_text(p);
		size_t head = text.n < 126 ? 2 : text.n < 65536 ? 4 : 10;
		assert_int_equal(json.n, text.n + head);
		assert_ptr_equal(json.p + head, text.p);
		assert_int_equal((unsigned char)json.p[1], text.n < 126     ? text.n
							   : text.n < 65536 ? 126
									    : 127);
		packet_out_unref(&p);
	}
	buf_fini(&b);
}

static void too_large_for_a_frame_is_an_answer(void **state)
{
	struct buf b;
	(void)state;
	buf_init(&b);
	struct packet_out *p = packet_out_response(9, 0, STR(""), text_of(&b, 65535 - 31));
	struct nuncio_str frame = packet_out_bytes(p, PACKET_FRAME, NULL);
	assert_true(frame.n > 65535); /* just fits: 65535 bytes of payload */
	assert_memory_equal(frame.p + 10 + 5, "\xFF\xFF{", 3);
	packet_out_unref(&p);
	p = packet_out_response(9, 0, STR(""), text_of(&b, 65535 - 30));
	frame = packet_out_bytes(p, PACKET_FRAME, NULL);
	assert_true(frame.n < 200);
	assert_memory_equal(frame.p + 2, "\x02\x00\x00\x00\x09", 5);
	assert_non_null(memmem(frame.p, frame.n, "\"code\":1004", 11));
	packet_out_unref(&p);
	p = packet_out_notify(STR("message.new"), text_of(&b, 70000));
	frame = packet_out_bytes(p, PACKET_FRAME, NULL);
	assert_non_null(memmem(frame.p, frame.n, "\"op\":\"error\"", 12));
	assert_non_null(memmem(frame.p, frame.n, "\"op\":\"message.new\"", 18));
	assert_true(packet_out_bytes(p, PACKET_JSON, NULL).n > 70000);
	packet_out_unref(&p);
	buf_fini(&b);
}

static struct nuncio_str inflated(struct nuncio_str frame, struct buf *to)
{
	struct inflater *inflater = inflater_new();
	size_t head = (frame.p[1] & 127) < 126 ? 2 : 4;
	buf_reset(to);
	assert_int_equal(inflater_run(inflater,
				 (struct nuncio_str){ frame.p + head, frame.n - head }, 70000, to),
		0);
	inflater_free(&inflater);
	return buf_str(to);
}

static void deflates_once_for_all(void **state)
{
	struct deflater *deflater = deflater_new();
	struct buf b, back;
	(void)state;
	buf_init(&b);
	buf_init(&back);
	struct packet_out *p = packet_out_notify(STR("x"), text_of(&b, 900));
	struct nuncio_str json = packet_out_bytes(p, PACKET_JSON_DEFLATE, deflater);
	assert_true(json.n < 200);
	assert_int_equal((unsigned char)json.p[0], 0xC1);
	assert_true(str_eq(inflated(json, &back), packet_out_text(p)));
	assert_ptr_equal(packet_out_bytes(p, PACKET_JSON_DEFLATE, deflater).p, json.p);
	struct nuncio_str frame = packet_out_bytes(p, PACKET_FRAME_DEFLATE, deflater);
	assert_int_equal((unsigned char)frame.p[0], 0xC2);
	assert_memory_equal(inflated(frame, &back).p, "\x03\0\0\0\0", 5);
	assert_true(packet_out_heap_bytes(p) > 900);
	packet_out_unref(&p);
	p = packet_out_notify(STR("x"), STR("{}")); /* too small to gain */
	assert_true(str_eq(packet_out_bytes(p, PACKET_JSON_DEFLATE, deflater),
		packet_out_bytes(p, PACKET_JSON, NULL)));
	assert_true(str_eq(packet_out_bytes(p, PACKET_FRAME_DEFLATE, deflater),
		packet_out_bytes(p, PACKET_FRAME, NULL)));
	packet_out_unref(&p);
	deflater_free(&deflater);
	buf_fini(&b);
	buf_fini(&back);
}

static void *ask_for_all(void *user)
{
	struct packet_out *p = user;
	struct deflater *deflater = deflater_new();
	size_t sum = 0;
	for (int form = 0; form < PACKET_FORMS; form++)
		sum += packet_out_bytes(p, (enum packet_form)form, deflater).n;
	deflater_free(&deflater);
	packet_out_unref(&p);
	return (void *)sum;
}

static void threads_share_the_forms(void **state)
{
	struct buf b;
	(void)state;
	buf_init(&b);
	text_of(&b, 2000);
	for (int round = 0; round < 50; round++) {
		struct packet_out *p = packet_out_notify(STR("x"), buf_str(&b));
		pthread_t threads[3];
		void *sums[3];
		for (int i = 0; i < 3; i++)
			assert_int_equal(
				pthread_create(&threads[i], NULL, ask_for_all, packet_out_ref(p)),
				0);
		packet_out_unref(&p);
		for (int i = 0; i < 3; i++)
			pthread_join(threads[i], &sums[i]);
		assert_ptr_equal(sums[0], sums[1]);
		assert_ptr_equal(sums[0], sums[2]);
	}
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_a_json_request),
		cmocka_unit_test(names_the_fault_and_the_seq),
		cmocka_unit_test(op_has_a_limit),
		cmocka_unit_test(reads_frames_and_goes_on_behind_a_bad_one),
		cmocka_unit_test(encodes_a_notify),
		cmocka_unit_test(encodes_a_response),
		cmocka_unit_test(encodes_faults),
		cmocka_unit_test(headers_follow_the_length),
		cmocka_unit_test(too_large_for_a_frame_is_an_answer),
		cmocka_unit_test(deflates_once_for_all),
		cmocka_unit_test(threads_share_the_forms),
	};
	return cmocka_run_group_tests_name("packet", tests, NULL, NULL);
}
