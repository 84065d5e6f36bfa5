/* SPDX-License-Identifier: MIT */
/*
 * Reads the records: at the start, and after there were more than memory may keep. What comes live
 * meanwhile waits until that is done, since nothing may overtake what is older.
 */
#include "outbox.h"

#include <stdlib.h>
#include <string.h>

enum { SCAN_ROWS = 500 };

struct late {
	uint64_t seq;
	char *conversation;
};

void scan_note_late(struct outbox *o, struct nuncio_str conversation, uint64_t seq)
{
	if (o->late_count == o->late_room) {
		o->late_room = o->late_room ? o->late_room * 2 : 64;
		o->late = nuncio_resize(o->late, o->late_room * sizeof *o->late);
	}
	struct late *late = &o->late[o->late_count++];
	late->seq = seq;
	late->conversation = nuncio_alloc(conversation.n + 1);
	memcpy(late->conversation, conversation.p, conversation.n);
}

/* All records are known, so these are in order too; else a later scan finds these. */
static void late_end(struct outbox *o)
{
	for (size_t i = 0; i < o->late_count; i++) {
		if (!o->has_more)
			outbox_take_in(o, nuncio_text(o->late[i].conversation), o->late[i].seq);
		free(o->late[i].conversation);
	}
	o->late_count = 0;
}

static void on_scan_later(void *user)
{
	struct outbox *o = user;
	nuncio_timer_stop(&o->scan_later);
	outbox_scan(o);
}

static void scan_later(struct outbox *o)
{
	o->is_scanning = false;
	o->has_more = true;
	late_end(o);
	if (!o->scan_later && !o->w->is_stopping)
		o->scan_later = nuncio_timer_start(o->w->self, RETRY_MS, 0, on_scan_later, o);
}

static void scan_page(struct outbox *o);

static void on_scanned(int status, const struct nuncio_record *rows, size_t n, int more, void *user)
{
	struct outbox *o = user;
	char key[SEQ_DIGITS + 1];
	if (status < 0) {
		scan_later(o);
		return;
	}
	for (size_t i = 0; i < n; i++)
		if (nuncio_text_copy(rows[i].key, key, sizeof key) == 0)
			outbox_take_in(o, rows[i].owner, strtoull(key, NULL, 10));
	if (more && n && o->pending < o->w->max_pending &&
		nuncio_text_copy(rows[n - 1].owner, o->after_owner, sizeof o->after_owner) == 0 &&
		nuncio_text_copy(rows[n - 1].key, o->after_key, sizeof o->after_key) == 0) {
		scan_page(o);
		return;
	}
	o->is_scanning = false;
	o->has_more = o->has_more || more;
	late_end(o);
	outbox_go_on(o);
}

static void scan_page(struct outbox *o)
{
	const struct nuncio_records_query query = {
		.size = sizeof query,
		.space = nuncio_text(SPACE_OUT),
		.owner = { NULL, 0 },
		.after_owner = nuncio_text(o->after_owner),
		.after_key = nuncio_text(o->after_key),
		.limit = SCAN_ROWS,
	};
	if (nuncio_store_list(o->w->self, &query, on_scanned, o) < 0)
		scan_later(o);
}

void outbox_scan(struct outbox *o)
{
	if (o->is_scanning)
		return;
	o->is_scanning = true;
	o->has_more = false;
	o->after_owner[0] = o->after_key[0] = '\0';
	scan_page(o);
}

/* ---- with several nodes: a page now and then, for what no hint told of ---- */

static void on_swept(int status, const struct nuncio_record *rows, size_t n, int more, void *user)
{
	struct outbox *o = user;
	char key[SEQ_DIGITS + 1];
	o->is_sweeping = false;
	if (status < 0 || o->w->is_stopping || !outbox_may_deliver(o))
		return;
	for (size_t i = 0; i < n; i++)
		if (nuncio_text_copy(rows[i].key, key, sizeof key) == 0)
			outbox_add(o, rows[i].owner, strtoull(key, NULL, 10));
	if (!more || !n ||
		nuncio_text_copy(rows[n - 1].owner, o->swept_owner, sizeof o->swept_owner) < 0 ||
		nuncio_text_copy(rows[n - 1].key, o->swept_key, sizeof o->swept_key) < 0)
		o->swept_owner[0] = o->swept_key[0] = '\0';
}

void outbox_sweep(struct outbox *o)
{
	const struct nuncio_records_query query = {
		.size = sizeof query,
		.space = nuncio_text(SPACE_OUT),
		.owner = { NULL, 0 },
		.after_owner = nuncio_text(o->swept_owner),
		.after_key = nuncio_text(o->swept_key),
		.limit = SCAN_ROWS,
	};
	/* Nothing is missed: when more is there than memory may keep, all is read again. */
	if (o->is_sweeping || o->is_scanning || o->has_more)
		return;
	o->is_sweeping = nuncio_store_list(o->w->self, &query, on_swept, o) == 0;
}

void scan_fini(struct outbox *o)
{
	nuncio_timer_stop(&o->scan_later);
	o->has_more = true;
	late_end(o);
	free(o->late);
}
