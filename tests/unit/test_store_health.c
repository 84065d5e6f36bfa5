/* SPDX-License-Identifier: MIT */
/* One guilty job says nothing; a probe that fails does; it comes back by itself; silence counts. */
#include "base/clock.h"
#include "loop/loop.h"
#include "provide/ready.h"
#include "provide/store_health.h"
#include "tests/lib/unit.h"

struct rig {
	struct loop *loop;
	struct ready_set *set;
	struct ready *who;
	struct store_health *health;
	/* The probe that is under way. */
	nuncio_written_fn *done;
	void *done_user;
	int probes, refusal;
	char why[READY_WHY_BYTES];
};

static int probe(nuncio_written_fn *done, void *done_user, void *user)
{
	struct rig *rig = user;
	rig->probes++;
	if (rig->refusal)
		return rig->refusal;
	rig->done = done;
	rig->done_user = done_user;
	store_health_asked(rig->health);
	return 0;
}

static void answer_probe(struct rig *rig, int status)
{
	nuncio_written_fn *done = rig->done;
	assert_non_null(done);
	rig->done = NULL;
	store_health_answered(rig->health, status);
	done(status, rig->done_user);
}

static void write_one(struct rig *rig, int status)
{
	store_health_asked(rig->health);
	store_health_answered(rig->health, status);
}

static void take_why(const struct ready_report *report, void *user)
{
	memcpy(user, report->why, READY_WHY_BYTES);
}

static const char *why(struct rig *rig)
{
	ready_each(rig->set, take_why, rig->why);
	return rig->why;
}

static int set_up(void **state)
{
	static struct rig rig;
	memset(&rig, 0, sizeof(rig));
	clock_set_for_test(1000, 1000);
	rig.loop = loop_new("test");
	rig.set = ready_set_new();
	rig.who = ready_add(rig.set, "store");
	struct store_health_settings settings = {
		.loop = rig.loop, .who = rig.who, .probe = probe, .user = &rig
	};
	rig.health = store_health_new(&settings);
	*state = &rig;
	return 0;
}

static int tear_down(void **state)
{
	struct rig *rig = *state;
	store_health_free(&rig->health);
	store_health_free(&rig->health);
	ready_set_free(&rig->set);
	loop_free(&rig->loop);
	clock_use_real();
	return 0;
}

static void a_guilty_job_is_no_proof(void **state)
{
	struct rig *rig = *state;
	write_one(rig, 0);
	write_one(rig, NUNCIO_E_CONFLICT);
	assert_int_equal(rig->probes, 0);
	write_one(rig, NUNCIO_E_FAIL);
	write_one(rig, NUNCIO_E_FAIL);
	assert_int_equal(rig->probes, 1);
	assert_true(ready_is(rig->who));
	answer_probe(rig, 0);
	assert_true(ready_is(rig->who));
}

static void it_goes_and_comes_back_by_itself(void **state)
{
	struct rig *rig = *state;
	write_one(rig, NUNCIO_E_NOSPACE);
	answer_probe(rig, NUNCIO_E_NOSPACE);
	assert_false(ready_is(rig->who));
	assert_non_null(strstr(why(rig), "no space"));
	assert_int_equal(rig->probes, 1);
	write_one(rig, NUNCIO_E_FAIL); /* what clients try is not what asks again */
	write_one(rig, 0);
	assert_int_equal(rig->probes, 1);
	assert_false(ready_is(rig->who));
	rig->refusal = NUNCIO_E_BUSY;
	store_health_look(rig->health);
	rig->refusal = 0;
	store_health_look(rig->health);
	store_health_look(rig->health); /* one at a time */
	assert_int_equal(rig->probes, 3);
	answer_probe(rig, NUNCIO_E_FAIL);
	assert_false(ready_is(rig->who));
	assert_non_null(strstr(why(rig), "log"));
	store_health_look(rig->health);
	answer_probe(rig, 0);
	assert_true(ready_is(rig->who));
	assert_string_equal(why(rig), "");
	store_health_look(rig->health);
	assert_int_equal(rig->probes, 4);
}

static void silence_counts(void **state)
{
	struct rig *rig = *state;
	store_health_asked(rig->health);
	clock_set_for_test(10000, 1000);
	store_health_asked(rig->health);
	store_health_look(rig->health);
	assert_true(ready_is(rig->who));
	clock_set_for_test(11000, 1000);
	store_health_look(rig->health);
	assert_false(ready_is(rig->who));
	assert_string_equal(why(rig), "no write has been answered for 10 s");
	store_health_answered(rig->health, 0);
	assert_int_equal(rig->probes, 0);
	store_health_look(rig->health);
	assert_int_equal(rig->probes, 1);
	answer_probe(rig, 0);
	assert_true(ready_is(rig->who));
	store_health_answered(rig->health, 0);
	clock_set_for_test(100000, 1000); /* an idle one is believed */
	store_health_look(rig->health);
	assert_true(ready_is(rig->who));
}

static void both_words_count(void **state)
{
	struct rig *rig = *state;
	write_one(rig, NUNCIO_E_FAIL);
	answer_probe(rig, NUNCIO_E_FAIL);
	assert_true(ready_put(rig->who, false, "no host"));
	assert_string_equal(why(rig), "no host");
	store_health_look(rig->health);
	answer_probe(rig, 0);
	assert_false(ready_is(rig->who));
	assert_true(ready_put(rig->who, true, NULL));
	assert_true(ready_is(rig->who));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_guilty_job_is_no_proof),
		CASE(it_goes_and_comes_back_by_itself),
		CASE(silence_counts),
		CASE(both_words_count),
	};
	return cmocka_run_group_tests_name("store_health", tests, NULL, NULL);
}
