/* SPDX-License-Identifier: MIT */
/*
 * Records: one array in order of (space, owner, key). An expired one counts as absent; `idle` takes
 * it out.
 */
#include "store_memory.h"

#include <stdlib.h>
#include <string.h>

enum { VALUE_BYTES_MAX = 64 * 1024 };

static int compare(const struct nuncio_record *r, struct nuncio_str space, struct nuncio_str owner,
	struct nuncio_str key)
{
	int order = text_compare(r->space, space);
	if (order == 0)
		order = text_compare(r->owner, owner);
	return order ? order : text_compare(r->key, key);
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

static bool is_live(const struct nuncio_record *record, int64_t now_ms)
{
	return record->expires_at_ms <= 0 || record->expires_at_ms > now_ms;
}

static struct nuncio_record *make_record(const struct nuncio_record_write *w, uint64_t version)
{
	struct nuncio_record *record = memory_resize(
		NULL, sizeof(*record) + w->space.n + w->owner.n + w->key.n + w->value.n);
	char *room = (char *)(record + 1);
	*record = (struct nuncio_record){ .size = sizeof(*record),
		.space = w->space,
		.owner = w->owner,
		.key = w->key,
		.value = w->value,
		.version = version,
		.expires_at_ms = w->expires_at_ms > 0 ? w->expires_at_ms : 0 };
	text_move(&record->space, &room);
	text_move(&record->owner, &room);
	text_move(&record->key, &room);
	text_move(&record->value, &room);
	return record;
}

static void take_out(struct records *r, size_t at)
{
	memmove(r->all + at, r->all + at + 1, (--r->count - at) * sizeof(struct nuncio_record *));
}

static void put_in(struct records *r, size_t at, struct nuncio_record *record)
{
	if (r->count == r->size) {
		r->size = r->size ? r->size * 2 : 64;
		r->all = memory_resize(r->all, r->size * sizeof(struct nuncio_record *));
	}
	memmove(r->all + at + 1, r->all + at, (r->count++ - at) * sizeof(struct nuncio_record *));
	r->all[at] = record;
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

/* *before_r is what was there (NULL: nothing), for undoing; the caller frees it. */
static int write_one(struct records *r, const struct nuncio_record_write *w, int64_t now_ms,
	struct nuncio_record **before_r)
{
	size_t at = place_of(r, w->space, w->owner, w->key);
	bool is_there = at < r->count && compare(r->all[at], w->space, w->owner, w->key) == 0;
	uint64_t version = is_there && is_live(r->all[at], now_ms) ? r->all[at]->version : 0;
	int status = check(w, version);
	if (status < 0)
		return status;
	*before_r = is_there ? r->all[at] : NULL;
	if (is_there)
		take_out(r, at);
	if (w->value.p)
		put_in(r, at, make_record(w, version + 1));
	return 0;
}

static void undo_one(
	struct records *r, const struct nuncio_record_write *w, struct nuncio_record *before)
{
	size_t at = place_of(r, w->space, w->owner, w->key);
	if (w->value.p) {
		free(r->all[at]);
		take_out(r, at);
	}
	if (before)
		put_in(r, at, before);
}

int records_write(struct records *r, const struct nuncio_record_write *writes, size_t n)
{
	struct nuncio_record **before = memory_resize(NULL, n * sizeof(struct nuncio_record *));
	int64_t now_ms = nuncio_wall_ms();
	int status = 0;
	size_t done = 0;
	while (done < n && (status = write_one(r, &writes[done], now_ms, &before[done])) == 0)
		done++;
	while (done-- > 0) {
		if (status < 0)
			undo_one(r, &writes[done], before[done]);
		else
			free(before[done]);
	}
	free(before);
	return status;
}

int records_get(struct records *r, const struct nuncio_record *q, struct nuncio_job *job)
{
	size_t at = place_of(r, q->space, q->owner, q->key);
	if (at == r->count || compare(r->all[at], q->space, q->owner, q->key) != 0 ||
		!is_live(r->all[at], nuncio_wall_ms()))
		return NUNCIO_E_NOTFOUND;
	nuncio_job_add_record(job, r->all[at]);
	return 0;
}

static bool is_wanted(const struct nuncio_records_query *q, const struct nuncio_record *record)
{
	struct nuncio_str after_owner = q->owner.p ? record->owner : q->after_owner;
	if (q->owner.p && !text_same(record->owner, q->owner))
		return false;
	if (!q->owner.p && !text_has_prefix(record->owner, q->owner_prefix))
		return false;
	if ((q->after_owner.n || q->after_key.n) &&
		compare(record, q->space, after_owner, q->after_key) <= 0)
		return false;
	return text_has_prefix(record->key, q->key_prefix);
}

int records_list(struct records *r, const struct nuncio_records_query *q, struct nuncio_job *job)
{
	struct nuncio_str nothing = { "", 0 };
	int64_t now_ms = nuncio_wall_ms();
	uint32_t count = 0;
	for (size_t i = place_of(r, q->space, q->owner.p ? q->owner : nothing, nothing);
		i < r->count && text_same(r->all[i]->space, q->space); i++) {
		if (!is_live(r->all[i], now_ms) || !is_wanted(q, r->all[i]))
			continue;
		if (count++ == q->limit) {
			nuncio_job_set_more(job, 1);
			break;
		}
		nuncio_job_add_record(job, r->all[i]);
	}
	return 0;
}

void records_expire(struct records *r)
{
	int64_t now_ms = nuncio_wall_ms();
	size_t kept = 0;
	for (size_t i = 0; i < r->count; i++) {
		if (is_live(r->all[i], now_ms))
			r->all[kept++] = r->all[i];
		else
			free(r->all[i]);
	}
	r->count = kept;
}

void records_fini(struct records *r)
{
	for (size_t i = 0; i < r->count; i++)
		free(r->all[i]);
	free(r->all);
}
