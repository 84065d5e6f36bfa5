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
#define WORD_FIELD(NAME, FLAGS, WORDS, HELP) \
	{ \
		NAME, NUNCIO_FIELD_TEXT, FLAGS, 1, 16, HELP, WORDS \
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
		WORD_FIELD("join", 0, "'open'|'approval'|'invite'", \
			"open: anybody joins; approval: the admins are asked; invite: only who was invited"), \
		WORD_FIELD("kind", 0, "'group'|'channel'", \
			"in a channel only the owner and admins write. Cannot be changed later"), \
		FIELD("history", BOOL, 0, 0, 0, "whether who comes later sees what was before")
#define AFTER_FIELD(FLAGS) FIELD("after", TEXT, FLAGS, 0, 128, "`next` of the page before")
#define LIMIT_FIELD(FLAGS) \
	FIELD("limit", INT, FLAGS, 1, PAGE_MAX, "at most so many; 50 if not given")
#define ROLE_FILTER(FLAGS) \
	WORD_FIELD( \
		"role", FLAGS, "'member'|'admin'|'owner'", "only members with at least this role")
#define USERS_FIELD FIELD("users", TEXTS, NUNCIO_FIELD_REQUIRED, 1, TASK_USERS_MAX, "who")
#define TEXT_FIELD \
	FIELD("text", TEXT, 0, 0, RECORD_NAME_BYTES, "words to the admins, who may be asked")
#define REASON_FIELD(FLAGS) \
	FIELD("reason", TEXT, FLAGS, 0, RECORD_NAME_BYTES, "why; all members see it")
#define ROLE_FIELD WORD_FIELD("role", NUNCIO_FIELD_REQUIRED, "'admin'|'member'", "the new one")
#define ID_PATH FIELD("id", TEXT, NUNCIO_FIELD_PATH, 0, 0, "the id of the group")
#define USER_PATH FIELD("user", TEXT, NUNCIO_FIELD_PATH, 0, 0, "whom it is about")
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
FIELDS(id_route_fields, ID_PATH);
FIELDS(member_route_fields, ID_PATH, USER_PATH);
FIELDS(update_route_fields, ID_PATH, NAME_FIELD(0), SETTINGS_FIELDS);
FIELDS(list_fields, AFTER_FIELD(0), LIMIT_FIELD(0));
FIELDS(list_route_fields, AFTER_FIELD(NUNCIO_FIELD_QUERY), LIMIT_FIELD(NUNCIO_FIELD_QUERY));
FIELDS(members_fields, GROUP_FIELD, ROLE_FILTER(0), AFTER_FIELD(0), LIMIT_FIELD(0));
FIELDS(members_route_fields, ID_PATH, ROLE_FILTER(NUNCIO_FIELD_QUERY),
	AFTER_FIELD(NUNCIO_FIELD_QUERY), LIMIT_FIELD(NUNCIO_FIELD_QUERY));
FIELDS(requests_fields, GROUP_FIELD, AFTER_FIELD(0), LIMIT_FIELD(0));
FIELDS(requests_route_fields, ID_PATH, AFTER_FIELD(NUNCIO_FIELD_QUERY),
	LIMIT_FIELD(NUNCIO_FIELD_QUERY));
FIELDS(join_fields, GROUP_FIELD, TEXT_FIELD);
FIELDS(join_route_fields, ID_PATH, TEXT_FIELD);
FIELDS(users_fields, GROUP_FIELD, USERS_FIELD);
FIELDS(users_route_fields, ID_PATH, USERS_FIELD);
FIELDS(user_fields, GROUP_FIELD, USER_FIELD);
FIELDS(user_route_fields, ID_PATH, USER_FIELD);
FIELDS(remove_fields, GROUP_FIELD, USER_FIELD, REASON_FIELD(0));
FIELDS(remove_route_fields, ID_PATH, USER_PATH, REASON_FIELD(NUNCIO_FIELD_QUERY));
FIELDS(role_fields, GROUP_FIELD, USER_FIELD, ROLE_FIELD);
FIELDS(role_route_fields, ID_PATH, USER_PATH, ROLE_FIELD);
FIELDS(mute_fields, GROUP_FIELD, USER_FIELD, SECONDS_FIELD);
FIELDS(mute_route_fields, ID_PATH, USER_PATH, SECONDS_FIELD);
FIELDS(on_fields, GROUP_FIELD, ON_FIELD);
FIELDS(on_route_fields, ID_PATH, ON_FIELD);

static const struct nuncio_shape shapes[] = {
	{ .size = sizeof shapes[0],
		.name = "role",
		.shape = "'member'|'admin'|'owner'",
		.help = "What a member may do." },
	{ .size = sizeof shapes[0],
		.name = "group",
		.shape = "{group: text, conversation: text, kind: 'group'|'channel', name: text,"
			 "avatar: text, announcement: text, join: 'open'|'approval'|'invite',"
			 "history: bool, muted: bool, owner: text, members: int, created_at: time,"
			 "you: {role: role, joined_at: time, muted_until: time|null}|null}",
		.help = "A group or channel, as the one who asks sees it." },
	{ .size = sizeof shapes[0],
		.name = "outcome",
		.shape = "{user: text, result: 'added'|'invited'|'already'|'limit'|'refused'}",
		.help = "What has become of a user who was named." },
	{ .size = sizeof shapes[0],
		.name = "joining",
		.shape = "{status: 'joined'|'requested'}",
		.help = "A member now, or the admins were asked." },
};
#define INFO_SHAPE "group & {invited: bool, requested: bool}"
#define GROUPS_SHAPE "{groups: [group], next: text|null}"
#define MEMBERS_SHAPE \
	"{members: [{user: text, role: role, joined_at: time, muted_until: time|null}]," \
	"next: text|null}"
#define INVITES_SHAPE \
	"{invites: [{group: text, conversation: text, kind: 'group'|'channel', name: text," \
	"avatar: text, by: text, at: time}], next: text|null}"
#define REQUESTS_SHAPE \
	"{requests: [{group: text, conversation: text, user: text, text: text, at: time}]," \
	"next: text|null}"

/* conflict: too many change the group at once. A module may refuse each change with denied. */
#define SEE_ERRORS "not_found not_member denied"
#define CHANGE_ERRORS SEE_ERRORS " conflict"
#define CREATE_ERRORS "exists denied group_limit group_full conflict"
#define COME_ERRORS CHANGE_ERRORS " already_member invite_only group_full group_limit"
#define GO_ERRORS CHANGE_ERRORS " owner_stays"
#define ROLE_ERRORS GO_ERRORS " group_full"

#define OP(NAME, FIELDS, FN, ANSWER, ERRORS, HELP) \
	{ \
		.size = sizeof(struct nuncio_command), .op = (NAME), .help = (HELP), \
		.fields = (FIELDS), .field_size = sizeof(struct nuncio_field), .fn = (FN), \
		.answer = (ANSWER), .errors = (ERRORS) \
	}
static const struct nuncio_command commands[] = {
	OP("group.create", create_fields, ops_create, "group & {users?: [outcome]}", CREATE_ERRORS,
		"Makes a group or a channel."),
	OP("group.info", group_fields, ops_info, INFO_SHAPE, "not_found",
		"What a group is, and what one is there."),
	OP("group.update", update_fields, ops_update, "group", CHANGE_ERRORS,
		"Changes what is given (admins)."),
	OP("group.list", list_fields, ops_list, GROUPS_SHAPE, NULL,
		"One's groups, in order of their ids."),
	OP("group.members", members_fields, ops_members, MEMBERS_SHAPE, SEE_ERRORS,
		"The members, in order of their ids."),
	OP("group.join", join_fields, ops_join, "joining", COME_ERRORS,
		"Joins, or asks the admins, as the group's rule is."),
	OP("group.leave", group_fields, ops_leave, "{}", GO_ERRORS, "Leaves; the owner cannot."),
	OP("group.add", users_fields, ops_add, "{users: [outcome]}", COME_ERRORS,
		"Adds users, or invites them where they have to be asked."),
	OP("group.invite", users_fields, ops_invite, "{users: [outcome]}", COME_ERRORS,
		"Invites users, who accept or decline."),
	OP("group.invites", list_fields, ops_invites, INVITES_SHAPE, NULL,
		"Invitations that wait for one's answer."),
	OP("group.accept", group_fields, ops_accept, "joining", COME_ERRORS,
		"Accepts an invitation."),
	OP("group.decline", group_fields, ops_decline, "{}", CHANGE_ERRORS,
		"Declines an invitation."),
	OP("group.remove", remove_fields, ops_remove, "{}", GO_ERRORS,
		"Removes a member, or takes an invitation back (admins)."),
	OP("group.role", role_fields, ops_role, "{}", ROLE_ERRORS,
		"Makes a member an admin, or an admin a member (owner)."),
	OP("group.mute", mute_fields, ops_mute, "{}", GO_ERRORS,
		"Lets a member write nothing for a time (admins)."),
	OP("group.mute_all", on_fields, ops_mute_all, "{}", CHANGE_ERRORS,
		"Lets only the owner and admins write (admins)."),
	OP("group.transfer", user_fields, ops_transfer, "{}", GO_ERRORS,
		"Makes a member the owner (owner)."),
	OP("group.dissolve", group_fields, ops_dissolve, "{}", CHANGE_ERRORS,
		"Ends the group for good (owner)."),
	OP("group.requests", requests_fields, ops_requests, REQUESTS_SHAPE, SEE_ERRORS,
		"Who asks to join (admins)."),
	OP("group.approve", user_fields, ops_approve, "{}", COME_ERRORS,
		"Lets somebody in who has asked (admins)."),
	OP("group.reject", user_fields, ops_reject, "{}", CHANGE_ERRORS,
		"Says no to somebody who has asked (admins)."),
};

#define ROUTE(METHOD, PATH, FIELDS, FN, ANSWER, ERRORS, HELP) \
	{ \
		.size = sizeof(struct nuncio_route), .method = (METHOD), \
		.path = "/api/v1/groups" PATH, .help = (HELP), .fields = (FIELDS), \
		.field_size = sizeof(struct nuncio_field), .fn = (FN), .answer = (ANSWER), \
		.errors = (ERRORS) \
	}
static const struct nuncio_route routes[] = {
	ROUTE("GET", "", list_route_fields, ops_list, "200 " GROUPS_SHAPE, NULL,
		"One's groups, in order of their ids."),
	ROUTE("POST", "", create_fields, ops_create, "201 group & {users?: [outcome]}",
		CREATE_ERRORS, "Makes a group or a channel."),
	ROUTE("GET", "/:id", id_route_fields, ops_info, "200 " INFO_SHAPE, "not_found",
		"What a group is, and what one is there."),
	ROUTE("PUT", "/:id", update_route_fields, ops_update, "200 group", CHANGE_ERRORS,
		"Changes what is given (admins)."),
	ROUTE("DELETE", "/:id", id_route_fields, ops_dissolve, "204", CHANGE_ERRORS,
		"Ends the group for good (owner)."),
	ROUTE("GET", "/:id/members", members_route_fields, ops_members, "200 " MEMBERS_SHAPE,
		SEE_ERRORS, "The members, in order of their ids."),
	ROUTE("POST", "/:id/members", users_route_fields, ops_add, "200 {users: [outcome]}",
		COME_ERRORS, "Adds users, or invites them where they have to be asked."),
	ROUTE("DELETE", "/:id/members/:user", remove_route_fields, ops_remove, "204", GO_ERRORS,
		"Removes a member, or takes an invitation back (admins); with one's own id: leaves."),
	ROUTE("PUT", "/:id/members/:user/role", role_route_fields, ops_role, "200 {}", ROLE_ERRORS,
		"Makes a member an admin, or an admin a member (owner)."),
	ROUTE("PUT", "/:id/members/:user/mute", mute_route_fields, ops_mute, "200 {}", GO_ERRORS,
		"Lets a member write nothing for a time (admins)."),
	ROUTE("POST", "/:id/join", join_route_fields, ops_join, "200 joining", COME_ERRORS,
		"Joins, or asks the admins, as the group's rule is."),
	ROUTE("POST", "/:id/leave", id_route_fields, ops_leave, "200 {}", GO_ERRORS,
		"Leaves; the owner cannot."),
	ROUTE("POST", "/:id/invites", users_route_fields, ops_invite, "200 {users: [outcome]}",
		COME_ERRORS, "Invites users, who accept or decline."),
	ROUTE("POST", "/:id/accept", id_route_fields, ops_accept, "200 joining", COME_ERRORS,
		"Accepts an invitation."),
	ROUTE("POST", "/:id/decline", id_route_fields, ops_decline, "200 {}", CHANGE_ERRORS,
		"Declines an invitation."),
	ROUTE("PUT", "/:id/mute", on_route_fields, ops_mute_all, "200 {}", CHANGE_ERRORS,
		"Lets only the owner and admins write (admins)."),
	ROUTE("PUT", "/:id/owner", user_route_fields, ops_transfer, "200 {}", GO_ERRORS,
		"Makes a member the owner (owner)."),
	ROUTE("GET", "/:id/requests", requests_route_fields, ops_requests, "200 " REQUESTS_SHAPE,
		SEE_ERRORS, "Who asks to join (admins)."),
	ROUTE("POST", "/:id/requests/:user/approve", member_route_fields, ops_approve, "200 {}",
		COME_ERRORS, "Lets somebody in who has asked (admins)."),
	ROUTE("POST", "/:id/requests/:user/reject", member_route_fields, ops_reject, "200 {}",
		CHANGE_ERRORS, "Says no to somebody who has asked (admins)."),
};
static const struct nuncio_route invites_route = { .size = sizeof invites_route,
	.method = "GET",
	.path = "/api/v1/invites",
	.help = "Invitations to groups that wait for one's answer.",
	.fields = list_route_fields,
	.field_size = sizeof list_route_fields[0],
	.fn = ops_invites,
	.answer = "200 " INVITES_SHAPE };

int tables_add(struct group *g)
{
	int rc = nuncio_route_add(g->self, &invites_route, g);
	for (size_t i = 0; rc == 0 && i < sizeof shapes / sizeof shapes[0]; i++)
		rc = nuncio_shape_add(g->self, &shapes[i]);
	for (size_t i = 0; rc == 0 && i < sizeof commands / sizeof commands[0]; i++)
		rc = nuncio_command_add(g->self, &commands[i], g);
	for (size_t i = 0; rc == 0 && i < sizeof routes / sizeof routes[0]; i++)
		rc = nuncio_route_add(g->self, &routes[i], g);
	return rc;
}
