/* SPDX-License-Identifier: MIT */
#ifndef MODULES_GROUP_RECORD_H
#define MODULES_GROUP_RECORD_H

#include <nuncio/json.h>
#include <nuncio/text.h>

#include "group_id.h"

/*
 * What a group is, besides its members and its log: one record of the store (space "group", owner
 * its conversation). It changes only together with an event, against the version that was read.
 */
enum {
	RECORD_NAME_BYTES = 256,
	RECORD_AVATAR_BYTES = 512,
	RECORD_ANNOUNCEMENT_BYTES = 4096,
	RECORD_VALUE_BYTES = 60000 /* more than it can have */
};

enum record_join { RECORD_JOIN_INVITE = 0, RECORD_JOIN_APPROVAL = 1, RECORD_JOIN_OPEN = 2 };

struct record {
	char name[RECORD_NAME_BYTES + 1];
	char avatar[RECORD_AVATAR_BYTES + 1];
	char announcement[RECORD_ANNOUNCEMENT_BYTES + 1];
	char owner[GROUP_USER_BYTES + 1];
	uint32_t join;    /* enum record_join */
	int is_channel;   /* only the owner and admins write */
	int has_history;  /* who comes later sees what was before */
	int is_muted;     /* only the owner and admins write for now */
	int is_dissolved; /* over for good; the record stays, so that the id is not used again */
	int64_t created_at_ms;
	uint64_t version; /* of the store; not in the value */
};

/* Reads a value of the store; NUNCIO_E_INVAL when it is none of ours. */
int record_read(struct nuncio_str value, struct record *record_r);
/* One JSON object: the value. */
void record_write(struct nuncio_json *json, const struct record *record);

/* "open", "approval", "invite"; and back, NUNCIO_E_INVAL for other words. */
const char *record_join_word(uint32_t join);
int record_join_of(struct nuncio_str word, uint32_t *join_r);

/* A NUL-ended text as borrowed text. */

#endif
