/* SPDX-License-Identifier: MIT */
#include "accounts.h"

/*
 * How often somebody may guess a password, and make an account. A guess takes its turn before the
 * password is looked at, and gives it back when it was right; so at one moment no more are looked
 * at than are allowed. Other nodes are told of each offence when it is known to be one, and count
 * it as their own: what slips through there is what they look at in that moment, and all of it when
 * the bus is away.
 */

#include <nuncio/bus.h>

#include <string.h>

enum { RULES = 3, ADDRESS_BYTES = 64 };
#define PEER_OFFENCE "offence"

struct offence {
	struct nuncio_str user, address;
};

/* One user from one address; one user from everywhere; one address, whoever it tries. */
static void rules_of(const struct accounts *a, struct throttle_rule rules[RULES])
{
	rules[0] = (struct throttle_rule){ 'b', a->failures_per_user, a->window_ms };
	rules[1] = (struct throttle_rule){ 'u', a->failures_per_user * 10, a->window_ms };
	rules[2] = (struct throttle_rule){ 'a', a->failures_per_address, a->window_ms };
}

static struct throttle_rule rule_of_registrations(const struct accounts *a)
{
	return (struct throttle_rule){ 'r', a->registrations_per_address, a->window_ms };
}

/* What of an offence a rule counts by. */
static struct offence part_of(const struct throttle_rule *rule, struct offence what)
{
	const struct nuncio_str none = { NULL, 0 };
	if (rule->kind == 'a' || rule->kind == 'r')
		what.user = none;
	if (rule->kind == 'u')
		what.address = none;
	return what;
}

static struct offence offence_of(const struct flow *f)
{
	return (struct offence){ nuncio_text(f->id), nuncio_text(f->address) };
}

/* ---- here ---- */

static void give_back(const struct flow *f, const struct throttle_rule *rules, int count)
{
	for (int i = 0; i < count; i++) {
		struct offence what = part_of(&rules[i], offence_of(f));
		throttle_give(f->a->throttle, &rules[i], what.user, what.address);
	}
}

bool guess_take(const struct flow *f)
{
	struct throttle_rule rules[RULES];
	rules_of(f->a, rules);
	for (int i = 0; i < RULES; i++) {
		struct offence what = part_of(&rules[i], offence_of(f));
		if (throttle_take(
			    f->a->throttle, &rules[i], what.user, what.address, nuncio_mono_ms()))
			continue;
		give_back(f, rules, i);
		return false;
	}
	return true;
}

void guess_give_back(const struct flow *f)
{
	struct throttle_rule rules[RULES];
	rules_of(f->a, rules);
	give_back(f, rules, RULES);
}

/* ---- other nodes: {"user":...,"address":...}; without a user it is a new account ---- */

static void put_text(struct nuncio_json *json, const char *key, struct nuncio_str text)
{
	nuncio_json_key(json, key);
	nuncio_json_put_text(json, text);
}

static void say(const struct accounts *a, struct offence what)
{
	struct nuncio_json *json;
	if (!nuncio_bus_is_there())
		return;
	json = nuncio_json_new();
	nuncio_json_object_begin(json);
	if (what.user.p)
		put_text(json, "user", what.user);
	put_text(json, "address", what.address);
	nuncio_json_object_end(json);
	nuncio_peer_send(a->self, PEER_OFFENCE, nuncio_text(""), nuncio_json_str(json));
	nuncio_json_free(&json);
}

void guess_was_wrong(const struct flow *f)
{
	say(f->a, offence_of(f));
}

bool registration_take(const struct flow *f)
{
	const struct throttle_rule rule = rule_of_registrations(f->a);
	struct offence what = part_of(&rule, offence_of(f));
	if (!throttle_take(f->a->throttle, &rule, what.user, what.address, nuncio_mono_ms()))
		return false;
	say(f->a, what);
	return true;
}

static void count(const struct accounts *a, const struct throttle_rule *rule, struct offence what)
{
	what = part_of(rule, what);
	throttle_add(a->throttle, rule, what.user, what.address, nuncio_mono_ms());
}

static void on_peer(struct nuncio_str data, void *user)
{
	const struct accounts *a = user;
	char id[ACCOUNT_ID_BYTES_MAX + 1], address[ADDRESS_BYTES];
	struct throttle_rule rules[RULES] = { rule_of_registrations(a) };
	struct nuncio_str text;
	struct offence what = { { NULL, 0 }, { NULL, 0 } };
	if (!a->throttle || nuncio_json_check(data, NULL) < 0 ||
		nuncio_json_get(data, "address", &text) != 1 ||
		nuncio_json_text(text, address, sizeof address) < 0)
		return;
	what.address = nuncio_text(address);
	if (nuncio_json_get(data, "user", &text) != 1) {
		count(a, &rules[0], what);
		return;
	}
	if (nuncio_json_text(text, id, sizeof id) < 0)
		return;
	what.user = nuncio_text(id);
	rules_of(a, rules);
	for (int i = 0; i < RULES; i++)
		count(a, &rules[i], what);
}

int guesses_init(struct accounts *a)
{
	return nuncio_peer_add(a->self, PEER_OFFENCE, on_peer, a);
}
