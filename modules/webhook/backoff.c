/* SPDX-License-Identifier: MIT */
/* When to try again, and when not to ask at all. Pure. */
#include "webhook.h"

int64_t backoff_ms(unsigned failures, int64_t least_ms, int64_t most_ms, uint32_t random)
{
	int64_t wait_ms = least_ms;
	while (failures-- > 1 && wait_ms < most_ms)
		wait_ms *= 2;
	if (wait_ms > most_ms)
		wait_ms = most_ms;
	/* Half of it is fixed, half is chance, so that many lanes do not come back together. */
	return wait_ms / 2 + (int64_t)(random % (uint32_t)(wait_ms / 2 + 1));
}

bool breaker_lets(struct breaker *b, int64_t now_ms)
{
	if (b->failures < b->limit)
		return true;
	if (now_ms < b->open_until_ms)
		return false;
	/* One goes through; until it has ended the others wait for the next pause. */
	b->open_until_ms = now_ms + b->open_ms;
	return true;
}

void breaker_note(struct breaker *b, bool is_good, int64_t now_ms)
{
	if (is_good) {
		b->failures = 0;
		return;
	}
	if (b->failures < b->limit)
		b->failures++;
	if (b->failures == b->limit)
		b->open_until_ms = now_ms + b->open_ms;
}
