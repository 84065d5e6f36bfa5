/* SPDX-License-Identifier: MIT */
#include "logic/joining.h"

/* The question may_join, asked by the modules that make members. */

#include <string.h>

#include "base/alloc.h"
#include "base/list.h"
#include "hook/chain.h"
#include "logic/logic.h"

struct joining {
	struct session_question question;
	struct nuncio_join what;
	struct chain *chain;
	nuncio_entry_fn *done;
	void *user;
	char text[]; /* user, by, conversation */
};

static struct nuncio_str put(char **at, struct nuncio_str text)
{
	struct nuncio_str copy = { *at, text.n };
	if (text.n)
		memcpy(*at, text.p, text.n);
	*at += text.n;
	return copy;
}

static void joining_end(struct joining *joining, int status, int code, const char *text)
{
	const struct nuncio_entry entry = { .size = sizeof entry, .code = code, .text = text };
	list_remove(&joining->question.node);
	joining->done(status, &entry, joining->user);
	alloc_free(joining);
}

static void on_session_ends(struct session_question *question)
{
	struct joining *joining = CONTAINER_OF(question, struct joining, question);
	chain_cancel(&joining->chain);
	joining_end(joining, NUNCIO_E_GONE, NUNCIO_CODE_stopping, "the session has ended");
}

static struct joining *joining_new(
	const struct nuncio_join *what, nuncio_entry_fn *done, void *user)
{
	struct joining *joining =
		alloc_zero(sizeof *joining + what->user.n + what->by.n + what->conversation.n);
	char *at = joining->text;
	list_init(&joining->question.node);
	joining->question.end = on_session_ends;
	joining->what = *what;
	joining->what.user = put(&at, what->user);
	joining->what.by = put(&at, what->by);
	joining->what.conversation = put(&at, what->conversation);
	joining->done = done;
	joining->user = user;
	return joining;
}

static void on_may_join(const struct chain_answer *answer, void *user)
{
	joining_end(user, answer->yes ? 0 : kind_refusal_status(answer->code), answer->code,
		answer->text);
}

void joining_ask(
	struct logic *logic, const struct nuncio_join *what, nuncio_entry_fn *done, void *user)
{
	const struct nuncio_entry yes = { .size = sizeof yes, .text = "" };
	if (!hook_has(logic->parts.hooks, NUNCIO_HOOK_may_join)) {
		done(0, &yes, user);
		return;
	}
	struct joining *joining = joining_new(what, done, user);
	struct chain *chain = chain_ask(logic->parts.hooks, NUNCIO_HOOK_may_join, &joining->what,
		NULL, on_may_join, joining);
	if (!chain)
		return;
	joining->chain = chain;
	session_add_question(what->session, &joining->question);
}
