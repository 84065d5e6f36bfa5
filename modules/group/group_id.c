/* SPDX-License-Identifier: MIT */
#include "group_id.h"

#include <string.h>
#include <sys/random.h>

static int is_id_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '.' || c == '_' || c == '-';
}

int group_id_is_valid(struct nuncio_str id)
{
	if (id.n == 0 || id.n > GROUP_ID_BYTES)
		return 0;
	for (size_t i = 0; i < id.n; i++)
		if (!is_id_char(id.p[i]))
			return 0;
	return 1;
}

int group_id_write(struct nuncio_str id, char *out, size_t out_size)
{
	if (!group_id_is_valid(id))
		return NUNCIO_E_INVAL;
	if (out_size < id.n + 3)
		return NUNCIO_E_TOOBIG;
	memcpy(out, "g:", 2);
	memcpy(out + 2, id.p, id.n);
	out[id.n + 2] = '\0';
	return (int)id.n + 2;
}

int group_id_read(struct nuncio_str conversation, struct nuncio_str *id_r)
{
	if (conversation.n < 3 || memcmp(conversation.p, "g:", 2) != 0)
		return NUNCIO_E_INVAL;
	*id_r = (struct nuncio_str){ conversation.p + 2, conversation.n - 2 };
	return group_id_is_valid(*id_r) ? 0 : NUNCIO_E_INVAL;
}

/* Base 32 without what is easily misread. */
int group_id_make(char out[GROUP_ID_BYTES + 1])
{
	static const char letters[] = "abcdefghjkmnpqrstuvwxyz023456789";
	unsigned char bytes[16];
	if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
		return NUNCIO_E_FAIL;
	for (size_t i = 0; i < sizeof bytes; i++)
		out[i] = letters[bytes[i] % 32];
	out[sizeof bytes] = '\0';
	return 0;
}

int group_user_is_valid(struct nuncio_str user)
{
	if (user.n == 0 || user.n > GROUP_USER_BYTES)
		return 0;
	for (size_t i = 0; i < user.n; i++)
		if ((unsigned char)user.p[i] < 0x20 || user.p[i] == 0x7f)
			return 0;
	return 1;
}
