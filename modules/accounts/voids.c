/* SPDX-License-Identifier: MIT */
#include "accounts.h"

/*
 * Access tokens that are void before their time, on every node and over restarts. The same write
 * that changes a password or ends an account leaves a record (accounts.void, id, ""), which stays
 * until no such token can be left. Each node keeps all of them in memory (gone.c), so a check costs
 * no read:
 *
 *  - at its start it reads them, and lets nobody in before: who comes waits (at most WAITING_MAX,
 *    more are refused with `busy`), and /readyz says why;
 *  - the node that writes one tells the others (nuncio_peer_send), which close the user's sessions
 *    too;
 *  - since the bus may lose what is told, all are read again after it was cut off, and once a
 *    minute when there is one; and after a write of which nobody knows whether it was done. What is
 *    new then is treated as if it had been told.
 *
 * Clocks: a token says when it was issued by the clock of the node that issued it; when clocks
 * differ, a token of that much time before or after the change is taken for the other side.
 */

#include <nuncio/bus.h>
#include <nuncio/hooks.h>
#include <nuncio/ready.h>
#include <nuncio/session.h>

#include <stdlib.h>
#include <string.h>

enum { WAITING_MAX = 4096, PAGE_ROWS = 500, AGAIN_MS = 1000, EVERY_MS = 60000 };
#define PEER_VOID "void"
#define WORDS_DELETED "this account was deleted"
#define WORDS_BUSY "it is not known yet which tokens are void; try again"

/* Somebody who came before it was known. */
struct waiting {
	struct waiting *next;
	struct nuncio_ticket *ticket;
	int64_t issued_ms;
	char id[ACCOUNT_ID_BYTES_MAX + 1];
};

struct voids {
	struct accounts *a;
	struct gone *gone;
	struct nuncio_slot *issued; /* of a session: when its token was issued, in seconds */
	struct nuncio_timer *timer;
	struct waiting *waiting;
	size_t waiting_count;
	bool is_known, is_reading, reads_again, has_failed;
	char after[ACCOUNT_ID_BYTES_MAX + 1]; /* where the reading goes on */
};

/* One of them, in the record and between nodes. */
struct one_void {
	char id[ACCOUNT_ID_BYTES_MAX + 1];
	int64_t before_ms, until_ms;
};

/* ---- as JSON: before_ms 0 stands for all tokens ---- */

static void put_int(struct nuncio_json *json, const char *key, int64_t number)
{
	nuncio_json_key(json, key);
	nuncio_json_put_int(json, number);
}

void voids_write(const char *id, int64_t before_ms, int64_t until_ms, struct nuncio_json *out)
{
	nuncio_json_object_begin(out);
	nuncio_json_key(out, "user");
	nuncio_json_put_text(out, nuncio_text(id));
	put_int(out, "before_ms", before_ms == GONE_ALL ? 0 : before_ms);
	put_int(out, "until_ms", until_ms);
	nuncio_json_object_end(out);
}

static int read_one(struct nuncio_str text, struct one_void *one_r)
{
	struct nuncio_str user, before, until;
	memset(one_r, 0, sizeof *one_r);
	if (nuncio_json_check(text, NULL) < 0 || nuncio_json_get(text, "user", &user) != 1 ||
		nuncio_json_get(text, "before_ms", &before) != 1 ||
		nuncio_json_get(text, "until_ms", &until) != 1 ||
		nuncio_json_text(user, one_r->id, sizeof one_r->id) < 0 ||
		nuncio_json_int(before, &one_r->before_ms) < 0 ||
		nuncio_json_int(until, &one_r->until_ms) < 0)
		return NUNCIO_E_INVAL;
	if (one_r->before_ms == 0)
		one_r->before_ms = GONE_ALL;
	return 0;
}

/* ---- what was signed in before ---- */

static const char *words_of(int64_t before_ms)
{
	return before_ms == GONE_ALL ? WORDS_DELETED : WORDS_PASSWORD_CHANGED;
}

static int close_code_of(int64_t before_ms)
{
	return before_ms == GONE_ALL ? 4002 : 4001;
}

/* Signed in before the change, or after it with a token from before. */
static bool is_void(const struct voids *v, nuncio_sid id, const struct one_void *one)
{
	const struct nuncio_session *session = nuncio_session_find(id);
	if (!session)
		return false;
	int64_t issued_ms = (int64_t)(intptr_t)nuncio_slot_get(session, v->issued) * 1000;
	return nuncio_session_since_ms(session) <= one->before_ms ||
	       gone_has(v->gone, nuncio_text(one->id), issued_ms, nuncio_wall_ms()) != GONE_NOT;
}

static void close_sessions(const struct voids *v, const struct one_void *one)
{
	struct nuncio_str user = nuncio_text(one->id);
	for (nuncio_sid id = nuncio_user_next_session(user, 0); id;
		id = nuncio_user_next_session(user, id))
		if (is_void(v, id, one))
			nuncio_session_close(id, close_code_of(one->before_ms),
				NUNCIO_CODE_token_invalid, words_of(one->before_ms));
}

static void take(struct voids *v, const struct one_void *one)
{
	if (gone_add(
		    v->gone, nuncio_text(one->id), one->before_ms, nuncio_wall_ms(), one->until_ms))
		close_sessions(v, one);
}

void voids_add(struct accounts *a, const char *id, int64_t before_ms, int64_t until_ms)
{
	struct one_void one = { .before_ms = before_ms, .until_ms = until_ms };
	struct nuncio_json *json = nuncio_json_new();
	memcpy(one.id, id, strlen(id) + 1);
	take(a->voids, &one);
	voids_write(id, before_ms, until_ms, json);
	nuncio_peer_send(a->self, PEER_VOID, (struct nuncio_str){ "", 0 }, nuncio_json_str(json));
	nuncio_json_free(&json);
}

static void on_peer(struct nuncio_str data, void *user)
{
	struct one_void one;
	if (read_one(data, &one) == 0)
		take(user, &one);
}

/* ---- who comes ---- */

static enum gone_why why_not(const struct voids *v, struct nuncio_str user, int64_t issued_ms)
{
	return user.n ? gone_has(v->gone, user, issued_ms, nuncio_wall_ms()) : GONE_NOT;
}

static const char *words_of_why(enum gone_why why)
{
	return why == GONE_DELETED ? WORDS_DELETED : WORDS_PASSWORD_CHANGED;
}

static enum nuncio_verdict wait_for_it(
	struct voids *v, struct nuncio_ask *ask, struct nuncio_str user, int64_t issued_ms)
{
	struct waiting *waiting = NULL;
	if (v->waiting_count < WAITING_MAX)
		waiting = nuncio_alloc(sizeof *waiting);
	if (!waiting || nuncio_text_copy(user, waiting->id, sizeof waiting->id) < 0 ||
		!(waiting->ticket = nuncio_defer(ask, 0, NULL, NULL))) {
		free(waiting);
		return nuncio_reject(ask, NUNCIO_CODE_busy, WORDS_BUSY);
	}
	waiting->issued_ms = issued_ms;
	waiting->next = v->waiting;
	v->waiting = waiting;
	v->waiting_count++;
	return NUNCIO_LATER;
}

static void let_one_in(const struct voids *v, struct waiting *waiting)
{
	const struct nuncio_str as_it_is = { NULL, 0 };
	enum gone_why why = why_not(v, nuncio_text(waiting->id), waiting->issued_ms);
	if (!v->is_known)
		nuncio_resume(
			&waiting->ticket, NUNCIO_REJECT, NUNCIO_CODE_busy, WORDS_BUSY, as_it_is);
	else if (why == GONE_NOT)
		nuncio_resume(&waiting->ticket, NUNCIO_PASS, 0, NULL, as_it_is);
	else
		nuncio_resume(&waiting->ticket, NUNCIO_REJECT, NUNCIO_CODE_token_invalid,
			words_of_why(why), as_it_is);
}

/* All who wait; a ticket whose time has passed is only given back by it. */
static void let_in(struct voids *v)
{
	while (v->waiting) {
		struct waiting *waiting = v->waiting;
		v->waiting = waiting->next;
		v->waiting_count--;
		let_one_in(v, waiting);
		free(waiting);
	}
}

static enum nuncio_verdict judge(
	struct voids *v, struct nuncio_ask *ask, struct nuncio_str user, int64_t issued_ms)
{
	if (!v->is_known && user.n)
		return wait_for_it(v, ask, user, issued_ms);
	enum gone_why why = why_not(v, user, issued_ms);
	if (why == GONE_NOT)
		return NUNCIO_PASS;
	return nuncio_reject(ask, NUNCIO_CODE_token_invalid, words_of_why(why));
}

static enum nuncio_verdict on_may_login(
	struct nuncio_ask *ask, const struct nuncio_login *what, void *user)
{
	return judge(user, ask, what->user, what->issued_at_ms);
}

static enum nuncio_verdict on_may_call(
	struct nuncio_ask *ask, const struct nuncio_call *what, void *user)
{
	return judge(user, ask, what->user, what->issued_at_ms);
}

/* Other modules may have taken their time to say yes. */
static void on_did_login(const struct nuncio_login *what, void *user)
{
	const struct voids *v = user;
	nuncio_slot_set(what->session, v->issued, (void *)(intptr_t)(what->issued_at_ms / 1000));
	if (why_not(v, what->user, what->issued_at_ms) != GONE_NOT)
		nuncio_session_close(nuncio_session_id(what->session), 4001,
			NUNCIO_CODE_token_invalid, "the token has become void");
}

/* ---- reading all of them ---- */

static void read_page(struct voids *v);

static void on_timer(void *user)
{
	struct voids *v = user;
	if (v->has_failed || nuncio_bus_is_there())
		voids_read(v->a);
}

/* What could not be read is asked for again soon. */
static void read_later(struct voids *v, bool has_failed)
{
	v->is_reading = false;
	v->has_failed = has_failed;
	nuncio_timer_stop(&v->timer);
	v->timer = nuncio_timer_start(v->a->self, has_failed ? AGAIN_MS : EVERY_MS, 0, on_timer, v);
}

static void end_reading(struct voids *v)
{
	if (!v->is_known)
		nuncio_ready_set(v->a->self, 1, NULL);
	v->is_known = true;
	read_later(v, false);
	let_in(v);
	if (v->reads_again)
		voids_read(v->a);
}

static void on_page(int status, const struct nuncio_record *rows, size_t n, int more, void *user)
{
	struct voids *v = user;
	struct one_void one;
	if (status < 0) {
		read_later(v, true);
		return;
	}
	for (size_t i = 0; i < n; i++)
		if (read_one(rows[i].value, &one) == 0)
			take(v, &one);
	if (!more || n == 0 || nuncio_text_copy(rows[n - 1].owner, v->after, sizeof v->after) < 0)
		end_reading(v);
	else
		read_page(v);
}

static void read_page(struct voids *v)
{
	struct nuncio_records_query query = { .size = sizeof query,
		.space = nuncio_text(SPACE_VOID),
		.after_owner = nuncio_text(v->after),
		.limit = PAGE_ROWS };
	if (nuncio_store_list(v->a->self, &query, on_page, v) < 0)
		read_later(v, true);
}

void voids_read(struct accounts *a)
{
	struct voids *v = a->voids;
	v->reads_again = v->is_reading;
	if (v->is_reading)
		return;
	v->is_reading = true;
	v->after[0] = '\0';
	read_page(v);
}

static void on_did_recover(const struct nuncio_recovery *what, void *user)
{
	struct voids *v = user;
	(void)what;
	voids_read(v->a);
}

/* ---- life ---- */

static void issued_free(void *data)
{
	(void)data; /* a number */
}

int voids_init(struct accounts *a)
{
	struct voids *v = nuncio_alloc(sizeof *v);
	struct nuncio_module *self = a->self;
	a->voids = v;
	v->a = a;
	v->gone = gone_new();
	int rc = nuncio_slot_take(self, NUNCIO_PER_SESSION, issued_free, &v->issued);
	if (rc == 0)
		rc = nuncio_peer_add(self, PEER_VOID, on_peer, v);
	if (rc == 0)
		rc = nuncio_hook_may_login(self, NUNCIO_PRIO_GUARD, on_may_login, v);
	if (rc == 0)
		rc = nuncio_hook_may_call(self, NUNCIO_PRIO_GUARD, on_may_call, v);
	if (rc == 0)
		rc = nuncio_hook_did_login(self, NUNCIO_PRIO_GUARD, on_did_login, v);
	if (rc == 0)
		rc = nuncio_hook_did_recover(self, NUNCIO_PRIO_GUARD, on_did_recover, v);
	return rc;
}

void voids_start(struct accounts *a)
{
	nuncio_ready_set(a->self, 0, "the store has not said yet which tokens are void");
	voids_read(a);
}

void voids_stop(struct accounts *a)
{
	a->voids->is_known = false;
	let_in(a->voids);
}

void voids_fini(struct accounts *a)
{
	if (!a->voids)
		return;
	gone_free(&a->voids->gone);
	free(a->voids);
	a->voids = NULL;
}
