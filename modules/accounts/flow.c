/* SPDX-License-Identifier: MIT */
#include "accounts.h"

/*
 * A request that waits for the store and for workers carries a `struct flow` from step to step:
 * what was asked, what was loaded, what is to be done next. Input is copied at the start, because
 * the core may answer `timeout` in the meantime. Each step ends in the next one, or answers and
 * frees the flow; the store never calls back before it returns, so a step does not touch the flow
 * behind a call that may go on.
 *
 * An account and its search entries have different owners, so they cannot be written in one
 * transaction. Entries are written before the account that needs them and removed after it, so a
 * failure in between leaves an entry too many, never one too few; search skips entries that their
 * account does not bear out, and removes old ones.
 */

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WAIT_MS_MAX = 5000 };

struct flow *flow_new(struct accounts *a, struct nuncio_request *rq)
{
	struct flow *f = nuncio_alloc(sizeof *f);
	f->a = a;
	f->rq = rq;
	if (nuncio_text_copy(nuncio_request_address(rq), f->address, sizeof f->address) < 0)
		f->address[0] = '\0';
	return f;
}

void flow_free(struct flow **flow)
{
	sodium_memzero(*flow, sizeof **flow);
	free(*flow);
	*flow = NULL;
}

void flow_refuse(struct flow *f, int code, const char *text)
{
	if (text)
		nuncio_reply_error(&f->rq, code, "%s", text);
	else
		nuncio_reply_error(&f->rq, code, NULL);
	flow_free(&f);
}

void flow_fail(struct flow *f, int status)
{
	nuncio_reply_store_status(&f->rq, status);
	flow_free(&f);
}

void flow_reply_account(struct flow *f, int http_status)
{
	struct nuncio_json *json = nuncio_json_new();
	account_show(&f->account, json);
	nuncio_reply(&f->rq, http_status, nuncio_json_str(json));
	nuncio_json_free(&json);
	flow_free(&f);
}

int flow_text(struct flow *f, const char *field, char *out, size_t size)
{
	struct nuncio_str text;
	char words[80];
	if (!nuncio_request_text(f->rq, field, &text))
		return 0;
	if (nuncio_text_copy(text, out, size) == 0 && strlen(out) == text.n)
		return 1;
	snprintf(words, sizeof words, "%s: too long, or with a NUL character in it", field);
	flow_refuse(f, NUNCIO_CODE_invalid_field, words);
	return -1;
}

int flow_path_id(struct flow *f)
{
	static const char prefix[] = "/api/v1/users/";
	struct nuncio_str path = nuncio_request_path(f->rq), id = { NULL, 0 };
	if (nuncio_text_starts(path, nuncio_text(prefix)))
		id = (struct nuncio_str){ path.p + sizeof prefix - 1,
			path.n - (sizeof prefix - 1) };
	if (id_is_sound(id) && nuncio_text_copy(id, f->id, sizeof f->id) == 0)
		return 0;
	flow_refuse(f, NUNCIO_CODE_not_found, "there is no such user");
	return -1;
}

/* ---- waiting for a time ---- */

static void wake(struct flow *f)
{
	struct flow **link = &f->a->sleepers;
	while (*link != f)
		link = &(*link)->next_sleeper;
	*link = f->next_sleeper;
	nuncio_timer_stop(&f->timer);
}

static void on_time(void *user)
{
	struct flow *f = user;
	wake(f);
	/* The wall clock may have been set meanwhile. */
	flow_wait(f, f->wakes_at_ms, f->next);
}

void flow_wait(struct flow *f, int64_t until_ms, flow_fn *next)
{
	int64_t wait_ms = until_ms - nuncio_wall_ms();
	if (wait_ms <= 0) {
		next(f);
		return;
	}
	if (wait_ms > WAIT_MS_MAX) {
		nuncio_log_request(f->a->self, f->rq, NUNCIO_ERROR,
			"the clock is %lld ms behind the last change of an account, whose user cannot sign in until then",
			(long long)wait_ms);
		flow_refuse(f, NUNCIO_CODE_unavailable, "the server's clock is wrong");
		return;
	}
	f->next = next;
	f->wakes_at_ms = until_ms;
	f->next_sleeper = f->a->sleepers;
	f->a->sleepers = f;
	f->timer = nuncio_timer_start(f->a->self, (uint32_t)wait_ms, 0, on_time, f);
}

void flow_stop(struct accounts *a)
{
	while (a->sleepers) {
		struct flow *f = a->sleepers;
		a->sleepers = f->next_sleeper;
		nuncio_timer_stop(&f->timer);
		flow_refuse(f, NUNCIO_CODE_unavailable, "the server stops");
	}
}

/* ---- the account ---- */

static void on_load(int status, const struct nuncio_record *rows, size_t n, int more, void *user)
{
	struct flow *f = user;
	(void)more;
	if (status == 0 && n == 1)
		status = account_read(rows, &f->account);
	f->is_known = status == 0 && !f->account.deleted_at_ms;
	if (status < 0 && status != NUNCIO_E_NOTFOUND)
		flow_fail(f, status);
	else
		f->next(f);
}

void flow_load(struct flow *f, flow_fn *next)
{
	f->next = next;
	int rc = nuncio_store_get(f->a->self, nuncio_text(SPACE_ACCOUNT), nuncio_text(f->id),
		(struct nuncio_str){ "", 0 }, on_load, f);
	if (rc < 0)
		flow_fail(f, rc);
}

static void on_save(int status, void *user)
{
	struct flow *f = user;
	if (status == 0 || status == NUNCIO_E_EXISTS || status == NUNCIO_E_CONFLICT) {
		f->next_status(f, status);
		return;
	}
	/* It may have been written all the same. */
	if (f->voids)
		voids_read(f->a);
	flow_fail(f, status);
}

/*
 * One owner, so both are written or none. Tokens count whole seconds, so good are those that are
 * issued in the next one or later; a sign-in waits for it (signin.c). Writes of one owner are done
 * in the order in which they are asked for: who signed in before this one has a token from before.
 */
void flow_save(struct flow *f, int64_t expect, flow_status_fn *next)
{
	struct nuncio_str id = nuncio_text(f->account.id);
	struct nuncio_json *account = nuncio_json_new(), *voids = nuncio_json_new();
	if (f->voids)
		f->account.tokens_from_ms = (nuncio_wall_ms() / 1000 + 1) * 1000;
	account_write(&f->account, account);
	voids_write(&f->account, voids);
	const struct nuncio_record_write writes[] = {
		{ .size = sizeof writes[0],
			.space = nuncio_text(SPACE_ACCOUNT),
			.owner = id,
			.key = { "", 0 },
			.value = nuncio_json_str(account),
			.expect = expect },
		{ .size = sizeof writes[0],
			.space = nuncio_text(SPACE_VOID),
			.owner = id,
			.key = { "", 0 },
			.value = nuncio_json_str(voids),
			.expires_at_ms = voids_until_ms(&f->account) },
	};
	f->next_status = next;
	int rc = nuncio_store_write(f->a->self, writes, f->voids ? 2 : 1, on_save, f);
	nuncio_json_free(&account);
	nuncio_json_free(&voids);
	if (rc < 0)
		flow_fail(f, rc);
}

/* ---- search entries ---- */

/* Search looks through the ids themselves first, so what the id begins with needs no entry. */
bool index_is_needed(struct nuncio_str folded, struct nuncio_str id)
{
	return folded.n > 0 && !nuncio_text_starts(id, folded);
}

static void index_step(struct flow *f);

static void on_index(int status, void *user)
{
	struct flow *f = user;
	if (status < 0)
		flow_fail(f, status);
	else
		index_step(f);
}

static void index_step(struct flow *f)
{
	char now[24];
	if (f->index_count == 0) {
		f->next(f);
		return;
	}
	snprintf(now, sizeof now, "%lld", (long long)nuncio_wall_ms());
	struct nuncio_record_write write = {
		.size = sizeof write,
		.space = nuncio_text(SPACE_NAME),
		.owner = nuncio_text(f->index[--f->index_count]),
		.key = nuncio_text(f->account.id),
		.value = nuncio_text(now),
	};
	int rc = nuncio_store_write(f->a->self, &write, 1, on_index, f);
	if (rc < 0)
		flow_fail(f, rc);
}

static void index_note(struct flow *f, const char *text)
{
	char *folded = f->index[f->index_count];
	text_fold(nuncio_text(text), folded);
	if (index_is_needed(nuncio_text(folded), nuncio_text(f->account.id)))
		f->index_count++;
}

void flow_index(struct flow *f, flow_fn *next)
{
	f->next = next;
	f->index_count = 0;
	index_note(f, f->account.id);
	index_note(f, f->account.name);
	index_step(f);
}

/* Nobody waits for it: an entry too many does no harm. */
static void on_drop(int status, void *user)
{
	(void)status;
	(void)user;
}

void index_drop(struct accounts *a, struct nuncio_str folded, struct nuncio_str id, int64_t expect)
{
	struct nuncio_record_write write = {
		.size = sizeof write,
		.space = nuncio_text(SPACE_NAME),
		.owner = folded,
		.key = id,
		.value = { NULL, 0 },
		.expect = expect,
	};
	if (index_is_needed(folded, id))
		nuncio_store_write(a->self, &write, 1, on_drop, a);
}
