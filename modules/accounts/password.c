/* SPDX-License-Identifier: MIT */
#include "accounts.h"

/*
 * Passwords: argon2id by libsodium, on workers. One hash costs 64 MiB and some 100 ms by default,
 * so at most hash_threads run at a time and at most hash_queue wait; more are answered `busy`. Of
 * one user and one address only a few are among them, so that nobody takes all places. An
 * unknown user costs the same time as a wrong password: their password is checked against a hash of
 * something random. Failures are counted before the check, so that many guesses at once are counted
 * too, and given back when it was right, or not looked at.
 */

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

static int hash_random(char out[ACCOUNT_HASH_SIZE], uint64_t ops, uint64_t bytes)
{
	unsigned char random[32];
	randombytes_buf(random, sizeof random);
	return crypto_pwhash_str(out, (const char *)random, sizeof random, ops, (size_t)bytes);
}

int password_start(struct accounts *a, struct nuncio_error *err)
{
	_Static_assert(crypto_pwhash_STRBYTES <= ACCOUNT_HASH_SIZE, "hashes fit");
	if (hash_random(a->stand_in, a->hash_ops, a->hash_bytes) == 0)
		return 0;
	nuncio_error_set(err, "hash_memory: there is not that much memory to hash a password");
	return NUNCIO_E_FAIL;
}

/* ---- on a worker ---- */

static void make_hash(struct flow *f, const char *password)
{
	if (crypto_pwhash_str(f->new_hash, password, strlen(password), f->hash_ops,
		    (size_t)f->hash_bytes) != 0)
		f->new_hash[0] = '\0';
}

static void on_work(void *user)
{
	struct flow *f = user;
	if (f->checks)
		f->is_right =
			crypto_pwhash_str_verify(f->hash, f->password, strlen(f->password)) == 0;
	if (f->checks && !f->is_right)
		return;
	if (f->makes)
		make_hash(f, f->new_password);
	else if (f->mends &&
		 crypto_pwhash_str_needs_rehash(f->hash, f->hash_ops, (size_t)f->hash_bytes) == 1)
		make_hash(f, f->password);
}

/* ---- around it ---- */

static void on_done(void *user)
{
	struct flow *f = user;
	struct accounts *a = f->a;
	struct flow **link = &a->all_hashing;
	while (*link != f)
		link = &(*link)->next_hashing;
	*link = f->next_hashing;
	a->hashing[f->hash_thread]--;
	nuncio_gauge_set(a->hashing_gauge, --a->hashing_count);
	f->next(f);
}

static uint32_t idlest_thread(const struct accounts *a)
{
	uint32_t best = 0;
	for (uint32_t i = 1; i < a->hash_threads; i++)
		if (a->hashing[i] < a->hashing[best])
			best = i;
	return best;
}

/* An operator has no address, and no such limit. */
static bool is_one_too_many(const struct flow *f)
{
	const struct accounts *a = f->a;
	struct nuncio_str user = nuncio_text(f->id), address = nuncio_text(f->address);
	uint32_t of_user = 0, of_address = 0;
	if (address.n == 0)
		return false;
	for (const struct flow *one = a->all_hashing; one; one = one->next_hashing) {
		of_user += nuncio_text_same(nuncio_text(one->id), user);
		of_address += throttle_is_same(nuncio_text(one->address), address);
	}
	return (a->hashes_per_user && of_user >= a->hashes_per_user) ||
	       (a->hashes_per_address && of_address >= a->hashes_per_address);
}

/* 0: `next` goes on. Or negative, and nothing is under way. */
static int start(struct flow *f, flow_fn *next)
{
	struct accounts *a = f->a;
	f->next = next;
	f->hash_ops = a->hash_ops;
	f->hash_bytes = a->hash_bytes;
	f->hash_thread = idlest_thread(a);
	f->is_right = false;
	f->new_hash[0] = '\0';
	if (a->hashing_count >= a->hash_queue + a->hash_threads)
		return NUNCIO_E_BUSY;
	if (is_one_too_many(f))
		return NUNCIO_E_DENIED;
	int rc = nuncio_work(a->self, f->hash_thread, on_work, on_done, f);
	if (rc < 0)
		return rc;
	f->next_hashing = a->all_hashing;
	a->all_hashing = f;
	a->hashing[f->hash_thread]++;
	nuncio_gauge_set(a->hashing_gauge, ++a->hashing_count);
	return 0;
}

static void refuse_start(struct flow *f, int status)
{
	if (status == NUNCIO_E_BUSY) {
		flow_refuse(f, NUNCIO_CODE_busy, "too many passwords are being checked");
	} else if (status == NUNCIO_E_DENIED) {
		nuncio_counter_add(f->a->throttled, 1);
		flow_refuse(f, NUNCIO_CODE_rate_limited,
			"too many passwords of this user or address are being checked; try again");
	} else {
		flow_fail(f, status);
	}
}

void password_run(struct flow *f, flow_fn *next)
{
	int rc = start(f, next);
	if (rc < 0)
		refuse_start(f, rc);
}

/* ---- guesses ---- */

static void on_proved(struct flow *f)
{
	if (!f->is_right || !f->is_known) {
		nuncio_counter_add(f->a->failures, 1);
		guess_was_wrong(f);
		flow_refuse(f, f->proof_code,
			f->proof_code == NUNCIO_CODE_login_failed ? NULL : "the password is wrong");
		return;
	}
	guess_give_back(f);
	f->proved(f);
}

void password_prove(struct flow *f, int code, flow_fn *next)
{
	if (!guess_take(f)) {
		nuncio_counter_add(f->a->throttled, 1);
		flow_refuse(
			f, NUNCIO_CODE_rate_limited, "too many wrong passwords; try again later");
		return;
	}
	f->checks = true;
	f->proof_code = code;
	f->proved = next;
	memcpy(f->hash, f->is_known ? f->account.hash : f->a->stand_in, sizeof f->hash);
	int rc = start(f, on_proved);
	if (rc < 0) {
		guess_give_back(f);
		refuse_start(f, rc);
	}
}

/* ---- another cost ---- */

/* The stand-in must cost what new passwords cost. Until it does, the old one stands in. */
struct stand_in {
	struct accounts *a;
	uint64_t ops, bytes;
	int rc;
	char hash[ACCOUNT_HASH_SIZE];
};

static void on_stand_in_work(void *user)
{
	struct stand_in *s = user;
	s->rc = hash_random(s->hash, s->ops, s->bytes);
}

static void on_stand_in_done(void *user)
{
	struct stand_in *s = user;
	if (s->rc == 0)
		memcpy(s->a->stand_in, s->hash, sizeof s->hash);
	else
		nuncio_log(s->a->self, NUNCIO_ERROR,
			"hash_memory: there is not that much memory to hash a password");
	free(s);
}

void password_change_cost(struct accounts *a)
{
	struct stand_in *s = nuncio_alloc(sizeof *s);
	*s = (struct stand_in){ .a = a, .ops = a->hash_ops, .bytes = a->hash_bytes };
	if (nuncio_work(a->self, 0, on_stand_in_work, on_stand_in_done, s) < 0)
		free(s);
}
