/* SPDX-License-Identifier: MIT */
#include "logic/request_input.h"

/*
 * What handlers read from a request: who asks, and the input by path. Over HTTP a name is looked
 * for among the parameters of the path, then in the body, then in the query: what the URL names is
 * what is acted on, as every proxy and log between believes. The input was checked against its
 * declaration, so a wrong type here can only be an undeclared one: it counts as not given.
 */

#include <string.h>

#include "base/check.h"
#include "base/slice.h"
#include "logic/logic.h"
#include "wire/json.h"
#include "wire/uri.h"

struct nuncio_str request_user(const struct nuncio_request *rq)
{
	CHECK_MAGIC(rq, REQUEST_MAGIC);
	return (struct nuncio_str){ rq->user, rq->user_bytes };
}

struct nuncio_str request_device(const struct nuncio_request *rq)
{
	if (rq->is_http)
		return str_of(rq->http->device);
	struct session *session = session_find(&rq->logic->sessions, rq->id);
	return session ? session_device(session) : STR("");
}

/* A session keeps its address as bytes; the text is made when somebody wants it. */
struct nuncio_str request_address(const struct nuncio_request *rq)
{
	struct session *session;
	if (rq->address[0] || rq->is_http)
		return str_of(rq->address);
	session = session_find(&rq->logic->sessions, rq->id);
	return session ? session_address(session, ((struct nuncio_request *)rq)->address) : STR("");
}

struct nuncio_str request_method(const struct nuncio_request *rq)
{
	return rq->is_http ? rq->http->method : STR("");
}

struct nuncio_str request_path(const struct nuncio_request *rq)
{
	return rq->is_http ? rq->http->path : STR("");
}

int request_header(const struct nuncio_request *rq, const char *name, struct nuncio_str *value_r)
{
	if (!rq->is_http)
		return 0;
	for (size_t i = 0; i < rq->http->field_count; i++) {
		if (!str_eq_nocase(rq->http->fields[i].name, str_of(name)))
			continue;
		*value_r = rq->http->fields[i].value;
		return 1;
	}
	return 0;
}

struct nuncio_str request_data(const struct nuncio_request *rq)
{
	return rq->data;
}

/* ---- members of data ---- */

/*
 * A handler asks for ten members or so, one after the other, and each time the text would be walked
 * again, with its body. So the first question remembers where they are.
 */
enum { MEMBERS_MAX = 16 };

struct request_members {
	struct nuncio_str of;                  /* the data that this is about */
	size_t count;                          /* MEMBERS_MAX + 1: more than there is room for */
	struct nuncio_str all[MEMBERS_MAX][2]; /* key as written, value */
};

static struct request_members *find_members(struct nuncio_request *rq)
{
	struct request_members *m = rq->members;
	struct nuncio_str key, value;
	if (m && m->of.p == rq->data.p && m->of.n == rq->data.n)
		return m;
	if (!m)
		m = rq->members = arena_get(&rq->arena, sizeof *m);
	m->of = rq->data;
	m->count = 0;
	struct json_iter it = json_members(rq->data);
	while (m->count <= MEMBERS_MAX && json_next_member(&it, &key, &value)) {
		if (m->count < MEMBERS_MAX) {
			m->all[m->count][0] = key;
			m->all[m->count][1] = value;
		}
		m->count++;
	}
	return m;
}

int request_member(struct nuncio_request *rq, const char *name, struct nuncio_str *value_r)
{
	struct nuncio_str wanted = str_of(name);
	*value_r = (struct nuncio_str){ NULL, 0 };
	if (json_type(rq->data) != JSON_OBJECT)
		return NUNCIO_E_INVAL;
	const struct request_members *m = find_members(rq);
	if (m->count > MEMBERS_MAX)
		return json_member(rq->data, name, value_r);
	for (size_t i = 0; i < m->count; i++) {
		if (!json_key_is(m->all[i][0], wanted))
			continue;
		*value_r = m->all[i][1];
		return 1;
	}
	return 0;
}

int request_raw(struct nuncio_request *rq, const char *path, struct nuncio_str *json_r)
{
	CHECK_MAGIC(rq, REQUEST_MAGIC);
	if (rq->is_http && rq->http->route->route.flags & NUNCIO_RAW_BODY)
		return 0;
	if (strchr(path, '.'))
		return json_path(rq->data, path, json_r) == 1;
	return request_member(rq, path, json_r) == 1;
}

int request_param(const struct nuncio_request *rq, const char *name, struct nuncio_str *value_r)
{
	CHECK_MAGIC(rq, REQUEST_MAGIC);
	if (!rq->is_http)
		return 0;
	const struct router_match *match = &rq->http->match;
	for (size_t i = 0; i < match->param_count; i++) {
		if (!str_eq_text(match->params[i].name, name))
			continue;
		*value_r = match->params[i].value;
		return 1;
	}
	return 0;
}

static int request_query(struct nuncio_request *rq, const char *name, struct nuncio_str *value_r)
{
	return rq->is_http && uri_query_get(rq->http->query, name, &rq->arena, value_r) == 1;
}

enum found { FOUND_NOT, FOUND_PLAIN, FOUND_JSON };

static enum found request_find(
	struct nuncio_request *rq, const char *path, struct nuncio_str *value_r)
{
	if (request_param(rq, path, value_r))
		return FOUND_PLAIN;
	if (request_raw(rq, path, value_r))
		return FOUND_JSON;
	return request_query(rq, path, value_r) ? FOUND_PLAIN : FOUND_NOT;
}

int request_text(struct nuncio_request *rq, const char *path, struct nuncio_str *value_r)
{
	struct nuncio_str value;
	switch (request_find(rq, path, &value)) {
	case FOUND_JSON:
		return json_text(value, &rq->arena, value_r) == 0;
	case FOUND_PLAIN:
		*value_r = value;
		return 1;
	default:
		return 0;
	}
}

int request_int(struct nuncio_request *rq, const char *path, int64_t *value_r)
{
	struct nuncio_str value;
	switch (request_find(rq, path, &value)) {
	case FOUND_JSON:
		return json_int(value, value_r) == 0;
	case FOUND_PLAIN:
		return str_to_i64(value, value_r) == 0;
	default:
		return 0;
	}
}

static int plain_bool(struct nuncio_str text, int *value_r)
{
	*value_r = str_eq_text(text, "true") || str_eq_text(text, "1");
	return *value_r || str_eq_text(text, "false") || str_eq_text(text, "0");
}

int request_bool(struct nuncio_request *rq, const char *path, int *value_r)
{
	struct nuncio_str value;
	bool yes;
	switch (request_find(rq, path, &value)) {
	case FOUND_JSON:
		if (json_bool(value, &yes) < 0)
			return 0;
		*value_r = yes;
		return 1;
	case FOUND_PLAIN:
		return plain_bool(value, value_r);
	default:
		return 0;
	}
}
