/* SPDX-License-Identifier: MIT */
#include "modules/direct/direct_id.h"
#include "tests/lib/unit.h"

static struct nuncio_str s(const char *text)
{
	return (struct nuncio_str){ text, strlen(text) };
}

static void assert_id(const char *a, const char *b, const char *id)
{
	char out[193];
	assert_int_equal(direct_id_write(s(a), s(b), out, sizeof out), strlen(id));
	assert_string_equal(out, id);
	assert_int_equal(direct_id_write(s(b), s(a), out, sizeof out), strlen(id));
	assert_string_equal(out, id);
}

static void writes_the_same_from_both_sides(void **state)
{
	(void)state;
	assert_id("alice", "bob", "d:5:alice:bob");
	assert_id("a", "ab", "d:1:a:ab");
	assert_id("alice", "alice", "d:5:alice:alice");
	assert_id("你好", "zoe", "d:3:zoe:你好");
}

static void keeps_colons_apart(void **state)
{
	(void)state;
	assert_id("a:b", "c", "d:3:a:b:c");
	assert_id("a", "b:c", "d:1:a:b:c");
	assert_id("1:a", "2", "d:3:1:a:2");
}

static void reads_what_it_wrote(void **state)
{
	static const char *const users[] = { "alice", "bob", "a:b", "b:", ":", "1", "ü", "x y" };
	(void)state;
	for (size_t i = 0; i < COUNT_OF(users); i++) {
		for (size_t j = 0; j < COUNT_OF(users); j++) {
			char out[193];
			struct direct_pair pair;
			int n = direct_id_write(s(users[i]), s(users[j]), out, sizeof out);
			assert_true(n > 0);
			assert_int_equal(
				direct_id_read((struct nuncio_str){ out, (size_t)n }, &pair), 0);
			assert_str(direct_peer(&pair, s(users[i])), users[j]);
			assert_str(direct_peer(&pair, s(users[j])), users[i]);
			assert_str(direct_peer(&pair, s("stranger")), "");
			assert_int_equal(direct_pair_is_one(&pair), i == j);
		}
	}
}

static void takes_the_longest_users(void **state)
{
	char a[65], b[65], out[193];
	struct direct_pair pair;
	(void)state;
	memset(a, 'a', 64);
	memset(b, 'b', 64);
	a[64] = b[64] = '\0';
	int n = direct_id_write(s(a), s(b), out, sizeof out);
	assert_int_equal(n, DIRECT_ID_BYTES);
	assert_int_equal(direct_id_read((struct nuncio_str){ out, (size_t)n }, &pair), 0);
	assert_str(pair.second, b);
	assert_int_equal(direct_id_write(s(a), s(b), out, (size_t)n), NUNCIO_E_TOOBIG);
}

static void refuses_other_forms(void **state)
{
	static const char *const ids[] = { "", "d", "d:", "d::", "d:5", "d:5:", "d:5:alice",
		"d:5:alice:", "d:5:bob:alice", "d:3:bob:alice", "d:05:alice:bob", "d:+5:alice:bob",
		"d:0::bob", "d:65:alice:bob", "d:99999:alice:bob", "D:5:alice:bob", "d:5:alice bob",
		"d:4:alice:bob", "d:6:alice:bob", "d:5:alice:b\nb", "d:5:al\177ce:bob",
		"d:5:alice:\xff", "d:5:alice:\xc0\x80", "d:5:alice:\xed\xa0\x80", "g:5:alice:bob",
		" d:5:alice:bob", "d:-1:alice:bob" };
	(void)state;
	for (size_t i = 0; i < COUNT_OF(ids); i++) {
		struct direct_pair pair;
		if (direct_id_read(s(ids[i]), &pair) != NUNCIO_E_INVAL)
			fail_msg("taken: %s", ids[i]);
	}
}

static void refuses_what_is_no_user(void **state)
{
	char out[193], long_one[66];
	(void)state;
	memset(long_one, 'x', 65);
	long_one[65] = '\0';
	assert_int_equal(direct_id_write(s("a"), s(""), out, sizeof out), NUNCIO_E_INVAL);
	assert_int_equal(direct_id_write(s("a"), s(long_one), out, sizeof out), NUNCIO_E_INVAL);
	assert_int_equal(direct_id_write(s("a"), s("b\tc"), out, sizeof out), NUNCIO_E_INVAL);
	assert_int_equal(
		direct_id_write(s("a"), s("\xf5\x80\x80\x80"), out, sizeof out), NUNCIO_E_INVAL);
	assert_int_equal(direct_id_write(s("a"), s("\xe4\xbd"), out, sizeof out), NUNCIO_E_INVAL);
	assert_int_equal(direct_id_write(s("a"), (struct nuncio_str){ "b\0c", 3 }, out, sizeof out),
		NUNCIO_E_INVAL);
	assert_true(direct_user_is_valid(s("😀")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_the_same_from_both_sides),
		cmocka_unit_test(keeps_colons_apart),
		cmocka_unit_test(reads_what_it_wrote),
		cmocka_unit_test(takes_the_longest_users),
		cmocka_unit_test(refuses_other_forms),
		cmocka_unit_test(refuses_what_is_no_user),
	};
	return cmocka_run_group_tests_name("direct_id", tests, NULL, NULL);
}
