/* SPDX-License-Identifier: MIT */
#include "logic/requests.h"

/*
 * Requests that end before their owner has answered: their time is over, or the server's. Logic
 * thread only.
 */

#include "base/check.h"
#include "base/log.h"
#include "base/slice.h"
#include "hook/callback.h"
#include "hook/chain.h"
#include "logic/logic.h"
#include "logic/op.h"
#include "logic/requests_private.h"

/*
 * Its owner still holds it: only the client hears. All is in order before that, because who hears
 * (a module's done, a middleware) may ask anything of us.
 */
static void request_answer_early(struct nuncio_request *rq, int code, const char *message)
{
	struct requests *requests = &rq->logic->requests;
	list_remove(&rq->node);
	list_add(&requests->late, &rq->node);
	if (!rq->is_control)
		requests->count--;
	if (rq->inner)
		requests->inner_count--;
	rq->is_answered = true;
	request_send_answer(rq, nuncio_code_http_status(code), code, str_of(message), STR(""));
}

/* ---- its time is over ---- */

struct silence {
	const char *module; /* whose it was */
	const char *hook;   /* that it was asked; NULL: the request itself */
	struct callback *stats;
};

static struct silence request_silence(const struct nuncio_request *rq)
{
	const struct route *route = rq->is_http ? rq->http->route : NULL;
	struct callback *asked = rq->parked ? chain_asked(rq->parked) : NULL;
	if (asked)
		return (struct silence){ asked->module, asked->what, asked };
	if (rq->op)
		return (struct silence){ rq->op->owner, NULL, rq->op->stats };
	if (route)
		return (struct silence){ route->owner, NULL, route->stats };
	return (struct silence){ "core", NULL, NULL };
}

static void log_silence(struct nuncio_request *rq, const struct silence *silence)
{
	const struct route *route = rq->is_http ? rq->http->route : NULL;
	log_write(LOG_LEVEL_WARN, silence->module, request_trace(rq),
		"no answer to %s within request_timeout (%lld ms)%s%s",
		rq->op  ? rq->op->command.op
		: route ? route->route.path
			: "",
		(long long)rq->logic->settings.request_timeout_ms,
		silence->hook ? ": still waiting for " : "", silence->hook ? silence->hook : "");
}

/* Nobody owns it while a question about it waits: the question ends, and the session goes on. */
static void request_end_parked(struct nuncio_request *rq, int code, const char *message)
{
	struct logic *logic = rq->logic;
	struct chain *chain = rq->parked;
	nuncio_sid id = rq->is_http ? 0 : rq->id;
	request_unpark(rq);
	chain_cancel(&chain);
	request_answer_early(rq, code, message);
	request_free(&rq);
	if (id)
		op_resume_session(logic, id);
}

static void request_expire(struct nuncio_request *rq)
{
	struct silence silence = request_silence(rq);
	callback_count_timeout(silence.stats);
	log_silence(rq, &silence);
	if (rq->parked)
		request_end_parked(rq, NUNCIO_CODE_timeout,
			"no answer within the deadline; nothing was carried out");
	else
		request_answer_early(rq, NUNCIO_CODE_timeout,
			"no answer within the deadline; the outcome is not known");
}

void requests_expire(struct logic *logic, int64_t now_ms)
{
	int64_t begun_ms = now_ms - logic->settings.request_timeout_ms;
	struct nuncio_request *rq;
	while ((rq = LIST_FIRST(&logic->requests.waiting, struct nuncio_request, node)) != NULL &&
		rq->begun_ms <= begun_ms)
		request_expire(rq);
}

/* ---- the server ends ---- */

/* Only those that are in the list now: what hears of it may ask something new. */
static void end_all(struct list *ending)
{
	struct nuncio_request *rq;
	while ((rq = LIST_FIRST(ending, struct nuncio_request, node)) != NULL)
		request_answer_early(rq, NUNCIO_CODE_stopping, "the server is stopping");
}

void requests_end(struct logic *logic)
{
	struct list waiting, slow;
	logic->requests.is_over = true;
	list_take_all(&logic->requests.waiting, &waiting);
	end_all(&waiting);
	list_take_all(&logic->requests.slow, &slow);
	end_all(&slow);
}

void requests_end_inner(struct logic *logic)
{
	struct list inner;
	list_init(&inner);
	logic->requests.is_over = true;
	LIST_EACH_SAFE (&logic->requests.waiting, rq, struct nuncio_request, node) {
		if (!rq->inner)
			continue;
		list_remove(&rq->node);
		list_add(&inner, &rq->node);
	}
	end_all(&inner);
}

void requests_fini(struct requests *requests)
{
	struct nuncio_request *rq;
	while ((rq = LIST_FIRST(&requests->late, struct nuncio_request, node)) != NULL)
		request_free(&rq);
	CHECK(requests->count == 0);
}
