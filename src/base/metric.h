/* SPDX-License-Identifier: MIT */
#ifndef BASE_METRIC_H
#define BASE_METRIC_H

#include <stddef.h>
#include <stdint.h>

#include <nuncio/base.h>

struct buf;

/*
 * Counters, gauges and histograms, and their Prometheus text form (0.0.4). Making one takes a lock;
 * adding, setting and observing are relaxed atomics. Thread: any. A metric lives as long as its
 * set.
 */
struct metric_set;
struct metric;

struct metric_label {
	const char *name, *value;
};

struct metric_set *metric_set_new(void);
void metric_set_free(struct metric_set **set);

/*
 * `labels` is NULL or ends with an element whose name is NULL. NULL comes back for a name or label
 * that Prometheus would refuse, for a family that exists with another type, and for a callback
 * gauge or histogram that exists already; the same counter or gauge asked for again is returned.
 */
struct metric *metric_new_counter(struct metric_set *set, const char *name, const char *help,
	const struct metric_label *labels);
struct metric *metric_new_gauge(struct metric_set *set, const char *name, const char *help,
	const struct metric_label *labels);

/* Called by metric_write_text, on its thread, under the set's lock: it must not make metrics. */
typedef int64_t (*metric_read_fn)(void *user);
struct metric *metric_new_gauge_fn(struct metric_set *set, const char *name, const char *help,
	const struct metric_label *labels, metric_read_fn fn, void *user);

struct metric *metric_new_counter_fn(struct metric_set *set, const char *name, const char *help,
	const struct metric_label *labels, metric_read_fn fn, void *user);

/* What a counter's or gauge's value is divided by when it is written: 1e9 for ns as seconds. Set it
 * before anybody writes the text. m may be NULL. */
void metric_divide(struct metric *m, double divisor);

/*
 * Bounds rise strictly (at most METRIC_BUCKETS_MAX). Values are whole numbers in the bounds' unit
 * and divided by `divisor` when written: bounds in microseconds, divisor 1e6, name ..._seconds.
 */
enum { METRIC_BUCKETS_MAX = 32 };
struct metric *metric_new_histogram(struct metric_set *set, const char *name, const char *help,
	const struct metric_label *labels, const int64_t *bounds, size_t bound_count,
	double divisor);

/* Times of callers in ns as ..._seconds, 100 us to 10 s: one set of bounds, so that all compare. */
struct metric *metric_new_times(struct metric_set *set, const char *name, const char *help,
	const struct metric_label *labels);

/* The same for what is counted elsewhere: fn fills bound_count + 1 buckets and the sum. */
typedef void (*metric_read_buckets_fn)(void *user, uint64_t *buckets, int64_t *sum_r);
struct metric *metric_new_histogram_fn(struct metric_set *set, const char *name, const char *help,
	const struct metric_label *labels, const int64_t *bounds, size_t bound_count,
	double divisor, metric_read_buckets_fn fn, void *user);

/* m may be NULL in all of these. */
void metric_add(struct metric *m, int64_t by);
void metric_set_value(struct metric *m, int64_t value); /* gauges */
void metric_observe(struct metric *m, int64_t value);   /* histograms */
/* The same where one thread alone adds or observes: no locked instruction. */
void metric_add_alone(struct metric *m, int64_t by);
void metric_observe_alone(struct metric *m, int64_t value);
int64_t metric_value(const struct metric *m); /* counter, gauge; a histogram's count */

/* A histogram with labels is left out until something was observed: most never have anything. */
void metric_write_text(struct metric_set *set, struct buf *out);

#endif
