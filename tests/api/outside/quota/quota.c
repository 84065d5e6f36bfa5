/* SPDX-License-Identifier: MIT */
/*
 * Everybody may write so many characters in a while: an op, a route, a may_send that is answered
 * later from a worker, state of each user, a metric, options. In a copy of the module template.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <nuncio/nuncio.h>

struct quota {
	struct nuncio_module *self;
	struct nuncio_slot *used; /* struct used * of each user who is here */
	struct nuncio_counter *refused;
};

struct used {
	int64_t characters, until_ms;
};

static struct used *used_of(struct quota *quota, struct nuncio_session *session)
{
	struct used *used = nuncio_slot_get(session, quota->used);
	if (!used && (used = calloc(1, sizeof *used)) != NULL)
		nuncio_slot_set(session, quota->used, used); /* free() is called for it */
	if (used && nuncio_mono_ms() >= used->until_ms) {
		used->characters = 0;
		used->until_ms = nuncio_mono_ms() + nuncio_conf_int(quota->self, "while");
	}
	return used;
}

/* ---- A message: counted on a worker, judged on the logic thread */

struct message {
	struct quota *quota;
	struct nuncio_ticket *ticket;
	nuncio_sid sender; /* the session may have gone meanwhile, so not a pointer */
	int64_t characters;
	char body[]; /* NUL-ended */
};

static void count(void *user)
{
	struct message *message = user;
	for (const char *p = message->body; *p; p++)
		message->characters += (*p & 0xc0) != 0x80; /* UTF-8: not in the middle of one */
	message->characters -= 2;                           /* the quotes */
}

static void judge(void *user)
{
	struct message *message = user;
	struct nuncio_str unchanged = { NULL, 0 };
	struct nuncio_session *session = nuncio_session_find(message->sender);
	struct used *used = session ? used_of(message->quota, session) : NULL;
	int64_t limit = nuncio_conf_int(message->quota->self, "characters");
	if (used && used->characters + message->characters <= limit) {
		used->characters += message->characters;
		nuncio_resume(&message->ticket, NUNCIO_PASS, 0, NULL, unchanged);
	} else {
		nuncio_counter_add(message->quota->refused, 1);
		nuncio_resume(&message->ticket, NUNCIO_REJECT, NUNCIO_CODE_rate_limited,
			"you have written enough for now", unchanged);
	}
	free(message);
}

static enum nuncio_verdict on_may_send(
	struct nuncio_ask *ask, const struct nuncio_send *what, void *user)
{
	struct quota *quota = user;
	struct nuncio_str body = what->event->body;
	if (!what->session) /* a server, through REST */
		return NUNCIO_PASS;
	struct message *message = calloc(1, sizeof *message + body.n + 1);
	if (!message)
		return nuncio_reject(ask, NUNCIO_CODE_busy, "out of memory");
	message->quota = quota;
	message->sender = nuncio_session_id(what->session);
	memcpy(message->body, body.p, body.n);
	if (nuncio_work(quota->self, message->sender, count, judge, message) < 0) {
		free(message);
		return nuncio_reject(ask, NUNCIO_CODE_busy, "too many messages to count");
	}
	message->ticket = nuncio_defer(ask, 2000, NULL, NULL);
	return NUNCIO_LATER;
}

/* ---- {"op":"quota.left"} and GET /m/quota/left */

static void on_left(struct nuncio_request *rq, void *user)
{
	struct quota *quota = user;
	struct nuncio_session *session = nuncio_request_session(rq);
	if (!session) /* over HTTP: any session of the same user has the user's slot */
		session = nuncio_session_find(nuncio_user_next_session(nuncio_request_user(rq), 0));
	struct used *used = session ? used_of(quota, session) : NULL;
	int64_t left = nuncio_conf_int(quota->self, "characters") - (used ? used->characters : 0);
	char text[40];
	int n = snprintf(text, sizeof text, "{\"left\":%" PRId64 "}", left);
	nuncio_reply(&rq, 200, (struct nuncio_str){ text, (size_t)n });
}

static const struct nuncio_command left_op = {
	.size = sizeof left_op, .op = "quota.left", .help = "How much may I write?", .fn = on_left
};
static const struct nuncio_route left_route = { .size = sizeof left_route,
	.method = "GET",
	.path = "/m/quota/left",
	.help = "How much may I write?",
	.fn = on_left };

static int quota_init(struct nuncio_module *self, struct nuncio_error *err)
{
	struct quota *quota = calloc(1, sizeof *quota);
	(void)err;
	if (!quota)
		return NUNCIO_E_FAIL;
	quota->self = self;
	quota->refused = nuncio_counter_new(self, "refused_total", NULL, "Messages refused.");
	nuncio_module_set_data(self, quota);
	int rc = nuncio_slot_take(self, NUNCIO_PER_USER, free, &quota->used);
	if (rc == 0)
		rc = nuncio_hook_may_send(self, NUNCIO_PRIO_GUARD, on_may_send, quota);
	if (rc == 0)
		rc = nuncio_command_add(self, &left_op, quota);
	if (rc == 0)
		rc = nuncio_route_add(self, &left_route, quota);
	if (rc < 0)
		free(quota); /* there is no fini after a failed init */
	return rc;
}

static void quota_fini(struct nuncio_module *self)
{
	free(nuncio_module_data(self));
}

static const struct nuncio_option options[] = {
	{ "characters", NUNCIO_OPT_INT, NUNCIO_OPT_LIVE, "10000", 1, 1000000, NULL, "So many ..." },
	{ "while", NUNCIO_OPT_MSEC, NUNCIO_OPT_LIVE, "1h", 1000, 86400000, NULL, "... so long." },
	{ 0 },
};

NUNCIO_MODULE("quota", .version = "1.0", .summary = "Limits what everybody may write.",
	.options = options, .init = quota_init, .fini = quota_fini)
