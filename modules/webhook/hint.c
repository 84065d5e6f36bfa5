/* SPDX-License-Identifier: MIT */
/*
 * What is due because of this node, told to the one that delivers. A hint may get lost, or come
 * when nobody delivers: then the record is found by reading (scan.c), only later. Hints of a few
 * milliseconds go together, to all nodes: the bus does not know who it is that delivers.
 *
 * Data: "<seq> <bytes of the name> <name>" over and over.
 */
#include "webhook.h"

#include <nuncio/bus.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WAIT_MS = 10, ROOM = 16 * 1024, HEAD_BYTES = 32 };

#define PEER_DUE "due"

struct hints {
	struct webhook *w;
	struct nuncio_timer *later;
	size_t used;
	char text[ROOM];
};

static void send_all(struct hints *h)
{
	nuncio_timer_stop(&h->later);
	if (h->used)
		nuncio_peer_send(h->w->self, PEER_DUE, nuncio_text(""),
			(struct nuncio_str){ h->text, h->used });
	h->used = 0;
}

static void on_time(void *user)
{
	send_all(user);
}

void hints_add(struct hints *h, struct nuncio_str conversation, uint64_t seq)
{
	if (conversation.n > CONVERSATION_BYTES)
		return;
	if (h->used + HEAD_BYTES + conversation.n > ROOM)
		send_all(h);
	h->used += (size_t)snprintf(
		h->text + h->used, HEAD_BYTES, "%" PRIu64 " %zu ", seq, conversation.n);
	memcpy(h->text + h->used, conversation.p, conversation.n);
	h->used += conversation.n;
	if (!h->later)
		h->later = nuncio_timer_start(h->w->self, WAIT_MS, 0, on_time, h);
}

/* A number and the space behind it; false: there is none. */
static bool take_number(struct nuncio_str *data, uint64_t *number_r)
{
	uint64_t number = 0;
	size_t i = 0;
	for (; i < data->n && i < 20 && data->p[i] >= '0' && data->p[i] <= '9'; i++)
		number = number * 10 + (uint64_t)(data->p[i] - '0');
	if (!i || i == data->n || data->p[i] != ' ')
		return false;
	*number_r = number;
	*data = (struct nuncio_str){ data->p + i + 1, data->n - i - 1 };
	return true;
}

static void on_peer(struct nuncio_str data, void *user)
{
	struct hints *h = user;
	uint64_t seq, n;
	if (!h->w->lease || !lease_is_held(h->w->lease))
		return;
	while (take_number(&data, &seq) && take_number(&data, &n) && n && n <= data.n) {
		outbox_add(h->w->outbox, (struct nuncio_str){ data.p, (size_t)n }, seq);
		data = (struct nuncio_str){ data.p + n, data.n - (size_t)n };
	}
}

int hints_new(struct webhook *w)
{
	w->hints = nuncio_alloc(sizeof *w->hints);
	w->hints->w = w;
	return nuncio_peer_add(w->self, PEER_DUE, on_peer, w->hints);
}

void hints_free(struct hints **hints)
{
	if (*hints)
		nuncio_timer_stop(&(*hints)->later);
	free(*hints);
	*hints = NULL;
}
