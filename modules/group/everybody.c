/* SPDX-License-Identifier: MIT */
/*
 * Who may call everybody (mention_all): in a group with many members only its owner and admins, as
 * each call rings with all of them. The number of members stands with the store, so it is asked;
 * few messages call everybody. Thread: logic.
 */
#include <stdlib.h>

#include "group.h"

enum { EVERYBODY_TIMEOUT_MS = 5000 };
static const char everybody_refusal[] =
	"mention_all: in so large a group only the owner and admins call everybody";

struct calling {
	struct group *g;
	struct nuncio_ticket *ticket;
};

static void on_member(int status, const struct nuncio_member *rows, size_t n, int more, void *user)
{
	struct calling calling = *(struct calling *)user;
	const char *text = "";
	int code = 0;
	(void)more;
	free(user);
	if (status == 0 && n == 1 && rows->role < NUNCIO_GROUP_ADMIN &&
		rows->member_count > calling.g->options.mention_all) {
		code = NUNCIO_CODE_denied;
		text = everybody_refusal;
	} else if (status < 0 && status != NUNCIO_E_NOTFOUND) { /* the kind refuses strangers */
		code = status == NUNCIO_E_BUSY ? NUNCIO_CODE_busy : NUNCIO_CODE_store_failed;
		text = "the store could not tell how many members the group has";
	}
	nuncio_resume(&calling.ticket, code == 0 ? NUNCIO_PASS : NUNCIO_REJECT, code, text,
		(struct nuncio_str){ NULL, 0 });
}

enum nuncio_verdict everybody_may_send(
	struct nuncio_ask *ask, const struct nuncio_send *what, void *user)
{
	struct group *g = user;
	const struct nuncio_event *event = what->event;
	struct nuncio_str id;
	if (!(event->flags & NUNCIO_EVENT_MENTIONS_ALL) ||
		group_id_read(event->conversation, &id) < 0)
		return NUNCIO_PASS;
	struct calling *calling = nuncio_alloc(sizeof *calling);
	calling->g = g;
	if (nuncio_store_member(g->self, event->conversation, event->from, on_member, calling) <
		0) {
		free(calling);
		return nuncio_reject(ask, NUNCIO_CODE_busy, "the store is busy");
	}
	calling->ticket = nuncio_defer(ask, EVERYBODY_TIMEOUT_MS, NULL, NULL);
	return NUNCIO_LATER;
}
