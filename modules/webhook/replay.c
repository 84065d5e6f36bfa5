/* SPDX-License-Identifier: MIT */
/* Makes what was given up due again, conversation by conversation. */
#include "outbox.h"

#include <stdlib.h>

static void replay_next(struct outbox *o);

static void replay_end(struct outbox *o, int status)
{
	replayed_fn *done = o->replayed;
	int64_t moved = o->moved;
	o->replayed = NULL;
	o->moved = 0;
	/* Their seqs are below what memory knows, so they are read in order. */
	o->has_more = o->has_more || moved > 0;
	done(status < 0 ? status : moved, o->replayed_user);
	outbox_go_on(o);
}

struct moving {
	struct outbox *o;
	size_t count;
};

static void on_moved(int status, void *user)
{
	struct moving moving = *(struct moving *)user;
	free(user);
	if (status < 0) {
		replay_end(moving.o, status);
		return;
	}
	moving.o->moved += (int64_t)moving.count;
	replay_next(moving.o); /* until none is left */
}

/* One owner's at a time: a write has one owner. */
static void on_dead(int status, const struct nuncio_record *rows, size_t n, int more, void *user)
{
	struct outbox *o = user;
	struct nuncio_record_write writes[2 * BATCH_EVENTS];
	size_t count = 0;
	(void)more;
	for (size_t i = 0; status == 0 && i < n && i < BATCH_EVENTS; i++) {
		if (!nuncio_text_same(rows[i].owner, rows[0].owner))
			break;
		writes[count++] = (struct nuncio_record_write){ .size = sizeof writes[0],
			.space = nuncio_text(SPACE_DEAD),
			.owner = rows[i].owner,
			.key = rows[i].key };
		writes[count++] = (struct nuncio_record_write){ .size = sizeof writes[0],
			.space = nuncio_text(SPACE_OUT),
			.owner = rows[i].owner,
			.key = rows[i].key,
			.value = nuncio_text("{}") };
	}
	if (!count) {
		replay_end(o, status);
		return;
	}
	struct moving *moving = nuncio_alloc(sizeof *moving);
	*moving = (struct moving){ o, count / 2 };
	int rc = nuncio_store_write(o->w->self, writes, count, on_moved, moving);
	if (rc < 0) {
		free(moving);
		replay_end(o, rc);
	}
}

static int list_dead(struct outbox *o)
{
	const struct nuncio_records_query query = {
		.size = sizeof query,
		.space = nuncio_text(SPACE_DEAD),
		.owner = { NULL, 0 },
		.limit = BATCH_EVENTS,
	};
	return nuncio_store_list(o->w->self, &query, on_dead, o);
}

static void replay_next(struct outbox *o)
{
	int rc = list_dead(o);
	if (rc < 0)
		replay_end(o, rc);
}

int outbox_replay(struct outbox *o, replayed_fn *done, void *user)
{
	if (o->replayed)
		return NUNCIO_E_BUSY;
	int rc = list_dead(o);
	if (rc < 0)
		return rc;
	o->replayed = done;
	o->replayed_user = user;
	return 0;
}
