/* SPDX-License-Identifier: MIT */
/*
 * Blocking: who is blocked can write no one-to-one message, and is not told when it began. One
 * record per blocked person; blocking ends nothing else, so unblocking brings back what was.
 */
#include "contacts.h"

#include <nuncio/codes.h>
#include <nuncio/session.h>
#include <nuncio/timer.h>

#include <stdlib.h>

struct blocking {
	struct contacts *c;
	struct nuncio_request *rq;
	nuncio_sid session;
	bool is_on;
	char me[USER_BYTES + 1], other[USER_BYTES + 1];
};

static void on_written(int status, void *user)
{
	struct blocking *b = user;
	if (status < 0) {
		nuncio_reply_store_status(&b->rq, status);
		free(b);
		return;
	}
	relations_forget_pair(b->c->relations, nuncio_text(b->me), nuncio_text(b->other));
	struct nuncio_json *json = nuncio_json_new();
	nuncio_json_object_begin(json);
	nuncio_json_key(json, "user");
	nuncio_json_put_text(json, nuncio_text(b->other));
	nuncio_json_key(json, "blocked");
	nuncio_json_put_bool(json, b->is_on);
	nuncio_json_object_end(json);
	nuncio_user_notify(nuncio_text(b->me), "block.changed", nuncio_json_str(json), b->session);
	nuncio_reply(&b->rq, 200, nuncio_json_str(json));
	nuncio_json_free(&json);
	free(b);
}

static void set_block(struct nuncio_request *rq, struct contacts *c, bool is_on)
{
	struct blocking *b = nuncio_alloc(sizeof *b);
	struct nuncio_session *session = nuncio_request_session(rq);
	char value[64];
	*b = (struct blocking){ .c = c, .rq = rq, .is_on = is_on };
	b->session = session ? nuncio_session_id(session) : 0;
	if (read_other(&b->rq, b->me, b->other) < 0) {
		free(b);
		return;
	}
	struct nuncio_json *json = nuncio_json_new();
	nuncio_json_object_begin(json);
	nuncio_json_key(json, "since");
	nuncio_json_put_time(json, nuncio_wall_ms());
	nuncio_json_object_end(json);
	nuncio_text_copy(nuncio_json_str(json), value, sizeof value);
	nuncio_json_free(&json);
	const struct nuncio_record_write write = {
		.size = sizeof write,
		.flags = NUNCIO_WRITE_SYNCED,
		.space = nuncio_text(SPACE_BLOCK),
		.owner = nuncio_text(b->me),
		.key = nuncio_text(b->other),
		.value = is_on ? nuncio_text(value) : (struct nuncio_str){ NULL, 0 },
		.expect = NUNCIO_EXPECT_ANY,
	};
	int rc = nuncio_store_write(c->self, &write, 1, on_written, b);
	if (rc < 0)
		on_written(rc, b);
}

void on_block(struct nuncio_request *rq, void *user)
{
	set_block(rq, user, true);
}

void on_unblock(struct nuncio_request *rq, void *user)
{
	set_block(rq, user, false);
}
