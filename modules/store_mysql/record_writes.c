/* SPDX-License-Identifier: MIT */
/*
 * Records as writes change them. One that has expired counts as absent, whether or not it was
 * removed yet.
 */
#include "store_mysql.h"

#include <stdio.h>
#include <string.h>

enum { SEQ_DIGITS = 20 };

void record_wants(struct work *w, const struct nuncio_record_write *writes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!(writes[i].flags & NUNCIO_WRITE_KEY_SEQ))
			work_record(w, &writes[i], writes[i].key);
}

static int refuse(const struct nuncio_record_write *write, uint64_t version)
{
	if (write->value.n > VALUE_BYTES_MAX)
		return NUNCIO_E_TOOBIG;
	if (write->expect < NUNCIO_EXPECT_ABSENT)
		return NUNCIO_E_INVAL;
	if (write->expect == NUNCIO_EXPECT_ABSENT && version)
		return NUNCIO_E_EXISTS;
	return write->expect > 0 && (uint64_t)write->expect != version ? NUNCIO_E_CONFLICT : 0;
}

static struct record_row *row_of(
	struct work *w, const struct nuncio_record_write *write, uint64_t seq)
{
	if (!(write->flags & NUNCIO_WRITE_KEY_SEQ))
		return work_record(w, write, write->key);
	char *key = pool_take(&w->lane->pool, write->key.n + SEQ_DIGITS + 1);
	if (write->key.n)
		memcpy(key, write->key.p, write->key.n);
	snprintf(key + write->key.n, SEQ_DIGITS + 1, "%020llu", (unsigned long long)seq);
	struct record_row *row =
		work_record(w, write, (struct nuncio_str){ key, write->key.n + SEQ_DIGITS });
	/*
	 * It was not read, because nobody knew seq. A record of an event that is just coming cannot
	 * be there; if one wrote it by hand, it is written over.
	 */
	row->is_there = true;
	return row;
}

int record_apply(struct work *w, const struct nuncio_record_write *writes, size_t n, uint64_t seq)
{
	for (size_t i = 0; i < n; i++) {
		const struct nuncio_record_write *write = &writes[i];
		struct record_row *row = row_of(w, write, seq);
		int status = refuse(write, row->version);
		if (status < 0)
			return status;
		if (write->flags & NUNCIO_WRITE_CHECK)
			continue;
		WORK_KEEP_ROW(w, row);
		row->is_changed = true;
		row->is_synced |= (write->flags & NUNCIO_WRITE_SYNCED) != 0;
		row->value = write->value;
		row->version = write->value.p ? row->version + 1 : 0;
		row->expires_at_ms = write->expires_at_ms > 0 ? write->expires_at_ms : 0;
	}
	return 0;
}
