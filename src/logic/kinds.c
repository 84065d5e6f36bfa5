/* SPDX-License-Identifier: MIT */
#include "logic/kinds.h"

/*
 * Kinds of conversations and the question who may enter one. Kinds are few and fixed after start,
 * so an id's kind is found by comparing prefixes. Logic thread only.
 */

#include <string.h>

#include "base/alloc.h"
#include "base/slice.h"
#include "hook/chain.h"
#include "logic/logic.h"
#include "wire/limits.h"

static bool is_word(const char *text)
{
	return text && *text && text[strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_")] == '\0';
}

void kinds_init(struct kinds *kinds)
{
	kinds->count = 0;
}

int kinds_add(struct kinds *kinds, const char *owner, const struct nuncio_kind *ops, void *user,
	struct nuncio_error *err)
{
	if (!is_word(ops->prefix) || !is_word(ops->name) || !is_word(ops->target) ||
		!ops->resolve || !ops->may_enter || !ops->is_valid || !ops->audience ||
		kinds->count == KINDS_MAX) {
		nuncio_error_set(err,
			"kind of conversations of module %s: incomplete, or too many kinds", owner);
		return NUNCIO_E_INVAL;
	}
	for (size_t i = 0; i < kinds->count; i++) {
		const struct kind *other = &kinds->all[i];
		if (strcmp(other->ops->prefix, ops->prefix) != 0 &&
			strcmp(other->ops->name, ops->name) != 0 &&
			strcmp(other->ops->target, ops->target) != 0)
			continue;
		nuncio_error_set(err,
			"kind of conversations \"%s\" of module %s: name, prefix or target is taken by %s",
			ops->name, owner, other->owner);
		return NUNCIO_E_EXISTS;
	}
	kinds->all[kinds->count++] = (struct kind){
		.ops = ops, .owner = owner, .user = user, .prefix_bytes = strlen(ops->prefix)
	};
	return 0;
}

void kinds_measure(struct kinds *kinds, const struct nuncio_kind *ops, struct callback *stats)
{
	for (size_t i = 0; i < kinds->count; i++)
		if (kinds->all[i].ops == ops)
			kinds->all[i].stats = stats;
}

void kinds_remove(struct kinds *kinds, const struct nuncio_kind *ops)
{
	for (size_t i = 0; i < kinds->count; i++) {
		if (kinds->all[i].ops != ops)
			continue;
		kinds->all[i] = kinds->all[--kinds->count];
		return;
	}
}

const struct kind *kind_of(const struct kinds *kinds, struct nuncio_str conversation)
{
	if (conversation.n > LIMIT_CONVERSATION_BYTES)
		return NULL;
	for (size_t i = 0; i < kinds->count; i++) {
		const struct kind *kind = &kinds->all[i];
		if (conversation.n > kind->prefix_bytes &&
			conversation.p[kind->prefix_bytes] == ':' &&
			memcmp(conversation.p, kind->ops->prefix, kind->prefix_bytes) == 0)
			return kind->ops->is_valid(conversation, kind->user) ? kind : NULL;
	}
	return NULL;
}

const struct kind *kind_by_target(const struct kinds *kinds, struct nuncio_str target)
{
	for (size_t i = 0; i < kinds->count; i++)
		if (str_eq_text(target, kinds->all[i].ops->target))
			return &kinds->all[i];
	return NULL;
}

enum nuncio_verdict kind_ask_enter(struct nuncio_ask *ask, const void *what, void *user)
{
	const struct kind *kind = user;
	return (enum nuncio_verdict)kind->ops->may_enter(ask, what, kind->user);
}

struct entering {
	struct session_question question;
	struct nuncio_access what;
	struct chain_first first;
	struct chain *chain;
	nuncio_entry_fn *done;
	void *user;
	char text[]; /* user, conversation */
};

static void entering_end(struct entering *entering, int status, const struct nuncio_entry *entry)
{
	list_remove(&entering->question.node);
	entering->done(status, entry, entering->user);
	alloc_free(entering);
}

int kind_refusal_status(int code)
{
	switch (code) {
	case NUNCIO_CODE_timeout:
		return NUNCIO_E_TIMEOUT;
	case NUNCIO_CODE_busy:
		return NUNCIO_E_BUSY;
	case NUNCIO_CODE_not_found:
		return NUNCIO_E_NOTFOUND;
	case NUNCIO_CODE_stopping:
		return NUNCIO_E_GONE;
	case NUNCIO_CODE_internal:
	case NUNCIO_CODE_store_failed:
		return NUNCIO_E_FAIL;
	default:
		return NUNCIO_E_DENIED;
	}
}

static void on_entered(const struct chain_answer *answer, void *user)
{
	const struct nuncio_entry entry = {
		.size = sizeof entry,
		.code = answer->code,
		.text = answer->text,
		.since = answer->since,
		.until = answer->until,
	};
	entering_end(user, answer->yes ? 0 : kind_refusal_status(answer->code), &entry);
}

static void on_session_ends(struct session_question *question)
{
	static const struct nuncio_entry no_session = { .size = sizeof no_session,
		.code = NUNCIO_CODE_stopping,
		.text = "the session has ended" };
	struct entering *entering = CONTAINER_OF(question, struct entering, question);
	chain_cancel(&entering->chain);
	entering_end(entering, NUNCIO_E_GONE, &no_session);
}

static struct entering *entering_new(
	const struct nuncio_access *what, nuncio_entry_fn *done, void *user)
{
	struct entering *entering =
		alloc_zero(sizeof *entering + what->user.n + what->conversation.n);
	memcpy(entering->text, what->user.p, what->user.n);
	memcpy(entering->text + what->user.n, what->conversation.p, what->conversation.n);
	list_init(&entering->question.node);
	entering->question.end = on_session_ends;
	entering->what = *what;
	entering->what.user.p = entering->text;
	entering->what.conversation.p = entering->text + what->user.n;
	entering->done = done;
	entering->user = user;
	return entering;
}

static const struct nuncio_entry no_conversation = { .size = sizeof no_conversation,
	.code = NUNCIO_CODE_not_found,
	.text = "no such conversation" };

static void enter(struct logic *logic, enum nuncio_hook hook, const struct nuncio_access *what,
	nuncio_entry_fn *done, void *user)
{
	const struct kind *kind = kind_of(&logic->kinds, what->conversation);
	if (!kind) {
		done(NUNCIO_E_NOTFOUND, &no_conversation, user);
		return;
	}
	struct entering *entering = entering_new(what, done, user);
	entering->first = (struct chain_first){
		.fn = kind_ask_enter,
		.what = &entering->what,
		.user = (void *)kind,
		.stats = kind->stats,
	};
	struct chain *chain = chain_ask(
		logic->parts.hooks, hook, &entering->what, &entering->first, on_entered, entering);
	if (!chain)
		return;
	entering->chain = chain;
	session_add_question(what->session, &entering->question);
}

void kinds_enter(
	struct logic *logic, const struct nuncio_access *what, nuncio_entry_fn *done, void *user)
{
	bool reads = what->access == NUNCIO_ACCESS_READ;
	enter(logic, reads ? NUNCIO_HOOK_may_query : NUNCIO_HOOK_none, what, done, user);
}

void kinds_enter_to_mark(
	struct logic *logic, const struct nuncio_access *what, nuncio_entry_fn *done, void *user)
{
	enter(logic, NUNCIO_HOOK_none, what, done, user);
}
