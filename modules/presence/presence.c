/* SPDX-License-Identifier: MIT */
/*
 * Who is online: the service presence.v1, three ops, a route, and the notify presence.changed for
 * those who subscribed. Known from the sessions of this node, in memory, and those of other nodes
 * from the service roster.v1, if there is one; when somebody was last seen is kept in the store.
 *
 * A change is told when it has lasted for `delay`, so a reconnect is not seen, and many at once
 * cost one timer. A session that follows nobody and is not away costs nothing here; an online user
 * costs about 120 bytes. Thread: logic.
 */
#include "presence.h"

#include <stdlib.h>
#include <string.h>

#include <nuncio/conf.h>
#include <nuncio/hooks.h>
#include <nuncio/json.h>
#include <nuncio/log.h>
#include <nuncio/metric.h>
#include <nuncio/request.h>
#include <nuncio/service.h>
#include <nuncio/services/presence.h>
#include <nuncio/session.h>
#include <nuncio/timer.h>

enum {
	QUERY_MAX = 100,
	FOLLOW_MAX = 500,
	ANSWER_BYTES = 64000, /* a packet has 65,535 */
	ROW_BYTES = 72,       /* of a row of the answer, besides the user */
	WRITE_MAX = 1000,     /* times handed to the store at once */
	WRITE_AGAIN_MS = 200
};

/* ---- writing ---- */

static const char *const status_names[] = { "offline", "online", "away", "dnd" };

void presence_write(struct nuncio_json *json, const struct nuncio_presence *row)
{
	nuncio_json_object_begin(json);
	nuncio_json_key(json, "user");
	nuncio_json_put_text(json, row->user);
	nuncio_json_key(json, "status");
	nuncio_json_put_text(json, nuncio_text(status_names[row->status]));
	nuncio_json_key(json, "last_seen");
	if (row->last_seen_ms > 0)
		nuncio_json_put_time(json, row->last_seen_ms);
	else
		nuncio_json_put_null(json);
	nuncio_json_object_end(json);
}

static void on_rows_for_op(int status, const struct nuncio_presence *rows, size_t n, void *user)
{
	struct nuncio_request *rq = user;
	(void)status;
	struct nuncio_json *json = nuncio_json_new();
	nuncio_json_object_begin(json);
	nuncio_json_key(json, "users");
	nuncio_json_array_begin(json);
	for (size_t i = 0; i < n; i++)
		presence_write(json, &rows[i]);
	nuncio_json_array_end(json);
	nuncio_json_object_end(json);
	nuncio_reply(&rq, 200, nuncio_json_str(json));
	nuncio_json_free(&json);
}

static void on_row_for_route(int status, const struct nuncio_presence *rows, size_t n, void *user)
{
	struct nuncio_request *rq = user;
	(void)status, (void)n;
	struct nuncio_json *json = nuncio_json_new();
	presence_write(json, &rows[0]);
	nuncio_reply(&rq, 200, nuncio_json_str(json));
	nuncio_json_free(&json);
}

/* ---- telling ---- */

static void start_telling(struct presence *presence, int64_t in_ms);

void presence_tell(struct presence *presence, const struct person *person)
{
	struct nuncio_presence row = { .user = person_user(person), .status = person->told };
	row.last_seen_ms =
		person->told == NUNCIO_PRESENCE_OFFLINE ? person->last_seen_ms : nuncio_wall_ms();
	struct nuncio_json *json = nuncio_json_new();
	presence_write(json, &row);
	struct nuncio_str data = nuncio_json_str(json);
	for (const struct link *at = person->watches.next; at != &person->watches; at = at->next) {
		const struct watch *watch = PEOPLE_OF(at, const struct watch, of_person);
		if (watch->may_see)
			nuncio_session_notify(watch->sid, "presence.changed", data);
	}
	nuncio_json_free(&json);
	nuncio_counter_add(presence->changes, 1);
	/* What began on another node that one tells its own modules. */
	if (person->is_ours || !presence->others.roster)
		nuncio_tell_presence(
			presence->self, row.user, person->was, row.status, row.last_seen_ms);
}

static void on_write_timer(void *user)
{
	struct presence *presence = user;
	presence->write = NULL;
	if (asking_write(presence->self, &presence->people, WRITE_MAX))
		presence->write = nuncio_timer_start(
			presence->self, WRITE_AGAIN_MS, 0, on_write_timer, presence);
	nuncio_gauge_set(presence->known, (int64_t)presence->people.count);
}

static void on_tell_timer(void *user)
{
	struct presence *presence = user;
	struct people *people = &presence->people;
	struct person *person;
	int64_t wait_ms;
	int is_news;
	presence->tell = NULL;
	while ((person = people_next_due(people, nuncio_mono_ms(), &is_news, &wait_ms))) {
		if (is_news)
			presence_tell(presence, person);
		people_settled(people, person);
	}
	if (wait_ms >= 0)
		start_telling(presence, wait_ms);
	if (people_next_dirty(people) && !presence->write)
		presence->write = nuncio_timer_start(presence->self,
			(uint32_t)nuncio_conf_int(presence->self, "write_delay"), 0, on_write_timer,
			presence);
	nuncio_gauge_set(presence->known, (int64_t)people->count);
}

static void start_telling(struct presence *presence, int64_t in_ms)
{
	if (!presence->tell && !presence->is_stopped)
		presence->tell = nuncio_timer_start(
			presence->self, (uint32_t)in_ms, 0, on_tell_timer, presence);
}

void presence_changed(struct presence *presence)
{
	start_telling(presence, presence->people.delay_ms);
}

/* ---- coming and going ---- */

static void on_did_login(const struct nuncio_login *login, void *user)
{
	struct presence *presence = user;
	const struct person *person =
		people_login(&presence->people, login->user, nuncio_mono_ms());
	if (people_wants_dnd(&presence->people, person))
		dnd_learn(presence, login->user);
	else if (person->is_dnd)
		nodes_share(presence, login->user);
	start_telling(presence, presence->people.delay_ms);
}

static void on_did_disconnect(const struct nuncio_leave *leave, void *user)
{
	struct presence *presence = user;
	struct follower *follower = nuncio_slot_get(leave->session, presence->slot);
	if (follower) {
		nuncio_slot_set(leave->session, presence->slot, NULL);
		nuncio_gauge_add(presence->following, -(int64_t)follower->count);
	}
	people_logout(
		&presence->people, leave->user, &follower, nuncio_mono_ms(), nuncio_wall_ms());
	start_telling(presence, presence->people.delay_ms);
}

/* ---- ops ---- */

/*
 * Borrowed texts of data.users, freed by the caller; NULL after an error was answered. The core has
 * checked the count and that they are texts.
 */
static struct nuncio_str *read_users(struct nuncio_request **rq, size_t max, size_t *n_r)
{
	struct nuncio_str list, item;
	size_t at = 0, n = 0;
	nuncio_request_raw(*rq, "users", &list);
	struct nuncio_str *users = calloc(max, sizeof *users + USER_BYTES + 1);
	if (!users)
		abort();
	char *text = (char *)&users[max];
	while (n < max && nuncio_json_next(list, &at, NULL, &item)) {
		int bytes = nuncio_json_text(item, text, USER_BYTES + 1);
		if (bytes <= 0) {
			nuncio_reply_error(rq, NUNCIO_CODE_invalid_field,
				"users: each must be 1 to %d bytes long", USER_BYTES);
			free(users);
			return NULL;
		}
		users[n++] = (struct nuncio_str){ text, (size_t)bytes };
		text += bytes;
	}
	*n_r = n;
	return users;
}

void presence_ask(struct presence *presence, struct nuncio_str asker,
	const struct nuncio_str *users, size_t n, nuncio_presence_fn *done, void *user)
{
	const struct asker who = { presence->self, &presence->people, &presence->sight,
		&presence->others, asker };
	asking_start(&who, users, n, done, user);
}

static void on_query(struct nuncio_request *rq, void *user)
{
	size_t n;
	struct nuncio_str *users = read_users(&rq, QUERY_MAX, &n);
	if (!users)
		return;
	presence_ask(user, nuncio_request_user(rq), users, n, on_rows_for_op, rq);
	free(users);
}

/* A session that has begun to follow: the answer says from where the notifies go on. */
struct subscribing {
	struct presence *presence;
	struct nuncio_request *rq;
	uint64_t sid;
};

static void on_rows_for_subscribe(
	int status, const struct nuncio_presence *rows, size_t n, void *user)
{
	struct subscribing *subscribing = user;
	sight_open(subscribing->presence, subscribing->sid, rows, n);
	on_rows_for_op(status, rows, n, subscribing->rq);
	free(subscribing);
}

static void follow(struct presence *presence, struct nuncio_session *session,
	const struct nuncio_str *users, size_t n)
{
	struct follower *follower = nuncio_slot_get(session, presence->slot);
	int64_t before = follower ? (int64_t)follower->count : 0;
	people_follow(&presence->people, &follower, nuncio_session_id(session), users, n);
	nuncio_slot_set(session, presence->slot, follower);
	nuncio_gauge_add(presence->following, (follower ? (int64_t)follower->count : 0) - before);
}

static void on_subscribe(struct nuncio_request *rq, void *user)
{
	struct presence *presence = user;
	struct nuncio_session *session = nuncio_request_session(rq);
	struct nuncio_str list;
	size_t n;
	if (!session) {
		nuncio_reply_status(&rq, NUNCIO_E_GONE);
		return;
	}
	struct nuncio_str *users = read_users(&rq, FOLLOW_MAX, &n);
	if (!users)
		return;
	nuncio_request_raw(rq, "users", &list);
	if (list.n + n * ROW_BYTES > ANSWER_BYTES) {
		nuncio_reply_error(&rq, NUNCIO_CODE_too_large,
			"users: the answer would not fit into one packet, take fewer or shorter ones");
		free(users);
		return;
	}
	follow(presence, session, users, n);
	struct subscribing *subscribing = nuncio_alloc(sizeof *subscribing);
	*subscribing = (struct subscribing){ presence, rq, nuncio_session_id(session) };
	presence_ask(
		presence, nuncio_request_user(rq), users, n, on_rows_for_subscribe, subscribing);
	free(users);
}

/* ---- what one says of oneself ---- */

static void set_away(struct presence *presence, struct nuncio_session *session, int is_away)
{
	struct follower *follower = nuncio_slot_get(session, presence->slot);
	people_set_away(&presence->people, nuncio_session_user(session), &follower,
		nuncio_session_id(session), is_away, nuncio_mono_ms());
	nuncio_slot_set(session, presence->slot, follower);
}

static void on_set(struct nuncio_request *rq, void *user)
{
	struct presence *presence = user;
	struct nuncio_session *session = nuncio_request_session(rq);
	struct nuncio_str status, who = nuncio_request_user(rq);
	int is_dnd, has_status = nuncio_request_text(rq, "status", &status);
	int has_dnd = nuncio_request_bool(rq, "dnd", &is_dnd);
	if (!has_status && !has_dnd) {
		nuncio_reply_error(&rq, NUNCIO_CODE_invalid_field,
			"status, dnd: at least one of them must be given");
		return;
	}
	if (!session) {
		nuncio_reply_status(&rq, NUNCIO_E_GONE);
		return;
	}
	if (has_status)
		set_away(presence, session, nuncio_text_same(status, nuncio_text("away")));
	nodes_share(presence, who);
	start_telling(presence, presence->people.delay_ms);
	if (has_dnd)
		dnd_set(presence, rq, is_dnd);
	else
		nuncio_reply(&rq, 200, nuncio_text("{}"));
}

static void on_get(struct nuncio_request *rq, void *user)
{
	struct nuncio_str id = { "", 0 };
	if (!nuncio_request_text(rq, "id", &id) || id.n == 0 || id.n > USER_BYTES) {
		nuncio_reply_error(&rq, NUNCIO_CODE_not_found, "no such user");
		return;
	}
	presence_ask(user, nuncio_request_user(rq), &id, 1, on_row_for_route, rq);
}

static void on_service_query(
	void *impl, const struct nuncio_str *users, size_t n, nuncio_presence_fn *done, void *user)
{
	const struct nuncio_str nobody = { "", 0 };
	presence_ask(impl, nobody, users, n, done, user);
}

static const struct nuncio_presence_v1 presence_service = {
	.size = sizeof presence_service,
	.query = on_service_query,
};

static const struct nuncio_field query_fields[] = {
	{ "users", NUNCIO_FIELD_TEXTS, NUNCIO_FIELD_REQUIRED, 1, QUERY_MAX, "who" },
	{ 0 },
};
static const struct nuncio_field subscribe_fields[] = {
	{ "users", NUNCIO_FIELD_TEXTS, NUNCIO_FIELD_REQUIRED, 0, FOLLOW_MAX,
		"whose changes are wanted; replaces the former list" },
	{ 0 },
};
static const struct nuncio_field set_fields[] = {
	{ "status", NUNCIO_FIELD_TEXT, 0, 1, 16, "whether the person is at this device",
		"'online'|'away'" },
	{ "dnd", NUNCIO_FIELD_BOOL, 0, 0, 0,
		"whether the person is not to be disturbed, on all their devices" },
	{ 0 },
};

static const struct nuncio_field get_fields[] = {
	{ "id", NUNCIO_FIELD_TEXT, NUNCIO_FIELD_PATH, 0, 0, "the user's" },
	{ 0 },
};

static const struct nuncio_shape presence_shape = {
	.size = sizeof presence_shape,
	.name = "presence",
	.shape = "{user: text, status: 'online'|'away'|'dnd'|'offline', last_seen: time|null}",
	.help = "Whether somebody is there, and since when not.",
};
#define ROWS_SHAPE "{users: [presence]}"

#define COMMAND(OP, HELP, FIELDS, FN, ANSWER) \
	{ \
		.size = sizeof(struct nuncio_command), .op = (OP), .help = (HELP), \
		.fields = (FIELDS), .field_size = sizeof(struct nuncio_field), .fn = (FN), \
		.answer = (ANSWER) \
	}
static const struct nuncio_command presence_commands[] = {
	COMMAND("presence.query", "Who of these is online.", query_fields, on_query, ROWS_SHAPE),
	COMMAND("presence.subscribe", "Follows the presence of these users and of nobody else.",
		subscribe_fields, on_subscribe, ROWS_SHAPE),
	COMMAND("presence.set", "Says whether one is at this device, or not to be disturbed.",
		set_fields, on_set, "{}"),
};
static const struct nuncio_route presence_route = {
	.size = sizeof presence_route,
	.method = "GET",
	.path = "/api/v1/users/:id/presence",
	.help = "Whether a user is online, and when they were last seen.",
	.fields = get_fields,
	.field_size = sizeof get_fields[0],
	.fn = on_get,
	.answer = "200 presence",
	.errors = "not_found",
};

/* ---- the module's life ---- */

static int add_ops(struct nuncio_module *self, struct presence *presence)
{
	int rc = nuncio_shape_add(self, &presence_shape);
	if (rc == 0)
		rc = nuncio_route_add(self, &presence_route, presence);
	for (size_t i = 0; rc == 0 && i < sizeof presence_commands / sizeof presence_commands[0];
		i++)
		rc = nuncio_command_add(self, &presence_commands[i], presence);
	return rc;
}

static int add_hooks(struct nuncio_module *self, struct presence *presence)
{
	int rc = nuncio_slot_take(self, NUNCIO_PER_SESSION, NULL, &presence->slot);
	if (rc == 0)
		rc = nuncio_hook_did_login(self, NUNCIO_PRIO_NORMAL, on_did_login, presence);
	if (rc == 0)
		rc = nuncio_hook_did_disconnect(
			self, NUNCIO_PRIO_NORMAL, on_did_disconnect, presence);
	if (rc == 0)
		rc = dnd_init(presence);
	if (rc == 0)
		rc = nuncio_service_offer(self, NUNCIO_PRESENCE_V1, &presence_service, presence);
	return rc;
}

static int presence_init(struct nuncio_module *self, struct nuncio_error *err)
{
	struct presence *presence = nuncio_alloc(sizeof *presence);
	nuncio_module_set_data(self, presence);
	presence->self = self;
	people_init(&presence->people, nuncio_conf_int(self, "delay"),
		(size_t)nuncio_conf_int(self, "remember"));
	presence->known = nuncio_gauge_new(self, "known_users", NULL, "Users in memory.");
	presence->following = nuncio_gauge_new(
		self, "subscriptions", NULL, "Pairs of a session and a user it follows.");
	presence->changes =
		nuncio_counter_new(self, "changes_total", NULL, "Changes that were told.");
	int rc = add_ops(self, presence);
	if (rc == 0)
		rc = add_hooks(self, presence);
	if (rc < 0)
		nuncio_error_set(
			err, "its ops and hooks cannot be added: %s", nuncio_status_name(rc));
	return rc;
}

static int presence_start(struct nuncio_module *self, struct nuncio_error *err)
{
	(void)err;
	sight_start(nuncio_module_data(self));
	nodes_start(nuncio_module_data(self));
	return 0;
}

static int presence_reload(struct nuncio_module *self, struct nuncio_error *err)
{
	struct presence *presence = nuncio_module_data(self);
	(void)err;
	presence->people.delay_ms = nuncio_conf_int(self, "delay");
	presence->people.remember = (size_t)nuncio_conf_int(self, "remember");
	return 0;
}

/*
 * Whoever is still here was seen now. What the store's queue does not take is lost with the
 * process.
 */
static void presence_stop(struct nuncio_module *self)
{
	struct presence *presence = nuncio_module_data(self);
	presence->is_stopped = 1;
	sight_stop(presence);
	nuncio_timer_stop(&presence->tell);
	nuncio_timer_stop(&presence->write);
	people_leave_all(&presence->people, nuncio_wall_ms());
	if (asking_write(self, &presence->people, SIZE_MAX))
		nuncio_log(
			self, NUNCIO_WARN, "the store is busy: not every last-seen time was kept");
}

static void presence_fini(struct nuncio_module *self)
{
	struct presence *presence = nuncio_module_data(self);
	if (!presence)
		return;
	people_fini(&presence->people);
	free(presence);
}

static const char *const presence_wants[] = { "store", NUNCIO_CONTACTS_V1, NUNCIO_ROSTER_V1, NULL };

static const struct nuncio_option presence_options[] = {
	{ "delay", NUNCIO_OPT_MSEC, NUNCIO_OPT_LIVE, "200ms", 0, 60000, NULL,
		"A change is told when it has lasted this long, so that a reconnect is not seen." },
	{ "remember", NUNCIO_OPT_INT, NUNCIO_OPT_LIVE, "100000", 0, 100000000, NULL,
		"Users not online whose last-seen time stays in memory, about 120 bytes each." },
	{ "write_delay", NUNCIO_OPT_MSEC, NUNCIO_OPT_LIVE, "5s", 0, 3600000, NULL,
		"Last-seen times are written to the store, many at once, this long after a user has gone." },
	{ 0 },
};

NUNCIO_MODULE("presence", .version = "1.0", .summary = "Who is online, and when the others were.",
	.wants = presence_wants, .options = presence_options, .init = presence_init,
	.start = presence_start, .reload = presence_reload, .stop = presence_stop,
	.fini = presence_fini)
