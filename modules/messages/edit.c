/* SPDX-License-Identifier: MIT */
/* Editing: the sender gives their message another body, within a time. The old one is gone. */
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

static int edit_apply(
	struct change *change, const struct nuncio_event *target, struct amendment *amendment)
{
	static const char *const without[] = { "edited_at", NULL };
	struct nuncio_str body = { change->body, change->body_bytes };
	if (!change_is_own(change, target))
		return change_refuse(
			change, NUNCIO_CODE_denied, "only the sender may edit a message");
	if (is_forwarded(target))
		return change_refuse(change, NUNCIO_CODE_denied,
			"a forwarded message has its first sender's words");
	if (is_too_late(change, target) < 0 || check_body(change, target) < 0)
		return -1;
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
		change->body = nuncio_alloc(body.n);
		memcpy(change->body, body.p, body.n);
		change->body_bytes = body.n;
	}
	change_go(change);
}
