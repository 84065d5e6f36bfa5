/* SPDX-License-Identifier: MIT */
#ifndef MODULES_GROUP_GROUP_ID_H
#define MODULES_GROUP_GROUP_ID_H

#include <nuncio/base.h>

/*
 * A group's id is 1 to 64 of A-Z a-z 0-9 . _ -, chosen by who makes it or made at random; its
 * conversation is "g:" and that. Pure functions.
 */
enum { GROUP_ID_BYTES = 64, GROUP_CONVERSATION_BYTES = 2 + GROUP_ID_BYTES, GROUP_USER_BYTES = 64 };

int group_id_is_valid(struct nuncio_str id);
/* The conversation, NUL-ended; its length, or NUNCIO_E_INVAL, NUNCIO_E_TOOBIG. */
int group_id_write(struct nuncio_str id, char *out, size_t out_size);
/* The id, borrowed from the conversation: 0, or NUNCIO_E_INVAL for what is none of ours. */
int group_id_read(struct nuncio_str conversation, struct nuncio_str *id_r);
/* 16 characters at random (80 bits), NUL-ended. 0, or NUNCIO_E_FAIL when the system has none. */
int group_id_make(char out[GROUP_ID_BYTES + 1]);

/* 1 if it can be a user: 1 to 64 bytes without control characters. Its UTF-8 was checked before. */
int group_user_is_valid(struct nuncio_str user);

#endif
