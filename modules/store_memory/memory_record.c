/* SPDX-License-Identifier: MIT */
/*
 * Records: one array in order of (space, owner, key). An expired one counts as absent; `idle` takes
 * it out. A deleted one that sync tells of stays for a month, without a value, and counts as absent
 * too.
 */
#include "store_memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VALUE_BYTES_MAX = 64 * 1024, KEY_BYTES_MAX = 255, SEQ_DIGITS = 20 };

static const int64_t DELETED_KEPT_MS = INT64_C(30) * 24 * 60 * 60 * 1000;

static int compare(const struct record *r, struct nuncio_str space, struct nuncio_str owner,
	struct nuncio_str key)
{
	int order = nuncio_text_compare(r->r.space, space);
	if (order == 0)
		order = nuncio_text_compare(r->r.owner, owner);
	return order ? order : nuncio_text_compare(r->r.key, key);
}

/* The first that is not below the name. */
static size_t place_of(const struct records *r, struct nuncio_str space, struct nuncio_str owner,
	struct nuncio_str key)
{
	size_t low = 0, high = r->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (compare(r->all[middle], space, owner, key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool record_is_live(const struct record *record, int64_t now_ms)
{
	return record->r.value.p &&
	       (record->r.expires_at_ms <= 0 || record->r.expires_at_ms > now_ms);
}

static void take_out(struct records *r, size_t at)
{
	memmove(r->all + at, r->all + at + 1, (--r->count - at) * sizeof(struct record *));
}

static void put_in(struct records *r, size_t at, struct record *record)
{
	if (r->count == r->size) {
		r->size = r->size ? r->size * 2 : 64;
		r->all = nuncio_resize(r->all, r->size * sizeof(struct record *));
	}
	memmove(r->all + at + 1, r->all + at, (r->count++ - at) * sizeof(struct record *));
	r->all[at] = record;
}

/* ---- Writing ---- */

/* A write with its whole key, and what it has put where: for undoing. */
struct step {
	struct nuncio_record_write w;
	char key[KEY_BYTES_MAX + SEQ_DIGITS + 1];
	struct record *before, *after; /* NULL: none */
};

static void step_init(struct step *step, const struct nuncio_record_write *w, uint64_t seq)
{
	*step = (struct step){ .w = *w };
	if (!(w->flags & NUNCIO_WRITE_KEY_SEQ))
		return;
	int n = snprintf(step->key, sizeof(step->key), "%.*s%0*" PRIu64, (int)w->key.n,
		w->key.n ? w->key.p : "", SEQ_DIGITS, seq);
	step->w.key = (struct nuncio_str){ step->key, (size_t)n };
}

static int check(const struct nuncio_record_write *w, uint64_t version)
{
	if (w->value.n > VALUE_BYTES_MAX)
		return NUNCIO_E_TOOBIG;
	if (w->expect < NUNCIO_EXPECT_ABSENT)
		return NUNCIO_E_INVAL;
	if (w->expect == NUNCIO_EXPECT_ABSENT && version)
		return NUNCIO_E_EXISTS;
	return w->expect > 0 && (uint64_t)w->expect != version ? NUNCIO_E_CONFLICT : 0;
}

static struct record *make_record(const struct nuncio_record_write *w, uint64_t version)
{
	struct record *record = nuncio_resize(
		NULL, sizeof(*record) + w->space.n + w->owner.n + w->key.n + w->value.n);
	char *room = (char *)(record + 1);
	*record = (struct record){ .r = { .size = sizeof(record->r),
					   .space = w->space,
					   .owner = w->owner,
					   .key = w->key,
					   .value = w->value,
					   .version = version,
					   .expires_at_ms =
						   w->expires_at_ms > 0 ? w->expires_at_ms : 0 } };
	text_move(&record->r.space, &room);
	text_move(&record->r.owner, &room);
	text_move(&record->r.key, &room);
	if (w->value.p)
		text_move(&record->r.value, &room);
	return record;
}

/* What stands there then; of a deletion only something if sync has to tell of it. */
static struct record *make_after(
	struct logs *l, const struct step *step, uint64_t version, int64_t now_ms)
{
	const struct nuncio_record_write *w = &step->w;
	bool is_synced = (w->flags & NUNCIO_WRITE_SYNCED) != 0;
	if (!w->value.p && (!is_synced || !step->before))
		return NULL;
	struct record *record = make_record(w, w->value.p ? version + 1 : version);
	record->deleted_at_ms = w->value.p ? 0 : now_ms;
	if (is_synced)
		record->change = ++l->change;
	return record;
}

static int step_do(struct records *r, struct logs *l, struct step *step, int64_t now_ms)
{
	const struct nuncio_record_write *w = &step->w;
	size_t at = place_of(r, w->space, w->owner, w->key);
	bool is_there = at < r->count && compare(r->all[at], w->space, w->owner, w->key) == 0;
	uint64_t version =
		is_there && record_is_live(r->all[at], now_ms) ? r->all[at]->r.version : 0;
	int status = check(w, version);
	if (status < 0 || w->flags & NUNCIO_WRITE_CHECK)
		return status;
	if (is_there) {
		step->before = r->all[at];
		take_out(r, at);
	}
	step->after = make_after(l, step, version, now_ms);
	if (step->after)
		put_in(r, at, step->after);
	return 0;
}

static void step_undo(struct records *r, struct step *step)
{
	const struct nuncio_record_write *w = &step->w;
	size_t at = place_of(r, w->space, w->owner, w->key);
	if (step->after)
		take_out(r, at);
	if (step->before)
		put_in(r, at, step->before);
	free(step->after);
}

int records_write(struct records *r, struct logs *l, const struct nuncio_record_write *writes,
	size_t n, uint64_t seq)
{
	struct step *steps = nuncio_resize(NULL, n * sizeof(*steps));
	int64_t now_ms = nuncio_wall_ms();
	int status = 0;
	size_t done = 0;
	for (; done < n && status == 0; done++) {
		step_init(&steps[done], &writes[done], seq);
		status = step_do(r, l, &steps[done], now_ms);
	}
	if (status < 0)
		done--; /* the one that failed has done nothing */
	while (done-- > 0) {
		if (status < 0)
			step_undo(r, &steps[done]);
		else
			free(steps[done].before);
	}
	free(steps);
	return status;
}

/* ---- Reading ---- */

int records_get(struct records *r, const struct nuncio_record *q, struct nuncio_job *job)
{
	size_t at = place_of(r, q->space, q->owner, q->key);
	if (at == r->count || compare(r->all[at], q->space, q->owner, q->key) != 0 ||
		!record_is_live(r->all[at], nuncio_wall_ms()))
		return NUNCIO_E_NOTFOUND;
	nuncio_job_add_record(job, &r->all[at]->r);
	return 0;
}

static bool is_wanted(const struct nuncio_records_query *q, const struct record *record)
{
	struct nuncio_str after_owner = q->owner.p ? record->r.owner : q->after_owner;
	if (q->owner.p && !nuncio_text_same(record->r.owner, q->owner))
		return false;
	if (!q->owner.p && !nuncio_text_starts(record->r.owner, q->owner_prefix))
		return false;
	if ((q->after_owner.n || q->after_key.n) &&
		compare(record, q->space, after_owner, q->after_key) <= 0)
		return false;
	return nuncio_text_starts(record->r.key, q->key_prefix);
}

int records_list(struct records *r, const struct nuncio_records_query *q, struct nuncio_job *job)
{
	struct nuncio_str nothing = { "", 0 };
	int64_t now_ms = nuncio_wall_ms();
	uint32_t count = 0;
	for (size_t i = place_of(r, q->space, q->owner.p ? q->owner : nothing, nothing);
		i < r->count && nuncio_text_same(r->all[i]->r.space, q->space); i++) {
		if (!record_is_live(r->all[i], now_ms) || !is_wanted(q, r->all[i]))
			continue;
		if (count++ == q->limit) {
			nuncio_job_set_more(job, 1);
			break;
		}
		nuncio_job_add_record(job, &r->all[i]->r);
	}
	return 0;
}

/* Sync must not lie: who has not heard of a deletion that is forgotten reloads. */
void records_expire(struct records *r, struct logs *l)
{
	int64_t now_ms = nuncio_wall_ms();
	size_t kept = 0;
	for (size_t i = 0; i < r->count; i++) {
		struct record *record = r->all[i];
		bool is_deleted = !record->r.value.p;
		if (is_deleted ? now_ms - record->deleted_at_ms < DELETED_KEPT_MS
			       : record_is_live(record, now_ms)) {
			r->all[kept++] = record;
			continue;
		}
		if (is_deleted && record->change > l->forgotten)
			l->forgotten = record->change;
		free(record);
	}
	r->count = kept;
}

void records_fini(struct records *r)
{
	for (size_t i = 0; i < r->count; i++)
		free(r->all[i]);
	free(r->all);
}
