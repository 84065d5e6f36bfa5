/* SPDX-License-Identifier: MIT */
/*
 * What callbacks cost, in Prometheus' form: one histogram for each module, kind and name, with slow
 * calls, errors and missing answers beside it. The numbers stay where they are counted and are read
 * when somebody scrapes, on the logic thread. Callbacks that have the same names (two handlers of
 * one module for one hook) are one histogram.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/metric.h"
#include "hook/hook_table.h"
#include "module/module_private.h"

/* Bounds are powers of two nanoseconds, because that is how callbacks are counted: 1 us to 2 s. */
static const unsigned exponents[] = { 10, 13, 16, 19, 22, 25, 28, 31 };
enum { BOUNDS = sizeof exponents / sizeof exponents[0] };

struct callback_group {
	const struct callback **members;
	size_t count;
};

static void read_time(void *user, uint64_t *buckets, int64_t *sum_r)
{
	const struct callback_group *group = user;
	uint64_t before = 0;
	*sum_r = 0;
	memset(buckets, 0, (BOUNDS + 1) * sizeof *buckets);
	for (size_t i = 0; i < group->count; i++)
		*sum_r += group->members[i]->stats.total_ns;
	for (size_t b = 0; b <= BOUNDS; b++) {
		uint64_t within = 0;
		for (size_t i = 0; i < group->count; i++) {
			const struct callback_stats *stats = &group->members[i]->stats;
			within += b < BOUNDS ? callback_within(stats, exponents[b]) : stats->calls;
		}
		buckets[b] = within - before;
		before = within;
	}
}

static int64_t read_slow(void *user)
{
	const struct callback_group *group = user;
	int64_t sum = 0;
	for (size_t i = 0; i < group->count; i++)
		sum += (int64_t)group->members[i]->stats.slow_calls;
	return sum;
}

static int64_t read_errors(void *user)
{
	const struct callback_group *group = user;
	int64_t sum = 0;
	for (size_t i = 0; i < group->count; i++)
		sum += (int64_t)group->members[i]->stats.errors;
	return sum;
}

static int64_t read_timeouts(void *user)
{
	const struct callback_group *group = user;
	int64_t sum = 0;
	for (size_t i = 0; i < group->count; i++)
		sum += (int64_t)group->members[i]->stats.timeouts;
	return sum;
}

static struct callback_group *find_group(struct modules *set, const struct callback *cb)
{
	for (size_t i = 0; i < set->group_count; i++) {
		const struct callback *other = set->groups[i]->members[0];
		if (other->kind == cb->kind && strcmp(other->module, cb->module) == 0 &&
			strcmp(other->what, cb->what) == 0)
			return set->groups[i];
	}
	set->groups = alloc_grow(set->groups, (set->group_count + 1) * sizeof(*set->groups));
	return set->groups[set->group_count++] = ALLOC_NEW(struct callback_group);
}

static void add_one(const struct callback *cb, void *user)
{
	struct callback_group *group = find_group(user, cb);
	group->members = alloc_grow(group->members, (group->count + 1) * sizeof(*group->members));
	group->members[group->count++] = cb;
}

static void show(struct metric_set *metrics, struct callback_group *group)
{
	const struct callback *cb = group->members[0];
	int64_t bounds[BOUNDS];
	const struct metric_label labels[] = { { "module", cb->module },
		{ "kind", callback_kind_name(cb->kind) }, { "callback", cb->what },
		{ NULL, NULL } };
	for (size_t i = 0; i < BOUNDS; i++)
		bounds[i] = INT64_C(1) << exponents[i];
	metric_new_histogram_fn(metrics, "nuncio_callback_seconds",
		"Time spent in callbacks of modules; kind work is on workers, all else on the logic thread.",
		labels, bounds, BOUNDS, 1e9, read_time, group);
	metric_new_counter_fn(metrics, "nuncio_callback_slow_total",
		"Calls that took longer than slow_callback.", labels, read_slow, group);
	metric_new_counter_fn(metrics, "nuncio_callback_errors_total",
		"What a module must not do, such as a verdict that does not exist.", labels,
		read_errors, group);
	metric_new_counter_fn(metrics, "nuncio_callback_timeouts_total",
		"Answers that a module owed and did not give in time.", labels, read_timeouts,
		group);
}

/* ---- questions: all handlers of a hook together */

/* Up to 17 s: whoever waits, waits for people's servers. */
static const unsigned question_exponents[] = { 10, 13, 16, 19, 22, 25, 28, 31, 34 };
enum { QUESTION_BOUNDS = sizeof question_exponents / sizeof question_exponents[0] };

static void read_question(void *user, uint64_t *buckets, int64_t *sum_r)
{
	const struct callback *asked = user;
	uint64_t before = 0;
	for (size_t i = 0; i <= QUESTION_BOUNDS; i++) {
		uint64_t within = i < QUESTION_BOUNDS
					  ? callback_within(&asked->stats, question_exponents[i])
					  : asked->stats.calls;
		buckets[i] = within - before;
		before = within;
	}
	*sum_r = asked->stats.total_ns;
}

static void show_question(const struct callback *asked, void *user)
{
	int64_t bounds[QUESTION_BOUNDS];
	const struct metric_label labels[] = { { "hook", asked->what }, { NULL, NULL } };
	for (size_t i = 0; i < QUESTION_BOUNDS; i++)
		bounds[i] = INT64_C(1) << question_exponents[i];
	metric_new_histogram_fn(user, "nuncio_question_seconds",
		"Time of a question from its first handler to the verdict, answers that came later included.",
		labels, bounds, QUESTION_BOUNDS, 1e9, read_question, (void *)asked);
}

void modules_add_metrics(struct modules *set)
{
	modules_each_callback(set, add_one, set);
	for (size_t i = 0; i < set->group_count; i++)
		show(set->env.metrics, set->groups[i]);
	hook_table_each_decision(set->env.hooks, show_question, set->env.metrics);
}

void module_free_groups(struct modules *set)
{
	for (size_t i = 0; i < set->group_count; i++) {
		alloc_free(set->groups[i]->members);
		alloc_free(set->groups[i]);
	}
	alloc_free(set->groups);
}
