/* SPDX-License-Identifier: MIT */
/*
 * One question on its way through the handlers of a hook. It lives on the stack of chain_ask as
 * long as everybody answers at once, so the common case allocates nothing. When a handler answers
 * LATER it moves to the heap and is parked: with a deadline, in the table's list, remembered by the
 * ticket. The ticket's answer lets it go on at the next handler; nobody is asked twice.
 *
 * Each question ends in exactly one of: done (once), or chain_cancel. Doubt ends in no: a deadline
 * that passed, unless the operator wants otherwise, a LATER without ticket, a verdict that does not
 * exist. Logic thread only.
 */
#include "hook/chain_private.h"

#include <string.h>

#include <nuncio/codes.h>

#include "base/alloc.h"
#include "base/check.h"
#include "base/log.h"
#include "base/slice.h"
#include "hook/ticket.h"
#include "hook/write_list.h"
#include "loop/timer.h"

enum { CHAIN_MAGIC = 0x4c4a1200, ASK_MAGIC = 0x4a5c1200 };

static const char over_text[] = "the server is stopping";

/* A replaced body with the facts that show it. Older ones stay: a handler may have kept a slice. */
struct chain_edit {
	struct chain_edit *older;
	struct nuncio_send send;
	struct nuncio_event event;
	char body[];
};

struct chain {
	uint32_t magic;
	enum nuncio_hook hook;
	struct hook_table *table;
	const void *facts;
	const struct chain_first *first; /* the next one to ask; then: */
	struct hook_list *list;          /* may be NULL */
	size_t at;                       /* the next one in list */
	chain_done_fn *done;
	void *user;
	struct chain_edit *edits; /* newest first */
	int64_t begun_ns, at_ns;  /* asked first; and now, as far as somebody has looked */
	uint64_t since, until;    /* of nuncio_ask_set_window */
	struct write_list writes;
	bool is_parkable; /* on the heap already: within a struct parked */
	bool is_running;  /* a handler or done is being called */
	bool is_cancelled;
};

/* One that waits, or did. Apart, because most never do, and clearing it for each takes its time. */
struct parked {
	struct chain chain; /* first */
	struct list node;   /* in the table's list */
	struct nuncio_ticket *ticket;
	struct callback *asked; /* whose answer it waits for; may be NULL */
	struct loop_timer deadline;
};

static struct parked *parked(struct chain *c)
{
	CHECK(c && c->is_parkable);
	return (struct parked *)c;
}

struct nuncio_ask {
	uint32_t magic;
	struct chain *chain;
	const char *module, *what; /* whose handler it is */
	struct callback *stats;    /* the same; may be NULL */
	struct nuncio_ticket *ticket;
	bool has_deferred;
	int code;
	char text[TICKET_TEXT_BYTES];
};

/* The handler whose turn it is. */
struct turn {
	const struct chain_first *first; /* or: */
	struct hook_handler *handler;
	struct callback *stats;
};

static bool take_turn(struct chain *c, struct turn *turn)
{
	*turn = (struct turn){ .first = c->first };
	if (c->first) {
		turn->stats = c->first->stats;
		c->first = c->first->next;
		return true;
	}
	if (!c->list || c->at == c->list->count)
		return false;
	turn->handler = &c->list->handlers[c->at++];
	turn->stats = &turn->handler->stats;
	return true;
}

static const void *facts_now(const struct chain *c)
{
	return c->edits ? &c->edits->send : c->facts;
}

/* Through the type that the handler really has; calling it through another would be undefined. */
static enum nuncio_verdict call_handler(
	struct chain *c, struct nuncio_ask *ask, const struct hook_handler *handler)
{
	CHECK(handler);
	switch ((int)c->hook) {
#define NUNCIO_X(number, name, facts_type) \
	case number: \
		return ((nuncio_##name##_fn *)handler->fn)(ask, facts_now(c), handler->user);
		NUNCIO_DECISIONS(NUNCIO_X)
#undef NUNCIO_X
	default:
		return NUNCIO_PASS;
	}
}

static enum nuncio_verdict call_turn(struct chain *c, struct nuncio_ask *ask, struct turn *turn)
{
	ask->magic = ASK_MAGIC;
	ask->chain = c;
	ask->module = turn->stats ? turn->stats->module : "core";
	ask->what = turn->stats ? turn->stats->what : "ask";
	ask->stats = turn->stats;
	ask->ticket = NULL;
	ask->has_deferred = false;
	ask->code = 0;
	ask->text[0] = '\0';
	c->is_running = true;
	enum nuncio_verdict verdict =
		turn->first ? turn->first->fn(ask, turn->first->what, turn->first->user)
			    : call_handler(c, ask, turn->handler);
	c->at_ns = callback_end(turn->stats, c->at_ns); /* when the next one begins */
	c->is_running = false;
	ask->magic = 0;
	return verdict;
}

static void free_edits(struct chain *c)
{
	while (c->edits) {
		struct chain_edit *edit = c->edits;
		c->edits = edit->older;
		alloc_free(edit);
	}
}

static void free_chain(struct chain *c)
{
	if (c->edits)
		free_edits(c);
	if (c->writes.all)
		write_list_fini(&c->writes);
	c->magic = 0;
	if (c->is_parkable)
		alloc_free(c);
}

static void finish(struct chain *c, bool yes, int code, const char *text)
{
	struct chain_answer answer = { .yes = yes,
		.code = yes ? 0 : code,
		.text = text,
		.since = c->since,
		.until = c->until,
		.writes = c->writes.all,
		.writes_count = c->writes.count };
	if (c->edits)
		answer.body = c->edits->event.body;
	c->is_running = true; /* a chain_cancel from within done is harmless */
	if (c->list && !c->is_cancelled)
		callback_took(&c->list->asked, c->at_ns - c->begun_ns);
	if (!c->is_cancelled)
		c->done(&answer, c->user);
	free_chain(c);
}

static const char *text_or(const char *text, const char *otherwise)
{
	return text[0] ? text : otherwise;
}

static void finish_rejected(struct chain *c, int code, const char *text)
{
	finish(c, false, code ? code : NUNCIO_CODE_denied, text_or(text, "not allowed"));
}

static void finish_fault(struct chain *c, struct callback *stats, const char *module,
	const char *what, const char *fault)
{
	callback_count_error(stats);
	log_write(LOG_LEVEL_ERROR, module, NULL, "%s: %s; refused", what, fault);
	finish(c, false, NUNCIO_CODE_internal, "an error in the server");
}

/* It does not wait any more; the ticket is its owner's. */
static struct nuncio_ticket *unpark(struct chain *c)
{
	struct parked *p = parked(c);
	struct nuncio_ticket *ticket = p->ticket;
	loop_timer_stop(c->table->settings.loop, &p->deadline);
	list_remove(&p->node);
	c->table->parked_count--;
	p->ticket = NULL;
	c->at_ns = callback_begin();
	return ticket;
}

/* Nobody waits for the ticket any more; the question ends with no. */
static void refuse_parked(struct chain *c, int code, const char *text)
{
	struct nuncio_ticket *ticket = unpark(c);
	c->is_running = true;
	ticket_abandon(ticket);
	finish(c, false, code, text);
}

static struct chain *run(struct chain *c);

/* The operator would rather have no answer than no chat: it goes on at the next handler. */
static void pass_parked(struct chain *c)
{
	struct nuncio_ticket *ticket = unpark(c);
	c->is_running = true;
	ticket_abandon(ticket);
	c->is_running = false;
	if (c->is_cancelled)
		free_chain(c);
	else
		run(c);
}

/* Only hooks may: who may enter a conversation, and what middleware guards, is never guessed. */
static bool fails_open(const struct hook_settings *settings, const struct callback *asked)
{
	return settings->fails_open && asked && asked->kind == CALLBACK_HOOK &&
	       settings->fails_open(asked->module, asked->what, settings->fails_open_user);
}

static void on_deadline(struct loop *l, struct loop_timer *timer, void *user)
{
	struct parked *p = user;
	struct chain *c = &p->chain;
	(void)l;
	(void)timer;
	CHECK_MAGIC(c, CHAIN_MAGIC);
	bool is_open = fails_open(&c->table->settings, p->asked);
	callback_count_timeout(p->asked);
	log_write(LOG_LEVEL_WARN, p->ticket->module, NULL, "%s: no answer within %u ms; %s",
		p->ticket->hook, p->ticket->timeout_ms, is_open ? "passed" : "refused");
	if (is_open)
		pass_parked(c);
	else
		refuse_parked(c, NUNCIO_CODE_timeout, "no answer within the deadline");
}

static struct chain *park(struct chain *c, struct nuncio_ticket *ticket, struct callback *asked)
{
	if (!c->is_parkable) {
		struct parked *moved = ALLOC_NEW(struct parked);
		moved->chain = *c;
		moved->chain.is_parkable = true;
		c = &moved->chain;
	}
	struct parked *p = parked(c);
	p->ticket = ticket;
	p->asked = asked;
	ticket->chain = c;
	list_add(&c->table->parked, &p->node);
	c->table->parked_count++;
	loop_timer_init(&p->deadline, on_deadline, p);
	loop_timer_start(c->table->settings.loop, &p->deadline, ticket->timeout_ms, 0);
	return c;
}

/* A ticket that does not go with the verdict: the module gets it back to give it back. */
static void drop_ticket(struct nuncio_ask *ask)
{
	if (!ask->ticket)
		return;
	callback_count_error(ask->stats);
	log_write(LOG_LEVEL_ERROR, ask->module, NULL,
		"%s: took a ticket with nuncio_defer, but did not return NUNCIO_LATER", ask->what);
	ticket_abandon(ask->ticket);
}

/* Asks one after the other until somebody decides. Returns the chain if it is parked now. */
static struct chain *run(struct chain *c)
{
	struct nuncio_ask ask;
	struct turn turn;
	while (take_turn(c, &turn)) {
		enum nuncio_verdict verdict = call_turn(c, &ask, &turn);
		if (c->is_cancelled && ask.ticket)
			ticket_abandon(ask.ticket);
		else if (verdict != NUNCIO_LATER)
			drop_ticket(&ask);
		if (c->is_cancelled)
			break;
		switch ((int)verdict) {
		case NUNCIO_PASS:
			continue;
		case NUNCIO_ACCEPT:
			finish(c, true, 0, "");
			return NULL;
		case NUNCIO_REJECT:
			finish_rejected(c, ask.code, ask.text);
			return NULL;
		case NUNCIO_LATER:
			if (ask.ticket)
				return park(c, ask.ticket, ask.stats);
			finish_fault(c, ask.stats, ask.module, ask.what,
				"NUNCIO_LATER without nuncio_defer");
			return NULL;
		default:
			finish_fault(c, ask.stats, ask.module, ask.what,
				"a verdict that does not exist");
			return NULL;
		}
	}
	finish(c, true, 0, "");
	return NULL;
}

struct chain *chain_ask(struct hook_table *t, enum nuncio_hook hook, const void *facts,
	const struct chain_first *first, chain_done_fn *done, void *user)
{
	enum hook_index at = hook_index(hook);
	struct hook_list *list = at < HOOK_COUNT ? t->lists[at] : NULL;
	if (t->over_code) {
		done(&(struct chain_answer){ .code = t->over_code, .text = over_text }, user);
		return NULL;
	}
	if (!first && !list) {
		done(&(struct chain_answer){ .yes = true, .text = "" }, user);
		return NULL;
	}
	struct chain c = { .magic = CHAIN_MAGIC,
		.hook = hook,
		.table = t,
		.facts = facts,
		.first = first,
		.list = list,
		.done = done,
		.user = user };
	c.begun_ns = c.at_ns = callback_begin();
	/* NOLINTNEXTLINE(clang-analyzer-core.StackAddressEscape): run moves what it parks */
	return run(&c);
}

void chain_cancel(struct chain **chain)
{
	struct chain *c = *chain;
	*chain = NULL;
	if (!c)
		return;
	CHECK_MAGIC(c, CHAIN_MAGIC);
	c->is_cancelled = true;
	if (c->is_running) /* whoever runs it sees that and frees it */
		return;
	ticket_abandon(unpark(c));
	free_chain(c);
}

struct callback *chain_asked(struct chain *c)
{
	CHECK_MAGIC(c, CHAIN_MAGIC);
	return parked(c)->asked;
}

void chain_refuse_all(struct hook_table *t, int code)
{
	t->over_code = code; /* first: the askers may ask something else at once */
	while (!list_is_empty(&t->parked))
		refuse_parked(&LIST_FIRST(&t->parked, struct parked, node)->chain, code, over_text);
}

bool chain_is_over(const struct hook_table *t)
{
	return t->over_code != 0;
}

/* The message's new body, checked; the facts that show it become those of the next handlers. */
static int replace_body(struct chain *c, struct nuncio_str body, struct nuncio_error *err)
{
	if (c->hook != NUNCIO_HOOK_may_send && c->hook != NUNCIO_HOOK_may_edit)
		return NUNCIO_E_INVAL;
	int rc = c->table->settings.check_json(body, err);
	if (rc < 0)
		return rc;
	const struct nuncio_send *old = facts_now(c);
	struct chain_edit *edit = alloc_get(sizeof(*edit) + body.n + 1);
	memcpy(edit->body, body.p, body.n);
	edit->body[body.n] = '\0';
	edit->send = *old;
	edit->event = *old->event;
	edit->event.body = (struct nuncio_str){ edit->body, body.n };
	edit->send.event = &edit->event;
	edit->older = c->edits;
	c->edits = edit;
	return 0;
}

static bool is_owner(const struct chain *c, struct nuncio_str owner)
{
	const struct nuncio_send *send = facts_now(c);
	return c->hook == NUNCIO_HOOK_may_send && str_eq(owner, send->event->conversation);
}

static int take_writes(struct chain *c, struct write_list *from)
{
	for (size_t i = 0; i < from->count; i++)
		if (!is_owner(c, from->all[i].owner))
			return NUNCIO_E_INVAL;
	return write_list_move(&c->writes, from);
}

void chain_resume(struct chain *c, struct nuncio_ticket *ticket)
{
	struct nuncio_error err = { "" };
	CHECK_MAGIC(c, CHAIN_MAGIC);
	unpark(c);
	if (ticket->verdict == NUNCIO_REJECT) {
		finish_rejected(c, ticket->code, ticket->text);
		return;
	}
	if (ticket->has_window) {
		c->since = ticket->since;
		c->until = ticket->until;
	}
	if (ticket->has_body && replace_body(c, ticket->body, &err) < 0) {
		finish_fault(c, parked(c)->asked, ticket->module, ticket->hook,
			"nuncio_resume with a bad body");
		return;
	}
	if (take_writes(c, &ticket->writes) < 0) {
		finish_fault(c, parked(c)->asked, ticket->module, ticket->hook,
			"nuncio_ticket_add_write for another owner, or one too many");
		return;
	}
	if (ticket->verdict == NUNCIO_PASS)
		run(c);
	else if (ticket->verdict == NUNCIO_ACCEPT)
		finish(c, true, 0, "");
	else
		finish_fault(c, parked(c)->asked, ticket->module, ticket->hook,
			"nuncio_resume with a bad verdict");
}

void hook_tell(struct hook_table *t, enum nuncio_hook hook, const void *facts)
{
	enum hook_index at = hook_index(hook);
	const struct hook_list *list = at < HOOK_COUNT ? t->lists[at] : NULL;
	if (!list)
		return;
	int64_t at_ns = callback_begin();
	for (size_t i = 0; i < list->count; i++) {
		struct hook_handler *handler = &list->handlers[i];
		switch ((int)hook) {
#define NUNCIO_X(number, name, facts_type) \
	case number: \
		((nuncio_##name##_fn *)handler->fn)(facts, handler->user); \
		break;
			NUNCIO_NOTICES(NUNCIO_X)
#undef NUNCIO_X
		}
		at_ns = callback_end(&handler->stats, at_ns);
	}
}

static enum nuncio_verdict call_filter(
	enum nuncio_hook hook, const struct hook_handler *handler, const void *facts)
{
	switch ((int)hook) {
#define NUNCIO_X(number, name, facts_type) \
	case number: \
		return ((nuncio_##name##_fn *)handler->fn)(facts, handler->user);
		NUNCIO_FILTERS(NUNCIO_X)
#undef NUNCIO_X
	default:
		return NUNCIO_PASS;
	}
}

bool hook_filter(struct hook_table *t, enum nuncio_hook hook, const void *facts)
{
	enum hook_index at = hook_index(hook);
	const struct hook_list *list = at < HOOK_COUNT ? t->lists[at] : NULL;
	if (!list)
		return true;
	int64_t at_ns = callback_begin();
	for (size_t i = 0; i < list->count; i++) {
		struct hook_handler *handler = &list->handlers[i];
		enum nuncio_verdict verdict = call_filter(hook, handler, facts);
		at_ns = callback_end(&handler->stats, at_ns);
		if (verdict == NUNCIO_ACCEPT)
			return true;
		if (verdict != NUNCIO_PASS)
			return false;
	}
	return true;
}

enum nuncio_verdict nuncio_reject(struct nuncio_ask *ask, int code, const char *text)
{
	CHECK_MAGIC(ask, ASK_MAGIC);
	size_t n = text ? strnlen(text, sizeof(ask->text) - 1) : 0;
	if (n)
		memcpy(ask->text, text, n);
	ask->text[n] = '\0';
	ask->code = code;
	return NUNCIO_REJECT;
}

int nuncio_ask_set_body(struct nuncio_ask *ask, struct nuncio_str body)
{
	CHECK_MAGIC(ask, ASK_MAGIC);
	return replace_body(ask->chain, body, NULL);
}

int nuncio_ask_add_write(struct nuncio_ask *ask, const struct nuncio_record_write *write)
{
	CHECK_MAGIC(ask, ASK_MAGIC);
	if (!is_owner(ask->chain, write->owner))
		return NUNCIO_E_INVAL;
	return write_list_add(&ask->chain->writes, ask->module, write);
}

void nuncio_ask_set_window(struct nuncio_ask *ask, uint64_t since, uint64_t until)
{
	CHECK_MAGIC(ask, ASK_MAGIC);
	ask->chain->since = since;
	ask->chain->until = until;
}

struct nuncio_ticket *nuncio_defer(
	struct nuncio_ask *ask, uint32_t timeout_ms, nuncio_cancelled_fn *cancelled, void *user)
{
	CHECK_MAGIC(ask, ASK_MAGIC);
	if (ask->has_deferred)
		return NULL;
	ask->has_deferred = true;
	uint32_t limit_ms = ask->chain->table->settings.answer_limit_ms;
	if (limit_ms && timeout_ms > limit_ms)
		timeout_ms = limit_ms;
	ask->ticket =
		ticket_new(ask->chain->table, ask->module, ask->what, timeout_ms, cancelled, user);
	return ask->ticket;
}
