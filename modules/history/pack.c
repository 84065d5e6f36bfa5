/* SPDX-License-Identifier: MIT */
/*
 * A head with a mark of the form, a check sum of all that follows and the number of events; then
 * for each event whether its `now` follows, its numbers, and its texts with their lengths. Numbers
 * are eight bytes, lengths four, the highest byte first. The check sum is against accidents: who
 * may write where these bytes come from may also write messages.
 */
#include "pack.h"

#include <nuncio/text.h>

#include <stdbool.h>

#define FORM UINT64_C(0x6e756e63696f0001) /* "nuncio", 1 */

enum { NUMBERS = 6, TEXTS = 8, HEAD_BYTES = 24, EVENT_BYTES = NUMBERS * 8 + TEXTS * 4 };

/* ---- writing ---- */

static size_t event_bytes(const struct nuncio_event *e)
{
	return EVENT_BYTES + e->conversation.n + e->type.n + e->from.n + e->client_id.n +
	       e->kind.n + e->body.n + e->extra.n + e->state.n;
}

static char *put_number(char *to, uint64_t number, int bytes)
{
	for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8)
		*to++ = (char)(number >> shift & 255);
	return to;
}

static char *put_text(char *to, struct nuncio_str text)
{
	to = put_number(to, text.n, 4);
	if (text.n)
		memcpy(to, text.p, text.n);
	return to + text.n;
}

static char *put_event(char *to, const struct nuncio_event *e)
{
	const uint64_t numbers[NUMBERS] = { e->seq, e->id, (uint64_t)e->sent_at_ms, e->target,
		e->changed, e->flags };
	const struct nuncio_str texts[TEXTS] = { e->conversation, e->type, e->from, e->client_id,
		e->kind, e->body, e->extra, e->state };
	for (int i = 0; i < NUMBERS; i++)
		to = put_number(to, numbers[i], 8);
	for (int i = 0; i < TEXTS; i++)
		to = put_text(to, texts[i]);
	return to;
}

static uint64_t sum_of(const char *p, size_t n)
{
	uint64_t sum = UINT64_C(0xcbf29ce484222325);
	for (size_t i = 0; i < n; i++)
		sum = (sum ^ (unsigned char)p[i]) * UINT64_C(0x100000001b3);
	return sum;
}

struct nuncio_str pack_events(const struct nuncio_event *rows, size_t n)
{
	size_t bytes = HEAD_BYTES;
	n = n < PACK_EVENTS ? n : PACK_EVENTS;
	for (size_t i = 0; i < n; i++)
		bytes += 1 + event_bytes(&rows[i]) + (rows[i].now ? event_bytes(rows[i].now) : 0);
	char *out = nuncio_alloc(bytes), *to = out + HEAD_BYTES;
	for (size_t i = 0; i < n; i++) {
		*to++ = rows[i].now != NULL;
		to = put_event(to, &rows[i]);
		if (rows[i].now)
			to = put_event(to, rows[i].now);
	}
	put_number(out, FORM, 8);
	put_number(out + 8, sum_of(out + HEAD_BYTES, bytes - HEAD_BYTES), 8);
	put_number(out + 16, n, 8);
	return (struct nuncio_str){ out, bytes };
}

/* ---- reading ---- */

/* False when there is not enough left. */
static bool take_number(struct nuncio_str *from, int bytes, uint64_t *number_r)
{
	if (from->n < (size_t)bytes)
		return false;
	*number_r = 0;
	for (int i = 0; i < bytes; i++)
		*number_r = *number_r << 8 | (unsigned char)from->p[i];
	from->p += bytes;
	from->n -= (size_t)bytes;
	return true;
}

static bool take_text(struct nuncio_str *from, struct nuncio_str *text_r)
{
	uint64_t n;
	if (!take_number(from, 4, &n) || n > from->n)
		return false;
	*text_r = (struct nuncio_str){ from->p, (size_t)n };
	from->p += n;
	from->n -= (size_t)n;
	return true;
}

static bool take_event(struct nuncio_str *from, struct nuncio_event *e)
{
	uint64_t numbers[NUMBERS];
	struct nuncio_str texts[TEXTS];
	for (int i = 0; i < NUMBERS; i++)
		if (!take_number(from, 8, &numbers[i]))
			return false;
	for (int i = 0; i < TEXTS; i++)
		if (!take_text(from, &texts[i]))
			return false;
	*e = (struct nuncio_event){ .size = sizeof *e,
		.seq = numbers[0],
		.id = numbers[1],
		.sent_at_ms = (int64_t)numbers[2],
		.target = numbers[3],
		.changed = numbers[4],
		.flags = (uint32_t)numbers[5],
		.conversation = texts[0],
		.type = texts[1],
		.from = texts[2],
		.client_id = texts[3],
		.kind = texts[4],
		.body = texts[5],
		.extra = texts[6],
		.state = texts[7] };
	return true;
}

static bool take_row(struct nuncio_str *from, struct nuncio_str conversation,
	struct nuncio_event *row, struct nuncio_event *now)
{
	uint64_t has_now;
	if (!take_number(from, 1, &has_now) || !take_event(from, row) ||
		!nuncio_text_same(row->conversation, conversation))
		return false;
	if (!has_now)
		return true;
	row->now = now;
	return take_event(from, now) && nuncio_text_same(now->conversation, conversation) &&
	       now->seq == row->target;
}

int unpack_events(
	struct nuncio_str bytes, struct nuncio_str conversation, struct unpacked *unpacked_r)
{
	uint64_t form, sum, count;
	unpacked_r->count = 0;
	if (!take_number(&bytes, 8, &form) || form != FORM || !take_number(&bytes, 8, &sum) ||
		!take_number(&bytes, 8, &count) || count > PACK_EVENTS ||
		sum != sum_of(bytes.p, bytes.n))
		return NUNCIO_E_INVAL;
	for (size_t i = 0; i < count; i++)
		if (!take_row(&bytes, conversation, &unpacked_r->rows[i], &unpacked_r->nows[i]))
			return NUNCIO_E_INVAL;
	if (bytes.n != 0)
		return NUNCIO_E_INVAL;
	unpacked_r->count = (size_t)count;
	return 0;
}
