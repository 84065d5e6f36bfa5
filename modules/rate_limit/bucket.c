/* SPDX-License-Identifier: MIT */
/* Arithmetic only: see bucket.h. */
#include "bucket.h"

struct bucket_rule bucket_rule_of(int64_t rate, int64_t burst)
{
	struct bucket_rule rule = { 0, 0, 0 };
	if (rate <= 0)
		return rule;
	rule.cost_us = 1000000 / rate;
	if (rule.cost_us == 0)
		rule.cost_us = 1;
	rule.depth_us = rule.cost_us * (burst > 0 ? burst : 1);
	return rule;
}

int64_t bucket_take(const struct bucket_rule *rule, int64_t now_us, int64_t *full_at_us)
{
	int64_t full_at = *full_at_us > now_us ? *full_at_us : now_us;
	if (rule->cost_us == 0)
		return 0;
	/*
	 * After a reload the new bucket may be smaller than what was taken from the old one: nobody
	 * waits longer than for an empty one.
	 */
	int64_t most = now_us + rule->depth_us + rule->debt_us;
	if (full_at > most)
		full_at = *full_at_us = most;
	full_at += rule->cost_us;
	if (full_at > now_us + rule->depth_us)
		return full_at - now_us - rule->depth_us;
	*full_at_us = full_at;
	return 0;
}

void bucket_spend(
	const struct bucket_rule *rule, int64_t now_us, uint32_t count, int64_t *full_at_us)
{
	int64_t full_at = *full_at_us > now_us ? *full_at_us : now_us;
	int64_t most = now_us + rule->depth_us + rule->debt_us;
	if (rule->cost_us == 0)
		return;
	full_at += rule->cost_us * count;
	*full_at_us = full_at < most ? full_at : most;
}
