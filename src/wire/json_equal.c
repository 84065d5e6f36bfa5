/* SPDX-License-Identifier: MIT */
/*
 * Are two checked JSON values the same? Used to tell a repeated request from another one under the
 * same key, so the usual answer is "byte for byte" and costs a memcmp. Objects are walked side by
 * side while their members come in the same order; when they do not, both are sorted once, in
 * memory that is freed before the answer. So the time stays near-linear for any text that the
 * checker lets pass.
 */
#include "wire/json.h"

#include "base/arena.h"
#include "base/slice.h"
#include "wire/json_private.h"
#include "wire/limits.h"

struct member {
	struct nuncio_str key, value;
};

static bool equal(struct nuncio_str a, struct nuncio_str b, unsigned depth, struct arena *memory);

static bool equal_texts(struct nuncio_str a, struct nuncio_str b)
{
	if (a.n < 2 || b.n < 2)
		return false;
	return json_key_cmp((struct nuncio_str){ a.p + 1, a.n - 2 },
		       (struct nuncio_str){ b.p + 1, b.n - 2 }) == 0;
}

static bool is_integer(struct nuncio_str value)
{
	for (size_t i = 0; i < value.n; i++)
		if (value.p[i] == '.' || (value.p[i] | 0x20) == 'e')
			return false;
	return true;
}

/* Different texts: two integers are different numbers but for -0; else doubles decide. */
static bool equal_numbers(struct nuncio_str a, struct nuncio_str b)
{
	double x, y;
	if (is_integer(a) && is_integer(b))
		return (str_eq_text(a, "0") && str_eq_text(b, "-0")) ||
		       (str_eq_text(a, "-0") && str_eq_text(b, "0"));
	return json_double(a, &x) == 0 && json_double(b, &y) == 0 && !(x < y) && !(x > y);
}

static bool equal_arrays(
	struct nuncio_str a, struct nuncio_str b, unsigned depth, struct arena *memory)
{
	struct json_iter left = json_items(a), right = json_items(b);
	struct nuncio_str x, y;
	for (;;) {
		bool more = json_next_item(&left, &x);
		if (more != json_next_item(&right, &y))
			return false;
		if (!more)
			return true;
		if (!equal(x, y, depth, memory))
			return false;
	}
}

static void sort_members(struct member *members, size_t n)
{
	size_t gap = 1;
	while (gap < n / 3)
		gap = gap * 3 + 1;
	for (; gap; gap /= 3) {
		for (size_t i = gap; i < n; i++) {
			struct member moving = members[i];
			size_t at = i;
			for (; at >= gap && json_key_cmp(moving.key, members[at - gap].key) < 0;
				at -= gap)
				members[at] = members[at - gap];
			members[at] = moving;
		}
	}
}

static struct member *sorted_members(struct nuncio_str value, size_t count, struct arena *memory)
{
	struct member *members = arena_get(memory, count * sizeof(*members));
	struct json_iter it = json_members(value);
	for (size_t i = 0; i < count; i++)
		json_next_member(&it, &members[i].key, &members[i].value);
	sort_members(members, count);
	return members;
}

static bool equal_sorted(
	struct nuncio_str a, struct nuncio_str b, unsigned depth, struct arena *memory)
{
	size_t count = json_count(a);
	if (count != json_count(b))
		return false;
	struct member *x = sorted_members(a, count, memory), *y = sorted_members(b, count, memory);
	for (size_t i = 0; i < count; i++)
		if (json_key_cmp(x[i].key, y[i].key) != 0 ||
			!equal(x[i].value, y[i].value, depth, memory))
			return false;
	return true;
}

/* Looks at keys only: values are compared once, or nesting would double the work at each level. */
static bool is_same_order(struct nuncio_str a, struct nuncio_str b)
{
	struct json_iter left = json_members(a), right = json_members(b);
	struct nuncio_str x_key, y_key, x, y;
	for (;;) {
		bool more = json_next_member(&left, &x_key, &x);
		if (more != json_next_member(&right, &y_key, &y))
			return false;
		if (!more)
			return true;
		if (json_key_cmp(x_key, y_key) != 0)
			return false;
	}
}

static bool equal_objects(
	struct nuncio_str a, struct nuncio_str b, unsigned depth, struct arena *memory)
{
	struct json_iter left = json_members(a), right = json_members(b);
	struct nuncio_str key, x, y;
	if (!is_same_order(a, b))
		return equal_sorted(a, b, depth, memory);
	while (json_next_member(&left, &key, &x) && json_next_member(&right, &key, &y))
		if (!equal(x, y, depth, memory))
			return false;
	return true;
}

static bool equal(struct nuncio_str a, struct nuncio_str b, unsigned depth, struct arena *memory)
{
	enum json_type type = json_type(a);
	if (str_eq(a, b))
		return true;
	if (type != json_type(b) || depth >= LIMIT_JSON_DEPTH)
		return false;
	switch (type) {
	case JSON_TEXT:
		return equal_texts(a, b);
	case JSON_NUMBER:
		return equal_numbers(a, b);
	case JSON_ARRAY:
		return equal_arrays(a, b, depth + 1, memory);
	case JSON_OBJECT:
		return equal_objects(a, b, depth + 1, memory);
	default:
		return false; /* null and the booleans have one spelling each */
	}
}

bool json_is_equal(struct nuncio_str a, struct nuncio_str b)
{
	struct arena memory;
	arena_init(&memory, 0);
	bool same = equal(a, b, 0, &memory);
	arena_fini(&memory);
	return same;
}
