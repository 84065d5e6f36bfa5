/* SPDX-License-Identifier: MIT */
/* Answers are counted for their op or route by the class of their code, and as a whole. */
#include "logic/tally.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/slice.h"
#include "logic/logic.h"

#include "tests/lib/loopback.h"
#include "tests/lib/unit.h"

static struct loopback lb;

static void on_op(struct nuncio_request *rq, void *user)
{
	(void)user;
	if (str_eq_text(rq->data, "{\"deny\":1}"))
		request_error(&rq, NUNCIO_CODE_muted, NULL);
	else
		request_reply(&rq, 200, STR("{}"));
}

static void on_raw(struct nuncio_request *rq, void *user)
{
	(void)user;
	request_reply_raw(&rq, 404, "text/plain", STR("no"));
}

static const struct nuncio_command commands[] = {
	{ .size = sizeof commands[0], .op = "t.b", .help = "B.", .fn = on_op },
	{ .size = sizeof commands[0], .op = "t.a", .help = "A.", .fn = on_op },
};
static const struct nuncio_route route = { .size = sizeof route,
	.flags = NUNCIO_OPEN,
	.method = "GET",
	.path = "/t/:id",
	.help = "Of the test.",
	.fn = on_raw };

static void expect_lines(const char *const *lines)
{
	struct buf out = { 0 };
	metric_write_text(lb.metrics, &out);
	char *text = buf_take(&out);
	for (; *lines; lines++)
		if (!strstr(text, *lines))
			fail_msg("not there: %s", *lines);
	alloc_free(text);
}

static void ops_and_routes_have_their_own(void **state)
{
	static const char *const lines[] = {
		"\nnuncio_op_calls_total{op=\"t.a\",result=\"ok\"} 2\n",
		"\nnuncio_op_calls_total{op=\"t.a\",result=\"denied\"} 1\n",
		"\nnuncio_op_calls_total{op=\"t.b\",result=\"ok\"} 0\n",
		"\nnuncio_op_seconds_count{op=\"t.a\"} 3\n",
		"\nnuncio_route_calls_total{route=\"GET /t/:id\",result=\"invalid\"} 1\n",
		"\nnuncio_route_seconds_count{route=\"GET /t/:id\"} 1\n",
		"\nnuncio_answers_total{result=\"ok\"} 2\n",
		"\nnuncio_answers_total{result=\"denied\"} 1\n",
		/* one of the route, two of what there is not */
		"\nnuncio_answers_total{result=\"invalid\"} 3\n", NULL
	};
	struct nuncio_error err;
	struct op *op;
	struct route *added;
	(void)state;
	loopback_init(&lb);
	for (size_t i = 0; i < COUNT_OF(commands); i++)
		assert_int_equal(ops_add(&lb.logic->ops, "t", &commands[i], NULL, &op, &err), 0);
	assert_int_equal(routes_add(&lb.logic->routes, "t", &route, NULL, &added, &err), 0);
	tally_make(lb.logic);
	loopback_ready(&lb);
	nuncio_sid alice = loopback_login(&lb, "good:alice");
	loopback_packet(&lb, alice, 1, "t.a", "{}");
	loopback_packet(&lb, alice, 2, "t.a", "{}");
	loopback_packet(&lb, alice, 3, "t.a", "{\"deny\":1}");
	loopback_packet(&lb, alice, 4, "t.none", "{}");
	loopback_http(&lb, "GET", "/t/7", "", NULL, NULL);
	loopback_http(&lb, "GET", "/nowhere", "", NULL, NULL);
	expect_lines(lines);
	loopback_fini(&lb);
}

static void every_code_has_a_class(void **state)
{
	(void)state;
	assert_int_equal(tally_result_of(NUNCIO_CODE_ok, 0), TALLY_OK);
	assert_int_equal(tally_result_of(NUNCIO_CODE_ok, 304), TALLY_OK);
	assert_int_equal(tally_result_of(NUNCIO_CODE_ok, 401), TALLY_UNPROVEN);
	assert_int_equal(tally_result_of(NUNCIO_CODE_ok, 403), TALLY_DENIED);
	assert_int_equal(tally_result_of(NUNCIO_CODE_ok, 429), TALLY_INVALID);
	assert_int_equal(tally_result_of(NUNCIO_CODE_ok, 502), TALLY_FAILED);
	assert_int_equal(tally_result_of(NUNCIO_CODE_bad_json, 400), TALLY_INVALID);
	assert_int_equal(tally_result_of(NUNCIO_CODE_token_expired, 401), TALLY_UNPROVEN);
	assert_int_equal(tally_result_of(NUNCIO_CODE_you_blocked, 403), TALLY_DENIED);
	assert_int_equal(tally_result_of(NUNCIO_CODE_exists, 409), TALLY_CONFLICT);
	assert_int_equal(tally_result_of(NUNCIO_CODE_rate_limited, 429), TALLY_LIMITED);
	assert_int_equal(tally_result_of(NUNCIO_CODE_busy, 503), TALLY_LIMITED);
	assert_int_equal(tally_result_of(NUNCIO_CODE_timeout, 503), TALLY_FAILED);
	assert_int_equal(tally_result_of(5999, 0), TALLY_FAILED);
	assert_int_equal(tally_result_of(6000, 0), TALLY_OTHER);
	assert_int_equal(tally_result_of(999, 0), TALLY_OTHER);
	assert_int_equal(tally_result_of(-1, 0), TALLY_OTHER);
	for (int i = 0; i < TALLY_RESULTS; i++)
		assert_non_null(tally_result_name(i));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ops_and_routes_have_their_own),
		cmocka_unit_test(every_code_has_a_class),
	};
	return cmocka_run_group_tests_name("tally", tests, NULL, NULL);
}
