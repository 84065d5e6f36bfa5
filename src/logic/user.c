/* SPDX-License-Identifier: MIT */
#include "logic/user.h"

/*
 * The users who are connected to this node, by name. Logic thread only. A user is not a person's
 * account (modules know about those): it is where the live sessions of one name hang together.
 */

#include <string.h>

#include "base/alloc.h"
#include "base/check.h"
#include "base/hash.h"
#include "base/list.h"
#include "base/slice.h"
#include "logic/session.h"

void users_init(struct users *users, const struct slots *slots)
{
	map_init(&users->by_name);
	users->slots = slots;
}

void users_fini(struct users *users)
{
	CHECK(map_count(&users->by_name) == 0);
	map_fini(&users->by_name);
}

size_t users_count(const struct users *users)
{
	return map_count(&users->by_name);
}

struct nuncio_str user_name(const struct user *user)
{
	return (struct nuncio_str){ user->name, user->name_bytes };
}

static bool is_named(const struct map_node *node, const void *key)
{
	const struct nuncio_str *name = key;
	return str_eq(user_name(CONTAINER_OF(node, struct user, node)), *name);
}

struct user *user_find(const struct users *users, struct nuncio_str name)
{
	struct map_node *node = map_find(&users->by_name, hash_str(name), is_named, &name);
	return node ? CONTAINER_OF(node, struct user, node) : NULL;
}

static struct user *user_new(struct users *users, struct nuncio_str name)
{
	struct user *user = alloc_zero(sizeof *user + name.n + 1);
	list_init(&user->sessions);
	user->name_bytes = (uint32_t)name.n;
	memcpy(user->name, name.p, name.n);
	map_add(&users->by_name, &user->node, hash_str(name));
	return user;
}

void user_add_session(struct users *users, struct nuncio_str name, struct session *session)
{
	struct user *user = user_find(users, name);
	if (!user)
		user = user_new(users, name);
	session->user = user;
	list_add_first(&user->sessions, &session->of_user);
	user->session_count++;
}

void user_remove_session(struct users *users, struct session *session)
{
	struct user *user = session->user;
	list_remove(&session->of_user);
	session->user = NULL;
	if (--user->session_count > 0)
		return;
	CHECK(user->live_count == 0);
	slots_free_data(users->slots, &user->slots);
	map_remove(&users->by_name, &user->node);
	alloc_free(user);
}

bool user_is_here(const struct user *user)
{
	if (!user)
		return false;
	LIST_EACH (&user->sessions, s, const struct session, of_user)
		if (s->state != SESSION_CLOSING)
			return true;
	return false;
}
