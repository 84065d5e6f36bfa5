/* SPDX-License-Identifier: MIT */
/*
 * What a user has hidden is not unread. The store counts all that lies above what they have read,
 * because it does not know what they have hidden; here the hidden ones among those are looked at,
 * and it is found out how many the store has counted. There are few, mostly none: who hides a
 * message has read it. Bounded: of more than PAGES_MAX pages the rest stays counted.
 */
#include "history.h"

#include <stdlib.h>
#include <string.h>

enum {
	PAGE_EVENTS = 50,
	PAGE_BYTES = 256 * 1024,
	PAGES_MAX = 200,
	COUNTED_MAX = 1000 /* the store counts so far: there may be more */
};

struct overcount {
	char conversation[CONVERSATION_BYTES + 1];
	struct hidden hidden;
	uint64_t looked; /* up to here */
	uint32_t unread, mentions;
};

struct counting {
	struct nuncio_module *self;
	struct overcounts *counts;
	size_t at, pages;
	records_fn *done;
	void *user;
	char who[USER_BYTES + 1];
};

void overcounts_fini(struct overcounts *counts)
{
	for (size_t i = 0; i < counts->count; i++)
		hidden_fini(&counts->all[i].hidden);
	free(counts->all);
	*counts = (struct overcounts){ 0 };
}

/* The first hidden one above seq, or 0. */
static uint64_t next_hidden(const struct hidden *hidden, uint64_t seq)
{
	for (size_t i = 0; i < hidden->count; i++)
		if (hidden->seqs[i] > seq)
			return hidden->seqs[i];
	return 0;
}

void overcounts_note(struct overcounts *counts, const struct nuncio_conversation_row *row,
	struct nuncio_str hidden)
{
	struct overcount one = { .looked = row->read > row->since ? row->read : row->since };
	if (row->unread == 0 || row->unread >= COUNTED_MAX || !hidden.p ||
		nuncio_text_copy(row->conversation, one.conversation, sizeof one.conversation) < 0)
		return;
	hidden_read(&one.hidden, hidden);
	if (!next_hidden(&one.hidden, one.looked)) {
		hidden_fini(&one.hidden);
		return;
	}
	counts->all = nuncio_resize(counts->all, (counts->count + 1) * sizeof counts->all[0]);
	counts->all[counts->count++] = one;
}

void overcounts_apply(
	const struct overcounts *counts, struct nuncio_str conversation, struct unread *unread)
{
	for (size_t i = 0; i < counts->count; i++) {
		const struct overcount *one = &counts->all[i];
		if (!nuncio_text_same(nuncio_text(one->conversation), conversation))
			continue;
		unread->messages -= one->unread < unread->messages ? one->unread : unread->messages;
		unread->mentions -=
			one->mentions < unread->mentions ? one->mentions : unread->mentions;
	}
}

/* ---- looking ---- */

static bool calls(const struct nuncio_event *event, struct nuncio_str who)
{
	struct nuncio_str list, one;
	char name[USER_BYTES + 1];
	size_t at = 0;
	bool yes = false;
	if (event->flags & NUNCIO_EVENT_MENTIONS_ALL)
		return true;
	if (event->extra.n == 0)
		return false;
	char *object = nuncio_alloc(event->extra.n + 2); /* it has no braces */
	object[0] = '{';
	memcpy(object + 1, event->extra.p, event->extra.n);
	object[event->extra.n + 1] = '}';
	if (nuncio_json_get((struct nuncio_str){ object, event->extra.n + 2 }, "mentions", &list))
		while (!yes && nuncio_json_next(list, &at, NULL, &one))
			yes = nuncio_json_text(one, name, sizeof name) > 0 &&
			      nuncio_text_same(nuncio_text(name), who);
	free(object);
	return yes;
}

static void look_at(struct overcount *one, const struct nuncio_event *event, struct nuncio_str who)
{
	one->looked = event->seq;
	if (!hidden_has(&one->hidden, event->seq) || event->target != 0 ||
		(event->flags & NUNCIO_EVENT_VOID) ||
		!nuncio_text_same(event->type, nuncio_text("message")) ||
		nuncio_text_same(event->from, who))
		return;
	one->unread++;
	one->mentions += calls(event, who);
}

static void go_on(struct counting *counting);

static void end(struct counting *counting, int status)
{
	counting->done(status, counting->user);
	free(counting);
}

static void on_events(int status, const struct nuncio_event *rows, size_t n, int more, void *user)
{
	struct counting *counting = user;
	struct overcount *one = &counting->counts->all[counting->at];
	(void)more;
	if (status < 0) {
		end(counting, status);
		return;
	}
	for (size_t i = 0; i < n; i++)
		look_at(one, &rows[i], nuncio_text(counting->who));
	if (n == 0)
		counting->at++;
	go_on(counting);
}

static void go_on(struct counting *counting)
{
	const struct overcounts *counts = counting->counts;
	uint64_t seq = 0;
	while (counting->at < counts->count) {
		const struct overcount *one = &counts->all[counting->at];
		seq = next_hidden(&one->hidden, one->looked);
		if (seq)
			break;
		counting->at++;
	}
	if (!seq || counting->pages++ == PAGES_MAX) {
		end(counting, 0);
		return;
	}
	const struct nuncio_events_query query = {
		.size = sizeof query,
		.flags = NUNCIO_EVENTS_FORWARD,
		.conversation = nuncio_text(counts->all[counting->at].conversation),
		.after = seq - 1,
		.limit = PAGE_EVENTS,
		.max_bytes = PAGE_BYTES,
	};
	int rc = nuncio_store_events(counting->self, &query, on_events, counting);
	if (rc < 0)
		end(counting, rc);
}

void overcounts_look(struct nuncio_module *self, struct overcounts *counts, struct nuncio_str who,
	records_fn *done, void *user)
{
	struct counting *counting = nuncio_alloc(sizeof *counting);
	counting->self = self;
	counting->counts = counts;
	counting->done = done;
	counting->user = user;
	nuncio_text_copy(who, counting->who, sizeof counting->who);
	go_on(counting);
}
