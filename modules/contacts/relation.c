/* SPDX-License-Identifier: MIT */
/*
 * What users are to each other, remembered: asked for with every message, changed rarely. A table
 * of fixed size with two places for each hash; the one that was not used last gives way. An answer
 * of the store that was under way while the relation changed must not be remembered, so each
 * change moves a counter, and an answer is kept only if it has not moved since the question.
 *
 * On several nodes each change is told to all others, which forget it too; who may have missed one
 * forgets everything.
 */
#include "contacts.h"

#include <nuncio/bus.h>

#include <stdlib.h>
#include <string.h>

enum { SETS = 1 << 15, WAYS = 2, KEY_BYTES = 2 * USER_BYTES + 2 };

enum { WATCHERS_MAX = 8 };

const char *const policy_words[3] = { "everyone", "contacts", "nobody" };
const char *const policy_names[POLICY_THINGS] = { "messages", "presence" };

struct place {
	uint64_t hash; /* 0: empty */
	uint8_t value, is_newer;
};

struct relations {
	struct contacts *c;
	struct place places[SETS][WAYS];
	uint64_t changes;
	uint64_t seed[2];
	struct {
		nuncio_relation_changed_fn *fn; /* NULL: free */
		void *user;
	} watchers[WATCHERS_MAX];
};

/* ---- the table: keyed by a hash of both names, which a stranger cannot aim at ---- */

static uint64_t mix(uint64_t h)
{
	h ^= h >> 33;
	h *= 0xff51afd7ed558ccdu;
	h ^= h >> 33;
	h *= 0xc4ceb9fe1a85ec53u;
	return h ^ h >> 33;
}

static uint64_t hash_of(const struct relations *r, struct nuncio_str owner, struct nuncio_str other)
{
	uint64_t a = r->seed[0], b = r->seed[1];
	for (size_t i = 0; i < owner.n; i++)
		a = mix(a ^ (unsigned char)owner.p[i]) + b;
	a = mix(a + owner.n);
	for (size_t i = 0; i < other.n; i++)
		a = mix(a ^ (unsigned char)other.p[i]) + b;
	return a ? a : 1;
}

static struct place *find(struct relations *r, uint64_t hash)
{
	struct place *set = r->places[hash % SETS];
	for (int i = 0; i < WAYS; i++)
		if (set[i].hash == hash) {
			set[i].is_newer = 1;
			set[1 - i].is_newer = 0;
			return &set[i];
		}
	return NULL;
}

static void keep(struct relations *r, uint64_t hash, uint8_t value)
{
	struct place *place = find(r, hash), *set = r->places[hash % SETS];
	if (!place)
		place = set[0].is_newer ? &set[1] : &set[0];
	*place = (struct place){ hash, value, 1 };
	set[place == &set[0]].is_newer = 0;
}

static void drop(struct relations *r, uint64_t hash)
{
	struct place *place = find(r, hash);
	if (place)
		place->hash = 0;
}

/* ---- asking the store ---- */

struct question {
	struct relations *r;
	nuncio_relation_fn *done;
	void *user;
	uint64_t hash, changes;
	uint32_t value;
	char owner[USER_BYTES + 1], other[USER_BYTES + 1];
};

static void question_end(struct question *q, int status)
{
	if (status == 0 && q->changes == q->r->changes)
		keep(q->r, q->hash, (uint8_t)q->value);
	q->done(status, q->value, q->user);
	free(q);
}

static bool has_word(struct nuncio_str object, const char *key, const char *word)
{
	char text[32];
	struct nuncio_str value;
	return nuncio_json_get(object, key, &value) &&
	       nuncio_json_text(value, text, sizeof text) > 0 && strcmp(text, word) == 0;
}

static void on_block_read(
	int status, const struct nuncio_record *rows, size_t n, int more, void *user)
{
	struct question *q = user;
	(void)rows, (void)more;
	if (status == 0 && n == 1)
		q->value |= NUNCIO_CONTACTS_BLOCKED;
	question_end(q, status == NUNCIO_E_NOTFOUND ? 0 : status);
}

static void on_contact_read(
	int status, const struct nuncio_record *rows, size_t n, int more, void *user)
{
	struct question *q = user;
	(void)more;
	if (status == 0 && n == 1 && has_word(rows->value, "state", "friend"))
		q->value |= NUNCIO_CONTACTS_FRIEND;
	if (status == 0 || status == NUNCIO_E_NOTFOUND)
		status = nuncio_store_get(q->r->c->self, nuncio_text(SPACE_BLOCK),
			nuncio_text(q->owner), nuncio_text(q->other), on_block_read, q);
	if (status < 0)
		question_end(q, status);
}

/* A word of the options: it is one of the three, the server has checked that. */
static uint32_t option_word(const struct contacts *c, const char *key)
{
	for (uint32_t i = 0; i < 3; i++)
		if (strcmp(nuncio_conf_text(c->self, key), policy_words[i]) == 0)
			return i;
	return POLICY_EVERYONE;
}

uint32_t policies_default(const struct contacts *c)
{
	uint32_t policies = POLICY_SET(0u, POLICY_MESSAGES, option_word(c, "messages_from"));
	return POLICY_SET(policies, POLICY_PRESENCE, option_word(c, "presence_to"));
}

uint32_t policies_of(struct nuncio_str record, uint32_t fallback)
{
	for (int thing = 0; record.n && thing < POLICY_THINGS; thing++)
		for (uint32_t i = 0; i < 3; i++)
			if (has_word(record, policy_names[thing], policy_words[i]))
				fallback = POLICY_SET(fallback, thing, i);
	return fallback;
}

static void on_policy_read(
	int status, const struct nuncio_record *rows, size_t n, int more, void *user)
{
	struct question *q = user;
	(void)more;
	if (status == 0 && n == 1)
		q->value = policies_of(rows->value, q->value);
	question_end(q, status == NUNCIO_E_NOTFOUND ? 0 : status);
}

static struct question *question_new(struct relations *r, uint64_t hash, struct nuncio_str owner,
	struct nuncio_str other, nuncio_relation_fn *done, void *user)
{
	struct question *q = nuncio_alloc(sizeof *q);
	q->r = r;
	q->done = done;
	q->user = user;
	q->hash = hash;
	q->changes = r->changes;
	nuncio_text_copy(owner, q->owner, sizeof q->owner);
	nuncio_text_copy(other, q->other, sizeof q->other);
	return q;
}

void relations_ask(struct relations *r, struct nuncio_str owner, struct nuncio_str other,
	nuncio_relation_fn *done, void *user)
{
	uint64_t hash = hash_of(r, owner, other);
	struct place *place = find(r, hash);
	if (place || owner.n > USER_BYTES || other.n > USER_BYTES) {
		done(0, place ? place->value : 0, user);
		return;
	}
	struct question *q = question_new(r, hash, owner, other, done, user);
	int rc = nuncio_store_get(r->c->self, nuncio_text(SPACE_CONTACT), nuncio_text(q->owner),
		nuncio_text(q->other), on_contact_read, q);
	if (rc < 0)
		question_end(q, rc);
}

/* The empty name stands for everybody: a policy is a relation to all. */
void relations_ask_policy(
	struct relations *r, struct nuncio_str owner, nuncio_relation_fn *done, void *user)
{
	const struct nuncio_str none = { "", 0 };
	uint64_t hash = hash_of(r, owner, none);
	struct place *place = find(r, hash);
	if (place || owner.n > USER_BYTES) {
		done(0, place ? place->value : 0, user);
		return;
	}
	struct question *q = question_new(r, hash, owner, none, done, user);
	q->value = policies_default(r->c);
	int rc = nuncio_store_get(r->c->self, nuncio_text(SPACE_POLICY), nuncio_text(q->owner),
		none, on_policy_read, q);
	if (rc < 0)
		question_end(q, rc);
}

/* ---- changes ---- */

static void forget(struct relations *r, struct nuncio_str owner, struct nuncio_str other)
{
	r->changes++;
	drop(r, hash_of(r, owner, other));
}

/* To other nodes: both names, each behind its length. */
static void tell(struct relations *r, struct nuncio_str a, struct nuncio_str b)
{
	char data[KEY_BYTES];
	const struct nuncio_str all = { "", 0 };
	if (!nuncio_bus_is_there() || a.n > USER_BYTES || b.n > USER_BYTES)
		return;
	data[0] = (char)a.n;
	memcpy(data + 1, a.p, a.n);
	data[1 + a.n] = (char)b.n;
	if (b.n)
		memcpy(data + 2 + a.n, b.p, b.n);
	nuncio_peer_send(r->c->self, "changed", all, (struct nuncio_str){ data, 2 + a.n + b.n });
}

static void tell_watchers(struct relations *r, struct nuncio_str owner, struct nuncio_str other)
{
	for (size_t i = 0; i < WATCHERS_MAX; i++)
		if (r->watchers[i].fn)
			r->watchers[i].fn(owner, other, r->watchers[i].user);
}

/* A policy: `b` is empty, and there is no other direction. */
static void forget_both(struct relations *r, struct nuncio_str a, struct nuncio_str b)
{
	forget(r, a, b);
	forget(r, b, a);
	tell_watchers(r, a, b);
	if (b.n)
		tell_watchers(r, b, a);
}

int relations_watch(struct relations *r, nuncio_relation_changed_fn *fn, void *user)
{
	for (size_t i = 0; i < WATCHERS_MAX; i++) {
		bool is_wanted = fn ? !r->watchers[i].fn : r->watchers[i].user == user;
		if (!is_wanted)
			continue;
		r->watchers[i].fn = fn;
		r->watchers[i].user = fn ? user : NULL;
		return 0;
	}
	return fn ? NUNCIO_E_BUSY : 0;
}

void relations_forget_pair(struct relations *r, struct nuncio_str a, struct nuncio_str b)
{
	forget_both(r, a, b);
	tell(r, a, b);
}

void relations_forget_policy(struct relations *r, struct nuncio_str owner)
{
	const struct nuncio_str none = { "", 0 };
	forget_both(r, owner, none);
	tell(r, owner, none);
}

void relations_on_peer(struct nuncio_str data, void *user)
{
	struct contacts *c = user;
	if (data.n < 2)
		return;
	size_t a = (unsigned char)data.p[0];
	if (a + 2 > data.n)
		return;
	size_t b = (unsigned char)data.p[1 + a];
	if (a + 2 + b != data.n)
		return;
	forget_both(c->relations, (struct nuncio_str){ data.p + 1, a },
		(struct nuncio_str){ data.p + 2 + a, b });
}

void relations_forget_all(struct relations *r)
{
	r->changes++;
	memset(r->places, 0, sizeof r->places);
}

struct relations *relations_new(struct contacts *c)
{
	struct relations *r = nuncio_alloc(sizeof *r);
	r->c = c;
	arc4random_buf(r->seed, sizeof r->seed);
	return r;
}

void relations_free(struct relations **relations)
{
	free(*relations);
	*relations = NULL;
}
