/* SPDX-License-Identifier: MIT */
/*
 * Who may write to me, and who may see whether and when I am there: everyone, contacts, nobody. One
 * record per user who has chosen. A change names what it changes; two devices at once do not lose
 * each other's, because the record is written only if nobody has written it since it was read.
 */
#include "contacts.h"

#include <nuncio/codes.h>
#include <nuncio/session.h>

#include <stdlib.h>

struct setting {
	struct contacts *c;
	struct nuncio_request *rq;
	nuncio_sid session;
	uint32_t policies;
	unsigned tries;
	int is_named[POLICY_THINGS];
	uint32_t wanted[POLICY_THINGS];
	char me[USER_BYTES + 1];
};

static struct nuncio_json *write_policies(uint32_t policies)
{
	struct nuncio_json *json = nuncio_json_new();
	nuncio_json_object_begin(json);
	for (int thing = 0; thing < POLICY_THINGS; thing++) {
		nuncio_json_key(json, policy_names[thing]);
		nuncio_json_put_text(json, nuncio_text(policy_words[POLICY_OF(policies, thing)]));
	}
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

static void setting_fail(struct setting *s, int status)
{
	nuncio_reply_store_status(&s->rq, status);
	free(s);
}

/* ---- get ---- */

static void on_read(int status, uint32_t policies, void *user)
{
	struct setting *s = user;
	if (status < 0) {
		setting_fail(s, status);
		return;
	}
	struct nuncio_json *json = write_policies(policies);
	nuncio_reply(&s->rq, 200, nuncio_json_str(json));
	nuncio_json_free(&json);
	free(s);
}

void on_policy_get(struct nuncio_request *rq, void *user)
{
	struct contacts *c = user;
	struct setting *s = setting_new(rq, c);
	relations_ask_policy(c->relations, nuncio_text(s->me), on_read, s);
}

/* ---- set ---- */

static void read_record(struct setting *s);

static void on_written(int status, void *user)
{
	struct setting *s = user;
	bool is_beaten = status == NUNCIO_E_CONFLICT || status == NUNCIO_E_EXISTS;
	if (is_beaten && ++s->tries < TRIES_MAX) {
		read_record(s);
		return;
	}
	if (status < 0) {
		setting_fail(s, status);
		return;
	}
	struct nuncio_json *json = write_policies(s->policies);
	relations_forget_policy(s->c->relations, nuncio_text(s->me));
	nuncio_user_notify(nuncio_text(s->me), "contact.policy", nuncio_json_str(json), s->session);
	nuncio_reply(&s->rq, 200, nuncio_json_str(json));
	nuncio_json_free(&json);
	free(s);
}

static void write_record(struct setting *s, int64_t expect)
{
	struct nuncio_json *json = write_policies(s->policies);
	const struct nuncio_record_write write = {
		.size = sizeof write,
		.flags = NUNCIO_WRITE_SYNCED,
		.space = nuncio_text(SPACE_POLICY),
		.owner = nuncio_text(s->me),
		.key = { "", 0 },
		.value = nuncio_json_str(json),
		.expect = expect,
	};
	int rc = nuncio_store_write(s->c->self, &write, 1, on_written, s);
	nuncio_json_free(&json);
	if (rc < 0)
		setting_fail(s, rc);
}

static void on_record(int status, const struct nuncio_record *rows, size_t n, int more, void *user)
{
	struct setting *s = user;
	const struct nuncio_str none = { NULL, 0 };
	bool is_there = status == 0 && n == 1;
	(void)more;
	if (status < 0 && status != NUNCIO_E_NOTFOUND) {
		setting_fail(s, status);
		return;
	}
	s->policies = policies_of(is_there ? rows->value : none, policies_default(s->c));
	for (int thing = 0; thing < POLICY_THINGS; thing++)
		if (s->is_named[thing])
			s->policies = POLICY_SET(s->policies, thing, s->wanted[thing]);
	write_record(s, is_there ? (int64_t)rows->version : NUNCIO_EXPECT_ABSENT);
}

static void read_record(struct setting *s)
{
	const struct nuncio_str none = { "", 0 };
	int rc = nuncio_store_get(
		s->c->self, nuncio_text(SPACE_POLICY), nuncio_text(s->me), none, on_record, s);
	if (rc < 0)
		setting_fail(s, rc);
}

/* The words were checked against their declaration. How many are named. */
static int read_words(struct setting *s)
{
	int named = 0;
	for (int thing = 0; thing < POLICY_THINGS; thing++) {
		struct nuncio_str word;
		if (!nuncio_request_text(s->rq, policy_names[thing], &word))
			continue;
		named += s->is_named[thing] = 1;
		for (uint32_t i = 0; i < 3; i++)
			if (nuncio_text_same(word, nuncio_text(policy_words[i])))
				s->wanted[thing] = i;
	}
	return named;
}

void on_policy_set(struct nuncio_request *rq, void *user)
{
	struct setting *s = setting_new(rq, user);
	if (read_words(s) > 0) {
		read_record(s);
		return;
	}
	nuncio_reply_error(&s->rq, NUNCIO_CODE_invalid_field,
		"at least one of messages, presence must be given");
	free(s);
}
