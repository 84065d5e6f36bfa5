/* SPDX-License-Identifier: MIT */
/* <nuncio/control.h>: a module's commands for the operator, in the table of logic/control.c. */
#include <nuncio/control.h>

#include "base/alloc.h"
#include "logic/control.h"
#include "module/module.h"

struct control_owned {
	struct logic *logic;
	struct op *op;
};

static void undo_control(void *ptr)
{
	struct control_owned *owned = ptr;
	control_remove(owned->logic, &owned->op);
	alloc_free(owned);
}

int nuncio_control_add(struct nuncio_module *self, const struct nuncio_command *command, void *user)
{
	struct nuncio_error err;
	struct op *op;
	int rc = module_check_init(self, "nuncio_control_add");
	if (rc < 0)
		return rc;
	struct logic *logic = module_env_of(self)->logic;
	rc = control_add(logic, nuncio_module_name(self), command, user, &op, &err);
	if (rc < 0)
		return module_refuse(self, rc, "%s", err.text);
	op->stats = module_callback(self, CALLBACK_CONTROL, "%s", command->op);
	struct control_owned *owned = ALLOC_NEW(struct control_owned);
	owned->logic = logic;
	owned->op = op;
	module_own(self, "control", owned, undo_control);
	return 0;
}
