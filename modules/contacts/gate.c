/* SPDX-License-Identifier: MIT */
/*
 * May this one write to that one, or bring them into a group? Asked about every one-to-one message:
 * has either blocked the other, and does the receiver take messages from strangers. Usually all
 * answers are in memory and the message does not wait; otherwise it waits for the store with a
 * ticket. Into a group nobody is brought by somebody whom they have blocked; strangers may, since
 * one can leave.
 */
#include "contacts.h"

#include <nuncio/codes.h>

#include <stdlib.h>

enum { DEADLINE_MS = 5000 };

struct passing {
	struct contacts *c;
	struct nuncio_ask *ask; /* while the hook's call lasts, else NULL */
	struct nuncio_ticket *ticket;
	uint32_t of_receiver; /* what the receiver has decided about the sender */
	enum nuncio_verdict verdict;
	bool is_over, is_join;
	char sender[USER_BYTES + 1], receiver[USER_BYTES + 1];
};

static void passing_end(struct passing *p, int code)
{
	static const char *const unknown = "the store could not tell whether this is allowed";
	const char *text = code == NUNCIO_CODE_store_failed ? unknown
			   : p->is_join ? "this person does not want that from you"
			   : code == NUNCIO_CODE_you_blocked
				   ? "you have blocked this person"
				   : "this person does not take messages from you";
	const struct nuncio_str body = { NULL, 0 };
	enum nuncio_verdict verdict = code ? NUNCIO_REJECT : NUNCIO_PASS;
	p->is_over = true;
	if (code)
		nuncio_counter_add(p->c->refused, 1);
	if (p->ask) {
		p->verdict = code ? nuncio_reject(p->ask, code, text) : NUNCIO_PASS;
		return; /* the hook's call frees it */
	}
	nuncio_resume(&p->ticket, verdict, code, text, body);
	free(p);
}

static void on_policy(int status, uint32_t policy, void *user)
{
	struct passing *p = user;
	policy = POLICY_OF(policy, POLICY_MESSAGES);
	if (status < 0)
		passing_end(p, NUNCIO_CODE_store_failed);
	else if (policy == POLICY_EVERYONE ||
		 (policy == POLICY_CONTACTS && (p->of_receiver & NUNCIO_CONTACTS_FRIEND)))
		passing_end(p, 0);
	else
		passing_end(p, NUNCIO_CODE_not_accepted);
}

static void on_sender(int status, uint32_t of_sender, void *user)
{
	struct passing *p = user;
	if (status < 0)
		passing_end(p, NUNCIO_CODE_store_failed);
	else if (of_sender & NUNCIO_CONTACTS_BLOCKED)
		passing_end(p, NUNCIO_CODE_you_blocked);
	else
		relations_ask_policy(p->c->relations, nuncio_text(p->receiver), on_policy, p);
}

static void on_receiver(int status, uint32_t of_receiver, void *user)
{
	struct passing *p = user;
	p->of_receiver = of_receiver;
	if (status < 0)
		passing_end(p, NUNCIO_CODE_store_failed);
	else if (of_receiver & NUNCIO_CONTACTS_BLOCKED)
		passing_end(p, NUNCIO_CODE_not_accepted);
	else if (p->is_join)
		passing_end(p, 0);
	else
		relations_ask(p->c->relations, nuncio_text(p->sender), nuncio_text(p->receiver),
			on_sender, p);
}

static enum nuncio_verdict pass(struct contacts *c, struct nuncio_ask *ask,
	struct nuncio_str sender, struct nuncio_str receiver, bool is_join)
{
	struct passing *p = nuncio_alloc(sizeof *p);
	p->c = c;
	p->ask = ask;
	p->is_join = is_join;
	nuncio_text_copy(sender, p->sender, sizeof p->sender);
	nuncio_text_copy(receiver, p->receiver, sizeof p->receiver);
	relations_ask(c->relations, receiver, nuncio_text(p->sender), on_receiver, p);
	if (p->is_over) {
		enum nuncio_verdict verdict = p->verdict;
		free(p);
		return verdict;
	}
	p->ticket = nuncio_defer(ask, DEADLINE_MS, NULL, NULL);
	p->ask = NULL;
	return NUNCIO_LATER;
}

enum nuncio_verdict gate_on_join(struct nuncio_ask *ask, const struct nuncio_join *what, void *user)
{
	if (what->by.n == 0 || nuncio_text_same(what->by, what->user))
		return NUNCIO_PASS;
	return pass(user, ask, what->by, what->user, true);
}

enum nuncio_verdict gate_on_send(struct nuncio_ask *ask, const struct nuncio_send *what, void *user)
{
	struct contacts *c = user;
	const struct nuncio_event *event = what->event;
	struct nuncio_str peer;
	if (!c->direct ||
		!c->direct->peer(c->direct_impl, event->conversation, event->from, &peer) ||
		nuncio_text_same(peer, event->from))
		return NUNCIO_PASS;
	return pass(c, ask, event->from, peer, false);
}
