/* SPDX-License-Identifier: MIT */
#include "logic/logic.h"

/*
 * The logic thread: takes what the I/O threads have sent and hands it to the part that knows.
 * Everything that one turn has for an I/O thread goes out in one batch at the turn's end. The inbox
 * is bounded: over half of it the I/O threads stop reading, so what is here is finite. Batches are
 * limited, so that timers stay honest under load.
 */

#include <string.h>

#include "base/alloc.h"
#include "base/check.h"
#include "base/slice.h"
#include "hook/chain.h"
#include "logic/login.h"
#include "logic/op.h"
#include "provide/store.h"

struct logic *logic_new(const struct logic_settings *settings, const struct logic_parts *parts)
{
	struct logic *logic = ALLOC_NEW(struct logic);
	logic->settings = *settings;
	logic->parts = *parts;
	mailbox_init(&logic->inbox, parts->loop, parts->inbox_limit);
	mailbox_limit_bytes(&logic->inbox, parts->inbox_bytes);
	logic->to_io = ALLOC_ARRAY(struct outbox, parts->io_threads);
	sessions_init(&logic->sessions, parts->io_threads);
	users_init(&logic->users, &logic->user_slots);
	lives_init(&logic->lives);
	wheel_init(&logic->wheel, (uint32_t)loop_now_ms(parts->loop), LOGIC_TICK_MS);
	ops_init(&logic->ops);
	ops_init(&logic->controls);
	routes_init(&logic->routes);
	shapes_init(&logic->shapes);
	kinds_init(&logic->kinds);
	requests_init(&logic->requests);
	marks_init(&logic->marks, logic);
	miss_init(&logic->misses);
	cluster_init(&logic->cluster, logic);
	return logic;
}

void logic_free(struct logic **logic)
{
	struct logic *l = *logic;
	if (!l)
		return;
	cluster_fini(&l->cluster, l);
	miss_fini(&l->misses);
	marks_fini(&l->marks, l);
	requests_fini(&l->requests);
	routes_fini(&l->routes);
	shapes_fini(&l->shapes);
	buf_fini(&l->openapi);
	ops_fini(&l->controls);
	ops_fini(&l->ops);
	lives_fini(&l->lives);
	users_fini(&l->users);
	sessions_fini(&l->sessions);
	slots_fini(&l->user_slots);
	mailbox_fini(&l->inbox);
	buf_fini(&l->scratch);
	alloc_free(l->to_io);
	alloc_free(l);
	*logic = NULL;
}

void logic_set_io(struct logic *logic, uint32_t thread, struct mailbox *inbox)
{
	CHECK(thread < logic->parts.io_threads);
	outbox_init(&logic->to_io[thread], inbox);
}

void logic_post_io(struct logic *logic, nuncio_sid id, struct mail *mail)
{
	outbox_add(&logic->to_io[io_id_thread(id)], mail);
}

/* ---- what comes in ---- */

static void take_packet(struct logic *logic, struct io_packet *packet)
{
	struct session *session = session_find(&logic->sessions, packet->id);
	if (!session || session->state == SESSION_CLOSING)
		alloc_free(packet);
	else
		op_dispatch(logic, session, packet);
}

static void take_closed(struct logic *logic, struct io_closed *closed)
{
	login_closed(logic, closed);
	alloc_free(closed);
}

static void take_stopped(struct logic *logic, struct mail *mail)
{
	alloc_free(mail);
	if (++logic->stopped_io == logic->parts.io_threads && logic->on_io_stopped)
		logic->on_io_stopped(logic->io_stopped_user);
}

static void take(struct logic *logic, struct mail *mail)
{
	switch (mail->kind) {
	case IO_PACKET:
		take_packet(logic, (struct io_packet *)mail);
		break;
	case IO_HTTP:
		route_dispatch(logic, (struct io_http *)mail);
		break;
	case IO_CONNECT:
		login_connect(logic, (struct io_connect *)mail);
		break;
	case IO_CLOSED:
		take_closed(logic, (struct io_closed *)mail);
		break;
	case IO_STOPPED:
		take_stopped(logic, mail);
		break;
	default:
		CHECK(!"unknown message from an I/O thread");
	}
}

/* ---- draining ---- */

static void drain_check(struct logic *logic)
{
	if (!logic->on_drained || logic->sessions.count > 0 || logic->requests.count > 0 ||
		!marks_are_clean(&logic->marks))
		return;
	void (*on_drained)(void *) = logic->on_drained;
	logic->on_drained = NULL;
	on_drained(logic->drained_user);
}

static void drain_session(struct session *session, void *user)
{
	login_close(user, session, 1001, NUNCIO_CODE_stopping, "the server is stopping");
}

void logic_drain(struct logic *logic, void (*on_drained)(void *user), void *user)
{
	struct nuncio_drain facts = { .timeout_ms = logic->settings.drain_timeout_ms };
	logic->is_draining = true;
	logic->on_drained = on_drained;
	logic->drained_user = user;
	hook_tell(logic->parts.hooks, NUNCIO_HOOK_did_drain, &facts);
	sessions_each(&logic->sessions, drain_session, logic);
	marks_flush(logic);
}

/* ---- turns ---- */

static struct mail *logic_next_mail(struct logic *logic)
{
	struct mail *mail = logic->taken;
	if (!mail)
		mail = mailbox_take_counted(&logic->inbox, &logic->taken_count);
	if (!mail)
		return NULL;
	logic->taken = mail->next;
	logic->taken_count--;
	logic->done_bytes += mail->bytes;
	mail->next = NULL;
	return mail;
}

/* Once for many: it is an atomic that the I/O threads look at. */
static void tell_done(struct logic *logic)
{
	mailbox_done(&logic->inbox, logic->done_bytes);
	logic->done_bytes = 0;
}

/* What is over LOGIC_BATCH waits until the answers so far are on their way. */
static bool on_turn(struct loop *loop, void *user)
{
	struct logic *logic = user;
	struct mail *mail;
	int n = 0;
	(void)loop;
	while (n < LOGIC_BATCH && (mail = logic_next_mail(logic)) != NULL) {
		take(logic, mail);
		n++;
	}
	tell_done(logic);
	return n > 0;
}

/*
 * Answers must not be lost, and what they are bounded by (requests under way, sessions) has limits
 * of its own.
 */
static bool on_turn_end(struct loop *loop, void *user)
{
	struct logic *logic = user;
	bool did_something = answered_tell(logic);
	(void)loop;
	if (logic->is_draining)
		drain_check(logic);
	for (uint32_t i = 0; i < logic->parts.io_threads; i++) {
		if (!logic->to_io[i].first)
			continue;
		outbox_flush_forced(&logic->to_io[i]);
		did_something = true;
	}
	return did_something;
}

static void on_second(struct loop *loop, struct loop_timer *timer, void *user)
{
	struct logic *logic = user;
	(void)timer;
	wheel_turn(&logic->wheel, (uint32_t)loop_now_ms(loop), login_due, logic);
	requests_expire(logic, loop_now_ms(loop));
	lives_reclaim(logic, loop_now_ms(loop), false);
}

static bool on_spin(void *user)
{
	const struct logic *logic = user;
	return logic->taken || mailbox_count(&logic->inbox) > 0;
}

void logic_bind(struct logic *logic)
{
	struct loop *loop = logic->parts.loop;
	loop_on_turn(loop, on_turn, logic);
	loop_on_spin(loop, on_spin, logic);
	loop_timer_init(&logic->second, on_second, logic);
	loop_timer_start(loop, &logic->second, LOGIC_TICK_MS, LOGIC_TICK_MS);
}

void logic_bind_end(struct logic *logic)
{
	loop_on_turn(logic->parts.loop, on_turn_end, logic);
}

void logic_on_io_stopped(struct logic *logic, void (*fn)(void *user), void *user)
{
	logic->on_io_stopped = fn;
	logic->io_stopped_user = user;
}

static void drop_incoming(struct mail *mail)
{
	if (mail->kind == IO_HTTP) {
		struct arena arena = ((struct io_http *)mail)->arena; /* the mail is in it */
		arena_fini(&arena);
	} else {
		alloc_free(mail);
	}
}

static void end_session(struct session *session, void *user)
{
	struct io_closed closed = { .id = session->id, .close_code = 1001 };
	login_closed(user, &closed);
}

void logic_end_sessions(struct logic *logic)
{
	struct mail *mail;
	while ((mail = logic_next_mail(logic)) != NULL)
		drop_incoming(mail);
	tell_done(logic);
	sessions_each(&logic->sessions, end_session, logic);
	lives_reclaim(logic, 0, true);
	answered_tell(logic);
	marks_flush(logic);
}

void logic_clear(struct logic *logic)
{
	loop_timer_stop(logic->parts.loop, &logic->second);
	requests_end(logic);
	answered_drop(logic);
	for (uint32_t i = 0; i < logic->parts.io_threads; i++) {
		struct mail *mail = outbox_take_all(&logic->to_io[i]);
		while (mail) {
			struct mail *next = mail->next;
			io_inbox_drop(mail);
			mail = next;
		}
	}
}
