/* SPDX-License-Identifier: MIT */
/*
 * The texts of a value, for searches: of a message of kind text its body, of others what stands
 * under their members, such as a caption. One level deep: what an app nests deeper is its own
 * bookkeeping, and keys are nobody's words. Pure, and memory-safe on any bytes.
 */
#include "wire/json_texts.h"

#include <string.h>

#include "wire/json.h"

struct texts {
	struct arena arena; /* of one text with escapes at a time */
	char *out;
	size_t used, size;
};

/* Only whole characters; a NUL in the text would end it. */
static void add_text(struct texts *texts, struct nuncio_str value)
{
	struct nuncio_str text;
	if (json_type(value) != JSON_TEXT || json_text(value, &texts->arena, &text) < 0)
		return;
	size_t room = texts->size - 1 - texts->used, n = text.n;
	if (texts->used && room) {
		texts->out[texts->used++] = ' ';
		room--;
	}
	if (n > room)
		for (n = room; n > 0 && ((unsigned char)text.p[n] & 0xC0) == 0x80; n--)
			;
	for (size_t i = 0; i < n; i++)
		texts->out[texts->used++] = text.p[i] ? text.p[i] : ' ';
	arena_reset(&texts->arena);
}

size_t json_texts(struct nuncio_str value, char *out, size_t size)
{
	struct texts texts = { .out = out, .size = size };
	struct nuncio_str key, child;
	arena_init(&texts.arena, 0);
	add_text(&texts, value);
	struct json_iter items = json_items(value), members = json_members(value);
	while (json_next_item(&items, &child))
		add_text(&texts, child);
	while (json_next_member(&members, &key, &child))
		add_text(&texts, child);
	out[texts.used] = '\0';
	arena_fini(&texts.arena);
	return texts.used;
}
