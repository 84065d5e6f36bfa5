/* SPDX-License-Identifier: MIT */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

/* Thread: any. "mono" never goes back and means nothing outside this process; "wall" is UTC. */
int64_t clock_mono_ms(void);
int64_t clock_mono_us(void);
int64_t clock_mono_ns(void);
int64_t clock_wall_ms(void);
int64_t clock_wall_us(void);

/* For tests: both clocks stand still at these values until set again or back to real. */
void clock_set_for_test(int64_t mono_ms, int64_t wall_ms);
void clock_use_real(void);

/* "2026-11-23T08:42:00.123Z", years 0000 to 9999 (clamped). */
enum { CLOCK_RFC3339_SIZE = 25 };
void clock_format_rfc3339(int64_t wall_ms, char out[CLOCK_RFC3339_SIZE]);

#endif
