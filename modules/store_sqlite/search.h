/* SPDX-License-Identifier: MIT */
#ifndef STORE_SQLITE_SEARCH_H
#define STORE_SQLITE_SEARCH_H

/*
 * The search index, between its files. It is a database of its own beside the store's, so messages
 * pay nothing for it when they are stored: a thread reads what was committed and indexes it. Every
 * message is a *document* with a number; numbers rise with the ids of the messages and have no
 * holes, so the newest first is the order of the index itself, and a range of numbers is a known
 * amount of work.
 */

#include "store_sqlite.h"

#include <nuncio/search.h>

enum search_sql {
	SEARCH_BEGIN,
	SEARCH_BEGIN_READ,
	SEARCH_COMMIT,
	SEARCH_ROLLBACK,
	SEARCH_META_SET,
	SEARCH_DOC_ADD,
	SEARCH_DOC_GET,
	SEARCH_DOC_LAST,
	SEARCH_DOC_SET,
	SEARCH_WORDS_ADD,
	SEARCH_WORDS_DROP,
	SEARCH_FIND,
	SEARCH_SQL_COUNT
};

/* --- search_db.c: one connection to the index; used by one thread at a time --- */
struct search_db {
	sqlite3 *handle;
	sqlite3_stmt *sql[SEARCH_SQL_COUNT];
};
/* The same codes as SQLite's; NOTADB also for one that does not belong to this store. */
int search_db_open(struct search_db *db, const char *path, int64_t cache_bytes);
/* The file, empty, when it is missing; `born`: what the store has committed then. */
int search_db_make(const char *path, const char *uuid, nuncio_id born);
struct search_state {
	nuncio_id upto; /* everything up to this event is in it */
	nuncio_id born;
	uint64_t docs; /* how many documents there are, and the number of the last */
};
int search_db_check(struct search_db *db, const char *uuid, struct search_state *state_r);
bool search_db_is_foreign(const char *path); /* a database of another program */
void search_db_remove(const char *path);
void search_db_close(struct search_db *db);
int search_db_run(struct search_db *db, enum search_sql which);
bool search_db_is_broken(int rc);
/* The message that a document is. SQLITE_ROW, or SQLITE_DONE for none. */
struct search_doc {
	nuncio_id id;
	int64_t conversation;
	uint64_t changed; /* its event's, when it was indexed */
};
int search_db_doc(struct search_db *db, uint64_t number, struct search_doc *doc_r);
int search_db_docs(struct search_db *db, uint64_t *docs_r); /* the number of the last */
/* The first document whose message has at least this id; one above the last if there is none. */
int search_db_find(struct search_db *db, uint64_t docs, nuncio_id id, uint64_t *number_r);

/* --- search_words.c: what stands in the index for a message, and what a query asks for --- */
enum { SEARCH_WORDS_MAX = 64, SEARCH_WORD_BYTES = 80, SEARCH_TEXT_BYTES = NUNCIO_EVENT_BYTES + 1 };
struct words {
	char *text; /* tokens with blanks behind */
	size_t n, size, count;
	char body[SEARCH_TEXT_BYTES];
};
void words_fini(struct words *w);
/* Fills `text`; `count` is that of the words alone, 0: nobody can find it. */
void words_of_message(
	struct words *w, int64_t conversation, struct nuncio_str sender, struct nuncio_str body);
void words_add_conversation(struct words *w, int64_t number);
void words_add_sender(struct words *w, struct nuncio_str sender);
void words_add(struct words *w, const char *text);
size_t words_keep(struct words *w, struct nuncio_str text); /* as it is; returns where */
struct asked {
	char words[SEARCH_WORDS_MAX][SEARCH_WORD_BYTES];
	size_t bytes[SEARCH_WORDS_MAX], count;
	bool is_found[SEARCH_WORDS_MAX];
};
void asked_cut(struct asked *asked, struct nuncio_str text);
void asked_write(const struct asked *asked, struct words *w); /* joined by AND */
/* Does the body have all the words? `room` is for its text. */
bool asked_are_in(struct asked *asked, struct nuncio_str body, char room[SEARCH_TEXT_BYTES]);

/* --- search_index.c, search_thread.c, search_find.c --- */
struct search_reader {
	struct search_db db;
	uint64_t generation; /* of the file that it has open; 0: none */
};

struct search {
	struct store *store;
	char *path;
	/* The indexer's own, but for start and stop. */
	struct search_db db;
	sqlite3 *main;
	sqlite3_stmt *next, *target, *shed, *shed_any;
	bool is_open;
	struct search_state state; /* as it will be committed */
	nuncio_id synced;          /* up to this event it stays in the index in a power cut */
	struct words words, texts; /* of one message; as they were read */
	int64_t complained_ms;
	/* Shared. */
	_Atomic(uint64_t) generation; /* of the file; even: there is none now */
	_Atomic(nuncio_id) done;      /* bodies shed by events up to this are not needed any more */
	atomic_bool is_broken;        /* a reader says so */
	atomic_bool is_asleep;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool is_stopping, is_woken;                         /* under lock */
	struct search_reader reader[STORE_READERS_MAX + 1]; /* by lane */
};

int search_index_open(struct search *x);
void search_index_close(struct search *x);
/* Indexes some of what is new; *count_r of how many events, 0: there was nothing. */
int search_index_step(struct search *x, size_t *count_r);
/* A search went wrong: what to answer. */
int search_failed(struct search *x, struct db *db, uint64_t generation, int rc);

#endif
