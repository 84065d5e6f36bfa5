/* SPDX-License-Identifier: MIT */
/*
 * Taking a message back: the sender within a time, whoever has a role in the conversation always.
 * Body and reactions are gone from the log; that there was a message stays.
 */
#include "messages.h"

#include <nuncio/codes.h>
#include <nuncio/timer.h>

#include <stdio.h>

static int may_recall(struct change *change, const struct nuncio_event *target)
{
	char words[96];
	int64_t window_ms = change->m->recall_window_ms;
	if (change_has_role(change))
		return 0;
	if (!change_is_own(change, target))
		return change_refuse(change, NUNCIO_CODE_denied,
			"only the sender, or an admin of the group, may recall a message");
	if (nuncio_wall_ms() - target->sent_at_ms <= window_ms)
		return 0;
	snprintf(words, sizeof words, "seq: messages can be recalled for %lld seconds",
		(long long)(window_ms / 1000));
	return change_refuse(change, NUNCIO_CODE_denied, words);
}

static int recall_apply(
	struct change *change, const struct nuncio_event *target, struct amendment *amendment)
{
	static const char *const without[] = { "edited_at", "reactions", "pinned_at", "pinned_by",
		NULL };
	if (may_recall(change, target) < 0)
		return -1;
	amendment->target_body = (struct nuncio_str){ "null", 4 };
	amendment->target_flags = NUNCIO_EVENT_VOID;
	amendment->state = state_begin(target->state, without);
	nuncio_json_key(amendment->state, "recalled_at");
	nuncio_json_put_time(amendment->state, nuncio_wall_ms());
	nuncio_json_key(amendment->state, "recalled_by");
	nuncio_json_put_text(amendment->state, nuncio_text(change->user));
	pin_forget(change, amendment);
	return 1;
}

/* Reading is enough: who may not speak any more may still take back what they have said. */
static const struct verb recall_verb = {
	.type = "recall", .apply = recall_apply, .access = NUNCIO_ACCESS_READ
};

void on_recall(struct nuncio_request *rq, void *user)
{
	struct change *change = change_new(user, rq, &recall_verb);
	if (change)
		change_go(change);
}
