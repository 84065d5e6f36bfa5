/* SPDX-License-Identifier: MIT */
#ifndef LOGIC_SHAPE_H
#define LOGIC_SHAPE_H

#include <stdbool.h>
#include <stddef.h>

#include <nuncio/request.h>

#include "wire/json_out.h"

/*
 * The notation of <nuncio/request.h> for what a JSON value looks like. Pure but for the table of
 * names, which belongs to the logic thread.
 */

/* Shapes that were declared under a name. */
struct shapes {
	struct named_shape {
		const char *owner; /* module, or "core" */
		const char *name, *shape, *help;
	} * all;
	size_t count;
};

void shapes_init(struct shapes *shapes);
void shapes_fini(struct shapes *shapes);

/* NUNCIO_E_EXISTS with both owners in err; NUNCIO_E_INVAL for a bad name. Texts are borrowed. */
int shapes_add(struct shapes *shapes, const char *owner, const struct nuncio_shape *shape,
	struct nuncio_error *err);
bool shapes_have(const struct shapes *shapes, struct nuncio_str name);

/*
 * Writes the shape as JSON Schema (2020-12). NUNCIO_E_INVAL: it cannot be read, or names a shape
 * that nobody has declared; err says what and where, and what was written is of no use.
 */
int shape_write(const struct shapes *shapes, struct nuncio_str shape, struct json_out *out,
	struct nuncio_error *err);

/* Is it only words ("'a'|'b'")? Then is `text` one of them? */
bool shape_is_words(struct nuncio_str shape);
/* The next of them; false when there is none left in *words. */
bool shape_next_word(struct nuncio_str *words, struct nuncio_str *word_r);
bool shape_has_word(struct nuncio_str shape, struct nuncio_str text);
/* "a, b or c": at most size - 1 bytes, NUL-ended. */
void shape_list_words(struct nuncio_str shape, char *out, size_t size);

#endif
