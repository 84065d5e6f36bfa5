/* SPDX-License-Identifier: MIT */
#ifndef MODULES_GROUP_RULES_H
#define MODULES_GROUP_RULES_H

#include <nuncio/codes.h>
#include <nuncio/services/group.h>

#include "record.h"

/*
 * Who may do what, in one place and without any machinery: each answers 0, or the code (codes.h)
 * of the refusal with its words in *text_r. Pure functions.
 */

/* What one user is in a group. */
struct standing {
	int is_member;
	uint32_t role; /* enum nuncio_group_role */
	int64_t muted_until_ms;
	uint64_t since, until; /* what they see of the log; until 0: all behind since */
	int64_t joined_at_ms;
};

/* What of a group decides about writing. */
struct rules_mode {
	int is_channel, is_muted, is_dissolved;
};

int rules_see(const struct standing *who, const char **text_r); /* once was a member */
int rules_member(const struct standing *who, const char **text_r);
int rules_admin(const struct standing *who, const char **text_r);
int rules_owner(const struct standing *who, const char **text_r);
int rules_write(const struct standing *who, const struct rules_mode *mode, int64_t now_ms,
	const char **text_r);
/* One admin over another member: remove, mute. */
int rules_above(const struct standing *who, const struct standing *other, const char **text_r);
int rules_invite(const struct record *record, const struct standing *who, const char **text_r);
int rules_set_role(const struct standing *who, const struct standing *other, const char **text_r);
int rules_transfer(const struct standing *who, const struct standing *other, const char **text_r);
int rules_leave(const struct standing *who, const char **text_r);
/* Who sees the list of members: in a channel readers see only those who write. */
int rules_list(const struct record *record, const struct standing *who, uint32_t min_role,
	const char **text_r);
/* 0: at once; RULES_ASK: the admins have to be asked. */
enum { RULES_ASK = -1 };
int rules_join(const struct record *record, const struct standing *who, int is_invited,
	const char **text_r);

#endif
