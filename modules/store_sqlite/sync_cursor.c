/* SPDX-License-Identifier: MIT */
/*
 * The text of a sync cursor. Clients hold it, so every part is checked; a forged one shows nothing
 * that it could not show anyway.
 *
 *   uuid-position                   all up to that id was seen
 *   uuid-from-upto-part-a-b         within a pass from..upto: go on there (struct sync_place)
 *   uuid-from-upto-number-seq       the same as version 2 of the schema wrote it. It went through
 *                                   conversations in another order, so its pass begins anew.
 */
#include "store_sqlite.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { NUMBERS_MAX = 5 };

static bool take_number(struct nuncio_str *text, uint64_t *number_r)
{
	uint64_t number = 0;
	size_t digits = 0;
	if (!text->n || text->p[0] != '-')
		return false;
	for (digits = 1; digits < text->n && text->p[digits] >= '0' && text->p[digits] <= '9';
		digits++) {
		if (digits > 19)
			return false;
		number = number * 10 + (uint64_t)(text->p[digits] - '0');
	}
	if (digits == 1 || number > INT64_MAX)
		return false;
	text->p += digits;
	text->n -= digits;
	*number_r = number;
	return true;
}

static size_t take_numbers(struct nuncio_str text, uint64_t numbers[NUMBERS_MAX])
{
	size_t count = 0;
	while (count < NUMBERS_MAX && take_number(&text, &numbers[count]))
		count++;
	return text.n ? 0 : count;
}

bool sync_cursor_parse(
	const struct store *s, struct nuncio_str text, nuncio_id now, struct sync_place *place_r)
{
	uint64_t n[NUMBERS_MAX];
	*place_r = (struct sync_place){ 0 };
	if (text.n < STORE_UUID_CHARS || memcmp(text.p, s->uuid, STORE_UUID_CHARS) != 0)
		return false;
	text.p += STORE_UUID_CHARS;
	text.n -= STORE_UUID_CHARS;
	switch (take_numbers(text, n)) {
	case 1:
		*place_r = (struct sync_place){ .from = n[0], .upto = now };
		break;
	case 4:
		*place_r = (struct sync_place){ .from = n[0], .upto = n[1] };
		break;
	case 5:
		*place_r = (struct sync_place){
			.from = n[0], .upto = n[1], .part = n[2], .a = n[3], .b = n[4]
		};
		break;
	default:
		return false;
	}
	/* A position that is not reached yet: the file was put back from a copy. */
	return place_r->part < SYNC_PARTS && place_r->from <= place_r->upto && place_r->upto <= now;
}

void sync_cursor_set(const struct store *s, struct nuncio_job *job, const struct sync_place *place)
{
	char text[STORE_UUID_CHARS + NUMBERS_MAX * 21 + 1];
	int n = snprintf(text, sizeof(text), "%s-%" PRIu64, s->uuid, place->from);
	if (place->a)
		n += snprintf(text + n, sizeof(text) - (size_t)n,
			"-%" PRIu64 "-%" PRIu64 "-%" PRIu64 "-%" PRIu64, place->upto, place->part,
			place->a, place->b);
	nuncio_job_set_cursor(job, (struct nuncio_str){ text, (size_t)n });
}
