/* SPDX-License-Identifier: MIT */
/*
 * All records of one user in one space, read page by page into memory for the time of a question:
 * what is asked for several conversations at once is cheaper so than one by one.
 */
#include "history.h"

#include <stdlib.h>
#include <string.h>

enum { PAGE_ROWS = 1000 };

struct loading {
	struct nuncio_module *self;
	struct records *records;
	records_fn *done;
	void *user;
	const char *space;
	char owner[USER_BYTES + 1], after[256];
};

static void loading_end(struct loading *loading, int status)
{
	if (status < 0)
		records_fini(loading->records);
	loading->done(status, loading->user);
	free(loading);
}

static void add(struct records *records, const struct nuncio_record *rows, size_t n)
{
	records->all = nuncio_resize(records->all, (records->count + n) * sizeof records->all[0]);
	for (size_t i = 0; i < n; i++) {
		struct record_copy *copy = &records->all[records->count++];
		copy->key = nuncio_alloc(rows[i].key.n + 1 + rows[i].value.n);
		memcpy(copy->key, rows[i].key.p, rows[i].key.n);
		copy->value.p = copy->key + rows[i].key.n + 1;
		copy->value.n = rows[i].value.n;
		if (rows[i].value.n)
			memcpy(copy->key + rows[i].key.n + 1, rows[i].value.p, rows[i].value.n);
	}
}

static void next_page(struct loading *loading);

static void on_rows(int status, const struct nuncio_record *rows, size_t n, int more, void *user)
{
	struct loading *loading = user;
	if (status < 0) {
		loading_end(loading, status);
		return;
	}
	if (n)
		add(loading->records, rows, n);
	if (more && n && loading->records->count < RECORDS_MAX &&
		nuncio_text_copy(rows[n - 1].key, loading->after, sizeof loading->after) == 0)
		next_page(loading);
	else
		loading_end(loading, 0);
}

static void next_page(struct loading *loading)
{
	const struct nuncio_records_query query = {
		.size = sizeof query,
		.space = nuncio_text(loading->space),
		.owner = nuncio_text(loading->owner),
		.after_owner = loading->after[0] ? nuncio_text(loading->owner)
						 : (struct nuncio_str){ "", 0 },
		.after_key = nuncio_text(loading->after),
		.limit = PAGE_ROWS,
	};
	int rc = nuncio_store_list(loading->self, &query, on_rows, loading);
	if (rc < 0)
		loading_end(loading, rc);
}

void records_load(struct nuncio_module *self, const char *space, const char *user_id,
	struct records *records_r, records_fn *done, void *user)
{
	struct loading *loading = nuncio_alloc(sizeof *loading);
	*records_r = (struct records){ NULL, 0 };
	loading->self = self;
	loading->records = records_r;
	loading->done = done;
	loading->user = user;
	loading->space = space;
	nuncio_text_copy(nuncio_text(user_id), loading->owner, sizeof loading->owner);
	next_page(loading);
}

int records_get(const struct records *records, struct nuncio_str key, struct nuncio_str *value_r)
{
	size_t low = 0, high = records->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const char *at = records->all[middle].key;
		size_t n = strlen(at);
		int order = memcmp(at, key.p, n < key.n ? n : key.n);
		if (order == 0)
			order = (n > key.n) - (n < key.n);
		if (order == 0) {
			*value_r = records->all[middle].value;
			return 1;
		}
		*(order < 0 ? &low : &high) = order < 0 ? middle + 1 : middle;
	}
	return 0;
}

void records_fini(struct records *records)
{
	for (size_t i = 0; i < records->count; i++)
		free(records->all[i].key);
	free(records->all);
	*records = (struct records){ NULL, 0 };
}
