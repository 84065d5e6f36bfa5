/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/slice.h"
#include "wire/frame.h"

static void reads_frames_in_a_row(void **state)
{
	struct nuncio_str rest = STR("\x01\x00\x00\x01\x02\x00\x02{}\x03\x00\x00\x00\x00\x00\x00");
	struct frame frame;
	(void)state;
	assert_int_equal(frame_next(&rest, &frame), 1);
	assert_int_equal(frame.type, 1);
	assert_int_equal(frame.seq, 258);
	assert_true(str_eq_text(frame.payload, "{}"));
	assert_int_equal(frame_next(&rest, &frame), 1);
	assert_int_equal(frame.type, 3);
	assert_int_equal(frame.payload.n, 0);
	assert_int_equal(frame_next(&rest, &frame), 0);
}

static void refuses_every_cut(void **state)
{
	static const char whole[] = "\x01\xFF\xFF\xFF\xFF\x00\x05hello";
	struct frame frame;
	(void)state;
	for (size_t n = 1; n < sizeof(whole) - 1; n++) {
		struct nuncio_str rest = { whole, n };
		assert_int_equal(frame_next(&rest, &frame), NUNCIO_E_INVAL);
		assert_int_equal(rest.n, n);
	}
	struct nuncio_str rest = { whole, sizeof(whole) - 1 };
	assert_int_equal(frame_next(&rest, &frame), 1);
	assert_true(frame.seq == UINT32_MAX);
}

static void writes_network_byte_order(void **state)
{
	char head[LIMIT_FRAME_HEAD_BYTES];
	(void)state;
	frame_head(head, 2, 0x01020304, 0xFFFE);
	assert_memory_equal(head, "\x02\x01\x02\x03\x04\xFF\xFE", 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_frames_in_a_row),
		cmocka_unit_test(refuses_every_cut),
		cmocka_unit_test(writes_network_byte_order),
	};
	return cmocka_run_group_tests_name("frame", tests, NULL, NULL);
}
