/* SPDX-License-Identifier: MIT */
#include "rules.h"

static int refuse(int code, const char *text, const char **text_r)
{
	*text_r = text;
	return code;
}

int rules_see(const struct standing *who, const char **text_r)
{
	if (who->is_member || who->until > 0)
		return 0;
	return refuse(NUNCIO_CODE_not_member, "only members of the group may do this", text_r);
}

int rules_member(const struct standing *who, const char **text_r)
{
	if (who->is_member)
		return 0;
	return refuse(NUNCIO_CODE_not_member, "only members of the group may do this", text_r);
}

static int at_least(
	const struct standing *who, uint32_t role, const char *text, const char **text_r)
{
	int code = rules_member(who, text_r);
	if (code != 0)
		return code;
	return who->role >= role ? 0 : refuse(NUNCIO_CODE_denied, text, text_r);
}

int rules_admin(const struct standing *who, const char **text_r)
{
	return at_least(who, NUNCIO_GROUP_ADMIN,
		"only the owner and admins of the group may do this", text_r);
}

int rules_owner(const struct standing *who, const char **text_r)
{
	return at_least(who, NUNCIO_GROUP_OWNER, "only the owner of the group may do this", text_r);
}

int rules_write(const struct standing *who, const struct rules_mode *mode, int64_t now_ms,
	const char **text_r)
{
	if (!who->is_member || mode->is_dissolved)
		return refuse(
			NUNCIO_CODE_not_member, "only members of the group may write here", text_r);
	if (who->muted_until_ms > now_ms)
		return refuse(NUNCIO_CODE_muted, "you were muted in this group for a time", text_r);
	if (who->role >= NUNCIO_GROUP_ADMIN)
		return 0;
	if (mode->is_channel)
		return refuse(NUNCIO_CODE_read_only,
			"only the owner and admins write in this channel", text_r);
	if (mode->is_muted)
		return refuse(NUNCIO_CODE_muted, "the whole group is muted for now", text_r);
	return 0;
}

int rules_above(const struct standing *who, const struct standing *other, const char **text_r)
{
	int code = rules_admin(who, text_r);
	if (code != 0)
		return code;
	if (!other->is_member)
		return refuse(NUNCIO_CODE_not_found, "user: is no member of the group", text_r);
	if (who->role > other->role)
		return 0;
	return refuse(NUNCIO_CODE_denied,
		"only the owner may do this to an admin, and nobody to the owner", text_r);
}

int rules_invite(const struct record *record, const struct standing *who, const char **text_r)
{
	if (record->join == RECORD_JOIN_OPEN && !record->is_channel)
		return rules_member(who, text_r);
	return rules_admin(who, text_r);
}

int rules_set_role(const struct standing *who, const struct standing *other, const char **text_r)
{
	int code = rules_owner(who, text_r);
	if (code != 0)
		return code;
	if (!other->is_member)
		return refuse(NUNCIO_CODE_not_found, "user: is no member of the group", text_r);
	if (other->role == NUNCIO_GROUP_OWNER)
		return refuse(NUNCIO_CODE_owner_stays,
			"the owner's role goes to another by group.transfer only", text_r);
	return 0;
}

int rules_transfer(const struct standing *who, const struct standing *other, const char **text_r)
{
	return rules_set_role(who, other, text_r);
}

int rules_leave(const struct standing *who, const char **text_r)
{
	int code = rules_member(who, text_r);
	if (code != 0)
		return code;
	if (who->role == NUNCIO_GROUP_OWNER)
		return refuse(NUNCIO_CODE_owner_stays,
			"the owner cannot leave; transfer or dissolve the group first", text_r);
	return 0;
}

int rules_list(const struct record *record, const struct standing *who, uint32_t min_role,
	const char **text_r)
{
	if (record->is_channel && min_role < NUNCIO_GROUP_ADMIN)
		return rules_admin(who, text_r);
	return rules_member(who, text_r);
}

int rules_join(const struct record *record, const struct standing *who, int is_invited,
	const char **text_r)
{
	if (who->is_member)
		return refuse(NUNCIO_CODE_already_member, "you are a member already", text_r);
	if (is_invited || record->join == RECORD_JOIN_OPEN)
		return 0;
	if (record->join == RECORD_JOIN_APPROVAL)
		return RULES_ASK;
	return refuse(NUNCIO_CODE_invite_only, "only who was invited may join this group", text_r);
}
