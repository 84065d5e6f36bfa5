/* SPDX-License-Identifier: MIT */
/* Requests that end before their owner answers: time is over, or the server ends. */
#include "logic/requests.h"

#include <stdio.h>

#include "base/log.h"
#include "base/slice.h"
#include "hook/chain.h"
#include "logic/logic.h"
#include "logic/op.h"

#include "tests/lib/loopback.h"
#include "tests/lib/unit.h"

static struct loopback lb;

static struct {
	struct nuncio_ticket *ticket;
	struct nuncio_request *kept[4];
	int kept_count, marks, cancelled;
	int done, code, again_rc;
	size_t inner_in_done;
	bool gives_back, asks_again;
	char log[500];
} seen;

static void on_log(int level, struct nuncio_str line, void *user)
{
	(void)level, (void)user;
	snprintf(seen.log, sizeof seen.log, STR_FMT, STR_ARG(line));
}

static void on_cancelled(void *user)
{
	(void)user;
	seen.cancelled++;
}

static enum nuncio_verdict on_call(
	struct nuncio_ask *ask, const struct nuncio_call *what, void *user)
{
	(void)user;
	if (!str_eq_text(what->op, "mark") || seen.ticket)
		return NUNCIO_PASS;
	seen.ticket = nuncio_defer(ask, 60000, on_cancelled, NULL);
	return NUNCIO_LATER;
}

static void on_mark(struct nuncio_request *rq, void *user)
{
	(void)user;
	seen.marks++;
	request_reply(&rq, 200, STR("{}"));
}

static void on_keep(struct nuncio_request *rq, void *user)
{
	(void)user;
	seen.kept[seen.kept_count++] = rq;
}

static const struct nuncio_command mark = { .size = sizeof mark, .op = "mark", .fn = on_mark };
static const struct nuncio_command keep = { .size = sizeof keep, .op = "keep", .fn = on_keep };

static int setup(void **state)
{
	struct nuncio_error err;
	struct op *op;
	(void)state;
	memset(&seen, 0, sizeof seen);
	loopback_init(&lb);
	hook_table_add(
		lb.hooks, NUNCIO_HOOK_may_call, 0, "guard", 0, (nuncio_any_fn *)on_call, NULL);
	assert_int_equal(ops_add(&lb.logic->ops, "t", &mark, NULL, &op, &err), 0);
	assert_int_equal(ops_add(&lb.logic->ops, "t", &keep, NULL, &op, &err), 0);
	loopback_ready(&lb);
	log_capture(on_log, NULL);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	log_capture(NULL, NULL);
	for (int i = 0; i < seen.kept_count; i++)
		if (seen.kept[i])
			request_reply(&seen.kept[i], 200, STR("{}"));
	loopback_fini(&lb);
	return 0;
}

static void expire_in(int64_t ms)
{
	requests_expire(lb.logic, loop_now_ms(lb.loop) + ms);
	loopback_turn(&lb);
}

#define RESPONSE(seq, code) "send {\"type\":\"response\",\"seq\":" #seq ",\"code\":" #code ","
#define NEXT_STARTS(text) assert_memory_equal(loopback_next(&lb), text, strlen(text))
#define NEXT(text) assert_string_equal(loopback_next(&lb), text)

/* The question ends with it, its module is named, and what waited behind it goes on. */
static void a_parked_one_ends_with_its_time(void **state)
{
	(void)state;
	nuncio_sid id = loopback_login(&lb, "good:alice");
	loopback_packet(&lb, id, 1, "mark", "{}");
	loopback_packet(&lb, id, 2, "mark", "{}");
	NEXT("nothing");
	expire_in(60000);
	NEXT_STARTS(RESPONSE(1, 5003));
	NEXT_STARTS(RESPONSE(2, 0));
	NEXT("nothing");
	assert_int_equal(seen.cancelled, 1);
	assert_int_equal(seen.marks, 1);
	assert_int_equal(lb.hooks->parked_count, 0);
	assert_int_equal(lb.logic->requests.count, 0);
	assert_non_null(strstr(seen.log, "\"module\":\"guard\""));
	assert_non_null(strstr(seen.log, "no answer to mark"));
	assert_non_null(strstr(seen.log, "waiting for may_call"));
	nuncio_resume(&seen.ticket, NUNCIO_PASS, 0, NULL, (struct nuncio_str){ NULL, 0 });
	loopback_turn(&lb);
	NEXT("nothing");
	assert_int_equal(seen.marks, 1);
}

static void one_that_is_kept_names_its_owner(void **state)
{
	(void)state;
	nuncio_sid id = loopback_login(&lb, "good:alice");
	loopback_packet(&lb, id, 1, "keep", "{}");
	expire_in(60000);
	NEXT_STARTS(RESPONSE(1, 5003));
	assert_non_null(strstr(seen.log, "\"module\":\"t\""));
	assert_null(strstr(seen.log, "waiting for"));
}

/* A reload made the time shorter: the older ones must not hold up the younger. */
static void a_shorter_time_counts_for_all(void **state)
{
	(void)state;
	nuncio_sid id = loopback_login(&lb, "good:alice");
	lb.logic->settings.request_timeout_ms = 600000;
	loopback_packet(&lb, id, 1, "keep", "{}");
	lb.logic->settings.request_timeout_ms = 10000;
	loopback_packet(&lb, id, 2, "keep", "{}");
	expire_in(5000);
	NEXT("nothing");
	expire_in(20000);
	NEXT_STARTS(RESPONSE(1, 5003));
	NEXT_STARTS(RESPONSE(2, 5003));
}

static void on_done(int code, struct nuncio_str text, struct nuncio_str data, void *user);
static const struct inner_side inner = { .done = on_done };

static void on_done(int code, struct nuncio_str text, struct nuncio_str data, void *user)
{
	(void)text, (void)data, (void)user;
	seen.done++;
	seen.code = code;
	seen.inner_in_done = lb.logic->requests.inner_count;
	if (seen.gives_back)
		request_reply(&seen.kept[0], 200, STR("{}"));
	if (seen.asks_again && seen.done < 10)
		seen.again_rc = op_call(lb.logic, STR("bot"), "keep", STR("{}"), &inner);
}

/* It may even give the request back: everything of it is in order by then. */
static void who_is_told_early_may_do_anything(void **state)
{
	(void)state;
	assert_int_equal(op_call(lb.logic, STR("bot"), "keep", STR("{}"), &inner), 0);
	assert_int_equal(op_call(lb.logic, STR("bot"), "keep", STR("{}"), &inner), 0);
	assert_int_equal(lb.logic->requests.inner_count, 2);
	struct nuncio_request *second = seen.kept[1];
	second->begun_ms += 120000;
	seen.gives_back = true;
	expire_in(60000);
	assert_int_equal(seen.done, 1);
	assert_int_equal(seen.code, NUNCIO_CODE_timeout);
	assert_int_equal(seen.inner_in_done, 1);
	assert_int_equal(lb.logic->requests.inner_count, 1);
	assert_int_equal(lb.logic->requests.count, 1);
	assert_null(seen.kept[0]);
	seen.gives_back = false;
}

/* Asking again whenever one is refused would be no end. */
static void the_end_comes_once(void **state)
{
	(void)state;
	assert_int_equal(op_call(lb.logic, STR("bot"), "keep", STR("{}"), &inner), 0);
	seen.asks_again = true;
	requests_end(lb.logic);
	assert_int_equal(seen.done, 1);
	assert_int_equal(seen.code, NUNCIO_CODE_stopping);
	assert_int_equal(seen.again_rc, NUNCIO_E_GONE);
	assert_int_equal(lb.logic->requests.count, 0);
	requests_end_inner(lb.logic);
	assert_int_equal(seen.done, 1);
}

/* Those of modules end with the modules; the others wait on. */
static void those_of_modules_end_alone(void **state)
{
	(void)state;
	nuncio_sid id = loopback_login(&lb, "good:alice");
	loopback_packet(&lb, id, 1, "keep", "{}");
	assert_int_equal(op_call(lb.logic, STR("bot"), "keep", STR("{}"), &inner), 0);
	loopback_packet(&lb, id, 2, "keep", "{}");
	requests_end_inner(lb.logic);
	loopback_turn(&lb);
	NEXT("nothing");
	assert_int_equal(seen.done, 1);
	assert_int_equal(seen.code, NUNCIO_CODE_stopping);
	assert_int_equal(lb.logic->requests.count, 2);
	requests_end(lb.logic);
	loopback_turn(&lb);
	NEXT_STARTS(RESPONSE(1, 5005));
	NEXT_STARTS(RESPONSE(2, 5005));
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_parked_one_ends_with_its_time),
		T(one_that_is_kept_names_its_owner),
		T(a_shorter_time_counts_for_all),
		T(who_is_told_early_may_do_anything),
		T(the_end_comes_once),
		T(those_of_modules_end_alone),
	};
	return cmocka_run_group_tests_name("requests", tests, NULL, NULL);
}
