/* SPDX-License-Identifier: MIT */
#ifndef PROVIDE_STORE_COPY_H
#define PROVIDE_STORE_COPY_H

#include "provide/store.h"

/*
 * Copies everything from the store in use into another while both are open: `nuncioctl store copy`.
 * Thread: logic.
 */
struct store_copy;

struct store_copy_progress {
	const char *phase;
	uint64_t conversations, events, members, records; /* written so far, some more than once */
	uint64_t waiting;                                 /* known to have changed meanwhile */
	unsigned round;                                   /* of going after changes */
};

/*
 * The end. status 0: all is there and was counted on both sides; otherwise `why` (NULL with 0).
 * If it was to be the last word, the store takes no writes from then on until store_release.
 */
typedef void store_copied_fn(int status, const char *why,
	const struct store_copy_progress *progress, const struct nuncio_store_counts *counts,
	void *user);

/*
 * Begins. is_final: at the end writes are refused with NUNCIO_E_BUSY, so that nothing is
 * acknowledged that the copy lacks. NUNCIO_E_EXISTS: one is under way, or was done and not
 * released; UNSUPPORTED: the store has no target (store_target).
 */
int store_copy_start(struct store *from, bool is_final, store_copied_fn *done, void *user);

/* False: none is under way. */
bool store_copy_look(const struct store *from, struct store_copy_progress *progress_r);

/* Ends it before its time: done with NUNCIO_E_GONE, at once. What is asked is still answered. */
void store_copy_stop(struct store *from);

/* --- for store.c --- */

/* A write was answered: 0, or nobody knows what became of it. */
void store_copy_touched(struct store_copy *copy, const struct nuncio_job *job);
/* No write is open. */
void store_copy_quiet(struct store_copy *copy);
void store_copy_free(struct store_copy **copy); /* one that is over and has its answers; or NULL */

#endif
