/* SPDX-License-Identifier: MIT */
/*
 * Rooms that everybody enters with their login, one conversation each: live sides, and data kept
 * with them. The op live.ask tells what the functions say, live.leave leaves.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <nuncio/hooks.h>
#include <nuncio/metric.h>
#include <nuncio/request.h>
#include <nuncio/session.h>

#define TEXT(text) ((struct nuncio_str){ text, sizeof(text) - 1 })
#define LOBBY TEXT("r:lobby")

static struct nuncio_slot *slot;
static struct nuncio_counter *freed;

static void on_free(void *data)
{
	nuncio_counter_add(freed, 1);
	free(data);
}

static int on_resolve(struct nuncio_str sender, struct nuncio_str value, char *out, size_t size,
	void *user, struct nuncio_error *err)
{
	(void)sender, (void)user, (void)err;
	return snprintf(out, size, "r:%.*s", (int)value.n, value.p);
}

static int32_t on_may_enter(struct nuncio_ask *ask, const struct nuncio_access *what, void *user)
{
	(void)ask, (void)what, (void)user;
	return NUNCIO_PASS;
}

static int on_is_valid(struct nuncio_str conversation, void *user)
{
	(void)user;
	return conversation.n > 2;
}

static void on_audience(
	struct nuncio_str conversation, struct nuncio_audience *audience, void *user)
{
	(void)user;
	nuncio_audience_add_live(audience, conversation);
}

static const struct nuncio_kind kind = { .size = sizeof kind,
	.name = "room",
	.prefix = "r",
	.target = "room",
	.resolve = on_resolve,
	.may_enter = on_may_enter,
	.is_valid = on_is_valid,
	.audience = on_audience };

/* Counts logins with the live side, from the first one on. */
static void on_login(const struct nuncio_login *what, void *user)
{
	struct nuncio_module *self = user;
	int *logins = nuncio_live_get(LOBBY, slot);
	if (nuncio_live_join(self, LOBBY, what->user) < 0)
		abort();
	if (!logins) {
		logins = calloc(1, sizeof *logins);
		if (!logins || nuncio_live_set(LOBBY, slot, logins) < 0)
			abort();
	}
	++*logins;
}

static void on_ask(struct nuncio_request *rq, void *user)
{
	char json[200];
	int *logins = nuncio_live_get(LOBBY, slot), other = 0;
	(void)user;
	int n = snprintf(json, sizeof json,
		"{\"count\":%zu,\"has\":%d,\"logins\":%d,\"absent\":%d,\"set\":\"%s\",\"count_of_none\":%zu}",
		nuncio_live_count(LOBBY), nuncio_live_has(LOBBY, nuncio_request_user(rq)),
		logins ? *logins : -1, nuncio_live_join(user, LOBBY, TEXT("nobody")),
		nuncio_status_name(nuncio_live_set(TEXT("r:none"), slot, &other)),
		nuncio_live_count(TEXT("r:none")));
	nuncio_reply(&rq, 200, (struct nuncio_str){ json, (size_t)n });
}

static void on_leave(struct nuncio_request *rq, void *user)
{
	nuncio_live_leave(user, LOBBY, nuncio_request_user(rq));
	nuncio_reply(&rq, 200, TEXT("{}"));
}

#define COMMAND(OP, FN) \
	{ \
		.size = sizeof(struct nuncio_command), .op = (OP), .help = "Of the test.", \
		.field_size = sizeof(struct nuncio_field), .fn = (FN) \
	}
static const struct nuncio_command commands[] = { COMMAND("live.ask", on_ask),
	COMMAND("live.leave", on_leave) };

static int init(struct nuncio_module *self, struct nuncio_error *err)
{
	(void)err;
	freed = nuncio_counter_new(self, "freed_total", NULL, "Live sides that ended.");
	int rc = nuncio_slot_take(self, NUNCIO_PER_CONVERSATION, on_free, &slot);
	if (rc == 0)
		rc = nuncio_kind_add(self, &kind, NULL);
	if (rc == 0)
		rc = nuncio_hook_did_login(self, NUNCIO_PRIO_NORMAL, on_login, self);
	for (size_t i = 0; rc == 0 && i < 2; i++)
		rc = nuncio_command_add(self, &commands[i], self);
	return rc;
}

NUNCIO_MODULE("api_live", .summary = "live sides of conversations", .init = init)
