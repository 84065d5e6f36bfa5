/* SPDX-License-Identifier: MIT */
/* Record writes on their way into a message: what may be there, whose they are, who frees them. */
#include "hook/write_list.h"

#include "base/alloc.h"
#include "base/slice.h"
#include "tests/lib/unit.h"

static struct nuncio_record_write write_of(const char *space, const char *value)
{
	return (struct nuncio_record_write){ .size = sizeof(struct nuncio_record_write),
		.space = str_of(space),
		.owner = STR("d:1"),
		.key = STR("k"),
		.value = { value, value ? strlen(value) : 0 } };
}

static void keeps_copies(void **state)
{
	struct write_list list = { NULL, 0 };
	char value[] = "old";
	struct nuncio_record_write w = write_of("tour", value), none = write_of("tour.x", NULL);
	(void)state;
	w.flags = NUNCIO_WRITE_KEY_SEQ;
	w.expires_at_ms = 7;
	assert_int_equal(write_list_add(&list, "tour", &w), 0);
	assert_int_equal(write_list_add(&list, "tour", &none), 0);
	memcpy(value, "new", 3);
	assert_int_equal(list.count, 2);
	assert_str(list.all[0].space, "tour");
	assert_str(list.all[0].owner, "d:1");
	assert_str(list.all[0].key, "k");
	assert_str(list.all[0].value, "old");
	assert_int_equal(list.all[0].flags, NUNCIO_WRITE_KEY_SEQ);
	assert_int_equal(list.all[0].expires_at_ms, 7);
	assert_null(list.all[1].value.p); /* still a deletion */
	write_list_fini(&list);
	assert_int_equal(list.count, 0);
	write_list_fini(&list);
}

static void refuses_what_cannot_be_there(void **state)
{
	struct write_list list = { NULL, 0 };
	struct nuncio_record_write w = write_of("tour", "v");
	char name[257], *big = alloc_zero(65537);
	(void)state;
	memset(name, 'x', sizeof(name));
	assert_int_equal(write_list_add(&list, "tou", &w), NUNCIO_E_INVAL);
	w = write_of("tourist", "v");
	assert_int_equal(write_list_add(&list, "tour", &w), NUNCIO_E_INVAL);
	w = write_of("tour", "v");
	w.expect = NUNCIO_EXPECT_ABSENT;
	assert_int_equal(write_list_add(&list, "tour", &w), NUNCIO_E_INVAL);
	w = write_of("tour", "v");
	w.flags = NUNCIO_WRITE_SYNCED;
	assert_int_equal(write_list_add(&list, "tour", &w), NUNCIO_E_INVAL);
	w = write_of("tour", "v");
	w.key = (struct nuncio_str){ name, 256 };
	assert_int_equal(write_list_add(&list, "tour", &w), NUNCIO_E_INVAL);
	w.key.n = 236;
	w.flags = NUNCIO_WRITE_KEY_SEQ;
	assert_int_equal(write_list_add(&list, "tour", &w), NUNCIO_E_INVAL);
	w = write_of("tour", "v");
	w.value = (struct nuncio_str){ big, 65537 };
	assert_int_equal(write_list_add(&list, "tour", &w), NUNCIO_E_TOOBIG);
	w.value.n--;
	assert_int_equal(write_list_add(&list, "tour", &w), 0);
	write_list_fini(&list);
	alloc_free(big);
}

/* A module of older headers knows a shorter struct. */
static void takes_what_the_module_knows(void **state)
{
	struct write_list list = { NULL, 0 };
	struct nuncio_record_write w = write_of("tour", "v");
	(void)state;
	w.expires_at_ms = 99;
	w.size = offsetof(struct nuncio_record_write, expires_at_ms);
	assert_int_equal(write_list_add(&list, "tour", &w), 0);
	assert_int_equal(list.all[0].expires_at_ms, 0);
	assert_int_equal(list.all[0].size, sizeof(w));
	write_list_fini(&list);
}

static void has_an_end(void **state)
{
	struct write_list list = { NULL, 0 }, more = { NULL, 0 };
	struct nuncio_record_write w = write_of("tour", "v");
	(void)state;
	for (int i = 0; i < WRITE_LIST_MAX - 1; i++)
		assert_int_equal(write_list_add(&list, "tour", &w), 0);
	assert_int_equal(write_list_move(&list, &more), 0); /* nothing */
	assert_int_equal(write_list_add(&more, "tour", &w), 0);
	assert_int_equal(write_list_move(&list, &more), 0);
	assert_int_equal(list.count, WRITE_LIST_MAX);
	assert_null(more.all);
	assert_int_equal(write_list_add(&list, "tour", &w), NUNCIO_E_TOOBIG);
	assert_int_equal(write_list_add(&more, "tour", &w), 0);
	assert_int_equal(write_list_move(&list, &more), NUNCIO_E_TOOBIG);
	assert_int_equal(more.count, 1);
	write_list_fini(&list);
	assert_int_equal(write_list_move(&list, &more), 0);
	assert_int_equal(list.count, 1);
	write_list_fini(&list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_copies),
		cmocka_unit_test(refuses_what_cannot_be_there),
		cmocka_unit_test(takes_what_the_module_knows),
		cmocka_unit_test(has_an_end),
	};
	return cmocka_run_group_tests_name("write_list", tests, NULL, NULL);
}
