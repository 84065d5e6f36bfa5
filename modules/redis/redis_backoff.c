/* SPDX-License-Identifier: MIT */
/* See redis_backoff.h. */
#include "redis_backoff.h"

uint32_t redis_backoff_ms(unsigned tries, uint32_t first_ms, uint32_t most_ms, uint32_t chance)
{
	uint64_t wait = first_ms;
	for (unsigned i = 0; i < tries && wait < most_ms; i++)
		wait *= 2;
	if (wait > most_ms)
		wait = most_ms;
	uint64_t half = wait / 2;
	return (uint32_t)(half + (wait - half) * chance / UINT32_MAX);
}
