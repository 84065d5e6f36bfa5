/* SPDX-License-Identifier: MIT */
#include "names.h"

#include <stdlib.h>
#include <string.h>

#include <nuncio/text.h>

enum { CONVERSATION_BYTES = 192 };

struct asking {
	const struct names *names;
	names_fn *done;
	void *user;
	size_t conversation_bytes;
	char conversation[CONVERSATION_BYTES];
};

static void end(struct asking *asking, int status, int may)
{
	asking->done(status, may, asking->user);
	free(asking);
}

static void on_info(int status, const struct nuncio_group_info *info, void *user)
{
	end(user, status, status == 0 && !info->is_channel);
}

static int ask_info(struct asking *asking)
{
	return asking->names->group->info(asking->names->group_impl,
		(struct nuncio_str){ asking->conversation, asking->conversation_bytes }, on_info,
		asking);
}

static void on_standing(int status, const struct nuncio_group_standing *standing, void *user)
{
	end(user, status, status == 0 && standing->sees_members);
}

int names_ask(const struct names *names, struct nuncio_str conversation, struct nuncio_str who,
	names_fn *done, void *user)
{
	if (conversation.n > CONVERSATION_BYTES)
		return NUNCIO_E_INVAL;
	if (!names->group || !names->group->is_group(names->group_impl, conversation)) {
		done(0, 1, user);
		return 0;
	}
	struct asking *asking = nuncio_alloc(sizeof *asking);
	asking->names = names;
	asking->done = done;
	asking->user = user;
	asking->conversation_bytes = conversation.n;
	memcpy(asking->conversation, conversation.p, conversation.n);
	int rc = who.n ? names->group->standing(
				 names->group_impl, conversation, who, on_standing, asking)
		       : ask_info(asking);
	if (rc < 0)
		free(asking);
	return rc;
}
