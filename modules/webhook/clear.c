/* SPDX-License-Identifier: MIT */
/*
 * Records of events that the endpoint has taken. They are gathered and removed together, since each
 * commit of its own would be one more for the disk between those of the people who chat. What was
 * taken in the last moments before a crash is posted once more: an endpoint must expect that
 * anyway.
 */
#include "outbox.h"

#include <inttypes.h>
#include <stdio.h>

enum {
	PAUSE_MS = 500,
	GATHERED_MAX = 2000, /* so many are enough to begin at once */
	WRITES_MAX = 200     /* of one conversation in one transaction */
};

void clear_write_key(uint64_t seq, struct clear_key *key)
{
	snprintf(key->text, sizeof key->text, "%020" PRIu64, seq);
}

static void on_time(void *user)
{
	struct outbox *o = user;
	nuncio_timer_stop(&o->clear_later);
	clear_now(o);
}

static void wait_for_more(struct outbox *o, uint32_t wait_ms)
{
	if (!o->clear_later && !o->w->is_stopping)
		o->clear_later = nuncio_timer_start(o->w->self, wait_ms, 0, on_time, o);
}

static void list(struct lane *lane)
{
	struct outbox *o = lane->outbox;
	if (lane->is_listed)
		return;
	lane->is_listed = true;
	lane->next_posted = o->to_clear;
	o->to_clear = lane;
}

static void remove_records(struct lane *lane);

static void on_removed(int status, void *user)
{
	struct lane *lane = user;
	struct outbox *o = lane->outbox;
	size_t n = lane->removing;
	lane->removing = 0;
	if (status == 0) {
		lane_drop(lane, 0, n);
		lane->posted -= n;
		outbox_set_pending(o, o->pending - n);
	}
	if (status < 0)
		o->gathered += n;
	if (status == 0 && (lane->posted >= WRITES_MAX || (lane->posted && o->w->is_stopping))) {
		remove_records(lane); /* more than one transaction takes, or there is no later */
	} else if (lane->posted) {
		list(lane);
		wait_for_more(o, status < 0 ? RETRY_MS : PAUSE_MS);
	} else if (!lane->count && !lane->is_working) {
		lane_free(lane);
	}
	outbox_go_on(o);
}

static void remove_records(struct lane *lane)
{
	struct nuncio_record_write writes[WRITES_MAX];
	struct clear_key keys[WRITES_MAX];
	struct outbox *o = lane->outbox;
	size_t n = lane->posted < WRITES_MAX ? lane->posted : WRITES_MAX;
	for (size_t i = 0; i < n; i++) {
		clear_write_key(lane->seqs[lane->first + i], &keys[i]);
		writes[i] = (struct nuncio_record_write){ .size = sizeof writes[0],
			.space = nuncio_text(SPACE_OUT),
			.owner = nuncio_text(lane->conversation),
			.key = nuncio_text(keys[i].text) };
	}
	if (nuncio_store_write(o->w->self, writes, n, on_removed, lane) == 0) {
		lane->removing = n;
		o->gathered -= n;
		return;
	}
	list(lane); /* the store is busy */
	wait_for_more(o, RETRY_MS);
}

void clear_now(struct outbox *o)
{
	struct lane *lane = o->to_clear;
	o->to_clear = NULL;
	while (lane) {
		struct lane *next = lane->next_posted;
		lane->is_listed = false;
		remove_records(lane);
		lane = next;
	}
}

void clear_later(struct lane *lane, size_t n)
{
	struct outbox *o = lane->outbox;
	lane->posted += n;
	o->gathered += n;
	if (!lane->removing)
		list(lane);
	if (o->gathered >= GATHERED_MAX || o->w->is_stopping)
		clear_now(o);
	else
		wait_for_more(o, PAUSE_MS);
}
