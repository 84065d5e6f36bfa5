/* SPDX-License-Identifier: MIT */
/*
 * <nuncio/hooks.h>: registering, and what modules ask and tell through hooks. The rest of that
 * header is in hook/chain.c and hook/ticket.c.
 */
#include <nuncio/hooks.h>

#include "hook/chain.h"
#include "hook/hook_table.h"
#include "hook/write_list.h"
#include "logic/editing.h"
#include "logic/joining.h"
#include "module/module.h"
#include "provide/sized.h"

int nuncio_hook_add(struct nuncio_module *self, enum nuncio_hook hook, int priority,
	nuncio_any_fn *fn, void *user)
{
	int rc = module_check_init(self, "nuncio_hook_add");
	if (rc < 0)
		return rc;
	if (!fn)
		return module_refuse(self, NUNCIO_E_INVAL, "nuncio_hook_add without a function");
	rc = hook_table_add(module_env_of(self)->hooks, hook, priority, nuncio_module_name(self),
		module_order(self), fn, user);
	if (rc < 0)
		return module_refuse(
			self, rc, "nuncio_hook_add: this server has no hook %d", (int)hook);
	return 0;
}

int nuncio_storing_add(struct nuncio_module *self, const struct nuncio_storing *what,
	const struct nuncio_record_write *write)
{
	MODULE_CHECK_THREAD();
	return write_list_add((struct write_list *)what->writes, nuncio_module_name(self), write);
}

void nuncio_conversation_join_ask(struct nuncio_module *self, const struct nuncio_join *what,
	nuncio_entry_fn *done, void *user)
{
	struct nuncio_join full;
	MODULE_CHECK_THREAD();
	sized_take(&full, sizeof full, what, what->size);
	full.size = sizeof full;
	joining_ask(module_env_of(self)->logic, &full, done, user);
}

void nuncio_edit_ask(struct nuncio_module *self, const struct nuncio_send *what,
	nuncio_edit_fn *done, void *user)
{
	MODULE_CHECK_THREAD();
	editing_ask(module_env_of(self)->logic, what, done, user);
}

void nuncio_tell_presence(struct nuncio_module *self, struct nuncio_str user, uint32_t was,
	uint32_t is, int64_t last_seen_ms)
{
	struct nuncio_state facts = {
		.user = user, .was = was, .is = is, .last_seen_ms = last_seen_ms
	};
	MODULE_CHECK_THREAD();
	hook_tell(module_env_of(self)->hooks, NUNCIO_HOOK_did_presence, &facts);
}
