/* SPDX-License-Identifier: MIT */
/*
 * Control commands: one answered at once, one by a worker, one never, one that takes longer than
 * any request may.
 */
#include <stdlib.h>
#include <string.h>

#include <nuncio/control.h>
#include <nuncio/timer.h>

#define TEXT(literal) ((struct nuncio_str){ literal, sizeof(literal) - 1 })

static void on_now(struct nuncio_request *rq, void *user)
{
	struct nuncio_str word = { NULL, 0 };
	(void)user;
	if (nuncio_request_session(rq) || nuncio_request_is_http(rq) || nuncio_request_user(rq).n ||
		nuncio_request_address(rq).n)
		nuncio_reply_error(&rq, NUNCIO_CODE_internal, "that is no control command");
	else if (nuncio_request_text(rq, "word", &word) && word.n == 3)
		nuncio_reply(&rq, 200, TEXT("{\"word\":\"three letters\"}"));
	else
		nuncio_reply_error(&rq, NUNCIO_CODE_conflict, "word: has not three letters");
}

static void on_work(void *user)
{
	(void)user;
}

static void on_done(void *user)
{
	struct nuncio_request *rq = user;
	nuncio_reply_status(&rq, NUNCIO_E_BUSY);
}

static void on_later(struct nuncio_request *rq, void *user)
{
	if (nuncio_work(user, 1, on_work, on_done, rq) < 0)
		on_done(rq);
}

static void on_never(struct nuncio_request *rq, void *user)
{
	(void)rq, (void)user;
}

static void on_timer(void *user)
{
	struct nuncio_request *rq = user;
	nuncio_reply(&rq, 200, TEXT("{\"took\":\"its time\"}"));
}

static void on_slow(struct nuncio_request *rq, void *user)
{
	nuncio_timer_start(user, 2500, 0, on_timer, rq);
}

static const struct nuncio_field now_fields[] = {
	{ "word", NUNCIO_FIELD_TEXT, NUNCIO_FIELD_REQUIRED, 1, 10, "any word" },
	{ 0 },
};

#define COMMAND(OP, FIELDS, FLAGS, FN) \
	{ \
		.size = sizeof(struct nuncio_command), .op = (OP), .help = "A test.", \
		.fields = (FIELDS), .field_size = sizeof(struct nuncio_field), .flags = (FLAGS), \
		.fn = (FN) \
	}
static const struct nuncio_command commands[] = {
	COMMAND("api_control.now", now_fields, NUNCIO_CONTROL_CHANGES, on_now),
	COMMAND("api_control.later", NULL, 0, on_later),
	COMMAND("api_control.never", NULL, 0, on_never),
	COMMAND("api_control.slow", NULL, NUNCIO_CONTROL_SLOW, on_slow),
};

static int init(struct nuncio_module *self, struct nuncio_error *err)
{
	int rc = 0;
	(void)err;
	for (size_t i = 0; rc == 0 && i < sizeof commands / sizeof commands[0]; i++)
		rc = nuncio_control_add(self, &commands[i], self);
	return rc;
}

NUNCIO_MODULE("api_control", .summary = "control commands", .init = init)
