/* SPDX-License-Identifier: MIT */
/*
 * One's conversations, the most recently active first, each with what one has set for it (the
 * records of the module conversations) and without what one has hidden. Where that counts as unread
 * the list is asked for once more, when it is known how much to leave out.
 */
#include "history.h"

enum archived { ARCHIVED_WITH, ARCHIVED_WITHOUT, ARCHIVED_ONLY };

struct listing {
	struct page page; /* first: it is freed through this */
	enum archived archived;
	struct records settings, hidden;
	struct overcounts overcounts;
	char user[USER_BYTES + 1], after[CURSOR_BYTES + 1];
};

static void listing_end(struct page *page)
{
	struct listing *l = (struct listing *)page;
	records_fini(&l->settings);
	records_fini(&l->hidden);
	overcounts_fini(&l->overcounts);
}

static struct nuncio_str settings_of(const struct listing *l, struct nuncio_str conversation)
{
	struct nuncio_str value;
	return records_get(&l->settings, conversation, &value) ? value
							       : (struct nuncio_str){ "{}", 2 };
}

static bool is_wanted(const struct listing *l, const struct nuncio_conversation_row *row)
{
	struct nuncio_str value;
	int is_archived = nuncio_json_get(settings_of(l, row->conversation), "archived", &value);
	return l->archived == ARCHIVED_WITH || (l->archived == ARCHIVED_ONLY) == (is_archived != 0);
}

static void write_last(const struct listing *l, struct nuncio_json *json,
	const struct nuncio_conversation_row *row)
{
	struct hidden hidden;
	struct nuncio_str value = { NULL, 0 };
	records_get(&l->hidden, row->conversation, &value);
	hidden_read(&hidden, value);
	const struct view view = { row->since, row->until, &hidden };
	nuncio_json_key(json, "last");
	if (row->last.seq > 0 && view_has(&view, row->last.seq))
		show_event(json, &row->last, &view);
	else
		nuncio_json_put_null(json);
	hidden_fini(&hidden);
}

static void write_peer(struct nuncio_json *json, const struct nuncio_conversation_row *row)
{
	write_text_or_null(json, "peer", row->peer);
	if (row->peer.n == 0)
		return;
	write_number(json, "peer_delivered", row->peer_delivered);
	write_number(json, "peer_read", row->peer_read);
}

static void write_conversation(const struct listing *l, struct nuncio_json *json,
	const struct nuncio_conversation_row *row)
{
	const char *kind = nuncio_conversation_kind(row->conversation);
	struct unread unread = { row->unread, row->mentions };
	overcounts_apply(&l->overcounts, row->conversation, &unread);
	nuncio_json_object_begin(json);
	nuncio_json_key(json, "conversation");
	nuncio_json_put_text(json, row->conversation);
	write_text_or_null(json, "kind", nuncio_text(kind ? kind : ""));
	write_peer(json, row);
	write_number(json, "last_seq", row->last_seq);
	write_number(json, "delivered", row->delivered);
	write_number(json, "read", row->read);
	write_number(json, "unread", unread.messages);
	write_number(json, "mentions", unread.mentions);
	write_number(json, "since", row->since);
	write_number(json, "role", row->role);
	write_number(json, "member_count", row->member_count);
	nuncio_json_key(json, "settings");
	nuncio_json_put_raw(json, settings_of(l, row->conversation));
	write_last(l, json, row);
	nuncio_json_object_end(json);
}

static void on_counted(int status, void *user)
{
	struct listing *l = user;
	l->overcounts.are_known = true;
	if (status < 0)
		page_fail(&l->page, status);
	else
		page_ask(&l->page);
}

/* Whether hidden messages have to be looked at before the answer. */
static bool must_count(struct listing *l, const struct nuncio_conversation_row *rows, size_t n)
{
	if (l->overcounts.are_known)
		return false;
	for (size_t i = 0; i < n; i++) {
		struct nuncio_str value = { NULL, 0 };
		if (is_wanted(l, &rows[i]) && records_get(&l->hidden, rows[i].conversation, &value))
			overcounts_note(&l->overcounts, &rows[i], value);
	}
	if (!l->overcounts.count)
		return false;
	overcounts_look(l->page.self, &l->overcounts, nuncio_text(l->user), on_counted, l);
	return true;
}

static void on_conversations(int status, const struct nuncio_conversation_row *rows, size_t n,
	struct nuncio_str next, void *user)
{
	struct listing *l = user;
	if (status < 0) {
		page_fail(&l->page, status);
		return;
	}
	if (must_count(l, rows, n))
		return;
	struct nuncio_json *json = page_write(&l->page);
	nuncio_json_key(json, "conversations");
	nuncio_json_array_begin(json);
	for (size_t i = 0; i < n; i++)
		if (is_wanted(l, &rows[i]))
			write_conversation(l, json, &rows[i]);
	nuncio_json_array_end(json);
	write_text_or_null(json, "next", next);
	page_send(&l->page, n);
}

static int ask_conversations(struct page *page)
{
	struct listing *l = (struct listing *)page;
	return nuncio_store_conversations(page->self, nuncio_text(l->user), nuncio_text(l->after),
		page->limit, on_conversations, l);
}

static void on_hidden(int status, void *user)
{
	struct listing *l = user;
	if (status < 0)
		page_fail(&l->page, status);
	else
		page_ask(&l->page);
}

static void on_settings(int status, void *user)
{
	struct listing *l = user;
	if (status < 0)
		page_fail(&l->page, status);
	else
		records_load(l->page.self, SPACE_HIDDEN, l->user, &l->hidden, on_hidden, l);
}

void on_list(struct nuncio_request *rq, void *user)
{
	static const char *const words[] = { "with", "without", "only" };
	struct listing *l = nuncio_alloc(sizeof *l);
	struct nuncio_str after = { "", 0 }, archived = { "with", 4 };
	bool is_word = false;
	l->page = (struct page){ .self = user,
		.rq = rq,
		.limit = page_limit(rq),
		.ask = ask_conversations,
		.end = listing_end };
	nuncio_request_text(rq, "after", &after);
	nuncio_request_text(rq, "archived", &archived);
	nuncio_text_copy(after, l->after, sizeof l->after);
	nuncio_text_copy(nuncio_request_user(rq), l->user, sizeof l->user);
	for (int i = 0; i < 3; i++)
		if (nuncio_text_same(archived, nuncio_text(words[i]))) {
			l->archived = (enum archived)i;
			is_word = true;
		}
	if (is_word) {
		records_load(user, SPACE_SETTINGS, l->user, &l->settings, on_settings, l);
		return;
	}
	nuncio_reply_error(
		&l->page.rq, NUNCIO_CODE_invalid_field, "archived: must be with, without or only");
	page_drop(&l->page);
}
