/* SPDX-License-Identifier: MIT */
/*
 * Questions with a head and a few texts: everything that is read, and marks. Each copies its struct
 * and the texts in it into a job.
 */
#include "provide/store_private.h"

#include <string.h>

#include "base/search_cut.h"
#include "base/slice.h"
#include "provide/sized.h"

enum { TEXTS_MAX = 6 };

/* `needed` and `optional` point into `head`, NULL-ended; they are made to point into the job. */
struct question {
	uint32_t kind;
	void *head;
	size_t head_bytes;
	struct nuncio_str *needed[TEXTS_MAX + 1], *optional[TEXTS_MAX + 1];
	struct nuncio_str shard;
	void (*done)(void);
	void *user;
};

/* In a function with `head`, `done` and `user`; then which of its texts there are. */
#define QUESTION(job_kind, shard_text, ...) \
	{ \
		.kind = (job_kind), .head = &head, .head_bytes = sizeof(head), \
		.shard = (shard_text), .done = (void (*)(void))done, .user = user, __VA_ARGS__ \
	}

static int check_texts(struct nuncio_str *const *texts, bool may_be_empty, size_t *bytes)
{
	for (; *texts; texts++) {
		if (!store_is_name(**texts, may_be_empty))
			return NUNCIO_E_INVAL;
		*bytes += (*texts)->n;
	}
	return 0;
}

static void pack_texts(struct store_packer *packer, struct nuncio_str *const *texts)
{
	for (; *texts; texts++)
		**texts = store_pack(packer, **texts);
}

static int ask(struct store *store, const struct question *q)
{
	size_t bytes = q->head_bytes;
	int rc = store_check(store);
	if (rc == 0)
		rc = check_texts(q->needed, false, &bytes);
	if (rc == 0)
		rc = check_texts(q->optional, true, &bytes);
	if (rc < 0)
		return rc;
	struct nuncio_job *job = store_job(store, q->kind, bytes, q->done, q->user);
	struct store_packer packer = { (char *)job->block + q->head_bytes };
	pack_texts(&packer, q->needed);
	pack_texts(&packer, q->optional);
	memcpy(job->block, q->head, q->head_bytes);
	return store_post(store, job, q->shard);
}

static uint32_t limit_of(uint32_t limit)
{
	return limit < 1 ? 1 : limit > STORE_ROWS_MAX ? STORE_ROWS_MAX : limit;
}

int store_mark(struct store *store, struct nuncio_str conversation, struct nuncio_str user_id,
	uint64_t delivered, uint64_t read, nuncio_members_fn *done, void *user)
{
	int64_t now_ms;
	struct nuncio_job_mark head = { .size = sizeof(head),
		.conversation = conversation,
		.user = user_id,
		.delivered = delivered,
		.read = read,
		.id = store_make_id(store, &now_ms) };
	struct question q = QUESTION(
		NUNCIO_JOB_MARK, conversation, .needed = { &head.conversation, &head.user });
	return ask(store, &q);
}

int store_events(struct store *store, const struct nuncio_events_query *query,
	nuncio_events_fn *done, void *user)
{
	struct nuncio_events_query head;
	sized_take(&head, sizeof(head), query, query->size);
	head.size = sizeof(head);
	head.limit = limit_of(head.limit);
	struct question q =
		QUESTION(NUNCIO_JOB_EVENTS, head.conversation, .needed = { &head.conversation });
	return ask(store, &q);
}

int store_sync(struct store *store, const struct nuncio_sync_query *query, nuncio_sync_fn *done,
	void *user)
{
	struct nuncio_sync_query head;
	sized_take(&head, sizeof(head), query, query->size);
	head.size = sizeof(head);
	head.limit = limit_of(head.limit);
	struct question q = QUESTION(
		NUNCIO_JOB_SYNC, head.user, .needed = { &head.user }, .optional = { &head.cursor });
	return ask(store, &q);
}

int store_conversations(struct store *store, struct nuncio_str who, struct nuncio_str after,
	uint32_t limit, nuncio_conversations_fn *done, void *user)
{
	struct nuncio_job_conversations head = {
		.size = sizeof(head), .limit = limit_of(limit), .user = who, .after = after
	};
	struct question q = QUESTION(NUNCIO_JOB_CONVERSATIONS, who, .needed = { &head.user },
		.optional = { &head.after });
	return ask(store, &q);
}

int store_members(struct store *store, struct nuncio_str conversation, uint32_t min_role,
	struct nuncio_str after, uint32_t limit, nuncio_members_fn *done, void *user)
{
	struct nuncio_job_members head = { .size = sizeof(head),
		.limit = limit_of(limit),
		.conversation = conversation,
		.after = after,
		.min_role = min_role };
	struct question q = QUESTION(NUNCIO_JOB_MEMBERS, conversation,
		.needed = { &head.conversation }, .optional = { &head.after });
	return ask(store, &q);
}

int store_member(struct store *store, struct nuncio_str conversation, struct nuncio_str who,
	nuncio_members_fn *done, void *user)
{
	struct nuncio_job_member head = {
		.size = sizeof(head), .conversation = conversation, .user = who
	};
	struct question q = QUESTION(
		NUNCIO_JOB_MEMBER, conversation, .needed = { &head.conversation, &head.user });
	return ask(store, &q);
}

int store_memberships(struct store *store, struct nuncio_str who, struct nuncio_str prefix,
	struct nuncio_str after, uint32_t limit, nuncio_members_fn *done, void *user)
{
	struct nuncio_job_memberships head = { .size = sizeof(head),
		.limit = limit_of(limit),
		.user = who,
		.prefix = prefix,
		.after = after };
	struct question q = QUESTION(NUNCIO_JOB_MEMBERSHIPS, who, .needed = { &head.user },
		.optional = { &head.prefix, &head.after });
	return ask(store, &q);
}

int store_membership_count(struct store *store, struct nuncio_str who, struct nuncio_str prefix,
	uint32_t limit, nuncio_count_fn *done, void *user)
{
	struct nuncio_job_memberships head = {
		.size = sizeof(head), .limit = limit_of(limit), .user = who, .prefix = prefix
	};
	struct question q = QUESTION(NUNCIO_JOB_MEMBERSHIP_COUNT, who, .needed = { &head.user },
		.optional = { &head.prefix, &head.after });
	return ask(store, &q);
}

int store_reached(struct store *store, struct nuncio_str conversation, uint64_t seq,
	nuncio_reached_fn *done, void *user)
{
	struct nuncio_job_reached head = {
		.size = sizeof(head), .conversation = conversation, .seq = seq
	};
	struct question q =
		QUESTION(NUNCIO_JOB_REACHED, conversation, .needed = { &head.conversation });
	return ask(store, &q);
}

int store_search(struct store *store, const struct nuncio_search_query *query,
	nuncio_found_fn *done, void *user)
{
	struct nuncio_search_query head;
	sized_take(&head, sizeof(head), query, query->size);
	head.size = sizeof(head);
	head.limit = limit_of(head.limit);
	if (search_cut(head.text, true, NULL, NULL) == 0)
		return NUNCIO_E_INVAL;
	struct question q =
		QUESTION(NUNCIO_JOB_SEARCH, head.user, .needed = { &head.user, &head.text },
			.optional = { &head.conversation, &head.from, &head.after });
	return ask(store, &q);
}

int store_get(struct store *store, struct nuncio_str space, struct nuncio_str owner,
	struct nuncio_str key, nuncio_records_fn *done, void *user)
{
	struct nuncio_record head = {
		.size = sizeof(head), .space = space, .owner = owner, .key = key
	};
	struct question q = QUESTION(NUNCIO_JOB_GET, owner, .needed = { &head.space },
		.optional = { &head.owner, &head.key });
	return ask(store, &q);
}

int store_list(struct store *store, const struct nuncio_records_query *query,
	nuncio_records_fn *done, void *user)
{
	struct nuncio_records_query head;
	sized_take(&head, sizeof(head), query, query->size);
	head.size = sizeof(head);
	head.limit = limit_of(head.limit);
	struct question q = QUESTION(NUNCIO_JOB_LIST, head.owner, .needed = { &head.space },
		.optional = { &head.owner, &head.owner_prefix, &head.key_prefix, &head.after_owner,
			&head.after_key });
	return ask(store, &q);
}
