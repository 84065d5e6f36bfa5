/* SPDX-License-Identifier: MIT */
#ifndef HISTORY_H
#define HISTORY_H

/* What the files of this module share. Everything runs on the logic thread. */

#include <nuncio/conversation.h>
#include <nuncio/json.h>
#include <nuncio/request.h>
#include <nuncio/store.h>
#include <nuncio/text.h>

#include <stdbool.h>

enum {
	PAGE_DEFAULT = 50,
	PAGE_MAX = 100,
	USER_BYTES = 64,
	CONVERSATION_BYTES = 192,
	CURSOR_BYTES = 255,
	TEXT_BYTES = 200,   /* of a search */
	HIDDEN_MAX = 1000,  /* single events of one conversation hidden by one user */
	RECORDS_MAX = 20000 /* of one user in one space that are looked at */
};

#define SPACE_HIDDEN "history.hidden"  /* owner: user, key: conversation; {"upto":7,"seqs":[9]} */
#define SPACE_SETTINGS "conversations" /* what the module of that name keeps: only read here */

/* Copies with a NUL behind; 0, or -1 when it does not fit. */
/* RFC 3339, or a date alone: milliseconds since 1970, or negative. */
int64_t text_date_ms(struct nuncio_str text);

/* --- records.c: all records of a user in a space, by key --- */

struct records {
	struct record_copy {
		char *key;
		struct nuncio_str value;
	} * all; /* by key */
	size_t count;
};
typedef void records_fn(int status, void *user); /* done; on failure the records are empty */
void records_load(struct nuncio_module *self, const char *space, const char *user_id,
	struct records *records_r, records_fn *done, void *user);
/* 1 and the value, or 0. */
int records_get(const struct records *records, struct nuncio_str key, struct nuncio_str *value_r);
void records_fini(struct records *records);

/* --- hidden.c: pure: which events of a conversation a user wants to see no more --- */

struct hidden {
	uint64_t upto;
	uint64_t *seqs; /* above upto, rising */
	size_t count;
};
void hidden_read(struct hidden *hidden_r, struct nuncio_str value); /* p NULL: nothing hidden */
void hidden_fini(struct hidden *hidden);
bool hidden_has(const struct hidden *hidden, uint64_t seq);
/* 1: changed; 0: it was so; NUNCIO_E_TOOBIG. */
int hidden_add(struct hidden *hidden, uint64_t seq);
int hidden_clear(struct hidden *hidden, uint64_t upto);
struct nuncio_json *hidden_write(const struct hidden *hidden);

/* --- unread.c: how many of a conversation's hidden messages the store counts as unread --- */

struct overcounts {
	struct overcount *all;
	size_t count;
	bool are_known;
};
struct unread {
	uint32_t messages, mentions;
};
/* Those of this row are to be looked at, if there are any. hidden: the record; p NULL: none. */
void overcounts_note(struct overcounts *counts, const struct nuncio_conversation_row *row,
	struct nuncio_str hidden);
void overcounts_look(struct nuncio_module *self, struct overcounts *counts, struct nuncio_str who,
	records_fn *done, void *user);
void overcounts_apply(
	const struct overcounts *counts, struct nuncio_str conversation, struct unread *unread);
void overcounts_fini(struct overcounts *counts);

/* --- show.c: an event as one reader may see it --- */

/* The part of a log that a reader sees. */
struct view {
	uint64_t since, until; /* until 0: to the end */
	const struct hidden *hidden;
};
/*
 * Writes it: as it is, or, hidden, as an empty one of type "hidden" in its place, so that seqs stay
 * without holes. What it changes is left out when the reader does not see that.
 */
void show_event(
	struct nuncio_json *json, const struct nuncio_event *event, const struct view *view);
bool view_has(const struct view *view, uint64_t seq); /* within since and until */

/* --- marks.c: how far people have got, as one reader may know it --- */

struct marks {
	struct mark *all;
	size_t count;
};
/* Copies what `who` may know of the rows. done may be called before it returns. */
void marks_screen(struct nuncio_module *self, struct marks *marks, struct nuncio_str who,
	const struct nuncio_member *rows, size_t n, records_fn *done, void *user);
void marks_write(const struct marks *marks, struct nuncio_json *json); /* "receipts" */
void marks_fini(struct marks *marks);

/* --- page.c: an answer that fits into one packet --- */

struct page {
	struct nuncio_module *self;
	struct nuncio_request *rq;
	struct nuncio_json *json;
	uint32_t limit;
	/* asks for `limit` rows; negative: could not be asked */
	int (*ask)(struct page *page);
	void (*end)(struct page *page); /* frees what is behind; NULL: nothing */
};
enum { ANSWER_BYTES = 65000, ROW_BYTES = 300 };

/* Asks, and fails when it could not. */
void page_ask(struct page *page);
void page_fail(struct page *page, int status);
/* The end without an answer: there was one. */
void page_drop(struct page *page);
struct nuncio_json *page_write(struct page *page); /* a new object */
/* Ends the object and sends it, or asks for half of the `rows` that were too much. */
void page_send(struct page *page, size_t rows);
uint32_t page_text_bytes(const struct page *page);
uint32_t page_limit(struct nuncio_request *rq);

void write_text_or_null(struct nuncio_json *json, const char *key, struct nuncio_str text);
void write_number(struct nuncio_json *json, const char *key, uint64_t number);
void write_bool(struct nuncio_json *json, const char *key, int yes);

/* --- the module's data --- */

struct history {
	struct recent *recent; /* recent.c */
	struct unseen *unseen; /* unseen.c */
};

/* --- what clients ask --- */

void on_query(struct nuncio_request *rq, void *user);  /* events.c */
void on_list(struct nuncio_request *rq, void *user);   /* list.c */
void on_sync(struct nuncio_request *rq, void *user);   /* changes.c */
void on_search(struct nuncio_request *rq, void *user); /* find.c */
void on_hide(struct nuncio_request *rq, void *user);   /* hiding.c */
void on_clear(struct nuncio_request *rq, void *user);

#endif
