/* SPDX-License-Identifier: MIT */
/*
 * Greets who asks for it, and keeps shouting out of conversations: an op, a rule about messages, an
 * option and a little state. Everything here runs on the logic thread, so nothing is locked, and
 * nothing may block.
 */
#include <stdlib.h>
#include <string.h>

#include <nuncio/nuncio.h>

struct greeter {
	struct nuncio_module *self;
	struct nuncio_slot *greeted; /* int64_t * of each session: when it was greeted last */
};

/* ---- {"op":"greeter.hello","data":{"name":"Bob"}} */

static int was_greeted_just_now(struct greeter *greeter, struct nuncio_session *session)
{
	int64_t *last_ms = nuncio_slot_get(session, greeter->greeted);
	int64_t now_ms = nuncio_mono_ms();
	if (last_ms && now_ms - *last_ms < nuncio_conf_int(greeter->self, "pause"))
		return 1;
	if (!last_ms && (last_ms = malloc(sizeof *last_ms)) != NULL)
		nuncio_slot_set(session, greeter->greeted, last_ms); /* free() is called for it */
	if (last_ms)
		*last_ms = now_ms;
	return 0;
}

static void on_hello(struct nuncio_request *rq, void *user)
{
	struct greeter *greeter = user;
	struct nuncio_session *session = nuncio_request_session(rq);
	struct nuncio_str name = nuncio_request_user(rq);
	if (session && was_greeted_just_now(greeter, session)) {
		nuncio_reply_error(&rq, NUNCIO_CODE_rate_limited, "you were greeted just now");
		return;
	}
	nuncio_request_text(rq, "name", &name);
	nuncio_log_request(greeter->self, rq, NUNCIO_INFO, "greeting %.*s", (int)name.n, name.p);
	struct nuncio_json *json = nuncio_json_new();
	nuncio_json_object_begin(json);
	nuncio_json_key(json, "hello");
	nuncio_json_put_text(json, name);
	nuncio_json_object_end(json);
	nuncio_reply(&rq, 200, nuncio_json_str(json));
	nuncio_json_free(&json);
}

static const struct nuncio_field hello_fields[] = {
	{ "name", NUNCIO_FIELD_TEXT, 0, 1, 64, "who is greeted; the caller if not given", NULL },
	{ 0 },
};

static const struct nuncio_command hello = {
	.size = sizeof hello,
	.op = "greeter.hello",
	.help = "Says hello.",
	.fields = hello_fields,
	.field_size = sizeof hello_fields[0],
	.fn = on_hello,
	.answer = "{hello: text}",
	.errors = "rate_limited", /* what it refuses with, beside what every op may */
};

/* ---- Messages that end with !!! are refused */

static enum nuncio_verdict on_may_send(
	struct nuncio_ask *ask, const struct nuncio_send *what, void *user)
{
	struct nuncio_str body = what->event->body; /* JSON: a text with its quotes */
	(void)user;
	if (body.n >= 5 && memcmp(body.p + body.n - 4, "!!!\"", 4) == 0)
		return nuncio_reject(ask, NUNCIO_CODE_denied, "please do not shout");
	return NUNCIO_PASS;
}

/* ---- Life */

static int greeter_init(struct nuncio_module *self, struct nuncio_error *err)
{
	struct greeter *greeter = calloc(1, sizeof *greeter);
	if (!greeter) {
		nuncio_error_set(err, "out of memory");
		return NUNCIO_E_FAIL;
	}
	greeter->self = self;
	nuncio_module_set_data(self, greeter);
	int rc = nuncio_slot_take(self, NUNCIO_PER_SESSION, free, &greeter->greeted);
	if (rc == 0)
		rc = nuncio_command_add(self, &hello, greeter);
	if (rc == 0)
		rc = nuncio_hook_may_send(self, NUNCIO_PRIO_GUARD, on_may_send, greeter);
	if (rc < 0)
		free(greeter); /* there is no fini after a failed init */
	return rc;
}

static void greeter_fini(struct nuncio_module *self)
{
	free(nuncio_module_data(self));
}

static const struct nuncio_option options[] = {
	{ "pause", NUNCIO_OPT_MSEC, NUNCIO_OPT_LIVE, "10s", 0, 3600000, NULL,
		"How long a client waits for its next greeting." },
	{ 0 },
};

NUNCIO_MODULE("greeter", .version = "1.0", .summary = "Greets, and refuses shouting.",
	.options = options, .init = greeter_init, .fini = greeter_fini)
