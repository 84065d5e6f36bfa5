/* SPDX-License-Identifier: MIT */
#ifndef STORE_CASE_H
#define STORE_CASE_H

/* Short words for the tests of stores: one store open at a time, in a folder of its own. */

#include "lib/store_host.h"
#include "lib/unit.h"

#define S(literal) ((struct nuncio_str){ literal, sizeof(literal) - 1 })

struct store_case {
	const char *so;        /* module under test */
	const char *wipe;      /* command that empties it; NULL: a new folder is enough */
	bool is_durable;       /* survives closing */
	bool has_many_writers; /* of several nodes, whose ids come in any order */
	const char *options[8];
	char dir[64];
	struct store_host *host;
	nuncio_id last_id;
};
extern struct store_case the;

#define CASE(name) cmocka_unit_test_setup_teardown(name, case_setup, case_teardown)

/*
 * Runs the tests over every store that is built (the table is in store_case.c), or only over those
 * that have this part of the contract. 0: all passed.
 */
enum case_stores { CASE_ALL_STORES, CASE_FULL_STORES, CASE_SEARCH_STORES };
int case_run(const char *name, const struct CMUnitTest *tests, size_t n, enum case_stores which);

void case_path(char *out, size_t size, const char *name); /* of a file in the folder */
const char *case_so(const char *module);                  /* path of a built module; static text */
int case_setup(void **state);                             /* new folder, open */
int case_teardown(void **state);                          /* close, remove the folder */
void case_open(void);
void case_close(void);
struct nuncio_str text_of(const char *s);

/* --- writing --- */

/* One append; texts not named are: type message, kind text, founders alice and bob. */
struct event_args {
	const char *conversation, *from, *client_id, *body, *kind, *extra, *type;
	const struct nuncio_record_write *writes;
	size_t writes_count;
};
struct nuncio_job_append make_append(const struct event_args *args);
/* Runs it alone: status; *job_r for details, to be ended with store_host_job_fini, or NULL. */
int append_with(const struct event_args *args, struct nuncio_job *job_r);
int append_job(const struct nuncio_job_append *in, struct nuncio_job *job_r);
uint64_t append(
	const char *conversation, const char *from, const char *client_id, const char *body);
int mark(const char *conversation, const char *user, uint64_t delivered, uint64_t read);
int write_records(const struct nuncio_record_write *writes, size_t n);
struct nuncio_record_write make_write(
	const char *space, const char *owner, const char *key, const char *value, int64_t expect);

/* A change to a member; role -1: leaves everything but the op as it is. */
struct nuncio_member_change make_change(uint32_t op, const char *user, int role, uint32_t fields);
/* An event of type "group" by alice with these changes: status. */
int change_members(const char *conversation, const struct nuncio_member_change *changes, size_t n);
void add_member(const char *conversation, const char *user); /* must work */
void remove_member(const char *conversation, const char *user);

enum {
	ADD = NUNCIO_MEMBER_ADD,
	REMOVE = NUNCIO_MEMBER_REMOVE,
	SET = NUNCIO_MEMBER_SET,
	TOLERANT = NUNCIO_MEMBER_TOLERANT,
	ALL_HISTORY = NUNCIO_MEMBER_ALL_HISTORY
};
/* One change to g:1, if the member has the role expected. */
int change_one(uint32_t op, const char *user, int role, uint32_t fields, int32_t expect_role);

/* An event of type "change" by alice that changes another one. */
struct nuncio_job_append make_amend(
	const char *conversation, uint64_t target, const char *body, const char *state);
/* Whatever its `changed` is now. */
uint64_t amend(const char *conversation, uint64_t target, const char *body, const char *state);
void recall(const char *conversation, uint64_t target); /* body null, VOID */

/* --- reading: run a query, the caller ends the job --- */
struct nuncio_job read_job(uint32_t kind, const void *query);
struct nuncio_job read_events(
	const char *conversation, uint64_t after, uint64_t before, uint32_t limit);
struct nuncio_job read_sync(const char *user, struct nuncio_str cursor, uint32_t limit);
struct nuncio_job read_conversations(const char *user, const char *after, uint32_t limit);
struct nuncio_job read_members(const char *conversation, const char *after, uint32_t limit);
struct nuncio_job read_member(const char *conversation, const char *user);
struct nuncio_job read_record(const char *space, const char *owner, const char *key);
struct nuncio_job read_list(const struct nuncio_records_query *query);
/* A member in words, or "none"; "alice bob +" of a job, which it ends. Static texts. */
const char *member_text(const char *conversation, const char *user);
const char *names_text(struct nuncio_job job);
#define MEMBER(conversation, user, expected) \
	assert_string_equal(member_text(conversation, user), expected)
#define MEMBERS(conversation, expected) \
	assert_string_equal(names_text(read_members(conversation, "", 100)), expected)
/* The seqs of a log are 1..count and its ids rise; returns count. */
uint64_t check_log(const char *conversation);
/* (s, owner, key); value NULL: must be absent. */
void check_record_of(const char *owner, const char *key, const char *value, uint64_t version);

#endif
