/* SPDX-License-Identifier: MIT */
/*
 * Control commands that change something: close, reload, log_level, drain. What they do is done by
 * the parts that do it anyway, for a signal or a module. Logic thread only.
 */
#include <stdlib.h>
#include <string.h>

#include "admin/commands.h"
#include "base/log.h"
#include "base/slice.h"
#include "logic/control.h"
#include "logic/logic.h"
#include "logic/login.h"
#include "logic/request_input.h"
#include "wire/json_out.h"

enum { CLOSE_SIGNED_OUT = 4002 }; /* PROTOCOL.md 1.3: stay away */

/* ---- close ---- */

static void reply_closed(struct nuncio_request *rq, int64_t count)
{
	struct json_out out;
	struct buf *to = &rq->logic->scratch;
	buf_reset(to);
	json_out_init(&out, to);
	json_out_object_begin(&out);
	json_out_key_int(&out, "closed", count);
	json_out_object_end(&out);
	request_reply(&rq, 200, buf_str(to));
}

static int64_t close_one(struct logic *logic, struct session *session, const char *reason)
{
	if (session->state == SESSION_CLOSING)
		return 0;
	login_close(logic, session, CLOSE_SIGNED_OUT, NUNCIO_CODE_denied, reason);
	return 1;
}

/* A session stays until its I/O thread says that it has gone, so the list does, too. */
static int64_t close_user(struct logic *logic, struct nuncio_str name, const char *reason)
{
	const struct user *user = user_find(&logic->users, name);
	int64_t count = 0;
	if (!user)
		return 0;
	LIST_EACH (&user->sessions, s, struct session, of_user)
		count += close_one(logic, s, reason);
	return count;
}

/* As clients know it, from session.ready and device.list: hexadecimal. NULL: there is none. */
static struct session *session_named(struct logic *logic, const char *id)
{
	size_t n = strlen(id);
	if (n < 1 || n > 16 || strspn(id, "0123456789abcdef") != n)
		return NULL;
	return session_find(&logic->sessions, strtoull(id, NULL, 16));
}

static void on_close(struct nuncio_request *rq, void *user)
{
	struct logic *logic = rq->logic;
	struct nuncio_str id = { NULL, 0 }, name = { NULL, 0 },
			  reason = STR("closed by the operator");
	(void)user;
	request_text(rq, "session", &id);
	request_text(rq, "user", &name);
	request_text(rq, "reason", &reason);
	const char *why = arena_str(&rq->arena, reason).p;
	if (!id.n == !name.n) {
		request_error(&rq, NUNCIO_CODE_invalid_field, "give either session or user");
		return;
	}
	if (name.n) {
		reply_closed(rq, close_user(logic, name, why));
		return;
	}
	struct session *session = session_named(logic, arena_str(&rq->arena, id).p);
	if (session)
		reply_closed(rq, close_one(logic, session, why));
	else
		request_error(&rq, NUNCIO_CODE_not_found, "there is no such session");
}

/* ---- reload ---- */

static void on_reload(struct nuncio_request *rq, void *user)
{
	const struct admin_env *env = user;
	struct buf report = { 0 }, data = { 0 };
	struct json_out out;
	int rc = env->reload(env->server, &report);
	struct nuncio_str line, rest = buf_str(&report);
	json_out_init(&out, &data);
	json_out_object_begin(&out);
	json_out_key_bool(&out, "reloaded", rc == 0);
	json_out_key(&out, "report");
	json_out_array_begin(&out);
	while (rest.n) {
		str_cut(rest, '\n', &line, &rest);
		if (line.n)
			json_out_text(&out, line);
	}
	json_out_array_end(&out);
	json_out_object_end(&out);
	request_answer(&rq, rc < 0 ? 400 : 200, rc < 0 ? NUNCIO_CODE_bad_request : NUNCIO_CODE_ok,
		rc < 0 ? STR("nothing was changed, the configuration is wrong") : STR(""),
		buf_str(&data));
	buf_fini(&data);
	buf_fini(&report);
}

/* ---- log-level ---- */

static const char *const level_names[] = { "debug", "info", "warn", "error" };
enum { LEVELS = sizeof level_names / sizeof level_names[0] };

static void on_log_level(struct nuncio_request *rq, void *user)
{
	struct nuncio_str level = { NULL, 0 };
	int at = 0;
	(void)user;
	if (request_text(rq, "level", &level) && level.n) {
		while (at < LEVELS && !str_eq_text(level, level_names[at]))
			at++;
		if (at == LEVELS) {
			request_error(&rq, NUNCIO_CODE_invalid_field,
				"level: must be debug, info, warn or error");
			return;
		}
		log_level_set(LOG_LEVEL_DEBUG + at);
	}
	at = log_level() - LOG_LEVEL_DEBUG;
	struct nuncio_str data = arena_printf(
		&rq->arena, "{\"level\":\"%s\"}", level_names[at < LEVELS ? at : LEVELS - 1]);
	request_reply(&rq, 200, data);
}

/* ---- drain ---- */

static void on_drain(struct nuncio_request *rq, void *user)
{
	const struct admin_env *env = user;
	struct nuncio_str data =
		arena_printf(&rq->arena, "{\"sessions\":%zu}", rq->logic->sessions.ready_count);
	request_reply(&rq, 200, data);
	env->drain(env->server, "drain asked over the control socket");
}

static const struct nuncio_field close_fields[] = {
	{ "session", NUNCIO_FIELD_TEXT, 0, 0, 20, "the id of one" },
	{ "user", NUNCIO_FIELD_TEXT, 0, 0, 64, "all of this user" },
	{ "reason", NUNCIO_FIELD_TEXT, 0, 0, 100, "words for the client" },
	{ 0 },
};
static const struct nuncio_field level_fields[] = {
	{ "level", NUNCIO_FIELD_TEXT, 0, 0, 8, "debug, info, warn or error; none: only tell" },
	{ 0 },
};

const struct nuncio_command steer_commands[] = {
	COMMAND("close", "Closes sessions; the client is told to stay away.", close_fields,
		NUNCIO_CONTROL_CHANGES, on_close),
	COMMAND("reload", "Reads the configuration again, as after SIGHUP.", NULL,
		NUNCIO_CONTROL_CHANGES, on_reload),
	COMMAND("log_level", "Tells or changes the log's level until the next reload.",
		level_fields, NUNCIO_CONTROL_CHANGES, on_log_level),
	COMMAND("drain", "Sends everybody away and stops, as after SIGTERM.", NULL,
		NUNCIO_CONTROL_CHANGES, on_drain),
	{ 0 },
};
