/* SPDX-License-Identifier: MIT */
/*
 * One-to-one conversations. The core keeps the log, the cursors and the delivery; here is what a
 * kind has to say: what its ids look like, who may enter, who gets the events, and who its members
 * are from the first event on. Receipts: when a member's cursors have moved, the other one's
 * sessions and the member's own other devices are told.
 *
 * Anybody may write to anybody, also to those who have never been here (they find it when they
 * come) and to themselves (notes). Whoever wants it otherwise adds a module with a may_send hook.
 * Thread: logic. State: none.
 */
#include <nuncio/bus.h>
#include <nuncio/codes.h>
#include <nuncio/conversation.h>
#include <nuncio/hooks.h>
#include <nuncio/json.h>
#include <nuncio/service.h>
#include <nuncio/services/direct.h>
#include <nuncio/session.h>

#include "direct_id.h"

static int on_resolve(struct nuncio_str sender, struct nuncio_str value, char *out, size_t out_size,
	void *user, struct nuncio_error *err)
{
	(void)user;
	int rc = direct_id_write(sender, value, out, out_size);
	if (rc < 0)
		nuncio_error_set(err,
			"to.user: must be 1 to %d bytes of text without control characters",
			DIRECT_USER_BYTES);
	return rc;
}

static int32_t on_may_enter(struct nuncio_ask *ask, const struct nuncio_access *what, void *user)
{
	struct direct_pair pair;
	(void)user;
	if (direct_id_read(what->conversation, &pair) == 0 && direct_peer(&pair, what->user).n > 0)
		return NUNCIO_PASS;
	return nuncio_reject(ask, NUNCIO_CODE_not_member,
		"only the two members of the conversation may do this");
}

static int on_is_valid(struct nuncio_str conversation, void *user)
{
	struct direct_pair pair;
	(void)user;
	return direct_id_read(conversation, &pair) == 0;
}

static void on_audience(
	struct nuncio_str conversation, struct nuncio_audience *audience, void *user)
{
	struct direct_pair pair;
	(void)user;
	if (direct_id_read(conversation, &pair) < 0)
		return;
	nuncio_audience_add_user(audience, pair.first);
	nuncio_audience_add_user(audience, pair.second);
}

static size_t on_founders(
	struct nuncio_str conversation, struct nuncio_str *users_r, size_t max, void *user)
{
	struct direct_pair pair;
	(void)user;
	if (max < 2 || direct_id_read(conversation, &pair) < 0)
		return 0;
	users_r[0] = pair.first;
	users_r[1] = pair.second;
	return direct_pair_is_one(&pair) ? 1 : 2;
}

static const struct nuncio_kind direct_kind = {
	.size = sizeof direct_kind,
	.name = "direct",
	.prefix = "d",
	.target = "user",
	.resolve = on_resolve,
	.may_enter = on_may_enter,
	.is_valid = on_is_valid,
	.audience = on_audience,
	.founders = on_founders,
};

/* ---- receipts ---- */

static void write_receipt(struct nuncio_json *json, const struct nuncio_mark *mark)
{
	nuncio_json_object_begin(json);
	nuncio_json_key(json, "conversation");
	nuncio_json_put_text(json, mark->conversation);
	nuncio_json_key(json, "user");
	nuncio_json_put_text(json, mark->user);
	nuncio_json_key(json, "delivered");
	nuncio_json_put_int(json, (int64_t)mark->delivered);
	nuncio_json_key(json, "read");
	nuncio_json_put_int(json, (int64_t)mark->read);
	nuncio_json_object_end(json);
}

/* So many sessions here; on other nodes there may be any number. */
static int may_be_anywhere(struct nuncio_str user, size_t count)
{
	return nuncio_user_session_count(user) >= count || nuncio_bus_is_there();
}

/*
 * Which device has confirmed is not known any more (cursors are coalesced), so all of the member's
 * own are told if there are several. On every node, by the one where the cursors moved.
 */
static void on_did_mark(const struct nuncio_mark *mark, void *user)
{
	struct direct_pair pair;
	(void)user;
	if (mark->is_remote || direct_id_read(mark->conversation, &pair) < 0)
		return;
	struct nuncio_str peer = direct_peer(&pair, mark->user);
	int tells_peer = !direct_pair_is_one(&pair) && may_be_anywhere(peer, 1);
	int tells_own = may_be_anywhere(mark->user, 2);
	if (!tells_peer && !tells_own)
		return;
	struct nuncio_json *json = nuncio_json_new();
	write_receipt(json, mark);
	if (tells_peer)
		nuncio_user_notify(peer, "receipt", nuncio_json_str(json), 0);
	if (tells_own)
		nuncio_user_notify(mark->user, "receipt", nuncio_json_str(json), 0);
	nuncio_json_free(&json);
}

/* ---- for other modules ---- */

static int on_peer(void *impl, struct nuncio_str conversation, struct nuncio_str who,
	struct nuncio_str *peer_r)
{
	struct direct_pair pair;
	(void)impl;
	if (direct_id_read(conversation, &pair) < 0)
		return 0;
	*peer_r = direct_peer(&pair, who);
	return peer_r->n > 0;
}

static const struct nuncio_direct_v1 service = { .size = sizeof service, .peer = on_peer };

static int direct_init(struct nuncio_module *self, struct nuncio_error *err)
{
	int rc = nuncio_kind_add(self, &direct_kind, NULL);
	if (rc == 0)
		rc = nuncio_service_offer(self, NUNCIO_DIRECT_V1, &service, NULL);
	if (rc == 0)
		rc = nuncio_hook_did_mark(self, NUNCIO_PRIO_NORMAL, on_did_mark, NULL);
	if (rc < 0)
		nuncio_error_set(
			err, "the kind direct cannot be added: %s", nuncio_status_name(rc));
	return rc;
}

NUNCIO_MODULE("direct", .version = "1.0", .summary = "One-to-one conversations and their receipts.",
	.init = direct_init)
