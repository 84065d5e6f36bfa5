/* SPDX-License-Identifier: MIT */
/*
 * What a dead node has left: its sessions in the hashes of their users. SPOP takes a user off the
 * node's set, so several nodes may sweep at once; an answer that is lost leaves sessions that
 * nobody counts, because their node is dead.
 */
#include "presence_redis.h"

#include <stdlib.h>
#include <string.h>

#include <hiredis/hiredis.h>

static const char at_once[] = "200";

static const char sweep_script[] =
	"local n=0"
	" for _,f in ipairs(redis.call('HKEYS',KEYS[1])) do"
	" if string.sub(f,1,string.len(ARGV[1]))==ARGV[1] then"
	" n=n+redis.call('HDEL',KEYS[1],f) end end"
	" if n>0 then"
	" if redis.call('HLEN',KEYS[1])<=1 then redis.call('DEL',KEYS[1]) end"
	" redis.call('PUBLISH',ARGV[2],'swept') end return n";

struct sweep {
	struct roster *roster;
	uint16_t node;
	char id[REDIS_ID_BYTES + 1];
};

static void sweep_some(struct sweep *sweep);

static void sweep_user(const struct sweep *sweep, struct nuncio_str user)
{
	struct roster *roster = sweep->roster;
	char head[REDIS_ID_BYTES + 2];
	memcpy(head, sweep->id, REDIS_ID_BYTES);
	memcpy(head + REDIS_ID_BYTES, ":", 2);
	char *channel = redis_copy(roster_user_channel(roster, user));
	struct nuncio_str key = roster_user_key(roster, user);
	REDIS_ASK(roster->member.asks, key, NULL, NULL, nuncio_text("EVAL"),
		nuncio_text(sweep_script), nuncio_text("1"), key, nuncio_text(head),
		nuncio_text(channel));
	free(channel);
}

static void on_users(const redisReply *reply, void *user)
{
	struct sweep *sweep = user;
	struct redis_member *member = &sweep->roster->member;
	if (!reply || reply->type != REDIS_REPLY_ARRAY || !redis_member_is_held(member)) {
		free(sweep);
		return;
	}
	for (size_t i = 0; i < reply->elements; i++)
		if (reply->element[i]->type == REDIS_REPLY_STRING)
			sweep_user(sweep, (struct nuncio_str){
						  reply->element[i]->str, reply->element[i]->len });
	if (reply->elements > 0) {
		sweep_some(sweep);
		return;
	}
	if (nuncio_text_same(nuncio_text(redis_lease_node_id(member->lease, sweep->node)),
		    nuncio_text(sweep->id)))
		redis_lease_swept(member->lease, sweep->node);
	free(sweep);
}

static void sweep_some(struct sweep *sweep)
{
	struct redis_member *member = &sweep->roster->member;
	struct nuncio_str key = redis_member_key(member, "users:", nuncio_text(sweep->id));
	if (REDIS_ASK(member->asks, key, on_users, sweep, nuncio_text("SPOP"), key,
		    nuncio_text(at_once)) < 0)
		free(sweep);
}

void sweep_node(struct roster *roster, uint16_t node)
{
	struct sweep *sweep = nuncio_alloc(sizeof *sweep);
	sweep->roster = roster;
	sweep->node = node;
	memcpy(sweep->id, redis_lease_node_id(roster->member.lease, node), REDIS_ID_BYTES);
	watches_node_died(roster, node);
	sweep_some(sweep);
}
