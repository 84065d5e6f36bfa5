/* SPDX-License-Identifier: MIT */
#ifndef WORD_FILTER_H
#define WORD_FILTER_H

/* What the files of this module share. */

#include <nuncio/base.h>
#include <nuncio/text.h>

#include <locale.h>
#include <stdbool.h>

enum {
	ENTRY_POINTS_MAX = 64, /* code points of one entry */
	ENTRIES_MAX = 200000,  /* of all files together */
	FILE_BYTES_MAX = 16 << 20,
	MASK_BYTES_MAX = 16
};

enum action { ACTION_NONE = 0, ACTION_MASK = 1, ACTION_REFUSE = 2 };

/* --- fold.c: pure: code points, as they are compared --- */

/* The next code point of valid UTF-8; *p moves. Malformed bytes count as U+FFFD, one by one. */
uint32_t fold_next(const char **p, const char *end);
/*
 * Lower case, full width to plain. 0: is passed over when comparing (zero width, soft hyphen). With
 * the locale (locale_t)0 only ASCII has cases.
 */
uint32_t fold_point(uint32_t point, locale_t locale);
/* A letter or digit of a script that has blanks between its words. */
bool fold_is_word(uint32_t point, locale_t locale);

/* --- words.c: the automaton of all entries; immutable once built --- */

struct words;
struct words *words_new(void);
void words_free(struct words **words);
/*
 * Adds an entry: `stop` whole words only, `stop*` also as a beginning, `*stop` as an end, `*stop*`
 * anywhere. 0; NUNCIO_E_INVAL (nothing in it, or not UTF-8), NUNCIO_E_TOOBIG (too long, too many).
 */
int words_add(struct words *words, struct nuncio_str text, enum action action);
void words_build(struct words *words); /* once, after the last entry */
size_t words_count(const struct words *words);

/*
 * Looks through a text: the strongest action of all hits. Hits that are to be masked are bytes
 * [begin, end) given to fn (may be NULL), in rising order of their ends; they may overlap.
 */
typedef void words_hit_fn(size_t begin, size_t end, void *user);
enum action words_search(
	const struct words *words, struct nuncio_str text, words_hit_fn *fn, void *user);

/* --- list.c: files to words; blocks, so it runs on a worker --- */

/* Adds all entries of a file; negative with file, line and reason in err. */
int list_read(struct words *words, const char *path, enum action action, struct nuncio_error *err);

/* --- mask.c: pure: a body with its hits masked --- */

struct masked {
	enum action action;
	char *body; /* new JSON, to be freed; NULL unless action is MASK */
	size_t body_bytes;
};
struct masked mask_body(const struct words *words, struct nuncio_str body, const char *mask);

#endif
