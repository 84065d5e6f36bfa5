/* SPDX-License-Identifier: MIT */
#ifndef BASE_SLICE_H
#define BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <nuncio/base.h>

/* Borrowed text. STR takes a literal only; STR_INIT is the same for static initialisers. */
#define STR(literal) ((struct nuncio_str){ "" literal, sizeof(literal) - 1 })
#define STR_INIT(literal) \
	{ \
		"" literal, sizeof(literal) - 1 \
	}
#define STR_FMT "%.*s" /* printf("..." STR_FMT, STR_ARG(s)) */
#define STR_ARG(s) (int)(s).n, (s).n ? (s).p : ""

struct nuncio_str str_of(const char *text); /* NULL gives the empty text */
bool str_eq(struct nuncio_str a, struct nuncio_str b);
bool str_eq_text(struct nuncio_str a, const char *b);
bool str_eq_nocase(struct nuncio_str a, struct nuncio_str b); /* ASCII letters only */
int str_cmp(struct nuncio_str a, struct nuncio_str b);        /* by bytes; <0, 0, >0 */
bool str_starts(struct nuncio_str s, struct nuncio_str prefix);
bool str_ends(struct nuncio_str s, struct nuncio_str suffix);
/* A word of a-z 0-9 . _ -, which may stand in JSON as it is; text in UTF-8 without controls. */
bool str_is_name(struct nuncio_str s, size_t max);
bool str_is_clean(struct nuncio_str s, size_t max); /* may be empty */
ptrdiff_t str_find(struct nuncio_str s, char c);    /* index of the first c, or -1 */

/* Splits at the first sep. False when there is none: then head is all of s and tail is empty. */
bool str_cut(struct nuncio_str s, char sep, struct nuncio_str *head_r, struct nuncio_str *tail_r);
struct nuncio_str str_trim(struct nuncio_str s); /* spaces, tabs, CR, LF at both ends */

/* Strict decimal: no blanks, no '+', nothing behind, must fit; else NUNCIO_E_INVAL. */
int str_to_i64(struct nuncio_str s, int64_t *v_r);
int str_to_u64(struct nuncio_str s, uint64_t *v_r);

#endif
