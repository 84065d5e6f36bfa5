/* SPDX-License-Identifier: MIT */
/*
 * Tickets. One is made by nuncio_defer on the logic thread and belongs to the module until
 * nuncio_resume, on any thread, fills in the answer and posts it to the logic loop, which goes on
 * with the chain if it still waits. So a ticket outlives the question: the one who asked may have
 * gone, the deadline may have passed; the answer is dropped then, and the ticket freed all the
 * same.
 *
 * A ticket that is answered twice is a bug that would corrupt memory. Answered tickets are
 * therefore kept a while (TICKETS_SPENT of them), and the second answer ends the process with the
 * module's name. One that is never answered costs its memory until the server ends, and a line in
 * the log.
 */
#include "hook/ticket.h"

#include <stdatomic.h>
#include <string.h>

#include "base/alloc.h"
#include "base/check.h"
#include "base/log.h"
#include "hook/chain_private.h"

enum { TICKET_LIVE = 0x7e1c4e70, TICKET_ANSWERED = 0x7e1c4e71, TICKETS_SPENT = 64 };

static void on_returned(struct call *call);

struct nuncio_ticket *ticket_new(struct hook_table *t, const char *module, const char *hook,
	uint32_t timeout_ms, nuncio_cancelled_fn *cancelled, void *user)
{
	struct nuncio_ticket *ticket = ALLOC_NEW(struct nuncio_ticket);
	atomic_init(&ticket->magic, TICKET_LIVE);
	ticket->call.fn = on_returned;
	ticket->table = t;
	ticket->module = module;
	ticket->hook = hook;
	ticket->timeout_ms = timeout_ms;
	ticket->cancelled = cancelled;
	ticket->user = user;
	list_add(&t->tickets, &ticket->node);
	t->ticket_count++;
	return ticket;
}

void ticket_abandon(struct nuncio_ticket *ticket)
{
	nuncio_cancelled_fn *cancelled = ticket->cancelled;
	ticket->chain = NULL;
	ticket->cancelled = NULL;
	if (cancelled)
		cancelled(ticket->user);
}

static void free_ticket(struct nuncio_ticket *ticket)
{
	list_remove(&ticket->node);
	write_list_fini(&ticket->writes);
	alloc_free(ticket);
}

static void spend(struct nuncio_ticket *ticket)
{
	struct hook_table *t = ticket->table;
	list_remove(&ticket->node);
	t->ticket_count--;
	alloc_free((void *)ticket->body.p);
	ticket->body = (struct nuncio_str){ NULL, 0 };
	write_list_fini(&ticket->writes);
	list_add(&t->spent, &ticket->node);
	if (++t->spent_count > TICKETS_SPENT) {
		t->spent_count--;
		free_ticket(LIST_FIRST(&t->spent, struct nuncio_ticket, node));
	}
}

/* On the logic thread: the ticket is ours again. */
static void on_returned(struct call *call)
{
	struct nuncio_ticket *ticket = CONTAINER_OF(call, struct nuncio_ticket, call);
	struct chain *chain = ticket->chain;
	ticket->cancelled = NULL;
	if (chain)
		chain_resume(chain, ticket);
	spend(ticket);
}

size_t ticket_count(const struct hook_table *t, const char *module)
{
	size_t count = 0;
	if (!module)
		return t->ticket_count;
	LIST_EACH (&t->tickets, ticket, struct nuncio_ticket, node)
		count += strcmp(ticket->module, module) == 0;
	return count;
}

void ticket_forget_all(struct hook_table *t)
{
	LIST_EACH_SAFE (&t->tickets, ticket, struct nuncio_ticket, node) {
		log_write(LOG_LEVEL_WARN, ticket->module, NULL,
			"a ticket of %s was never given back with nuncio_resume", ticket->hook);
		free_ticket(ticket);
	}
	LIST_EACH_SAFE (&t->spent, ticket, struct nuncio_ticket, node)
		free_ticket(ticket);
	t->ticket_count = t->spent_count = 0;
}

void nuncio_resume(struct nuncio_ticket **ticket_ptr, enum nuncio_verdict verdict, int code,
	const char *text, struct nuncio_str body)
{
	struct nuncio_ticket *ticket = *ticket_ptr;
	if (!ticket)
		check_failed(__FILE__, __LINE__, "nuncio_resume: no ticket, or answered already");
	uint32_t live = TICKET_LIVE;
	if (!atomic_compare_exchange_strong(&ticket->magic, &live, TICKET_ANSWERED))
		check_failed(__FILE__, __LINE__, "nuncio_resume: %s answered a ticket of %s twice",
			ticket->module, ticket->hook);
	*ticket_ptr = NULL;
	ticket->verdict = verdict;
	ticket->code = code;
	if (text) {
		size_t n = strnlen(text, TICKET_TEXT_BYTES - 1);
		memcpy(ticket->text, text, n);
		ticket->text[n] = '\0';
	}
	ticket->has_body = body.p != NULL;
	if (body.p)
		ticket->body = (struct nuncio_str){ alloc_text(body), body.n };
	caller_post_forced(ticket->table->settings.caller, &ticket->call);
}

void nuncio_ticket_set_window(struct nuncio_ticket *ticket, uint64_t since, uint64_t until)
{
	CHECK(ticket && atomic_load(&ticket->magic) == TICKET_LIVE);
	ticket->since = since;
	ticket->until = until;
	ticket->has_window = true;
}

int nuncio_ticket_add_write(struct nuncio_ticket *ticket, const struct nuncio_record_write *write)
{
	CHECK(ticket && atomic_load(&ticket->magic) == TICKET_LIVE);
	return write_list_add(&ticket->writes, ticket->module, write);
}
