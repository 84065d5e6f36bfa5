/* SPDX-License-Identifier: MIT */
/* The way to the bus module: when it is used, what it is asked, and every answer comes once. */
#include "provide/bus.h"

#include "base/alloc.h"
#include "base/slice.h"
#include "loop/loop.h"
#include "loop/timer.h"

#include "tests/lib/unit.h"

static struct loop *loop;
static struct bus *bus;

static struct {
	char line[200];
	int done, status;
	unsigned char yes[4];
	size_t count;
	struct nuncio_bus_ask *ask; /* kept by the module */
	bool answers_at_once;
} seen;

static void note(const char *word, struct nuncio_str text)
{
	size_t n = strlen(seen.line);
	snprintf(seen.line + n, sizeof seen.line - n, "%s%s" STR_FMT, n ? " " : "", word,
		STR_ARG(text));
}

static void publish(void *impl, const struct nuncio_str *topics, size_t n, struct nuncio_str frame)
{
	assert_ptr_equal(impl, &seen);
	note("frame:", frame);
	for (size_t i = 0; i < n; i++)
		note("to:", topics[i]);
}

static void interest(void *impl, struct nuncio_str topic, int on)
{
	(void)impl;
	note(on ? "+" : "-", topic);
}

static void find(void *impl, const struct nuncio_str *topics, size_t n, struct nuncio_bus_ask *ask)
{
	static const unsigned char yes[] = { 1, 0 };
	(void)impl, (void)topics;
	seen.ask = ask;
	if (seen.answers_at_once)
		nuncio_bus_found(&seen.ask, 0, yes, n);
}

static const struct nuncio_bus_ops all_ops = {
	.size = sizeof all_ops, .publish = publish, .interest = interest, .find = find
};
static const struct nuncio_bus_ops few_ops = {
	.size = sizeof few_ops, .publish = publish, .interest = interest
};

static void on_found(int status, const unsigned char *yes, size_t n, void *user)
{
	assert_ptr_equal(user, &seen);
	seen.done++;
	seen.status = status;
	seen.count = n;
	if (n)
		memcpy(seen.yes, yes, n);
}

static const struct nuncio_str topics[] = { STR_INIT("u:a"), STR_INIT("c:b") };

static void use(const struct nuncio_bus_ops *ops)
{
	const struct provider p = { .job = "bus", .name = "t", .ops = ops, .impl = &seen };
	bus_use(bus, &p);
}

static int setup(void **state)
{
	(void)state;
	memset(&seen, 0, sizeof seen);
	loop = loop_new("test");
	bus = bus_new(loop, NULL, 20);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	bus_free(&bus);
	assert_null(bus);
	bus_free(&bus);
	loop_free(&loop);
	return 0;
}

static void ask(void)
{
	bus_find(bus, topics, 2, on_found, &seen);
}

/* Alone, and before the start and after the stop of the module, nothing happens. */
static void is_used_while_its_module_runs(void **state)
{
	(void)state;
	assert_false(bus_is_there(NULL));
	assert_false(bus_is_there(bus));
	bus_publish(NULL, topics, 2, STR("x"));
	bus_publish(bus, topics, 2, STR("x"));
	bus_start(bus); /* without one: stays alone */
	bus_publish(bus, topics, 2, STR("x"));
	use(&all_ops);
	assert_true(bus_is_there(bus));
	bus_publish(bus, topics, 2, STR("x"));
	bus_interest(bus, topics[0], true);
	assert_string_equal(seen.line, "");
	bus_start(bus);
	bus_interest(bus, topics[0], true);
	bus_publish(bus, topics, 2, STR("x"));
	bus_publish(bus, NULL, 0, STR("y"));
	bus_interest(bus, topics[0], false);
	assert_string_equal(seen.line, "+u:a frame:x to:u:a to:c:b frame:y -u:a");
	bus_stop(bus);
	bus_publish(bus, topics, 2, STR("x"));
	assert_string_equal(seen.line, "+u:a frame:x to:u:a to:c:b frame:y -u:a");
	bus_use(bus, NULL);
	assert_false(bus_is_there(bus));
}

static void frames_have_a_limit(void **state)
{
	char *large = alloc_zero(BUS_FRAME_BYTES + 1);
	(void)state;
	use(&all_ops);
	bus_start(bus);
	bus_publish(bus, topics, 1, (struct nuncio_str){ large, BUS_FRAME_BYTES + 1 });
	bus_publish(bus, topics, 1, STR(""));
	assert_string_equal(seen.line, "");
	bus_publish(bus, NULL, 0, (struct nuncio_str){ large, BUS_FRAME_BYTES });
	assert_string_not_equal(seen.line, "");
	alloc_free(large);
}

static void a_question_is_answered_once(void **state)
{
	static const unsigned char yes[] = { 0, 1 };
	(void)state;
	use(&all_ops);
	bus_start(bus);
	seen.answers_at_once = true;
	ask();
	assert_int_equal(seen.done, 1);
	assert_int_equal(seen.count, 2);
	assert_true(seen.yes[0] && !seen.yes[1]);
	seen.answers_at_once = false;
	ask();
	assert_int_equal(seen.done, 1);
	nuncio_bus_found(&seen.ask, 0, yes, 2);
	assert_null(seen.ask);
	assert_int_equal(seen.done, 2);
	assert_true(!seen.yes[0] && seen.yes[1]);
	ask();
	nuncio_bus_found(&seen.ask, NUNCIO_E_BUSY, NULL, 0);
	assert_int_equal(seen.status, NUNCIO_E_BUSY);
	assert_int_equal(seen.count, 0);
}

static void who_cannot_be_asked_says_so(void **state)
{
	(void)state;
	ask();
	assert_int_equal(seen.status, NUNCIO_E_UNSUPPORTED);
	use(&few_ops);
	bus_start(bus);
	ask();
	assert_int_equal(seen.done, 2);
	assert_int_equal(seen.status, NUNCIO_E_UNSUPPORTED);
	bus_find(NULL, topics, 2, on_found, &seen);
	assert_int_equal(seen.done, 3);
}

static void stop_answers_what_is_open(void **state)
{
	(void)state;
	use(&all_ops);
	bus_start(bus);
	ask();
	bus_stop(bus);
	assert_int_equal(seen.done, 1);
	assert_int_equal(seen.status, NUNCIO_E_GONE);
	nuncio_bus_found(&seen.ask, 0, (const unsigned char *)"\1\1", 2); /* nobody waits */
	assert_int_equal(seen.done, 1);
}

static void end_loop(struct loop *l, struct loop_timer *timer, void *user)
{
	(void)timer, (void)user;
	if (seen.done)
		loop_stop(l);
}

static void a_question_has_a_deadline(void **state)
{
	struct loop_timer timer;
	(void)state;
	use(&all_ops);
	bus_start(bus);
	ask();
	loop_timer_init(&timer, end_loop, NULL);
	loop_timer_start(loop, &timer, 10, 10);
	loop_run(loop);
	loop_timer_stop(loop, &timer);
	assert_int_equal(seen.status, NUNCIO_E_TIMEOUT);
	/* its module never answers: freed with the bus */
}

static void questions_are_bounded(void **state)
{
	(void)state;
	use(&all_ops);
	bus_start(bus);
	for (int i = 0; i < BUS_FINDS_MAX; i++)
		ask();
	assert_int_equal(seen.done, 0);
	ask();
	assert_int_equal(seen.done, 1);
	assert_int_equal(seen.status, NUNCIO_E_BUSY);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(is_used_while_its_module_runs),
		TEST(frames_have_a_limit),
		TEST(a_question_is_answered_once),
		TEST(who_cannot_be_asked_says_so),
		TEST(stop_answers_what_is_open),
		TEST(a_question_has_a_deadline),
		TEST(questions_are_bounded),
	};
	return cmocka_run_group_tests_name("bus", tests, NULL, NULL);
}
