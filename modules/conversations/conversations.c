/* SPDX-License-Identifier: MIT */
/*
 * What one user wants of their own list: conversations muted, pinned to the top, archived, marked
 * as unread. Nobody else sees it. One record per conversation, which sync brings to every device;
 * live devices get the notify conversation.changed.
 *
 * A change names only what it changes; two devices at once do not lose each other's, because a
 * record is written only if nobody has written it since it was read.
 *
 * Thread: logic. State: none beyond the questions under way.
 */
#include <nuncio/codes.h>
#include <nuncio/conversation.h>
#include <nuncio/json.h>
#include <nuncio/request.h>
#include <nuncio/session.h>
#include <nuncio/store.h>
#include <nuncio/text.h>

#include <stdlib.h>
#include <string.h>

enum { CONVERSATION_BYTES = 192, USER_BYTES = 64, TRIES_MAX = 8, WORDS = 4 };

#define SPACE "conversations" /* owner: user, key: conversation */

/* The settings, as they stand in requests and records. A false one is not written. */
static const char *const words[WORDS] = { "muted", "pinned", "archived", "marked_unread" };

struct change {
	struct nuncio_module *self;
	struct nuncio_request *rq;
	nuncio_sid session;
	unsigned tries;
	int is_named[WORDS], wanted[WORDS], settings[WORDS];
	uint64_t version; /* of the record; 0: there is none */
	char user[USER_BYTES + 1], conversation[CONVERSATION_BYTES + 1];
};

static void change_end(struct change *change, int status)
{
	if (status < 0)
		nuncio_reply_store_status(&change->rq, status);
	free(change);
}

/* ---- written ---- */

static struct nuncio_json *write_settings(const struct change *change)
{
	struct nuncio_json *json = nuncio_json_new();
	nuncio_json_object_begin(json);
	for (size_t i = 0; i < WORDS; i++) {
		if (!change->settings[i])
			continue;
		nuncio_json_key(json, words[i]);
		nuncio_json_put_bool(json, 1);
	}
	nuncio_json_object_end(json);
	return json;
}

static void tell(struct change *change)
{
	struct nuncio_json *settings = write_settings(change), *json = nuncio_json_new();
	nuncio_json_object_begin(json);
	nuncio_json_key(json, "conversation");
	nuncio_json_put_text(json, nuncio_text(change->conversation));
	nuncio_json_key(json, "settings");
	nuncio_json_put_raw(json, nuncio_json_str(settings));
	nuncio_json_object_end(json);
	nuncio_user_notify(nuncio_text(change->user), "conversation.changed", nuncio_json_str(json),
		change->session);
	nuncio_reply(&change->rq, 200, nuncio_json_str(json));
	nuncio_json_free(&settings);
	nuncio_json_free(&json);
}

static void read_record(struct change *change);

static void on_written(int status, void *user)
{
	struct change *change = user;
	int is_beaten = status == NUNCIO_E_CONFLICT || status == NUNCIO_E_EXISTS;
	if (is_beaten && ++change->tries < TRIES_MAX) {
		read_record(change);
		return;
	}
	if (status == 0)
		tell(change);
	change_end(change, status);
}

static void write_record(struct change *change)
{
	struct nuncio_json *json = write_settings(change);
	const struct nuncio_record_write write = {
		.size = sizeof write,
		.flags = NUNCIO_WRITE_SYNCED,
		.space = nuncio_text(SPACE),
		.owner = nuncio_text(change->user),
		.key = nuncio_text(change->conversation),
		.value = nuncio_json_str(json),
		.expect = change->version ? (int64_t)change->version : NUNCIO_EXPECT_ABSENT,
	};
	int rc = nuncio_store_write(change->self, &write, 1, on_written, change);
	nuncio_json_free(&json);
	if (rc < 0)
		change_end(change, rc);
}

/* ---- read ---- */

static void on_record(int status, const struct nuncio_record *rows, size_t n, int more, void *user)
{
	struct change *change = user;
	(void)more;
	if (status < 0 && status != NUNCIO_E_NOTFOUND) {
		change_end(change, status);
		return;
	}
	change->version = status == 0 && n == 1 ? rows->version : 0;
	for (size_t i = 0; i < WORDS; i++) {
		struct nuncio_str value;
		change->settings[i] =
			change->is_named[i]
				? change->wanted[i]
				: change->version && nuncio_json_get(rows->value, words[i], &value);
	}
	write_record(change);
}

static void read_record(struct change *change)
{
	int rc = nuncio_store_get(change->self, nuncio_text(SPACE), nuncio_text(change->user),
		nuncio_text(change->conversation), on_record, change);
	if (rc < 0)
		change_end(change, rc);
}

/* The refusal is the kind's own, or that of a module that was asked. */
static void on_entered(int status, const struct nuncio_entry *entry, void *user)
{
	struct change *change = user;
	if (status == 0) {
		read_record(change);
		return;
	}
	if (status == NUNCIO_E_NOTFOUND)
		nuncio_reply_error(&change->rq, NUNCIO_CODE_not_found,
			"conversation: there is no such conversation");
	else if (entry && entry->code)
		nuncio_reply_error(&change->rq, entry->code, "%s", entry->text);
	else
		nuncio_reply_store_status(&change->rq, status);
	free(change);
}

/* ---- asked ---- */

static int copy_text(struct nuncio_str text, char *out, size_t size)
{
	if (text.n == 0 || text.n >= size)
		return -1;
	memcpy(out, text.p, text.n);
	out[text.n] = '\0';
	return 0;
}

static int read_input(struct change *change)
{
	struct nuncio_str conversation = { "", 0 };
	int named = 0;
	nuncio_request_text(change->rq, nuncio_request_is_http(change->rq) ? "id" : "conversation",
		&conversation);
	for (size_t i = 0; i < WORDS; i++)
		named += change->is_named[i] =
			nuncio_request_bool(change->rq, words[i], &change->wanted[i]);
	if (named == 0) {
		nuncio_reply_error(&change->rq, NUNCIO_CODE_invalid_field,
			"at least one of muted, pinned, archived, marked_unread must be given");
		return -1;
	}
	if (copy_text(nuncio_request_user(change->rq), change->user, sizeof change->user) < 0 ||
		copy_text(conversation, change->conversation, sizeof change->conversation) < 0) {
		nuncio_reply_error(&change->rq, NUNCIO_CODE_not_found,
			"conversation: there is no such conversation");
		return -1;
	}
	return 0;
}

static void on_update(struct nuncio_request *rq, void *user)
{
	struct change *change = calloc(1, sizeof *change);
	struct nuncio_session *session = nuncio_request_session(rq);
	if (!change)
		abort();
	change->self = user;
	change->rq = rq;
	change->session = session ? nuncio_session_id(session) : 0;
	if (read_input(change) < 0) {
		free(change);
		return;
	}
	const struct nuncio_access what = {
		.session = session,
		.user = nuncio_text(change->user),
		.conversation = nuncio_text(change->conversation),
		.access = NUNCIO_ACCESS_READ,
	};
	nuncio_conversation_ask(change->self, &what, on_entered, change);
}

/* ---- tables ---- */

#define SETTING_FIELDS \
	{ "muted", NUNCIO_FIELD_BOOL, 0, 0, 0, "no alerts for it" }, \
		{ "pinned", NUNCIO_FIELD_BOOL, 0, 0, 0, "at the top of the list" }, \
		{ "archived", NUNCIO_FIELD_BOOL, 0, 0, 0, "out of the list" }, \
	{ \
		"marked_unread", NUNCIO_FIELD_BOOL, 0, 0, 0, "shown as unread, whatever was read" \
	}
static const struct nuncio_field update_fields[] = {
	{ "conversation", NUNCIO_FIELD_TEXT, NUNCIO_FIELD_REQUIRED, 1, CONVERSATION_BYTES,
		"its id" },
	SETTING_FIELDS,
	{ 0 },
};
static const struct nuncio_field update_url_fields[] = {
	{ "id", NUNCIO_FIELD_TEXT, NUNCIO_FIELD_PATH, 0, 0, "the conversation's" },
	SETTING_FIELDS,
	{ 0 },
};

#define ANSWER_SHAPE \
	"{conversation: text, settings: {muted?: bool, pinned?: bool, archived?: bool," \
	"marked_unread?: bool}}"
#define ERRORS "not_found not_member denied conflict"

static const struct nuncio_command update_command = {
	.size = sizeof update_command,
	.op = "conversation.update",
	.help = "One's own settings of a conversation.",
	.fields = update_fields,
	.field_size = sizeof(struct nuncio_field),
	.fn = on_update,
	.answer = ANSWER_SHAPE,
	.errors = ERRORS,
};
static const struct nuncio_route update_route = {
	.size = sizeof update_route,
	.method = "PUT",
	.path = "/api/v1/conversations/:id",
	.help = "One's own settings of a conversation.",
	.fields = update_url_fields,
	.field_size = sizeof(struct nuncio_field),
	.fn = on_update,
	.answer = "200 " ANSWER_SHAPE,
	.errors = ERRORS,
};

static int init(struct nuncio_module *self, struct nuncio_error *err)
{
	int rc = nuncio_command_add(self, &update_command, self);
	if (rc == 0)
		rc = nuncio_route_add(self, &update_route, self);
	if (rc < 0)
		nuncio_error_set(
			err, "its op and route cannot be added: %s", nuncio_status_name(rc));
	return rc;
}

static const char *const wants[] = { "store", NULL };

NUNCIO_MODULE("conversations", .version = "1.0",
	.summary = "One's own settings of conversations: muted, pinned, archived.", .wants = wants,
	.init = init)
