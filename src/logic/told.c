/* SPDX-License-Identifier: MIT */
#include "logic/told.h"

/*
 * What follows when an event is in the store: the audience gets it first, here and on other nodes,
 * asked before any module can change who is in; then modules hear of it.
 */

#include "hook/chain.h"
#include "logic/deliver.h"
#include "logic/logic.h"
#include "logic/miss.h"
#include "logic/reach.h"

static void tell_did_store(struct logic *logic, const struct told *told)
{
	struct session *session = told->from ? session_find(&logic->sessions, told->from) : NULL;
	struct nuncio_send facts = {
		.session = session && session->user ? (struct nuncio_session *)session : NULL,
		.event = told->event,
	};
	hook_tell(logic->parts.hooks, NUNCIO_HOOK_did_store, &facts);
}

static void tell_did_event(struct logic *logic, const struct nuncio_event *event)
{
	struct nuncio_told facts = { .event = event };
	hook_tell(logic->parts.hooks, NUNCIO_HOOK_did_event, &facts);
}

bool told_needs_called(const struct logic *logic)
{
	return hook_has(logic->parts.hooks, NUNCIO_HOOK_did_miss);
}

void told_stored(struct logic *logic, const struct told *told)
{
	struct reach reach = { 0 };
	bool may_miss = miss_is_wanted(logic, told->event), is_cluster = cluster_is_there(logic);
	struct reach *wanted = may_miss || is_cluster ? &reach : NULL;
	deliver_event(logic, told->event, told->from, wanted);
	if (is_cluster)
		cluster_publish_event(logic, told->event, &reach);
	if (hook_has(logic->parts.hooks, NUNCIO_HOOK_did_store))
		tell_did_store(logic, told);
	if (hook_has(logic->parts.hooks, NUNCIO_HOOK_did_event))
		tell_did_event(logic, told->event);
	if (may_miss)
		miss_tell(logic, told->event, &reach, told->called, told->called_count);
	reach_fini(&reach);
}

/* What the store has looked at and refused, it has not written. */
static bool is_certain(int status)
{
	switch (status) {
	case NUNCIO_E_FAIL:
	case NUNCIO_E_TIMEOUT:
	case NUNCIO_E_GONE:
		return false;
	default:
		return true;
	}
}

void told_failed(struct logic *logic, struct nuncio_str conversation, int status)
{
	const struct nuncio_failure facts = {
		.size = sizeof facts, .status = status, .conversation = conversation
	};
	if (!is_certain(status))
		hook_tell(logic->parts.hooks, NUNCIO_HOOK_did_fail, &facts);
}
