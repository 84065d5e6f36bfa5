/* SPDX-License-Identifier: MIT */
/*
 * A kind of conversations for members only, and what is one with an event: members, records, the
 * change of an earlier one. Then every question about them.
 */
#include <string.h>

#include <nuncio/hooks.h>
#include <nuncio/log.h>
#include <nuncio/search.h>
#include <nuncio/store.h>

static const char *const needs[] = { "store", NULL };

#define TEXT(literal) ((struct nuncio_str){ literal, sizeof(literal) - 1 })
#define CLUB TEXT("x:club")

static int is(struct nuncio_str a, const char *b)
{
	return a.n == strlen(b) && memcmp(a.p, b, a.n) == 0;
}

static void end(struct nuncio_module *self, const char *word)
{
	nuncio_log(self, NUNCIO_INFO, "api: %s", word);
}

/* ---- the kind ---- */

static int resolve(struct nuncio_str sender, struct nuncio_str value, char *out, size_t size,
	void *user, struct nuncio_error *err)
{
	(void)sender, (void)value, (void)out, (void)size, (void)user;
	nuncio_error_set(err, "no such club");
	return NUNCIO_E_NOTFOUND;
}

static int32_t may_enter(struct nuncio_ask *ask, const struct nuncio_access *what, void *user)
{
	(void)ask, (void)what, (void)user;
	return NUNCIO_PASS;
}

static int is_valid(struct nuncio_str conversation, void *user)
{
	(void)user;
	return is(conversation, "x:club");
}

static void audience(struct nuncio_str conversation, struct nuncio_audience *to, void *user)
{
	(void)conversation, (void)user;
	nuncio_audience_add_user(to, TEXT("alice"));
}

static const struct nuncio_kind kind = {
	.size = sizeof kind,
	.name = "club",
	.prefix = "x",
	.target = "club",
	.resolve = resolve,
	.may_enter = may_enter,
	.is_valid = is_valid,
	.audience = audience,
	.flags = NUNCIO_KIND_MEMBERS_ONLY,
};

/* ---- questions, the last one first ---- */

static void on_bob(int status, const struct nuncio_event *event, int duplicate, void *user)
{
	end(user, status == NUNCIO_E_DENIED && !event && !duplicate ? "ok" : "bob may");
}

static struct nuncio_append make_append(struct nuncio_str from, struct nuncio_str body)
{
	return (struct nuncio_append){ .size = sizeof(struct nuncio_append),
		.conversation = CLUB,
		.type = TEXT("message"),
		.from = from,
		.kind = TEXT("text"),
		.body = body };
}

static void on_found(
	int status, const struct nuncio_event *rows, size_t n, struct nuncio_str next, void *user)
{
	size_t marks[4][2];
	char text[100];
	struct nuncio_append bob = make_append(TEXT("bob"), TEXT("\"me too\""));
	if (status < 0 || n != 1 || next.n || rows->seq != 1 ||
		!is(rows->body, "\"hello there\"")) {
		end(user, "not found");
		return;
	}
	int length = nuncio_search_text(rows->body, text, sizeof text);
	struct nuncio_str plain = { text, (size_t)length };
	if (nuncio_search_marks(plain, TEXT("THERE"), marks, 4) != 1 || marks[0][0] != 6 ||
		nuncio_search_cut(plain, 0, NULL, NULL) != 2)
		end(user, "not marked");
	else if (nuncio_append(user, &bob, on_bob, user) < 0)
		end(user, "bob cannot be asked about");
}

static void on_reached(int status, uint64_t delivered, uint64_t read, void *user)
{
	struct nuncio_search_query q = {
		.size = sizeof q, .user = TEXT("alice"), .text = TEXT("There"), .limit = 10
	};
	struct nuncio_search_query none = q;
	none.text = TEXT("?");
	if (status < 0 || delivered != 1 || read != 1)
		end(user, "not counted");
	else if (nuncio_store_search(user, &none, on_found, user) != NUNCIO_E_INVAL ||
		 nuncio_store_search(user, &q, on_found, user) < 0)
		end(user, "no search");
}

static void on_count(int status, uint64_t count, void *user)
{
	if (status < 0 || count != 1)
		end(user, "memberships are not counted");
	else if (nuncio_store_reached(user, CLUB, 0, on_reached, user) < 0)
		end(user, "nobody to count");
}

static void on_roles(int status, const struct nuncio_member *rows, size_t n, int more, void *user)
{
	if (status < 0 || n != 1 || more || !is(rows->user, "alice"))
		end(user, "roles");
	else if (nuncio_store_membership_count(
			 user, TEXT("alice"), TEXT("x:"), 10, on_count, user) < 0)
		end(user, "no memberships to count");
}

static void on_mine(int status, const struct nuncio_member *rows, size_t n, int more, void *user)
{
	if (status < 0 || n != 1 || more || !is(rows->conversation, "x:club"))
		end(user, "memberships");
	else if (nuncio_store_members_by_role(user, CLUB, 9, TEXT(""), 10, on_roles, user) < 0)
		end(user, "no roles");
}

static void on_member(int status, const struct nuncio_member *rows, size_t n, int more, void *user)
{
	if (status < 0 || n != 1 || more || rows->role != 9 || rows->last_seq != 2 ||
		rows->member_count != 1 || !is(rows->extra, "\"nick\":\"al\""))
		end(user, "member");
	else if (nuncio_store_memberships(
			 user, TEXT("alice"), TEXT("x:"), TEXT(""), 10, on_mine, user) < 0)
		end(user, "no memberships");
}

static void on_record(int status, const struct nuncio_record *rows, size_t n, int more, void *user)
{
	(void)more;
	if (status < 0 || n != 1 || !is(rows->value, "1"))
		end(user, "no record with the seq");
	else if (nuncio_store_member(user, CLUB, TEXT("alice"), on_member, user) < 0)
		end(user, "no member");
}

/* ---- two events ---- */

static void on_changed(int status, const struct nuncio_event *event, int duplicate, void *user)
{
	(void)duplicate;
	if (status < 0 || event->target != 1 || !event->now || event->now->changed != 2 ||
		!is(event->now->body, "\"hello there\"") || !is(event->now->state, "\"edited\":1"))
		end(user, "not changed");
	else if (nuncio_store_get(user, TEXT("api_append"), CLUB, TEXT("at:00000000000000000001"),
			 on_record, user) < 0)
		end(user, "no records");
}

static void on_first(int status, const struct nuncio_event *event, int duplicate, void *user)
{
	struct nuncio_append change = make_append(TEXT("alice"), TEXT("null"));
	change.type = TEXT("edit");
	change.target = 1;
	change.target_body = TEXT("\"hello there\"");
	change.target_state = TEXT("\"edited\":1");
	if (status < 0 || duplicate || event->seq != 1 || event->now)
		end(user, "not appended");
	else if (nuncio_append(user, &change, on_changed, user) < 0)
		end(user, "cannot change");
}

static int start(struct nuncio_module *self, struct nuncio_error *err)
{
	struct nuncio_append first = make_append(TEXT("alice"), TEXT("\"hello world\""));
	struct nuncio_record_write write = { .size = sizeof write,
		.flags = NUNCIO_WRITE_KEY_SEQ,
		.space = TEXT("others"),
		.owner = CLUB,
		.key = TEXT("at:"),
		.value = TEXT("1") };
	struct nuncio_member_change alice = { .size = sizeof alice,
		.op = NUNCIO_MEMBER_ADD,
		.user = TEXT("alice"),
		.role = 9,
		.extra = TEXT("\"nick\":\"al\"") };
	first.members = &alice;
	first.members_count = 1;
	first.writes = &write;
	first.writes_count = 1;
	if (nuncio_append(self, &first, on_first, self) != NUNCIO_E_INVAL) {
		nuncio_error_set(err, "may write into a space of others with an event");
		return NUNCIO_E_FAIL;
	}
	write.space = TEXT("api_append");
	write.owner = TEXT("alice");
	if (nuncio_append(self, &first, on_first, self) != NUNCIO_E_INVAL) {
		nuncio_error_set(err, "may write for another owner with an event");
		return NUNCIO_E_FAIL;
	}
	write.owner = CLUB;
	return nuncio_append(self, &first, on_first, self);
}

static int init(struct nuncio_module *self, struct nuncio_error *err)
{
	(void)err;
	return nuncio_kind_add(self, &kind, NULL);
}

NUNCIO_MODULE("api_append", .summary = "appends members, records and changes", .needs = needs,
	.init = init, .start = start);
