/* SPDX-License-Identifier: MIT */
#include "accounts.h"

/*
 * GET /users?query=: who has an id or name that starts with the query, A-Z and a-z being the same.
 * First the accounts whose id itself starts with the folded query, by id, straight from their
 * records; then the entries of accounts.name (folded names, and ids with capitals). Nobody comes
 * twice: who came by id is left out among the names, and who has a capital id and a name that both
 * fit comes by the id only. An entry counts only if its account bears it out; one that does not for
 * an hour is left over from a failure, and is removed. A page may have fewer rows than the limit;
 * `next` says whether there is more.
 */

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	VARIANT = sodium_base64_VARIANT_URLSAFE_NO_PADDING,
	STALE_MS = 60 * 60 * 1000,
	PART_SIZE = 96
};

/* An entry of accounts.name on its way to be checked. */
struct entry {
	char folded[FOLD_SIZE], id[ACCOUNT_ID_BYTES_MAX + 1];
	int64_t version, written_at_ms;
};

struct search {
	struct accounts *a;
	struct nuncio_request *rq;
	struct nuncio_json *json; /* the users found so far */
	char query[FOLD_SIZE];
	char after_owner[FOLD_SIZE], after_key[ACCOUNT_ID_BYTES_MAX + 1];
	bool is_among_names, has_more;
	uint32_t limit, count;
	uint32_t entry_count, entry_at;
	struct entry entries[SEARCH_LIMIT_MAX];
};

static void search_free(struct search **search)
{
	nuncio_json_free(&(*search)->json);
	free(*search);
	*search = NULL;
}

static void search_fail(struct search *s, int status)
{
	nuncio_reply_store_status(&s->rq, status);
	search_free(&s);
}

/*
 * ---- the cursor: "i.OWNER" among ids, "n.OWNER.KEY" among names, "n.." before the first of them
 * ----
 */

static void cursor_write(const struct search *s, char *out, size_t size)
{
	char owner[PART_SIZE], key[PART_SIZE];
	sodium_bin2base64(owner, sizeof owner, (const unsigned char *)s->after_owner,
		strlen(s->after_owner), VARIANT);
	sodium_bin2base64(key, sizeof key, (const unsigned char *)s->after_key,
		strlen(s->after_key), VARIANT);
	snprintf(out, size, "%s.%s.%s", s->is_among_names ? "n" : "i", owner, key);
}

static int part_read(struct nuncio_str part, char *out, size_t size)
{
	size_t n;
	const char *end = part.p;
	if (part.n && sodium_base642bin((unsigned char *)out, size - 1, part.p, part.n, NULL, &n,
			      &end, VARIANT) != 0)
		return -1;
	n = part.n ? n : 0;
	out[n] = '\0';
	return part.p + part.n == end && text_chars((struct nuncio_str){ out, n }) >= 0 ? 0 : -1;
}

static int cursor_read(struct search *s, struct nuncio_str text)
{
	if (text.n < 3 || text.p[1] != '.' || (text.p[0] != 'i' && text.p[0] != 'n'))
		return -1;
	s->is_among_names = text.p[0] == 'n';
	text = (struct nuncio_str){ text.p + 2, text.n - 2 };
	const char *dot = memchr(text.p, '.', text.n);
	if (!dot)
		return -1;
	struct nuncio_str owner = { text.p, (size_t)(dot - text.p) };
	struct nuncio_str key = { dot + 1, text.n - owner.n - 1 };
	return part_read(owner, s->after_owner, sizeof s->after_owner) < 0 ||
			       part_read(key, s->after_key, sizeof s->after_key) < 0
		       ? -1
		       : 0;
}

/* ---- the answer ---- */

static void search_reply(struct search *s)
{
	char cursor[2 * PART_SIZE + 8];
	nuncio_json_array_end(s->json);
	nuncio_json_key(s->json, "next");
	cursor_write(s, cursor, sizeof cursor);
	if (s->has_more)
		nuncio_json_put_text(s->json, nuncio_text(cursor));
	else
		nuncio_json_put_null(s->json);
	nuncio_json_object_end(s->json);
	nuncio_reply(&s->rq, 200, nuncio_json_str(s->json));
	search_free(&s);
}

static void search_list(struct search *s, const char *space, nuncio_records_fn *done)
{
	struct nuncio_records_query query = {
		.size = sizeof query,
		.space = nuncio_text(space),
		.owner = { NULL, 0 },
		.owner_prefix = nuncio_text(s->query),
		.after_owner = nuncio_text(s->after_owner),
		.after_key = nuncio_text(s->after_key),
		.limit = s->limit - s->count,
	};
	int rc = nuncio_store_list(s->a->self, &query, done, s);
	if (rc < 0)
		search_fail(s, rc);
}

/* ---- among the names ---- */

static void on_entry(int status, const struct nuncio_record *rows, size_t n, int more, void *user);

static void entry_check(struct search *s)
{
	if (s->entry_at == s->entry_count) {
		search_reply(s);
		return;
	}
	int rc = nuncio_store_get(s->a->self, nuncio_text(SPACE_ACCOUNT),
		nuncio_text(s->entries[s->entry_at].id), (struct nuncio_str){ "", 0 }, on_entry, s);
	if (rc < 0)
		search_fail(s, rc);
}

/* Is this entry what the account is found by? A name is no reason where the id is one. */
static bool entry_holds(const struct search *s, const struct entry *entry,
	const struct account *account, bool *is_shown_r)
{
	char id[FOLD_SIZE], name[FOLD_SIZE];
	text_fold(nuncio_text(account->id), id);
	text_fold(nuncio_text(account->name), name);
	bool is_id = strcmp(entry->folded, id) == 0;
	*is_shown_r = is_id || !nuncio_text_starts(nuncio_text(id), nuncio_text(s->query));
	return !account->deleted_at_ms && (is_id || strcmp(entry->folded, name) == 0);
}

static void entry_drop_if_old(struct search *s, const struct entry *entry)
{
	if (nuncio_wall_ms() - entry->written_at_ms > STALE_MS)
		index_drop(
			s->a, nuncio_text(entry->folded), nuncio_text(entry->id), entry->version);
}

static void on_entry(int status, const struct nuncio_record *rows, size_t n, int more, void *user)
{
	struct search *s = user;
	struct account account;
	bool is_shown = false;
	const struct entry *entry = &s->entries[s->entry_at++];
	(void)more;
	if (status < 0 && status != NUNCIO_E_NOTFOUND) {
		search_fail(s, status);
		return;
	}
	if (status < 0 || n != 1 || account_read(rows, &account) < 0 ||
		!entry_holds(s, entry, &account, &is_shown))
		entry_drop_if_old(s, entry);
	else if (is_shown)
		account_show(&account, s->json);
	entry_check(s);
}

static void entry_add(struct search *s, const struct nuncio_record *row)
{
	struct entry *entry = &s->entries[s->entry_count];
	if (s->entry_count == SEARCH_LIMIT_MAX ||
		nuncio_text_copy(row->owner, entry->folded, sizeof entry->folded) < 0 ||
		nuncio_text_copy(row->key, entry->id, sizeof entry->id) < 0)
		return;
	memcpy(s->after_owner, entry->folded, sizeof s->after_owner);
	memcpy(s->after_key, entry->id, sizeof s->after_key);
	entry->version = (int64_t)row->version;
	if (nuncio_json_int(row->value, &entry->written_at_ms) < 0)
		entry->written_at_ms = 0;
	if (!nuncio_text_starts(row->key, nuncio_text(s->query))) /* or it came among the ids */
		s->entry_count++;
}

static void on_names(int status, const struct nuncio_record *rows, size_t n, int more, void *user)
{
	struct search *s = user;
	if (status < 0) {
		search_fail(s, status);
		return;
	}
	for (size_t i = 0; i < n; i++)
		entry_add(s, &rows[i]);
	s->has_more = more;
	entry_check(s);
}

static void names_list(struct search *s)
{
	search_list(s, SPACE_NAME, on_names);
}

/* ---- among the ids ---- */

static void on_ids(int status, const struct nuncio_record *rows, size_t n, int more, void *user)
{
	struct search *s = user;
	struct account account;
	if (status < 0) {
		search_fail(s, status);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		if (nuncio_text_copy(rows[i].owner, s->after_owner, sizeof s->after_owner) < 0 ||
			account_read(&rows[i], &account) < 0 || account.deleted_at_ms)
			continue;
		account_show(&account, s->json);
		s->count++;
	}
	if (!more && s->query[0]) { /* an empty query has found everybody by now */
		s->is_among_names = true;
		s->after_owner[0] = '\0';
	}
	s->has_more = more || s->is_among_names;
	if (more || !s->is_among_names || s->count == s->limit)
		search_reply(s);
	else
		names_list(s);
}

void search_run(struct nuncio_request *rq, void *user)
{
	struct search *s = nuncio_alloc(sizeof *s);
	struct nuncio_str query = { "", 0 }, after;
	int64_t limit = nuncio_request_is_http(rq) ? SEARCH_LIMIT : SEARCH_LIMIT_MAX;
	s->a = user;
	s->rq = rq;
	s->json = nuncio_json_new();
	nuncio_request_text(rq, "query", &query);
	nuncio_request_int(rq, "limit", &limit);
	s->limit = (uint32_t)limit;
	text_fold(query, s->query);
	if (nuncio_request_text(rq, "after", &after) && cursor_read(s, after) < 0) {
		nuncio_reply_error(&s->rq, NUNCIO_CODE_invalid_field,
			"after: must be the next of the page before");
		search_free(&s);
		return;
	}
	nuncio_json_object_begin(s->json);
	nuncio_json_key(s->json, "users");
	nuncio_json_array_begin(s->json);
	if (s->is_among_names)
		names_list(s);
	else
		search_list(s, SPACE_ACCOUNT, on_ids);
}

int search_add_routes(struct accounts *a)
{
	static const struct nuncio_field fields[] = {
		{ "query", NUNCIO_FIELD_TEXT, NUNCIO_FIELD_QUERY, 0, ACCOUNT_ID_BYTES_MAX,
			"What the id or the name starts with; empty: everybody." },
		{ "after", NUNCIO_FIELD_TEXT, NUNCIO_FIELD_QUERY, 0, 256,
			"The next of the page before." },
		{ "limit", NUNCIO_FIELD_INT, NUNCIO_FIELD_QUERY, 1, SEARCH_LIMIT_MAX,
			"Users in a page; 20." },
		{ NULL },
	};
	static const struct nuncio_route route =
		ROUTE("GET", "/api/v1/users", 0, "Users whose id or name starts with the query.",
			fields, search_run, "200 {users: [user], next: text|null}", NULL);
	return nuncio_route_add(a->self, &route, a);
}
