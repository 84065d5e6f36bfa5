/* SPDX-License-Identifier: MIT */
#ifndef CONTACTS_H
#define CONTACTS_H

/* What the files of this module share. Everything runs on the logic thread. */

#include <nuncio/conf.h>
#include <nuncio/hooks.h>
#include <nuncio/json.h>
#include <nuncio/metric.h>
#include <nuncio/request.h>
#include <nuncio/services/contacts.h>
#include <nuncio/services/direct.h>
#include <nuncio/store.h>
#include <nuncio/text.h>

#include <stdbool.h>

enum { USER_BYTES = 64, REMARK_BYTES = 256, GREETING_BYTES = 500, TRIES_MAX = 8 };

#define SPACE_CONTACT "contacts"       /* owner: user, key: the other; {"state","remark",...} */
#define SPACE_BLOCK "contacts.block"   /* owner: user, key: who is blocked */
#define SPACE_POLICY "contacts.policy" /* owner: user, key: empty; {"messages","presence"} */

struct relations;
struct contacts {
	struct nuncio_module *self;
	const struct nuncio_direct_v1 *direct;
	void *direct_impl;
	struct relations *relations;
	struct nuncio_counter *refused;
};

/* --- text.c --- */

/*
 * The other one of a request: member `user`, or path parameter. 0, or -1 after a refusal: no id, or
 * oneself.
 */
int read_other(struct nuncio_request **rq, char me[USER_BYTES + 1], char other[USER_BYTES + 1]);

/* --- pair.c: requests, answers, remarks: two records --- */

void on_request(struct nuncio_request *rq, void *user);
void on_accept(struct nuncio_request *rq, void *user);
void on_decline(struct nuncio_request *rq, void *user);
void on_remove(struct nuncio_request *rq, void *user);
void on_update(struct nuncio_request *rq, void *user);

/* --- list.c --- */

void on_list(struct nuncio_request *rq, void *user);
void on_block_list(struct nuncio_request *rq, void *user);

/* --- block.c, policy.c --- */

void on_block(struct nuncio_request *rq, void *user);
void on_unblock(struct nuncio_request *rq, void *user);
void on_policy_get(struct nuncio_request *rq, void *user);
void on_policy_set(struct nuncio_request *rq, void *user);

/* --- relation.c: a bounded cache of what users are to each other, over the store --- */

struct relations *relations_new(struct contacts *c);
void relations_free(struct relations **relations);
/* As the service's `relation`. */
void relations_ask(struct relations *relations, struct nuncio_str owner, struct nuncio_str other,
	nuncio_relation_fn *done, void *user);
/* The owner's policies, one of enum policy for each thing: POLICY_OF(answer, POLICY_MESSAGES). */
enum policy { POLICY_EVERYONE = 0, POLICY_CONTACTS = 1, POLICY_NOBODY = 2 };
enum policy_thing { POLICY_MESSAGES = 0, POLICY_PRESENCE = 1, POLICY_THINGS };
#define POLICY_OF(policies, thing) (((policies) >> 2 * (thing)) & 3u)
#define POLICY_SET(policies, thing, policy) \
	(((policies) & ~(3u << 2 * (thing))) | (uint32_t)(policy) << 2 * (thing))
void relations_ask_policy(
	struct relations *relations, struct nuncio_str owner, nuncio_relation_fn *done, void *user);
/* Both directions of a pair, or an owner's policy, have changed: here and on other nodes. */
void relations_forget_all(struct relations *r);
void relations_forget_pair(struct relations *r, struct nuncio_str a, struct nuncio_str b);
void relations_forget_policy(struct relations *relations, struct nuncio_str owner);
void relations_on_peer(struct nuncio_str data, void *user); /* another node says so */
/* As the service's. */
int relations_watch(struct relations *relations, nuncio_relation_changed_fn *fn, void *user);
extern const char *const policy_words[3], *const policy_names[POLICY_THINGS];
uint32_t policies_of(struct nuncio_str record, uint32_t fallback); /* p NULL: there is none */
uint32_t policies_default(const struct contacts *c);

/* --- sight.c: may this one see that one? As the service's `may_see`. --- */

void sight_ask(struct contacts *c, struct nuncio_str owner, struct nuncio_str other,
	nuncio_relation_fn *done, void *user);

/* --- gate.c: may this one write to that one? --- */

enum nuncio_verdict gate_on_send(
	struct nuncio_ask *ask, const struct nuncio_send *what, void *user);
enum nuncio_verdict gate_on_join(
	struct nuncio_ask *ask, const struct nuncio_join *what, void *user);

#endif
