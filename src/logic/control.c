/* SPDX-License-Identifier: MIT */
#include "logic/control.h"

/*
 * Control commands are requests like any other: declared input, one answer, now or later. What is
 * special is who may ask (admin/ has checked that) and that some may take long. Those that change
 * something are named in the log with who asked, but never with their arguments: a password may be
 * among them. Logic thread only.
 */

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/list.h"
#include "base/log.h"
#include "base/slice.h"
#include "hook/callback.h"
#include "logic/fields.h"
#include "logic/logic.h"

int control_add(struct logic *logic, const char *owner, const struct nuncio_command *command,
	void *user, struct op **op_r, struct nuncio_error *err)
{
	struct op *op;
	int rc = ops_add(&logic->controls, owner, command, user, &op, err);
	if (rc < 0) {
		error_prefix(err, "control: ");
		return rc;
	}
	struct metric_label labels[] = { { "command", command->op }, { NULL, NULL } };
	op->calls = metric_new_counter(logic->parts.metrics, "nuncio_control_calls_total",
		"Commands of the control socket carried out.", labels);
	*op_r = op;
	return 0;
}

void control_remove(struct logic *logic, struct op **op)
{
	ops_remove(&logic->controls, op);
}

static int compare_ops(const void *a, const void *b)
{
	const struct op *const *x = a, *const *y = b;
	return strcmp((*x)->command.op, (*y)->command.op);
}

void control_each(const struct logic *logic, control_each_fn *fn, void *user)
{
	const struct op **all =
		ALLOC_ARRAY(const struct op *, map_count(&logic->controls.by_name) + 1);
	size_t n = 0;
	MAP_EACH (&logic->controls.by_name, node)
		all[n++] = CONTAINER_OF(node, struct op, node);
	qsort(all, n, sizeof(*all), compare_ops);
	for (size_t i = 0; i < n; i++)
		fn(all[i], user);
	alloc_free(all);
}

static void control_run(struct nuncio_request *rq, const char *asker)
{
	const struct op *op = rq->op;
	struct nuncio_error err;
	int rc = fields_check(rq, op->command.fields, op->command.field_size, true, &err);
	if (rc < 0) {
		request_error(&rq, NUNCIO_CODE_invalid_field, "%s", err.text);
		return;
	}
	int level = op->command.flags & NUNCIO_CONTROL_CHANGES ? LOG_LEVEL_INFO : LOG_LEVEL_DEBUG;
	if (log_is_on(level))
		log_write(level, op->owner, request_trace(rq), "control: %s by %s", op->command.op,
			asker);
	metric_add(op->calls, 1);
	int64_t begun_ns = callback_begin();
	op->command.fn(rq, op->user);
	callback_end(op->stats, begun_ns);
}

struct answered {
	struct control_sink sink; /* first */
	struct control_sink *to;
	bool was_called;
};

/* Until control_ask is through; then the request gets the real sink. */
static void on_answer(struct control_sink *sink, struct nuncio_str json)
{
	struct answered *answered = (struct answered *)sink;
	answered->was_called = true;
	answered->to->answer(answered->to, json);
}

struct nuncio_request *control_ask(struct logic *logic, struct nuncio_str name,
	struct nuncio_str data, const char *asker, struct control_sink *sink)
{
	struct answered first = { .sink.answer = on_answer, .to = sink };
	const struct op *op = ops_find(&logic->controls, name);
	bool is_slow = op && op->command.flags & NUNCIO_CONTROL_SLOW;
	struct nuncio_request *rq = request_from_control(logic, data, &first.sink, is_slow);
	rq->op = op;
	if (op)
		control_run(rq, asker);
	else
		request_error(&rq, NUNCIO_CODE_unknown_op,
			"no module that is switched on offers the command \"" STR_FMT "\"",
			STR_ARG(name));
	if (first.was_called)
		return NULL;
	rq->sink = sink;
	return rq;
}

void control_forget(struct nuncio_request *rq)
{
	rq->sink = NULL;
}
