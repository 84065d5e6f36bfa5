/* SPDX-License-Identifier: MIT */
#ifndef PROVIDE_STORE_COUNT_H
#define PROVIDE_STORE_COUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct metric_set;

/*
 * What the store was asked, by kind of job: how long it took, what it could not do, how much it was
 * handed at once and how long that took. Made and answered: logic thread; ran: the lanes' threads.
 */
struct store_count;

struct store_count *store_count_new(struct metric_set *set); /* set NULL: counts nothing */
void store_count_free(struct store_count **count);           /* before the set */

/* kind: enum nuncio_job_kind; took_ns: from asking the store to its answer. */
void store_count_answered(struct store_count *count, uint32_t kind, int status, int64_t took_ns);
/* One call of the store with n jobs. */
void store_count_ran(struct store_count *count, bool is_write, size_t n, int64_t took_ns);

#endif
