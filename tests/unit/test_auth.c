/* SPDX-License-Identifier: MIT */
/* Tokens are checked by a provider, now or later; odd user ids, silence and absence are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/slice.h"
#include "loop/loop.h"
#include "provide/auth.h"

struct rig {
	struct loop *loop;
	struct auth *auth;
	struct nuncio_auth *asked; /* by the provider, to be answered later */
	bool answers_now;
	int done, status;
	char user[80], text[120];
};

static void give(struct nuncio_auth **question, int status, const char *user)
{
	struct nuncio_claims claims = { .size = sizeof(claims), .user = str_of(user) };
	nuncio_auth_done(question, status, status ? NULL : &claims, NULL);
}

static void on_check(void *impl, struct nuncio_str token, struct nuncio_auth *question)
{
	struct rig *rig = impl;
	if (rig->answers_now)
		give(&question, 0, token.p);
	else
		rig->asked = question;
}

static void on_done(int status, const struct nuncio_claims *claims, const char *text, void *user)
{
	struct rig *rig = user;
	rig->done++;
	rig->status = status;
	snprintf(rig->user, sizeof(rig->user), STR_FMT, STR_ARG(claims ? claims->user : STR("-")));
	snprintf(rig->text, sizeof(rig->text), "%s", text);
	loop_stop(rig->loop);
}

static const struct nuncio_auth_ops ops = { .size = sizeof(ops), .check = on_check };

static int set_up(void **state)
{
	static struct rig rig;
	memset(&rig, 0, sizeof(rig));
	rig.loop = loop_new("test");
	rig.auth = auth_new(rig.loop, 2);
	auth_use(rig.auth, &(struct provider){ .ops = &ops, .impl = &rig });
	*state = &rig;
	return 0;
}

static int tear_down(void **state)
{
	struct rig *rig = *state;
	auth_free(&rig->auth);
	loop_free(&rig->loop);
	return 0;
}

static void nobody_checks(void **state)
{
	struct rig *rig = *state;
	auth_use(rig->auth, NULL);
	assert_false(auth_is_there(rig->auth));
	assert_null(auth_check(rig->auth, STR("x"), on_done, rig));
	assert_int_equal(rig->status, NUNCIO_E_UNSUPPORTED);
	assert_string_equal(rig->text, "no module checks tokens");
}

static void answers_at_once(void **state)
{
	struct rig *rig = *state;
	rig->answers_now = true;
	assert_null(auth_check(rig->auth, STR("alice"), on_done, rig));
	assert_int_equal(rig->status, 0);
	assert_string_equal(rig->user, "alice");
}

static void odd_users_are_refused(void **state)
{
	static const char *const odd[] = { "", "a\nb", "a\x7f", "\xff",
		"12345678901234567890123456789012345678901234567890123456789012345" };
	struct rig *rig = *state;
	rig->answers_now = true;
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		auth_check(rig->auth, str_of(odd[i]), on_done, rig);
		assert_int_equal(rig->status, NUNCIO_E_DENIED);
		assert_string_equal(rig->user, "-");
	}
	assert_int_equal(rig->done, 5);
	assert_true(auth_is_user_id(STR("\xe6\x9d\x8e")));
}

static void answers_later(void **state)
{
	struct rig *rig = *state;
	assert_non_null(auth_check(rig->auth, STR("t"), on_done, rig));
	assert_int_equal(rig->done, 0);
	give(&rig->asked, NUNCIO_E_EXPIRED, NULL);
	assert_null(rig->asked);
	assert_int_equal(rig->status, NUNCIO_E_EXPIRED);
	assert_non_null(strstr(rig->text, "expired"));
}

static void silence_times_out(void **state)
{
	struct rig *rig = *state;
	assert_non_null(auth_check(rig->auth, STR("t"), on_done, rig));
	loop_run(rig->loop);
	assert_int_equal(rig->status, NUNCIO_E_TIMEOUT);
	give(&rig->asked, 0, "late");
	assert_int_equal(rig->done, 1);
}

static void asker_goes(void **state)
{
	struct rig *rig = *state;
	struct nuncio_auth *question = auth_check(rig->auth, STR("t"), on_done, rig);
	auth_cancel(&question);
	assert_null(question);
	auth_cancel(&question);
	give(&rig->asked, 0, "late");
	assert_int_equal(rig->done, 0);
	auth_check(rig->auth, STR("t"), on_done, rig); /* open at the end: freed by auth_free */
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
int main(void)
{
	const struct CMUnitTest tests[] = {
		T(nobody_checks),
		T(answers_at_once),
		T(odd_users_are_refused),
		T(answers_later),
		T(silence_times_out),
		T(asker_goes),
	};
	return cmocka_run_group_tests_name("auth", tests, NULL, NULL);
}
