/* SPDX-License-Identifier: MIT */
#ifndef HARNESS_FAKE_TIMER_H
#define HARNESS_FAKE_TIMER_H

#include <stdbool.h>
#include <stdint.h>

/*
 * fake_timer.c is loop/timer.h on the clock that tests set (base/clock.h): a program that links it
 * before libloop.a has timers that come when it says so. One thread, one loop.
 */
int64_t fake_timer_next_ms(void); /* when the next is due, by clock_mono_ms; -1: none is active */
bool fake_timer_run_due(void);    /* runs one that is due now, the oldest; false: none is */

#endif
