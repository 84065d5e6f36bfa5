/* SPDX-License-Identifier: MIT */
/*
 * Time spent in the callbacks of modules. They all run on the logic thread, so one that dawdles
 * delays everybody: it is counted, and named in the log, but at most once a second for each
 * callback.
 */
#include "hook/callback.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"

enum { TELL_EVERY_US = 1000000 };

void callback_init(
	struct callback *cb, const char *module, const char *what, const int64_t *slow_us)
{
	*cb = (struct callback){ .module = module, .what = what, .slow_us = slow_us };
}

int64_t callback_begin(void)
{
	return clock_mono_us();
}

static void tell_slow(struct callback *cb, int64_t now_us, int64_t took_us)
{
	cb->slow_calls++;
	if (cb->told_at_us && now_us - cb->told_at_us < TELL_EVERY_US)
		return;
	cb->told_at_us = now_us;
	struct log_field fields[] = {
		LOG_F_TEXT("callback", ((struct nuncio_str){ cb->what, strlen(cb->what) })),
		LOG_F_INT("took_us", took_us),
		LOG_F_INT("limit_us", *cb->slow_us),
		LOG_F_UINT("slow_calls", cb->slow_calls),
	};
	log_fields(LOG_LEVEL_WARN, cb->module, NULL, "slow callback: it holds up everybody", fields,
		sizeof(fields) / sizeof(fields[0]));
}

void callback_end(struct callback *cb, int64_t begun_us)
{
	if (!cb)
		return;
	int64_t now_us = clock_mono_us(), took_us = now_us - begun_us;
	cb->calls++;
	cb->total_us += took_us;
	if (took_us > cb->longest_us)
		cb->longest_us = took_us;
	if (cb->slow_us && *cb->slow_us > 0 && took_us > *cb->slow_us)
		tell_slow(cb, now_us, took_us);
}
