/* SPDX-License-Identifier: MIT */
#include <nuncio/conversation.h>

/* The live sides of <nuncio/conversation.h>: checks thread and stage, then asks logic/live.c. */

#include "base/check.h"
#include "logic/logic.h"
#include "module/module.h"

static struct logic *here(void)
{
	MODULE_CHECK_THREAD();
	return module_env()->logic;
}

int nuncio_live_see_above(struct nuncio_module *self, struct nuncio_str conversation,
	struct nuncio_str user, uint64_t since)
{
	MODULE_CHECK_THREAD();
	return live_see_above(module_env_of(self)->logic, conversation, user, since);
}

int nuncio_live_join(
	struct nuncio_module *self, struct nuncio_str conversation, struct nuncio_str user)
{
	MODULE_CHECK_THREAD();
	return live_join(module_env_of(self)->logic, conversation, user);
}

void nuncio_live_leave(
	struct nuncio_module *self, struct nuncio_str conversation, struct nuncio_str user)
{
	MODULE_CHECK_THREAD();
	live_leave(module_env_of(self)->logic, conversation, user);
}

int nuncio_live_has(struct nuncio_str conversation, struct nuncio_str user)
{
	return live_has(here(), conversation, user);
}

size_t nuncio_live_count(struct nuncio_str conversation)
{
	const struct live *live = live_find(&here()->lives, conversation);
	return live ? live->user_count : 0;
}

void *nuncio_live_get(struct nuncio_str conversation, const struct nuncio_slot *slot)
{
	const struct live *live = live_find(&here()->lives, conversation);
	CHECK(slot->scope == NUNCIO_PER_CONVERSATION);
	return live ? slots_get(live->slots, slot) : NULL;
}

int nuncio_live_set(struct nuncio_str conversation, const struct nuncio_slot *slot, void *data)
{
	struct logic *logic = here();
	struct live *live = live_find(&logic->lives, conversation);
	CHECK(slot->scope == NUNCIO_PER_CONVERSATION);
	if (!live)
		return NUNCIO_E_NOTFOUND;
	slots_set(&logic->lives.slot_kinds, &live->slots, slot, data);
	return 0;
}
