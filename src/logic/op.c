/* SPDX-License-Identifier: MIT */
#include "logic/op.h"

/*
 * The table of client ops, and the road of a packet from its session to the handler: known op?
 * logged in? may_call? input as declared? Packets of one session are carried out in the order they
 * came: while may_call of one waits, the next ones stay in the session's queue. Logic thread only.
 */

#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/list.h"
#include "base/slice.h"
#include "hook/callback.h"
#include "hook/chain.h"
#include "logic/fields.h"
#include "logic/logic.h"
#include "logic/request_input.h"
#include "logic/login.h"
#include "provide/sized.h"

void ops_init(struct ops *ops)
{
	map_init(&ops->by_name);
}

void ops_fini(struct ops *ops)
{
	MAP_EACH (&ops->by_name, node) {
		struct op *op = CONTAINER_OF(node, struct op, node);
		map_remove(&ops->by_name, node);
		alloc_free(op);
	}
	map_fini(&ops->by_name);
}

static bool is_op(const struct map_node *node, const void *key)
{
	const struct nuncio_str *name = key;
	return str_eq_text(*name, CONTAINER_OF(node, struct op, node)->command.op);
}

struct op *ops_find(const struct ops *ops, struct nuncio_str name)
{
	struct map_node *node = map_find(&ops->by_name, hash_str(name), is_op, &name);
	return node ? CONTAINER_OF(node, struct op, node) : NULL;
}

static bool is_op_name(const char *name)
{
	if (!name || !(*name >= 'a' && *name <= 'z') || strlen(name) > 64)
		return false;
	return name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_.")] == '\0';
}

int ops_add(struct ops *ops, const char *owner, const struct nuncio_command *command, void *user,
	struct op **op_r, struct nuncio_error *err)
{
	struct nuncio_command own;
	struct op *op;
	sized_take(&own, sizeof own, command, command->size);
	if (!is_op_name(own.op) || !own.fn) {
		nuncio_error_set(err,
			"op \"%s\" of module %s: bad name, no function, or its size is not given",
			own.op ? own.op : "", owner);
		return NUNCIO_E_INVAL;
	}
	if (!fields_are_sized(own.fields, own.field_size)) {
		nuncio_error_set(err, "op %s of module %s: field_size is not that of a field",
			own.op, owner);
		return NUNCIO_E_INVAL;
	}
	op = ops_find(ops, str_of(command->op));
	if (op) {
		nuncio_error_set(err, "op %s is offered by two modules: %s and %s", command->op,
			op->owner, owner);
		return NUNCIO_E_EXISTS;
	}
	op = ALLOC_NEW(struct op);
	op->command = own;
	op->owner = owner;
	op->user = user;
	map_add(&ops->by_name, &op->node, hash_str(str_of(command->op)));
	*op_r = op;
	return 0;
}

void ops_remove(struct ops *ops, struct op **op)
{
	if (!*op)
		return;
	map_remove(&ops->by_name, &(*op)->node);
	alloc_free(*op);
	*op = NULL;
}

static void op_run(struct nuncio_request *rq)
{
	const struct op *op = rq->op;
	struct nuncio_error err;
	int rc = fields_check(rq, op->command.fields, op->command.field_size, true, &err);
	if (rc < 0) {
		request_error(&rq,
			rc == NUNCIO_E_TOOBIG ? NUNCIO_CODE_too_large : NUNCIO_CODE_invalid_field,
			"%s", err.text);
		return;
	}
	int64_t begun_ns = callback_begin();
	op->command.fn(rq, op->user);
	callback_end(op->stats, begun_ns);
}

static void on_may_call(const struct chain_answer *answer, void *user)
{
	struct nuncio_request *rq = user;
	struct logic *logic = rq->logic;
	nuncio_sid id = rq->id;
	bool was_parked = request_unpark(rq);
	if (answer->yes && !rq->is_answered)
		op_run(rq);
	else
		request_error(&rq, answer->code, "%s", answer->text);
	if (was_parked)
		op_resume_session(logic, id);
}

static void op_ask(struct logic *logic, struct session *session, struct nuncio_request *rq)
{
	if (!hook_has(logic->parts.hooks, NUNCIO_HOOK_may_call)) {
		op_run(rq);
		return;
	}
	rq->call.session = (struct nuncio_session *)session;
	rq->call.user = request_user(rq);
	if (session)
		rq->call.address = session_address(session, rq->address);
	rq->call.op = str_of(rq->op->command.op);
	struct chain *chain = chain_ask(
		logic->parts.hooks, NUNCIO_HOOK_may_call, &rq->call, NULL, on_may_call, rq);
	if (chain)
		request_park(rq, chain);
}

static void op_start(struct logic *logic, struct session *session, struct io_packet *packet)
{
	struct nuncio_request *rq = request_from_packet(logic, session, packet);
	rq->op = ops_find(&logic->ops, packet->packet.op);
	if (session->state != SESSION_READY && !(rq->op && rq->op->command.flags & NUNCIO_OPEN))
		request_error(
			&rq, NUNCIO_CODE_auth_required, "send session.open with a token first");
	else if (!rq->op)
		request_error(&rq, NUNCIO_CODE_unknown_op,
			"no module that is switched on offers the op \"" STR_FMT "\"",
			STR_ARG(packet->packet.op));
	else
		op_ask(logic, session, rq);
}

int op_call(struct logic *logic, struct nuncio_str who, const char *name, struct nuncio_str data,
	const struct inner_side *inner)
{
	const struct op *op = ops_find(&logic->ops, str_of(name));
	if (!op)
		return NUNCIO_E_NOTFOUND;
	if (logic->requests.is_over)
		return NUNCIO_E_GONE;
	if (logic->requests.inner_count >= REQUESTS_INNER_MAX)
		return NUNCIO_E_BUSY;
	struct nuncio_request *rq = request_from_module(logic, who, data, inner);
	rq->op = op;
	op_ask(logic, NULL, rq);
	return 0;
}

static bool session_must_wait(const struct session *session)
{
	return session->parked || session->state == SESSION_PROVING;
}

void op_dispatch(struct logic *logic, struct session *session, struct io_packet *packet)
{
	if (session_must_wait(session) || session->first_waiting)
		session_push_waiting(session, packet);
	else
		op_start(logic, session, packet);
}

/*
 * What is answered at once comes back here while the loop below still runs; then that one goes on.
 * Otherwise a client could make the stack as deep as it has sent packets.
 */
void op_resume_session(struct logic *logic, nuncio_sid id)
{
	struct session *session = session_find(&logic->sessions, id);
	struct io_packet *packet;
	if (session && session->is_resuming)
		return;
	while (session && session->state != SESSION_CLOSING && !session_must_wait(session) &&
		(packet = session_pop_waiting(session)) != NULL) {
		session->is_resuming = true;
		op_start(logic, session, packet);
		session = session_find(&logic->sessions, id);
		if (session)
			session->is_resuming = false;
	}
}
