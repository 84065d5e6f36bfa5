/* SPDX-License-Identifier: MIT */
/*
 * Control commands that only look: status, modules, hooks, sessions, config, commands. Each writes
 * one JSON object: plain members, and at most one list of objects with equal members, which is what
 * nuncioctl makes a table of. A walk over sessions looks at SESSION_PAGE of them, then the asker
 * asks again, so that a million of them hold up nobody. Logic thread only.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "admin/commands.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/slice.h"
#include "config.h"
#include "hook/hook_table.h"
#include "logic/control.h"
#include "logic/fields.h"
#include "logic/logic.h"
#include "logic/request_input.h"
#include "module/module.h"
#include "provide/ready.h"
#include "provide/store.h"
#include "wire/json_out.h"

enum { SESSION_PAGE = 500 };

struct report {
	struct nuncio_request *rq;
	const struct admin_env *env;
	struct buf text;
	struct json_out out;
	struct nuncio_str only; /* of a filter; empty: all */
};

static void begin(struct report *r, struct nuncio_request *rq, void *user)
{
	*r = (struct report){ .rq = rq, .env = user };
	json_out_init(&r->out, &r->text);
	json_out_object_begin(&r->out);
}

static void end(struct report *r)
{
	json_out_object_end(&r->out);
	request_reply(&r->rq, 200, buf_str(&r->text));
	buf_fini(&r->text);
}

static void list_begin(struct report *r, const char *name)
{
	json_out_key(&r->out, name);
	json_out_array_begin(&r->out);
}

static void key_time(struct json_out *out, const char *key, int64_t wall_ms)
{
	char text[CLOCK_RFC3339_SIZE];
	clock_format_rfc3339(wall_ms, text);
	json_out_key_cstr(out, key, text);
}

/* ---- status ---- */

static int64_t resident_bytes(void)
{
	long long size, resident = 0;
	FILE *file = fopen("/proc/self/statm", "re");
	if (!file)
		return 0;
	if (fscanf(file, "%lld %lld", &size, &resident) != 2)
		resident = 0;
	fclose(file);
	return resident * sysconf(_SC_PAGESIZE);
}

static void see_ready(const struct ready_report *report, void *user)
{
	bool *is_ready = user;
	*is_ready = *is_ready && report->is_ready;
}

static void on_status(struct nuncio_request *rq, void *user)
{
	struct report r;
	bool is_ready = true;
	begin(&r, rq, user);
	const struct logic *logic = r.env->logic;
	json_out_key_cstr(&r.out, "version", PACKAGE_VERSION);
	json_out_key_cstr(&r.out, "node", logic->settings.node);
	json_out_key_cstr(&r.out, "state", logic->is_draining ? "draining" : "running");
	ready_each(logic->parts.ready, see_ready, &is_ready);
	json_out_key_bool(&r.out, "ready", is_ready && !logic->is_draining);
	json_out_key_int(&r.out, "pid", getpid());
	key_time(&r.out, "started_at", r.env->started_ms);
	json_out_key_int(&r.out, "uptime_ms", clock_wall_ms() - r.env->started_ms);
	json_out_key_cstr(&r.out, "config", r.env->config);
	json_out_key_uint(&r.out, "modules", modules_count(r.env->modules));
	r.env->write_io(r.env->server, &r.out);
	json_out_key_uint(&r.out, "sessions", logic->sessions.ready_count);
	json_out_key_uint(&r.out, "users", users_count(&logic->users));
	json_out_key_uint(&r.out, "requests_waiting", logic->requests.count);
	json_out_key_uint(&r.out, "questions_parked", r.env->hooks->parked_count);
	json_out_key_uint(&r.out, "inbox_waiting", mailbox_count(&logic->inbox));
	json_out_key_bool(&r.out, "store_open", store_is_open(logic->parts.store));
	json_out_key_uint(&r.out, "store_jobs", store_job_count(logic->parts.store));
	json_out_key_int(&r.out, "memory_bytes", resident_bytes());
	json_out_key_uint(&r.out, "log_lines_dropped", log_dropped_total());
	end(&r);
}

/* ---- modules and hooks ---- */

/* Of all calls since the start. A quantile is the end of its bucket: up to a half too high. */
static void cost(struct json_out *out, const struct callback_stats *stats)
{
	json_out_key_uint(out, "calls", stats->calls);
	json_out_key_int(out, "p50_ns", callback_quantile_ns(stats, 0.5));
	json_out_key_int(out, "p99_ns", callback_quantile_ns(stats, 0.99));
	json_out_key_int(out, "max_ns", stats->longest_ns);
	json_out_key_int(out, "total_ns", stats->total_ns);
	json_out_key_uint(out, "slow", stats->slow_calls);
	json_out_key_uint(out, "timeouts", stats->timeouts);
}

static void module_row(const struct module_report *m, void *user)
{
	struct report *r = user;
	if (r->only.n && !str_eq_text(r->only, m->name))
		return;
	json_out_object_begin(&r->out);
	json_out_key_cstr(&r->out, "module", m->name);
	json_out_key_cstr(&r->out, "version", m->version);
	json_out_key_cstr(&r->out, "stage", m->stage);
	json_out_key_bool(&r->out, "ready", m->is_ready);
	cost(&r->out, &m->stats);
	json_out_key_uint(&r->out, "errors", m->errors);
	json_out_key_uint(&r->out, "timers", m->timers);
	json_out_key_uint(&r->out, "tickets", m->tickets);
	json_out_key_uint(&r->out, "work", m->work);
	json_out_key_uint(&r->out, "owned", m->owned);
	json_out_object_end(&r->out);
}

static void on_modules(struct nuncio_request *rq, void *user)
{
	struct report r;
	begin(&r, rq, user);
	list_begin(&r, "modules");
	request_text(rq, "module", &r.only);
	modules_each(r.env->modules, module_row, &r);
	json_out_array_end(&r.out);
	end(&r);
}

static void hook_row(enum nuncio_hook hook, const struct hook_handler *handler, void *user)
{
	struct report *r = user;
	const struct callback *cb = &handler->stats;
	json_out_object_begin(&r->out);
	json_out_key_cstr(&r->out, "hook", hook_name(hook));
	json_out_key_int(&r->out, "priority", handler->priority);
	json_out_key_cstr(&r->out, "module", cb->module);
	cost(&r->out, &cb->stats);
	json_out_key_uint(&r->out, "errors", cb->stats.errors);
	json_out_object_end(&r->out);
}

static void on_hooks(struct nuncio_request *rq, void *user)
{
	struct report r;
	begin(&r, rq, user);
	list_begin(&r, "hooks");
	hook_table_each(r.env->hooks, hook_row, &r);
	json_out_array_end(&r.out);
	end(&r);
}

static void callback_row(const struct callback *cb, void *user)
{
	struct report *r = user;
	if ((r->only.n && !str_eq_text(r->only, cb->module)) || (!r->only.n && !cb->stats.calls))
		return;
	json_out_object_begin(&r->out);
	json_out_key_cstr(&r->out, "module", cb->module);
	json_out_key_cstr(&r->out, "kind", callback_kind_name(cb->kind));
	json_out_key_cstr(&r->out, "callback", cb->what);
	cost(&r->out, &cb->stats);
	json_out_key_uint(&r->out, "errors", cb->stats.errors);
	json_out_object_end(&r->out);
}

static void on_callbacks(struct nuncio_request *rq, void *user)
{
	struct report r;
	begin(&r, rq, user);
	list_begin(&r, "callbacks");
	request_text(rq, "module", &r.only);
	modules_each_callback(r.env->modules, callback_row, &r);
	json_out_array_end(&r.out);
	end(&r);
}

/* ---- sessions ---- */

static const char *state_name(const struct session *session)
{
	static const char *const names[] = { "", "asked", "opening", "proving", "ready",
		"closing" };
	return names[session->state];
}

static void session_row(struct report *r, const struct session *session)
{
	char address[46], id[17];
	snprintf(id, sizeof id, "%" PRIx64, session->id); /* as in session.ready */
	json_out_object_begin(&r->out);
	json_out_key_cstr(&r->out, "session", id);
	json_out_key_text(&r->out, "user", session_user_name(session));
	json_out_key_text(&r->out, "device", session_device(session));
	json_out_key_text(&r->out, "address", session_address(session, address));
	json_out_key_int(&r->out, "port", session->port);
	json_out_key_cstr(&r->out, "state", state_name(session));
	json_out_key(&r->out, "since");
	if (session->since_ms) {
		char since[CLOCK_RFC3339_SIZE];
		clock_format_rfc3339(session->since_ms, since);
		json_out_cstr(&r->out, since);
	} else {
		json_out_null(&r->out);
	}
	json_out_object_end(&r->out);
}

static void user_sessions(struct report *r)
{
	const struct user *u = user_find(&r->env->logic->users, r->only);
	if (!u)
		return;
	LIST_EACH (&u->sessions, s, const struct session, of_user)
		session_row(r, s);
}

/* One page; returns where the next one begins, 0 at the end. */
static uint64_t page_of_sessions(struct report *r, uint64_t place)
{
	const struct session *session;
	for (int n = 0; n < SESSION_PAGE; n++) {
		session = session_walk(&r->env->logic->sessions, &place);
		if (!session)
			return 0;
		session_row(r, session);
	}
	return place;
}

static void on_sessions(struct nuncio_request *rq, void *user)
{
	struct report r;
	struct nuncio_str after = { NULL, 0 };
	uint64_t place = 0;
	request_text(rq, "after", &after);
	if (after.n && str_to_u64(after, &place) < 0) {
		request_error(&rq, NUNCIO_CODE_invalid_field, "after: is no place");
		return;
	}
	begin(&r, rq, user);
	list_begin(&r, "sessions");
	if (request_text(rq, "user", &r.only) && r.only.n)
		user_sessions(&r);
	else
		place = page_of_sessions(&r, place);
	json_out_array_end(&r.out);
	if (!r.only.n && place)
		json_out_key_id(&r.out, "next", place);
	end(&r);
}

/* ---- config and commands ---- */

static void option_row(const struct option_view *view, void *user)
{
	struct report *r = user;
	char origin[4200];
	if (r->only.n && !str_eq_text(r->only, view->section))
		return;
	snprintf(origin, sizeof origin, "%s:%d", view->file ? view->file : "", view->line);
	json_out_object_begin(&r->out);
	json_out_key_cstr(&r->out, "section", view->section);
	json_out_key_cstr(&r->out, "key", view->key);
	json_out_key_cstr(&r->out, "value", view->value);
	json_out_key_cstr(&r->out, "origin", view->file ? origin : "default");
	json_out_key_bool(&r->out, "live", view->is_live);
	json_out_object_end(&r->out);
}

static void on_config(struct nuncio_request *rq, void *user)
{
	struct report r;
	begin(&r, rq, user);
	list_begin(&r, "options");
	request_text(rq, "section", &r.only);
	modules_each_option(r.env->modules, option_row, &r);
	json_out_array_end(&r.out);
	end(&r);
}

static const char *field_type(uint32_t type)
{
	static const char *const names[] = { "any", "text", "int", "bool", "object", "texts",
		"any" };
	return type < sizeof names / sizeof names[0] ? names[type] : "any";
}

static void field_row(struct json_out *out, const struct nuncio_field *field)
{
	json_out_object_begin(out);
	json_out_key_cstr(out, "name", field->name);
	json_out_key_cstr(out, "type", field_type(field->type));
	json_out_key_bool(out, "required", field->flags & NUNCIO_FIELD_REQUIRED);
	json_out_key_bool(out, "secret", field->flags & NUNCIO_FIELD_SECRET);
	json_out_key_cstr(out, "help", field->help ? field->help : "");
	json_out_object_end(out);
}

static void command_row(const struct op *op, void *user)
{
	struct report *r = user;
	struct nuncio_field field;
	size_t at = 0;
	json_out_object_begin(&r->out);
	json_out_key_cstr(&r->out, "command", op->command.op);
	json_out_key_cstr(&r->out, "module", op->owner);
	json_out_key_bool(&r->out, "slow", op->command.flags & NUNCIO_CONTROL_SLOW);
	json_out_key_cstr(&r->out, "help", op->command.help ? op->command.help : "");
	json_out_key(&r->out, "fields");
	json_out_array_begin(&r->out);
	while (fields_next(op->command.fields, op->command.field_size, &at, &field))
		field_row(&r->out, &field);
	json_out_array_end(&r->out);
	json_out_object_end(&r->out);
}

static void on_commands(struct nuncio_request *rq, void *user)
{
	struct report r;
	begin(&r, rq, user);
	list_begin(&r, "commands");
	control_each(r.env->logic, command_row, &r);
	json_out_array_end(&r.out);
	end(&r);
}

static const struct nuncio_field module_fields[] = {
	{ "module", NUNCIO_FIELD_TEXT, 0, 0, 64, "only this one" },
	{ 0 },
};
static const struct nuncio_field session_fields[] = {
	{ "user", NUNCIO_FIELD_TEXT, 0, 0, 64, "only those of this user" },
	{ "after", NUNCIO_FIELD_TEXT, 0, 0, 20, "`next` of the page before" },
	{ 0 },
};
static const struct nuncio_field config_fields[] = {
	{ "section", NUNCIO_FIELD_TEXT, 0, 0, 64, "only this one" },
	{ 0 },
};

const struct nuncio_command report_commands[] = {
	COMMAND("status", "How the server is.", NULL, 0, on_status),
	COMMAND("modules", "The modules that are on, and what they cost.", module_fields, 0,
		on_modules),
	COMMAND("hooks", "Who listens to which hook, in order, and what it costs.", NULL, 0,
		on_hooks),
	COMMAND("callbacks", "What each hook, op, route, timer of the modules costs; those called.",
		module_fields, 0, on_callbacks),
	COMMAND("sessions", "Who is connected.", session_fields, 0, on_sessions),
	COMMAND("config", "Options in force and where they come from, without secrets.",
		config_fields, 0, on_config),
	COMMAND("commands", "What can be asked here.", NULL, 0, on_commands),
	{ 0 },
};
