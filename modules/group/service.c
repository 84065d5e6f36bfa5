/* SPDX-License-Identifier: MIT */
#include "group.h"

/* The service group.v1: see nuncio/services/group.h. */

#include <stdlib.h>

#include <nuncio/service.h>
#include <nuncio/timer.h>

static int on_is_group(void *impl, struct nuncio_str conversation)
{
	struct nuncio_str id;
	(void)impl;
	return group_id_read(conversation, &id) == 0;
}

/* ---- standing ---- */

struct asked_standing {
	nuncio_group_standing_fn *done;
	void *user;
};

static void on_looked(const struct enter_answer *answer, void *data)
{
	struct asked_standing *asked = data;
	const struct standing *s = &answer->standing;
	const char *text;
	const struct nuncio_group_standing standing = { .size = sizeof standing,
		.is_member = (uint32_t)s->is_member,
		.role = s->role,
		.may_write = rules_write(s, &answer->mode, nuncio_wall_ms(), &text) == 0,
		.muted_until_ms = s->muted_until_ms,
		.since = s->since,
		.until = s->until,
		.sees_members = s->is_member &&
				(s->role >= NUNCIO_GROUP_ADMIN || !answer->mode.is_channel) };
	asked->done(answer->status, answer->status == 0 ? &standing : NULL, asked->user);
	free(asked);
}

static int on_standing(void *impl, struct nuncio_str conversation, struct nuncio_str who,
	nuncio_group_standing_fn *done, void *user)
{
	struct asked_standing *asked = nuncio_alloc(sizeof *asked);
	*asked = (struct asked_standing){ done, user };
	int rc = enter_look(impl, conversation, who, 1, on_looked, asked);
	if (rc < 0)
		free(asked);
	return rc;
}

/* ---- info ---- */

struct asked_info {
	nuncio_group_info_fn *done;
	void *user;
};

static void on_record(int status, const struct nuncio_record *rows, size_t n, int more, void *user)
{
	struct asked_info *asked = user;
	struct record *r = nuncio_alloc(sizeof *r);
	(void)more;
	if (status == 0 && n == 1)
		status = record_read(rows->value, r) < 0 ? NUNCIO_E_FAIL : 0;
	if (status == 0 && r->is_dissolved)
		status = NUNCIO_E_NOTFOUND;
	const struct nuncio_group_info info = { .size = sizeof info,
		.is_channel = (uint32_t)r->is_channel,
		.has_history = (uint32_t)r->has_history,
		.is_muted = (uint32_t)r->is_muted,
		.name = nuncio_text(r->name),
		.avatar = nuncio_text(r->avatar),
		.announcement = nuncio_text(r->announcement),
		.owner = nuncio_text(r->owner),
		.created_at_ms = r->created_at_ms };
	asked->done(status, status == 0 ? &info : NULL, asked->user);
	free(r);
	free(asked);
}

static int on_info(
	void *impl, struct nuncio_str conversation, nuncio_group_info_fn *done, void *user)
{
	struct group *g = impl;
	if (!on_is_group(impl, conversation))
		return NUNCIO_E_INVAL;
	struct asked_info *asked = nuncio_alloc(sizeof *asked);
	*asked = (struct asked_info){ done, user };
	int rc = nuncio_store_get(g->self, nuncio_text(SPACE_GROUP), conversation,
		(struct nuncio_str){ "", 0 }, on_record, asked);
	if (rc < 0)
		free(asked);
	return rc;
}

static const struct nuncio_group_v1 group_service = { .size = sizeof group_service,
	.is_group = on_is_group,
	.standing = on_standing,
	.info = on_info };

int service_offer(struct group *g)
{
	return nuncio_service_offer(g->self, NUNCIO_GROUP_V1, &group_service, g);
}
