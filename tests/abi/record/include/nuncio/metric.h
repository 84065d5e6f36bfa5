/* SPDX-License-Identifier: MIT */
#ifndef NUNCIO_METRIC_H
#define NUNCIO_METRIC_H

/*
 * Numbers for operators, in Prometheus' text format at /metrics, named nuncio_<module>_<name>.
 * Register in init. They live as long as the module.
 */

#include <nuncio/module.h>

NUNCIO_BEGIN_DECLS

struct nuncio_counter;
struct nuncio_gauge;
struct nuncio_histogram;

/*
 * Registers a number; `name` matches [a-z][a-z0-9_]* (counters end in _total, units are in the
 * name), help is one sentence. `labels` is NULL or literal Prometheus label text like
 * `state="open"`. A counter or gauge that the module has under this name and these labels is given
 * again. NULL: the name is taken by another kind of metric, or not valid. `bounds` of a histogram
 * are `n` rising upper bounds, copied.
 * Thread: logic, in init.
 */
struct nuncio_counter *nuncio_counter_new(
	struct nuncio_module *self, const char *name, const char *labels, const char *help);
struct nuncio_gauge *nuncio_gauge_new(
	struct nuncio_module *self, const char *name, const char *labels, const char *help);
struct nuncio_histogram *nuncio_histogram_new(struct nuncio_module *self, const char *name,
	const char *labels, const char *help, const double *bounds, size_t n);

/*
 * Changes a number; atomic, a few nanoseconds. Counters only grow (`by` >= 0).
 * Thread: any.
 */
void nuncio_counter_add(struct nuncio_counter *counter, int64_t by);
void nuncio_gauge_set(struct nuncio_gauge *gauge, int64_t value);
void nuncio_gauge_add(struct nuncio_gauge *gauge, int64_t by);
void nuncio_histogram_observe(struct nuncio_histogram *histogram, double value);

NUNCIO_END_DECLS

#endif
