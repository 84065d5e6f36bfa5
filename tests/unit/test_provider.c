/* SPDX-License-Identifier: MIT */
/* The configuration chooses who does a job; a wrong choice names the right ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "provide/provider.h"

static void add(struct provider_set *set, const char *job, const char *name)
{
	struct provider p = { .job = job, .name = name, .module = (void *)name };
	assert_int_equal(provider_add(set, &p), 0);
}

static void choose(void **state)
{
	struct provider_set *set = provider_set_new();
	const struct provider *p;
	struct nuncio_error err;
	(void)state;
	assert_int_equal(provider_choose(set, "store", "", &p, &err), 0);
	assert_null(p);
	assert_int_equal(provider_choose(set, "store", "x", &p, &err), NUNCIO_E_NOTFOUND);
	assert_string_equal(err.text,
		"[core] store = x: no module that is switched on provides it; there is none");
	add(set, "store", "store_memory");
	add(set, "auth", "auth_jwt");
	assert_int_equal(provider_choose(set, "store", "", &p, &err), 1);
	assert_string_equal(p->name, "store_memory");
	add(set, "store", "store_sqlite");
	assert_int_equal(provider_choose(set, "store", "", &p, &err), NUNCIO_E_CONFLICT);
	assert_string_equal(err.text, "[core] store: several modules provide it (store_memory, "
				      "store_sqlite); choose one: store = NAME");
	assert_int_equal(provider_choose(set, "store", "store_sqlite", &p, &err), 1);
	assert_string_equal(p->name, "store_sqlite");
	assert_int_equal(provider_choose(set, "store", "auth_jwt", &p, &err), NUNCIO_E_NOTFOUND);
	assert_string_equal(err.text,
		"[core] store = auth_jwt: no module that is switched on provides it; "
		"there is: store_memory, store_sqlite");
	assert_int_equal(
		provider_add(set, p = &(struct provider){ "auth", "auth_jwt", NULL, NULL, NULL }),
		NUNCIO_E_EXISTS);
	provider_remove_module(set, (void *)"none");
	provider_set_free(&set);
	assert_null(set);
}

static void remove_module(void **state)
{
	static const char name[] = "gone";
	struct provider_set *set = provider_set_new();
	const struct provider *p;
	(void)state;
	add(set, "store", name);
	add(set, "auth", name);
	add(set, "store", "stays");
	provider_remove_module(set, (void *)name);
	assert_int_equal(provider_choose(set, "store", "", &p, NULL), 1);
	assert_string_equal(p->name, "stays");
	assert_int_equal(provider_choose(set, "auth", "", &p, NULL), 0);
	provider_set_free(&set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(choose),
		cmocka_unit_test(remove_module),
	};
	return cmocka_run_group_tests_name("provider", tests, NULL, NULL);
}
