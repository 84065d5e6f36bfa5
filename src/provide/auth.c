/* SPDX-License-Identifier: MIT */
/*
 * Asking who is behind a token. The provider answers within its call or later; every question has a
 * deadline, and may be cancelled when the one who asked has gone. What the provider then still
 * answers is dropped. The core trusts the provider about the user, but not about the shape of the
 * user's id: that goes into keys, logs and URLs. Logic thread only.
 */
#include "provide/auth.h"

#include "base/alloc.h"
#include "base/check.h"
#include "base/list.h"
#include "base/utf8.h"
#include "loop/timer.h"
#include "provide/sized.h"

enum { QUESTION_MAGIC = 0x40a57104 };

struct auth {
	struct loop *loop;
	uint32_t timeout_ms;
	struct nuncio_auth_ops ops; /* check NULL: no provider */
	void *impl;
	struct list questions; /* not answered by the provider */
};

/* Lives until the provider has answered, also when nobody waits any more. */
struct nuncio_auth {
	uint32_t magic;
	struct auth *auth;
	struct list node;
	struct loop_timer deadline;
	auth_done_fn *done; /* NULL: nobody waits */
	void *user;
};

struct auth *auth_new(struct loop *l, uint32_t timeout_ms)
{
	struct auth *auth = ALLOC_NEW(struct auth);
	auth->loop = l;
	auth->timeout_ms = timeout_ms;
	list_init(&auth->questions);
	return auth;
}

static void free_question(struct nuncio_auth *question)
{
	loop_timer_stop(question->auth->loop, &question->deadline);
	list_remove(&question->node);
	question->magic = 0;
	alloc_free(question);
}

void auth_free(struct auth **auth)
{
	if (!*auth)
		return;
	LIST_EACH_SAFE (&(*auth)->questions, question, struct nuncio_auth, node)
		free_question(question);
	alloc_free(*auth);
	*auth = NULL;
}

void auth_use(struct auth *auth, const struct provider *p)
{
	auth->ops = (struct nuncio_auth_ops){ 0 };
	auth->impl = NULL;
	if (!p)
		return;
	const struct nuncio_auth_ops *ops = p->ops;
	sized_take(&auth->ops, sizeof(auth->ops), ops, ops->size);
	auth->impl = p->impl;
}

bool auth_is_there(const struct auth *auth)
{
	return auth->ops.check != NULL;
}

static bool is_clean(struct nuncio_str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
			return false;
	}
	return s.n <= AUTH_ID_BYTES && utf8_is_valid(s.p, s.n);
}

bool auth_is_user_id(struct nuncio_str id)
{
	return id.n && is_clean(id);
}

bool auth_is_device(struct nuncio_str id)
{
	return is_clean(id);
}

static const char *text_of(int status)
{
	switch (status) {
	case 0:
		return "";
	case NUNCIO_E_EXPIRED:
		return "the token has expired or is not yet valid";
	case NUNCIO_E_BUSY:
		return "too busy to check the token";
	case NUNCIO_E_TIMEOUT:
		return "the token was not checked in time";
	case NUNCIO_E_UNSUPPORTED:
		return "no module checks tokens";
	default:
		return "the token is not valid";
	}
}

/* Answers the one who asked, if there still is one. The question itself stays. */
static void answer(struct nuncio_auth *question, int status, const struct nuncio_claims *claims,
	const char *text)
{
	auth_done_fn *done = question->done;
	question->done = NULL;
	loop_timer_stop(question->auth->loop, &question->deadline);
	if (done)
		done(status, claims, text ? text : text_of(status), question->user);
}

static void on_deadline(struct loop *l, struct loop_timer *timer, void *user)
{
	(void)l;
	(void)timer;
	answer(user, NUNCIO_E_TIMEOUT, NULL, NULL);
}

struct nuncio_auth *auth_check(
	struct auth *auth, struct nuncio_str token, auth_done_fn *done, void *user)
{
	if (!auth->ops.check) {
		done(NUNCIO_E_UNSUPPORTED, NULL, text_of(NUNCIO_E_UNSUPPORTED), user);
		return NULL;
	}
	struct nuncio_auth *question = ALLOC_NEW(struct nuncio_auth);
	struct list marker; /* tells if the question is still there after the call */
	question->magic = QUESTION_MAGIC;
	question->auth = auth;
	question->done = done;
	question->user = user;
	loop_timer_init(&question->deadline, on_deadline, question);
	list_add_first(&auth->questions, &question->node);
	list_add_first(&auth->questions, &marker);
	auth->ops.check(auth->impl, token, question);
	bool is_open = marker.next == &question->node;
	list_remove(&marker);
	if (!is_open)
		return NULL;
	loop_timer_start(auth->loop, &question->deadline, auth->timeout_ms, 0);
	return question;
}

void auth_cancel(struct nuncio_auth **question)
{
	if (!*question)
		return;
	CHECK_MAGIC(*question, QUESTION_MAGIC);
	(*question)->done = NULL;
	loop_timer_stop((*question)->auth->loop, &(*question)->deadline);
	*question = NULL;
}

void nuncio_auth_done(
	struct nuncio_auth **auth, int status, const struct nuncio_claims *claims, const char *text)
{
	struct nuncio_auth *question = *auth;
	struct nuncio_claims own = { .size = sizeof(own) };
	CHECK_MAGIC(question, QUESTION_MAGIC);
	*auth = NULL;
	if (status >= 0) {
		CHECK(claims);
		sized_take(&own, sizeof(own), claims, claims->size);
		status = 0;
	}
	if (status == 0 && (!auth_is_user_id(own.user) || !is_clean(own.device))) {
		status = NUNCIO_E_DENIED;
		text = "the user or device in the token must be 1-64 bytes of UTF-8 without "
		       "control characters";
	}
	answer(question, status, status == 0 ? &own : NULL, status == 0 ? "" : text);
	free_question(question);
}
