/* SPDX-License-Identifier: MIT */
/* Texts, memory, and the parts that every op begins and ends with. */
#include "contacts.h"

#include <nuncio/codes.h>

#include <stdlib.h>
#include <string.h>

void *contacts_alloc(size_t bytes)
{
	void *p = calloc(1, bytes);
	if (!p)
		abort();
	return p;
}

struct nuncio_str text_str(const char *text)
{
	return (struct nuncio_str){ text, strlen(text) };
}

bool text_same(struct nuncio_str a, struct nuncio_str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

int text_copy(struct nuncio_str text, char *out, size_t size)
{
	if (text.n >= size)
		return -1;
	if (text.n)
		memcpy(out, text.p, text.n);
	out[text.n] = '\0';
	return 0;
}

void reply_failure(struct nuncio_request **rq, int status)
{
	if (status == NUNCIO_E_FAIL)
		nuncio_reply_error(rq, NUNCIO_CODE_store_failed, NULL);
	else
		nuncio_reply_status(rq, status);
}

static bool is_user(struct nuncio_str id)
{
	for (size_t i = 0; i < id.n; i++)
		if ((unsigned char)id.p[i] < 0x20 || id.p[i] == 0x7f)
			return false;
	return id.n > 0 && id.n <= USER_BYTES;
}

int read_other(struct nuncio_request **rq, char me[USER_BYTES + 1], char other[USER_BYTES + 1])
{
	struct nuncio_str id = { "", 0 };
	nuncio_request_text(*rq, "user", &id);
	if (text_copy(nuncio_request_user(*rq), me, USER_BYTES + 1) == 0 && is_user(id) &&
		text_copy(id, other, USER_BYTES + 1) == 0 && strcmp(me, other) != 0)
		return 0;
	nuncio_reply_error(rq, NUNCIO_CODE_invalid_field,
		"user: must be the id of somebody else, 1 to %d bytes without control characters",
		USER_BYTES);
	return -1;
}
