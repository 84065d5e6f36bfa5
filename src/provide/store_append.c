/* SPDX-License-Identifier: MIT */
/*
 * Packing what is written: an append with everything that is one transaction with it, and writes of
 * records. Structs that modules made are brought to our size here, and everything that has a limit
 * is measured, so that a store only sees what is well formed.
 */
#include "provide/store_private.h"

#include <string.h>

#include "base/slice.h"
#include "provide/sized.h"

enum {
	FOUNDERS_MAX = 1000,
	MEMBERS_MAX = 1000,
	MENTIONS_MAX = 100,
	MEMBER_EXTRA_BYTES = 1024,
	KEY_SEQ_BYTES = 20, /* what NUNCIO_WRITE_KEY_SEQ adds to a key */
	WRITE_FLAGS = NUNCIO_WRITE_SYNCED | NUNCIO_WRITE_KEY_SEQ | NUNCIO_WRITE_CHECK,
	MEMBER_FIELDS = NUNCIO_MEMBER_ROLE | NUNCIO_MEMBER_MUTED | NUNCIO_MEMBER_EXTRA |
			NUNCIO_MEMBER_ALL_HISTORY | NUNCIO_MEMBER_TOLERANT
};

/* ---- Writes of records */

/* All have this owner, and none of these flags. */
struct write_rule {
	struct nuncio_str owner;
	uint32_t never;
};

static int check_write(const struct nuncio_record_write *w, const struct write_rule *rule)
{
	size_t key_bytes = w->key.n + (w->flags & NUNCIO_WRITE_KEY_SEQ ? KEY_SEQ_BYTES : 0);
	if (!store_is_name(w->space, false) || key_bytes > STORE_NAME_BYTES)
		return NUNCIO_E_INVAL;
	if (!str_eq(w->owner, rule->owner) || w->flags & rule->never ||
		w->flags & ~(uint32_t)WRITE_FLAGS)
		return NUNCIO_E_INVAL;
	if (w->flags & NUNCIO_WRITE_CHECK &&
		(w->expect == NUNCIO_EXPECT_ANY || w->flags != NUNCIO_WRITE_CHECK))
		return NUNCIO_E_INVAL;
	return w->value.n > STORE_VALUE_BYTES ? NUNCIO_E_TOOBIG : 0;
}

static struct nuncio_record_write take_write(const struct nuncio_record_write *writes, size_t index)
{
	struct nuncio_record_write w;
	sized_take(&w, sizeof(w), sized_at(writes, writes->size, index), writes->size);
	w.size = sizeof(w);
	return w;
}

/* Checks the writes of a module and sums their texts. */
static int check_writes(const struct nuncio_record_write *writes, size_t n,
	const struct write_rule *rule, size_t *bytes)
{
	for (size_t i = 0; i < n; i++) {
		struct nuncio_record_write w = take_write(writes, i);
		int rc = check_write(&w, rule);
		if (rc < 0)
			return rc;
		*bytes += w.space.n + w.owner.n + w.key.n + w.value.n;
	}
	return 0;
}

static void pack_writes(struct store_packer *text, struct nuncio_record_write *to,
	const struct nuncio_record_write *writes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		to[i] = take_write(writes, i);
		to[i].space = store_pack(text, to[i].space);
		to[i].owner = store_pack(text, to[i].owner);
		to[i].key = store_pack(text, to[i].key);
		to[i].value = store_pack(text, to[i].value);
	}
}

int store_write(struct store *store, const struct nuncio_record_write *writes, size_t n,
	nuncio_written_fn *done, void *user)
{
	struct nuncio_job_write head = { .size = sizeof(head), .writes_count = n };
	size_t bytes = sizeof(head) + n * sizeof(*writes);
	int64_t now_ms;
	int rc = store_check(store);
	if (rc < 0)
		return rc;
	if (!n || n > STORE_WRITES_MAX || !store_is_name(writes->owner, true))
		return NUNCIO_E_INVAL;
	struct write_rule rule = { writes->owner, NUNCIO_WRITE_KEY_SEQ };
	rc = check_writes(writes, n, &rule, &bytes);
	if (rc < 0)
		return rc;
	struct nuncio_job *job =
		store_job(store, NUNCIO_JOB_WRITE, bytes, (void (*)(void))done, user);
	struct nuncio_record_write *to = (void *)((char *)job->block + sizeof(head));
	struct store_packer text = { (char *)(to + n) };
	pack_writes(&text, to, writes, n);
	head.writes = to;
	head.id = store_make_id(store, &now_ms);
	memcpy(job->block, &head, sizeof(head));
	return store_post(store, job, writes->owner);
}

/* ---- Changes to members */

static struct nuncio_member_change take_member(
	const struct nuncio_member_change *members, size_t index)
{
	struct nuncio_member_change m;
	sized_take(&m, sizeof(m), sized_at(members, members->size, index), members->size);
	m.size = sizeof(m);
	return m;
}

static int check_members(const struct store_append *what, size_t *bytes)
{
	for (size_t i = 0; i < what->members_count; i++) {
		struct nuncio_member_change m = take_member(what->members, i);
		if (!store_is_name(m.user, m.op == NUNCIO_MEMBER_REMOVE) ||
			m.op < NUNCIO_MEMBER_ADD || m.op > NUNCIO_MEMBER_SET ||
			m.fields & ~(uint32_t)MEMBER_FIELDS || m.expect_role < -1)
			return NUNCIO_E_INVAL;
		if (m.extra.n > MEMBER_EXTRA_BYTES)
			return NUNCIO_E_TOOBIG;
		*bytes += m.user.n + m.extra.n;
	}
	return 0;
}

static void pack_members(
	struct store_packer *text, struct nuncio_member_change *to, const struct store_append *what)
{
	for (size_t i = 0; i < what->members_count; i++) {
		to[i] = take_member(what->members, i);
		to[i].user = store_pack(text, to[i].user);
		to[i].extra = store_pack(text, to[i].extra);
	}
}

/* ---- Appends */

/* Lists of users: founders, mentions. */
static int check_users(const struct nuncio_str *users, size_t n, size_t *bytes)
{
	for (size_t i = 0; i < n; i++) {
		if (!store_is_name(users[i], false))
			return NUNCIO_E_INVAL;
		*bytes += users[i].n;
	}
	return 0;
}

static void pack_users(
	struct store_packer *text, struct nuncio_str *to, const struct nuncio_str *users, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] = store_pack(text, users[i]);
}

static int check_event(const struct store_append *what, size_t *bytes)
{
	if (!store_is_name(what->conversation, false) || !store_is_name(what->type, false) ||
		!store_is_name(what->from, true) || !store_is_name(what->client_id, true) ||
		!store_is_name(what->kind, true) || !what->body.n)
		return NUNCIO_E_INVAL;
	if (what->event_flags & ~NUNCIO_EVENT_MENTIONS_ALL ||
		what->target_flags & ~NUNCIO_EVENT_VOID ||
		(what->target_body.p && !what->target_body.n))
		return NUNCIO_E_INVAL;
	if (!what->target && (what->expect_changed || what->target_body.p || what->target_state.p ||
				     what->target_flags))
		return NUNCIO_E_INVAL;
	*bytes += what->conversation.n + what->type.n + what->from.n + what->client_id.n +
		  what->kind.n + what->body.n + what->extra.n + what->target_body.n +
		  what->target_state.n;
	return 0;
}

static int check_append(const struct store_append *what, size_t *bytes)
{
	struct write_rule rule = { what->conversation, NUNCIO_WRITE_SYNCED };
	if (what->writes_count > STORE_WRITES_MAX || what->founders_count > FOUNDERS_MAX ||
		what->members_count > MEMBERS_MAX || what->mentions_count > MENTIONS_MAX)
		return NUNCIO_E_TOOBIG;
	int rc = check_event(what, bytes);
	if (rc == 0)
		rc = check_users(what->founders, what->founders_count, bytes);
	if (rc == 0)
		rc = check_users(what->mentions, what->mentions_count, bytes);
	if (rc == 0)
		rc = check_members(what, bytes);
	return rc < 0 ? rc : check_writes(what->writes, what->writes_count, &rule, bytes);
}

static void pack_event(
	struct store_packer *text, struct nuncio_event *event, const struct store_append *what)
{
	*event = (struct nuncio_event){ .size = sizeof(*event),
		.flags = what->event_flags,
		.target = what->target,
		.conversation = store_pack(text, what->conversation),
		.type = store_pack(text, what->type),
		.from = store_pack(text, what->from),
		.client_id = store_pack(text, what->client_id),
		.kind = store_pack(text, what->kind),
		.body = store_pack(text, what->body),
		.extra = store_pack(text, what->extra) };
}

/* The block: the head, writes, members, founders, mentions, then all texts. */
static void pack_append(
	struct nuncio_job *job, const struct store_append *what, struct store *store)
{
	struct nuncio_job_append *head = (void *)job->block;
	struct nuncio_record_write *writes = (void *)(head + 1);
	struct nuncio_member_change *members = (void *)(writes + what->writes_count);
	struct nuncio_str *founders = (void *)(members + what->members_count);
	struct nuncio_str *mentions = founders + what->founders_count;
	struct store_packer text = { (char *)(mentions + what->mentions_count) };
	*head = (struct nuncio_job_append){ .size = sizeof(*head),
		.founders = founders,
		.founders_count = what->founders_count,
		.writes = writes,
		.writes_count = what->writes_count,
		.expect_changed = what->expect_changed,
		.target_body = store_pack(&text, what->target_body),
		.target_state = store_pack(&text, what->target_state),
		.target_flags = what->target_flags,
		.flags = what->flags,
		.members = members,
		.members_count = what->members_count,
		.members_max = what->members_max,
		.mentions = mentions,
		.mentions_count = what->mentions_count };
	pack_event(&text, &head->event, what);
	pack_writes(&text, writes, what->writes, what->writes_count);
	pack_members(&text, members, what);
	pack_users(&text, founders, what->founders, what->founders_count);
	pack_users(&text, mentions, what->mentions, what->mentions_count);
	head->event.id = store_make_id(store, &head->event.sent_at_ms);
}

int store_append(
	struct store *store, const struct store_append *what, nuncio_appended_fn *done, void *user)
{
	size_t bytes = sizeof(struct nuncio_job_append);
	int rc = store_check(store);
	if (rc < 0 || (rc = check_append(what, &bytes)) < 0)
		return rc;
	bytes += what->writes_count * sizeof(struct nuncio_record_write) +
		 what->members_count * sizeof(struct nuncio_member_change) +
		 (what->founders_count + what->mentions_count) * sizeof(struct nuncio_str);
	struct nuncio_job *job =
		store_job(store, NUNCIO_JOB_APPEND, bytes, (void (*)(void))done, user);
	pack_append(job, what, store);
	return store_post(store, job, what->conversation);
}
