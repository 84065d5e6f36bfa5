/* SPDX-License-Identifier: MIT */
/*
 * The state of a message: JSON members without braces, like `"edited_at":"..."`. It is rewritten as
 * a whole with each change, so one member never contradicts another. Pure.
 */
#include "messages.h"

#include <stdlib.h>
#include <string.h>

/* The state as one object, to be freed; an empty state is {}. */
static char *with_braces(struct nuncio_str state, struct nuncio_str *object_r)
{
	char *text = nuncio_alloc(state.n + 2);
	text[0] = '{';
	if (state.n)
		memcpy(text + 1, state.p, state.n);
	text[state.n + 1] = '}';
	*object_r = (struct nuncio_str){ text, state.n + 2 };
	return text;
}

static bool is_one_of(struct nuncio_str key, const char *const *names)
{
	for (; names && *names; names++)
		if (nuncio_text_same(key, nuncio_text(*names)))
			return true;
	return false;
}

struct nuncio_json *state_begin(struct nuncio_str state, const char *const *without)
{
	struct nuncio_json *json = nuncio_json_new();
	struct nuncio_str object, key, value;
	char *own = with_braces(state, &object), name[64];
	size_t at = 0;
	nuncio_json_object_begin(json);
	while (nuncio_json_next(object, &at, &key, &value)) {
		/* Keys of a state are made by modules: short, without escapes. */
		if (is_one_of(key, without) || nuncio_text_copy(key, name, sizeof name) < 0)
			continue;
		nuncio_json_key(json, name);
		nuncio_json_put_raw(json, value);
	}
	free(own);
	return json;
}

struct nuncio_str state_text(struct nuncio_json *json)
{
	nuncio_json_object_end(json);
	struct nuncio_str text = nuncio_json_str(json);
	return (struct nuncio_str){ text.p + 1, text.n - 2 };
}

int state_get(struct nuncio_str state, const char *key, struct nuncio_str *value_r, char **own_r)
{
	struct nuncio_str object;
	*own_r = with_braces(state, &object);
	return nuncio_json_get(object, key, value_r);
}
