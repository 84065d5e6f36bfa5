/* SPDX-License-Identifier: MIT */
/* A question goes from handler to handler; it may wait for any of them, and ends exactly once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <nuncio/codes.h>
#include <nuncio/store.h>

#include "base/log.h"
#include "base/slice.h"
#include "hook/chain.h"
#include "hook/ticket.h"
#include "loop/caller.h"
#include "loop/loop.h"

struct rig {
	struct loop *loop;
	struct caller *caller;
	struct hook_table *table;
	struct chain *chain;
	struct nuncio_event event;
	struct nuncio_send send;
	int done, cancelled, log_lines;
	struct chain_answer answer;
	char text[64], body[64];
};

/* What a handler does, and what it saw. */
struct step {
	struct rig *rig;
	enum nuncio_verdict verdict;
	int code;
	const char *text, *set_body;
	bool takes_ticket;
	uint32_t timeout_ms;
	const char *write_owner; /* adds so many writes for it: */
	int writes, add_write_rc;
	int calls, set_body_rc;
	char seen_body[64];
	struct nuncio_ticket *ticket;
	bool cancels_chain;
};

static void keep(char out[64], struct nuncio_str s)
{
	snprintf(out, 64, STR_FMT, STR_ARG(s));
}

static struct nuncio_record_write write_of(const char *owner)
{
	return (struct nuncio_record_write){ .size = sizeof(struct nuncio_record_write),
		.space = STR("tester.box"),
		.owner = str_of(owner),
		.value = STR("1") };
}

static void on_cancelled(void *user)
{
	((struct step *)user)->rig->cancelled++;
}

static enum nuncio_verdict on_send(
	struct nuncio_ask *ask, const struct nuncio_send *what, void *user)
{
	struct step *step = user;
	step->calls++;
	keep(step->seen_body, what->event->body);
	if (step->set_body)
		step->set_body_rc = nuncio_ask_set_body(ask, str_of(step->set_body));
	for (int i = 0; i < step->writes; i++) {
		struct nuncio_record_write w = write_of(step->write_owner);
		step->add_write_rc = nuncio_ask_add_write(ask, &w);
	}
	if (step->takes_ticket) {
		step->ticket = nuncio_defer(
			ask, step->timeout_ms ? step->timeout_ms : 10000, on_cancelled, step);
		assert_non_null(step->ticket);
		assert_null(nuncio_defer(ask, 1, NULL, NULL));
	}
	if (step->cancels_chain)
		chain_cancel(&step->rig->chain);
	if (step->verdict == NUNCIO_REJECT && step->text)
		return nuncio_reject(ask, step->code, step->text);
	return step->verdict;
}

static int check_json(struct nuncio_str text, struct nuncio_error *err)
{
	(void)err;
	return text.n && text.p[0] == '"' ? 0 : NUNCIO_E_INVAL;
}

static void count_line(int level, struct nuncio_str line, void *user)
{
	(void)level;
	(void)line;
	((struct rig *)user)->log_lines++;
}

static int set_up(void **state)
{
	static struct rig rig;
	memset(&rig, 0, sizeof(rig));
	rig.loop = loop_new("test");
	rig.caller = caller_new(rig.loop, 10);
	struct hook_settings settings = {
		.loop = rig.loop, .caller = rig.caller, .check_json = check_json
	};
	rig.table = hook_table_new(&settings);
	rig.event = (struct nuncio_event){
		.size = sizeof(rig.event), .conversation = STR("d:1"), .body = STR("\"old\"")
	};
	rig.send = (struct nuncio_send){ .event = &rig.event };
	log_capture(count_line, &rig);
	*state = &rig;
	return 0;
}

static int tear_down(void **state)
{
	struct rig *rig = *state;
	caller_run(rig->caller);
	assert_int_equal(rig->table->parked_count, 0);
	hook_table_free(&rig->table);
	caller_free(&rig->caller);
	loop_free(&rig->loop);
	log_capture(NULL, NULL);
	return 0;
}

static void add(struct rig *rig, struct step *step)
{
	step->rig = rig;
	assert_int_equal(hook_table_add(rig->table, NUNCIO_HOOK_may_send, 0, "tester", 0,
				 (nuncio_any_fn *)on_send, step),
		0);
}

static void on_done(const struct chain_answer *answer, void *user)
{
	struct rig *rig = user;
	rig->done++;
	rig->answer = *answer;
	keep(rig->text, str_of(answer->text));
	keep(rig->body, answer->body);
	chain_cancel(&rig->chain); /* as an asker that cleans up would */
	loop_stop(rig->loop);
}

static void ask(struct rig *rig)
{
	hook_table_freeze(rig->table);
	rig->chain = chain_ask(rig->table, NUNCIO_HOOK_may_send, &rig->send, NULL, on_done, rig);
}

static void resume(struct rig *rig, struct step *step, enum nuncio_verdict verdict)
{
	nuncio_resume(&step->ticket, verdict, NUNCIO_CODE_rate_limited, "too fast",
		(struct nuncio_str){ NULL, 0 });
	assert_null(step->ticket);
	caller_run(rig->caller);
}

static void end_of_the_list_is_yes(void **state)
{
	struct rig *rig = *state;
	ask(rig);
	assert_null(rig->chain);
	assert_int_equal(rig->done, 1);
	assert_true(rig->answer.yes);
	struct step a = { 0 }, b = { 0 };
	rig->table->is_frozen = false;
	add(rig, &a);
	add(rig, &b);
	ask(rig);
	assert_int_equal(rig->done, 2);
	assert_true(rig->answer.yes);
	assert_int_equal(a.calls + b.calls, 2);
}

static void accept_ends_with_yes(void **state)
{
	struct rig *rig = *state;
	struct step a = { .verdict = NUNCIO_ACCEPT }, b = { .verdict = NUNCIO_REJECT };
	add(rig, &a);
	add(rig, &b);
	ask(rig);
	assert_true(rig->answer.yes);
	assert_int_equal(b.calls, 0);
}

static void reject_ends_with_no(void **state)
{
	struct rig *rig = *state;
	struct step a = { .verdict = NUNCIO_REJECT, .code = NUNCIO_CODE_denied, .text = "no" };
	struct step b = { 0 };
	add(rig, &a);
	add(rig, &b);
	ask(rig);
	assert_int_equal(rig->done, 1);
	assert_false(rig->answer.yes);
	assert_int_equal(rig->answer.code, NUNCIO_CODE_denied);
	assert_string_equal(rig->text, "no");
	assert_int_equal(b.calls, 0);
}

static void faults_are_refused_and_logged(void **state)
{
	static const enum nuncio_verdict bad[] = { NUNCIO_LATER, (enum nuncio_verdict)77 };
	struct rig *rig = *state;
	struct step a = { 0 };
	add(rig, &a);
	for (int i = 0; i < 2; i++) {
		a.verdict = bad[i];
		ask(rig);
		assert_int_equal(rig->done, i + 1);
		assert_false(rig->answer.yes);
		assert_int_equal(rig->answer.code, NUNCIO_CODE_internal);
		assert_int_equal(rig->log_lines, i + 1);
	}
}

static void ticket_without_later_goes_back(void **state)
{
	struct rig *rig = *state;
	struct step a = { .takes_ticket = true };
	add(rig, &a);
	ask(rig);
	assert_true(rig->answer.yes);
	assert_int_equal(rig->log_lines, 1);
	assert_int_equal(rig->cancelled, 1);
	resume(rig, &a, NUNCIO_REJECT);
	assert_int_equal(rig->done, 1);
	assert_int_equal(ticket_count(rig->table, NULL), 0);
}

static void later_goes_on_at_the_next(void **state)
{
	struct rig *rig = *state;
	struct step a = { .takes_ticket = true, .verdict = NUNCIO_LATER }, b = a, c = { 0 };
	add(rig, &a);
	add(rig, &b);
	add(rig, &c);
	ask(rig);
	assert_non_null(rig->chain);
	assert_int_equal(rig->table->parked_count, 1);
	assert_int_equal(ticket_count(rig->table, "tester"), 1);
	assert_int_equal(ticket_count(rig->table, "other"), 0);
	resume(rig, &a, NUNCIO_PASS);
	assert_int_equal(b.calls, 1);
	assert_int_equal(rig->done, 0);
	resume(rig, &b, NUNCIO_PASS);
	assert_int_equal(rig->done, 1);
	assert_true(rig->answer.yes);
	assert_int_equal(a.calls, 1);
	assert_int_equal(c.calls, 1);
	assert_int_equal(rig->cancelled, 0);
}

static void later_may_decide(void **state)
{
	struct rig *rig = *state;
	struct step a = { .takes_ticket = true, .verdict = NUNCIO_LATER }, b = { 0 };
	add(rig, &a);
	add(rig, &b);
	ask(rig);
	resume(rig, &a, NUNCIO_REJECT);
	assert_false(rig->answer.yes);
	assert_int_equal(rig->answer.code, NUNCIO_CODE_rate_limited);
	assert_string_equal(rig->text, "too fast");
	ask(rig);
	resume(rig, &a, NUNCIO_ACCEPT);
	assert_true(rig->answer.yes);
	assert_int_equal(b.calls, 0);
	assert_int_equal(rig->done, 2);
	ask(rig);
	resume(rig, &a, (enum nuncio_verdict)9);
	assert_int_equal(rig->answer.code, NUNCIO_CODE_internal);
}

static void deadline_refuses(void **state)
{
	struct rig *rig = *state;
	struct step a = { .takes_ticket = true, .verdict = NUNCIO_LATER, .timeout_ms = 2 };
	add(rig, &a);
	ask(rig);
	loop_run(rig->loop); /* until on_done */
	assert_int_equal(rig->done, 1);
	assert_int_equal(rig->answer.code, NUNCIO_CODE_timeout);
	assert_int_equal(rig->cancelled, 1);
	assert_int_equal(rig->log_lines, 1);
	resume(rig, &a, NUNCIO_ACCEPT); /* too late: dropped */
	assert_int_equal(rig->done, 1);
	assert_int_equal(rig->cancelled, 1);
}

static bool is_open(const char *module, const char *hook, void *user)
{
	assert_string_equal(module, "tester");
	assert_string_equal(hook, "may_send");
	return *(bool *)user;
}

static void deadline_passes_if_the_operator_wants(void **state)
{
	static bool yes;
	struct rig *rig = *state;
	struct step a = { .takes_ticket = true, .verdict = NUNCIO_LATER, .timeout_ms = 2 };
	struct step b = { .verdict = NUNCIO_PASS };
	rig->table->settings.fails_open = is_open;
	rig->table->settings.fails_open_user = &yes;
	add(rig, &a);
	add(rig, &b);
	yes = true;
	ask(rig);
	loop_run(rig->loop); /* until on_done */
	assert_int_equal(rig->done, 1);
	assert_true(rig->answer.yes);
	assert_int_equal(b.calls, 1); /* the next one was asked */
	assert_int_equal(rig->cancelled, 1);
	resume(rig, &a, NUNCIO_REJECT); /* too late */
	assert_int_equal(rig->done, 1);
	yes = false;
	ask(rig);
	loop_run(rig->loop);
	assert_int_equal(rig->done, 2);
	assert_int_equal(rig->answer.code, NUNCIO_CODE_timeout);
	assert_int_equal(b.calls, 1);
	resume(rig, &a, NUNCIO_PASS);
	const struct hook_list *list = rig->table->lists[HOOK_AT_may_send];
	assert_int_equal(list->handlers[0].stats.stats.timeouts, 2);
	assert_int_equal(list->handlers[0].stats.stats.errors, 0);
}

static void deadlines_have_a_limit(void **state)
{
	struct rig *rig = *state;
	struct step a = { .takes_ticket = true, .verdict = NUNCIO_LATER, .timeout_ms = 3600000 };
	rig->table->settings.answer_limit_ms = 2;
	add(rig, &a);
	ask(rig);
	loop_run(rig->loop);
	assert_int_equal(rig->done, 1);
	assert_int_equal(rig->answer.code, NUNCIO_CODE_timeout);
	resume(rig, &a, NUNCIO_PASS);
}

static enum nuncio_verdict on_first_later(struct nuncio_ask *ask, const void *what, void *user)
{
	return on_send(ask, what, user);
}

/* Who may enter is never guessed. */
static void first_ones_never_fail_open(void **state)
{
	static bool yes = true;
	struct rig *rig = *state;
	struct callback stats;
	struct step a = {
		.takes_ticket = true, .verdict = NUNCIO_LATER, .timeout_ms = 2, .rig = rig
	};
	struct chain_first first = {
		.fn = on_first_later, .what = &rig->send, .user = &a, .stats = &stats
	};
	callback_init(&stats, CALLBACK_ENTRY, "tester", "may_send", NULL);
	rig->table->settings.fails_open = is_open;
	rig->table->settings.fails_open_user = &yes;
	rig->chain = chain_ask(rig->table, NUNCIO_HOOK_none, &rig->send, &first, on_done, rig);
	loop_run(rig->loop);
	assert_int_equal(rig->done, 1);
	assert_int_equal(rig->answer.code, NUNCIO_CODE_timeout);
	assert_int_equal(stats.stats.timeouts, 1);
	resume(rig, &a, NUNCIO_PASS);
}

static void cancel_tells_the_module_once(void **state)
{
	struct rig *rig = *state;
	struct step a = { .takes_ticket = true, .verdict = NUNCIO_LATER };
	add(rig, &a);
	ask(rig);
	chain_cancel(&rig->chain);
	assert_null(rig->chain);
	assert_int_equal(rig->cancelled, 1);
	resume(rig, &a, NUNCIO_ACCEPT);
	assert_int_equal(rig->done, 0);
	assert_int_equal(rig->cancelled, 1);
	chain_cancel(&rig->chain);
}

static void cancel_while_a_handler_runs(void **state)
{
	struct rig *rig = *state;
	struct step a = { .takes_ticket = true, .verdict = NUNCIO_LATER };
	struct step b = a, c = { 0 };
	b.cancels_chain = true;
	add(rig, &a);
	add(rig, &b);
	add(rig, &c);
	ask(rig);
	resume(rig, &a, NUNCIO_PASS);
	assert_int_equal(b.calls, 1);
	assert_int_equal(c.calls, 0);
	assert_int_equal(rig->done, 0);
	assert_int_equal(rig->cancelled, 1);
	resume(rig, &b, NUNCIO_PASS);
	assert_int_equal(rig->done, 0);
}

static void all_are_refused_at_the_end(void **state)
{
	struct rig *rig = *state;
	struct step a = { .takes_ticket = true, .verdict = NUNCIO_LATER };
	add(rig, &a);
	ask(rig);
	chain_refuse_all(rig->table, NUNCIO_CODE_stopping);
	assert_int_equal(rig->done, 1);
	assert_int_equal(rig->answer.code, NUNCIO_CODE_stopping);
	assert_int_equal(rig->cancelled, 1);
	assert_int_equal(ticket_count(rig->table, NULL), 1);
	hook_table_free(&rig->table); /* reports the ticket that never came back */
	assert_int_equal(rig->log_lines, 1);
	rig->table = hook_table_new(&(struct hook_settings){ 0 });
}

/* Who is refused may ask again at once, and others still come. */
static void ask_again(const struct chain_answer *answer, void *user)
{
	struct rig *rig = user;
	assert_int_equal(answer->code, NUNCIO_CODE_stopping);
	ask(rig);
}

static void nobody_is_asked_after_the_end(void **state)
{
	struct rig *rig = *state;
	struct step a = { .takes_ticket = true, .verdict = NUNCIO_LATER };
	add(rig, &a);
	hook_table_freeze(rig->table);
	assert_non_null(
		chain_ask(rig->table, NUNCIO_HOOK_may_send, &rig->send, NULL, ask_again, rig));
	assert_false(chain_is_over(rig->table));
	chain_refuse_all(rig->table, NUNCIO_CODE_stopping);
	assert_true(chain_is_over(rig->table));
	assert_int_equal(rig->done, 1);
	ask(rig);
	assert_int_equal(rig->done, 2);
	assert_null(rig->chain);
	assert_false(rig->answer.yes);
	assert_int_equal(rig->answer.code, NUNCIO_CODE_stopping);
	assert_int_equal(a.calls, 1);
	assert_int_equal(rig->table->parked_count, 0);
	resume(rig, &a, NUNCIO_PASS);
}

static void new_body_is_seen_by_the_next(void **state)
{
	struct rig *rig = *state;
	struct step a = { .set_body = "\"new\"" }, b = { .set_body = "bad" };
	struct step c = { .takes_ticket = true, .verdict = NUNCIO_LATER }, d = { 0 };
	add(rig, &a);
	add(rig, &b);
	add(rig, &c);
	add(rig, &d);
	ask(rig);
	assert_string_equal(a.seen_body, "\"old\"");
	assert_int_equal(a.set_body_rc, 0);
	assert_string_equal(b.seen_body, "\"new\"");
	assert_int_equal(b.set_body_rc, NUNCIO_E_INVAL);
	nuncio_resume(&c.ticket, NUNCIO_PASS, 0, NULL, STR("\"newer\""));
	caller_run(rig->caller);
	assert_string_equal(d.seen_body, "\"newer\"");
	assert_string_equal(rig->body, "\"newer\"");
	assert_memory_equal(rig->event.body.p, "\"old\"", 5);
	ask(rig);
	nuncio_resume(&c.ticket, NUNCIO_PASS, 0, NULL, STR("bad"));
	caller_run(rig->caller);
	assert_int_equal(rig->answer.code, NUNCIO_CODE_internal);
}

/* Writes of all handlers, at once and later, come with the answer. */
static void writes_come_with_the_answer(void **state)
{
	struct rig *rig = *state;
	struct nuncio_record_write w = write_of("d:1");
	struct step a = { .writes = 2, .write_owner = "d:1" },
		    b = { .writes = 1, .write_owner = "d:2" };
	struct step c = { .takes_ticket = true, .verdict = NUNCIO_LATER };
	struct step d = { .writes = 1, .write_owner = "d:1" };
	add(rig, &a);
	add(rig, &b);
	add(rig, &c);
	add(rig, &d);
	ask(rig);
	assert_int_equal(a.add_write_rc, 0);
	assert_int_equal(b.add_write_rc, NUNCIO_E_INVAL);
	assert_int_equal(nuncio_ticket_add_write(c.ticket, &w), 0);
	resume(rig, &c, NUNCIO_PASS);
	assert_true(rig->answer.yes);
	assert_int_equal(rig->answer.writes_count, 4);
	assert_string_equal(rig->body, ""); /* the body stayed */
}

static void writes_of_a_ticket_are_checked_when_it_is_back(void **state)
{
	struct rig *rig = *state;
	struct nuncio_record_write w = write_of("d:1"), other = write_of("d:2");
	struct step a = { .writes = 16, .write_owner = "d:1" };
	struct step b = { .takes_ticket = true, .verdict = NUNCIO_LATER };
	add(rig, &a);
	add(rig, &b);
	ask(rig);
	assert_int_equal(nuncio_ticket_add_write(b.ticket, &w), 0);
	resume(rig, &b, NUNCIO_PASS); /* one too many */
	assert_int_equal(rig->answer.code, NUNCIO_CODE_internal);
	a.writes = 0;
	ask(rig);
	assert_int_equal(nuncio_ticket_add_write(b.ticket, &other), 0);
	resume(rig, &b, NUNCIO_PASS);
	assert_int_equal(rig->answer.code, NUNCIO_CODE_internal);
	ask(rig);
	assert_int_equal(nuncio_ticket_add_write(b.ticket, &w), 0);
	resume(rig, &b, NUNCIO_REJECT); /* and what is not used is freed */
	assert_false(rig->answer.yes);
}

static enum nuncio_verdict on_first(struct nuncio_ask *ask_, const void *what, void *user)
{
	const int *value = what;
	(void)user;
	return *value ? NUNCIO_PASS : nuncio_reject(ask_, NUNCIO_CODE_not_member, "not yours");
}

static void first_is_asked_before(void **state)
{
	struct rig *rig = *state;
	int yes = 1, no = 0;
	struct step a = { 0 };
	struct chain_first second = { .fn = on_first, .what = &yes };
	struct chain_first first = { .fn = on_first, .what = &yes, .next = &second };
	add(rig, &a);
	hook_table_freeze(rig->table);
	assert_null(chain_ask(rig->table, NUNCIO_HOOK_may_send, &rig->send, &first, on_done, rig));
	assert_true(rig->answer.yes);
	assert_int_equal(a.calls, 1);
	second.what = &no;
	assert_null(chain_ask(rig->table, NUNCIO_HOOK_may_send, &rig->send, &first, on_done, rig));
	assert_int_equal(rig->answer.code, NUNCIO_CODE_not_member);
	assert_int_equal(a.calls, 1);
	assert_null(chain_ask(rig->table, NUNCIO_HOOK_none, NULL, &first, on_done, rig));
	assert_int_equal(rig->done, 3);
}

static enum nuncio_verdict on_reach(const struct nuncio_reach *what, void *user)
{
	(void)what;
	return *(enum nuncio_verdict *)user;
}

static void filters_cannot_wait(void **state)
{
	struct rig *rig = *state;
	enum nuncio_verdict verdict = NUNCIO_PASS;
	assert_true(hook_filter(rig->table, NUNCIO_HOOK_may_reach, NULL));
	hook_table_add(rig->table, NUNCIO_HOOK_may_reach, 0, "tester", 0, (nuncio_any_fn *)on_reach,
		&verdict);
	assert_true(hook_filter(rig->table, NUNCIO_HOOK_may_reach, NULL));
	verdict = NUNCIO_ACCEPT;
	assert_true(hook_filter(rig->table, NUNCIO_HOOK_may_reach, NULL));
	verdict = NUNCIO_REJECT;
	assert_false(hook_filter(rig->table, NUNCIO_HOOK_may_reach, NULL));
	verdict = NUNCIO_LATER;
	assert_false(hook_filter(rig->table, NUNCIO_HOOK_may_reach, NULL));
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
int main(void)
{
	const struct CMUnitTest tests[] = {
		T(end_of_the_list_is_yes),
		T(accept_ends_with_yes),
		T(reject_ends_with_no),
		T(faults_are_refused_and_logged),
		T(ticket_without_later_goes_back),
		T(later_goes_on_at_the_next),
		T(later_may_decide),
		T(writes_come_with_the_answer),
		T(writes_of_a_ticket_are_checked_when_it_is_back),
		T(deadline_refuses),
		T(deadline_passes_if_the_operator_wants),
		T(deadlines_have_a_limit),
		T(first_ones_never_fail_open),
		T(cancel_tells_the_module_once),
		T(cancel_while_a_handler_runs),
		T(all_are_refused_at_the_end),
		T(nobody_is_asked_after_the_end),
		T(new_body_is_seen_by_the_next),
		T(first_is_asked_before),
		T(filters_cannot_wait),
	};
	return cmocka_run_group_tests_name("chain", tests, NULL, NULL);
}
