/* SPDX-License-Identifier: MIT */
/* Events as bytes and back: the same, and nothing that is not what was packed. */
#include "modules/history/pack.h"

#include <stdlib.h>

#include <nuncio/text.h>

#include "tests/lib/unit.h"

static struct unpacked unpacked;

static struct nuncio_event event(uint64_t seq)
{
	return (struct nuncio_event){ .size = sizeof(struct nuncio_event),
		.flags = NUNCIO_EVENT_MENTIONS_ALL,
		.conversation = nuncio_text("c"),
		.seq = seq,
		.id = UINT64_MAX - seq,
		.sent_at_ms = 1795000000000,
		.type = nuncio_text("message"),
		.from = nuncio_text("ann"),
		.client_id = nuncio_text("1"),
		.kind = nuncio_text("text"),
		.body = nuncio_text("\"\xe4\xb8\xad\""),
		.extra = nuncio_text("\"reply_to\":1"),
		.changed = 9,
		.state = nuncio_text("") };
}

static void expect_same(const struct nuncio_event *a, const struct nuncio_event *b)
{
	assert_int_equal(a->seq, b->seq);
	assert_int_equal(a->id, b->id);
	assert_int_equal(a->sent_at_ms, b->sent_at_ms);
	assert_int_equal(a->target, b->target);
	assert_int_equal(a->changed, b->changed);
	assert_int_equal(a->flags, b->flags);
	assert_true(nuncio_text_same(a->conversation, b->conversation));
	assert_true(nuncio_text_same(a->type, b->type));
	assert_true(nuncio_text_same(a->from, b->from));
	assert_true(nuncio_text_same(a->client_id, b->client_id));
	assert_true(nuncio_text_same(a->kind, b->kind));
	assert_true(nuncio_text_same(a->body, b->body));
	assert_true(nuncio_text_same(a->extra, b->extra));
	assert_true(nuncio_text_same(a->state, b->state));
}

static struct nuncio_str pack_two(void)
{
	static struct nuncio_event rows[2], now;
	now = event(3);
	now.state = nuncio_text("\"edited_at\":1");
	rows[0] = event(7);
	rows[1] = event(8);
	rows[1].target = 3;
	rows[1].now = &now;
	return pack_events(rows, 2);
}

static void comes_back(void **state)
{
	struct nuncio_str bytes = pack_two();
	struct nuncio_event first = event(7), now = event(3);
	(void)state;
	assert_int_equal(unpack_events(bytes, nuncio_text("c"), &unpacked), 0);
	assert_int_equal(unpacked.count, 2);
	expect_same(&unpacked.rows[0], &first);
	assert_null(unpacked.rows[0].now);
	now.state = nuncio_text("\"edited_at\":1");
	assert_int_equal(unpacked.rows[1].target, 3);
	expect_same(unpacked.rows[1].now, &now);
	free((char *)bytes.p);
	bytes = pack_events(NULL, 0);
	assert_int_equal(unpack_events(bytes, nuncio_text("c"), &unpacked), 0);
	assert_int_equal(unpacked.count, 0);
	free((char *)bytes.p);
}

static void what_is_of_another_conversation_is_refused(void **state)
{
	struct nuncio_str bytes = pack_two();
	(void)state;
	assert_int_equal(unpack_events(bytes, nuncio_text("d"), &unpacked), NUNCIO_E_INVAL);
	assert_int_equal(unpacked.count, 0);
	free((char *)bytes.p);
}

/* Cut anywhere, longer, or with any byte changed. Copies, so that sanitizers see the end. */
static void what_is_damaged_is_refused(void **state)
{
	struct nuncio_str bytes = pack_two();
	(void)state;
	for (size_t n = 0; n < bytes.n; n++) {
		char *copy = nuncio_alloc(n);
		memcpy(copy, bytes.p, n);
		assert_int_equal(
			unpack_events((struct nuncio_str){ copy, n }, nuncio_text("c"), &unpacked),
			NUNCIO_E_INVAL);
		free(copy);
	}
	char *copy = nuncio_alloc(bytes.n + 1);
	memcpy(copy, bytes.p, bytes.n);
	assert_int_equal(unpack_events((struct nuncio_str){ copy, bytes.n + 1 }, nuncio_text("c"),
				 &unpacked),
		NUNCIO_E_INVAL);
	for (size_t i = 0; i < bytes.n; i++) {
		copy[i] ^= 1;
		assert_int_equal(unpack_events((struct nuncio_str){ copy, bytes.n },
					 nuncio_text("c"), &unpacked),
			NUNCIO_E_INVAL);
		copy[i] ^= 1;
	}
	free(copy);
	free((char *)bytes.p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(comes_back),
		cmocka_unit_test(what_is_of_another_conversation_is_refused),
		cmocka_unit_test(what_is_damaged_is_refused),
	};
	return cmocka_run_group_tests_name("pack", tests, NULL, NULL);
}
