/* SPDX-License-Identifier: MIT */
#include "accounts.h"

/*
 * Access tokens that are void before their time, on every node and over restarts. The account says
 * from when on tokens are good, for ever. So that a check costs no read, the same write leaves a
 * record (accounts.void, id, "") for GONE_KEEP_MS, and each node has all of those in memory
 * (gone.c):
 *
 *  - at its start it reads them, and lets nobody in before (entry.c); /readyz says why;
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

enum { PAGE_ROWS = 500, AGAIN_MS = 1000, EVERY_MS = 60000 };
#define PEER_VOID "void"

struct voids {
	struct accounts *a;
	struct gone *gone;
	struct nuncio_timer *timer;
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

static void put_one(const struct one_void *one, struct nuncio_json *out)
{
	nuncio_json_object_begin(out);
	nuncio_json_key(out, "user");
	nuncio_json_put_text(out, nuncio_text(one->id));
	put_int(out, "before_ms", one->before_ms == GONE_ALL ? 0 : one->before_ms);
	put_int(out, "until_ms", one->until_ms);
	nuncio_json_object_end(out);
}

int64_t voids_until_ms(const struct account *account)
{
	return account->tokens_from_ms + GONE_KEEP_MS;
}

static struct one_void void_of(const struct account *account)
{
	struct one_void one = { .until_ms = voids_until_ms(account) };
	one.before_ms = account->deleted_at_ms ? GONE_ALL : account->tokens_from_ms;
	memcpy(one.id, account->id, sizeof one.id);
	return one;
}

void voids_write(const struct account *account, struct nuncio_json *out)
{
	struct one_void one = void_of(account);
	put_one(&one, out);
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

static void close_sessions(const struct voids *v, const struct one_void *one)
{
	struct nuncio_str user = nuncio_text(one->id);
	for (nuncio_sid id = nuncio_user_next_session(user, 0); id;
		id = nuncio_user_next_session(user, id)) {
		const struct nuncio_session *session = nuncio_session_find(id);
		if (session && entry_issued_ms(v->a, session) < one->before_ms)
			nuncio_session_close(id, close_code_of(one->before_ms),
				NUNCIO_CODE_token_invalid, words_of(one->before_ms));
	}
}

static void take(struct voids *v, const struct one_void *one)
{
	if (gone_add(
		    v->gone, nuncio_text(one->id), one->before_ms, nuncio_wall_ms(), one->until_ms))
		close_sessions(v, one);
}

void voids_add(struct accounts *a, const struct account *account)
{
	struct one_void one = void_of(account);
	struct nuncio_json *json = nuncio_json_new();
	take(a->voids, &one);
	put_one(&one, json);
	nuncio_peer_send(a->self, PEER_VOID, (struct nuncio_str){ "", 0 }, nuncio_json_str(json));
	nuncio_json_free(&json);
}

static void on_peer(struct nuncio_str data, void *user)
{
	struct one_void one;
	if (read_one(data, &one) == 0)
		take(user, &one);
}

enum gone_why voids_why(const struct accounts *a, struct nuncio_str id, int64_t issued_ms)
{
	return gone_has(a->voids->gone, id, issued_ms, nuncio_wall_ms());
}

bool voids_are_known(const struct accounts *a)
{
	return a->voids->is_known;
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
	entry_decide(v->a);
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

int voids_init(struct accounts *a)
{
	struct voids *v = nuncio_alloc(sizeof *v);
	struct nuncio_module *self = a->self;
	a->voids = v;
	v->a = a;
	v->gone = gone_new();
	int rc = nuncio_peer_add(self, PEER_VOID, on_peer, v);
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
	entry_decide(a);
}

void voids_fini(struct accounts *a)
{
	if (!a->voids)
		return;
	gone_free(&a->voids->gone);
	free(a->voids);
	a->voids = NULL;
}
