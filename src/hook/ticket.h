/* SPDX-License-Identifier: MIT */
#ifndef HOOK_TICKET_H
#define HOOK_TICKET_H

#include <nuncio/hooks.h>

#include "base/list.h"
#include "hook/hook_table.h"
#include "hook/write_list.h"
#include "loop/caller.h"

/*
 * The right to answer a question later. Between nuncio_defer and nuncio_resume the module owns it;
 * the logic thread only touches `chain` and the list. With nuncio_resume it goes back to the logic
 * thread through a mailbox, so no field is ever shared.
 */
struct chain;
enum { TICKET_TEXT_BYTES = 256 };

struct nuncio_ticket {
	struct call call; /* the way back; first */
	_Atomic uint32_t magic;
	struct hook_table *table;
	struct list node;    /* logic: in table->tickets or ->spent */
	struct chain *chain; /* logic: who waits; NULL before it is parked and after nobody waits */
	const char *module;  /* for messages */
	const char *hook;
	uint32_t timeout_ms;
	nuncio_cancelled_fn *cancelled; /* logic: NULL once it was called */
	void *user;
	/* The answer: written by nuncio_resume */
	enum nuncio_verdict verdict;
	int code;
	bool has_body, has_window;
	char text[TICKET_TEXT_BYTES];
	struct nuncio_str body; /* owned */
	uint64_t since, until;
	struct write_list writes;
};

struct nuncio_ticket *ticket_new(struct hook_table *t, const char *module, const char *hook,
	uint32_t timeout_ms, nuncio_cancelled_fn *cancelled, void *user);
void ticket_abandon(struct nuncio_ticket *ticket); /* nobody waits any more: tells the module */
size_t ticket_count(const struct hook_table *t, const char *module); /* not given back; NULL: all */
void ticket_forget_all(struct hook_table *t); /* at the very end: frees what never came back */

#endif
