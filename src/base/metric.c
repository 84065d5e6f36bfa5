/* SPDX-License-Identifier: MIT */
/*
 * Metrics and their Prometheus text form. Making a metric and writing the text take the set's lock;
 * counting is relaxed atomics on the metric itself, from any thread. A histogram's buckets, sum and
 * count are separate atomics, so a text written meanwhile may be off by the observations in flight;
 * its "+Inf" bucket and _count come from one sum over the buckets and always agree. Text order is
 * the order of making. The set owns all; a metric lives until its set is freed.
 */
#include "base/metric.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/list.h"

enum kind { KIND_COUNTER = 1, KIND_GAUGE, KIND_HISTOGRAM };

struct histogram {
	double divisor;
	size_t bound_count;
	int64_t bounds[METRIC_BUCKETS_MAX];
	_Atomic int64_t sum;
	_Atomic uint64_t buckets[METRIC_BUCKETS_MAX + 1]; /* the last one is above all bounds */
	metric_read_buckets_fn read;                      /* NULL: counted here */
	void *user;
};

struct metric {
	struct list node; /* in family.metrics */
	enum kind kind;
	char *labels; /* a="b",c="d"; "" for none */
	_Atomic int64_t value;
	double divisor; /* 0: none */
	metric_read_fn read;
	void *user;
	struct histogram *histogram;
};

struct family {
	struct list node; /* in metric_set.families */
	enum kind kind;
	char *name, *help;
	struct list metrics;
};

struct metric_set {
	pthread_mutex_t lock;
	struct list families;
};

struct metric_set *metric_set_new(void)
{
	struct metric_set *set = ALLOC_NEW(struct metric_set);
	pthread_mutex_init(&set->lock, NULL);
	list_init(&set->families);
	return set;
}

static void family_free(struct family *f)
{
	LIST_EACH_SAFE (&f->metrics, m, struct metric, node) {
		alloc_free(m->labels);
		alloc_free(m->histogram);
		alloc_free(m);
	}
	alloc_free(f->name);
	alloc_free(f->help);
	alloc_free(f);
}

void metric_set_free(struct metric_set **set)
{
	struct metric_set *dead = *set;
	*set = NULL;
	if (!dead)
		return;
	LIST_EACH_SAFE (&dead->families, f, struct family, node)
		family_free(f);
	pthread_mutex_destroy(&dead->lock);
	alloc_free(dead);
}

static bool is_name(const char *name, bool may_colon)
{
	if (!name || !*name || (*name >= '0' && *name <= '9'))
		return false;
	for (const char *c = name; *c; c++) {
		bool is_letter = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z');
		bool is_digit = *c >= '0' && *c <= '9';
		if (!is_letter && !is_digit && *c != '_' && !(may_colon && *c == ':'))
			return false;
	}
	return true;
}

static bool is_label_name(const char *name, enum kind kind)
{
	return is_name(name, false) && strncmp(name, "__", 2) != 0 &&
	       !(kind == KIND_HISTOGRAM && strcmp(name, "le") == 0);
}

static bool are_labels(const struct metric_label *labels, enum kind kind)
{
	for (const struct metric_label *l = labels; l && l->name; l++) {
		if (!l->value || !is_label_name(l->name, kind))
			return false;
		for (const struct metric_label *other = labels; other < l; other++)
			if (strcmp(other->name, l->name) == 0)
				return false;
	}
	return true;
}

static void add_escaped(struct buf *out, const char *text, bool is_label)
{
	for (const char *c = text; *c; c++) {
		if (*c == '\\')
			buf_add_text(out, "\\\\");
		else if (*c == '\n')
			buf_add_text(out, "\\n");
		else if (*c == '"' && is_label)
			buf_add_text(out, "\\\"");
		else
			buf_add_char(out, *c);
	}
}

static char *labels_text(const struct metric_label *labels)
{
	struct buf out = { 0 };
	for (const struct metric_label *l = labels; l && l->name; l++) {
		buf_printf(&out, "%s%s=\"", l == labels ? "" : ",", l->name);
		add_escaped(&out, l->value, true);
		buf_add_char(&out, '"');
	}
	return buf_take(&out);
}

static struct family *find_family(struct metric_set *set, const char *name)
{
	LIST_EACH (&set->families, f, struct family, node)
		if (strcmp(f->name, name) == 0)
			return f;
	return NULL;
}

static struct metric *find_metric(struct family *f, const char *labels)
{
	LIST_EACH (&f->metrics, m, struct metric, node)
		if (strcmp(m->labels, labels) == 0)
			return m;
	return NULL;
}

static struct family *family_new(
	struct metric_set *set, enum kind kind, const char *name, const char *help)
{
	struct buf escaped = { 0 };
	struct family *f = ALLOC_NEW(struct family);
	add_escaped(&escaped, help ? help : "", false);
	f->kind = kind;
	f->name = alloc_text((struct nuncio_str){ name, strlen(name) });
	f->help = buf_take(&escaped);
	list_init(&f->metrics);
	list_add(&set->families, &f->node);
	return f;
}

static struct metric *metric_new(struct family *f, char *labels)
{
	struct metric *m = ALLOC_NEW(struct metric);
	m->kind = f->kind;
	m->labels = labels;
	list_add(&f->metrics, &m->node);
	return m;
}

/* Finds or makes. `is_new_r` says which; NULL when the name is taken by another kind. */
static struct metric *take_metric(struct metric_set *set, enum kind kind, const char *name,
	const char *help, const struct metric_label *labels, bool *is_new_r)
{
	*is_new_r = false;
	if (!is_name(name, true) || !are_labels(labels, kind))
		return NULL;
	struct family *f = find_family(set, name);
	if (f && f->kind != kind)
		return NULL;
	if (!f)
		f = family_new(set, kind, name, help);
	char *text = labels_text(labels);
	struct metric *m = find_metric(f, text);
	if (m) {
		alloc_free(text);
		return m;
	}
	*is_new_r = true;
	return metric_new(f, text);
}

static struct metric *new_plain(struct metric_set *set, enum kind kind, const char *name,
	const char *help, const struct metric_label *labels)
{
	bool is_new;
	pthread_mutex_lock(&set->lock);
	struct metric *m = take_metric(set, kind, name, help, labels, &is_new);
	if (m && m->read)
		m = NULL;
	pthread_mutex_unlock(&set->lock);
	return m;
}

struct metric *metric_new_counter(struct metric_set *set, const char *name, const char *help,
	const struct metric_label *labels)
{
	return new_plain(set, KIND_COUNTER, name, help, labels);
}

struct metric *metric_new_gauge(struct metric_set *set, const char *name, const char *help,
	const struct metric_label *labels)
{
	return new_plain(set, KIND_GAUGE, name, help, labels);
}

static struct metric *new_read(struct metric_set *set, enum kind kind, const char *name,
	const char *help, const struct metric_label *labels, metric_read_fn fn, void *user)
{
	bool is_new;
	pthread_mutex_lock(&set->lock);
	struct metric *m = take_metric(set, kind, name, help, labels, &is_new);
	if (is_new) {
		m->read = fn;
		m->user = user;
	}
	pthread_mutex_unlock(&set->lock);
	return is_new ? m : NULL;
}

struct metric *metric_new_gauge_fn(struct metric_set *set, const char *name, const char *help,
	const struct metric_label *labels, metric_read_fn fn, void *user)
{
	return new_read(set, KIND_GAUGE, name, help, labels, fn, user);
}

struct metric *metric_new_counter_fn(struct metric_set *set, const char *name, const char *help,
	const struct metric_label *labels, metric_read_fn fn, void *user)
{
	return new_read(set, KIND_COUNTER, name, help, labels, fn, user);
}

static bool are_bounds(const int64_t *bounds, size_t count, double divisor)
{
	if (!count || count > METRIC_BUCKETS_MAX || !(divisor > 0))
		return false;
	for (size_t i = 1; i < count; i++)
		if (bounds[i] <= bounds[i - 1])
			return false;
	return true;
}

static struct metric *new_histogram(struct metric_set *set, const char *name, const char *help,
	const struct metric_label *labels, const int64_t *bounds, size_t bound_count,
	double divisor, metric_read_buckets_fn fn, void *user)
{
	bool is_new;
	if (!are_bounds(bounds, bound_count, divisor))
		return NULL;
	pthread_mutex_lock(&set->lock);
	struct metric *m = take_metric(set, KIND_HISTOGRAM, name, help, labels, &is_new);
	if (is_new) {
		m->histogram = ALLOC_NEW(struct histogram);
		m->histogram->divisor = divisor;
		m->histogram->bound_count = bound_count;
		m->histogram->read = fn;
		m->histogram->user = user;
		memcpy(m->histogram->bounds, bounds, bound_count * sizeof(*bounds));
	}
	pthread_mutex_unlock(&set->lock);
	return is_new ? m : NULL;
}

struct metric *metric_new_histogram(struct metric_set *set, const char *name, const char *help,
	const struct metric_label *labels, const int64_t *bounds, size_t bound_count,
	double divisor)
{
	return new_histogram(set, name, help, labels, bounds, bound_count, divisor, NULL, NULL);
}

struct metric *metric_new_histogram_fn(struct metric_set *set, const char *name, const char *help,
	const struct metric_label *labels, const int64_t *bounds, size_t bound_count,
	double divisor, metric_read_buckets_fn fn, void *user)
{
	return new_histogram(set, name, help, labels, bounds, bound_count, divisor, fn, user);
}

struct metric *metric_new_times(struct metric_set *set, const char *name, const char *help,
	const struct metric_label *labels)
{
	static const int64_t us = 1000, ms = 1000000,
			     bounds[] = { 100 * us, 250 * us, 500 * us, 1 * ms, 5 * ms / 2, 5 * ms,
				     10 * ms, 25 * ms, 50 * ms, 100 * ms, 250 * ms, 500 * ms,
				     1000 * ms, 2500 * ms, 10000 * ms };
	return metric_new_histogram(
		set, name, help, labels, bounds, sizeof(bounds) / sizeof(bounds[0]), 1e9);
}

void metric_divide(struct metric *m, double divisor)
{
	if (m)
		m->divisor = divisor;
}

static bool is_addable(const struct metric *m, int64_t by)
{
	return m && m->kind != KIND_HISTOGRAM && !(m->kind == KIND_COUNTER && by < 0);
}

void metric_add(struct metric *m, int64_t by)
{
	if (is_addable(m, by))
		atomic_fetch_add_explicit(&m->value, by, memory_order_relaxed);
}

/* One writer: a plain addition that others can read. */
#define ADD_ALONE(number, by) \
	atomic_store_explicit(&(number), \
		atomic_load_explicit(&(number), memory_order_relaxed) + (by), \
		memory_order_relaxed)

void metric_add_alone(struct metric *m, int64_t by)
{
	if (is_addable(m, by))
		ADD_ALONE(m->value, by);
}

void metric_set_value(struct metric *m, int64_t value)
{
	if (m && m->kind == KIND_GAUGE)
		atomic_store_explicit(&m->value, value, memory_order_relaxed);
}

/* NULL: counted elsewhere, or no histogram. */
static struct histogram *observed_by_us(const struct metric *m)
{
	return m && m->histogram && !m->histogram->read ? m->histogram : NULL;
}

static size_t bucket_of(const struct histogram *h, int64_t value)
{
	size_t i = 0;
	while (i < h->bound_count && value > h->bounds[i])
		i++;
	return i;
}

void metric_observe(struct metric *m, int64_t value)
{
	struct histogram *h = observed_by_us(m);
	if (!h)
		return;
	atomic_fetch_add_explicit(&h->buckets[bucket_of(h, value)], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&h->sum, value, memory_order_relaxed);
}

void metric_observe_alone(struct metric *m, int64_t value)
{
	struct histogram *h = observed_by_us(m);
	if (!h)
		return;
	ADD_ALONE(h->buckets[bucket_of(h, value)], 1);
	ADD_ALONE(h->sum, value);
}

/* All its buckets and the sum; returns the count. */
static uint64_t read_buckets(const struct histogram *h, uint64_t *buckets, int64_t *sum_r)
{
	uint64_t count = 0;
	if (h->read)
		h->read(h->user, buckets, sum_r);
	else
		*sum_r = atomic_load_explicit(&h->sum, memory_order_relaxed);
	for (size_t i = 0; i <= h->bound_count; i++) {
		if (!h->read)
			buckets[i] = atomic_load_explicit(&h->buckets[i], memory_order_relaxed);
		count += buckets[i];
	}
	return count;
}

static uint64_t observed(const struct histogram *h)
{
	uint64_t buckets[METRIC_BUCKETS_MAX + 1] = { 0 };
	int64_t sum;
	return read_buckets(h, buckets, &sum);
}

int64_t metric_value(const struct metric *m)
{
	if (!m)
		return 0;
	if (m->histogram)
		return (int64_t)observed(m->histogram);
	return m->read ? m->read(m->user) : atomic_load_explicit(&m->value, memory_order_relaxed);
}

static void write_plain(const struct family *f, const struct metric *m, struct buf *out)
{
	buf_add_text(out, f->name);
	if (*m->labels)
		buf_printf(out, "{%s}", m->labels);
	if (m->divisor > 0)
		buf_printf(out, " %.15g\n", (double)metric_value(m) / m->divisor);
	else
		buf_printf(out, " %lld\n", (long long)metric_value(m));
}

static void write_histogram(const struct family *f, const struct metric *m, struct buf *out)
{
	const struct histogram *h = m->histogram;
	const char *comma = *m->labels ? "," : "";
	uint64_t buckets[METRIC_BUCKETS_MAX + 1] = { 0 }, count = 0;
	int64_t sum;
	if (!read_buckets(h, buckets, &sum) && *m->labels)
		return;
	for (size_t i = 0; i <= h->bound_count; i++) {
		count += buckets[i];
		buf_printf(out, "%s_bucket{%s%sle=\"", f->name, m->labels, comma);
		if (i < h->bound_count)
			buf_printf(out, "%.10g", (double)h->bounds[i] / h->divisor);
		else
			buf_add_text(out, "+Inf");
		buf_printf(out, "\"} %llu\n", (unsigned long long)count);
	}
	const char *open = *m->labels ? "{" : "", *close = *m->labels ? "}" : "";
	buf_printf(out, "%s_sum%s%s%s %.15g\n", f->name, open, m->labels, close,
		(double)sum / h->divisor);
	buf_printf(out, "%s_count%s%s%s %llu\n", f->name, open, m->labels, close,
		(unsigned long long)count);
}

void metric_write_text(struct metric_set *set, struct buf *out)
{
	static const char *const types[] = { "", "counter", "gauge", "histogram" };
	pthread_mutex_lock(&set->lock);
	LIST_EACH (&set->families, f, struct family, node) {
		if (*f->help)
			buf_printf(out, "# HELP %s %s\n", f->name, f->help);
		buf_printf(out, "# TYPE %s %s\n", f->name, types[f->kind]);
		LIST_EACH (&f->metrics, m, struct metric, node) {
			if (m->histogram)
				write_histogram(f, m, out);
			else
				write_plain(f, m, out);
		}
	}
	pthread_mutex_unlock(&set->lock);
}
