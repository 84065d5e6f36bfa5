/* SPDX-License-Identifier: MIT */
/*
 * Pinned messages: a mark on the message, and a record per pin, so that they are found without
 * reading the log. Both are written in the transaction of the event that tells of it.
 */
#include "messages.h"

#include <nuncio/codes.h>
#include <nuncio/timer.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const pin_keys[] = { "pinned_at", "pinned_by", NULL };

static bool is_pinned(struct nuncio_str state)
{
	struct nuncio_str value;
	char *own;
	int is = state_get(state, "pinned_at", &value, &own);
	free(own);
	return is == 1;
}

static int may_pin(struct change *change)
{
	struct messages *m = change->m;
	const char *kind = nuncio_conversation_kind(nuncio_text(change->conversation));
	if (change_has_role(change) || !messages_pins_need_role(m, kind))
		return 0;
	return change_refuse(change, NUNCIO_CODE_denied, "only admins may pin messages here");
}

static void write_record(struct change *change, struct amendment *amendment, bool is_new)
{
	snprintf(amendment->write_key, sizeof amendment->write_key, "%020" PRIu64, change->seq);
	snprintf(amendment->write_value, sizeof amendment->write_value, "{\"seq\":%" PRIu64 "}",
		change->seq);
	amendment->write = (struct nuncio_record_write){
		.size = sizeof amendment->write,
		.space = nuncio_text(SPACE_PIN),
		.owner = nuncio_text(change->conversation),
		.key = nuncio_text(amendment->write_key),
		.value = is_new ? nuncio_text(amendment->write_value)
				: (struct nuncio_str){ NULL, 0 },
		.expect = NUNCIO_EXPECT_ANY,
	};
}

void pin_forget(struct change *change, struct amendment *amendment)
{
	write_record(change, amendment, false);
}

static int refuse_more(struct change *change)
{
	char words[64];
	snprintf(words, sizeof words, "a conversation can have %u pinned messages",
		change->m->max_pins);
	return change_refuse(change, NUNCIO_CODE_too_large, words);
}

static int pin_apply(
	struct change *change, const struct nuncio_event *target, struct amendment *amendment)
{
	if (may_pin(change) < 0)
		return -1;
	if (is_pinned(target->state))
		return 0;
	if (change->has_all_pins)
		return refuse_more(change);
	amendment->state = state_begin(target->state, pin_keys);
	nuncio_json_key(amendment->state, "pinned_at");
	nuncio_json_put_time(amendment->state, nuncio_wall_ms());
	nuncio_json_key(amendment->state, "pinned_by");
	nuncio_json_put_text(amendment->state, nuncio_text(change->user));
	write_record(change, amendment, true);
	return 1;
}

static int unpin_apply(
	struct change *change, const struct nuncio_event *target, struct amendment *amendment)
{
	if (may_pin(change) < 0)
		return -1;
	if (!is_pinned(target->state))
		return 0;
	amendment->state = state_begin(target->state, pin_keys);
	write_record(change, amendment, false);
	return 1;
}

static const struct verb pin_verb = {
	.type = "pin", .apply = pin_apply, .access = NUNCIO_ACCESS_WRITE
};
static const struct verb unpin_verb = {
	.type = "unpin", .apply = unpin_apply, .access = NUNCIO_ACCESS_WRITE
};

/*
 * ---- The limit: counted before, told only to who may pin a message that is not pinned yet. Two at
 * once may exceed it by one, which does no harm. ----
 */

static void on_pins_counted(
	int status, const struct nuncio_record *rows, size_t n, int more, void *user)
{
	struct change *change = user;
	(void)rows, (void)more;
	if (status < 0) {
		nuncio_reply_store_status(&change->rq, status);
		change_drop(&change);
		return;
	}
	change->has_all_pins = n >= change->m->max_pins;
	change_go(change);
}

static int list_pins(
	struct messages *m, struct nuncio_str conversation, nuncio_records_fn *done, void *user)
{
	const struct nuncio_records_query query = {
		.size = sizeof query,
		.space = nuncio_text(SPACE_PIN),
		.owner = conversation,
		.limit = m->max_pins,
	};
	return nuncio_store_list(m->self, &query, done, user);
}

void on_pin(struct nuncio_request *rq, void *user)
{
	struct change *change = change_new(user, rq, &pin_verb);
	if (!change)
		return;
	int rc = list_pins(user, nuncio_text(change->conversation), on_pins_counted, change);
	if (rc == 0)
		return;
	nuncio_reply_store_status(&change->rq, rc);
	change_drop(&change);
}

void on_unpin(struct nuncio_request *rq, void *user)
{
	struct change *change = change_new(user, rq, &unpin_verb);
	if (change)
		change_go(change);
}
