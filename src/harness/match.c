/* SPDX-License-Identifier: MIT */
/* What tests expect of JSON: see the header. Pure functions. Thread: any. */
#include "harness/match.h"

#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/slice.h"
#include "wire/json.h"

int match_read(const char *text, struct buf *out, struct nuncio_error *err)
{
	size_t begin = out->used;
	bool is_json = strchr(text, '"') != NULL;
	for (const char *p = text; *p; p++)
		buf_add_char(out, *p == '\'' && !is_json ? '"' : *p);
	struct nuncio_str all = buf_str(out);
	return json_check((struct nuncio_str){ all.p + begin, all.n - begin }, NULL, NULL, err);
}

static bool is_any(struct nuncio_str pattern)
{
	return str_eq_text(pattern, "\"*\"");
}

static bool find_member(struct nuncio_str object, struct nuncio_str key, struct nuncio_str *child_r)
{
	struct arena arena;
	struct nuncio_str name;
	bool found = false;
	arena_init(&arena, 0);
	struct json_iter it = json_members(object);
	struct nuncio_str wanted = json_key_text(key, &arena);
	while (!found && json_next_member(&it, &name, child_r))
		found = json_key_is(name, wanted);
	arena_fini(&arena);
	return found;
}

static void add_step(struct buf *where, struct nuncio_str key)
{
	if (where->used)
		buf_add_char(where, '.');
	buf_add_str(where, key);
}

static bool object_is_like(struct nuncio_str found, struct nuncio_str pattern, struct buf *where)
{
	struct nuncio_str key, wanted, child;
	struct json_iter it = json_members(pattern);
	size_t before = where->used;
	while (json_next_member(&it, &key, &wanted)) {
		add_step(where, key);
		if (!find_member(found, key, &child) || !match_is_like(child, wanted, where))
			return false;
		where->used = before;
	}
	return true;
}

static bool array_is_like(struct nuncio_str found, struct nuncio_str pattern, struct buf *where)
{
	struct nuncio_str wanted, item;
	struct json_iter it = json_items(pattern), other = json_items(found);
	size_t before = where->used;
	for (size_t i = 0; json_next_item(&it, &wanted); i++) {
		buf_printf(where, "[%zu]", i);
		if (!json_next_item(&other, &item) || !match_is_like(item, wanted, where))
			return false;
		where->used = before;
	}
	return !json_next_item(&other, &item);
}

bool match_is_like(struct nuncio_str found, struct nuncio_str pattern, struct buf *where)
{
	if (is_any(pattern))
		return true;
	if (json_type(pattern) != json_type(found))
		return false;
	if (json_type(pattern) == JSON_OBJECT)
		return object_is_like(found, pattern, where);
	if (json_type(pattern) == JSON_ARRAY)
		return array_is_like(found, pattern, where);
	return json_is_equal(found, pattern);
}
