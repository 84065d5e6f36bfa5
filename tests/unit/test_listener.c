/* SPDX-License-Identifier: MIT */
#include "io/listener.h"

#include <sys/resource.h>
#include <sys/socket.h>

#include "tests/lib/unit.h"

static int listen_on(const char *address, unsigned thread_count, struct io_listeners **l,
	struct nuncio_error *err)
{
	struct io_settings settings;
	const char *const addresses[] = { address };
	io_settings_init(&settings);
	settings.listen = addresses;
	settings.listen_count = 1;
	return io_listen(&settings, thread_count, l, err);
}

static void binds_once_per_thread(void **state)
{
	(void)state;
	struct io_listeners *l;
	struct nuncio_error err = { "" };
	assert_int_equal(listen_on("127.0.0.1:0", 3, &l, &err), 0);
	assert_int_equal(io_listeners_count(l), 1);
	char wanted[64];
	snprintf(wanted, sizeof(wanted), "127.0.0.1:%u", io_listeners_port(l, 0));
	assert_string_equal(io_listeners_address(l, 0), wanted);
	assert_true(io_listeners_port(l, 0) > 0);
	for (int i = 0; i < 3; i++)
		assert_true(l->addresses[0].fds[i] >= 0);
	io_listeners_free(&l);
	assert_null(l);
}

static void a_port_alone_is_every_address(void **state)
{
	(void)state;
	struct io_listeners *l;
	struct nuncio_error err = { "" };
	assert_int_equal(listen_on("0", 1, &l, &err), 0);
	assert_non_null(strstr(io_listeners_address(l, 0),
		io_listeners_address(l, 0)[0] == '[' ? "[::]:" : "0.0.0.0:"));
	io_listeners_free(&l);
}

/* Also when both would share it with SO_REUSEPORT. */
static void a_taken_port_is_an_error(void **state)
{
	(void)state;
	struct io_listeners *l, *second;
	struct nuncio_error err;
	for (unsigned threads = 1; threads <= 2; threads++) {
		char address[64], wanted[128];
		assert_int_equal(listen_on("127.0.0.1:0", threads, &l, &err), 0);
		snprintf(address, sizeof(address), "%s", io_listeners_address(l, 0));
		assert_int_equal(listen_on(address, threads, &second, &err), NUNCIO_E_EXISTS);
		assert_null(second);
		snprintf(wanted, sizeof(wanted), "cannot listen on %s: Address already in use",
			address);
		assert_string_equal(err.text, wanted);
		io_listeners_free(&l);
		assert_int_equal(listen_on(address, threads, &l, &err), 0); /* free again */
		io_listeners_free(&l);
	}
}

static void wrong_addresses_are_named(void **state)
{
	(void)state;
	static const char *const wrong[] = { "", "x", "localhost:80", "127.0.0.1",
		"127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:8x", "1.2.3:80",
		"[::1:80", "::1:80", "[::1]80", "[]:80", ":80", "[1.2.3.4]:80" };
	for (size_t i = 0; i < COUNT_OF(wrong); i++) {
		struct io_listeners *l;
		struct nuncio_error err = { "" };
		if (listen_on(wrong[i], 1, &l, &err) >= 0)
			fail_msg("'%s' was taken", wrong[i]);
		assert_non_null(strstr(err.text, wrong[i]));
	}
}

static void an_address_of_another_host_is_an_error(void **state)
{
	(void)state;
	struct io_listeners *l;
	struct nuncio_error err;
	assert_true(listen_on("192.0.2.1:0", 1, &l, &err) < 0);
	assert_string_equal(
		err.text, "cannot listen on 192.0.2.1:0: Cannot assign requested address");
}

static void leaves_descriptors_for_others(void **state)
{
	(void)state;
	struct io_listeners *l;
	struct io_settings settings;
	struct nuncio_error err;
	struct rlimit limit, small;
	io_settings_init(&settings);
	getrlimit(RLIMIT_NOFILE, &limit);
	assert_int_equal(io_listen(&settings, 1, &l, &err), 0);
	assert_int_equal(
		io_listeners_max_connections(l), limit.rlim_max - settings.descriptor_reserve);
	io_listeners_free(&l);
	small = (struct rlimit){ 64, limit.rlim_max };
	setrlimit(RLIMIT_NOFILE, &small);
	settings.max_connections = 10;
	assert_int_equal(io_listen(&settings, 1, &l, &err), 0);
	assert_int_equal(io_listeners_max_connections(l), 10);
	getrlimit(RLIMIT_NOFILE, &small);
	assert_int_equal(small.rlim_cur, limit.rlim_max); /* raised */
	io_listeners_free(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(binds_once_per_thread),
		cmocka_unit_test(a_port_alone_is_every_address),
		cmocka_unit_test(a_taken_port_is_an_error),
		cmocka_unit_test(wrong_addresses_are_named),
		cmocka_unit_test(an_address_of_another_host_is_an_error),
		cmocka_unit_test(leaves_descriptors_for_others),
	};
	return cmocka_run_group_tests_name("listener", tests, NULL, NULL);
}
