/* SPDX-License-Identifier: MIT */
/*
 * Time spent in the callbacks of modules. They nearly all run on the logic thread, so one that
 * dawdles delays everybody: it is counted, and named in the log, but at most once a second for each
 * callback.
 *
 * It is measured around every call, also the shortest: two readings of the clock (about 20 ns each,
 * without entering the kernel) and a few additions. In a row of handlers one's end is the next
 * one's begin, so each costs one reading.
 */
#include "hook/callback.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"

enum { TELL_EVERY_NS = 1000000000, FIRST_EXPONENT = 7 };

const char *callback_kind_name(enum callback_kind kind)
{
	static const char *const names[] = { "", "hook", "op", "route", "middleware", "entry",
		"peer", "control", "timer", "watch", "call", "work", "work_done" };
	return names[kind];
}

void callback_init(struct callback *cb, enum callback_kind kind, const char *module,
	const char *what, const int64_t *slow_us)
{
	*cb = (struct callback){ .module = module, .what = what, .kind = kind, .slow_us = slow_us };
}

int64_t callback_begin(void)
{
	return clock_mono_ns();
}

/*
 * Bucket 0 holds up to 2^7 ns; then each doubling has two: up to one and a half times, and up to
 * twice its beginning. Bounds belong to the bucket below them.
 */
static unsigned bucket_of(int64_t took_ns)
{
	if (took_ns <= 1 << FIRST_EXPONENT)
		return 0;
	uint64_t below = (uint64_t)took_ns - 1;
	unsigned exponent = 63 - (unsigned)__builtin_clzll(below);
	unsigned half = (unsigned)(below >> (exponent - 1)) & 1;
	unsigned bucket = 1 + (exponent - FIRST_EXPONENT) * 2 + half;
	return bucket < CALLBACK_BUCKETS ? bucket : CALLBACK_BUCKETS - 1;
}

static int64_t bucket_end_ns(unsigned bucket)
{
	if (bucket == 0)
		return 1 << FIRST_EXPONENT;
	unsigned exponent = (bucket - 1) / 2 + FIRST_EXPONENT;
	int64_t begin = INT64_C(1) << exponent;
	return (bucket - 1) % 2 ? begin * 2 : begin + begin / 2;
}

static void tell_slow(struct callback *cb, int64_t now_ns, int64_t took_ns)
{
	cb->stats.slow_calls++;
	if (cb->told_at_ns && now_ns - cb->told_at_ns < TELL_EVERY_NS)
		return;
	cb->told_at_ns = now_ns;
	struct log_field fields[] = {
		LOG_F_TEXT("callback", ((struct nuncio_str){ cb->what, strlen(cb->what) })),
		LOG_F_INT("took_us", took_ns / 1000),
		LOG_F_INT("limit_us", *cb->slow_us),
		LOG_F_UINT("slow_calls", cb->stats.slow_calls),
	};
	log_fields(LOG_LEVEL_WARN, cb->module, NULL, "slow callback: it holds up everybody", fields,
		sizeof(fields) / sizeof(fields[0]));
}

void callback_took(struct callback *cb, int64_t took_ns)
{
	struct callback_stats *stats = &cb->stats;
	stats->calls++;
	stats->total_ns += took_ns;
	stats->buckets[bucket_of(took_ns)]++;
	if (took_ns > stats->longest_ns)
		stats->longest_ns = took_ns;
}

int64_t callback_end(struct callback *cb, int64_t begun_ns)
{
	int64_t now_ns = clock_mono_ns();
	if (!cb)
		return now_ns;
	callback_took(cb, now_ns - begun_ns);
	if (cb->slow_us && *cb->slow_us > 0 && now_ns - begun_ns > *cb->slow_us * 1000)
		tell_slow(cb, now_ns, now_ns - begun_ns);
	return now_ns;
}

void callback_count_error(struct callback *cb)
{
	if (cb)
		cb->stats.errors++;
}

void callback_count_timeout(struct callback *cb)
{
	if (cb)
		cb->stats.timeouts++;
}

void callback_stats_add(struct callback_stats *to, const struct callback_stats *from)
{
	to->calls += from->calls;
	to->slow_calls += from->slow_calls;
	to->errors += from->errors;
	to->timeouts += from->timeouts;
	to->total_ns += from->total_ns;
	if (from->longest_ns > to->longest_ns)
		to->longest_ns = from->longest_ns;
	for (unsigned i = 0; i < CALLBACK_BUCKETS; i++)
		to->buckets[i] += from->buckets[i];
}

int64_t callback_quantile_ns(const struct callback_stats *stats, double part)
{
	double wanted = part * (double)stats->calls;
	uint64_t seen = 0;
	for (unsigned i = 0; i < CALLBACK_BUCKETS; i++) {
		seen += stats->buckets[i];
		if (seen && (double)seen >= wanted) {
			int64_t end_ns = bucket_end_ns(i);
			return end_ns < stats->longest_ns ? end_ns : stats->longest_ns;
		}
	}
	return stats->longest_ns;
}

uint64_t callback_within(const struct callback_stats *stats, unsigned exponent)
{
	unsigned last = (exponent - FIRST_EXPONENT) * 2;
	uint64_t count = 0;
	for (unsigned i = 0; i <= last && i < CALLBACK_BUCKETS; i++)
		count += stats->buckets[i];
	return count;
}
