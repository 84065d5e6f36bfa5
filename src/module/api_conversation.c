/* SPDX-License-Identifier: MIT */
#include <nuncio/conversation.h>

/*
 * <nuncio/conversation.h>: kinds, entering, appending. Checks thread and stage, then asks logic/.
 */

#include "base/alloc.h"
#include "base/slice.h"
#include "logic/deliver.h"
#include "logic/event.h"
#include "logic/logic.h"
#include "logic/send.h"
#include "module/api_json.h"
#include "module/module_private.h"
#include "provide/sized.h"

void nuncio_audience_add_user(struct nuncio_audience *audience, struct nuncio_str user)
{
	MODULE_CHECK_THREAD();
	deliver_add_user(audience, user);
}

void nuncio_audience_add_live(struct nuncio_audience *audience, struct nuncio_str conversation)
{
	MODULE_CHECK_THREAD();
	deliver_add_live(audience, conversation);
}

struct kind_owned {
	struct logic *logic;
	struct nuncio_kind ops; /* as long as ours, whatever the module's was */
};

static void undo_kind(void *ptr)
{
	struct kind_owned *owned = ptr;
	kinds_remove(&owned->logic->kinds, &owned->ops);
	alloc_free(owned);
}

int nuncio_kind_add(struct nuncio_module *self, const struct nuncio_kind *kind, void *user)
{
	struct nuncio_error err;
	int rc = module_check_init(self, "nuncio_kind_add");
	if (rc < 0)
		return rc;
	struct kind_owned *owned = ALLOC_NEW(struct kind_owned);
	owned->logic = module_env_of(self)->logic;
	sized_take(&owned->ops, sizeof owned->ops, kind, kind->size);
	rc = kinds_add(&owned->logic->kinds, nuncio_module_name(self), &owned->ops, user, &err);
	if (rc < 0) {
		alloc_free(owned);
		return module_refuse(self, rc, "%s", err.text);
	}
	kinds_measure(&owned->logic->kinds, &owned->ops,
		module_callback(self, CALLBACK_ENTRY, "%s", owned->ops.name));
	module_own(self, "kind", owned, undo_kind);
	return 0;
}

void nuncio_conversation_ask(struct nuncio_module *self, const struct nuncio_access *what,
	nuncio_entry_fn *done, void *user)
{
	MODULE_CHECK_THREAD();
	kinds_enter(module_env_of(self)->logic, what, done, user);
}

struct enter_in_short {
	nuncio_access_fn *done;
	void *user;
};

static void on_entry(int status, const struct nuncio_entry *entry, void *user)
{
	struct enter_in_short *enter = user;
	enter->done(status, entry->text, enter->user);
	alloc_free(enter);
}

void nuncio_conversation_enter(struct nuncio_module *self, const struct nuncio_access *what,
	nuncio_access_fn *done, void *user)
{
	struct enter_in_short *enter = ALLOC_NEW(struct enter_in_short);
	*enter = (struct enter_in_short){ .done = done, .user = user };
	nuncio_conversation_ask(self, what, on_entry, enter);
}

int nuncio_conversation_notify(struct nuncio_module *self, struct nuncio_str conversation,
	const char *op, struct nuncio_str data, nuncio_sid except)
{
	MODULE_CHECK_THREAD();
	return deliver_notify_audience(
		module_env_of(self)->logic, conversation, str_of(op), data, except);
}

const char *nuncio_conversation_kind(struct nuncio_str conversation)
{
	MODULE_CHECK_THREAD();
	const struct kind *kind = kind_of(&module_env()->logic->kinds, conversation);
	return kind ? kind->ops->name : NULL;
}

int nuncio_append(struct nuncio_module *self, const struct nuncio_append *what,
	nuncio_appended_fn *done, void *user)
{
	struct nuncio_append full;
	MODULE_CHECK_THREAD();
	sized_take(&full, sizeof full, what, what->size);
	int rc = module_check_writes(self, full.writes, full.writes_count);
	if (rc < 0)
		return rc;
	return send_append(module_env_of(self)->logic, &full, done, user);
}

void nuncio_event_write(struct nuncio_json *json, const struct nuncio_event *event)
{
	struct nuncio_event full;
	sized_take(&full, sizeof full, event, event->size);
	event_write(api_json_out(json), &full);
}
