/* SPDX-License-Identifier: MIT */
#ifndef REDIS_BACKOFF_H
#define REDIS_BACKOFF_H

#include <stdint.h>

/*
 * How long to wait before the next try: doubles from first_ms to most_ms, and of that a random part
 * between a half and all of it, so that many nodes do not come back at once. `chance` is any random
 * number. Pure.
 */
uint32_t redis_backoff_ms(unsigned tries, uint32_t first_ms, uint32_t most_ms, uint32_t chance);

#endif
