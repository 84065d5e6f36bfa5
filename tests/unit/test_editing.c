/* SPDX-License-Identifier: MIT */
/*
 * may_edit: asked with copies, answered at once, later, or because the session has ended; perhaps
 * with another body.
 */
#include "logic/editing.h"

#include <nuncio/store.h>

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
	char text[60], body[60], facts[100];
	struct nuncio_ticket *ticket;
} seen;

static void on_cancelled(void *user)
{
	(void)user;
	seen.cancelled++;
}

static enum nuncio_verdict on_edit(
	struct nuncio_ask *ask, const struct nuncio_send *what, void *user)
{
	struct nuncio_str body = what->event->body;
	(void)user;
	snprintf(seen.facts, sizeof seen.facts, STR_FMT " " STR_FMT " %u " STR_FMT,
		STR_ARG(what->event->from), STR_ARG(what->event->conversation),
		(unsigned)what->event->seq, STR_ARG(body));
	if (str_eq_text(body, "\"evil\""))
		return nuncio_reject(ask, NUNCIO_CODE_denied, "no");
	if (str_eq_text(body, "\"mild\""))
		assert_int_equal(nuncio_ask_set_body(ask, STR("\"m***\"")), 0);
	/* There is no transaction of a message to which it could belong. */
	const struct nuncio_record_write write = { .size = sizeof write,
		.space = STR("t"),
		.owner = what->event->conversation,
		.key = STR("k") };
	assert_int_equal(nuncio_ask_add_write(ask, &write), NUNCIO_E_INVAL);
	if (!str_eq_text(body, "\"slow\""))
		return NUNCIO_PASS;
	seen.ticket = nuncio_defer(ask, 5000, on_cancelled, NULL);
	return NUNCIO_LATER;
}

static void on_done(
	int status, const struct nuncio_entry *entry, struct nuncio_str body, void *user)
{
	(void)user;
	seen.done++;
	seen.status = status;
	seen.code = entry->code;
	snprintf(seen.text, sizeof seen.text, "%s", entry->text);
	snprintf(seen.body, sizeof seen.body, STR_FMT, STR_ARG(body));
}

static void start(bool listens)
{
	memset(&seen, 0, sizeof seen);
	loopback_init(&lb);
	if (listens)
		hook_table_add(
			lb.hooks, NUNCIO_HOOK_may_edit, 0, "t", 0, (nuncio_any_fn *)on_edit, NULL);
	loopback_ready(&lb);
}

static void ask(const char *word, nuncio_sid id)
{
	char body[20];
	struct session *session = id ? session_find(&lb.logic->sessions, id) : NULL;
	struct nuncio_event event = { .size = sizeof event,
		.conversation = STR("d:1"),
		.seq = 7,
		.type = STR("message"),
		.from = STR("alice"),
		.kind = STR("text") };
	struct nuncio_send what = { .session = (struct nuncio_session *)session, .event = &event };
	snprintf(body, sizeof body, "\"%s\"", word);
	event.body = str_of(body);
	editing_ask(lb.logic, &what, on_done, NULL);
	memset(body, 'x', sizeof body);
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
	assert_string_equal(seen.body, "\"bob\"");
	loopback_fini(&lb);
}

static void answers_at_once(void **state)
{
	(void)state;
	start(true);
	ask("bob", 0);
	assert_int_equal(seen.done, 1);
	assert_int_equal(seen.status, 0);
	assert_string_equal(seen.facts, "alice d:1 7 \"bob\"");
	assert_string_equal(seen.body, "\"bob\"");
	ask("evil", 0);
	assert_int_equal(seen.done, 2);
	assert_int_equal(seen.status, NUNCIO_E_DENIED);
	assert_int_equal(seen.code, NUNCIO_CODE_denied);
	assert_string_equal(seen.text, "no");
	ask("mild", 0);
	assert_int_equal(seen.status, 0);
	assert_string_equal(seen.body, "\"m***\"");
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
	assert_string_equal(seen.body, "\"slow\"");
	ask("slow", 0);
	resume(NUNCIO_REJECT);
	assert_int_equal(seen.code, NUNCIO_CODE_muted);
	assert_string_equal(seen.text, "quiet");
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
	return cmocka_run_group_tests_name("editing", tests, NULL, NULL);
}
