/* SPDX-License-Identifier: MIT */
#ifndef TRIM_H
#define TRIM_H

struct loop;
struct work_pool;

/* Gives memory back to the system that a busy time has left free in the heap. Logic thread. */
struct trim;

struct trim *trim_new(struct loop *loop, struct work_pool *work);
void trim_free(struct trim **trim); /* when no work of the pool is under way */

#endif
