/* SPDX-License-Identifier: MIT */
#include "loop/supervisor.h"

#include <sys/socket.h>
#include <sys/un.h>

#include "base/clock.h"
#include "loop/loop.h"
#include "loop/timer.h"
#include "tests/lib/unit.h"

/* The other end: a datagram socket with an abstract name, so no file is left. */
struct manager {
	int fd;
	char name[64]; /* as in NOTIFY_SOCKET */
};

static void manager_open(struct manager *m)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	snprintf(m->name, sizeof m->name, "@nuncio-test-%d", (int)getpid());
	memcpy(address.sun_path + 1, m->name + 1, strlen(m->name) - 1);
	m->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_true(m->fd >= 0);
	socklen_t bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(m->name));
	assert_int_equal(bind(m->fd, (const struct sockaddr *)&address, bytes), 0);
	setenv("NOTIFY_SOCKET", m->name, 1);
}

/* The oldest message, or "" when there is none. */
static const char *manager_heard(struct manager *m)
{
	static char text[512];
	ssize_t n = recv(m->fd, text, sizeof text - 1, 0);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

static void says_what_happens(void **state)
{
	(void)state;
	struct manager m;
	manager_open(&m);
	struct supervisor *s = supervisor_new();
	assert_null(getenv("NOTIFY_SOCKET"));
	assert_string_equal(manager_heard(&m), "");
	supervisor_ready(s, "3 modules");
	assert_string_equal(manager_heard(&m), "READY=1\nSTATUS=3 modules");
	clock_set_for_test(1234, 0);
	supervisor_reloading(s);
	clock_use_real();
	assert_string_equal(manager_heard(&m), "RELOADING=1\nMONOTONIC_USEC=1234000");
	supervisor_stopping(s);
	assert_string_equal(manager_heard(&m), "STOPPING=1\nSTATUS=stopping");
	supervisor_free(&s);
	assert_null(s);
	supervisor_free(&s);
	close(m.fd);
}

/* Nobody there, nobody any more, and names that are none: nothing happens. */
static void needs_nobody(void **state)
{
	(void)state;
	static const char *const names[] = { NULL, "", "@", "relative", "/no/such/socket",
		"@nobody-listens-here",
		"/a-name-that-is-longer-than-the-108-bytes-for-which-the-"
		"address-of-a-unix-socket-has-room-and-so-cannot-be-one" };
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		if (names[i])
			setenv("NOTIFY_SOCKET", names[i], 1);
		setenv("WATCHDOG_USEC", "1000000", 1);
		struct supervisor *s = supervisor_new();
		assert_null(getenv("NOTIFY_SOCKET"));
		assert_null(getenv("WATCHDOG_USEC"));
		assert_int_equal(supervisor_watch_ms(s), 0);
		supervisor_ready(s, "x");
		supervisor_watch(s, NULL);
		supervisor_free(&s);
	}
	struct manager m;
	manager_open(&m);
	struct supervisor *s = supervisor_new();
	close(m.fd);
	supervisor_ready(s, "x");
	supervisor_free(&s);
}

static void never_waits(void **state)
{
	(void)state;
	struct manager m;
	manager_open(&m);
	struct supervisor *s = supervisor_new();
	for (int i = 0; i < 2000; i++) /* far more than net.unix.max_dgram_qlen */
		supervisor_stopping(s);
	supervisor_free(&s);
	close(m.fd);
}

static int64_t watch_ms_of(const char *usec, const char *pid)
{
	struct manager m;
	manager_open(&m);
	setenv("WATCHDOG_USEC", usec, 1);
	if (pid)
		setenv("WATCHDOG_PID", pid, 1);
	struct supervisor *s = supervisor_new();
	assert_null(getenv("WATCHDOG_PID"));
	int64_t ms = supervisor_watch_ms(s);
	supervisor_free(&s);
	close(m.fd);
	return ms;
}

static void reads_the_watchdog(void **state)
{
	(void)state;
	char mine[16], other[16];
	snprintf(mine, sizeof mine, "%d", (int)getpid());
	snprintf(other, sizeof other, "%d", (int)getpid() + 1);
	assert_int_equal(watch_ms_of("30000000", NULL), 15000);
	assert_int_equal(watch_ms_of("30000000", mine), 15000);
	assert_int_equal(watch_ms_of("30000000", other), 0);
	assert_int_equal(watch_ms_of("1", NULL), 1);
	assert_int_equal(watch_ms_of("0", NULL), 0);
	assert_int_equal(watch_ms_of("-5", NULL), 0);
	assert_int_equal(watch_ms_of("soon", NULL), 0);
	assert_int_equal(watch_ms_of("18446744073709551615", NULL), 0);
}

static void on_end(struct loop *l, struct loop_timer *t, void *user)
{
	(void)t, (void)user;
	loop_stop(l);
}

static void watches_the_loop(void **state)
{
	(void)state;
	struct manager m;
	struct loop_timer end;
	int heard = 0;
	manager_open(&m);
	setenv("WATCHDOG_USEC", "10000", 1);
	struct supervisor *s = supervisor_new();
	struct loop *loop = loop_new("test");
	supervisor_watch(s, loop);
	supervisor_watch(s, loop); /* once is enough */
	loop_timer_init(&end, on_end, NULL);
	loop_timer_start(loop, &end, 52, 0);
	int64_t took_ms = -clock_mono_us() / 1000;
	loop_run(loop);
	took_ms += clock_mono_us() / 1000;
	for (const char *text; *(text = manager_heard(&m)); heard++)
		assert_string_equal(text, "WATCHDOG=1");
	assert_in_range(heard, 2, took_ms / 5 + 1); /* ten on an idle machine */
	supervisor_free(&s);
	loop_timer_start(loop, &end, 20, 0);
	loop_run(loop);
	assert_string_equal(manager_heard(&m), "");
	loop_free(&loop);
	close(m.fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_what_happens),
		cmocka_unit_test(needs_nobody),
		cmocka_unit_test(never_waits),
		cmocka_unit_test(reads_the_watchdog),
		cmocka_unit_test(watches_the_loop),
	};
	return cmocka_run_group_tests_name("supervisor", tests, NULL, NULL);
}
