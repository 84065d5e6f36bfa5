/* SPDX-License-Identifier: MIT */
/* The parts that every op begins and ends with. */
#include "contacts.h"

#include <nuncio/codes.h>

#include <string.h>

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
	if (nuncio_text_copy(nuncio_request_user(*rq), me, USER_BYTES + 1) == 0 && is_user(id) &&
		nuncio_text_copy(id, other, USER_BYTES + 1) == 0 && strcmp(me, other) != 0)
		return 0;
	nuncio_reply_error(rq, NUNCIO_CODE_invalid_field,
		"user: must be the id of somebody else, 1 to %d bytes without control characters",
		USER_BYTES);
	return -1;
}
