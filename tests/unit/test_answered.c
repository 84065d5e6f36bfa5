/* SPDX-License-Identifier: MIT */
/* did_request: told at the end of the turn, as may_call shows it, and of early answers too. */
#include "logic/answered.h"

#include <stdio.h>

#include "base/slice.h"
#include "hook/hook_table.h"
#include "logic/logic.h"
#include "logic/request_input.h"

#include "tests/lib/loopback.h"
#include "tests/lib/unit.h"

static struct loopback lb;

static struct {
	char line[400];
	struct nuncio_request *kept;
	bool is_in_handler, was_in_handler;
} seen;

static void on_request(const struct nuncio_answered *what, void *user)
{
	size_t n = strlen(seen.line);
	(void)user;
	seen.was_in_handler |= seen.is_in_handler;
	assert_true(what->took_us >= 0);
	snprintf(seen.line + n, sizeof seen.line - n, "%s[" STR_FMT "] [" STR_FMT "] %d %u%s",
		n ? "; " : "", STR_ARG(what->user), STR_ARG(what->op), what->code,
		what->http_status, what->session ? " session" : "");
}

static void on_op(struct nuncio_request *rq, void *user)
{
	(void)user;
	seen.is_in_handler = true;
	if (str_eq_text(rq->data, "{\"keep\":1}"))
		seen.kept = rq;
	else
		request_reply(&rq, 200, STR("{}"));
	seen.is_in_handler = false;
}

static const struct nuncio_command command = { .size = sizeof command,
	.op = "t.op",
	.help = "Of the test.",
	.field_size = sizeof(struct nuncio_field),
	.fn = on_op };
static const struct nuncio_route route = { .size = sizeof route,
	.flags = NUNCIO_OPEN,
	.method = "GET",
	.path = "/t/:id",
	.help = "Of the test.",
	.field_size = sizeof(struct nuncio_field),
	.fn = on_op };

static void start(bool listens)
{
	struct nuncio_error err;
	struct op *op;
	struct route *added;
	memset(&seen, 0, sizeof seen);
	loopback_init(&lb);
	if (listens)
		hook_table_add(lb.hooks, NUNCIO_HOOK_did_request, 0, "t", 0,
			(nuncio_any_fn *)on_request, NULL);
	assert_int_equal(ops_add(&lb.logic->ops, "t", &command, NULL, &op, &err), 0);
	assert_int_equal(routes_add(&lb.logic->routes, "t", &route, NULL, &added, &err), 0);
	loopback_ready(&lb);
}

static void answers_are_told_when_the_turn_ends(void **state)
{
	(void)state;
	start(true);
	nuncio_sid alice = loopback_login(&lb, "good:alice");
	loopback_packet(&lb, alice, 1, "t.op", "{}");
	loopback_packet(&lb, alice, 2, "t.none", "{}");
	loopback_http(&lb, "GET", "/t/7", "", NULL, NULL);
	loopback_http(&lb, "GET", "/nowhere", "", NULL, NULL);
	assert_string_equal(seen.line, "[alice] [t.op] 0 0 session; [alice] [] 1003 0 session; "
				       "[] [GET /t/:id] 0 200; [] [] 1007 404");
	assert_false(seen.was_in_handler);
	loopback_fini(&lb);
}

/* What the deadline answers is told once, whenever the owner gives it back. */
static void an_early_answer_is_told_once(void **state)
{
	(void)state;
	start(true);
	nuncio_sid alice = loopback_login(&lb, "good:alice");
	loopback_packet(&lb, alice, 1, "t.op", "{\"keep\":1}");
	assert_string_equal(seen.line, "");
	requests_expire(lb.logic, loop_now_ms(lb.loop) + 60000);
	loopback_closed(&lb, alice); /* its session has gone when it is told */
	assert_string_equal(seen.line, "[alice] [t.op] 5003 0");
	request_reply(&seen.kept, 200, STR("{}"));
	loopback_turn(&lb);
	assert_string_equal(seen.line, "[alice] [t.op] 5003 0");
	loopback_fini(&lb);
}

static void nobody_listens(void **state)
{
	(void)state;
	start(false);
	nuncio_sid alice = loopback_login(&lb, "good:alice");
	loopback_packet(&lb, alice, 1, "t.op", "{\"keep\":1}");
	request_reply(&seen.kept, 200, STR("{}"));
	assert_null(lb.logic->answers.first);
	loopback_fini(&lb);
}

/* The server ends before they could be told. */
static void what_is_left_is_dropped(void **state)
{
	(void)state;
	start(true);
	nuncio_sid alice = loopback_login(&lb, "good:alice");
	loopback_packet(&lb, alice, 1, "t.op", "{\"keep\":1}");
	request_reply(&seen.kept, 200, STR("{}"));
	assert_non_null(lb.logic->answers.first);
	answered_drop(lb.logic);
	assert_null(lb.logic->answers.first);
	loopback_fini(&lb);
	assert_string_equal(seen.line, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_are_told_when_the_turn_ends),
		cmocka_unit_test(an_early_answer_is_told_once),
		cmocka_unit_test(nobody_listens),
		cmocka_unit_test(what_is_left_is_dropped),
	};
	return cmocka_run_group_tests_name("answered", tests, NULL, NULL);
}
