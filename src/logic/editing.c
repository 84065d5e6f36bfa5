/* SPDX-License-Identifier: MIT */
#include "logic/editing.h"

/* The question may_edit, asked by the module that lets messages be edited. */

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/list.h"
#include "hook/chain.h"
#include "logic/logic.h"

enum { EDITED_AT_BYTES = 64 }; /* the member of this name */

struct editing {
	struct session_question question;
	struct nuncio_send what;
	struct nuncio_event event;
	struct chain *chain;
	nuncio_edit_fn *done;
	void *user;
	char texts[];
};

/* Every text of an event. */
static struct nuncio_str *text_of(struct nuncio_event *event, size_t index)
{
	struct nuncio_str *all[] = { &event->conversation, &event->type, &event->from,
		&event->client_id, &event->kind, &event->body, &event->extra, &event->state };
	return index < sizeof all / sizeof all[0] ? all[index] : NULL;
}

static void editing_end(struct editing *editing, int status, const struct chain_answer *answer)
{
	const struct nuncio_entry entry = {
		.size = sizeof entry, .code = answer->code, .text = answer->text
	};
	list_remove(&editing->question.node);
	editing->done(
		status, &entry, answer->body.p ? answer->body : editing->event.body, editing->user);
	alloc_free(editing);
}

static void on_session_ends(struct session_question *question)
{
	static const struct chain_answer gone = { .code = NUNCIO_CODE_stopping,
		.text = "the session has ended" };
	struct editing *editing = CONTAINER_OF(question, struct editing, question);
	chain_cancel(&editing->chain);
	editing_end(editing, NUNCIO_E_GONE, &gone);
}

static struct editing *editing_new(const struct nuncio_send *what)
{
	struct nuncio_event event = *what->event;
	struct nuncio_str *text;
	size_t bytes = 0;
	for (size_t i = 0; (text = text_of(&event, i)) != NULL; i++)
		bytes += text->n;
	struct editing *editing = alloc_zero(sizeof *editing + bytes);
	char *at = editing->texts;
	list_init(&editing->question.node);
	editing->question.end = on_session_ends;
	editing->event = event;
	editing->event.now = NULL;
	for (size_t i = 0; (text = text_of(&editing->event, i)) != NULL; i++) {
		if (text->n)
			memcpy(at, text->p, text->n);
		text->p = at;
		at += text->n;
	}
	editing->what = *what;
	editing->what.event = &editing->event;
	return editing;
}

static void on_may_edit(const struct chain_answer *answer, void *user)
{
	editing_end(user, answer->yes ? 0 : kind_refusal_status(answer->code), answer);
}

/* As for sending; and all of the message, as it is shown afterwards, has to fit into a packet. */
static bool is_too_large(const struct logic *logic, const struct nuncio_event *event)
{
	size_t bytes = event->body.n + event->extra.n;
	return bytes > logic->settings.body_bytes ||
	       bytes + event->state.n + EDITED_AT_BYTES > NUNCIO_EVENT_BYTES;
}

static void refuse_too_large(const struct logic *logic, nuncio_edit_fn *done, void *user)
{
	char text[64];
	snprintf(text, sizeof text, "body: with mentions larger than %u bytes",
		logic->settings.body_bytes);
	const struct nuncio_entry no = {
		.size = sizeof no, .code = NUNCIO_CODE_too_large, .text = text
	};
	done(NUNCIO_E_TOOBIG, &no, (struct nuncio_str){ "", 0 }, user);
}

void editing_ask(
	struct logic *logic, const struct nuncio_send *what, nuncio_edit_fn *done, void *user)
{
	const struct nuncio_entry yes = { .size = sizeof yes, .text = "" };
	if (is_too_large(logic, what->event)) {
		refuse_too_large(logic, done, user);
		return;
	}
	if (!hook_has(logic->parts.hooks, NUNCIO_HOOK_may_edit)) {
		done(0, &yes, what->event->body, user);
		return;
	}
	struct editing *editing = editing_new(what);
	editing->done = done;
	editing->user = user;
	struct chain *chain = chain_ask(logic->parts.hooks, NUNCIO_HOOK_may_edit, &editing->what,
		NULL, on_may_edit, editing);
	if (!chain)
		return;
	editing->chain = chain;
	session_add_question(what->session, &editing->question);
}
