/* SPDX-License-Identifier: MIT */
/*
 * Where something is kept. A conversation, or the owner of records (a user, as a rule), falls into
 * a shard by a hash of its id, and shards lie on the servers in equal runs. The hash is for ever: a
 * change would lose everything; FNV-1a with its bits mixed at the end, so that similar ids spread.
 */
#include "store_mysql.h"

uint64_t place_hash(struct nuncio_str text)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);
	for (size_t i = 0; i < text.n; i++)
		hash = (hash ^ (unsigned char)text.p[i]) * UINT64_C(0x100000001b3);
	hash = (hash ^ hash >> 33) * UINT64_C(0xff51afd7ed558ccd);
	hash = (hash ^ hash >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
	return hash ^ hash >> 33;
}

uint32_t place_shard(const struct store *s, struct nuncio_str text)
{
	return (uint32_t)(place_hash(text) % s->shards);
}

struct server *place_server(struct store *s, uint32_t shard)
{
	return &s->servers[(uint64_t)shard * s->server_count / s->shards];
}

/* Lanes of a server take its shards in turn, so a shard has one writer in this process. */
uint32_t place_lane(const struct store *s, struct nuncio_str text)
{
	uint32_t shard = place_shard(s, text);
	uint32_t server = (uint32_t)((uint64_t)shard * s->server_count / s->shards);
	return server * s->writers + shard % s->writers;
}
