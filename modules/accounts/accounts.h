/* SPDX-License-Identifier: MIT */
#ifndef ACCOUNTS_H
#define ACCOUNTS_H

/*
 * What the files of this module share. Everything runs on the logic thread, but the work of
 * password.c.
 */

#include <nuncio/json.h>
#include <nuncio/log.h>
#include <nuncio/metric.h>
#include <nuncio/request.h>
#include <nuncio/services/token.h>
#include <nuncio/store.h>
#include <nuncio/text.h>
#include <nuncio/timer.h>

#include <stdbool.h>

enum {
	ACCOUNT_ID_BYTES_MAX = 64,
	ACCOUNT_NAME_CHARS_MAX = 64,
	ACCOUNT_NAME_BYTES_MAX = 4 * ACCOUNT_NAME_CHARS_MAX,
	ACCOUNT_PASSWORD_BYTES_MIN = 8,
	ACCOUNT_PASSWORD_BYTES_MAX = 256,
	ACCOUNT_HASH_SIZE = 128, /* crypto_pwhash_STRBYTES */
	ACCOUNT_JSON_BYTES_MAX = 4096,
	FOLD_SIZE = ACCOUNT_ID_BYTES_MAX + 1,
	ACCESS_SIZE = 2048,
	HASH_THREADS_MAX = 16,
	SEARCH_LIMIT = 20,
	SEARCH_LIMIT_MAX = 100,
	/* longer than access_ttl can be, with the ten minutes that auth_jwt may grant to clocks */
	GONE_KEEP_MS = 25 * 60 * 60 * 1000
};

#define WORDS_DELETED "this account was deleted"
#define WORDS_PASSWORD_CHANGED "the password was changed; sign in again"

#define SPACE_ACCOUNT "accounts"
#define SPACE_NAME \
	"accounts.name" /* owner: folded id or name, key: id; what search.c finds people by */
#define SPACE_VOID "accounts.void"       /* owner: id, key: empty; what voids.c remembers */
#define SPACE_REFRESH "accounts.refresh" /* owner: id, key: family */

/* --- text.c: pure --- */

/* Valid UTF-8 without control characters (C0, DEL, C1): its number of characters, or -1. */
long text_chars(struct nuncio_str text);
/* sound, without '/', and not "." or "..": such a thing has no path in a URL */
bool id_is_any(struct nuncio_str id);
bool id_is_sound(struct nuncio_str id);     /* 1-64 bytes of such text */
bool id_is_plain(struct nuncio_str id);     /* [a-z0-9._-], the first a letter or digit, 1-64 */
bool name_is_sound(struct nuncio_str name); /* at most 64 characters */
/* Lower case for A-Z, and cut to what an owner may have, between characters. */
void text_fold(struct nuncio_str text, char out[FOLD_SIZE]);

/* --- gone.c: access tokens that are void before their time is over --- */

struct gone;
enum gone_why { GONE_NOT, GONE_DELETED, GONE_PASSWORD, GONE_UNKNOWN };
#define GONE_ALL INT64_MAX
struct gone *gone_new(void);
void gone_free(struct gone **gone);
/*
 * Those of `id` issued before before_ms (GONE_ALL: all), to be remembered until until_ms, which is
 * GONE_KEEP_MS after that. false: that was known, or is over.
 */
bool gone_add(struct gone *gone, struct nuncio_str id, int64_t before_ms, int64_t now_ms,
	int64_t until_ms);
/*
 * issued_ms: of the token, in whole seconds; 0 when it does not say. GONE_UNKNOWN: what voided so
 * old a token is not remembered.
 */
enum gone_why gone_has(
	const struct gone *gone, struct nuncio_str id, int64_t issued_ms, int64_t now_ms);

/* --- account.c: one account and its record --- */

struct account {
	char id[ACCOUNT_ID_BYTES_MAX + 1];
	char name[ACCOUNT_NAME_BYTES_MAX + 1]; /* "" for none */
	char hash[ACCOUNT_HASH_SIZE];          /* of the password; "" once deleted */
	int64_t epoch; /* grows when the password changes: what was signed in before it is void */
	int64_t tokens_from_ms; /* access tokens that were issued before it are void */
	int64_t created_at_ms, deleted_at_ms; /* deleted_at_ms 0: alive */
	uint64_t version;                     /* of the record */
};
int account_read(const struct nuncio_record *row, struct account *account_r);
enum gone_why account_why(const struct account *account, int64_t issued_ms); /* never UNKNOWN */
void account_write(const struct account *account, struct nuncio_json *out);  /* the record */
void account_show(const struct account *account, struct nuncio_json *out);   /* the answer */

/* --- refresh.c: refresh tokens --- */

enum { REFRESH_FAMILY_SIZE = 23, REFRESH_HASH_SIZE = 65, REFRESH_TEXT_SIZE = 192 };
struct refresh {
	char user[ACCOUNT_ID_BYTES_MAX + 1];
	char family[REFRESH_FAMILY_SIZE]; /* one sign-in and what was renewed from it */
	char hash[REFRESH_HASH_SIZE];     /* hexadecimal SHA-256 of the secret */
};
/* A new secret for refresh->user; a new family too if there is none yet. */
void refresh_make(struct refresh *refresh, char text_r[REFRESH_TEXT_SIZE]);
int refresh_parse(struct nuncio_str text, struct refresh *refresh_r); /* 0 or -1 */
bool refresh_is_same(
	const struct refresh *a, const struct refresh *b); /* the secret; constant time */

enum { FAMILY_ENDS_MAX = 16 };
struct family_ending {
	int64_t used_at_ms;
	char family[REFRESH_FAMILY_SIZE];
};

/* --- throttle.c: how often something may happen; a bounded table --- */

struct throttle;
struct throttle *throttle_new(void);
void throttle_free(struct throttle **throttle);
struct throttle_rule {
	char kind;
	int64_t limit, window_ms; /* limit 0: no limit */
};
/* The same address, or of one IPv6 /64. */
bool throttle_is_same(struct nuncio_str address, struct nuncio_str other);
/* 1 and counted, or 0 when there were too many. give takes one back that was no offence. */
int throttle_take(struct throttle *throttle, const struct throttle_rule *rule,
	struct nuncio_str user, struct nuncio_str address, int64_t now_ms);
void throttle_give(struct throttle *throttle, const struct throttle_rule *rule,
	struct nuncio_str user, struct nuncio_str address);
/* What happened elsewhere, and cannot be refused any more. */
void throttle_add(struct throttle *throttle, const struct throttle_rule *rule,
	struct nuncio_str user, struct nuncio_str address, int64_t now_ms);

/* --- voids.c: the same on all nodes, and over restarts --- */

struct accounts;
int voids_init(struct accounts *a);
void voids_start(struct accounts *a);
void voids_stop(struct accounts *a);
void voids_fini(struct accounts *a);
void voids_read(struct accounts *a); /* all that the store has */
/*
 * What this account has voided, and is in the store already: from now on here, and on other nodes.
 * Closes the sessions.
 */
void voids_add(struct accounts *a, const struct account *account);
/* The value of the record that says it, and how long that is kept. */
void voids_write(const struct account *account, struct nuncio_json *out);
int64_t voids_until_ms(const struct account *account);
enum gone_why voids_why(const struct accounts *a, struct nuncio_str id, int64_t issued_ms);
bool voids_are_known(const struct accounts *a); /* the store has been read */

/* --- entry.c: who comes with a void token --- */

int entry_init(struct accounts *a);
void entry_fini(struct accounts *a);
void entry_decide(struct accounts *a); /* about those who waited until the voids are known */
/* When the token of this session was issued; 0: it did not say. */
int64_t entry_issued_ms(const struct accounts *a, const struct nuncio_session *session);

/* --- the module --- */

struct accounts {
	struct nuncio_module *self;
	const struct nuncio_token_v1 *tokens;
	void *tokens_impl;
	/* options */
	bool is_open, takes_any_id;
	int64_t access_ttl_ms, refresh_ttl_ms;
	uint64_t hash_ops, hash_bytes;
	uint32_t hash_threads, hash_queue, hashes_per_user, hashes_per_address, sign_ins;
	int64_t failures_per_user, failures_per_address, registrations_per_address, window_ms;
	/* state */
	uint32_t hashing[HASH_THREADS_MAX], hashing_count;
	char stand_in[ACCOUNT_HASH_SIZE]; /* checked when there is no such user: takes as long */
	struct throttle *throttle;
	struct flow *all_hashing; /* those that are hashed or wait for it */
	struct flow *sleepers;
	struct voids *voids;
	struct entry *entry;
	struct nuncio_counter *registered, *logins, *failures, *throttled, *renewed, *reused;
	struct nuncio_gauge *hashing_gauge;
};

/* --- flow.c: one request on its way through store and workers --- */

struct flow;
typedef void flow_fn(struct flow *flow);
typedef void flow_status_fn(struct flow *flow, int status);

struct flow {
	struct accounts *a;
	struct nuncio_request *rq; /* NULL once answered */
	flow_fn *next;
	flow_status_fn *next_status;
	struct account account; /* as loaded, then as it is to be saved */
	bool is_known;          /* there is such an account, and it is alive */
	char id[ACCOUNT_ID_BYTES_MAX + 1];
	char name[ACCOUNT_NAME_BYTES_MAX + 1], old_name[ACCOUNT_NAME_BYTES_MAX + 1];
	char address[64], device[ACCOUNT_ID_BYTES_MAX + 1];
	char index[2][FOLD_SIZE]; /* owners in SPACE_NAME still to be written */
	int index_count;
	/* password.c */
	char password[ACCOUNT_PASSWORD_BYTES_MAX + 1], new_password[ACCOUNT_PASSWORD_BYTES_MAX + 1];
	char hash[ACCOUNT_HASH_SIZE];     /* to check against */
	char new_hash[ACCOUNT_HASH_SIZE]; /* "" when none was asked for or it failed */
	uint64_t hash_ops, hash_bytes;
	uint32_t hash_thread;
	struct flow *next_hashing;
	bool sets_name; /* users.c */
	bool voids;     /* flow_save voids the tokens from before account.tokens_from_ms */
	bool checks, makes, mends, is_right;
	int proof_code; /* the answer when the password is wrong */
	flow_fn *proved;
	/* signin.c */
	struct refresh refresh; /* that was shown */
	struct refresh made;
	char refresh_text[REFRESH_TEXT_SIZE], access[ACCESS_SIZE];
	struct family_ending ends[FAMILY_ENDS_MAX]; /* with the family that is made */
	size_t end_count;
	int64_t epoch; /* of the account when the password was proved, or of the family */
	uint64_t family_version;
	int tries;
	/* flow_wait */
	struct flow *next_sleeper;
	struct nuncio_timer *timer;
	int64_t wakes_at_ms;
};

struct flow *flow_new(struct accounts *a, struct nuncio_request *rq);
void flow_free(struct flow **flow); /* wipes what was secret */
/* Answers and frees. */
void flow_refuse(struct flow *flow, int code, const char *text);
void flow_fail(struct flow *flow, int status);
void flow_reply_account(struct flow *flow, int http_status);
/* Reads the account of flow->id, then goes on; a failure of the store is answered here. */
void flow_load(struct flow *flow, flow_fn *next);
/*
 * Writes flow->account, expecting NUNCIO_EXPECT_* or a version, and with it what tokens become
 * void; goes on with 0, E_EXISTS or E_CONFLICT.
 */
void flow_save(struct flow *flow, int64_t expect, flow_status_fn *next);
/* Goes on when it is that time by the wall clock; refused when that is more than seconds away. */
void flow_wait(struct flow *flow, int64_t until_ms, flow_fn *next);
void flow_stop(struct accounts *a); /* refuses those who wait */
/* Notes what flow->account is to be found by, and writes it. */
void flow_index(struct flow *flow, flow_fn *next);
void index_drop(struct accounts *a, struct nuncio_str folded, struct nuncio_str id, int64_t expect);
bool index_is_needed(struct nuncio_str folded, struct nuncio_str id);
/*
 * Input that may be left out: 1 copied, 0 not given, -1 refused with invalid_field (the flow is
 * gone). U+0000 is refused.
 */
int flow_text(struct flow *flow, const char *field, char *out, size_t size);
/*
 * The user of /api/v1/users/:id into flow->id; the body may have an id of its own. 0, or -1 and
 * refused.
 */
int flow_path_id(struct flow *flow);

/* --- password.c: hashing on workers --- */

int password_start(struct accounts *a, struct nuncio_error *err); /* blocks for one hash */
void password_change_cost(struct accounts *a);
/*
 * Does what checks (password against hash), makes (new_password to new_hash, if the check was
 * right) and mends (password to new_hash if its cost changed) ask for.
 */
void password_run(struct flow *flow, flow_fn *next);
/*
 * The same with the throttle around it, for the account of flow->id; wrong: answered with `code`.
 */
void password_prove(struct flow *flow, int code, flow_fn *next);

/* --- guesses.c: how often somebody may try, counted on all nodes --- */

int guesses_init(struct accounts *a);
/* False: too many wrong ones by this user or address. What was no guess is given back. */
bool guess_take(const struct flow *flow);
void guess_give_back(const struct flow *flow);
void guess_was_wrong(const struct flow *flow); /* for other nodes; here it was counted */
bool registration_take(const struct flow *flow);

/* --- family.c: what is stored of a sign-in --- */

/* Goes on when it is known which families have to end for a new one: family_save ends them. */
void family_choose(struct flow *flow, flow_fn *next);
/*
 * Writes flow->made, expecting NUNCIO_EXPECT_* or a version, if the account is still the one that
 * was loaded; with the account itself if its password has a new hash. Goes on with 0, E_EXISTS or
 * E_CONFLICT.
 */
void family_save(struct flow *flow, int64_t expect, flow_status_fn *next);
void family_end(struct flow *flow, nuncio_written_fn *done); /* that of flow->refresh */

/* --- the routes, and what operator.c shares with them --- */

int users_add_routes(struct accounts *a);
int signin_add_routes(struct accounts *a);
int search_add_routes(struct accounts *a);
int operator_add_commands(struct accounts *a);

/* Makes an account of flow->id, name and new_password, if they are good and the id is free. */
void users_register(struct flow *flow);
/* Writes the new name (sets_name) and the new hash (makes) into the loaded account. */
void users_change(struct flow *flow);
void users_delete(struct flow *flow); /* the loaded account */

/* GET /users, and user list of an operator, whose pages are as large as they can be. */
void search_run(struct nuncio_request *rq, void *user);

/* A route in a table. */
#define ROUTE(METHOD, PATH, FLAGS, HELP, FIELDS, FN, ANSWER, ERRORS) \
	{ \
		.size = sizeof(struct nuncio_route), .flags = (FLAGS), .method = (METHOD), \
		.path = (PATH), .help = (HELP), .fields = (FIELDS), \
		.field_size = sizeof(struct nuncio_field), .fn = (FN), .answer = (ANSWER), \
		.errors = (ERRORS) \
	}

#endif
