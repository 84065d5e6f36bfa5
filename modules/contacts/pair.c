/* SPDX-License-Identifier: MIT */
/*
 * Asking for a contact, answering, ending it. Each of the two has a record of their own, with one
 * of these states:
 *
 *   asked    I have asked, and wait        asks     the other has asked me
 *   friend   each has accepted the other   (none)   nothing, or a remark without more
 *
 * Two owners cannot be in one transaction (they may live on different servers), so every op reads
 * both records, decides what both must be, and writes the other's first, then one's own. A crash in
 * between leaves the op undone for who asked for it, and doing it again brings both to where they
 * should be: every op may be repeated. Writes name the version that was read; whoever is beaten
 * begins again.
 */
#include "contacts.h"

#include <nuncio/codes.h>
#include <nuncio/session.h>
#include <nuncio/timer.h>

#include <stdlib.h>
#include <string.h>

enum state { STATE_NONE, STATE_ASKED, STATE_ASKS, STATE_FRIEND, STATE_COUNT };
static const char *const state_words[STATE_COUNT] = { "none", "asked", "asks", "friend" };

struct side {
	uint64_t version; /* of the record; 0: there is none */
	enum state state;
	int64_t since_ms;
	char remark[REMARK_BYTES + 1], greeting[GREETING_BYTES + 1];
	bool is_changed;
};

struct pair;
/* Says what both sides must be. 0, or -1 after a refusal. */
typedef int decide_fn(struct pair *pair);

struct pair {
	struct contacts *c;
	struct nuncio_request *rq;
	decide_fn *decide;
	nuncio_sid session; /* who asks: needs no notify */
	unsigned tries;
	struct side mine, theirs;
	char me[USER_BYTES + 1], other[USER_BYTES + 1];
	char greeting[GREETING_BYTES + 1], remark[REMARK_BYTES + 1];
};

static void pair_end(struct pair *pair, int status)
{
	if (status < 0)
		nuncio_reply_store_status(&pair->rq, status);
	free(pair);
}

/* ---- records ---- */

static void read_text(struct nuncio_str object, const char *key, char *out, size_t size)
{
	struct nuncio_str value;
	if (!nuncio_json_get(object, key, &value) || nuncio_json_text(value, out, size) < 0)
		out[0] = '\0';
}

static void side_read(struct side *side, const struct nuncio_record *row)
{
	char word[16];
	struct nuncio_str value;
	*side = (struct side){ .version = row ? row->version : 0 };
	if (!row)
		return;
	read_text(row->value, "state", word, sizeof word);
	for (int i = 0; i < STATE_COUNT; i++)
		if (strcmp(word, state_words[i]) == 0)
			side->state = (enum state)i;
	read_text(row->value, "remark", side->remark, sizeof side->remark);
	read_text(row->value, "message", side->greeting, sizeof side->greeting);
	if (nuncio_json_get(row->value, "since_ms", &value))
		nuncio_json_int(value, &side->since_ms);
}

static struct nuncio_json *side_write(const struct side *side)
{
	struct nuncio_json *json = nuncio_json_new();
	nuncio_json_object_begin(json);
	nuncio_json_key(json, "state");
	nuncio_json_put_text(json, nuncio_text(state_words[side->state]));
	nuncio_json_key(json, "since_ms");
	nuncio_json_put_int(json, side->since_ms);
	if (side->remark[0]) {
		nuncio_json_key(json, "remark");
		nuncio_json_put_text(json, nuncio_text(side->remark));
	}
	if (side->greeting[0]) {
		nuncio_json_key(json, "message");
		nuncio_json_put_text(json, nuncio_text(side->greeting));
	}
	nuncio_json_object_end(json);
	return json;
}

static void set_state(struct side *side, enum state state)
{
	if (side->state == state)
		return;
	side->state = state;
	side->since_ms = nuncio_wall_ms();
	side->is_changed = true;
	if (state != STATE_ASKS && state != STATE_ASKED)
		side->greeting[0] = '\0';
}

static bool is_empty(const struct side *side)
{
	return side->state == STATE_NONE && !side->remark[0];
}

/* ---- telling ---- */

static struct nuncio_json *write_contact(const char *user, const struct side *side)
{
	struct nuncio_json *json = nuncio_json_new();
	nuncio_json_object_begin(json);
	nuncio_json_key(json, "user");
	nuncio_json_put_text(json, nuncio_text(user));
	nuncio_json_key(json, "state");
	nuncio_json_put_text(json, nuncio_text(state_words[side->state]));
	nuncio_json_key(json, "since");
	if (side->since_ms)
		nuncio_json_put_time(json, side->since_ms);
	else
		nuncio_json_put_null(json);
	nuncio_json_key(json, "remark");
	nuncio_json_put_text(json, nuncio_text(side->remark));
	nuncio_json_key(json, "message");
	nuncio_json_put_text(json, nuncio_text(side->greeting));
	nuncio_json_object_end(json);
	return json;
}

static void tell(const char *owner, const char *other, const struct side *side, nuncio_sid except)
{
	struct nuncio_json *json = write_contact(other, side);
	if (side->is_changed)
		nuncio_user_notify(
			nuncio_text(owner), "contact.changed", nuncio_json_str(json), except);
	nuncio_json_free(&json);
}

static void finish(struct pair *pair)
{
	relations_forget_pair(pair->c->relations, nuncio_text(pair->me), nuncio_text(pair->other));
	tell(pair->me, pair->other, &pair->mine, pair->session);
	tell(pair->other, pair->me, &pair->theirs, 0);
	struct nuncio_json *json = write_contact(pair->other, &pair->mine);
	nuncio_reply(&pair->rq, 200, nuncio_json_str(json));
	nuncio_json_free(&json);
	pair_end(pair, 0);
}

/* ---- writing: theirs, then mine ---- */

static void read_both(struct pair *pair);

static int write_side(struct pair *pair, const struct side *side, const char *owner,
	const char *key, nuncio_written_fn *done)
{
	struct nuncio_json *json = side_write(side);
	const struct nuncio_record_write write = {
		.size = sizeof write,
		.flags = NUNCIO_WRITE_SYNCED,
		.space = nuncio_text(SPACE_CONTACT),
		.owner = nuncio_text(owner),
		.key = nuncio_text(key),
		.value = is_empty(side) ? (struct nuncio_str){ NULL, 0 } : nuncio_json_str(json),
		.expect = side->version ? (int64_t)side->version : NUNCIO_EXPECT_ABSENT,
	};
	int rc = nuncio_store_write(pair->c->self, &write, 1, done, pair);
	nuncio_json_free(&json);
	return rc;
}

/* 1: beaten, and beginning again. */
static bool begin_again(struct pair *pair, int status)
{
	if ((status != NUNCIO_E_CONFLICT && status != NUNCIO_E_EXISTS) ||
		++pair->tries == TRIES_MAX)
		return false;
	read_both(pair);
	return true;
}

static void on_mine_written(int status, void *user)
{
	struct pair *pair = user;
	if (status == 0)
		finish(pair);
	else if (!begin_again(pair, status))
		pair_end(pair, status);
}

static void write_mine(struct pair *pair)
{
	int rc = 0;
	if (!pair->mine.is_changed)
		finish(pair);
	else
		rc = write_side(pair, &pair->mine, pair->me, pair->other, on_mine_written);
	if (rc < 0)
		pair_end(pair, rc);
}

static void on_theirs_written(int status, void *user)
{
	struct pair *pair = user;
	if (status == 0)
		write_mine(pair);
	else if (!begin_again(pair, status))
		pair_end(pair, status);
}

/* A record that is not there need not be removed. */
static void forget_nothing(struct side *side)
{
	if (is_empty(side) && !side->version)
		side->is_changed = false;
}

static void write_both(struct pair *pair)
{
	forget_nothing(&pair->mine);
	forget_nothing(&pair->theirs);
	if (!pair->theirs.is_changed) {
		write_mine(pair);
		return;
	}
	int rc = write_side(pair, &pair->theirs, pair->other, pair->me, on_theirs_written);
	if (rc < 0)
		pair_end(pair, rc);
}

/* ---- reading ---- */

static void on_block_read(
	int status, const struct nuncio_record *rows, size_t n, int more, void *user)
{
	struct pair *pair = user;
	(void)rows, (void)n, (void)more;
	if (status == 0) {
		/* They want nothing of me: to them nothing happens, and I am not told why. */
		pair->theirs.is_changed = false;
		write_mine(pair);
	} else if (status == NUNCIO_E_NOTFOUND) {
		write_both(pair);
	} else {
		pair_end(pair, status);
	}
}

static void decide(struct pair *pair)
{
	if (pair->decide(pair) < 0) {
		pair_end(pair, 0);
		return;
	}
	int rc = nuncio_store_get(pair->c->self, nuncio_text(SPACE_BLOCK), nuncio_text(pair->other),
		nuncio_text(pair->me), on_block_read, pair);
	if (rc < 0)
		pair_end(pair, rc);
}

static void on_theirs(int status, const struct nuncio_record *rows, size_t n, int more, void *user)
{
	struct pair *pair = user;
	(void)more;
	side_read(&pair->theirs, status == 0 && n == 1 ? rows : NULL);
	if (status == 0 || status == NUNCIO_E_NOTFOUND)
		decide(pair);
	else
		pair_end(pair, status);
}

static void on_mine(int status, const struct nuncio_record *rows, size_t n, int more, void *user)
{
	struct pair *pair = user;
	(void)more;
	side_read(&pair->mine, status == 0 && n == 1 ? rows : NULL);
	if (status == 0 || status == NUNCIO_E_NOTFOUND)
		status = nuncio_store_get(pair->c->self, nuncio_text(SPACE_CONTACT),
			nuncio_text(pair->other), nuncio_text(pair->me), on_theirs, pair);
	if (status < 0)
		pair_end(pair, status);
}

static void read_both(struct pair *pair)
{
	int rc = nuncio_store_get(pair->c->self, nuncio_text(SPACE_CONTACT), nuncio_text(pair->me),
		nuncio_text(pair->other), on_mine, pair);
	if (rc < 0)
		pair_end(pair, rc);
}

static void begin(struct nuncio_request *rq, struct contacts *c, decide_fn *fn)
{
	struct pair *pair = nuncio_alloc(sizeof *pair);
	struct nuncio_session *session = nuncio_request_session(rq);
	struct nuncio_str text;
	pair->c = c;
	pair->rq = rq;
	pair->decide = fn;
	pair->session = session ? nuncio_session_id(session) : 0;
	if (read_other(&pair->rq, pair->me, pair->other) < 0) {
		free(pair);
		return;
	}
	if (nuncio_request_text(rq, "message", &text))
		nuncio_text_copy(text, pair->greeting, sizeof pair->greeting);
	if (nuncio_request_text(rq, "remark", &text))
		nuncio_text_copy(text, pair->remark, sizeof pair->remark);
	read_both(pair);
}

/* ---- what each op makes of the two ---- */

static int decide_request(struct pair *pair)
{
	if (pair->mine.state == STATE_FRIEND && pair->theirs.state == STATE_FRIEND)
		return 0;
	/* Who is asked and asks back has accepted. */
	if (pair->mine.state == STATE_ASKS || pair->theirs.state == STATE_FRIEND) {
		set_state(&pair->mine, STATE_FRIEND);
		set_state(&pair->theirs, STATE_FRIEND);
		return 0;
	}
	set_state(&pair->mine, STATE_ASKED);
	if (pair->theirs.state != STATE_ASKS) {
		set_state(&pair->theirs, STATE_ASKS);
		memcpy(pair->theirs.greeting, pair->greeting, sizeof pair->greeting);
	}
	return 0;
}

static int decide_accept(struct pair *pair)
{
	if (pair->mine.state != STATE_ASKS && pair->mine.state != STATE_FRIEND) {
		nuncio_reply_error(
			&pair->rq, NUNCIO_CODE_not_found, "user: has not asked to be a contact");
		return -1;
	}
	set_state(&pair->mine, STATE_FRIEND);
	set_state(&pair->theirs, STATE_FRIEND);
	return 0;
}

static int decide_decline(struct pair *pair)
{
	if (pair->mine.state != STATE_ASKS) {
		nuncio_reply_error(
			&pair->rq, NUNCIO_CODE_not_found, "user: has not asked to be a contact");
		return -1;
	}
	set_state(&pair->mine, STATE_NONE);
	set_state(&pair->theirs, STATE_NONE);
	return 0;
}

/* Also takes a request back. */
static int decide_remove(struct pair *pair)
{
	set_state(&pair->mine, STATE_NONE);
	set_state(&pair->theirs, STATE_NONE);
	if (pair->mine.remark[0])
		pair->mine.is_changed = true;
	pair->mine.remark[0] = '\0';
	return 0;
}

static int decide_update(struct pair *pair)
{
	if (strcmp(pair->mine.remark, pair->remark) == 0)
		return 0;
	memcpy(pair->mine.remark, pair->remark, sizeof pair->remark);
	pair->mine.is_changed = true;
	return 0;
}

void on_request(struct nuncio_request *rq, void *user)
{
	begin(rq, user, decide_request);
}

void on_accept(struct nuncio_request *rq, void *user)
{
	begin(rq, user, decide_accept);
}

void on_decline(struct nuncio_request *rq, void *user)
{
	begin(rq, user, decide_decline);
}

void on_remove(struct nuncio_request *rq, void *user)
{
	begin(rq, user, decide_remove);
}

void on_update(struct nuncio_request *rq, void *user)
{
	begin(rq, user, decide_update);
}
