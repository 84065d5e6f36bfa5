/* SPDX-License-Identifier: MIT */
/*
 * Cursors of sync as text. Clients hold them, so every part of one is checked; a forged one shows
 * nothing that history does not.
 *
 *   identity-from...-check                          for each server: all up to this ticket was seen
 *   identity-from...-upto...-safe...-phase-number-seq-skip-check     within a pass: go on there
 *
 * identity is a hash of the store and of each server's epoch, 16 hexadecimal digits; all other
 * numbers are in base 36; upto is given above from, safe below upto. check is a hash of the rest.
 */
#include "store_mysql.h"

#include "sync.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { IDENTITY_DIGITS = 16, CHECK_MODULUS = 36 * 36 * 36 };

static uint64_t identity_of(struct store *s)
{
	char text[sizeof(s->uuid) + SERVERS_MAX * 9];
	int n = snprintf(text, sizeof(text), "%s", s->uuid);
	for (unsigned i = 0; i < s->server_count; i++)
		n += snprintf(text + n, sizeof(text) - (size_t)n, ".%08" PRIx32,
			server_identity(&s->servers[i]));
	return place_hash((struct nuncio_str){ text, (size_t)n });
}

struct writer {
	char text[512];
	size_t n;
};

static void put(struct writer *w, uint64_t value)
{
	char digits[14];
	size_t at = sizeof(digits);
	do {
		digits[--at] = "0123456789abcdefghijklmnopqrstuvwxyz"[value % 36];
		value /= 36;
	} while (value);
	digits[--at] = '-';
	memcpy(w->text + w->n, digits + at, sizeof(digits) - at);
	w->n += sizeof(digits) - at;
}

static uint64_t check_of(const char *text, size_t n)
{
	return place_hash((struct nuncio_str){ text, n }) % CHECK_MODULUS;
}

void sync_cursor_give(struct store *s, struct nuncio_job *job, const struct sync_place *place)
{
	struct writer w;
	w.n = (size_t)snprintf(w.text, sizeof(w.text), "%016" PRIx64, identity_of(s));
	for (unsigned i = 0; i < s->server_count; i++)
		put(&w, place->is_within ? place->from[i] : place->safe[i]);
	if (place->is_within) {
		for (unsigned i = 0; i < s->server_count; i++)
			put(&w, place->upto[i] - place->from[i]);
		for (unsigned i = 0; i < s->server_count; i++)
			put(&w, place->upto[i] - place->safe[i]);
		put(&w, place->phase);
		put(&w, place->number);
		put(&w, place->seq);
		put(&w, place->skip);
	}
	put(&w, check_of(w.text, w.n));
	nuncio_job_set_cursor(job, (struct nuncio_str){ w.text, w.n });
}

static bool take(struct nuncio_str *text, uint64_t *value_r)
{
	uint64_t value = 0;
	size_t n = 1;
	if (!text->n || text->p[0] != '-')
		return false;
	for (; n < text->n && text->p[n] != '-'; n++) {
		char c = text->p[n];
		bool is_digit = c >= '0' && c <= '9';
		if ((!is_digit && (c < 'a' || c > 'z')) || n > 12)
			return false;
		value = value * 36 + (uint64_t)(is_digit ? c - '0' : c - 'a' + 10);
	}
	text->p += n;
	text->n -= n;
	*value_r = value;
	return n > 1;
}

/* The last number must be that of what stands before it, which is what is left. */
static bool take_check(struct nuncio_str *text)
{
	size_t n = text->n;
	uint64_t value;
	while (n && text->p[n - 1] != '-')
		n--;
	if (!n)
		return false;
	struct nuncio_str end = { text->p + n - 1, text->n - n + 1 };
	if (!take(&end, &value) || value != check_of(text->p, n - 1))
		return false;
	text->n = n - 1;
	return true;
}

static bool take_within(struct store *s, struct nuncio_str *text, struct sync_place *place)
{
	uint64_t delta, phase, skip;
	for (unsigned i = 0; i < s->server_count; i++) {
		if (!take(text, &delta))
			return false;
		place->upto[i] = place->from[i] + delta;
	}
	for (unsigned i = 0; i < s->server_count; i++) {
		if (!take(text, &delta) || delta > place->upto[i])
			return false;
		place->safe[i] = place->upto[i] - delta;
	}
	if (!take(text, &phase) || !take(text, &place->number) || !take(text, &place->seq) ||
		!take(text, &skip) || text->n || phase > s->shards || skip > UINT32_MAX)
		return false;
	place->phase = (uint32_t)phase;
	place->skip = (uint32_t)skip;
	place->is_within = true;
	return true;
}

bool sync_cursor_take(struct store *s, struct nuncio_str text, struct sync_place *place_r)
{
	char identity[IDENTITY_DIGITS + 1];
	*place_r = (struct sync_place){ 0 };
	snprintf(identity, sizeof(identity), "%016" PRIx64, identity_of(s));
	if (!take_check(&text) || text.n < IDENTITY_DIGITS ||
		memcmp(text.p, identity, IDENTITY_DIGITS) != 0)
		return false;
	text.p += IDENTITY_DIGITS;
	text.n -= IDENTITY_DIGITS;
	for (unsigned i = 0; i < s->server_count; i++)
		if (!take(&text, &place_r->from[i]))
			return false;
	return !text.n || take_within(s, &text, place_r);
}
