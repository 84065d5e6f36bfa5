/* SPDX-License-Identifier: MIT */
#include "loop/loop.h"

#include <sys/socket.h>
#include <time.h>

#include "base/buf.h"
#include "base/metric.h"
#include "loop/thread.h"
#include "tests/lib/unit.h"

/* What the callbacks of one test see and leave. */
struct seen {
	struct loop *l;
	struct loop_io io;
	int fds[2];
	int reads, writes, turns, wakes, spins, signals, last;
	char order[32];
};

static void note(struct seen *s, char c)
{
	size_t n = strlen(s->order);
	if (n + 1 < sizeof(s->order))
		s->order[n] = c;
}

static void on_readable(struct loop *l, struct loop_io *io, int events, void *user)
{
	struct seen *s = user;
	char byte;
	assert_int_equal(events, LOOP_READ);
	assert_int_equal(read(loop_io_fd(io), &byte, 1), 1);
	s->reads++;
	if (byte == '.')
		loop_stop(l);
}

static void reads_until_stopped(void **state)
{
	(void)state;
	struct seen s = { .l = loop_new("test") };
	assert_string_equal(loop_name(s.l), "test");
	assert_int_equal(pipe(s.fds), 0);
	assert_int_equal(write(s.fds[1], "ab.d", 4), 4);
	loop_io_init(&s.io, s.fds[0], on_readable, &s);
	assert_int_equal(loop_io_events(&s.io), 0);
	loop_io_start(s.l, &s.io, LOOP_READ);
	assert_int_equal(loop_io_events(&s.io), LOOP_READ);
	loop_run(s.l);
	assert_int_equal(s.reads, 3);
	assert_false(loop_is_mine(s.l));
	loop_io_stop(s.l, &s.io);
	loop_io_stop(s.l, &s.io);
	loop_free(&s.l);
	assert_null(s.l);
	close(s.fds[0]);
	close(s.fds[1]);
}

static void on_slow(struct loop *l, struct loop_io *io, int events, void *user)
{
	const struct timespec pause = { 0, 3000000 };
	nanosleep(&pause, NULL);
	on_readable(l, io, events, user);
}

/* Four bytes are four turns of three milliseconds; the time between them is nobody's lag. */
static void lag_is_the_time_of_turns(void **state)
{
	static const int64_t bounds[] = { 2900000, 1000000000 };
	struct metric_set *set = metric_set_new();
	struct metric *lag = metric_new_histogram(set, "lag", "", NULL, bounds, 2, 1);
	struct seen s = { .l = loop_new("test") };
	(void)state;
	assert_int_equal(pipe(s.fds), 0);
	assert_int_equal(write(s.fds[1], "abc.", 4), 4);
	loop_io_init(&s.io, s.fds[0], on_slow, &s);
	loop_io_start(s.l, &s.io, LOOP_READ);
	loop_set_lag(s.l, lag);
	loop_run(s.l);
	assert_int_equal(metric_value(lag), 4);
	loop_set_lag(s.l, NULL);
	assert_int_equal(write(s.fds[1], ".", 1), 1);
	loop_run(s.l);
	assert_int_equal(metric_value(lag), 4);
	struct buf out = { 0 };
	metric_write_text(set, &out);
	buf_add_char(&out, '\0');
	assert_non_null(strstr(out.data, "lag_bucket{le=\"2900000\"} 0\n"));
	buf_fini(&out);
	loop_io_stop(s.l, &s.io);
	loop_free(&s.l);
	metric_set_free(&set);
	close(s.fds[0]);
	close(s.fds[1]);
}

static void on_events(struct loop *l, struct loop_io *io, int events, void *user)
{
	struct seen *s = user;
	if (events & LOOP_WRITE) {
		s->writes++;
		loop_io_set(l, io, 0);
		loop_io_set(l, io, LOOP_READ);
		assert_int_equal(write(s->fds[1], "x", 1), 1);
	} else {
		loop_stop(l);
	}
}

static void events_can_change(void **state)
{
	(void)state;
	struct seen s = { .l = loop_new("test") };
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, s.fds), 0);
	loop_io_init(&s.io, s.fds[0], on_events, &s);
	loop_io_start(s.l, &s.io, LOOP_READ | LOOP_WRITE);
	loop_run(s.l);
	assert_int_equal(s.writes, 1);
	assert_int_equal(loop_io_events(&s.io), LOOP_READ);
	loop_io_set(s.l, &s.io, 0);
	assert_int_equal(loop_io_events(&s.io), 0);
	loop_free(&s.l);
	close(s.fds[0]);
	close(s.fds[1]);
}

/* Has work for three turns, and does a part of it in each. */
static bool on_slice(struct loop *l, void *user)
{
	struct seen *s = user;
	if (s->turns == 3) {
		loop_stop(l);
		return false;
	}
	if ((uint64_t)s->last == loop_turn(l)) {
		loop_soon(l);
		return false;
	}
	s->last = (int)loop_turn(l);
	note(s, 's');
	s->turns++;
	return true;
}

static void on_between(struct loop *l, struct loop_io *io, int events, void *user)
{
	(void)l, (void)io, (void)events;
	note(user, 'r');
}

/* A descriptor that is ready gets its turn between two slices, though nothing waits. */
static void slices_let_descriptors_in_between(void **state)
{
	(void)state;
	struct seen s = { .l = loop_new("test") };
	assert_int_equal(pipe(s.fds), 0);
	assert_int_equal(write(s.fds[1], "x", 1), 1);
	loop_io_init(&s.io, s.fds[0], on_between, &s);
	loop_io_start(s.l, &s.io, LOOP_READ);
	loop_on_turn(s.l, on_slice, &s);
	loop_run(s.l);
	assert_string_equal(s.order, "srsrs");
	loop_io_stop(s.l, &s.io);
	loop_free(&s.l);
	close(s.fds[0]);
	close(s.fds[1]);
}

static bool on_turn_a(struct loop *l, void *user)
{
	struct seen *s = user;
	(void)l;
	note(s, 'a');
	return s->turns++ < 2;
}

static bool on_turn_b(struct loop *l, void *user)
{
	struct seen *s = user;
	note(s, 'b');
	if (s->turns == 3 && !s->last++)
		loop_again(l);
	else if (s->last)
		loop_stop(l);
	return false;
}

/*
 * Twice because a did something, once because b asked, once because that round asked for nothing.
 */
static void turns_repeat_until_idle(void **state)
{
	(void)state;
	struct seen s = { .l = loop_new("test") };
	loop_on_turn(s.l, on_turn_a, &s);
	loop_on_turn(s.l, on_turn_b, &s);
	loop_run(s.l);
	assert_string_equal(s.order, "abababab");
	loop_free(&s.l);
}

static bool always_busy(struct loop *l, void *user)
{
	(void)l;
	((struct seen *)user)->turns++;
	return true;
}

static void busy_turns_do_not_starve_descriptors(void **state)
{
	(void)state;
	struct seen s = { .l = loop_new("test") };
	assert_int_equal(pipe(s.fds), 0);
	assert_int_equal(write(s.fds[1], ".", 1), 1);
	loop_io_init(&s.io, s.fds[0], on_readable, &s);
	loop_io_start(s.l, &s.io, LOOP_READ);
	loop_on_turn(s.l, always_busy, &s);
	loop_run(s.l);
	assert_int_equal(s.reads, 1);
	assert_in_range(s.turns, 2, 1000);
	loop_free(&s.l);
	close(s.fds[0]);
	close(s.fds[1]);
}

static void on_wake(struct loop *l, void *user)
{
	struct seen *s = user;
	assert_true(loop_is_mine(l));
	if (++s->wakes == 3)
		loop_stop(l);
}

static void wake_thrice(void *user)
{
	struct seen *s = user;
	char byte;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(read(s->fds[0], &byte, 1), 1);
		loop_wake(s->l);
	}
}

static bool allow_next_wake(struct loop *l, void *user)
{
	struct seen *s = user;
	(void)l;
	if (s->last == s->wakes && s->last++ < 3)
		assert_int_equal(write(s->fds[1], "x", 1), 1);
	return false;
}

static void other_threads_wake(void **state)
{
	(void)state;
	struct seen s = { .l = loop_new("test") };
	struct thread *t = NULL;
	assert_int_equal(pipe(s.fds), 0);
	loop_on_wake(s.l, on_wake, &s);
	loop_on_turn(s.l, allow_next_wake, &s);
	assert_int_equal(thread_start("waker", wake_thrice, &s, &t, NULL), 0);
	loop_run(s.l);
	thread_join(&t);
	assert_int_equal(s.wakes, 3);
	loop_free(&s.l);
	close(s.fds[0]);
	close(s.fds[1]);
}

static void on_one_wake(struct loop *l, void *user)
{
	((struct seen *)user)->wakes++;
	loop_stop(l);
}

static void wakes_fold(void **state)
{
	(void)state;
	struct seen s = { .l = loop_new("test") };
	loop_on_wake(s.l, on_one_wake, &s);
	for (int i = 0; i < 10; i++)
		loop_wake(s.l);
	loop_run(s.l);
	assert_int_equal(s.wakes, 1);
	loop_free(&s.l);
}

static bool once_busy(struct loop *l, void *user)
{
	struct seen *s = user;
	if (s->spins)
		loop_stop(l);
	return s->turns++ == 0;
}

static bool spin_finds_work(void *user)
{
	return ++((struct seen *)user)->spins == 5;
}

static void spins_before_sleeping(void **state)
{
	(void)state;
	struct seen s = { .l = loop_new("test") };
	loop_on_turn(s.l, once_busy, &s);
	loop_on_spin(s.l, spin_finds_work, &s);
	loop_set_spin_us(s.l, 1000000);
	loop_run(s.l);
	assert_int_equal(s.spins, 5);
	loop_free(&s.l);
}

static void on_signal(struct loop *l, int signo, void *user)
{
	((struct seen *)user)->signals = signo;
	loop_stop(l);
}

static void signals_are_callbacks(void **state)
{
	(void)state;
	struct seen s = { .l = loop_new("test") };
	loop_signal(s.l, SIGUSR1, on_signal, &s);
	raise(SIGUSR1);
	loop_run(s.l);
	assert_int_equal(s.signals, SIGUSR1);
	loop_free(&s.l);
}

static void on_byte_tell_time(struct loop *l, struct loop_io *io, int events, void *user)
{
	(void)io;
	(void)events;
	*(int64_t *)user = loop_now_ms(l);
	loop_stop(l);
}

static void stop_before_run_counts(void **state)
{
	(void)state;
	struct seen s = { .l = loop_new("test") };
	loop_stop(s.l);
	loop_run(s.l);
	int64_t now = 0;
	assert_int_equal(pipe(s.fds), 0);
	assert_int_equal(write(s.fds[1], "x", 1), 1);
	loop_io_init(&s.io, s.fds[0], on_byte_tell_time, &now);
	loop_io_start(s.l, &s.io, LOOP_READ);
	loop_run(s.l);
	assert_true(now > 0 && now == loop_now_ms(s.l));
	loop_free(&s.l);
	close(s.fds[0]);
	close(s.fds[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_until_stopped),
		cmocka_unit_test(lag_is_the_time_of_turns),
		cmocka_unit_test(events_can_change),
		cmocka_unit_test(turns_repeat_until_idle),
		cmocka_unit_test(slices_let_descriptors_in_between),
		cmocka_unit_test(busy_turns_do_not_starve_descriptors),
		cmocka_unit_test(other_threads_wake),
		cmocka_unit_test(wakes_fold),
		cmocka_unit_test(spins_before_sleeping),
		cmocka_unit_test(signals_are_callbacks),
		cmocka_unit_test(stop_before_run_counts),
	};
	return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
