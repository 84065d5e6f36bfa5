/* SPDX-License-Identifier: MIT */
/* <nuncio/ready.h>: the module's entry in provide/ready.c, and one log line for each change. */
#include <nuncio/ready.h>

#include "base/log.h"
#include "module/module_private.h"
#include "provide/ready.h"

void nuncio_ready_set(struct nuncio_module *self, int ready, const char *why)
{
	module_check(self);
	if (!ready_put(self->ready, ready != 0, why))
		return;
	if (ready)
		log_write(LOG_LEVEL_INFO, self->info.name, NULL, "ready");
	else /* what is still on its way at the start is no trouble yet */
		log_write(module_stage(self) > MODULE_STARTING ? LOG_LEVEL_WARN : LOG_LEVEL_INFO,
			self->info.name, NULL, "not ready: %.*s", READY_WHY_BYTES - 1,
			why && why[0] ? why : "no reason given");
}
