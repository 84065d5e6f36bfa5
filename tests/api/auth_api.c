/* SPDX-License-Identifier: MIT */
/* Provides auth: the token is the user, "slow-" in front of it asks a worker first. */
#include <stdlib.h>
#include <string.h>

#include <nuncio/auth.h>
#include <nuncio/json.h>
#include <nuncio/request.h>
#include <nuncio/timer.h>

struct question {
	struct nuncio_auth *auth;
	char user[100];
};

static void answer(struct nuncio_auth *auth, const char *user)
{
	struct nuncio_claims claims = { .size = sizeof(claims),
		.user = { user, strlen(user) },
		.expires_at_ms = nuncio_wall_ms() + 60000 };
	if (strcmp(user, "expired") == 0)
		nuncio_auth_done(&auth, NUNCIO_E_EXPIRED, NULL, NULL);
	else
		nuncio_auth_done(&auth, 0, &claims, NULL);
}

static void on_work(void *user)
{
	struct question *question = user;
	memmove(question->user, question->user + 5, strlen(question->user) - 4);
}

static void on_done(void *user)
{
	struct question *question = user;
	answer(question->auth, question->user);
	free(question);
}

static void check(void *impl, struct nuncio_str token, struct nuncio_auth *auth)
{
	struct question *question = calloc(1, sizeof(*question));
	if (!question)
		abort();
	question->auth = auth;
	memcpy(question->user, token.p,
		token.n < sizeof(question->user) ? token.n : sizeof(question->user) - 1);
	if (strncmp(question->user, "slow-", 5) != 0 ||
		nuncio_work(impl, 1, on_work, on_done, question) < 0)
		on_done(question);
}

static const struct nuncio_auth_ops ops = { .size = sizeof(ops), .check = check };

static void on_me(struct nuncio_request *rq, void *user)
{
	struct nuncio_json *json = nuncio_json_new();
	(void)user;
	nuncio_json_put_text(json, nuncio_request_user(rq));
	nuncio_reply(&rq, 200, nuncio_json_str(json));
	nuncio_json_free(&json);
}

static const struct nuncio_route route = { .size = sizeof(route),
	.method = "GET",
	.path = "/m/auth_api/me",
	.help = "Who am I?",
	.field_size = sizeof(struct nuncio_field),
	.fn = on_me };

static int init(struct nuncio_module *self, struct nuncio_error *err)
{
	int rc = nuncio_provide_auth(self, &ops, self);
	(void)err;
	return rc < 0 ? rc : nuncio_route_add(self, &route, NULL);
}

NUNCIO_MODULE("auth_api", .summary = "believes every token", .init = init)
