/* SPDX-License-Identifier: MIT */
/* What a message keeps of reactions and other changes. */
#include "modules/messages/messages.h"
#include "tests/lib/unit.h"

#include <string.h>

static struct nuncio_str s(const char *text)
{
	return nuncio_text(text);
}

/* Applies it to `state`; the new state is static text, or NULL with the result in *rc_r. */
static const char *change(
	const char *state, const char *emoji, const char *user, bool is_taken_back, int *rc_r)
{
	static char text[1024];
	const struct reaction reaction = { s(emoji), s(user), is_taken_back, 3, 2 };
	struct nuncio_json *json = NULL;
	*rc_r = reactions_change(s(state), &reaction, &json);
	if (*rc_r != 1)
		return NULL;
	assert_int_equal(nuncio_text_copy(state_text(json), text, sizeof text), 0);
	nuncio_json_free(&json);
	return text;
}

static void adds_in_order(void **state)
{
	int rc;
	(void)state;
	assert_string_equal(change("", "👍", "alice", false, &rc),
		"\"reactions\":[{\"emoji\":\"👍\",\"users\":[\"alice\"]}]");
	assert_string_equal(change("\"reactions\":[{\"emoji\":\"👍\",\"users\":[\"alice\"]}]", "👍",
				    "bob", false, &rc),
		"\"reactions\":[{\"emoji\":\"👍\",\"users\":[\"alice\",\"bob\"]}]");
	assert_string_equal(
		change("\"edited_at\":\"x\",\"reactions\":[{\"emoji\":\"👍\",\"users\":[\"alice\"]}]",
			"❤", "alice", false, &rc),
		"\"edited_at\":\"x\",\"reactions\":[{\"emoji\":\"👍\",\"users\":[\"alice\"]},"
		"{\"emoji\":\"❤\",\"users\":[\"alice\"]}]");
}

static void counts_once(void **state)
{
	int rc;
	(void)state;
	assert_null(change("\"reactions\":[{\"emoji\":\"👍\",\"users\":[\"alice\"]}]", "👍", "alice",
		false, &rc));
	assert_int_equal(rc, 0);
	assert_null(change("", "👍", "alice", true, &rc));
	assert_int_equal(rc, 0);
	/* written with escapes it is the same one */
	assert_null(change("\"reactions\":[{\"emoji\":\"\\u2764\",\"users\":[\"\\u0061lice\"]}]",
		"❤", "alice", false, &rc));
	assert_int_equal(rc, 0);
}

static void takes_back(void **state)
{
	int rc;
	(void)state;
	assert_string_equal(
		change("\"reactions\":[{\"emoji\":\"👍\",\"users\":[\"alice\",\"bob\"]}]", "👍",
			"alice", true, &rc),
		"\"reactions\":[{\"emoji\":\"👍\",\"users\":[\"bob\"]}]");
	assert_string_equal(change("\"reactions\":[{\"emoji\":\"👍\",\"users\":[\"alice\"]},"
				   "{\"emoji\":\"x\",\"users\":[\"bob\"]}]",
				    "👍", "alice", true, &rc),
		"\"reactions\":[{\"emoji\":\"x\",\"users\":[\"bob\"]}]");
	assert_string_equal(
		change("\"pinned_at\":\"y\",\"reactions\":[{\"emoji\":\"👍\",\"users\":[\"alice\"]}]",
			"👍", "alice", true, &rc),
		"\"pinned_at\":\"y\"");
}

static void is_bounded(void **state)
{
	const char *full = "\"reactions\":[{\"emoji\":\"a\",\"users\":[\"x\",\"y\"]},"
			   "{\"emoji\":\"b\",\"users\":[\"x\"]}]";
	int rc;
	(void)state;
	assert_null(change(full, "c", "z", false, &rc));
	assert_int_equal(rc, NUNCIO_E_TOOBIG);
	assert_non_null(change(full, "b", "x", true, &rc));
	const char *two = "\"reactions\":[{\"emoji\":\"a\",\"users\":[\"x\"]},"
			  "{\"emoji\":\"b\",\"users\":[\"x\"]}]";
	assert_null(change(two, "c", "x", false, &rc));
	assert_int_equal(rc, NUNCIO_E_DENIED);
	assert_non_null(change(two, "c", "y", false, &rc));
}

static void knows_emojis(void **state)
{
	(void)state;
	assert_true(reaction_is_emoji(s("👩‍👩‍👧")));
	assert_true(reaction_is_emoji(s("+1")));
	assert_false(reaction_is_emoji(s("")));
	assert_false(reaction_is_emoji(s("a b")));
	assert_false(reaction_is_emoji(s("a\n")));
	assert_false(reaction_is_emoji(s("123456789012345678901234567890123")));
}

static void keeps_other_members(void **state)
{
	static const char *const without[] = { "a", "c", NULL };
	struct nuncio_str value;
	char *own;
	(void)state;
	struct nuncio_json *json = state_begin(s("\"a\":1,\"b\":{\"x\":[2]},\"c\":3"), without);
	nuncio_json_key(json, "d");
	nuncio_json_put_int(json, 4);
	struct nuncio_str text = state_text(json);
	assert_true(nuncio_text_same(text, s("\"b\":{\"x\":[2]},\"d\":4")));
	assert_int_equal(state_get(text, "b.x", &value, &own), 1);
	assert_true(nuncio_text_same(value, s("[2]")));
	free(own);
	assert_int_equal(state_get(s(""), "b", &value, &own), 0);
	free(own);
	nuncio_json_free(&json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(adds_in_order),
		cmocka_unit_test(counts_once),
		cmocka_unit_test(takes_back),
		cmocka_unit_test(is_bounded),
		cmocka_unit_test(knows_emojis),
		cmocka_unit_test(keeps_other_members),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
