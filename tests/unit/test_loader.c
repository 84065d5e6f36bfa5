/* SPDX-License-Identifier: MIT */
/* The order of start: needs first, wants if possible, otherwise as listed. Files: see tests/api. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "module/loader.h"

enum { A, B, C, D, COUNT };

static struct loader_node nodes[COUNT];
static size_t order[COUNT];
static struct nuncio_error err;

static int set_up(void **state)
{
	static const char *const names[COUNT] = { "a", "b", "c", "d" };
	(void)state;
	for (int i = 0; i < COUNT; i++)
		nodes[i] = (struct loader_node){ .name = names[i] };
	return 0;
}

static void order_is(size_t a, size_t b, size_t c, size_t d)
{
	const size_t expected[COUNT] = { a, b, c, d };
	assert_int_equal(loader_order(nodes, COUNT, order, &err), 0);
	assert_memory_equal(order, expected, sizeof(expected));
}

static void as_listed(void **state)
{
	(void)state;
	order_is(A, B, C, D);
	assert_int_equal(loader_order(nodes, 0, order, &err), 0);
}

static void needs_first(void **state)
{
	static const size_t d_and_c[] = { D, C }, b[] = { B };
	(void)state;
	nodes[A].needs = d_and_c;
	nodes[A].needs_count = 2;
	nodes[D].needs = b;
	nodes[D].needs_count = 1;
	order_is(B, D, C, A);
}

static void wants_first_if_possible(void **state)
{
	static const size_t b[] = { B }, a[] = { A };
	(void)state;
	nodes[A].wants = b;
	nodes[A].wants_count = 1;
	order_is(B, A, C, D);
	nodes[B].needs = a; /* stronger than the want */
	nodes[B].needs_count = 1;
	order_is(A, B, C, D);
	nodes[B].wants = a;
	nodes[B].wants_count = 1;
	nodes[B].needs_count = 0;
	order_is(B, A, C, D); /* the first want wins */
}

static void cycles_are_named(void **state)
{
	static const size_t b[] = { B }, c[] = { C }, a[] = { A };
	(void)state;
	nodes[A].needs = c;
	nodes[C].needs = b;
	nodes[B].needs = a;
	nodes[A].needs_count = nodes[B].needs_count = nodes[C].needs_count = 1;
	assert_int_equal(loader_order(nodes, COUNT, order, &err), NUNCIO_E_CONFLICT);
	assert_string_equal(
		err.text, "modules need each other in a circle: a needs c needs b needs a");
}

static void names_and_missing_files(void **state)
{
	struct nuncio_module_info info;
	struct loader_names names;
	(void)state;
	assert_int_equal(loader_open("/nowhere", "echo", &info, &err), NUNCIO_E_NOTFOUND);
	assert_non_null(strstr(err.text, "/nowhere/echo.so: there is no such module"));
	assert_int_equal(loader_open("/nowhere", "../echo", &info, &err), NUNCIO_E_INVAL);
	assert_int_equal(loader_open("/nowhere", "", &info, &err), NUNCIO_E_INVAL);
	assert_true(loader_list("/nowhere", &names, &err) < 0);
	loader_names_fini(&names);
}

#define T(fn) cmocka_unit_test_setup(fn, set_up)
int main(void)
{
	const struct CMUnitTest tests[] = {
		T(as_listed),
		T(needs_first),
		T(wants_first_if_possible),
		T(cycles_are_named),
		T(names_and_missing_files),
	};
	return cmocka_run_group_tests_name("loader", tests, NULL, NULL);
}
