/* SPDX-License-Identifier: MIT */
/*
 * The other nodes of redis_lease.h: their numbers, and whose lease has run out. All of them are
 * looked at whenever the own lease is refreshed.
 */
#include "redis/redis_lease_private.h"

#include <stdlib.h>
#include <string.h>

#include <hiredis/hiredis.h>

#include <nuncio/log.h>

enum { DEAD_TURNS = 8 };

uint16_t redis_lease_number(struct redis_lease *lease, struct nuncio_str id)
{
	uint16_t free_one = REDIS_NOBODY;
	if (!redis_lease_is_id(id) || memcmp(id.p, lease->id, id.n) == 0)
		return REDIS_NOBODY;
	for (uint16_t i = 0; i < lease->node_count; i++) {
		if (lease->nodes[i].state == NODE_FREE)
			free_one = i;
		else if (memcmp(lease->nodes[i].id, id.p, id.n) == 0)
			return i;
	}
	if (free_one == REDIS_NOBODY) {
		if (lease->node_count == REDIS_NODES_MAX)
			return REDIS_NOBODY;
		free_one = lease->node_count++;
		lease->nodes =
			nuncio_resize(lease->nodes, lease->node_count * sizeof lease->nodes[0]);
	}
	struct node *node = &lease->nodes[free_one];
	*node = (struct node){ .state = NODE_UNKNOWN };
	memcpy(node->id, id.p, id.n);
	return free_one;
}

const char *redis_lease_node_id(const struct redis_lease *lease, uint16_t node)
{
	return lease->nodes[node].id;
}

const char *redis_lease_node_name(const struct redis_lease *lease, uint16_t node)
{
	return lease->nodes[node].name;
}

bool redis_lease_is_dead(const struct redis_lease *lease, uint16_t node)
{
	return lease->nodes[node].state == NODE_DEAD;
}

bool redis_lease_is_used(const struct redis_lease *lease, uint16_t node)
{
	return lease->nodes[node].state != NODE_FREE;
}

uint16_t redis_lease_nodes(const struct redis_lease *lease)
{
	return lease->node_count;
}

void redis_lease_swept(struct redis_lease *lease, uint16_t node)
{
	struct nuncio_str key = redis_lease_own_key(lease, "nodes", "");
	lease->nodes[node].is_swept = true;
	REDIS_ASK(lease->asks, key, NULL, NULL, nuncio_text("SREM"), key,
		nuncio_text(lease->nodes[node].id));
}

static void take_name_of(struct node *node, const redisReply *reply)
{
	size_t n = reply->len < NAME_BYTES ? (size_t)reply->len : NAME_BYTES - 1;
	memcpy(node->name, reply->str, n);
	node->name[n] = '\0';
}

/*
 * A dead one keeps its number for a while after it was swept: who was told late that it is
 * somewhere still finds it dead.
 */
static void judge(struct redis_lease *lease, uint16_t number, const redisReply *reply)
{
	struct node *node = &lease->nodes[number];
	if (redis_is_text(reply)) {
		node->state = NODE_ALIVE;
		node->is_swept = false;
		node->turns = 0;
		take_name_of(node, reply);
		return;
	}
	if (node->state != NODE_DEAD && node->name[0])
		nuncio_log(lease->conf->self, NUNCIO_INFO, "node %s (%s) has gone", node->name,
			node->id);
	else if (node->state != NODE_DEAD)
		lease->strangers++;
	node->state = NODE_DEAD;
	if (!node->is_swept)
		lease->events.died(number, lease->user);
	else if (++node->turns >= DEAD_TURNS)
		node->state = NODE_FREE;
}

static void on_node(const redisReply *reply, void *user)
{
	struct wait wait = *(struct wait *)user;
	struct redis_lease *lease = redis_lease_answer(user, reply);
	free(user);
	if (!lease || lease->nodes[wait.node].state == NODE_FREE ||
		memcmp(lease->nodes[wait.node].id, wait.id, REDIS_ID_BYTES) != 0)
		return;
	judge(lease, wait.node, reply);
}

static void look_at(struct redis_lease *lease, uint16_t number)
{
	struct wait *wait = redis_lease_wait(lease);
	wait->node = number;
	memcpy(wait->id, lease->nodes[number].id, REDIS_ID_BYTES);
	struct nuncio_str key = redis_lease_own_key(lease, "node:", wait->id);
	if (REDIS_ASK(lease->asks, key, on_node, wait, nuncio_text("GET"), key) < 0)
		free(wait);
}

void redis_lease_on_nodes(const redisReply *reply, void *user)
{
	struct redis_lease *lease = redis_lease_answer(user, reply);
	free(user);
	if (!lease)
		return;
	if (reply->type != REDIS_REPLY_ARRAY) {
		redis_say_refused(lease->asks, "the list of nodes", reply);
		return;
	}
	if (lease->strangers)
		nuncio_log(lease->conf->self, NUNCIO_INFO,
			"%u nodes that nobody here has heard of have gone: what they left is swept",
			lease->strangers);
	lease->strangers = 0;
	for (size_t i = 0; i < reply->elements; i++)
		if (redis_is_text(reply->element[i]))
			redis_lease_number(lease, (struct nuncio_str){ reply->element[i]->str,
							  reply->element[i]->len });
	for (uint16_t i = 0; i < lease->node_count; i++)
		if (lease->nodes[i].state != NODE_FREE)
			look_at(lease, i);
}
