/* SPDX-License-Identifier: MIT */
/*
 * Read when a user's first session comes; a moment long nothing is known, as of who has hidden more
 * than CONVERSATIONS_MAX conversations' messages or more than SINGLES_MAX of them: then a client is
 * told of a change with the message, and leaves it hidden itself. Most have hidden nothing, and
 * cost nothing. When somebody hides something on one node, the others where they are read the
 * record.
 */
#include "unseen.h"

#include "history.h"

#include <nuncio/bus.h>
#include <nuncio/hooks.h>
#include <nuncio/session.h>

#include <stdlib.h>
#include <string.h>

enum { CONVERSATIONS_MAX = 1000, SINGLES_MAX = 10000 };

struct unseen {
	struct nuncio_module *self;
	struct nuncio_slot *slot; /* of a user: struct curtain */
};

struct curtain_part {
	char *conversation;
	struct hidden hidden;
};

/* One user's; parts in the order of their conversations. */
struct curtain {
	struct curtain_part *parts;
	size_t count, singles;
};

struct loading {
	struct unseen *unseen;
	struct records records;
	char user[USER_BYTES + 1], conversation[CONVERSATION_BYTES + 1];
};

/* ---- one user's ---- */

static void curtain_free(void *data)
{
	struct curtain *curtain = data;
	for (size_t i = 0; i < curtain->count; i++) {
		free(curtain->parts[i].conversation);
		hidden_fini(&curtain->parts[i].hidden);
	}
	free(curtain->parts);
	free(curtain);
}

static int compare(struct nuncio_str a, struct nuncio_str b)
{
	int order = memcmp(a.p, b.p, a.n < b.n ? a.n : b.n);
	return order ? order : (a.n > b.n) - (a.n < b.n);
}

/* Where the conversation is, or would be. */
static size_t place_of(const struct curtain *curtain, struct nuncio_str conversation)
{
	size_t low = 0, high = curtain->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (compare(nuncio_text(curtain->parts[middle].conversation), conversation) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct curtain_part *find(const struct curtain *curtain, struct nuncio_str conversation)
{
	size_t at = curtain ? place_of(curtain, conversation) : 0;
	if (!curtain || at == curtain->count ||
		!nuncio_text_same(nuncio_text(curtain->parts[at].conversation), conversation))
		return NULL;
	return &curtain->parts[at];
}

static struct curtain_part *add(struct curtain *curtain, struct nuncio_str conversation)
{
	size_t at = place_of(curtain, conversation);
	if (curtain->count == CONVERSATIONS_MAX)
		return NULL;
	curtain->parts =
		nuncio_resize(curtain->parts, (curtain->count + 1) * sizeof curtain->parts[0]);
	memmove(curtain->parts + at + 1, curtain->parts + at,
		(curtain->count - at) * sizeof curtain->parts[0]);
	curtain->count++;
	struct curtain_part *part = &curtain->parts[at];
	*part = (struct curtain_part){ .conversation = nuncio_alloc(conversation.n + 1) };
	if (conversation.n)
		memcpy(part->conversation, conversation.p, conversation.n);
	return part;
}

/* Takes what is in *hidden. */
static void put(struct unseen *unseen, struct nuncio_str who, struct nuncio_str conversation,
	struct hidden *hidden)
{
	nuncio_sid id = nuncio_user_next_session(who, 0);
	struct nuncio_session *session = id ? nuncio_session_find(id) : NULL;
	struct curtain *curtain = session ? nuncio_slot_get(session, unseen->slot) : NULL;
	if (session && !curtain) {
		curtain = nuncio_alloc(sizeof *curtain);
		nuncio_slot_set(session, unseen->slot, curtain);
	}
	struct curtain_part *part = find(curtain, conversation);
	if (curtain && !part)
		part = add(curtain, conversation);
	if (!part || curtain->singles - part->hidden.count + hidden->count > SINGLES_MAX) {
		hidden_fini(hidden);
		return;
	}
	curtain->singles += hidden->count - part->hidden.count;
	hidden_fini(&part->hidden);
	part->hidden = *hidden;
}

/* ---- reading it ---- */

static struct curtain *curtain_of(const struct unseen *unseen, struct nuncio_str who)
{
	nuncio_sid id = nuncio_user_next_session(who, 0);
	const struct nuncio_session *session = id ? nuncio_session_find(id) : NULL;
	return session ? nuncio_slot_get(session, unseen->slot) : NULL;
}

static void loading_end(struct loading *loading)
{
	records_fini(&loading->records);
	free(loading);
}

/* What was hidden meanwhile is newer than what was read. */
static void on_loaded(int status, void *user)
{
	struct loading *loading = user;
	const struct nuncio_str who = nuncio_text(loading->user);
	for (size_t i = 0; status == 0 && i < loading->records.count; i++) {
		const struct record_copy *copy = &loading->records.all[i];
		struct hidden hidden;
		if (find(curtain_of(loading->unseen, who), nuncio_text(copy->key)))
			continue;
		hidden_read(&hidden, copy->value);
		put(loading->unseen, who, nuncio_text(copy->key), &hidden);
	}
	loading_end(loading);
}

static struct loading *loading_new(struct unseen *unseen, struct nuncio_str who)
{
	struct loading *loading = nuncio_alloc(sizeof *loading);
	loading->unseen = unseen;
	if (nuncio_text_copy(who, loading->user, sizeof loading->user) < 0)
		loading->user[0] = '\0'; /* no user has such a name */
	return loading;
}

static void on_did_login(const struct nuncio_login *login, void *user)
{
	struct unseen *unseen = user;
	if (nuncio_user_session_count(login->user) > 1)
		return;
	struct loading *loading = loading_new(unseen, login->user);
	records_load(
		unseen->self, SPACE_HIDDEN, loading->user, &loading->records, on_loaded, loading);
}

/* ---- other nodes ---- */

static void on_record(int status, const struct nuncio_record *rows, size_t n, int more, void *user)
{
	struct loading *loading = user;
	struct hidden hidden;
	(void)more;
	if (status == 0 && n == 1) {
		hidden_read(&hidden, rows->value);
		put(loading->unseen, nuncio_text(loading->user), nuncio_text(loading->conversation),
			&hidden);
	}
	loading_end(loading);
}

static void on_peer_hidden(struct nuncio_str data, void *user)
{
	struct unseen *unseen = user;
	struct nuncio_str who, conversation;
	struct loading *loading = loading_new(unseen, (struct nuncio_str){ "", 0 });
	if (nuncio_json_check(data, NULL) < 0 || !nuncio_json_get(data, "user", &who) ||
		!nuncio_json_get(data, "conversation", &conversation) ||
		nuncio_json_text(who, loading->user, sizeof loading->user) <= 0 ||
		nuncio_json_text(
			conversation, loading->conversation, sizeof loading->conversation) <= 0 ||
		nuncio_store_get(unseen->self, nuncio_text(SPACE_HIDDEN),
			nuncio_text(loading->user), nuncio_text(loading->conversation), on_record,
			loading) < 0)
		loading_end(loading);
}

static void tell_others(
	struct unseen *unseen, struct nuncio_str who, struct nuncio_str conversation)
{
	struct nuncio_json *json = nuncio_json_new();
	nuncio_json_object_begin(json);
	nuncio_json_key(json, "user");
	nuncio_json_put_text(json, who);
	nuncio_json_key(json, "conversation");
	nuncio_json_put_text(json, conversation);
	nuncio_json_object_end(json);
	nuncio_peer_send(unseen->self, "hidden", who, nuncio_json_str(json));
	nuncio_json_free(&json);
}

void unseen_set(struct unseen *unseen, struct nuncio_str who, struct nuncio_str conversation,
	const struct hidden *hidden)
{
	struct nuncio_json *json = hidden_write(hidden);
	struct hidden copy;
	hidden_read(&copy, nuncio_json_str(json));
	nuncio_json_free(&json);
	put(unseen, who, conversation, &copy);
	if (nuncio_bus_is_there())
		tell_others(unseen, who, conversation);
}

/* ---- asked ---- */

static enum nuncio_verdict on_may_show(const struct nuncio_reach *what, void *user)
{
	const struct unseen *unseen = user;
	const struct curtain *curtain = nuncio_slot_get(what->to, unseen->slot);
	if (!curtain)
		return NUNCIO_PASS;
	const struct curtain_part *part = find(curtain, what->event->conversation);
	return part && hidden_has(&part->hidden, what->event->target) ? NUNCIO_REJECT : NUNCIO_PASS;
}

struct unseen *unseen_new(struct nuncio_module *self)
{
	struct unseen *unseen = nuncio_alloc(sizeof *unseen);
	unseen->self = self;
	int rc = nuncio_slot_take(self, NUNCIO_PER_USER, curtain_free, &unseen->slot);
	if (rc == 0)
		rc = nuncio_hook_did_login(self, NUNCIO_PRIO_NORMAL, on_did_login, unseen);
	if (rc == 0)
		rc = nuncio_hook_may_show(self, NUNCIO_PRIO_NORMAL, on_may_show, unseen);
	if (rc == 0)
		rc = nuncio_peer_add(self, "hidden", on_peer_hidden, unseen);
	if (rc < 0)
		unseen_free(&unseen);
	return unseen;
}

void unseen_free(struct unseen **unseen)
{
	free(*unseen);
	*unseen = NULL;
}
