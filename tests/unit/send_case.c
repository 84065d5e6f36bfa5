/* SPDX-License-Identifier: MIT */
#include "send_case.h"

#include "base/slice.h"
#include "hook/chain.h"
#include "hook/hook_table.h"
#include "logic/deliver.h"
#include "logic/logic.h"
#include "logic/send.h"
#include "provide/store.h"

struct send_case seen;
struct loopback lb;

/* ---- a store that gives numbers ---- */

static void see_append(struct nuncio_job *job, const struct nuncio_job_append *in)
{
	size_t used = 0;
	seen.mentions[0] = '\0';
	for (size_t i = 0; i < in->mentions_count; i++)
		used += (size_t)snprintf(seen.mentions + used, sizeof seen.mentions - used,
			STR_FMT " ", STR_ARG(in->mentions[i]));
	seen.event_flags = in->event.flags;
	seen.append_flags = in->flags;
	if (!in->event.target)
		return;
	struct nuncio_event target = { .size = sizeof target,
		.seq = in->event.target,
		.type = STR("message"),
		.kind = STR("text"),
		.conversation = in->event.conversation,
		.from = STR("bob"),
		.body = in->target_body,
		.extra = STR("\"reply_to\":1"),
		.state = in->target_state,
		.changed = (uint64_t)seen.seq };
	nuncio_job_add_event(job, &target);
}

static int run(struct nuncio_job *job)
{
	const struct nuncio_job_append *append = nuncio_job_input(job);
	const struct nuncio_job_mark *mark = nuncio_job_input(job);
	if (nuncio_job_kind(job) == NUNCIO_JOB_APPEND) {
		nuncio_job_set_appended(
			job, (uint64_t)++seen.seq, append->event.id, append->event.sent_at_ms, 0);
		seen.founders = (int)append->founders_count;
		seen.writes = (int)append->writes_count;
		see_append(job, append);
		return seen.status;
	}
	seen.delivered = mark->delivered;
	seen.read = mark->read;
	struct nuncio_member row = { .size = sizeof row,
		.user = mark->user,
		.delivered = mark->delivered,
		.read = mark->read };
	nuncio_job_add_member(job, &row);
	return seen.status;
}

/* ---- a kind of conversations: rooms that everybody is in ---- */

static void on_cancelled(void *user)
{
	(void)user;
	seen.cancelled++;
}

static int limited_resolve(struct nuncio_str sender, struct nuncio_str value, char *out,
	size_t size, void *user, struct nuncio_error *err)
{
	if (value.n > 20) {
		nuncio_error_set(err, "to.room: no such room");
		return NUNCIO_E_NOTFOUND;
	}
	return room_resolve(sender, value, out, size, user, err);
}

static int32_t room_may_enter(struct nuncio_ask *ask, const struct nuncio_access *what, void *user)
{
	(void)user;
	if (str_eq_text(what->conversation, "r:closed"))
		return nuncio_reject(ask, NUNCIO_CODE_not_member, "not in this room");
	nuncio_ask_set_window(ask, 4, 9);
	if (!seen.parks_enter)
		return NUNCIO_PASS;
	seen.enter = nuncio_defer(ask, 5000, on_cancelled, NULL);
	return NUNCIO_LATER;
}

static void room_audience(
	struct nuncio_str conversation, struct nuncio_audience *audience, void *user)
{
	(void)conversation, (void)user;
	deliver_add_user(audience, STR("alice"));
	deliver_add_user(audience, STR("bob"));
	deliver_add_user(audience, STR("carol"));
}

/* Of an event of another type only bob hears. */
static void room_audience_of(
	const struct nuncio_event *event, struct nuncio_audience *audience, void *user)
{
	if (str_eq_text(event->type, "message"))
		room_audience(event->conversation, audience, user);
	else
		deliver_add_user(audience, STR("bob"));
}

static size_t room_founders(
	struct nuncio_str conversation, struct nuncio_str *users_r, size_t max, void *user)
{
	(void)conversation, (void)user;
	assert_true(max >= 2);
	users_r[0] = STR("alice");
	users_r[1] = STR("bob");
	return 2;
}

static int club_resolve(struct nuncio_str sender, struct nuncio_str value, char *out, size_t size,
	void *user, struct nuncio_error *err)
{
	(void)sender, (void)user, (void)err;
	return snprintf(out, size, "c:" STR_FMT, STR_ARG(value));
}

static const struct nuncio_kind room = {
	.size = sizeof room,
	.name = "room",
	.prefix = "r",
	.target = "room",
	.resolve = limited_resolve,
	.may_enter = room_may_enter,
	.is_valid = room_is_valid,
	.audience = room_audience,
	.founders = room_founders,
	.audience_of = room_audience_of,
};

/* The same, for members only. */
static const struct nuncio_kind club = {
	.size = sizeof club,
	.name = "club",
	.prefix = "c",
	.target = "club",
	.resolve = club_resolve,
	.may_enter = room_may_enter,
	.is_valid = room_is_valid,
	.audience = room_audience,
	.flags = NUNCIO_KIND_MEMBERS_ONLY | NUNCIO_KIND_UNMUTED_ONLY,
};

/* ---- hooks ---- */

static enum nuncio_verdict on_call(
	struct nuncio_ask *ask, const struct nuncio_call *what, void *user)
{
	(void)what, (void)user;
	if (!seen.parks_call)
		return NUNCIO_PASS;
	seen.parks_call = false;
	seen.call = nuncio_defer(ask, 5000, on_cancelled, NULL);
	return NUNCIO_LATER;
}

static enum nuncio_verdict on_send(
	struct nuncio_ask *ask, const struct nuncio_send *what, void *user)
{
	(void)user;
	if (seen.new_body[0])
		assert_int_equal(nuncio_ask_set_body(ask, str_of(seen.new_body)), 0);
	struct nuncio_record_write write = { .size = sizeof write,
		.space = STR("t"),
		.owner = what->event->conversation,
		.key = STR("k"),
		.value = STR("v") };
	if (seen.adds_write)
		assert_int_equal(nuncio_ask_add_write(ask, &write), 0);
	if (!seen.parks_send)
		return NUNCIO_PASS;
	seen.parks_send = false;
	seen.send = nuncio_defer(ask, 5000, on_cancelled, NULL);
	return NUNCIO_LATER;
}

/* Looks at the session, as a module would: it must still be there. */
static enum nuncio_verdict on_query(
	struct nuncio_ask *ask, const struct nuncio_access *what, void *user)
{
	(void)ask, (void)user;
	seen.query_session = ((const struct session *)what->session)->id;
	return NUNCIO_PASS;
}

static enum nuncio_verdict on_reach(const struct nuncio_reach *what, void *user)
{
	(void)what, (void)user;
	if (seen.notifies_in_reach) {
		seen.notifies_in_reach = false;
		deliver_notify_user(lb.logic, STR("carol"), STR("aside"), STR("{}"), 0);
	}
	return NUNCIO_PASS;
}

static void on_stored(const struct nuncio_send *what, void *user)
{
	(void)user;
	seen.stored++;
	if (seen.closes_in_store) {
		struct session *session = session_find(&lb.logic->sessions, seen.closes_in_store);
		session->state = SESSION_CLOSING;
	}
	if (!seen.appends_in_store)
		return;
	seen.appends_in_store = false;
	struct nuncio_append more = { .size = sizeof more,
		.conversation = what->event->conversation,
		.type = STR("note"),
		.kind = STR("system"),
		.body = STR("\"seen\"") };
	assert_int_equal(send_append(lb.logic, &more, NULL, NULL), 0);
}

static void on_failed(const struct nuncio_failure *what, void *user)
{
	(void)user;
	assert_true(str_eq_text(what->conversation, "r:x"));
	assert_int_equal(what->status, NUNCIO_E_FAIL);
	seen.failed++;
}

static void on_marked(const struct nuncio_mark *what, void *user)
{
	(void)what, (void)user;
	seen.marked++;
}

/* ---- the rig ---- */

#define HOOK(hook, fn) \
	hook_table_add(lb.hooks, NUNCIO_HOOK_##hook, 0, "t", 0, (nuncio_any_fn *)fn, NULL)

int case_setup(void **state)
{
	struct nuncio_error err;
	memset(&seen, 0, sizeof seen);
	loopback_init(&lb);
	HOOK(may_call, on_call);
	HOOK(may_send, on_send);
	HOOK(may_query, on_query);
	HOOK(may_reach, on_reach);
	HOOK(did_store, on_stored);
	HOOK(did_fail, on_failed);
	HOOK(did_mark, on_marked);
	assert_int_equal(kinds_add(&lb.logic->kinds, "t", &room, NULL, &err), 0);
	assert_int_equal(kinds_add(&lb.logic->kinds, "t", &club, NULL, &err), 0);
	room_store_open(&lb, run);
	loopback_ready(&lb);
	*state = &lb;
	return 0;
}

int case_teardown(void **state)
{
	(void)state;
	store_close(lb.store);
	loopback_fini(&lb);
	return 0;
}

void case_settle(void)
{
	room_store_settle(&lb);
}

void case_resume(struct nuncio_ticket **ticket)
{
	nuncio_resume(ticket, NUNCIO_PASS, 0, NULL, (struct nuncio_str){ NULL, 0 });
	case_settle();
}

void case_send(nuncio_sid id, uint32_t seq, const char *data)
{
	loopback_packet(&lb, id, seq, "message.send", data);
	case_settle();
}
