/* SPDX-License-Identifier: MIT */
/*
 * Who is writing at this moment. Told to the others who are there and forgotten: nothing is stored,
 * and who is not online never hears of it. A client says it again every few seconds while its user
 * writes; the others take it back by themselves when it is not said again.
 *
 * Said too often, in too large a group, or to somebody who has blocked one, it is answered as
 * always and goes nowhere: it is not worth an error.
 *
 * Thread: logic. State: one number with each session.
 */
#include <nuncio/codes.h>
#include <nuncio/conf.h>
#include <nuncio/conversation.h>
#include <nuncio/json.h>
#include <nuncio/request.h>
#include <nuncio/service.h>
#include <nuncio/services/contacts.h>
#include <nuncio/services/direct.h>
#include <nuncio/session.h>
#include <nuncio/text.h>
#include <nuncio/timer.h>

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { CONVERSATION_BYTES = 192, USER_BYTES = 64 };

struct typing {
	struct nuncio_module *self;
	struct nuncio_slot *slot; /* milliseconds of the last one that went out */
	const struct nuncio_contacts_v1 *contacts;
	const struct nuncio_direct_v1 *direct;
	void *contacts_impl, *direct_impl;
};

struct telling {
	struct typing *t;
	struct nuncio_request *rq;
	nuncio_sid session;
	int is_on;
	char user[USER_BYTES + 1], conversation[CONVERSATION_BYTES + 1];
};

_Static_assert(sizeof(void *) >= sizeof(int64_t), "a time fits into a slot");

static void done(struct telling *telling)
{
	nuncio_reply(&telling->rq, 200, (struct nuncio_str){ "{}", 2 });
	free(telling);
}

/* ---- telling ---- */

/* The session is looked up again: it may have gone meanwhile, then nobody is typing. */
static bool is_time(const struct telling *telling)
{
	struct nuncio_session *session = nuncio_session_find(telling->session);
	if (!session)
		return false;
	int64_t now_ms = nuncio_mono_ms();
	int64_t last_ms = (int64_t)(intptr_t)nuncio_slot_get(session, telling->t->slot);
	if (last_ms && now_ms - last_ms < nuncio_conf_int(telling->t->self, "interval"))
		return false;
	nuncio_slot_set(session, telling->t->slot, (void *)(intptr_t)now_ms);
	return true;
}

static void tell(struct telling *telling)
{
	struct nuncio_json *json = nuncio_json_new();
	nuncio_json_object_begin(json);
	nuncio_json_key(json, "conversation");
	nuncio_json_put_text(json, nuncio_text(telling->conversation));
	nuncio_json_key(json, "user");
	nuncio_json_put_text(json, nuncio_text(telling->user));
	nuncio_json_key(json, "on");
	nuncio_json_put_bool(json, telling->is_on);
	nuncio_json_object_end(json);
	nuncio_conversation_notify(telling->t->self, nuncio_text(telling->conversation), "typing",
		nuncio_json_str(json), telling->session);
	nuncio_json_free(&json);
}

static void on_relation(int status, uint32_t relation, void *user)
{
	struct telling *telling = user;
	if (status == 0 && !(relation & NUNCIO_CONTACTS_BLOCKED))
		tell(telling);
	done(telling);
}

static void on_entered(int status, const struct nuncio_entry *entry, void *user)
{
	struct telling *telling = user;
	struct typing *t = telling->t;
	struct nuncio_str conversation = nuncio_text(telling->conversation), peer;
	int64_t most = nuncio_conf_int(t->self, "max_audience");
	if (status < 0) {
		nuncio_reply_error(&telling->rq,
			entry && entry->code ? entry->code : NUNCIO_CODE_not_found, "%s",
			entry ? entry->text : "conversation: there is no such conversation");
		free(telling);
	} else if ((int64_t)nuncio_live_count(conversation) > most || !is_time(telling)) {
		done(telling);
	} else if (t->direct && t->contacts &&
		   t->direct->peer(
			   t->direct_impl, conversation, nuncio_text(telling->user), &peer)) {
		t->contacts->relation(
			t->contacts_impl, peer, nuncio_text(telling->user), on_relation, telling);
	} else {
		tell(telling);
		done(telling);
	}
}

/* ---- asked ---- */

static void on_typing(struct nuncio_request *rq, void *user)
{
	struct telling *telling = calloc(1, sizeof *telling);
	struct nuncio_session *session = nuncio_request_session(rq);
	struct nuncio_str conversation = { "", 0 };
	if (!telling)
		abort();
	telling->t = user;
	telling->rq = rq;
	telling->session = session ? nuncio_session_id(session) : 0;
	telling->is_on = 1;
	nuncio_request_bool(rq, "on", &telling->is_on);
	nuncio_request_text(rq, "conversation", &conversation);
	nuncio_text_copy(nuncio_request_user(rq), telling->user, sizeof telling->user);
	if (nuncio_text_copy(conversation, telling->conversation, sizeof telling->conversation) < 0)
		telling->conversation[0] = '\0';
	const struct nuncio_access what = {
		.session = session,
		.user = nuncio_text(telling->user),
		.conversation = nuncio_text(telling->conversation),
		.access = NUNCIO_ACCESS_WRITE,
	};
	nuncio_conversation_ask(telling->t->self, &what, on_entered, telling);
}

/* ---- the module ---- */

static const struct nuncio_field fields[] = {
	{ "conversation", NUNCIO_FIELD_TEXT, NUNCIO_FIELD_REQUIRED, 1, CONVERSATION_BYTES,
		"its id" },
	{ "on", NUNCIO_FIELD_BOOL, 0, 0, 0, "false: not any more; true if not given" },
	{ 0 },
};

static const struct nuncio_command command = {
	.size = sizeof command,
	.op = "typing",
	.help = "Tells the others that one is writing.",
	.fields = fields,
	.field_size = sizeof(struct nuncio_field),
	.fn = on_typing,
	.answer = "{}",
	.errors = "not_found not_member denied muted read_only",
};

static int init(struct nuncio_module *self, struct nuncio_error *err)
{
	struct typing *t = nuncio_alloc(sizeof *t);
	t->self = self;
	nuncio_module_set_data(self, t);
	int rc = nuncio_slot_take(self, NUNCIO_PER_SESSION, NULL, &t->slot);
	if (rc == 0)
		rc = nuncio_command_add(self, &command, t);
	if (rc < 0)
		nuncio_error_set(err, "its op cannot be added: %s", nuncio_status_name(rc));
	return rc;
}

static int start(struct nuncio_module *self, struct nuncio_error *err)
{
	struct typing *t = nuncio_module_data(self);
	(void)err;
	t->contacts = nuncio_service_find(self, NUNCIO_CONTACTS_V1, &t->contacts_impl);
	t->direct = nuncio_service_find(self, NUNCIO_DIRECT_V1, &t->direct_impl);
	return 0;
}

static void fini(struct nuncio_module *self)
{
	free(nuncio_module_data(self));
	nuncio_module_set_data(self, NULL);
}

static const struct nuncio_option options[] = {
	{ "interval", NUNCIO_OPT_MSEC, NUNCIO_OPT_LIVE, "500ms", 0, 60000, NULL,
		"A session is heard so often at most." },
	{ "max_audience", NUNCIO_OPT_INT, NUNCIO_OPT_LIVE, "200", 0, 1000000, NULL,
		"In conversations with more people online nobody is told." },
	{ 0 },
};

static const char *const wants[] = { NUNCIO_CONTACTS_V1, NUNCIO_DIRECT_V1, NULL };

NUNCIO_MODULE("typing", .version = "1.0", .summary = "Who is writing at this moment.",
	.wants = wants, .options = options, .init = init, .start = start, .fini = fini)
