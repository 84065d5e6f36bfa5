/* SPDX-License-Identifier: MIT */
#ifndef NUNCIO_SERVICES_GROUP_H
#define NUNCIO_SERVICES_GROUP_H

/*
 * Service "group.v1": what other modules may ask about groups and channels. What they want to do
 * there they do with nuncio_call (request.h) in the name of a user: group.create, group.add,
 * group.remove, ... with that user's rights. Changes are events of the type "group" in the log of
 * the conversation (did_event tells them); their kinds and bodies are in PROTOCOL.md.
 */

#include <nuncio/base.h>

NUNCIO_BEGIN_DECLS

#define NUNCIO_GROUP_V1 "group.v1"

/* Roles of members, as in nuncio_member.role. */
enum nuncio_group_role { NUNCIO_GROUP_MEMBER = 0, NUNCIO_GROUP_ADMIN = 1, NUNCIO_GROUP_OWNER = 2 };

/* What one user is in one group. The service allocates, readers read; it may grow at the end. */
struct nuncio_group_standing {
	uint32_t size;
	uint32_t is_member; /* 1 or 0 */
	uint32_t role;      /* enum nuncio_group_role */
	uint32_t may_write; /* 1, or 0: muted, or a reader of a channel */
	int64_t muted_until_ms;
	uint64_t since, until; /* what they see of the log (conversation.h) */
	/* 1: a member who may know who else is one; who reads a channel may not */
	uint32_t sees_members, reserved;
};

/* status 0, or negative: the store could not tell, and standing is NULL. Borrowed. */
typedef void nuncio_group_standing_fn(
	int status, const struct nuncio_group_standing *standing, void *user);

/* What a group is. Texts are borrowed until `done` returns. */
struct nuncio_group_info {
	uint32_t size;
	uint32_t is_channel;  /* only the owner and admins write */
	uint32_t has_history; /* who comes later sees what was before */
	uint32_t is_muted;    /* only the owner and admins write for now */
	struct nuncio_str name, avatar, announcement, owner;
	int64_t created_at_ms;
};

/* NUNCIO_E_NOTFOUND: there is none, or it was dissolved. */
typedef void nuncio_group_info_fn(int status, const struct nuncio_group_info *info, void *user);

struct nuncio_group_v1 {
	uint32_t size, reserved;
	/* 1 if the id of a conversation is one of a group or channel. Thread: logic. */
	int (*is_group)(void *impl, struct nuncio_str conversation);
	/*
	 * What a user is in a group. Answered at once, before this returns, for members who are
	 * online here, else from the store. Texts are copied. Negative (and done is not called):
	 * NUNCIO_E_INVAL no group, or as store.h. Thread: logic (done too).
	 */
	int (*standing)(void *impl, struct nuncio_str conversation, struct nuncio_str who,
		nuncio_group_standing_fn *done, void *user);
	/* What a group is, from the store; likewise. Thread: logic (done too). */
	int (*info)(
		void *impl, struct nuncio_str conversation, nuncio_group_info_fn *done, void *user);
};

NUNCIO_END_DECLS

#endif
