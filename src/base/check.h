/* SPDX-License-Identifier: MIT */
#ifndef BASE_CHECK_H
#define BASE_CHECK_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <nuncio/base.h>

/* Programming errors end the process, in release builds too. Never for input from outside. */
_Noreturn void check_failed(const char *file, int line, const char *fmt, ...) NUNCIO_PRINTF(3, 4);

#define CHECK(cond) \
	do { \
		if (__builtin_expect(!(cond), 0)) \
			check_failed(__FILE__, __LINE__, "%s", #cond); \
	} while (0)

/*
 * Long-lived structs carry `uint32_t magic`; cleared on free, so that a stale pointer dies at once.
 */
#define CHECK_MAGIC(ptr, value) \
	do { \
		const void *check_p_ = (ptr); \
		if (__builtin_expect(!check_p_ || (ptr)->magic != (value), 0)) \
			check_failed(__FILE__, __LINE__, "%s is not a live %s", #ptr, #value); \
	} while (0)

/* Remembers which thread owns something. All zero: nobody yet, and every thread passes. */
struct thread_mark {
	pthread_t owner;
	bool is_set;
};

void thread_mark_set(struct thread_mark *mark); /* the calling thread */
void thread_mark_clear(struct thread_mark *mark);
bool thread_mark_is_mine(const struct thread_mark *mark);

#define CHECK_THREAD(mark) \
	do { \
		if (__builtin_expect(!thread_mark_is_mine(mark), 0)) \
			check_failed(__FILE__, __LINE__, "wrong thread: %s", #mark); \
	} while (0)

#endif
