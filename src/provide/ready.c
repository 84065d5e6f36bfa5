/* SPDX-License-Identifier: MIT */
/*
 * The readiness of modules, for /readyz. A database's own thread notices first that it has gone, so
 * entries are written from any thread, under one lock that is held for a copy of a few bytes. The
 * lists themselves change only while modules are loaded, on one thread.
 */
#include "provide/ready.h"

#include <pthread.h>
#include <string.h>

#include "base/alloc.h"
#include "base/list.h"

struct word {
	bool is_bad;
	char why[READY_WHY_BYTES];
};

struct ready {
	struct list node;
	struct ready_set *set;
	const char *name;
	bool has_job;
	/* under the set's lock: */
	bool has_spoken;
	struct word said, seen; /* by the module itself; by the core */
};

struct job {
	struct list node;
	const char *job;
	struct ready *who;
};

struct ready_set {
	pthread_mutex_t lock;
	struct list entries, jobs;
};

struct ready_set *ready_set_new(void)
{
	struct ready_set *set = ALLOC_NEW(struct ready_set);
	pthread_mutex_init(&set->lock, NULL);
	list_init(&set->entries);
	list_init(&set->jobs);
	return set;
}

void ready_set_free(struct ready_set **set)
{
	if (!*set)
		return;
	LIST_EACH_SAFE (&(*set)->entries, entry, struct ready, node)
		alloc_free(entry);
	LIST_EACH_SAFE (&(*set)->jobs, job, struct job, node)
		alloc_free(job);
	pthread_mutex_destroy(&(*set)->lock);
	alloc_free(*set);
	*set = NULL;
}

struct ready *ready_add(struct ready_set *set, const char *name)
{
	struct ready *entry = ALLOC_NEW(struct ready);
	entry->set = set;
	entry->name = name;
	list_add(&set->entries, &entry->node);
	return entry;
}

void ready_add_job(struct ready_set *set, const char *job, struct ready *who)
{
	struct job *entry = ALLOC_NEW(struct job);
	entry->job = job;
	entry->who = who;
	who->has_job = true;
	list_add(&set->jobs, &entry->node);
}

/* True if it was another word before. */
static bool word_put(struct word *word, bool is_ready, const char *why)
{
	size_t n = !is_ready && why ? strnlen(why, READY_WHY_BYTES - 1) : 0;
	bool is_change = word->is_bad == is_ready;
	word->is_bad = !is_ready;
	if (n)
		memcpy(word->why, why, n);
	word->why[n] = '\0';
	return is_change;
}

bool ready_put(struct ready *entry, bool is_ready, const char *why)
{
	pthread_mutex_lock(&entry->set->lock);
	bool is_change = word_put(&entry->said, is_ready, why);
	entry->has_spoken = true;
	pthread_mutex_unlock(&entry->set->lock);
	return is_change;
}

bool ready_see(struct ready *entry, bool is_ready, const char *why)
{
	pthread_mutex_lock(&entry->set->lock);
	bool is_change = word_put(&entry->seen, is_ready, why);
	pthread_mutex_unlock(&entry->set->lock);
	return is_change;
}

bool ready_is(struct ready *entry)
{
	pthread_mutex_lock(&entry->set->lock);
	bool is_ready = !entry->said.is_bad && !entry->seen.is_bad;
	pthread_mutex_unlock(&entry->set->lock);
	return is_ready;
}

static void report(struct ready *entry, const char *job, ready_each_fn *fn, void *user)
{
	struct ready_report r = { .job = job, .name = entry->name };
	pthread_mutex_lock(&entry->set->lock);
	r.is_ready = !entry->said.is_bad && !entry->seen.is_bad;
	r.has_spoken = entry->has_spoken || entry->seen.is_bad;
	memcpy(r.why, entry->said.is_bad ? entry->said.why : entry->seen.why, sizeof r.why);
	pthread_mutex_unlock(&entry->set->lock);
	fn(&r, user);
}

void ready_each(struct ready_set *set, ready_each_fn *fn, void *user)
{
	LIST_EACH (&set->jobs, job, struct job, node)
		report(job->who, job->job, fn, user);
	LIST_EACH (&set->entries, entry, struct ready, node)
		if (!entry->has_job)
			report(entry, NULL, fn, user);
}
