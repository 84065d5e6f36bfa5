/* SPDX-License-Identifier: MIT */
/*
 * Numbers of conversations: texts in the tables of a shard are long, so a conversation has a number
 * there, given once and never changed. A lane remembers those that it met; a newer one takes the
 * place of an older one of equal hash, so the memory is bounded and there is nothing to sweep.
 */
#include "store_mysql.h"

#include <stdlib.h>
#include <string.h>

enum { NAMES_COUNT = 8192 };

struct names {
	struct name all[NAMES_COUNT];
};

struct names *names_new(void)
{
	struct names *names = nuncio_resize(NULL, sizeof(*names));
	return memset(names, 0, sizeof(*names));
}

void names_forget(struct names *names)
{
	for (size_t i = 0; i < NAMES_COUNT; i++)
		free(names->all[i].id);
	memset(names, 0, sizeof(*names));
}

void names_free(struct names **names)
{
	if (!*names)
		return;
	names_forget(*names);
	free(*names);
	*names = NULL;
}

static struct name *place_of(struct names *names, uint64_t hash)
{
	/* The low bits choose the shard. */
	return &names->all[(hash >> 16) % NAMES_COUNT];
}

struct name *names_find(struct names *names, struct nuncio_str id)
{
	uint64_t hash = place_hash(id);
	struct name *name = place_of(names, hash);
	bool is_it = name->id && name->hash == hash &&
		     nuncio_text_same((struct nuncio_str){ name->id, name->bytes }, id);
	return is_it ? name : NULL;
}

struct name *names_put(struct names *names, struct nuncio_str id, uint64_t number)
{
	uint64_t hash = place_hash(id);
	struct name *name = place_of(names, hash);
	name->id = nuncio_resize(name->id, id.n);
	if (id.n)
		memcpy(name->id, id.p, id.n);
	*name = (struct name){ .hash = hash, .number = number, .bytes = id.n, .id = name->id };
	return name;
}
