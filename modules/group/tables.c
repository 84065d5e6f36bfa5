/* SPDX-License-Identifier: MIT */
#include "ops.h"

/* Every op and route of the module, with what each takes. */

#include "group.h"
#include "task.h"

enum { PAGE_MAX = 100, SECONDS_MAX = 366 * 86400 };

#define FIELD(NAME, TYPE, FLAGS, MIN, MAX, HELP) \
	{ \
		NAME, NUNCIO_FIELD_##TYPE, FLAGS, MIN, MAX, HELP \
	}
#define GROUP_FIELD \
	FIELD("group", TEXT, NUNCIO_FIELD_REQUIRED, 1, GROUP_ID_BYTES, "the id of the group")
#define USER_FIELD \
	FIELD("user", TEXT, NUNCIO_FIELD_REQUIRED, 1, GROUP_USER_BYTES, "whom it is about")
#define NAME_FIELD(FLAGS) FIELD("name", TEXT, FLAGS, 1, RECORD_NAME_BYTES, "what people call it")
#define SETTINGS_FIELDS \
	FIELD("avatar", TEXT, 0, 0, RECORD_AVATAR_BYTES, \
		"where its picture is, or anything that clients know"), \
		FIELD("announcement", TEXT, 0, 0, RECORD_ANNOUNCEMENT_BYTES, \
			"what all members should read"), \
		FIELD("join", TEXT, 0, 1, 16, \
			"open: anybody joins; approval: the admins are asked; invite: only who was invited"), \
		FIELD("kind", TEXT, 0, 1, 16, \
			"group; or channel, where only the owner and admins write. Cannot be changed later"), \
		FIELD("history", BOOL, 0, 0, 0, "whether who comes later sees what was before")
#define AFTER_FIELD(FLAGS) FIELD("after", TEXT, FLAGS, 0, 128, "`next` of the page before")
#define LIMIT_FIELD(FLAGS) \
	FIELD("limit", INT, FLAGS, 1, PAGE_MAX, "at most so many; 50 if not given")
#define ROLE_FILTER(FLAGS) \
	FIELD("role", TEXT, FLAGS, 1, 16, "only members with at least this role: admin, owner")
#define USERS_FIELD FIELD("users", TEXTS, NUNCIO_FIELD_REQUIRED, 1, TASK_USERS_MAX, "who")
#define TEXT_FIELD \
	FIELD("text", TEXT, 0, 0, RECORD_NAME_BYTES, "words to the admins, who may be asked")
#define REASON_FIELD(FLAGS) \
	FIELD("reason", TEXT, FLAGS, 0, RECORD_NAME_BYTES, "why; all members see it")
#define ROLE_FIELD FIELD("role", TEXT, NUNCIO_FIELD_REQUIRED, 1, 16, "admin or member")
#define SECONDS_FIELD \
	FIELD("seconds", INT, NUNCIO_FIELD_REQUIRED, 0, SECONDS_MAX, "for how long; 0 ends it")
#define ON_FIELD \
	FIELD("on", BOOL, NUNCIO_FIELD_REQUIRED, 0, 0, "true: only the owner and admins write")
#define ID_FIELD \
	FIELD("group", TEXT, 0, 1, GROUP_ID_BYTES, \
		"its id, of A-Z a-z 0-9 . _ -; made at random if not given")
#define MEMBERS_FIELD \
	FIELD("members", TEXTS, 0, 0, TASK_USERS_MAX, "who is in it from the start, or is invited")

#define FIELDS(NAME, ...) static const struct nuncio_field NAME[] = { __VA_ARGS__, { 0 } }
FIELDS(create_fields, NAME_FIELD(NUNCIO_FIELD_REQUIRED), ID_FIELD, SETTINGS_FIELDS, MEMBERS_FIELD);
FIELDS(group_fields, GROUP_FIELD);
FIELDS(update_fields, GROUP_FIELD, NAME_FIELD(0), SETTINGS_FIELDS);
FIELDS(update_route_fields, NAME_FIELD(0), SETTINGS_FIELDS);
FIELDS(list_fields, AFTER_FIELD(0), LIMIT_FIELD(0));
FIELDS(list_route_fields, AFTER_FIELD(NUNCIO_FIELD_QUERY), LIMIT_FIELD(NUNCIO_FIELD_QUERY));
FIELDS(members_fields, GROUP_FIELD, ROLE_FILTER(0), AFTER_FIELD(0), LIMIT_FIELD(0));
FIELDS(members_route_fields, ROLE_FILTER(NUNCIO_FIELD_QUERY), AFTER_FIELD(NUNCIO_FIELD_QUERY),
	LIMIT_FIELD(NUNCIO_FIELD_QUERY));
FIELDS(requests_fields, GROUP_FIELD, AFTER_FIELD(0), LIMIT_FIELD(0));
FIELDS(join_fields, GROUP_FIELD, TEXT_FIELD);
FIELDS(join_route_fields, TEXT_FIELD);
FIELDS(users_fields, GROUP_FIELD, USERS_FIELD);
FIELDS(users_route_fields, USERS_FIELD);
FIELDS(user_fields, GROUP_FIELD, USER_FIELD);
FIELDS(user_route_fields, USER_FIELD);
FIELDS(remove_fields, GROUP_FIELD, USER_FIELD, REASON_FIELD(0));
FIELDS(remove_route_fields, REASON_FIELD(NUNCIO_FIELD_QUERY));
FIELDS(role_fields, GROUP_FIELD, USER_FIELD, ROLE_FIELD);
FIELDS(role_route_fields, ROLE_FIELD);
FIELDS(mute_fields, GROUP_FIELD, USER_FIELD, SECONDS_FIELD);
FIELDS(mute_route_fields, SECONDS_FIELD);
FIELDS(on_fields, GROUP_FIELD, ON_FIELD);
FIELDS(on_route_fields, ON_FIELD);

#define OP(NAME, FIELDS, FN, HELP) \
	{ \
		.size = sizeof(struct nuncio_command), .op = (NAME), .help = (HELP), \
		.fields = (FIELDS), .field_size = sizeof(struct nuncio_field), .fn = (FN) \
	}
static const struct nuncio_command commands[] = {
	OP("group.create", create_fields, ops_create, "Makes a group or a channel."),
	OP("group.info", group_fields, ops_info, "What a group is, and what one is there."),
	OP("group.update", update_fields, ops_update, "Changes what is given (admins)."),
	OP("group.list", list_fields, ops_list, "One's groups, in order of their ids."),
	OP("group.members", members_fields, ops_members, "The members, in order of their ids."),
	OP("group.join", join_fields, ops_join,
		"Joins, or asks the admins, as the group's rule is."),
	OP("group.leave", group_fields, ops_leave, "Leaves; the owner cannot."),
	OP("group.add", users_fields, ops_add,
		"Adds users, or invites them where they have to be asked."),
	OP("group.invite", users_fields, ops_invite, "Invites users, who accept or decline."),
	OP("group.invites", list_fields, ops_invites, "Invitations that wait for one's answer."),
	OP("group.accept", group_fields, ops_accept, "Accepts an invitation."),
	OP("group.decline", group_fields, ops_decline, "Declines an invitation."),
	OP("group.remove", remove_fields, ops_remove,
		"Removes a member, or takes an invitation back (admins)."),
	OP("group.role", role_fields, ops_role,
		"Makes a member an admin, or an admin a member (owner)."),
	OP("group.mute", mute_fields, ops_mute, "Lets a member write nothing for a time (admins)."),
	OP("group.mute_all", on_fields, ops_mute_all,
		"Lets only the owner and admins write (admins)."),
	OP("group.transfer", user_fields, ops_transfer, "Makes a member the owner (owner)."),
	OP("group.dissolve", group_fields, ops_dissolve, "Ends the group for good (owner)."),
	OP("group.requests", requests_fields, ops_requests, "Who asks to join (admins)."),
	OP("group.approve", user_fields, ops_approve, "Lets somebody in who has asked (admins)."),
	OP("group.reject", user_fields, ops_reject, "Says no to somebody who has asked (admins)."),
};

#define ROUTE(METHOD, PATH, FIELDS, FN, HELP) \
	{ \
		.size = sizeof(struct nuncio_route), .method = (METHOD), \
		.path = "/api/v1/groups" PATH, .help = (HELP), .fields = (FIELDS), \
		.field_size = sizeof(struct nuncio_field), .fn = (FN) \
	}
static const struct nuncio_route routes[] = {
	ROUTE("GET", "", list_route_fields, ops_list, "One's groups, in order of their ids."),
	ROUTE("POST", "", create_fields, ops_create, "Makes a group or a channel."),
	ROUTE("GET", "/:id", NULL, ops_info, "What a group is, and what one is there."),
	ROUTE("PUT", "/:id", update_route_fields, ops_update, "Changes what is given (admins)."),
	ROUTE("DELETE", "/:id", NULL, ops_dissolve, "Ends the group for good (owner)."),
	ROUTE("GET", "/:id/members", members_route_fields, ops_members,
		"The members, in order of their ids."),
	ROUTE("POST", "/:id/members", users_route_fields, ops_add,
		"Adds users, or invites them where they have to be asked."),
	ROUTE("DELETE", "/:id/members/:user", remove_route_fields, ops_remove,
		"Removes a member, or takes an invitation back (admins); with one's own id: leaves."),
	ROUTE("PUT", "/:id/members/:user/role", role_route_fields, ops_role,
		"Makes a member an admin, or an admin a member (owner)."),
	ROUTE("PUT", "/:id/members/:user/mute", mute_route_fields, ops_mute,
		"Lets a member write nothing for a time (admins)."),
	ROUTE("POST", "/:id/join", join_route_fields, ops_join,
		"Joins, or asks the admins, as the group's rule is."),
	ROUTE("POST", "/:id/leave", NULL, ops_leave, "Leaves; the owner cannot."),
	ROUTE("POST", "/:id/invites", users_route_fields, ops_invite,
		"Invites users, who accept or decline."),
	ROUTE("POST", "/:id/accept", NULL, ops_accept, "Accepts an invitation."),
	ROUTE("POST", "/:id/decline", NULL, ops_decline, "Declines an invitation."),
	ROUTE("PUT", "/:id/mute", on_route_fields, ops_mute_all,
		"Lets only the owner and admins write (admins)."),
	ROUTE("PUT", "/:id/owner", user_route_fields, ops_transfer,
		"Makes a member the owner (owner)."),
	ROUTE("GET", "/:id/requests", list_route_fields, ops_requests,
		"Who asks to join (admins)."),
	ROUTE("POST", "/:id/requests/:user/approve", NULL, ops_approve,
		"Lets somebody in who has asked (admins)."),
	ROUTE("POST", "/:id/requests/:user/reject", NULL, ops_reject,
		"Says no to somebody who has asked (admins)."),
};
static const struct nuncio_route invites_route = { .size = sizeof invites_route,
	.method = "GET",
	.path = "/api/v1/invites",
	.help = "Invitations to groups that wait for one's answer.",
	.fields = list_route_fields,
	.field_size = sizeof list_route_fields[0],
	.fn = ops_invites };

int tables_add(struct group *g)
{
	int rc = nuncio_route_add(g->self, &invites_route, g);
	for (size_t i = 0; rc == 0 && i < sizeof commands / sizeof commands[0]; i++)
		rc = nuncio_command_add(g->self, &commands[i], g);
	for (size_t i = 0; rc == 0 && i < sizeof routes / sizeof routes[0]; i++)
		rc = nuncio_route_add(g->self, &routes[i], g);
	return rc;
}
