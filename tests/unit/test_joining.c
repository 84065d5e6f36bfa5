/* SPDX-License-Identifier: MIT */
/* may_join: asked with copies, answered at once, later, or because the session has ended. */
#include "logic/joining.h"

#include <stdio.h>

#include "base/slice.h"
#include "hook/chain.h"
#include "hook/hook_table.h"
#include "logic/logic.h"

#include "tests/lib/loopback.h"
#include "tests/lib/unit.h"

static struct loopback lb;

static struct {
	int done, status, code, cancelled;
	char text[60], facts[100];
	struct nuncio_ticket *ticket;
} seen;

static void on_cancelled(void *user)
{
	(void)user;
	seen.cancelled++;
}

static enum nuncio_verdict on_join(
	struct nuncio_ask *ask, const struct nuncio_join *what, void *user)
{
	(void)user;
	snprintf(seen.facts, sizeof seen.facts, STR_FMT " " STR_FMT " " STR_FMT " %u",
		STR_ARG(what->user), STR_ARG(what->by), STR_ARG(what->conversation), what->role);
	if (str_eq_text(what->user, "evil"))
		return nuncio_reject(ask, NUNCIO_CODE_denied, "no");
	if (!str_eq_text(what->user, "slow"))
		return NUNCIO_PASS;
	seen.ticket = nuncio_defer(ask, 5000, on_cancelled, NULL);
	return NUNCIO_LATER;
}

static void on_done(int status, const struct nuncio_entry *entry, void *user)
{
	(void)user;
	seen.done++;
	seen.status = status;
	seen.code = entry->code;
	snprintf(seen.text, sizeof seen.text, "%s", entry->text);
}

static void start(bool listens)
{
	memset(&seen, 0, sizeof seen);
	loopback_init(&lb);
	if (listens)
		hook_table_add(
			lb.hooks, NUNCIO_HOOK_may_join, 0, "t", 0, (nuncio_any_fn *)on_join, NULL);
	loopback_ready(&lb);
}

static void ask(const char *who, nuncio_sid id)
{
	char name[20];
	struct session *session = id ? session_find(&lb.logic->sessions, id) : NULL;
	struct nuncio_join what = { .size = sizeof what,
		.role = 3,
		.session = (struct nuncio_session *)session,
		.by = STR("alice"),
		.conversation = STR("g:1") };
	snprintf(name, sizeof name, "%s", who);
	what.user = str_of(name);
	joining_ask(lb.logic, &what, on_done, NULL);
	memset(name, 'x', sizeof name);
}

static void resume(enum nuncio_verdict verdict)
{
	nuncio_resume(
		&seen.ticket, verdict, NUNCIO_CODE_muted, "quiet", (struct nuncio_str){ NULL, 0 });
	loopback_turn(&lb);
}

static void nobody_minds(void **state)
{
	(void)state;
	start(false);
	ask("bob", 0);
	assert_int_equal(seen.done, 1);
	assert_int_equal(seen.status, 0);
	assert_string_equal(seen.text, "");
	loopback_fini(&lb);
}

static void answers_at_once(void **state)
{
	(void)state;
	start(true);
	ask("bob", 0);
	assert_int_equal(seen.done, 1);
	assert_int_equal(seen.status, 0);
	assert_string_equal(seen.facts, "bob alice g:1 3");
	ask("evil", 0);
	assert_int_equal(seen.done, 2);
	assert_int_equal(seen.status, NUNCIO_E_DENIED);
	assert_int_equal(seen.code, NUNCIO_CODE_denied);
	assert_string_equal(seen.text, "no");
	loopback_fini(&lb);
}

static void answers_later(void **state)
{
	(void)state;
	start(true);
	ask("slow", 0);
	assert_int_equal(seen.done, 0);
	resume(NUNCIO_PASS);
	assert_int_equal(seen.done, 1);
	assert_int_equal(seen.status, 0);
	ask("slow", 0);
	resume(NUNCIO_REJECT);
	assert_int_equal(seen.code, NUNCIO_CODE_muted);
	assert_string_equal(seen.text, "quiet");
	assert_int_equal(lb.hooks->parked_count, 0);
	loopback_fini(&lb);
}

static void ends_with_the_session(void **state)
{
	(void)state;
	start(true);
	nuncio_sid alice = loopback_login(&lb, "good:alice");
	nuncio_sid bob = loopback_login(&lb, "good:bob");
	ask("slow", alice);
	loopback_closed(&lb, bob);
	assert_int_equal(seen.done, 0);
	loopback_closed(&lb, alice);
	assert_int_equal(seen.done, 1);
	assert_int_equal(seen.status, NUNCIO_E_GONE);
	assert_int_equal(seen.cancelled, 1);
	resume(NUNCIO_PASS);
	assert_int_equal(seen.done, 1);
	loopback_fini(&lb);
}

static void ends_with_the_server(void **state)
{
	(void)state;
	start(true);
	ask("slow", 0);
	chain_refuse_all(lb.hooks, NUNCIO_CODE_stopping);
	assert_int_equal(seen.status, NUNCIO_E_GONE);
	resume(NUNCIO_PASS);
	loopback_fini(&lb);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_minds),
		cmocka_unit_test(answers_at_once),
		cmocka_unit_test(answers_later),
		cmocka_unit_test(ends_with_the_session),
		cmocka_unit_test(ends_with_the_server),
	};
	return cmocka_run_group_tests_name("joining", tests, NULL, NULL);
}
