/* SPDX-License-Identifier: MIT */
/*
 * Packing the questions of a copy: what a store has (export), and what is to be written into
 * another as it is (import). Their answers are the job's rows as they are.
 */
#include "provide/store_private.h"

#include <string.h>

int store_export(
	struct store *store, const struct nuncio_job_export *what, store_moved_fn *done, void *user)
{
	struct nuncio_job_export head = *what;
	const struct nuncio_str *texts[] = { &what->conversation, &what->user, &what->space,
		&what->owner, &what->key };
	size_t bytes = sizeof(head);
	int rc = store_check(store);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		bytes += texts[i]->n;
	struct nuncio_job *job =
		store_job(store, NUNCIO_JOB_EXPORT, bytes, (void (*)(void))done, user);
	struct store_packer text = { (char *)job->block + sizeof(head) };
	head.size = sizeof(head);
	head.conversation = store_pack(&text, what->conversation);
	head.user = store_pack(&text, what->user);
	head.space = store_pack(&text, what->space);
	head.owner = store_pack(&text, what->owner);
	head.key = store_pack(&text, what->key);
	memcpy(job->block, &head, sizeof(head));
	return store_post(store, job, what->conversation);
}

/* ---- import */

static size_t event_bytes(const struct nuncio_event *e)
{
	return e->type.n + e->from.n + e->client_id.n + e->kind.n + e->body.n + e->extra.n +
	       e->state.n;
}

static size_t bytes_of(const struct nuncio_job_import *in)
{
	size_t bytes = sizeof(*in) + in->conversation.n;
	bytes += in->events_count * sizeof(*in->events);
	bytes += (in->members_count + in->mentions_count) * sizeof(*in->members);
	bytes += in->records_count * sizeof(*in->records);
	for (size_t i = 0; i < in->events_count; i++)
		bytes += event_bytes(&in->events[i]);
	for (size_t i = 0; i < in->members_count; i++)
		bytes += in->members[i].user.n + in->members[i].extra.n;
	for (size_t i = 0; i < in->mentions_count; i++)
		bytes += in->mentions[i].user.n;
	for (size_t i = 0; i < in->records_count; i++)
		bytes += in->records[i].space.n + in->records[i].owner.n + in->records[i].key.n +
			 in->records[i].value.n;
	return bytes;
}

static void pack_event(struct store_packer *text, struct nuncio_event *e, struct nuncio_str id)
{
	e->conversation = id;
	e->type = store_pack(text, e->type);
	e->from = store_pack(text, e->from);
	e->client_id = store_pack(text, e->client_id);
	e->kind = store_pack(text, e->kind);
	e->body = store_pack(text, e->body);
	e->extra = store_pack(text, e->extra);
	e->state = store_pack(text, e->state);
	e->now = NULL;
}

static void pack_member(struct store_packer *text, struct nuncio_member *m, struct nuncio_str id)
{
	m->conversation = id;
	m->user = store_pack(text, m->user);
	m->extra = store_pack(text, m->extra);
}

static void pack_record(struct store_packer *text, struct nuncio_record *r)
{
	r->space = store_pack(text, r->space);
	r->owner = store_pack(text, r->owner);
	r->key = store_pack(text, r->key);
	r->value = store_pack(text, r->value);
}

/* Arrays first, each as long as a multiple of its alignment, then all texts. */
static void pack(char *at, const struct nuncio_job_import *in)
{
	struct nuncio_job_import head = *in;
	struct nuncio_event *events = (void *)(at + sizeof(head));
	struct nuncio_member *members = (void *)(events + in->events_count);
	struct nuncio_member *mentions = members + in->members_count;
	struct nuncio_record *records = (void *)(mentions + in->mentions_count);
	struct store_packer text = { (char *)(records + in->records_count) };
	head.size = sizeof(head);
	head.conversation = store_pack(&text, in->conversation);
	for (size_t i = 0; i < in->events_count; i++) {
		events[i] = in->events[i];
		pack_event(&text, &events[i], head.conversation);
	}
	for (size_t i = 0; i < in->members_count; i++) {
		members[i] = in->members[i];
		pack_member(&text, &members[i], head.conversation);
	}
	for (size_t i = 0; i < in->mentions_count; i++) {
		mentions[i] = in->mentions[i];
		mentions[i].extra = (struct nuncio_str){ NULL, 0 };
		pack_member(&text, &mentions[i], head.conversation);
	}
	for (size_t i = 0; i < in->records_count; i++) {
		records[i] = in->records[i];
		pack_record(&text, &records[i]);
	}
	head.events = events;
	head.members = members;
	head.mentions = mentions;
	head.records = records;
	memcpy(at, &head, sizeof(head));
}

int store_import(
	struct store *store, const struct nuncio_job_import *in, store_moved_fn *done, void *user)
{
	int rc = store_check(store);
	if (rc < 0)
		return rc;
	struct nuncio_job *job =
		store_job(store, NUNCIO_JOB_IMPORT, bytes_of(in), (void (*)(void))done, user);
	pack((char *)job->block, in);
	return store_post(store, job, in->records_count ? in->records[0].owner : in->conversation);
}
