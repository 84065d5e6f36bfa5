/* SPDX-License-Identifier: MIT */
/*
 * Functions as messages. The mailbox does the work: one lock and at most one wake per post or
 * batch. The owner takes everything that waits and runs it; what those functions post themselves
 * runs in the next round of the same turn, so a function that posts itself again cannot starve the
 * descriptors for longer than the loop allows on_turn callbacks to.
 */
#include "loop/caller.h"

#include "base/alloc.h"
#include "base/list.h"
#include "loop/loop.h"

struct caller {
	struct mailbox mailbox;
};

static bool on_turn(struct loop *l, void *user)
{
	(void)l;
	return caller_run(user);
}

struct caller *caller_new(struct loop *l, size_t limit)
{
	struct caller *c = ALLOC_NEW(struct caller);
	mailbox_init(&c->mailbox, l, limit);
	loop_on_turn(l, on_turn, c);
	return c;
}

void caller_free(struct caller **c)
{
	if (!*c)
		return;
	mailbox_fini(&(*c)->mailbox);
	alloc_free(*c);
	*c = NULL;
}

int caller_post(struct caller *c, struct call *call)
{
	return mailbox_post(&c->mailbox, &call->mail);
}

void caller_post_forced(struct caller *c, struct call *call)
{
	mailbox_post_forced(&c->mailbox, &call->mail);
}

struct mailbox *caller_mailbox(struct caller *c)
{
	return &c->mailbox;
}

bool caller_run(struct caller *c)
{
	struct mail *m = mailbox_take_all(&c->mailbox);
	bool is_busy = m != NULL;
	while (m) {
		struct call *call = CONTAINER_OF(m, struct call, mail);
		m = m->next; /* the call is its function's now */
		call->fn(call);
	}
	return is_busy;
}

size_t caller_count(const struct caller *c)
{
	return mailbox_count(&c->mailbox);
}

void caller_stats(const struct caller *c, struct queue_stats *stats_r)
{
	mailbox_stats(&c->mailbox, stats_r);
}
