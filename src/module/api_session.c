/* SPDX-License-Identifier: MIT */
#include <nuncio/session.h>

/*
 * <nuncio/session.h>: checks thread and arguments, then asks logic/. A session that modules may see
 * has a user: it logged in and was told.
 */

#include "base/check.h"
#include "base/slice.h"
#include "logic/deliver.h"
#include "logic/logic.h"
#include "logic/login.h"
#include "module/module.h"

static struct logic *here(void)
{
	MODULE_CHECK_THREAD();
	return module_env()->logic;
}

static const struct session *session_in(const struct nuncio_session *session)
{
	const struct session *s = (const struct session *)session;
	MODULE_CHECK_THREAD();
	CHECK_MAGIC(s, SESSION_MAGIC);
	return s;
}

nuncio_sid nuncio_session_id(const struct nuncio_session *session)
{
	return session_in(session)->id;
}

struct nuncio_str nuncio_session_user(const struct nuncio_session *session)
{
	return session_user_name(session_in(session));
}

struct nuncio_str nuncio_session_device(const struct nuncio_session *session)
{
	return session_device(session_in(session));
}

int64_t nuncio_session_since_ms(const struct nuncio_session *session)
{
	return session_in(session)->since_ms;
}

struct nuncio_session *nuncio_session_find(nuncio_sid id)
{
	struct session *session = session_find(&here()->sessions, id);
	return session && session->user && session->state != SESSION_CLOSING
		       ? (struct nuncio_session *)session
		       : NULL;
}

int nuncio_session_notify(nuncio_sid id, const char *op, struct nuncio_str data)
{
	return deliver_notify(here(), id, str_of(op), data);
}

int nuncio_user_notify(
	struct nuncio_str user, const char *op, struct nuncio_str data, nuncio_sid except)
{
	return deliver_notify_user(here(), user, str_of(op), data, except);
}

static bool is_live(const struct session *session)
{
	return session->state != SESSION_CLOSING;
}

size_t nuncio_user_session_count(struct nuncio_str user)
{
	const struct user *u = user_find(&here()->users, user);
	size_t count = 0;
	if (!u)
		return 0;
	LIST_EACH (&u->sessions, s, const struct session, of_user)
		count += is_live(s);
	return count;
}

/* The next larger id, so that sessions that come or go between two calls do no harm. */
nuncio_sid nuncio_user_next_session(struct nuncio_str user, nuncio_sid after)
{
	const struct user *u = user_find(&here()->users, user);
	nuncio_sid next = 0;
	if (!u)
		return 0;
	LIST_EACH (&u->sessions, s, const struct session, of_user)
		if (is_live(s) && s->id > after && (next == 0 || s->id < next))
			next = s->id;
	return next;
}

void nuncio_session_close(nuncio_sid id, int close_code, int code, const char *text)
{
	struct logic *logic = here();
	struct session *session = session_find(&logic->sessions, id);
	if (session)
		login_close(logic, session, close_code, code, text ? text : "");
}

static struct slots *slots_of(struct logic *logic, uint32_t scope)
{
	switch (scope) {
	case NUNCIO_PER_SESSION:
		return &logic->sessions.slot_kinds;
	case NUNCIO_PER_USER:
		return &logic->user_slots;
	case NUNCIO_PER_CONVERSATION:
		return &logic->lives.slot_kinds;
	default:
		return NULL;
	}
}

int nuncio_slot_take(struct nuncio_module *self, enum nuncio_scope scope, nuncio_free_fn *free_fn,
	struct nuncio_slot **slot_r)
{
	int rc = module_check_init(self, "nuncio_slot_take");
	if (rc < 0)
		return rc;
	struct slots *slots = slots_of(module_env_of(self)->logic, scope);
	if (!slots)
		return NUNCIO_E_INVAL;
	*slot_r = slots_take(slots, scope, free_fn);
	return *slot_r ? 0 : NUNCIO_E_TOOBIG;
}

void *nuncio_slot_get(const struct nuncio_session *session, const struct nuncio_slot *slot)
{
	const struct session *s = session_in(session);
	CHECK(slot->scope != NUNCIO_PER_CONVERSATION); /* nuncio_live_get */
	if (slot->scope == NUNCIO_PER_SESSION)
		return slots_get(s->slots, slot);
	return s->user ? slots_get(s->user->slots, slot) : NULL;
}

void nuncio_slot_set(struct nuncio_session *session, const struct nuncio_slot *slot, void *data)
{
	struct session *s = (struct session *)session_in(session);
	struct slots *slots = slots_of(here(), slot->scope);
	CHECK(slot->scope != NUNCIO_PER_CONVERSATION);
	if (slot->scope == NUNCIO_PER_SESSION)
		slots_set(slots, &s->slots, slot, data);
	else if (s->user)
		slots_set(slots, &s->user->slots, slot, data);
}
