/* SPDX-License-Identifier: MIT */
/* Frames between nodes: what is written is read again, and what cannot be is refused. */
#include "logic/bus_frame.h"

#include "base/buf.h"
#include "base/slice.h"

#include "tests/lib/unit.h"

static struct nuncio_event good_event(void)
{
	return (struct nuncio_event){ .size = sizeof(struct nuncio_event),
		.flags = NUNCIO_EVENT_MENTIONS_ALL,
		.conversation = STR("g:1"),
		.seq = 12,
		.id = UINT64_C(0x123456789abcdef0),
		.sent_at_ms = 1764115200123,
		.type = STR("message"),
		.from = STR("alice"),
		.client_id = STR("c1"),
		.kind = STR("text"),
		.body = STR("\"hello\""),
		.extra = STR("\"reply_to\":3"),
		.target = 4,
		.changed = 5,
		.state = STR("\"edited_at\":\"now\"") };
}

static void check_event(const struct nuncio_event *event)
{
	assert_int_equal(event->size, sizeof *event);
	assert_int_equal(event->flags, NUNCIO_EVENT_MENTIONS_ALL);
	assert_str(event->conversation, "g:1");
	assert_int_equal(event->seq, 12);
	assert_true(event->id == UINT64_C(0x123456789abcdef0));
	assert_int_equal(event->sent_at_ms, 1764115200123);
	assert_str(event->type, "message");
	assert_str(event->from, "alice");
	assert_str(event->client_id, "c1");
	assert_str(event->kind, "text");
	assert_str(event->body, "\"hello\"");
	assert_str(event->extra, "\"reply_to\":3");
	assert_int_equal(event->target, 4);
	assert_int_equal(event->changed, 5);
	assert_str(event->state, "\"edited_at\":\"now\"");
}

static void events_come_through(void **state)
{
	struct nuncio_event event = good_event(), now = good_event();
	struct bus_frame frame;
	struct buf b = { 0 };
	struct nuncio_str name;
	bool is_live;
	size_t at = 0;
	(void)state;
	bus_frame_event(&b, &event);
	assert_int_equal(bus_frame_read(buf_str(&b), &frame), 0);
	assert_int_equal(frame.type, BUS_FRAME_EVENT);
	check_event(&frame.event);
	assert_null(frame.event.now);
	assert_false(bus_frame_next(&frame, &at, &name, &is_live));
	buf_reset(&b);
	event.now = &now;
	bus_frame_event(&b, &event);
	size_t before = b.used;
	bus_frame_add(&b, STR("bob"), false);
	bus_frame_add(&b, STR("g:1"), true);
	assert_int_equal(b.used - before,
		bus_frame_added_bytes(STR("bob")) + bus_frame_added_bytes(STR("g:1")));
	assert_int_equal(bus_frame_read(buf_str(&b), &frame), 0);
	check_event(&frame.event);
	assert_ptr_equal(frame.event.now, &frame.now);
	check_event(frame.event.now);
	assert_true(bus_frame_next(&frame, &at, &name, &is_live));
	assert_str(name, "bob");
	assert_false(is_live);
	assert_true(bus_frame_next(&frame, &at, &name, &is_live));
	assert_str(name, "g:1");
	assert_true(is_live);
	assert_false(bus_frame_next(&frame, &at, &name, &is_live));
	buf_fini(&b);
}

static void others_come_through(void **state)
{
	const struct nuncio_mark mark = {
		.user = STR("bob"), .conversation = STR("d:1"), .delivered = 7, .read = UINT64_MAX
	};
	struct bus_frame frame;
	struct buf b = { 0 };
	(void)state;
	bus_frame_notify(&b, STR("receipt"), STR("{\"a\":1}"));
	assert_int_equal(bus_frame_read(buf_str(&b), &frame), 0);
	assert_int_equal(frame.type, BUS_FRAME_NOTIFY);
	assert_str(frame.op, "receipt");
	assert_str(frame.data, "{\"a\":1}");
	buf_reset(&b);
	bus_frame_mark(&b, &mark);
	assert_int_equal(bus_frame_read(buf_str(&b), &frame), 0);
	assert_int_equal(frame.type, BUS_FRAME_MARK);
	assert_str(frame.mark.user, "bob");
	assert_str(frame.mark.conversation, "d:1");
	assert_int_equal(frame.mark.delivered, 7);
	assert_true(frame.mark.read == UINT64_MAX);
	buf_reset(&b);
	bus_frame_peer(&b, STR("presence"), STR("here"), (struct nuncio_str){ "\0\xff", 2 });
	assert_int_equal(bus_frame_read(buf_str(&b), &frame), 0);
	assert_int_equal(frame.type, BUS_FRAME_PEER);
	assert_str(frame.module, "presence");
	assert_str(frame.name, "here");
	assert_int_equal(frame.data.n, 2);
	assert_memory_equal(frame.data.p, "\0\xff", 2);
	buf_reset(&b);
	bus_frame_peer(&b, STR("m"), STR("n"), STR(""));
	assert_int_equal(bus_frame_read(buf_str(&b), &frame), 0);
	assert_int_equal(frame.data.n, 0);
	buf_fini(&b);
}

/* Every part of a frame, and every frame with one byte changed, is refused or read; never worse. */
static void broken_frames_do_no_harm(void **state)
{
	struct nuncio_event event = good_event(), now = good_event();
	struct bus_frame frame;
	struct buf b = { 0 };
	int refused = 0;
	(void)state;
	event.now = &now;
	bus_frame_event(&b, &event);
	bus_frame_add(&b, STR("bob"), false);
	for (size_t n = 0; n < b.used; n++)
		refused += bus_frame_read((struct nuncio_str){ b.data, n }, &frame) < 0;
	assert_true(refused > (int)b.used / 2);
	for (size_t i = 0; i < b.used; i++) {
		char was = b.data[i];
		for (int bit = 0; bit < 8; bit++) {
			b.data[i] = (char)(was ^ 1 << bit);
			bus_frame_read(buf_str(&b), &frame);
		}
		b.data[i] = was;
	}
	assert_int_equal(bus_frame_read(buf_str(&b), &frame), 0);
	buf_fini(&b);
}

static int read_event(struct nuncio_event event)
{
	struct bus_frame frame;
	struct buf b = { 0 };
	bus_frame_event(&b, &event);
	int rc = bus_frame_read(buf_str(&b), &frame);
	buf_fini(&b);
	return rc;
}

#define REFUSES(member, ...) \
	do { \
		struct nuncio_event event_ = good_event(); \
		event_.member = __VA_ARGS__; \
		assert_int_equal(read_event(event_), NUNCIO_E_INVAL); \
		struct nuncio_event now_ = good_event(); \
		now_.now = &event_; \
		assert_int_equal(read_event(now_), NUNCIO_E_INVAL); \
	} while (0)

static void nothing_else_gets_into_a_packet(void **state)
{
	char name[300];
	(void)state;
	memset(name, 'x', sizeof name);
	assert_int_equal(read_event(good_event()), 0);
	REFUSES(seq, 0);
	REFUSES(conversation, STR(""));
	REFUSES(conversation, STR("g:\n"));
	REFUSES(conversation, (struct nuncio_str){ name, 193 });
	REFUSES(type, STR(""));
	REFUSES(type, STR("a\",\"b"));
	REFUSES(type, STR("Upper"));
	REFUSES(from, STR("a\xff"));
	REFUSES(from, (struct nuncio_str){ name, 65 });
	REFUSES(client_id, STR("\x7f"));
	REFUSES(kind, (struct nuncio_str){ name, 256 });
	REFUSES(body, STR(""));
	REFUSES(body, STR("\"open"));
	REFUSES(body, STR("1 "));
	REFUSES(body, STR("1,2"));
	REFUSES(extra, STR("\"a\":1}"));
	REFUSES(extra, STR("\"a\":1},{\"b\":2"));
	REFUSES(extra, STR("\"a\":1,\"a\":2"));
	REFUSES(state, STR("junk"));
	REFUSES(extra, STR("\"seq\":13"));
	REFUSES(state, STR("\"reply_to\":3"));
}

static void refuse(const char *bytes, size_t n, int status)
{
	struct bus_frame frame;
	assert_int_equal(bus_frame_read((struct nuncio_str){ bytes, n }, &frame), status);
}
#define REFUSE(bytes, status) refuse(bytes, sizeof(bytes) - 1, status)

static void heads_and_fields_are_checked(void **state)
{
	(void)state;
	REFUSE("", NUNCIO_E_INVAL);
	REFUSE("N\1\2", NUNCIO_E_INVAL);
	REFUSE("X\1\2\0", NUNCIO_E_INVAL);
	REFUSE("N\2\2\0", NUNCIO_E_UNSUPPORTED);
	REFUSE("N\1\x63\0", NUNCIO_E_UNSUPPORTED);
	REFUSE("N\1\1\0", NUNCIO_E_INVAL); /* no event in it */
	REFUSE("N\1\2\0\x28\0\0\0\1"
	       "a",
		NUNCIO_E_INVAL); /* op without data */
	REFUSE("N\1\2\0\x28\0\0\0\1a\x29\0\0\0\2"
	       "1",
		NUNCIO_E_INVAL); /* a byte short */
	REFUSE("N\1\2\0\x28\0\0\0\1a\x29\xff\xff\xff\xff"
	       "1",
		NUNCIO_E_INVAL);
	REFUSE("N\1\2\0\x28\0\0\0\1a\x28\0\0\0\1"
	       "b\x29\0\0\0\1"
	       "1",
		NUNCIO_E_INVAL); /* twice */
	REFUSE("N\1\2\0\x28\0\0\0\1a\x29\0\0\0\1"
	       "1\x1e\0\0\0\0",
		NUNCIO_E_INVAL); /* nobody */
	REFUSE("N\1\2\0\x28\0\0\0\1a\x29\0\0\0\1"
	       "1",
		0);
	/* a field that a newer node knows */
	REFUSE("N\1\2\0\xc8\0\0\0\2??\x28\0\0\0\1a\x29\0\0\0\1"
	       "1\x3f\0\0\0\0",
		0);
	REFUSE("N\1\3\0\x32\0\0\0\1"
	       "u\x0a\0\0\0\1"
	       "c\x33\0\0\0\1"
	       "x",
		NUNCIO_E_INVAL); /* no number */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(events_come_through),
		cmocka_unit_test(others_come_through),
		cmocka_unit_test(broken_frames_do_no_harm),
		cmocka_unit_test(nothing_else_gets_into_a_packet),
		cmocka_unit_test(heads_and_fields_are_checked),
	};
	return cmocka_run_group_tests_name("bus_frame", tests, NULL, NULL);
}
