/* SPDX-License-Identifier: MIT */
/*
 * Editing: the sender gives their message another body, within a time. The old one is gone. What an
 * edit may say is asked as it is for sending (may_edit), when it is clear that it would be one; if
 * the answer takes its time, the message is looked at anew behind it.
 */
#include "messages.h"

#include <nuncio/codes.h>
#include <nuncio/timer.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int is_too_late(struct change *change, const struct nuncio_event *target)
{
	char words[96];
	int64_t window_ms = change->m->edit_window_ms;
	if (nuncio_wall_ms() - target->sent_at_ms <= window_ms)
		return 0;
	snprintf(words, sizeof words, "seq: messages can be edited for %lld seconds",
		(long long)(window_ms / 1000));
	return change_refuse(change, NUNCIO_CODE_denied, words);
}

static int check_body(struct change *change, const struct nuncio_event *target)
{
	struct nuncio_str body = { change->body, change->body_bytes };
	if (!nuncio_text_same(target->kind, nuncio_text("text")) ||
		(nuncio_json_type(body) == NUNCIO_JSON_TEXT && body.n > 2))
		return 0;
	return change_refuse(change, NUNCIO_CODE_invalid_field,
		"body: must be a string, not empty, for the kind text");
}

/* Their words under one's own name would be said to be theirs. */
static int is_forwarded(const struct nuncio_event *target)
{
	struct nuncio_str value;
	char *own;
	int is = state_get(target->extra, "forwarded", &value, &own);
	free(own);
	return is;
}

static void take_body(struct change *change, struct nuncio_str body)
{
	char *copy = nuncio_alloc(body.n);
	memcpy(copy, body.p, body.n);
	free(change->body);
	change->body = copy;
	change->body_bytes = body.n;
}

static void on_may_edit(
	int status, const struct nuncio_entry *entry, struct nuncio_str body, void *user)
{
	struct change *change = user;
	bool is_late = change->asking == ASK_LATER;
	change->asking = ASK_DONE;
	if (status == 0)
		take_body(change, body);
	else
		change_refuse(change, entry->code, entry->text);
	if (!is_late)
		return;
	if (status == 0)
		change_go_on(change);
	else
		change_drop(&change);
}

/* 1: yes; 0: the answer comes later; -1: was refused. */
static int ask(struct change *change, const struct nuncio_event *target)
{
	struct nuncio_event event = *target;
	const struct nuncio_send what = { .session = nuncio_request_session(change->rq),
		.event = &event };
	event.body = (struct nuncio_str){ change->body, change->body_bytes };
	change->asking = ASK_UNDER_WAY;
	nuncio_edit_ask(change->m->self, &what, on_may_edit, change);
	if (change->asking == ASK_UNDER_WAY) {
		change->asking = ASK_LATER;
		return 0;
	}
	return change->rq ? 1 : -1;
}

static int edit_apply(
	struct change *change, const struct nuncio_event *target, struct amendment *amendment)
{
	static const char *const without[] = { "edited_at", NULL };
	if (!change_is_own(change, target))
		return change_refuse(
			change, NUNCIO_CODE_denied, "only the sender may edit a message");
	if (is_forwarded(target))
		return change_refuse(change, NUNCIO_CODE_denied,
			"a forwarded message has its first sender's words");
	if (is_too_late(change, target) < 0 || check_body(change, target) < 0)
		return -1;
	int may = change->asking == ASK_DONE ? 1 : ask(change, target);
	if (may <= 0)
		return may < 0 ? -1 : 2;
	struct nuncio_str body = { change->body, change->body_bytes };
	if (nuncio_json_equal(target->body, body))
		return 0;
	amendment->target_body = body;
	amendment->state = state_begin(target->state, without);
	nuncio_json_key(amendment->state, "edited_at");
	nuncio_json_put_time(amendment->state, nuncio_wall_ms());
	return 1;
}

static const struct verb edit_verb = {
	.type = "edit", .apply = edit_apply, .access = NUNCIO_ACCESS_WRITE
};

void on_edit(struct nuncio_request *rq, void *user)
{
	struct change *change = change_new(user, rq, &edit_verb);
	struct nuncio_str body;
	if (!change)
		return;
	if (nuncio_request_raw(rq, "body", &body)) {
		take_body(change, body);
	}
	change_go(change);
}
