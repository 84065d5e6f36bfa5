/* SPDX-License-Identifier: MIT */
#ifndef FUZZ_JSON_OTHER_H
#define FUZZ_JSON_OTHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <nuncio/base.h>

/* jansson behind names of its own: its header and wire/json.h share some (JSON_TRUE ...). */
struct json_t;
struct json_t *other_load(struct nuncio_str text, bool *is_overflow_r); /* NULL: refused */
void other_free(struct json_t *v);
char *other_dump(const struct json_t *v); /* sorted keys; for free() */
char other_kind(const struct json_t *v);  /* o a s i r, or another letter */
struct nuncio_str other_text(const struct json_t *v);
int64_t other_int(const struct json_t *v);
double other_real(const struct json_t *v);
size_t other_count(const struct json_t *v);
const struct json_t *other_item(const struct json_t *v, size_t i);
const struct json_t *other_member(const struct json_t *v, const char *key);

#endif
