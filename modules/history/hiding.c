/* SPDX-License-Identifier: MIT */
/*
 * "Delete for me": events that one user wants to see no more, on any device. The log stays as it
 * is; what is hidden is one synced record per conversation, written only if nobody else has written
 * it since it was read.
 *
 * Nothing is hidden before it is there: a clear ends at the newest event. What is cleared counts as
 * read, or it would stay unread for ever, since nobody can look at it any more.
 */
#include "history.h"

#include <nuncio/codes.h>
#include <nuncio/session.h>

#include "recent.h"
#include "unseen.h"

#include <stdlib.h>

enum { TRIES_MAX = 8, SEQS_MAX = 100 };

struct hiding {
	struct nuncio_module *self;
	struct nuncio_request *rq;
	nuncio_sid session;
	unsigned tries;
	uint64_t seqs[SEQS_MAX], upto;
	size_t count;           /* 0: all up to upto */
	uint64_t version, read; /* read: how far the user has */
	struct hidden hidden;
	char user[USER_BYTES + 1], conversation[CONVERSATION_BYTES + 1];
};

static void hiding_free(struct hiding *h)
{
	hidden_fini(&h->hidden);
	free(h);
}

static void hiding_fail(struct hiding *h, int status)
{
	nuncio_reply_store_status(&h->rq, status);
	hiding_free(h);
}

static struct recent *recent_of(const struct hiding *h)
{
	const struct history *history = nuncio_module_data(h->self);
	return history->recent;
}

/* ---- written ---- */

static void finish(struct hiding *h, bool is_news)
{
	struct nuncio_json *hidden = hidden_write(&h->hidden), *json = nuncio_json_new();
	nuncio_json_object_begin(json);
	nuncio_json_key(json, "conversation");
	nuncio_json_put_text(json, nuncio_text(h->conversation));
	nuncio_json_key(json, "hidden");
	nuncio_json_put_raw(json, nuncio_json_str(hidden));
	nuncio_json_object_end(json);
	if (is_news)
		nuncio_user_notify(
			nuncio_text(h->user), "message.hidden", nuncio_json_str(json), h->session);
	nuncio_reply(&h->rq, 200, nuncio_json_str(json));
	nuncio_json_free(&hidden);
	nuncio_json_free(&json);
	hiding_free(h);
}

static void on_read(int code, struct nuncio_str text, struct nuncio_str data, void *user)
{
	struct hiding *h = user;
	(void)code, (void)text, (void)data; /* it is cleared all the same */
	finish(h, true);
}

static void finish_read(struct hiding *h)
{
	const struct nuncio_str none = { "", 0 };
	struct nuncio_json *json = nuncio_json_new();
	nuncio_json_object_begin(json);
	nuncio_json_key(json, "conversation");
	nuncio_json_put_text(json, nuncio_text(h->conversation));
	nuncio_json_key(json, "seq");
	nuncio_json_put_int(json, (int64_t)h->upto);
	nuncio_json_object_end(json);
	int rc = nuncio_call(h->self, nuncio_text(h->user), "message.read", nuncio_json_str(json),
		none, on_read, h);
	nuncio_json_free(&json);
	if (rc < 0)
		finish(h, true);
}

static void read_record(struct hiding *h);

static void on_written(int status, void *user)
{
	struct hiding *h = user;
	recent_hiding_ends(recent_of(h));
	if (status == 0)
		unseen_set(((struct history *)nuncio_module_data(h->self))->unseen,
			nuncio_text(h->user), nuncio_text(h->conversation), &h->hidden);
	if (status == 0 && h->upto > h->read)
		finish_read(h);
	else if (status == 0)
		finish(h, true);
	else if ((status == NUNCIO_E_CONFLICT || status == NUNCIO_E_EXISTS) &&
		 ++h->tries < TRIES_MAX)
		read_record(h);
	else
		hiding_fail(h, status);
}

static void write_record(struct hiding *h)
{
	struct nuncio_json *json = hidden_write(&h->hidden);
	const struct nuncio_record_write write = {
		.size = sizeof write,
		.flags = NUNCIO_WRITE_SYNCED,
		.space = nuncio_text(SPACE_HIDDEN),
		.owner = nuncio_text(h->user),
		.key = nuncio_text(h->conversation),
		.value = nuncio_json_str(json),
		.expect = h->version ? (int64_t)h->version : NUNCIO_EXPECT_ABSENT,
	};
	recent_hiding_begins(recent_of(h), write.owner, write.key);
	int rc = nuncio_store_write(h->self, &write, 1, on_written, h);
	nuncio_json_free(&json);
	if (rc == 0)
		return;
	recent_hiding_ends(recent_of(h));
	hiding_fail(h, rc);
}

/* ---- read ---- */

/* 1: changed; 0: it was so; negative. */
static int change(struct hiding *h)
{
	int is_changed = 0;
	if (h->count == 0)
		return hidden_clear(&h->hidden, h->upto);
	for (size_t i = 0; i < h->count; i++) {
		int rc = hidden_add(&h->hidden, h->seqs[i]);
		if (rc < 0)
			return rc;
		is_changed |= rc;
	}
	return is_changed;
}

static void on_record(int status, const struct nuncio_record *rows, size_t n, int more, void *user)
{
	struct hiding *h = user;
	(void)more;
	if (status < 0 && status != NUNCIO_E_NOTFOUND) {
		hiding_fail(h, status);
		return;
	}
	bool is_there = status == 0 && n == 1;
	h->version = is_there ? rows->version : 0;
	hidden_fini(&h->hidden);
	hidden_read(&h->hidden, is_there ? rows->value : (struct nuncio_str){ NULL, 0 });
	int rc = change(h);
	if (rc == 1) {
		write_record(h);
	} else if (rc == 0) {
		finish(h, false);
	} else {
		nuncio_reply_error(&h->rq, NUNCIO_CODE_too_large,
			"more than %d single messages are hidden here; clear the conversation instead",
			HIDDEN_MAX);
		hiding_free(h);
	}
}

static void read_record(struct hiding *h)
{
	int rc = nuncio_store_get(h->self, nuncio_text(SPACE_HIDDEN), nuncio_text(h->user),
		nuncio_text(h->conversation), on_record, h);
	if (rc < 0)
		hiding_fail(h, rc);
}

/* Ends at what there is for this user. 0, or -1 after a refusal. */
static int keep_within(struct hiding *h, uint64_t newest)
{
	if (h->count == 0 && h->upto > newest)
		h->upto = newest;
	for (size_t i = 0; i < h->count; i++) {
		if (h->seqs[i] <= newest)
			continue;
		nuncio_reply_error(&h->rq, NUNCIO_CODE_not_found, "seq: there is no such event");
		hiding_free(h);
		return -1;
	}
	return 0;
}

static void on_member(int status, const struct nuncio_member *rows, size_t n, int more, void *user)
{
	struct hiding *h = user;
	uint64_t newest = 0; /* nobody has written yet */
	(void)more;
	if (status < 0 && status != NUNCIO_E_NOTFOUND) {
		hiding_fail(h, status);
		return;
	}
	if (status == 0 && n == 1) {
		newest = rows->until ? rows->until : rows->last_seq;
		h->read = rows->read;
	}
	if (keep_within(h, newest) == 0)
		read_record(h);
}

static void on_entered(int status, const struct nuncio_entry *entry, void *user)
{
	struct hiding *h = user;
	if (status == 0) {
		int rc = nuncio_store_member(
			h->self, nuncio_text(h->conversation), nuncio_text(h->user), on_member, h);
		if (rc < 0)
			hiding_fail(h, rc);
		return;
	}
	nuncio_reply_error(&h->rq, entry && entry->code ? entry->code : NUNCIO_CODE_not_found, "%s",
		status == NUNCIO_E_NOTFOUND || !entry
			? "conversation: there is no such conversation"
			: entry->text);
	hiding_free(h);
}

/* ---- asked ---- */

static int read_seqs(struct hiding *h)
{
	struct nuncio_str list, one;
	int64_t seq = 0;
	size_t at = 0;
	if (nuncio_request_int(h->rq, "seq", &seq) && seq > 0)
		h->seqs[h->count++] = (uint64_t)seq;
	if (nuncio_request_raw(h->rq, "seqs", &list) && nuncio_json_type(list) == NUNCIO_JSON_ARRAY)
		while (nuncio_json_next(list, &at, NULL, &one)) {
			if (h->count == SEQS_MAX || nuncio_json_int(one, &seq) < 0 || seq < 1)
				return -1;
			h->seqs[h->count++] = (uint64_t)seq;
		}
	return h->count ? 0 : -1;
}

static struct hiding *hiding_new(struct nuncio_request *rq, struct nuncio_module *self)
{
	struct hiding *h = nuncio_alloc(sizeof *h);
	struct nuncio_session *session = nuncio_request_session(rq);
	struct nuncio_str conversation = { "", 0 };
	h->self = self;
	h->rq = rq;
	h->session = session ? nuncio_session_id(session) : 0;
	nuncio_request_text(rq, nuncio_request_is_http(rq) ? "id" : "conversation", &conversation);
	nuncio_text_copy(nuncio_request_user(rq), h->user, sizeof h->user);
	if (nuncio_text_copy(conversation, h->conversation, sizeof h->conversation) < 0)
		h->conversation[0] = '\0';
	return h;
}

static void enter(struct hiding *h)
{
	const struct nuncio_access what = {
		.session = nuncio_request_session(h->rq),
		.user = nuncio_text(h->user),
		.conversation = nuncio_text(h->conversation),
		.access = NUNCIO_ACCESS_READ,
	};
	nuncio_conversation_ask(h->self, &what, on_entered, h);
}

void on_hide(struct nuncio_request *rq, void *user)
{
	struct hiding *h = hiding_new(rq, user);
	if (read_seqs(h) == 0) {
		enter(h);
		return;
	}
	nuncio_reply_error(&h->rq, NUNCIO_CODE_invalid_field,
		"seq, seqs: one seq, or up to %d of them, must be given", SEQS_MAX);
	hiding_free(h);
}

void on_clear(struct nuncio_request *rq, void *user)
{
	struct hiding *h = hiding_new(rq, user);
	int64_t seq = 0;
	nuncio_request_int(rq, "seq", &seq);
	h->upto = (uint64_t)seq;
	enter(h);
}
