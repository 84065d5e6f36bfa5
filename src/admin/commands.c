/* SPDX-License-Identifier: MIT */
/* Registers the server's own control commands, in the core's name. */
#include "admin/commands.h"

#include "logic/control.h"

int commands_add(
	const struct admin_env *env, const struct nuncio_command *table, struct nuncio_error *err)
{
	struct op *op;
	int rc = 0;
	for (; rc == 0 && table->op; table++)
		rc = control_add(env->logic, "core", table, (void *)env, &op, err);
	return rc;
}

int admin_commands_add(const struct admin_env *env, struct nuncio_error *err)
{
	int rc = commands_add(env, report_commands, err);
	if (rc == 0)
		rc = commands_add(env, steer_commands, err);
	return rc < 0 ? rc : commands_add(env, copying_commands, err);
}
