/* SPDX-License-Identifier: MIT */
/* One's contacts, and whom one has blocked, in order of their ids, in pages. */
#include "contacts.h"

#include <nuncio/codes.h>

#include <stdlib.h>

enum { PAGE_DEFAULT = 100, PAGE_MAX = 200 };

struct listing {
	struct contacts *c;
	struct nuncio_request *rq;
	bool is_blocks;
	char me[USER_BYTES + 1], after[USER_BYTES + 1];
};

static void copy_member(struct nuncio_json *json, struct nuncio_str object, const char *key)
{
	struct nuncio_str value;
	nuncio_json_key(json, key);
	if (nuncio_json_get(object, key, &value))
		nuncio_json_put_raw(json, value);
	else
		nuncio_json_put_text(json, (struct nuncio_str){ "", 0 });
}

static void write_row(struct nuncio_json *json, const struct nuncio_record *row, bool is_block)
{
	struct nuncio_str value;
	int64_t since_ms = 0;
	nuncio_json_object_begin(json);
	nuncio_json_key(json, "user");
	nuncio_json_put_text(json, row->key);
	if (is_block) {
		copy_member(json, row->value, "since");
	} else {
		copy_member(json, row->value, "state");
		nuncio_json_key(json, "since");
		if (nuncio_json_get(row->value, "since_ms", &value) &&
			nuncio_json_int(value, &since_ms) == 0 && since_ms)
			nuncio_json_put_time(json, since_ms);
		else
			nuncio_json_put_null(json);
		copy_member(json, row->value, "remark");
		copy_member(json, row->value, "message");
	}
	nuncio_json_object_end(json);
}

static void on_rows(int status, const struct nuncio_record *rows, size_t n, int more, void *user)
{
	struct listing *l = user;
	if (status < 0) {
		nuncio_reply_store_status(&l->rq, status);
		free(l);
		return;
	}
	struct nuncio_json *json = nuncio_json_new();
	nuncio_json_object_begin(json);
	nuncio_json_key(json, l->is_blocks ? "blocked" : "contacts");
	nuncio_json_array_begin(json);
	for (size_t i = 0; i < n; i++)
		write_row(json, &rows[i], l->is_blocks);
	nuncio_json_array_end(json);
	nuncio_json_key(json, "next");
	if (more && n)
		nuncio_json_put_text(json, rows[n - 1].key);
	else
		nuncio_json_put_null(json);
	nuncio_json_object_end(json);
	nuncio_reply(&l->rq, 200, nuncio_json_str(json));
	nuncio_json_free(&json);
	free(l);
}

static void list(struct nuncio_request *rq, struct contacts *c, bool is_blocks)
{
	struct listing *l = nuncio_alloc(sizeof *l);
	struct nuncio_str after = { "", 0 };
	int64_t limit = PAGE_DEFAULT;
	*l = (struct listing){ .c = c, .rq = rq, .is_blocks = is_blocks };
	nuncio_request_text(rq, "after", &after);
	nuncio_request_int(rq, "limit", &limit);
	nuncio_text_copy(nuncio_request_user(rq), l->me, sizeof l->me);
	nuncio_text_copy(after, l->after, sizeof l->after);
	const struct nuncio_records_query query = {
		.size = sizeof query,
		.space = nuncio_text(is_blocks ? SPACE_BLOCK : SPACE_CONTACT),
		.owner = nuncio_text(l->me),
		.after_owner = l->after[0] ? nuncio_text(l->me) : (struct nuncio_str){ "", 0 },
		.after_key = nuncio_text(l->after),
		.limit = (uint32_t)(limit < 1 || limit > PAGE_MAX ? PAGE_DEFAULT : limit),
	};
	int rc = nuncio_store_list(c->self, &query, on_rows, l);
	if (rc < 0)
		on_rows(rc, NULL, 0, 0, l);
}

void on_list(struct nuncio_request *rq, void *user)
{
	list(rq, user, false);
}

void on_block_list(struct nuncio_request *rq, void *user)
{
	list(rq, user, true);
}
