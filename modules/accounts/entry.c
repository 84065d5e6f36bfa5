/* SPDX-License-Identifier: MIT */
#include "accounts.h"

/*
 * Who comes with a token that has become void is not let in, at the door and at every call. What is
 * in memory (voids.c) answers at once, and covers every token of ours. Who has to wait, at most
 * WAITING_MAX, the rest is refused with `busy`:
 *
 *  - everybody, until the store has said which tokens are void;
 *  - whose token is older than what is kept in memory, or does not say when it was issued: such
 *    tokens come from others who have the key, and live for as long as those like. The account
 *    itself says what it has voided; that costs a read, at a sign-in and at each call over HTTP.
 */

#include <nuncio/hooks.h>
#include <nuncio/session.h>

#include <stdlib.h>
#include <string.h>

enum { WAITING_MAX = 4096, WAIT_MS = 10000 };
#define WORDS_BUSY "it is not known yet which tokens are void; try again"

struct waiting {
	struct waiting *next;
	struct entry *entry;
	struct nuncio_ticket *ticket;
	int64_t issued_ms;
	char id[ACCOUNT_ID_BYTES_MAX + 1];
};

struct entry {
	struct accounts *a;
	struct nuncio_slot *issued; /* of a session: when its token was issued, in seconds */
	struct waiting *waiting; /* for what is void; those who wait for an account are not here */
	size_t waiting_count;    /* both */
};

static bool is_void(enum gone_why why)
{
	return why == GONE_DELETED || why == GONE_PASSWORD;
}

static const char *words_of(enum gone_why why)
{
	return why == GONE_DELETED ? WORDS_DELETED : WORDS_PASSWORD_CHANGED;
}

int64_t entry_issued_ms(const struct accounts *a, const struct nuncio_session *session)
{
	return (int64_t)(intptr_t)nuncio_slot_get(session, a->entry->issued) * 1000;
}

/* ---- the end of waiting ---- */

static void let_go(
	struct waiting **waiting, enum nuncio_verdict verdict, int code, const char *text)
{
	const struct nuncio_str as_it_is = { NULL, 0 };
	(*waiting)->entry->waiting_count--;
	nuncio_resume(&(*waiting)->ticket, verdict, code, text, as_it_is);
	free(*waiting);
	*waiting = NULL;
}

static void answer(struct waiting *waiting, enum gone_why why)
{
	if (is_void(why))
		let_go(&waiting, NUNCIO_REJECT, NUNCIO_CODE_token_invalid, words_of(why));
	else
		let_go(&waiting, NUNCIO_PASS, 0, NULL);
}

/* Who has no account is a user of somebody else, and nobody here voids their tokens. */
static void on_account(int status, const struct nuncio_record *rows, size_t n, int more, void *user)
{
	struct waiting *waiting = user;
	const struct accounts *a = waiting->entry->a;
	struct account account = { .id = "" };
	(void)more;
	if (status == 0 && n == 1)
		status = account_read(rows, &account);
	if (status < 0 && status != NUNCIO_E_NOTFOUND) {
		let_go(&waiting, NUNCIO_REJECT, NUNCIO_CODE_busy, WORDS_BUSY);
		return;
	}
	enum gone_why why = account_why(&account, waiting->issued_ms);
	/* What came after the read is in memory. */
	answer(waiting,
		is_void(why) ? why : voids_why(a, nuncio_text(waiting->id), waiting->issued_ms));
}

static void ask_account(struct waiting *waiting)
{
	if (nuncio_store_get(waiting->entry->a->self, nuncio_text(SPACE_ACCOUNT),
		    nuncio_text(waiting->id), (struct nuncio_str){ "", 0 }, on_account,
		    waiting) < 0)
		let_go(&waiting, NUNCIO_REJECT, NUNCIO_CODE_busy, WORDS_BUSY);
}

static void decide(struct waiting *waiting)
{
	const struct accounts *a = waiting->entry->a;
	if (!voids_are_known(a)) {
		let_go(&waiting, NUNCIO_REJECT, NUNCIO_CODE_busy, WORDS_BUSY);
		return;
	}
	enum gone_why why = voids_why(a, nuncio_text(waiting->id), waiting->issued_ms);
	if (why == GONE_UNKNOWN)
		ask_account(waiting);
	else
		answer(waiting, why);
}

/* A ticket whose time has passed is only given back by it. */
void entry_decide(struct accounts *a)
{
	struct entry *entry = a->entry;
	while (entry->waiting) {
		struct waiting *waiting = entry->waiting;
		entry->waiting = waiting->next;
		decide(waiting);
	}
}

/* ---- who comes ---- */

/* NULL: too many. The caller says who goes on with it. */
static struct waiting *take_place(
	struct entry *entry, struct nuncio_ask *ask, struct nuncio_str user, int64_t issued_ms)
{
	struct waiting *waiting = NULL;
	if (entry->waiting_count < WAITING_MAX)
		waiting = nuncio_alloc(sizeof *waiting);
	if (!waiting || nuncio_text_copy(user, waiting->id, sizeof waiting->id) < 0 ||
		!(waiting->ticket = nuncio_defer(ask, WAIT_MS, NULL, NULL))) {
		free(waiting);
		return NULL;
	}
	waiting->entry = entry;
	waiting->issued_ms = issued_ms;
	entry->waiting_count++;
	return waiting;
}

static enum nuncio_verdict let_wait(
	struct entry *entry, struct nuncio_ask *ask, struct nuncio_str user, int64_t issued_ms)
{
	struct waiting *waiting = take_place(entry, ask, user, issued_ms);
	if (!waiting)
		return nuncio_reject(ask, NUNCIO_CODE_busy, WORDS_BUSY);
	if (voids_are_known(entry->a)) {
		ask_account(waiting);
	} else {
		waiting->next = entry->waiting;
		entry->waiting = waiting;
	}
	return NUNCIO_LATER;
}

static enum nuncio_verdict judge(
	struct entry *entry, struct nuncio_ask *ask, struct nuncio_str user, int64_t issued_ms)
{
	if (user.n == 0)
		return NUNCIO_PASS;
	enum gone_why why = voids_why(entry->a, user, issued_ms);
	if (is_void(why))
		return nuncio_reject(ask, NUNCIO_CODE_token_invalid, words_of(why));
	if (why == GONE_UNKNOWN || !voids_are_known(entry->a))
		return let_wait(entry, ask, user, issued_ms);
	return NUNCIO_PASS;
}

static enum nuncio_verdict on_may_login(
	struct nuncio_ask *ask, const struct nuncio_login *what, void *user)
{
	return judge(user, ask, what->user, what->issued_at_ms);
}

/* A session was looked at when it began; who became void since is in memory. */
static enum nuncio_verdict on_may_call(
	struct nuncio_ask *ask, const struct nuncio_call *what, void *user)
{
	struct entry *entry = user;
	if (!what->session)
		return judge(entry, ask, what->user, what->issued_at_ms);
	enum gone_why why = what->user.n ? voids_why(entry->a, what->user,
						   entry_issued_ms(entry->a, what->session))
					 : GONE_NOT;
	if (!is_void(why))
		return NUNCIO_PASS;
	return nuncio_reject(ask, NUNCIO_CODE_token_invalid, words_of(why));
}

/* Other modules may have taken their time to say yes. */
static void on_did_login(const struct nuncio_login *what, void *user)
{
	const struct entry *entry = user;
	nuncio_slot_set(
		what->session, entry->issued, (void *)(intptr_t)(what->issued_at_ms / 1000));
	if (is_void(voids_why(entry->a, what->user, what->issued_at_ms)))
		nuncio_session_close(nuncio_session_id(what->session), 4001,
			NUNCIO_CODE_token_invalid, "the token has become void");
}

/* ---- life ---- */

static void issued_free(void *data)
{
	(void)data; /* a number */
}

int entry_init(struct accounts *a)
{
	struct entry *entry = nuncio_alloc(sizeof *entry);
	struct nuncio_module *self = a->self;
	a->entry = entry;
	entry->a = a;
	int rc = nuncio_slot_take(self, NUNCIO_PER_SESSION, issued_free, &entry->issued);
	if (rc == 0)
		rc = nuncio_hook_may_login(self, NUNCIO_PRIO_GUARD, on_may_login, entry);
	if (rc == 0)
		rc = nuncio_hook_may_call(self, NUNCIO_PRIO_GUARD, on_may_call, entry);
	if (rc == 0)
		rc = nuncio_hook_did_login(self, NUNCIO_PRIO_GUARD, on_did_login, entry);
	return rc;
}

void entry_fini(struct accounts *a)
{
	free(a->entry);
	a->entry = NULL;
}
