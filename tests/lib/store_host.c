/* SPDX-License-Identifier: MIT */
/*
 * The nuncio_* functions that a store may call, in their simplest form. Nothing is queued:
 * store_host_run calls the store's run on the calling thread and checks that every job was finished
 * exactly once.
 */
#include "store_host.h"

#include "base/search_cut.h"
#include "wire/json.h"
#include "wire/json_texts.h"

#include <nuncio/conf.h>
#include <nuncio/json.h>
#include <nuncio/log.h>
#include <nuncio/metric.h>
#include <nuncio/ready.h>
#include <nuncio/search.h>
#include <nuncio/timer.h>

#include <dlfcn.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { OPTIONS_MAX = 16, VALUE_MAX = 4096, BATCH_MAX = 1024 };

struct nuncio_module {
	const struct nuncio_module_info *info;
	const char *data_dir;
	void *data;
	const struct nuncio_store_ops *ops;
	nuncio_id highest;
	char values[OPTIONS_MAX][VALUE_MAX];
};

struct store_host {
	struct nuncio_module module;
	void *store;
	uint32_t writers, readers;
};

struct store_host_text {
	struct store_host_text *next;
	_Alignas(16) char p[];
};

static _Atomic(int64_t) wall_ms;
static atomic_int ready;
static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;
static char log_last[1024];
static unsigned log_count;

_Noreturn static void fail(const char *why)
{
	fprintf(stderr, "store_host: %s\n", why);
	abort();
}

/* --- module.h, conf.h, log.h, metric.h, ready.h, timer.h, json.h, search.h --- */

void *nuncio_module_data(const struct nuncio_module *self)
{
	return self->data;
}

void nuncio_module_set_data(struct nuncio_module *self, void *data)
{
	self->data = data;
}

const char *nuncio_module_name(const struct nuncio_module *self)
{
	return self->info->name;
}

static size_t option_index(const struct nuncio_module *self, const char *key)
{
	for (size_t i = 0; self->info->options && self->info->options[i].key; i++)
		if (strcmp(self->info->options[i].key, key) == 0)
			return i;
	fail("an option that is not in the table was asked for");
}

const char *nuncio_conf_text(const struct nuncio_module *self, const char *key)
{
	return self->values[option_index(self, key)];
}

/* Sizes and times as far as the tables of stores use them: K, M; ms, s; on, off. */
int64_t nuncio_conf_int(const struct nuncio_module *self, const char *key)
{
	const char *text = nuncio_conf_text(self, key);
	bool is_time =
		self->info->options[option_index(self, key)].type == (uint32_t)NUNCIO_OPT_MSEC;
	char *end;
	if (self->info->options[option_index(self, key)].type == NUNCIO_OPT_BOOL)
		return strcmp(text, "on") == 0;
	long long value = strtoll(text, &end, 10);
	if (is_time)
		return *end == 's' ? value * 1000 : value;
	return *end == 'K' ? value << 10 : *end == 'M' ? value << 20 : value;
}

void nuncio_log(const struct nuncio_module *self, enum nuncio_level level, const char *format, ...)
{
	va_list ap;
	(void)self;
	if (level < NUNCIO_WARN)
		return;
	pthread_mutex_lock(&log_lock);
	va_start(ap, format);
	vsnprintf(log_last, sizeof(log_last), format, ap);
	va_end(ap);
	log_count++;
	pthread_mutex_unlock(&log_lock);
}

void nuncio_ready_set(struct nuncio_module *self, int is_ready, const char *why)
{
	(void)self, (void)why;
	atomic_store(&ready, is_ready);
}

bool store_host_is_ready(void)
{
	return atomic_load(&ready);
}

unsigned store_host_complaints(char *last, size_t size)
{
	pthread_mutex_lock(&log_lock);
	if (size)
		snprintf(last, size, "%s", log_last);
	unsigned count = log_count;
	pthread_mutex_unlock(&log_lock);
	return count;
}

/* Metrics need an address only. */
static char metric;

struct nuncio_counter *nuncio_counter_new(
	struct nuncio_module *self, const char *name, const char *labels, const char *help)
{
	(void)self, (void)name, (void)labels, (void)help;
	return (struct nuncio_counter *)&metric;
}

struct nuncio_gauge *nuncio_gauge_new(
	struct nuncio_module *self, const char *name, const char *labels, const char *help)
{
	(void)self, (void)name, (void)labels, (void)help;
	return (struct nuncio_gauge *)&metric;
}

void nuncio_counter_add(struct nuncio_counter *counter, int64_t by)
{
	(void)counter, (void)by;
}

void nuncio_gauge_set(struct nuncio_gauge *gauge, int64_t value)
{
	(void)gauge, (void)value;
}

static int64_t clock_ms(clockid_t which)
{
	struct timespec t;
	clock_gettime(which, &t);
	return t.tv_sec * INT64_C(1000) + t.tv_nsec / 1000000;
}

int64_t nuncio_wall_ms(void)
{
	int64_t ms = atomic_load(&wall_ms);
	return ms ? ms : clock_ms(CLOCK_REALTIME);
}

int64_t nuncio_mono_ms(void)
{
	return clock_ms(CLOCK_MONOTONIC);
}

void store_host_set_wall_ms(int64_t ms)
{
	atomic_store(&wall_ms, ms);
}

int nuncio_json_equal(struct nuncio_str a, struct nuncio_str b)
{
	return json_is_equal(a, b);
}

size_t nuncio_search_cut(struct nuncio_str text, int for_query, nuncio_token_fn *fn, void *user)
{
	return search_cut(text, for_query != 0, fn, user);
}

int nuncio_search_text(struct nuncio_str body, char *out, size_t size)
{
	return size ? (int)json_texts(body, out, size) : 0;
}

size_t nuncio_search_marks(
	struct nuncio_str text, struct nuncio_str query, size_t (*marks_r)[2], size_t max)
{
	return search_marks(text, query, marks_r, max);
}

/* --- store_provider.h --- */

int nuncio_provide_store(struct nuncio_module *self, const struct nuncio_store_ops *ops)
{
	self->ops = ops;
	return 0;
}

void nuncio_store_opened(struct nuncio_module *self, nuncio_id highest)
{
	self->highest = highest;
}

int nuncio_store_is_target(const struct nuncio_module *self)
{
	(void)self;
	return 0;
}

uint32_t nuncio_job_kind(const struct nuncio_job *job)
{
	return job->kind;
}

const void *nuncio_job_input(const struct nuncio_job *job)
{
	return job->input;
}

/* Memory that goes with the job, NUL-ended. */
static void *keep(struct nuncio_job *job, const void *from, size_t n)
{
	struct store_host_text *copy = malloc(sizeof(*copy) + n + 1);
	if (!copy)
		fail("out of memory");
	if (n)
		memcpy(copy->p, from, n);
	copy->p[n] = '\0';
	copy->next = job->texts;
	job->texts = copy;
	return copy->p;
}

static void keep_text(struct nuncio_job *job, struct nuncio_str *text)
{
	text->p = keep(job, text->p, text->n);
}

static void keep_event(struct nuncio_job *job, struct nuncio_event *e)
{
	struct nuncio_str *texts[] = { &e->conversation, &e->type, &e->from, &e->client_id,
		&e->kind, &e->body, &e->extra, &e->state };
	if (e->size != sizeof(*e))
		fail("an event without its size");
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		keep_text(job, texts[i]);
	if (!e->now)
		return;
	struct nuncio_event *now = keep(job, e->now, sizeof(*now));
	if (now->now)
		fail("the target of an event comes with a target of its own");
	keep_event(job, now);
	e->now = now;
}

static void *grow(void *rows, size_t count, size_t size)
{
	/* Doubling at powers of two keeps no capacity. */
	if (count & (count - 1))
		return rows;
	rows = realloc(rows, (count ? count * 2 : 1) * size);
	if (!rows)
		fail("out of memory");
	return rows;
}

void nuncio_job_set_appended(
	struct nuncio_job *job, uint64_t seq, nuncio_id id, int64_t sent_at_ms, int duplicate)
{
	job->seq = seq;
	job->id = id;
	job->sent_at_ms = sent_at_ms;
	job->duplicate = duplicate;
}

void nuncio_job_add_event(struct nuncio_job *job, const struct nuncio_event *event)
{
	job->events = grow(job->events, job->event_count, sizeof(*job->events));
	job->events[job->event_count] = *event;
	keep_event(job, &job->events[job->event_count++]);
}

void nuncio_job_add_conversation(struct nuncio_job *job, const struct nuncio_conversation_row *row)
{
	job->conversations =
		grow(job->conversations, job->conversation_count, sizeof(*job->conversations));
	struct nuncio_conversation_row *copy = &job->conversations[job->conversation_count++];
	*copy = *row;
	keep_text(job, &copy->conversation);
	keep_text(job, &copy->peer);
	if (copy->last.seq)
		keep_event(job, &copy->last);
}

void nuncio_job_add_member(struct nuncio_job *job, const struct nuncio_member *member)
{
	job->members = grow(job->members, job->member_count, sizeof(*job->members));
	job->members[job->member_count] = *member;
	struct nuncio_member *copy = &job->members[job->member_count++];
	if (copy->size != sizeof(*copy))
		fail("a member without its size");
	keep_text(job, &copy->user);
	keep_text(job, &copy->conversation);
	keep_text(job, &copy->extra);
}

void nuncio_job_add_record(struct nuncio_job *job, const struct nuncio_record *record)
{
	job->records = grow(job->records, job->record_count, sizeof(*job->records));
	struct nuncio_record *copy = &job->records[job->record_count++];
	*copy = *record;
	keep_text(job, &copy->space);
	keep_text(job, &copy->owner);
	keep_text(job, &copy->key);
	if (copy->value.p)
		keep_text(job, &copy->value);
}

void nuncio_job_set_cursor(struct nuncio_job *job, struct nuncio_str cursor)
{
	keep_text(job, &cursor);
	job->cursor = cursor;
}

void nuncio_job_set_reached(struct nuncio_job *job, uint64_t delivered, uint64_t read)
{
	job->delivered = delivered;
	job->read = read;
}

void nuncio_job_set_membership_count(struct nuncio_job *job, uint64_t count)
{
	job->membership_count = count;
}

void nuncio_job_set_more(struct nuncio_job *job, int more)
{
	job->more = more;
}

void nuncio_job_set_counts(struct nuncio_job *job, const struct nuncio_store_counts *counts)
{
	job->counts = *counts;
}

void nuncio_job_set_gap(struct nuncio_job *job, int gap)
{
	job->gap = gap;
}

void nuncio_job_done(struct nuncio_job **job, int status)
{
	(*job)->status = status;
	(*job)->done++;
	*job = NULL;
}

void store_host_job_fini(struct nuncio_job *job)
{
	while (job->texts) {
		struct store_host_text *next = job->texts->next;
		free(job->texts);
		job->texts = next;
	}
	free(job->events);
	free(job->conversations);
	free(job->members);
	free(job->records);
	memset(job, 0, sizeof(*job));
}

/* --- the host --- */

static void set_options(struct nuncio_module *m, const char *const *options)
{
	for (size_t i = 0; m->info->options && m->info->options[i].key; i++) {
		const struct nuncio_option *o = &m->info->options[i];
		const char *value = o->fallback ? o->fallback : "";
		size_t length = strlen(o->key);
		for (size_t k = 0; options && options[k]; k++)
			if (strncmp(options[k], o->key, length) == 0 && options[k][length] == '=')
				value = options[k] + length + 1;
		bool is_relative = o->type == NUNCIO_OPT_PATH && value[0] && value[0] != '/';
		snprintf(m->values[i], VALUE_MAX, "%s%s%s", is_relative ? m->data_dir : "",
			is_relative ? "/" : "", value);
	}
}

/* The module stays loaded until the process ends, so that sanitizers keep its symbols. */
static const struct nuncio_module_info *load(const char *so)
{
	void *handle = dlopen(so, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
	if (!handle)
		fail(dlerror());
	const struct nuncio_module_info *info = dlsym(handle, "nuncio_module_info");
	if (!info || info->abi_major != NUNCIO_ABI_MAJOR)
		fail("not a module of this ABI");
	return info;
}

struct store_host *store_host_open(
	const char *so, const char *data_dir, const char *const *options, struct nuncio_error *err)
{
	struct store_host *host = calloc(1, sizeof(*host));
	if (!host)
		fail("out of memory");
	host->module.info = load(so);
	host->module.data_dir = data_dir;
	set_options(&host->module, options);
	int status = host->module.info->init(&host->module, err);
	if (status == 0 && !host->module.ops) {
		nuncio_error_set(err, "%s registered no store", so);
		status = NUNCIO_E_FAIL;
	}
	if (status == 0)
		status = host->module.ops->open(&host->module, &host->store, err);
	if (status < 0) {
		store_host_close(&host);
		return NULL;
	}
	host->module.ops->lanes(host->store, &host->writers, &host->readers);
	if (host->writers < 1 || host->writers > 64 || host->readers > 64)
		fail("wrong number of lanes");
	return host;
}

void store_host_close(struct store_host **host)
{
	struct store_host *h = *host;
	if (!h)
		return;
	if (h->store)
		h->module.ops->close(&h->store);
	if (h->store)
		fail("close left its pointer");
	if (h->module.info->fini)
		h->module.info->fini(&h->module);
	free(h);
	*host = NULL;
}

uint32_t store_host_readers(const struct store_host *host)
{
	return host->readers;
}

nuncio_id store_host_highest(const struct store_host *host)
{
	return host->module.highest;
}

void store_host_idle(struct store_host *host)
{
	for (uint32_t lane = 0; host->module.ops->idle && lane < host->writers + host->readers;
		lane++)
		host->module.ops->idle(host->store, lane);
}

void store_host_run_lane(struct store_host *host, uint32_t lane, struct nuncio_job *jobs, size_t n)
{
	struct nuncio_job *list[BATCH_MAX];
	if (n < 1 || n > BATCH_MAX)
		fail("wrong size of a batch");
	for (size_t i = 0; i < n; i++)
		list[i] = &jobs[i];
	host->module.ops->run(host->store, lane, list, n);
	for (size_t i = 0; i < n; i++)
		if (jobs[i].done != 1 || list[i])
			fail("a job was not finished exactly once");
}

void store_host_run(struct store_host *host, struct nuncio_job *jobs, size_t n)
{
	bool reads = jobs[0].kind > 100 && host->readers;
	store_host_run_lane(host, reads ? host->writers : 0, jobs, n);
}
