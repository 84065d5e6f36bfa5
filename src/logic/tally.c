/* SPDX-License-Identifier: MIT */
/*
 * The numbers of answers, in Prometheus' form. Made once, when all modules have registered, so that
 * counting is two additions and a search among fifteen bounds. In the order of names, because the
 * table of ops has a new one with every start. Logic thread only.
 */
#include "logic/tally.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/list.h"
#include "base/metric.h"
#include "logic/logic.h"

enum { NAME_BYTES = 256 };

const char *tally_result_name(enum tally_result result)
{
	static const char *const names[TALLY_RESULTS] = { "ok", "invalid", "unauthenticated",
		"denied", "conflict", "limited", "failed", "other" };
	return names[result];
}

static enum tally_result of_http(int status)
{
	if (status < 400)
		return TALLY_OK;
	if (status == 401)
		return TALLY_UNPROVEN;
	if (status == 403)
		return TALLY_DENIED;
	return status < 500 ? TALLY_INVALID : TALLY_FAILED;
}

enum tally_result tally_result_of(int code, int http_status)
{
	static const enum tally_result of_thousand[] = { TALLY_OTHER, TALLY_INVALID, TALLY_UNPROVEN,
		TALLY_DENIED, TALLY_CONFLICT, TALLY_FAILED };
	if (code == NUNCIO_CODE_ok)
		return of_http(http_status);
	if (code == NUNCIO_CODE_rate_limited || code == NUNCIO_CODE_busy)
		return TALLY_LIMITED;
	return code > 0 && code < 6000 ? of_thousand[code / 1000] : TALLY_OTHER;
}

void tally_count(const struct tally *tally, enum tally_result result, int64_t took_ns)
{
	metric_add_alone(tally->answers[result], 1);
	metric_observe_alone(tally->seconds, took_ns);
}

/* ---- making them ---- */

static void tally_init(
	struct tally *tally, struct metric_set *set, const char *label, const char *name)
{
	bool is_op = strcmp(label, "op") == 0;
	const struct metric_label only[] = { { label, name }, { NULL, NULL } };
	for (int i = 0; i < TALLY_RESULTS; i++) {
		const struct metric_label labels[] = { { label, name },
			{ "result", tally_result_name(i) }, { NULL, NULL } };
		tally->answers[i] = metric_new_counter(set,
			is_op ? "nuncio_op_calls_total" : "nuncio_route_calls_total",
			is_op ? "Client ops answered, by the class of their code."
			      : "HTTP routes answered, by the class of their code.",
			labels);
	}
	tally->seconds = metric_new_times(set, is_op ? "nuncio_op_seconds" : "nuncio_route_seconds",
		is_op ? "Time from the request for an op to its answer."
		      : "Time from the request for a route to its answer.",
		only);
}

static int compare_ops(const void *a, const void *b)
{
	const struct op *const *x = a, *const *y = b;
	return strcmp((*x)->command.op, (*y)->command.op);
}

static void make_ops(struct logic *logic)
{
	struct op **all = ALLOC_ARRAY(struct op *, map_count(&logic->ops.by_name) + 1);
	size_t n = 0;
	MAP_EACH (&logic->ops.by_name, node)
		all[n++] = CONTAINER_OF(node, struct op, node);
	qsort(all, n, sizeof(struct op *), compare_ops);
	for (size_t i = 0; i < n; i++)
		tally_init(&all[i]->tally, logic->parts.metrics, "op", all[i]->command.op);
	alloc_free(all);
}

static void make_routes(struct logic *logic)
{
	char name[NAME_BYTES];
	for (size_t i = 0; i < logic->routes.count; i++) {
		struct route *route = logic->routes.all[i];
		snprintf(name, sizeof name, "%s %s", route->route.method, route->route.path);
		tally_init(&route->tally, logic->parts.metrics, "route", name);
	}
}

void tally_make(struct logic *logic)
{
	for (int i = 0; i < TALLY_RESULTS; i++) {
		const struct metric_label labels[] = { { "result", tally_result_name(i) },
			{ NULL, NULL } };
		logic->count.answers[i] = metric_new_counter(logic->parts.metrics,
			"nuncio_answers_total",
			"Requests answered, also those for what there is not, by the class of their code.",
			labels);
	}
	make_ops(logic);
	make_routes(logic);
}
