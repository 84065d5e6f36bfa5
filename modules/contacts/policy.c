/* SPDX-License-Identifier: MIT */
/* Who may write to me: everyone, contacts, nobody. One record per user who has chosen. */
#include "contacts.h"

#include <nuncio/codes.h>
#include <nuncio/session.h>

#include <stdlib.h>

struct setting {
	struct contacts *c;
	struct nuncio_request *rq;
	nuncio_sid session;
	uint32_t policy;
	char me[USER_BYTES + 1];
};

static struct nuncio_json *write_policy(uint32_t policy)
{
	struct nuncio_json *json = nuncio_json_new();
	nuncio_json_object_begin(json);
	nuncio_json_key(json, "messages");
	nuncio_json_put_text(json, nuncio_text(policy_words[policy]));
	nuncio_json_object_end(json);
	return json;
}

static struct setting *setting_new(struct nuncio_request *rq, struct contacts *c)
{
	struct setting *s = nuncio_alloc(sizeof *s);
	struct nuncio_session *session = nuncio_request_session(rq);
	s->c = c;
	s->rq = rq;
	s->session = session ? nuncio_session_id(session) : 0;
	nuncio_text_copy(nuncio_request_user(rq), s->me, sizeof s->me);
	return s;
}

/* ---- get ---- */

static void on_read(int status, uint32_t policy, void *user)
{
	struct setting *s = user;
	if (status < 0) {
		nuncio_reply_store_status(&s->rq, status);
	} else {
		struct nuncio_json *json = write_policy(policy);
		nuncio_reply(&s->rq, 200, nuncio_json_str(json));
		nuncio_json_free(&json);
	}
	free(s);
}

void on_policy_get(struct nuncio_request *rq, void *user)
{
	struct contacts *c = user;
	struct setting *s = setting_new(rq, c);
	relations_ask_policy(c->relations, nuncio_text(s->me), on_read, s);
}

/* ---- set ---- */

static void on_written(int status, void *user)
{
	struct setting *s = user;
	if (status < 0) {
		nuncio_reply_store_status(&s->rq, status);
	} else {
		struct nuncio_json *json = write_policy(s->policy);
		relations_forget_policy(s->c->relations, nuncio_text(s->me));
		nuncio_user_notify(
			nuncio_text(s->me), "contact.policy", nuncio_json_str(json), s->session);
		nuncio_reply(&s->rq, 200, nuncio_json_str(json));
		nuncio_json_free(&json);
	}
	free(s);
}

static int read_word(struct nuncio_request *rq, uint32_t *policy_r)
{
	struct nuncio_str word = { "", 0 };
	nuncio_request_text(rq, "messages", &word);
	for (uint32_t i = 0; i < 3; i++)
		if (nuncio_text_same(word, nuncio_text(policy_words[i]))) {
			*policy_r = i;
			return 0;
		}
	return -1;
}

void on_policy_set(struct nuncio_request *rq, void *user)
{
	struct contacts *c = user;
	uint32_t policy;
	if (read_word(rq, &policy) < 0) {
		nuncio_reply_error(&rq, NUNCIO_CODE_invalid_field,
			"messages: must be everyone, contacts or nobody");
		return;
	}
	struct setting *s = setting_new(rq, c);
	struct nuncio_json *json = write_policy(policy);
	s->policy = policy;
	const struct nuncio_record_write write = {
		.size = sizeof write,
		.flags = NUNCIO_WRITE_SYNCED,
		.space = nuncio_text(SPACE_POLICY),
		.owner = nuncio_text(s->me),
		.key = { "", 0 },
		.value = nuncio_json_str(json),
		.expect = NUNCIO_EXPECT_ANY,
	};
	int rc = nuncio_store_write(c->self, &write, 1, on_written, s);
	nuncio_json_free(&json);
	if (rc < 0)
		on_written(rc, s);
}
