/* SPDX-License-Identifier: MIT */
#include "accounts.h"

/*
 * Who was deleted on this node lately. An access token says nothing about its account and stays
 * good for a while, so those users are refused by name until no token of theirs can be left. The
 * newest 256; not kept over a restart.
 */

#include <stdlib.h>

enum { GONE_MAX = 256 };

struct gone {
	int64_t last_until_ms; /* 0: nobody; the common case costs one comparison */
	unsigned next;
	struct {
		int64_t until_ms;
		char id[ACCOUNT_ID_BYTES_MAX + 1];
	} users[GONE_MAX];
};

struct gone *gone_new(void)
{
	return accounts_alloc(sizeof(struct gone));
}

void gone_free(struct gone **gone)
{
	free(*gone);
	*gone = NULL;
}

void gone_add(struct gone *gone, struct nuncio_str id, int64_t now_ms, int64_t until_ms)
{
	unsigned at = gone->next++ % GONE_MAX;
	if (until_ms <= now_ms || str_copy(id, gone->users[at].id, sizeof gone->users[at].id) < 0)
		return;
	gone->users[at].until_ms = until_ms;
	if (until_ms > gone->last_until_ms)
		gone->last_until_ms = until_ms;
}

bool gone_has(const struct gone *gone, struct nuncio_str id, int64_t now_ms)
{
	if (now_ms >= gone->last_until_ms)
		return false;
	for (unsigned i = 0; i < GONE_MAX; i++)
		if (now_ms < gone->users[i].until_ms &&
			str_same(id, str_of_text(gone->users[i].id)))
			return true;
	return false;
}
