/* SPDX-License-Identifier: MIT */
/*
 * <nuncio/metric.h>: numbers under the module's prefix. The public handles are the metrics of
 * base/metric.h under other names. Histograms there count whole numbers, so values are scaled by a
 * million.
 */
#include <nuncio/metric.h>

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/metric.h"
#include "base/slice.h"
#include "module/module.h"

enum { LABELS_MAX = 8, NAME_BYTES = 128, LABEL_BYTES = 512, SCALE = 1000000 };

/* Label text taken apart: pointers into its own copy. */
struct labels {
	char text[LABEL_BYTES];
	struct metric_label list[LABELS_MAX + 1];
};

/* state="open",kind="x": the only escape in a value is none. */
static bool read_labels(const char *text, struct labels *labels)
{
	size_t count = 0;
	memset(labels->list, 0, sizeof(labels->list));
	if (!text || !text[0])
		return true;
	if (strlen(text) >= sizeof(labels->text))
		return false;
	memcpy(labels->text, text, strlen(text) + 1);
	for (char *at = labels->text; count < LABELS_MAX;) {
		char *equals = strstr(at, "=\""), *end = equals ? strchr(equals + 2, '"') : NULL;
		if (!end)
			return false;
		*equals = *end = '\0';
		labels->list[count++] = (struct metric_label){ .name = at, .value = equals + 2 };
		if (!end[1])
			return true;
		if (end[1] != ',')
			return false;
		at = end + 2;
	}
	return false;
}

static bool is_name(const char *name)
{
	return name[0] >= 'a' && name[0] <= 'z' &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == strlen(name);
}

/* false, and the module told, if there cannot be such a metric */
static bool prepare(struct nuncio_module *self, const char *name, const char *labels_text,
	struct labels *labels, char full[NAME_BYTES])
{
	if (module_check_init(self, "registering a metric") < 0)
		return false;
	int n = snprintf(full, NAME_BYTES, "nuncio_%s_%s", nuncio_module_name(self), name);
	if (is_name(name) && n < NAME_BYTES && read_labels(labels_text, labels))
		return true;
	module_refuse(self, NUNCIO_E_INVAL, "metric %s: its name or labels are not valid", name);
	return false;
}

static void *made(struct nuncio_module *self, const char *name, struct metric *metric)
{
	if (!metric)
		module_refuse(self, NUNCIO_E_EXISTS, "metric %s: not valid, or taken", name);
	return metric;
}

struct nuncio_counter *nuncio_counter_new(
	struct nuncio_module *self, const char *name, const char *labels_text, const char *help)
{
	struct labels labels;
	char full[NAME_BYTES];
	if (!prepare(self, name, labels_text, &labels, full))
		return NULL;
	if (!str_ends(str_of(name), STR("_total"))) {
		module_refuse(self, NUNCIO_E_INVAL, "counter %s: must end in _total", name);
		return NULL;
	}
	return made(self, name,
		metric_new_counter(module_env_of(self)->metrics, full, help, labels.list));
}

struct nuncio_gauge *nuncio_gauge_new(
	struct nuncio_module *self, const char *name, const char *labels_text, const char *help)
{
	struct labels labels;
	char full[NAME_BYTES];
	if (!prepare(self, name, labels_text, &labels, full))
		return NULL;
	return made(self, name,
		metric_new_gauge(module_env_of(self)->metrics, full, help, labels.list));
}

struct nuncio_histogram *nuncio_histogram_new(struct nuncio_module *self, const char *name,
	const char *labels_text, const char *help, const double *bounds, size_t n)
{
	struct labels labels;
	char full[NAME_BYTES];
	int64_t scaled[METRIC_BUCKETS_MAX];
	if (!prepare(self, name, labels_text, &labels, full))
		return NULL;
	if (n > METRIC_BUCKETS_MAX) {
		module_refuse(self, NUNCIO_E_TOOBIG, "histogram %s: more than %d bounds", name,
			METRIC_BUCKETS_MAX);
		return NULL;
	}
	for (size_t i = 0; i < n; i++)
		scaled[i] = (int64_t)(bounds[i] * SCALE);
	return made(self, name,
		metric_new_histogram(
			module_env_of(self)->metrics, full, help, labels.list, scaled, n, SCALE));
}

void nuncio_counter_add(struct nuncio_counter *counter, int64_t by)
{
	metric_add((struct metric *)counter, by);
}

void nuncio_gauge_set(struct nuncio_gauge *gauge, int64_t value)
{
	metric_set_value((struct metric *)gauge, value);
}

void nuncio_gauge_add(struct nuncio_gauge *gauge, int64_t by)
{
	metric_add((struct metric *)gauge, by);
}

void nuncio_histogram_observe(struct nuncio_histogram *histogram, double value)
{
	metric_observe((struct metric *)histogram, (int64_t)(value * SCALE));
}
