/* SPDX-License-Identifier: MIT */
/*
 * On which devices one is signed in, signing one of them out from afar, and how many may be at
 * once.
 *
 * Each node knows its own sessions. Where there is a roster of all (roster.v1), it has the list and
 * says which session is the newest; otherwise a list asks the other nodes and waits a moment for
 * them. A session that is to be closed, or gives way to a newer one, is closed by its node.
 *
 * Thread: logic. State: the lists that wait for other nodes.
 */
#include "devices.h"

#include <nuncio/bus.h>
#include <nuncio/codes.h>
#include <nuncio/conf.h>
#include <nuncio/hooks.h>
#include <nuncio/request.h>
#include <nuncio/service.h>
#include <nuncio/services/roster.h>
#include <nuncio/text.h>
#include <nuncio/timer.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CLOSE_REPLACED = 4002, GATHER_MS = 400, LISTS_MAX = 1000 };

struct listing {
	struct listing *next;
	struct devices *d;
	struct nuncio_request *rq;
	struct nuncio_json *json;
	struct nuncio_timer *timer;
	uint64_t number;
	char user[USER_BYTES + 1];
};

struct devices {
	struct nuncio_module *self;
	enum policy policy;
	struct listing *lists; /* that wait for other nodes */
	size_t list_count;
	uint64_t number;                       /* of the last list */
	const struct nuncio_roster_v1 *roster; /* NULL: there is none */
	void *roster_impl;
	bool is_stopped;
};

static void copy_text(struct nuncio_str text, char *out, size_t size)
{
	size_t n = text.n < size ? text.n : size - 1;
	if (n)
		memcpy(out, text.p, n);
	out[n] = '\0';
}

/* ---- sessions in words ---- */

static const char *id_text(nuncio_sid session, char out[SESSION_BYTES])
{
	snprintf(out, SESSION_BYTES, "%" PRIx64, session);
	return out;
}

static void write_row(struct nuncio_json *json, const struct nuncio_roster_row *row)
{
	char id[SESSION_BYTES];
	nuncio_json_object_begin(json);
	nuncio_json_key(json, "session");
	nuncio_json_put_text(json, nuncio_text(id_text(row->session, id)));
	nuncio_json_key(json, "node");
	nuncio_json_put_text(json, row->node);
	nuncio_json_key(json, "device");
	nuncio_json_put_text(json, row->device);
	nuncio_json_key(json, "type");
	nuncio_json_put_text(json, device_type(row->device));
	nuncio_json_key(json, "since");
	nuncio_json_put_time(json, row->since_ms);
	nuncio_json_object_end(json);
}

static void write_session(struct nuncio_json *json, const struct nuncio_session *session)
{
	const struct nuncio_roster_row row = { .node = nuncio_text(nuncio_conf_node()),
		.device = nuncio_session_device(session),
		.session = nuncio_session_id(session),
		.since_ms = nuncio_session_since_ms(session) };
	write_row(json, &row);
}

static void write_sessions(struct nuncio_json *json, struct nuncio_str user)
{
	nuncio_sid id = 0;
	while ((id = nuncio_user_next_session(user, id))) {
		const struct nuncio_session *session = nuncio_session_find(id);
		if (session)
			write_session(json, session);
	}
}

/* ---- the list ---- */

static void listing_end(struct listing *l)
{
	struct listing **at = &l->d->lists;
	while (*at && *at != l)
		at = &(*at)->next;
	if (*at) {
		*at = l->next;
		l->d->list_count--;
	}
	nuncio_timer_stop(&l->timer);
	nuncio_json_array_end(l->json);
	nuncio_json_object_end(l->json);
	nuncio_reply(&l->rq, 200, nuncio_json_str(l->json));
	nuncio_json_free(&l->json);
	free(l);
}

static void on_gathered(void *user)
{
	listing_end(user);
}

static void ask_others(struct listing *l)
{
	struct devices *d = l->d;
	struct nuncio_json *json = nuncio_json_new();
	l->number = ++d->number;
	l->next = d->lists;
	d->lists = l;
	d->list_count++;
	nuncio_json_object_begin(json);
	nuncio_json_key(json, "number");
	nuncio_json_put_id(json, l->number);
	nuncio_json_key(json, "node");
	nuncio_json_put_text(json, nuncio_text(nuncio_conf_node()));
	nuncio_json_key(json, "user");
	nuncio_json_put_text(json, nuncio_text(l->user));
	nuncio_json_object_end(json);
	nuncio_peer_send(d->self, "ask", nuncio_text(l->user), nuncio_json_str(json));
	nuncio_json_free(&json);
	l->timer = nuncio_timer_start(d->self, GATHER_MS, 0, on_gathered, l);
}

/* In the order in which they signed in. */
static int by_order(const void *a, const void *b)
{
	const struct nuncio_roster_row *one = a, *other = b;
	return (one->order > other->order) - (one->order < other->order);
}

static void gather(struct listing *l)
{
	write_sessions(l->json, nuncio_text(l->user));
	if (nuncio_bus_is_there() && l->d->list_count < LISTS_MAX)
		ask_others(l);
	else
		listing_end(l);
}

/* Without the roster's answer it is as without a roster. */
static void on_rows(int status, const struct nuncio_roster_row *rows, size_t n, void *user)
{
	struct listing *l = user;
	if (status < 0 && !l->d->is_stopped) {
		gather(l);
		return;
	}
	struct nuncio_roster_row *sorted = nuncio_alloc(n * sizeof *sorted);
	if (n)
		memcpy(sorted, rows, n * sizeof *sorted);
	qsort(sorted, n, sizeof *sorted, by_order);
	for (size_t i = 0; i < n; i++)
		write_row(l->json, &sorted[i]);
	free(sorted);
	listing_end(l);
}

static void on_list(struct nuncio_request *rq, void *user)
{
	struct devices *d = user;
	struct listing *l = nuncio_alloc(sizeof *l);
	l->d = d;
	l->rq = rq;
	l->json = nuncio_json_new();
	copy_text(nuncio_request_user(rq), l->user, sizeof l->user);
	nuncio_json_object_begin(l->json);
	nuncio_json_key(l->json, "devices");
	nuncio_json_array_begin(l->json);
	if (d->roster)
		d->roster->list(d->roster_impl, nuncio_text(l->user), on_rows, l);
	else
		gather(l);
}

/* ---- other nodes ---- */

static int get_text(struct nuncio_str data, const char *key, char *out, size_t size)
{
	struct nuncio_str value;
	return nuncio_json_get(data, key, &value) ? nuncio_json_text(value, out, size)
						  : NUNCIO_E_INVAL;
}

/* What comes from other nodes is checked like anything that comes from outside. */
static bool is_sound(struct nuncio_str data)
{
	return nuncio_json_check(data, NULL) == 0 && nuncio_json_type(data) == NUNCIO_JSON_OBJECT;
}

static void on_ask(struct nuncio_str data, void *user)
{
	struct devices *d = user;
	struct nuncio_str number, node;
	char who[USER_BYTES + 1];
	if (!is_sound(data) || get_text(data, "user", who, sizeof who) <= 0 ||
		!nuncio_json_get(data, "number", &number) || !nuncio_json_get(data, "node", &node))
		return;
	struct nuncio_json *json = nuncio_json_new();
	nuncio_json_object_begin(json);
	nuncio_json_key(json, "number");
	nuncio_json_put_raw(json, number);
	nuncio_json_key(json, "node");
	nuncio_json_put_raw(json, node);
	nuncio_json_key(json, "devices");
	nuncio_json_array_begin(json);
	write_sessions(json, nuncio_text(who));
	nuncio_json_array_end(json);
	nuncio_json_object_end(json);
	nuncio_peer_send(d->self, "tell", (struct nuncio_str){ "", 0 }, nuncio_json_str(json));
	nuncio_json_free(&json);
}

static void on_tell(struct nuncio_str data, void *user)
{
	struct devices *d = user;
	struct nuncio_str list, one;
	char number[24], node[256];
	size_t at = 0;
	if (!is_sound(data) || get_text(data, "number", number, sizeof number) <= 0 ||
		get_text(data, "node", node, sizeof node) <= 0 ||
		strcmp(node, nuncio_conf_node()) != 0 || !nuncio_json_get(data, "devices", &list))
		return;
	struct listing *l = d->lists;
	while (l && l->number != strtoull(number, NULL, 10))
		l = l->next;
	while (l && nuncio_json_next(list, &at, NULL, &one))
		nuncio_json_put_raw(l->json, one);
}

/* ---- closing ---- */

static void close_replaced(nuncio_sid id)
{
	nuncio_session_close(
		id, CLOSE_REPLACED, NUNCIO_CODE_conflict, "replaced by a newer sign-in");
}

static bool close_own(const char *user, const char *session_text, bool is_replaced)
{
	nuncio_sid id = strtoull(session_text, NULL, 16); /* as in session.ready */
	struct nuncio_session *session = nuncio_session_find(id);
	if (!session)
		return false;
	struct nuncio_str owner = nuncio_session_user(session);
	if (owner.n != strlen(user) || memcmp(owner.p, user, owner.n) != 0)
		return false;
	if (is_replaced)
		close_replaced(id);
	else
		nuncio_session_close(
			id, CLOSE_REPLACED, NUNCIO_CODE_denied, "signed out from another device");
	return true;
}

static struct nuncio_json *pair(
	const char *a, const char *a_text, const char *b, const char *b_text)
{
	struct nuncio_json *json = nuncio_json_new();
	nuncio_json_object_begin(json);
	nuncio_json_key(json, a);
	nuncio_json_put_text(json, nuncio_text(a_text));
	nuncio_json_key(json, b);
	nuncio_json_put_text(json, nuncio_text(b_text));
	nuncio_json_object_end(json);
	return json;
}

/*
 * By the node that has it: ids of sessions are a node's own. All nodes are told, as a session that
 * has just begun may not be known to the bus yet.
 */
static void close_elsewhere(struct devices *d, const char *user, const char *node,
	const char *session, bool is_replaced)
{
	struct nuncio_json *json = nuncio_json_new();
	nuncio_json_object_begin(json);
	nuncio_json_key(json, "user");
	nuncio_json_put_text(json, nuncio_text(user));
	nuncio_json_key(json, "node");
	nuncio_json_put_text(json, nuncio_text(node));
	nuncio_json_key(json, "session");
	nuncio_json_put_text(json, nuncio_text(session));
	nuncio_json_key(json, "why");
	nuncio_json_put_text(json, nuncio_text(is_replaced ? "replaced" : "closed"));
	nuncio_json_object_end(json);
	nuncio_peer_send(d->self, "close", nuncio_text(""), nuncio_json_str(json));
	nuncio_json_free(&json);
}

/* On another node it is closed by that one, if it is there: nobody waits to hear of it. */
static void on_close(struct nuncio_request *rq, void *user)
{
	struct devices *d = user;
	struct nuncio_str text = { "", 0 }, node = { "", 0 };
	char who[USER_BYTES + 1], session[SESSION_BYTES], where[256];
	nuncio_request_text(rq, "session", &text);
	nuncio_request_text(rq, "node", &node);
	copy_text(text, session, sizeof session);
	copy_text(nuncio_request_user(rq), who, sizeof who);
	copy_text(node, where, sizeof where);
	bool is_elsewhere = where[0] && strcmp(where, nuncio_conf_node()) != 0;
	if (!is_elsewhere && !close_own(who, session, false)) {
		nuncio_reply_error(
			&rq, NUNCIO_CODE_not_found, "session: you have no such session here");
		return;
	}
	if (is_elsewhere && !nuncio_bus_is_there()) {
		nuncio_reply_error(&rq, NUNCIO_CODE_not_found, "node: there is no other node");
		return;
	}
	if (is_elsewhere)
		close_elsewhere(d, who, where, session, false);
	nuncio_reply(&rq, 200, (struct nuncio_str){ "{}", 2 });
}

static void on_peer_close(struct nuncio_str data, void *user)
{
	char who[USER_BYTES + 1], session[SESSION_BYTES], node[256], why[16];
	(void)user;
	if (is_sound(data) && get_text(data, "user", who, sizeof who) > 0 &&
		get_text(data, "session", session, sizeof session) > 0 &&
		get_text(data, "node", node, sizeof node) > 0 &&
		get_text(data, "why", why, sizeof why) > 0 && strcmp(node, nuncio_conf_node()) == 0)
		close_own(who, session, strcmp(why, "replaced") == 0);
}

/* ---- how many at once ---- */

static void close_older(
	struct devices *d, struct nuncio_str user, struct nuncio_str newer, nuncio_sid except)
{
	nuncio_sid id = 0, next = nuncio_user_next_session(user, 0);
	while ((id = next)) {
		const struct nuncio_session *session = nuncio_session_find(id);
		next = nuncio_user_next_session(user, id);
		if (id != except && session &&
			!devices_agree(d->policy, nuncio_session_device(session), newer))
			close_replaced(id);
	}
}

/* To the other nodes, where there is no roster to say which is the newest. */
static void tell_newer(struct devices *d, const char *user, const char *device)
{
	struct nuncio_json *json = pair("user", user, "device", device);
	nuncio_peer_send(d->self, "newer", nuncio_text(user), nuncio_json_str(json));
	nuncio_json_free(&json);
}

/* A session that has begun, and waits to hear of the others. */
struct arrival {
	struct devices *d;
	nuncio_sid session;
	char user[USER_BYTES + 1], device[DEVICE_BYTES + 1];
};

/*
 * Of two that do not agree the one that came first has to go, whichever node finds out: the later
 * of two logins sees both.
 */
static void judge(const struct arrival *a, const struct nuncio_roster_row *mine,
	const struct nuncio_roster_row *other)
{
	char id[SESSION_BYTES], node[256];
	bool is_older = other->order < mine->order;
	const struct nuncio_roster_row *older = is_older ? other : mine;
	const struct nuncio_roster_row *newer = is_older ? mine : other;
	if (devices_agree(a->d->policy, older->device, newer->device))
		return;
	if (older->is_here) {
		close_replaced(older->session);
		return;
	}
	copy_text(older->node, node, sizeof node);
	close_elsewhere(a->d, a->user, node, id_text(older->session, id), true);
}

static void on_arrival(int status, const struct nuncio_roster_row *rows, size_t n, void *user)
{
	struct arrival *a = user;
	const struct nuncio_roster_row *mine = NULL;
	for (size_t i = 0; i < n; i++)
		if (rows[i].is_here && rows[i].session == a->session)
			mine = &rows[i];
	for (size_t i = 0; mine && i < n; i++)
		if (&rows[i] != mine)
			judge(a, mine, &rows[i]);
	if (status < 0 && !a->d->is_stopped)
		tell_newer(a->d, a->user, a->device);
	free(a);
}

static void look_for_older(struct devices *d, const struct nuncio_login *what)
{
	struct arrival *a = nuncio_alloc(sizeof *a);
	a->d = d;
	a->session = nuncio_session_id(what->session);
	copy_text(what->user, a->user, sizeof a->user);
	copy_text(what->device, a->device, sizeof a->device);
	if (d->roster) {
		d->roster->list(d->roster_impl, what->user, on_arrival, a);
		return;
	}
	tell_newer(d, a->user, a->device);
	free(a);
}

static void on_login(const struct nuncio_login *what, void *user)
{
	struct devices *d = user;
	if (d->policy == POLICY_ALL)
		return;
	close_older(d, what->user, what->device, nuncio_session_id(what->session));
	if (nuncio_bus_is_there())
		look_for_older(d, what);
}

static void on_newer(struct nuncio_str data, void *user)
{
	char who[USER_BYTES + 1], device[DEVICE_BYTES + 1];
	if (is_sound(data) && get_text(data, "user", who, sizeof who) > 0 &&
		get_text(data, "device", device, sizeof device) >= 0)
		close_older(user, nuncio_text(who), nuncio_text(device), 0);
}

/* ---- the module ---- */

static const struct nuncio_field close_fields[] = {
	{ "session", NUNCIO_FIELD_TEXT, NUNCIO_FIELD_REQUIRED, 1, SESSION_BYTES - 1,
		"as device.list gives it" },
	{ "node", NUNCIO_FIELD_TEXT, 0, 0, 255, "likewise; this node if not given" },
	{ 0 },
};
static const struct nuncio_field close_url_fields[] = {
	{ "session", NUNCIO_FIELD_TEXT, NUNCIO_FIELD_PATH, 0, 0, "as device.list gives it" },
	{ "node", NUNCIO_FIELD_TEXT, NUNCIO_FIELD_QUERY, 0, 255,
		"as device.list gives it; this node if not given" },
	{ 0 },
};

#define COMMAND(OP, HELP, FIELDS, FN, ANSWER, ERRORS) \
	{ \
		.size = sizeof(struct nuncio_command), .op = (OP), .help = (HELP), \
		.fields = (FIELDS), .field_size = sizeof(struct nuncio_field), .fn = (FN), \
		.answer = (ANSWER), .errors = (ERRORS) \
	}
#define ROUTE(METHOD, PATH, HELP, FIELDS, FN, ANSWER, ERRORS) \
	{ \
		.size = sizeof(struct nuncio_route), .method = (METHOD), .path = (PATH), \
		.help = (HELP), .fields = (FIELDS), .field_size = sizeof(struct nuncio_field), \
		.fn = (FN), .answer = (ANSWER), .errors = (ERRORS) \
	}
#define LIST_SHAPE "{devices: [{session: text, node: text, device: text, type: text, since: time}]}"
static const struct nuncio_command commands[] = {
	COMMAND("device.list", "Where one is signed in.", NULL, on_list, LIST_SHAPE, NULL),
	COMMAND("device.close", "Signs one of one's devices out.", close_fields, on_close, "{}",
		"not_found"),
};
static const struct nuncio_route routes[] = {
	ROUTE("GET", "/api/v1/devices", "Where one is signed in.", NULL, on_list, "200 " LIST_SHAPE,
		NULL),
	ROUTE("DELETE", "/api/v1/devices/:session", "Signs one of one's devices out.",
		close_url_fields, on_close, "200 {}", "not_found"),
};

static int read_options(struct nuncio_module *self, struct nuncio_error *err)
{
	static const char *const words[] = { "all", "per_device", "per_type", "newest" };
	struct devices *d = nuncio_module_data(self);
	(void)err;
	for (int i = 0; i < 4; i++)
		if (strcmp(nuncio_conf_text(self, "policy"), words[i]) == 0)
			d->policy = (enum policy)i;
	return 0;
}

static int add_all(struct devices *d)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < sizeof commands / sizeof commands[0]; i++)
		rc = nuncio_command_add(d->self, &commands[i], d);
	for (size_t i = 0; rc == 0 && i < sizeof routes / sizeof routes[0]; i++)
		rc = nuncio_route_add(d->self, &routes[i], d);
	if (rc == 0)
		rc = nuncio_hook_did_login(d->self, NUNCIO_PRIO_NORMAL, on_login, d);
	if (rc == 0)
		rc = nuncio_peer_add(d->self, "ask", on_ask, d);
	if (rc == 0)
		rc = nuncio_peer_add(d->self, "tell", on_tell, d);
	if (rc == 0)
		rc = nuncio_peer_add(d->self, "close", on_peer_close, d);
	if (rc == 0)
		rc = nuncio_peer_add(d->self, "newer", on_newer, d);
	return rc;
}

static int init(struct nuncio_module *self, struct nuncio_error *err)
{
	struct devices *d = nuncio_alloc(sizeof *d);
	d->self = self;
	nuncio_module_set_data(self, d);
	read_options(self, err);
	int rc = add_all(d);
	if (rc < 0)
		nuncio_error_set(
			err, "its ops and routes cannot be added: %s", nuncio_status_name(rc));
	return rc;
}

static int start(struct nuncio_module *self, struct nuncio_error *err)
{
	struct devices *d = nuncio_module_data(self);
	(void)err;
	d->roster = nuncio_service_find(self, NUNCIO_ROSTER_V1, &d->roster_impl);
	return 0;
}

static void stop(struct nuncio_module *self)
{
	struct devices *d = nuncio_module_data(self);
	d->is_stopped = true;
	for (struct listing *l = d->lists, *next; l; l = next) {
		next = l->next;
		listing_end(l);
	}
}

static void fini(struct nuncio_module *self)
{
	free(nuncio_module_data(self));
	nuncio_module_set_data(self, NULL);
}

static const struct nuncio_option options[] = {
	{ "policy", NUNCIO_OPT_CHOICE, NUNCIO_OPT_LIVE, "all", 0, 0,
		"all per_device per_type newest",
		"Which sessions of a user may be there at once: all, one for each device name, one "
		"for each kind of device (the name up to the first - or :), or only the newest." },
	{ 0 },
};

static const char *const wants[] = { NUNCIO_ROSTER_V1, NULL };

NUNCIO_MODULE("devices", .version = "1.0",
	.summary = "Where one is signed in, signing out from afar, how many at once.",
	.wants = wants, .options = options, .init = init, .start = start, .reload = read_options,
	.stop = stop, .fini = fini)
