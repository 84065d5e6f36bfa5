/* SPDX-License-Identifier: MIT */
#include "parts.h"

/*
 * Which parts there are behind the sockets, what each is given of the others, and in which order
 * they come and go. Nothing else: each says by itself what it does.
 */

#include "base/buf.h"
#include "base/metric.h"
#include "hook/chain.h"
#include "hook/hook_table.h"
#include "logic/core_ops.h"
#include "logic/logic.h"
#include "loop/caller.h"
#include "loop/loop.h"
#include "module/module.h"
#include "provide/auth.h"
#include "provide/bus.h"
#include "provide/provider.h"
#include "provide/ready.h"
#include "provide/store.h"
#include "provide/work.h"
#include "settings.h"
#include "wire/json.h"

enum { AUTH_TIMEOUT_MS = 8000, BUS_FIND_MS = 2000, CALLER_LIMIT = 100000 };

static int check_json(struct nuncio_str text, struct nuncio_error *err)
{
	return json_check(text, NULL, NULL, err);
}

static int make_base(struct parts *p, const struct options *core, struct nuncio_error *err)
{
	struct hook_settings hooks = { .check_json = check_json };
	struct store_settings store = { 0 };
	struct work_settings work = { 0 };
	p->loop = loop_new("logic");
	if (!p->loop) {
		nuncio_error_set(err, "no descriptor is left for the event loop");
		return NUNCIO_E_FAIL;
	}
	p->caller = caller_new(p->loop, CALLER_LIMIT);
	p->metrics = metric_set_new();
	hooks.loop = p->loop;
	hooks.caller = p->caller;
	settings_hooks(core, &hooks);
	p->hooks = hook_table_new(&hooks);
	p->providers = provider_set_new();
	p->ready = ready_set_new();
	store.loop = p->loop;
	store.caller = p->caller;
	store.metrics = p->metrics;
	store.node = (unsigned)options_int(core, "node_number");
	store.limit = (size_t)options_int(core, "store_queue");
	p->store = store_new(&store);
	p->auth = auth_new(p->loop, AUTH_TIMEOUT_MS);
	p->bus = bus_new(p->loop, p->metrics, BUS_FIND_MS);
	work.caller = p->caller;
	work.metrics = p->metrics;
	work.threads = (unsigned)options_int(core, "workers");
	return work_pool_new(&work, &p->work, err);
}

int parts_make(
	struct parts *p, const struct options *core, uint32_t io_count, struct nuncio_error *err)
{
	int rc = make_base(p, core, err);
	if (rc < 0)
		return rc;
	struct logic_settings settings;
	struct logic_parts parts = {
		.loop = p->loop,
		.hooks = p->hooks,
		.auth = p->auth,
		.bus = p->bus,
		.store = p->store,
		.ready = p->ready,
		.metrics = p->metrics,
		.io_threads = io_count,
		.inbox_limit = (size_t)options_int(core, "mailbox_limit"),
		.inbox_bytes = (size_t)options_int(core, "mailbox_bytes"),
	};
	settings_logic(core, &settings);
	p->logic = logic_new(&settings, &parts);
	struct module_env env = {
		.loop = p->loop,
		.caller = p->caller,
		.hooks = p->hooks,
		.providers = p->providers,
		.store = p->store,
		.auth = p->auth,
		.bus = p->bus,
		.work = p->work,
		.ready = p->ready,
		.metrics = p->metrics,
		.logic = p->logic,
		.core = core,
		.data_dir = options_text(core, "data_dir"),
		.node = settings_node(core),
		.node_number = (int)options_int(core, "node_number"),
		.module_path = options_text(core, "module_path"),
	};
	p->modules = modules_new(&env);
	return 0;
}

int parts_load(struct parts *p, const struct ini *ini, struct option_faults *faults,
	struct nuncio_error *err)
{
	int rc = modules_load(p->modules, ini, faults, err);
	if (faults->count)
		return NUNCIO_E_INVAL;
	if (rc == 0)
		rc = modules_init(p->modules, err);
	if (rc == 0)
		rc = core_ops_add(p->logic, err);
	if (rc == 0)
		rc = modules_freeze(p->modules, err);
	if (rc == 0)
		tally_make(p->logic);
	return rc;
}

void parts_stop(struct parts *p)
{
	if (p->logic)
		logic_end_sessions(p->logic);
	if (p->modules) {
		modules_stop(p->modules);
		chain_refuse_all(p->hooks, NUNCIO_CODE_stopping);
		modules_fini(p->modules);
	}
	if (p->logic)
		logic_clear(p->logic);
}

void parts_free(struct parts *p)
{
	if (p->store)
		store_free(&p->store);
	work_pool_free(&p->work);
	auth_free(&p->auth);
	if (p->bus)
		bus_free(&p->bus);
	logic_free(&p->logic);
	modules_free(&p->modules);
	ready_set_free(&p->ready);
	hook_table_free(&p->hooks);
	provider_set_free(&p->providers);
	if (p->caller)
		caller_free(&p->caller);
	metric_set_free(&p->metrics);
	loop_free(&p->loop);
}
