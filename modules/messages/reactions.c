/* SPDX-License-Identifier: MIT */
/*
 * Who has reacted with what: a list of emojis in the order of their first use, each with its users
 * in the order of their reactions. Bounded, because it is a part of the message. Pure.
 */
#include "messages.h"

#include <stdlib.h>

bool reaction_is_emoji(struct nuncio_str text)
{
	for (size_t i = 0; i < text.n; i++)
		if ((unsigned char)text.p[i] <= 0x20 || text.p[i] == 0x7f)
			return false;
	return text.n > 0 && text.n <= EMOJI_BYTES;
}

/* Compares a JSON text with a text. */
static bool is_text(struct nuncio_str json, struct nuncio_str text)
{
	char decoded[USER_BYTES + 1];
	int n = nuncio_json_text(json, decoded, sizeof decoded);
	return n >= 0 && nuncio_text_same((struct nuncio_str){ decoded, (size_t)n }, text);
}

static bool has_user(struct nuncio_str users, struct nuncio_str user)
{
	struct nuncio_str one;
	size_t at = 0;
	while (nuncio_json_next(users, &at, NULL, &one))
		if (is_text(one, user))
			return true;
	return false;
}

static uint32_t count_of(struct nuncio_str array)
{
	struct nuncio_str one;
	size_t at = 0;
	uint32_t count = 0;
	while (nuncio_json_next(array, &at, NULL, &one))
		count++;
	return count;
}

struct found {
	bool has_emoji, has_user; /* the reaction's emoji; its user under it */
	uint32_t total, own;
};

static struct found look(struct nuncio_str list, const struct reaction *reaction)
{
	struct found found = { 0 };
	struct nuncio_str entry, emoji, users;
	size_t at = 0;
	while (nuncio_json_next(list, &at, NULL, &entry)) {
		if (!nuncio_json_get(entry, "emoji", &emoji) ||
			!nuncio_json_get(entry, "users", &users))
			continue;
		bool is_own = has_user(users, reaction->user);
		found.total += count_of(users);
		found.own += is_own;
		if (!is_text(emoji, reaction->emoji))
			continue;
		found.has_emoji = true;
		found.has_user = is_own;
	}
	return found;
}

static void write_entry(struct nuncio_json *json, struct nuncio_str emoji, struct nuncio_str users,
	const struct reaction *reaction, bool is_it)
{
	struct nuncio_str one;
	size_t at = 0;
	nuncio_json_object_begin(json);
	nuncio_json_key(json, "emoji");
	nuncio_json_put_raw(json, emoji);
	nuncio_json_key(json, "users");
	nuncio_json_array_begin(json);
	while (nuncio_json_next(users, &at, NULL, &one))
		if (!is_it || !reaction->is_taken_back || !is_text(one, reaction->user))
			nuncio_json_put_raw(json, one);
	if (is_it && !reaction->is_taken_back)
		nuncio_json_put_text(json, reaction->user);
	nuncio_json_array_end(json);
	nuncio_json_object_end(json);
}

static void write_new_entry(struct nuncio_json *json, const struct reaction *reaction)
{
	nuncio_json_object_begin(json);
	nuncio_json_key(json, "emoji");
	nuncio_json_put_text(json, reaction->emoji);
	nuncio_json_key(json, "users");
	nuncio_json_array_begin(json);
	nuncio_json_put_text(json, reaction->user);
	nuncio_json_array_end(json);
	nuncio_json_object_end(json);
}

static void write_list(struct nuncio_json *json, struct nuncio_str list,
	const struct reaction *reaction, bool has_emoji)
{
	struct nuncio_str entry, emoji, users;
	size_t at = 0;
	nuncio_json_array_begin(json);
	while (nuncio_json_next(list, &at, NULL, &entry)) {
		if (!nuncio_json_get(entry, "emoji", &emoji) ||
			!nuncio_json_get(entry, "users", &users))
			continue;
		bool is_it = is_text(emoji, reaction->emoji);
		bool is_last = is_it && reaction->is_taken_back && count_of(users) <= 1;
		if (!is_last)
			write_entry(json, emoji, users, reaction, is_it);
	}
	if (!has_emoji)
		write_new_entry(json, reaction);
	nuncio_json_array_end(json);
}

/* 1, or why there may not be one more. */
static int may_add(const struct found *found, const struct reaction *reaction)
{
	if (found->total >= reaction->max_count)
		return NUNCIO_E_TOOBIG;
	return found->own >= reaction->max_own ? NUNCIO_E_DENIED : 1;
}

int reactions_change(
	struct nuncio_str state, const struct reaction *reaction, struct nuncio_json **json_r)
{
	static const char *const without[] = { "reactions", NULL };
	struct nuncio_str list = { "[]", 2 };
	char *own;
	state_get(state, "reactions", &list, &own);
	struct found found = look(list, reaction);
	int rc = 0;
	if (found.has_user == reaction->is_taken_back)
		rc = reaction->is_taken_back ? 1 : may_add(&found, reaction);
	if (rc == 1) {
		*json_r = state_begin(state, without);
		if (!reaction->is_taken_back || found.total > 1) {
			nuncio_json_key(*json_r, "reactions");
			write_list(*json_r, list, reaction,
				found.has_emoji || reaction->is_taken_back);
		}
	}
	free(own);
	return rc;
}
