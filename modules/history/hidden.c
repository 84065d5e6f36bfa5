/* SPDX-License-Identifier: MIT */
/* Which events of one conversation one user wants to see no more. Pure. */
#include "history.h"

#include <stdlib.h>
#include <string.h>

/* Where seq is, or would be. */
static size_t place_of(const struct hidden *h, uint64_t seq)
{
	size_t low = 0, high = h->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (h->seqs[middle] < seq)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool hidden_has(const struct hidden *h, uint64_t seq)
{
	size_t at = place_of(h, seq);
	return seq <= h->upto || (at < h->count && h->seqs[at] == seq);
}

int hidden_add(struct hidden *h, uint64_t seq)
{
	if (hidden_has(h, seq))
		return 0;
	if (h->count == HIDDEN_MAX)
		return NUNCIO_E_TOOBIG;
	size_t at = place_of(h, seq);
	h->seqs = nuncio_resize(h->seqs, (h->count + 1) * sizeof h->seqs[0]);
	memmove(h->seqs + at + 1, h->seqs + at, (h->count - at) * sizeof h->seqs[0]);
	h->seqs[at] = seq;
	h->count++;
	return 1;
}

int hidden_clear(struct hidden *h, uint64_t upto)
{
	if (upto <= h->upto)
		return 0;
	size_t gone = place_of(h, upto + 1);
	if (gone) {
		memmove(h->seqs, h->seqs + gone, (h->count - gone) * sizeof h->seqs[0]);
		h->count -= gone;
	}
	h->upto = upto;
	return 1;
}

void hidden_read(struct hidden *h, struct nuncio_str value)
{
	struct nuncio_str upto, seqs, seq;
	int64_t number;
	size_t at = 0;
	*h = (struct hidden){ 0 };
	if (!value.p)
		return;
	if (nuncio_json_get(value, "upto", &upto) && nuncio_json_int(upto, &number) == 0)
		h->upto = (uint64_t)number;
	if (!nuncio_json_get(value, "seqs", &seqs))
		return;
	while (nuncio_json_next(seqs, &at, NULL, &seq))
		if (nuncio_json_int(seq, &number) == 0)
			hidden_add(h, (uint64_t)number);
}

void hidden_fini(struct hidden *h)
{
	free(h->seqs);
	*h = (struct hidden){ 0 };
}

struct nuncio_json *hidden_write(const struct hidden *h)
{
	struct nuncio_json *json = nuncio_json_new();
	nuncio_json_object_begin(json);
	nuncio_json_key(json, "upto");
	nuncio_json_put_int(json, (int64_t)h->upto);
	nuncio_json_key(json, "seqs");
	nuncio_json_array_begin(json);
	for (size_t i = 0; i < h->count; i++)
		nuncio_json_put_int(json, (int64_t)h->seqs[i]);
	nuncio_json_array_end(json);
	nuncio_json_object_end(json);
	return json;
}
