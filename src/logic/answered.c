/* SPDX-License-Identifier: MIT */
#include "logic/answered.h"

/*
 * An answer is given from within a handler, which may be in the middle of something; so it is
 * written down here, and told when the turn ends. Nobody listens: it is only counted.
 */

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/slice.h"
#include "hook/chain.h"
#include "logic/logic.h"
#include "logic/request_input.h"

struct answered {
	struct answered *next;
	nuncio_sid id; /* 0: no session */
	struct nuncio_answered facts;
	char text[]; /* op, user */
};

static bool somebody_listens(const struct logic *logic)
{
	return hook_has(logic->parts.hooks, NUNCIO_HOOK_did_request);
}

/* Returns how long it took. */
static int64_t count(const struct nuncio_request *rq, int http_status, int code)
{
	const struct route *route = rq->is_http ? rq->http->route : NULL;
	const struct tally *tally = rq->op ? &rq->op->tally : route ? &route->tally : NULL;
	enum tally_result result = tally_result_of(code, http_status);
	int64_t took_ns = clock_mono_ns() - rq->begun_ns;
	metric_add_alone(rq->logic->count.answers[result], 1);
	if (tally)
		tally_count(tally, result, took_ns);
	return took_ns;
}

/* As may_call shows it. Empty: there is no such op or route, and clients cannot choose what is. */
static size_t write_op(const struct nuncio_request *rq, char *out, size_t size)
{
	const struct route *route = rq->is_http ? rq->http->route : NULL;
	int n = 0;
	if (rq->op)
		n = snprintf(out, size, "%s", rq->op->command.op);
	else if (route)
		n = snprintf(out, size, "%s %s", route->route.method, route->route.path);
	return n < 0 ? 0 : (size_t)n < size ? (size_t)n : size - 1;
}

void answered_add(const struct nuncio_request *rq, int http_status, int code)
{
	char op[256];
	int64_t took_ns = count(rq, http_status, code);
	if (!somebody_listens(rq->logic))
		return;
	struct nuncio_str user = request_user(rq);
	size_t op_bytes = write_op(rq, op, sizeof op);
	struct answered *answered = alloc_zero(sizeof *answered + op_bytes + user.n);
	memcpy(answered->text, op, op_bytes);
	memcpy(answered->text + op_bytes, user.n ? user.p : "", user.n);
	answered->id = rq->is_http || rq->inner ? 0 : rq->id;
	answered->facts = (struct nuncio_answered){
		.user = { answered->text + op_bytes, user.n },
		.op = { answered->text, op_bytes },
		.code = code,
		.http_status = rq->is_http ? (uint32_t)http_status : 0,
		.took_us = took_ns / 1000,
	};
	struct answers *answers = &rq->logic->answers;
	if (answers->last)
		answers->last->next = answered;
	else
		answers->first = answered;
	answers->last = answered;
}

static struct answered *take_first(struct answers *answers)
{
	struct answered *answered = answers->first;
	answers->first = answered->next;
	if (!answers->first)
		answers->last = NULL;
	return answered;
}

bool answered_tell(struct logic *logic)
{
	struct answers now = logic->answers; /* what comes of it has its own turn */
	bool is_any = now.first != NULL;
	logic->answers = (struct answers){ NULL, NULL };
	while (now.first) {
		struct answered *answered = take_first(&now);
		struct session *session =
			answered->id ? session_find(&logic->sessions, answered->id) : NULL;
		if (session && session->user)
			answered->facts.session = (struct nuncio_session *)session;
		hook_tell(logic->parts.hooks, NUNCIO_HOOK_did_request, &answered->facts);
		alloc_free(answered);
	}
	return is_any;
}

void answered_drop(struct logic *logic)
{
	while (logic->answers.first)
		alloc_free(take_first(&logic->answers));
}
