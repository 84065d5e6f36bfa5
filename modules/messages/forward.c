/* SPDX-License-Identifier: MIT */
/*
 * Forwarding: the server takes kind and body from the message itself, so what arrives is what was
 * said, and says who said it. The way up to the message is that of a change; then it is sent like
 * any other message, with all its checks, in the name of who forwards it.
 */
#include "messages.h"

#include <nuncio/codes.h>

#include <string.h>

static void on_sent(int code, struct nuncio_str text, struct nuncio_str data, void *user)
{
	struct change *change = user;
	int is_again = 0;
	struct nuncio_str duplicate;
	int64_t number;
	if (code != NUNCIO_CODE_ok) {
		nuncio_reply_error(&change->rq, code, "%.*s", (int)text.n, text.p);
		change_drop(&change);
		return;
	}
	if (nuncio_json_get(data, "duplicate", &duplicate) &&
		nuncio_json_int(duplicate, &number) == 0)
		is_again = number != 0;
	nuncio_reply(&change->rq, is_again ? 200 : 201, data);
	change_drop(&change);
}

static struct nuncio_json *write_origin(const struct nuncio_event *message)
{
	struct nuncio_json *json = nuncio_json_new();
	nuncio_json_object_begin(json);
	nuncio_json_key(json, "forwarded");
	nuncio_json_object_begin(json);
	nuncio_json_key(json, "from");
	nuncio_json_put_text(json, message->from);
	nuncio_json_key(json, "sent_at");
	nuncio_json_put_time(json, message->sent_at_ms);
	nuncio_json_object_end(json);
	return json;
}

static struct nuncio_json *write_sending(
	const struct change *change, const struct nuncio_event *message)
{
	struct nuncio_json *json = nuncio_json_new();
	nuncio_json_object_begin(json);
	nuncio_json_key(json, "to");
	nuncio_json_object_begin(json);
	nuncio_json_key(json, change->to_target);
	nuncio_json_put_text(json, nuncio_text(change->to_value));
	nuncio_json_object_end(json);
	nuncio_json_key(json, "client_id");
	nuncio_json_put_text(json, nuncio_text(change->client_id));
	nuncio_json_key(json, "kind");
	nuncio_json_put_text(json, message->kind);
	nuncio_json_key(json, "body");
	nuncio_json_put_raw(json, message->body);
	nuncio_json_object_end(json);
	return json;
}

static int forward_apply(
	struct change *change, const struct nuncio_event *target, struct amendment *amendment)
{
	(void)amendment;
	struct nuncio_json *origin = write_origin(target);
	struct nuncio_json *sending = write_sending(change, target);
	int rc = nuncio_call(change->m->self, nuncio_text(change->user), "message.send",
		nuncio_json_str(sending), state_text(origin), on_sent, change);
	nuncio_json_free(&origin);
	nuncio_json_free(&sending);
	if (rc == 0)
		return 2;
	nuncio_reply_status(&change->rq, rc);
	return -1;
}

static const struct verb forward_verb = {
	.type = "forward", .apply = forward_apply, .access = NUNCIO_ACCESS_READ
};

/* `to` has one member, like that of message.send. */
static bool read_to(struct change *change)
{
	struct nuncio_str to, key, value, second;
	size_t at = 0;
	if (!nuncio_request_raw(change->rq, "to", &to) ||
		!nuncio_json_next(to, &at, &key, &value) ||
		nuncio_json_next(to, &at, NULL, &second) ||
		nuncio_text_copy(key, change->to_target, sizeof change->to_target) < 0)
		return false;
	if (change->to_target[strspn(change->to_target, "abcdefghijklmnopqrstuvwxyz_")])
		return false;
	int n = nuncio_json_text(value, change->to_value, sizeof change->to_value);
	return n > 0 && strlen(change->to_value) == (size_t)n;
}

void on_forward(struct nuncio_request *rq, void *user)
{
	struct change *change = change_new(user, rq, &forward_verb);
	struct nuncio_str client_id = { "", 0 };
	if (!change)
		return;
	nuncio_request_text(rq, "client_id", &client_id);
	if (!read_to(change))
		change_refuse(change, NUNCIO_CODE_invalid_field,
			"to: must have exactly one of user, group, conversation, a string");
	else if (nuncio_text_copy(client_id, change->client_id, sizeof change->client_id) < 0)
		change_refuse(change, NUNCIO_CODE_invalid_field, "client_id: too long");
	if (change->rq)
		change_go(change);
	else
		change_drop(&change);
}
