/* SPDX-License-Identifier: MIT */
#include "logic/health.h"

/*
 * /healthz is true as long as the loop turns. /readyz asks if this server should get traffic: it
 * names who does which job, and is 503 while one of them, or a module that said so, cannot. The
 * reasons name hosts and files, so only those who may read /metrics see them. Logic thread only.
 */

#include <string.h>

#include "base/slice.h"
#include "logic/logic.h"
#include "logic/request_input.h"
#include "provide/ready.h"
#include "wire/json_out.h"

static bool is_local(struct nuncio_str address)
{
	return str_starts(address, STR("127.")) || str_eq(address, STR("::1")) ||
	       str_starts(address, STR("::ffff:127."));
}

static bool may_see_inside(const struct nuncio_request *rq)
{
	int access = rq->logic->settings.metrics_access;
	return access == LOGIC_METRICS_ON ||
	       (access == LOGIC_METRICS_LOCAL && is_local(request_address(rq)));
}

static void on_healthz(struct nuncio_request *rq, void *user)
{
	(void)user;
	request_reply(&rq, 200, STR("{\"status\":\"ok\"}"));
}

/* ---- /readyz ---- */

struct telling {
	struct json_out out;
	bool tells_why, wants_jobs, has_store;
	const char *missing; /* the first one that is not ready */
};

static void tell(
	struct telling *t, const char *key, const char *module, bool is_ready, const char *why)
{
	json_out_key(&t->out, key);
	json_out_object_begin(&t->out);
	if (t->wants_jobs)
		json_out_key_cstr(&t->out, "module", module);
	json_out_key_bool(&t->out, "ready", is_ready);
	if (!is_ready && t->tells_why)
		json_out_key_cstr(&t->out, "why", why);
	json_out_object_end(&t->out);
	if (!is_ready && !t->missing)
		t->missing = key;
}

static void tell_one(const struct ready_report *report, void *user)
{
	struct telling *t = user;
	if (report->job && strcmp(report->job, "store") == 0)
		t->has_store = true;
	if (report->job && t->wants_jobs)
		tell(t, report->job, report->name, report->is_ready, report->why);
	else if (!report->job && !t->wants_jobs && report->has_spoken)
		tell(t, report->name, NULL, report->is_ready, report->why);
}

static void tell_all(struct logic *logic, struct telling *t)
{
	t->wants_jobs = true;
	json_out_key(&t->out, "providers");
	json_out_object_begin(&t->out);
	ready_each(logic->parts.ready, tell_one, t);
	if (logic->kinds.count && !t->has_store)
		tell(t, "store", NULL, false, "conversations are on, but no store is");
	json_out_object_end(&t->out);
	t->wants_jobs = false;
	json_out_key(&t->out, "modules");
	json_out_object_begin(&t->out);
	ready_each(logic->parts.ready, tell_one, t);
	json_out_object_end(&t->out);
}

static void on_readyz(struct nuncio_request *rq, void *user)
{
	struct logic *logic = rq->logic;
	struct telling t = { .tells_why = may_see_inside(rq) };
	struct buf data = { 0 };
	(void)user;
	json_out_init(&t.out, &data);
	json_out_object_begin(&t.out);
	tell_all(logic, &t);
	const char *status = logic->is_draining ? "stopping" : t.missing ? "not_ready" : "ready";
	json_out_key_cstr(&t.out, "status", status);
	json_out_object_end(&t.out);
	struct nuncio_str message = str_of("the server is stopping");
	int code = NUNCIO_CODE_stopping;
	if (!logic->is_draining) {
		code = t.missing ? NUNCIO_CODE_unavailable : NUNCIO_CODE_ok;
		message = t.missing ? arena_printf(&rq->arena, "%s is not ready", t.missing)
				    : STR("");
	}
	request_answer(&rq, code ? 503 : 200, code, message, buf_str(&data));
	buf_fini(&data);
}

/* ---- /metrics ---- */

static void on_metrics(struct nuncio_request *rq, void *user)
{
	struct buf text = { 0 };
	(void)user;
	if (!may_see_inside(rq)) {
		request_error(&rq, NUNCIO_CODE_not_found, "no such path");
		return;
	}
	metric_write_text(rq->logic->parts.metrics, &text);
	request_reply_raw(&rq, 200, "text/plain; version=0.0.4; charset=utf-8", buf_str(&text));
	buf_fini(&text);
}

#define ROUTE(PATH, HELP, FN, ANSWER, ERRORS) \
	{ \
		.size = sizeof(struct nuncio_route), .flags = NUNCIO_OPEN, .method = "GET", \
		.path = (PATH), .help = (HELP), .field_size = sizeof(struct nuncio_field), \
		.fn = (FN), .answer = (ANSWER), .errors = (ERRORS) \
	}

const struct nuncio_route health_routes[] = {
	ROUTE("/healthz", "Is the process alive?", on_healthz, "200 {status: 'ok'}", NULL),
	ROUTE("/readyz", "Should it get traffic? Who does what, and who cannot.", on_readyz,
		"200 {providers: {*: {module: text, ready: bool, why?: text}},"
		"modules: {*: {ready: bool, why?: text}}, status: 'ready'}",
		NULL),
	ROUTE("/metrics", "Prometheus text.", on_metrics, "200 text/plain", "not_found"),
	{ 0 },
};
