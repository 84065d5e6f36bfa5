/* SPDX-License-Identifier: MIT */
#ifndef MODULES_RATE_LIMIT_BUCKET_H
#define MODULES_RATE_LIMIT_BUCKET_H

#include <stdint.h>

/*
 * A token bucket in one number: the time at which it will be full again. A full bucket holds
 * `burst` tokens; one comes back every 1/rate seconds. 0 is a full bucket, so a slot that was never
 * set is one. Times are microseconds of one clock, and positive.
 */
struct bucket_rule {
	int64_t cost_us;  /* for one token to come back; 0: no limit */
	int64_t depth_us; /* for all of them */
	int64_t debt_us;  /* how far below empty spending elsewhere may bring it; 0 at first */
};

struct bucket_rule bucket_rule_of(int64_t rate, int64_t burst);

/* Takes one token: 0, or the microseconds after which there will be one (nothing is taken then). */
int64_t bucket_take(const struct bucket_rule *rule, int64_t now_us, int64_t *full_at_us);

/*
 * So many tokens were taken elsewhere, where it was not known what was taken here: it may come to
 * be below empty, by debt_us. Without that, each place would give the whole rate for ever.
 */
void bucket_spend(
	const struct bucket_rule *rule, int64_t now_us, uint32_t count, int64_t *full_at_us);

#endif
