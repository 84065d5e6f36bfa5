/* SPDX-License-Identifier: MIT */
/* Reactions: each member may give each emoji once, and take it back. */
#include "messages.h"

#include <nuncio/codes.h>

#include <stdio.h>

static int refuse(struct change *change, int rc)
{
	char words[96];
	bool is_own = rc == NUNCIO_E_DENIED;
	snprintf(words, sizeof words, "%s can have %u reactions",
		is_own ? "one user's share of a message" : "a message",
		is_own ? change->m->max_own_reactions : change->m->max_reactions);
	return change_refuse(change, NUNCIO_CODE_too_large, words);
}

static int react_apply(
	struct change *change, const struct nuncio_event *target, struct amendment *amendment)
{
	const struct reaction reaction = {
		.emoji = nuncio_text(change->emoji),
		.user = nuncio_text(change->user),
		.is_taken_back = change->is_taken_back,
		.max_count = change->m->max_reactions,
		.max_own = change->m->max_own_reactions,
	};
	int rc = reactions_change(target->state, &reaction, &amendment->state);
	if (rc < 0)
		return refuse(change, rc);
	if (rc == 1) {
		amendment->told = nuncio_json_new();
		nuncio_json_object_begin(amendment->told);
		nuncio_json_key(amendment->told, "emoji");
		nuncio_json_put_text(amendment->told, reaction.emoji);
		nuncio_json_key(amendment->told, "removed");
		nuncio_json_put_bool(amendment->told, change->is_taken_back);
		nuncio_json_object_end(amendment->told);
		amendment->body = nuncio_json_str(amendment->told);
	}
	return rc;
}

static const struct verb react_verb = {
	.type = "react", .apply = react_apply, .access = NUNCIO_ACCESS_WRITE
};

static void react(struct nuncio_request *rq, struct messages *m, bool is_taken_back)
{
	struct change *change = change_new(m, rq, &react_verb);
	struct nuncio_str emoji = { "", 0 };
	if (!change)
		return;
	nuncio_request_text(rq, "emoji", &emoji);
	change->is_taken_back = is_taken_back;
	if (reaction_is_emoji(emoji) &&
		nuncio_text_copy(emoji, change->emoji, sizeof change->emoji) == 0) {
		change_go(change);
		return;
	}
	change_refuse(change, NUNCIO_CODE_invalid_field,
		"emoji: must be 1 to 32 bytes of text without blanks");
	change_drop(&change);
}

void on_react(struct nuncio_request *rq, void *user)
{
	int is_removed = 0;
	nuncio_request_bool(rq, "remove", &is_removed);
	react(rq, user, is_removed != 0);
}

void on_unreact(struct nuncio_request *rq, void *user)
{
	react(rq, user, true);
}
