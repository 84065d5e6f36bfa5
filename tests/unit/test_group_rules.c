/* SPDX-License-Identifier: MIT */
/* Who may what, as tables: stranger, former member, member, admin, owner. */
#include "modules/group/rules.h"
#include "tests/lib/unit.h"

static const struct standing stranger = { 0 }, former = { .since = 2, .until = 9 },
			     member = { .is_member = 1 },
			     admin = { .is_member = 1, .role = NUNCIO_GROUP_ADMIN },
			     owner = { .is_member = 1, .role = NUNCIO_GROUP_OWNER };
static const struct standing *const all[] = { &stranger, &former, &member, &admin, &owner };

enum { OK = 0, NOT = NUNCIO_CODE_not_member, NO = NUNCIO_CODE_denied };

/* A refusal always has words. */
static void assert_code(int code, int expected, const char *text)
{
	assert_int_equal(code, expected);
	if (code > 0)
		assert_true(text && strlen(text) > 10);
}

typedef int rule_fn(const struct standing *who, const char **text_r);

static void assert_rule(rule_fn *rule, const int expected[5])
{
	for (size_t i = 0; i < COUNT_OF(all); i++) {
		const char *text = NULL;
		int code = rule(all[i], &text);
		assert_code(code, expected[i], text);
	}
}

static void ranks_open_doors(void **state)
{
	(void)state;
	assert_rule(rules_see, (int[]){ NOT, OK, OK, OK, OK });
	assert_rule(rules_member, (int[]){ NOT, NOT, OK, OK, OK });
	assert_rule(rules_admin, (int[]){ NOT, NOT, NO, OK, OK });
	assert_rule(rules_owner, (int[]){ NOT, NOT, NO, NO, OK });
	assert_rule(rules_leave, (int[]){ NOT, NOT, OK, OK, NUNCIO_CODE_owner_stays });
}

static void writing_depends_on_the_mode(void **state)
{
	static const struct {
		struct rules_mode mode;
		int expected[5];
	} cases[] = {
		{ { 0 }, { NOT, NOT, OK, OK, OK } },
		{ { .is_muted = 1 }, { NOT, NOT, NUNCIO_CODE_muted, OK, OK } },
		{ { .is_channel = 1 }, { NOT, NOT, NUNCIO_CODE_read_only, OK, OK } },
		{ { .is_channel = 1, .is_muted = 1 }, { NOT, NOT, NUNCIO_CODE_read_only, OK, OK } },
		{ { .is_dissolved = 1 }, { NOT, NOT, NOT, NOT, NOT } },
	};
	(void)state;
	for (size_t c = 0; c < COUNT_OF(cases); c++)
		for (size_t i = 0; i < COUNT_OF(all); i++) {
			const char *text = NULL;
			int code = rules_write(all[i], &cases[c].mode, 1000, &text);
			assert_code(code, cases[c].expected[i], text);
		}
}

static void a_mute_ends_by_itself(void **state)
{
	const struct rules_mode mode = { 0 };
	struct standing who = admin;
	const char *text = NULL;
	(void)state;
	who.muted_until_ms = 1000;
	int code = rules_write(&who, &mode, 999, &text);
	assert_code(code, NUNCIO_CODE_muted, text);
	assert_int_equal(rules_write(&who, &mode, 1000, &text), 0);
}

typedef int pair_fn(const struct standing *who, const struct standing *other, const char **text_r);

static void assert_pairs(pair_fn *rule, const int expected[5][5])
{
	for (size_t i = 0; i < COUNT_OF(all); i++)
		for (size_t j = 0; j < COUNT_OF(all); j++) {
			const char *text = NULL;
			int code = rule(all[i], all[j], &text);
			assert_code(code, expected[i][j], text);
		}
}

static void one_stands_above_another(void **state)
{
	enum { NONE = NUNCIO_CODE_not_found, STAYS = NUNCIO_CODE_owner_stays };
	static const int above[5][5] = {
		{ NOT, NOT, NOT, NOT, NOT },
		{ NOT, NOT, NOT, NOT, NOT },
		{ NO, NO, NO, NO, NO },
		{ NONE, NONE, OK, NO, NO },
		{ NONE, NONE, OK, OK, NO },
	};
	static const int role[5][5] = {
		{ NOT, NOT, NOT, NOT, NOT },
		{ NOT, NOT, NOT, NOT, NOT },
		{ NO, NO, NO, NO, NO },
		{ NO, NO, NO, NO, NO },
		{ NONE, NONE, OK, OK, STAYS },
	};
	(void)state;
	assert_pairs(rules_above, above);
	assert_pairs(rules_set_role, role);
	assert_pairs(rules_transfer, role);
}

static void the_way_in_is_the_groups(void **state)
{
	enum { IS = NUNCIO_CODE_already_member, ONLY = NUNCIO_CODE_invite_only };
	static const int expected[3][2][5] = {
		[RECORD_JOIN_INVITE] = { { ONLY, ONLY, IS, IS, IS }, { OK, OK, IS, IS, IS } },
		[RECORD_JOIN_APPROVAL] = { { RULES_ASK, RULES_ASK, IS, IS, IS },
			{ OK, OK, IS, IS, IS } },
		[RECORD_JOIN_OPEN] = { { OK, OK, IS, IS, IS }, { OK, OK, IS, IS, IS } },
	};
	static struct record record;
	(void)state;
	for (record.join = 0; record.join < 3; record.join++)
		for (int invited = 0; invited < 2; invited++)
			for (size_t i = 0; i < COUNT_OF(all); i++) {
				const char *text = NULL;
				int code = rules_join(&record, all[i], invited, &text);
				assert_code(code, expected[record.join][invited][i], text);
			}
}

/* Everybody invites into an open group; else, and into channels, the admins. */
static void inviting_is_as_open_as_the_group(void **state)
{
	static const int everybody[5] = { NOT, NOT, OK, OK, OK },
			 admins[5] = { NOT, NOT, NO, OK, OK };
	static struct record record;
	(void)state;
	for (record.join = 0; record.join < 3; record.join++)
		for (record.is_channel = 0; record.is_channel < 2; record.is_channel++)
			for (size_t i = 0; i < COUNT_OF(all); i++) {
				const char *text = NULL;
				int is_open = record.join == RECORD_JOIN_OPEN && !record.is_channel;
				int code = rules_invite(&record, all[i], &text);
				assert_code(code, is_open ? everybody[i] : admins[i], text);
			}
}

static void readers_of_a_channel_see_who_writes(void **state)
{
	static struct record record;
	const char *text = NULL;
	(void)state;
	assert_int_equal(rules_list(&record, &member, 0, &text), 0);
	int code = rules_list(&record, &former, 0, &text);
	assert_code(code, NOT, text);
	record.is_channel = 1;
	code = rules_list(&record, &member, 0, &text);
	assert_code(code, NO, text);
	assert_int_equal(rules_list(&record, &member, NUNCIO_GROUP_ADMIN, &text), 0);
	assert_int_equal(rules_list(&record, &admin, 0, &text), 0);
	code = rules_list(&record, &stranger, NUNCIO_GROUP_ADMIN, &text);
	assert_code(code, NOT, text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranks_open_doors),
		cmocka_unit_test(writing_depends_on_the_mode),
		cmocka_unit_test(a_mute_ends_by_itself),
		cmocka_unit_test(one_stands_above_another),
		cmocka_unit_test(the_way_in_is_the_groups),
		cmocka_unit_test(inviting_is_as_open_as_the_group),
		cmocka_unit_test(readers_of_a_channel_see_who_writes),
	};
	return cmocka_run_group_tests_name("group_rules", tests, NULL, NULL);
}
