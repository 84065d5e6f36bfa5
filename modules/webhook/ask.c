/* SPDX-License-Identifier: MIT */
/*
 * Asks an endpoint whether a message may be sent, or edited: one POST, answered
 * {"allow":true|false,"message":"why not","body":new body}. While it waits, only the sender's next
 * packets wait with it. When the endpoint fails, is too slow, or answers nonsense, the option
 * ask_failure says what becomes of the message; after several failures in a row it is not asked for
 * a while.
 */
#include "webhook.h"

#include <nuncio/codes.h>

#include <stdlib.h>
#include <string.h>

enum { GRACE_MS = 1000, WORDS_BYTES = 200 };

struct asking {
	struct webhook *w;
	uint32_t count; /* under way */
};

struct question {
	struct asking *asking;
	struct nuncio_ticket *ticket;
};

struct asking *asking_new(struct webhook *w)
{
	struct asking *asking = nuncio_alloc(sizeof *asking);
	asking->w = w;
	return asking;
}

void asking_free(struct asking **asking)
{
	free(*asking);
	*asking = NULL;
}

/* ---- the answer ---- */

static void resume(struct question *q, enum nuncio_verdict verdict, int code, const char *text,
	struct nuncio_str body)
{
	nuncio_resume(&q->ticket, verdict, code, text, body);
	q->asking->count--;
	free(q);
}

static void resume_failed(struct question *q)
{
	const struct nuncio_str none = { NULL, 0 };
	if (q->asking->w->ask_fails_open)
		resume(q, NUNCIO_PASS, 0, NULL, none);
	else
		resume(q, NUNCIO_REJECT, NUNCIO_CODE_unavailable,
			"messages cannot be checked now, try again later", none);
}

struct answer {
	bool is_good, allow;
	char words[WORDS_BYTES + 1];
	struct nuncio_str body; /* p NULL: as it was */
};

static struct answer read_answer(const struct post *post)
{
	static const char refused[] = "refused";
	struct answer answer = { .words = "refused", .body = { NULL, 0 } };
	struct nuncio_str text = { post->answer, post->answer_bytes }, value;
	if (post->status < 200 || post->status > 299 || !text.n ||
		nuncio_json_check(text, NULL) < 0 || nuncio_json_type(text) != NUNCIO_JSON_OBJECT ||
		!nuncio_json_get(text, "allow", &value) ||
		nuncio_json_type(value) != NUNCIO_JSON_BOOL)
		return answer;
	answer.is_good = true;
	answer.allow = value.p[0] == 't';
	if (nuncio_json_get(text, "message", &value) &&
		nuncio_json_text(value, answer.words, sizeof answer.words) <= 0)
		memcpy(answer.words, refused, sizeof refused);
	nuncio_json_get(text, "body", &answer.body);
	return answer;
}

static void on_answered(struct post *post)
{
	struct question *q = post->user;
	struct webhook *w = q->asking->w;
	struct answer answer = read_answer(post);
	breaker_note(&w->breaker, answer.is_good, nuncio_mono_ms());
	if (!answer.is_good) {
		nuncio_counter_add(w->count.ask_failed, 1);
		resume_failed(q);
	} else if (answer.allow) {
		resume(q, NUNCIO_PASS, 0, NULL, answer.body);
	} else {
		resume(q, NUNCIO_REJECT, NUNCIO_CODE_denied, answer.words,
			(struct nuncio_str){ NULL, 0 });
	}
	post_free(&post);
}

/* ---- the question ---- */

static struct post *write_question(
	struct webhook *w, const char *question, const struct nuncio_event *event)
{
	struct post *post = post_new();
	struct nuncio_json *json = nuncio_json_new();
	nuncio_json_object_begin(json);
	nuncio_json_key(json, "ask");
	nuncio_json_put_text(json, nuncio_text(question));
	nuncio_json_key(json, "event");
	nuncio_event_write(json, event);
	nuncio_json_object_end(json);
	struct nuncio_str text = nuncio_json_str(json);
	post->url = w->ask_url;
	post->body = nuncio_alloc(text.n + 1);
	memcpy(post->body, text.p, text.n);
	post->body_bytes = text.n;
	post->timeout_ms = (long)w->ask_timeout_ms;
	post->wants_answer = true;
	sign_write(w->keys, nuncio_wall_ms() / 1000, text, post->signature);
	nuncio_json_free(&json);
	return post;
}

static enum nuncio_verdict unasked(struct webhook *w, struct nuncio_ask *ask)
{
	nuncio_counter_add(w->count.ask_skipped, 1);
	return w->ask_fails_open ? NUNCIO_PASS
				 : nuncio_reject(ask, NUNCIO_CODE_unavailable,
					   "messages cannot be checked now, try again later");
}

static enum nuncio_verdict ask_about(struct webhook *w, struct nuncio_ask *ask,
	const char *question, const struct nuncio_event *event)
{
	struct asking *asking = w->asking;
	if (asking->count >= w->max_asks || w->is_stopping ||
		!breaker_lets(&w->breaker, nuncio_mono_ms()))
		return unasked(w, ask);
	struct post *post = write_question(w, question, event);
	struct question *q = nuncio_alloc(sizeof *q);
	post->done = on_answered;
	post->user = q;
	q->asking = asking;
	/* The post has the shorter time, so it is nearly always the one that ends first. */
	q->ticket = nuncio_defer(ask, (uint32_t)w->ask_timeout_ms + GRACE_MS, NULL, NULL);
	asking->count++;
	nuncio_counter_add(w->count.asked, 1);
	if (sender_post(w->sender, post) < 0) {
		resume_failed(q);
		post_free(&post);
	}
	return NUNCIO_LATER;
}

enum nuncio_verdict asking_on_send(
	struct nuncio_ask *ask, const struct nuncio_send *what, void *user)
{
	return ask_about(user, ask, "may_send", what->event);
}

enum nuncio_verdict asking_on_edit(
	struct nuncio_ask *ask, const struct nuncio_send *what, void *user)
{
	return ask_about(user, ask, "may_edit", what->event);
}
