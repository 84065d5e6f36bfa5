/* SPDX-License-Identifier: MIT */
#ifndef NUNCIO_REQUEST_H
#define NUNCIO_REQUEST_H

/*
 * Requests: a client's op over WebSocket or a call over HTTP, the same for a handler. Each declares
 * its input, which the core checks before the handler runs, and its answers; the API document
 * (/openapi.json) is made from that. A request is answered exactly once, now or later.
 */

#include <nuncio/codes.h>
#include <nuncio/hooks.h>
#include <nuncio/module.h>

NUNCIO_BEGIN_DECLS

struct nuncio_request;
struct nuncio_session;

enum nuncio_field_type {
	NUNCIO_FIELD_TEXT = 1, /* without U+0000; min/max: length in bytes */
	NUNCIO_FIELD_INT = 2,  /* min/max: range */
	NUNCIO_FIELD_BOOL = 3,
	NUNCIO_FIELD_OBJECT = 4,
	NUNCIO_FIELD_TEXTS = 5, /* array of such texts; min/max: their count */
	NUNCIO_FIELD_ANY = 6    /* any JSON value; max: its size in bytes */
};
#define NUNCIO_FIELD_REQUIRED 1u
#define NUNCIO_FIELD_QUERY \
	2u /* HTTP: in the query string instead of the body (texts, ints, bools) */
#define NUNCIO_FIELD_SECRET 4u /* a password or key: never shown (control.h) */
#define NUNCIO_FIELD_PATH \
	8u /* HTTP: a parameter of the path (":id" is "id"); checked like those of the query */

/*
 * Shapes: what a JSON value looks like, in one line of text that people can read too.
 *
 *     text int bool any null     as they say
 *     id time                    a number in text, RFC 3339 in text
 *     'open'|'closed'            one of these words; | stands between any shapes
 *     [text]                     an array
 *     {user: text, at?: time}    an object; at may be missing; there may be members besides
 *     {*: int}                   an object whose members all look like that
 *     sent & {more: bool}        both: the members of the one and of the other
 *     user                       a shape that was declared under this name
 */

/*
 * One declared member of the input. Parameters of the path need not be declared, but are described
 * only if they are. The array ends with a zeroed entry. min = max = 0: no limits but the packet's.
 */
struct nuncio_field {
	const char *name;
	uint32_t type, flags;
	int64_t min, max;
	const char *help;
	/*
	 * More about the value, NULL: nothing. TEXT: words, which are checked: "'a'|'b'". OBJECT
	 * and ANY: its shape, for the API document.
	 */
	const char *shape;
};

typedef void nuncio_request_fn(struct nuncio_request *rq, void *user);

#define NUNCIO_OPEN 1u     /* also for those who have not proved who they are */
#define NUNCIO_RAW_BODY 2u /* HTTP: the body is not JSON; fields of the body are not checked */

/*
 * A client op, or an HTTP route. Kept by reference (static). Callbacks on the logic thread, must
 * not block.
 */
struct nuncio_command {
	uint32_t size, flags;
	const char *op;                    /* "history.query"; [a-z][a-z0-9_.]* */
	const char *help;                  /* one sentence */
	const struct nuncio_field *fields; /* NULL: none */
	uint32_t field_size, reserved;     /* sizeof(struct nuncio_field) */
	nuncio_request_fn *fn;
	const char *answer; /* the shape of data in the answer; NULL: any */
	/*
	 * Names of codes.h with blanks between: what the handler itself refuses with. Not those
	 * that any op or route may give: for its input, its token, an error of the server.
	 */
	const char *errors;
};
struct nuncio_route {
	uint32_t size, flags;
	const char *method; /* "GET", "POST", "PUT", "DELETE"; GET serves HEAD too */
	/* "/api/v1/users/:id", "/files/..." with a last segment "*rest" for a wildcard */
	const char *path;
	const char *help;
	const struct nuncio_field *fields;
	uint32_t field_size, reserved;
	nuncio_request_fn *fn;
	/*
	 * Good answers, status and what comes with it, with "; " between: "200 user", "201 sent;
	 * 200 sent", "204", and with a media type when it is answered raw: "200 text/html". NULL:
	 * 200 with any data.
	 */
	const char *answer;
	const char *errors; /* as with ops */
};

/* A name for a shape, for the answers of several routes and ops. Kept by reference (static). */
struct nuncio_shape {
	uint32_t size, reserved;
	const char *name;  /* "group"; [a-z][a-z0-9_]* */
	const char *shape; /* may name others, of whatever module that is on */
	const char *help;  /* one sentence */
};

/*
 * Declares a shape; one owner each. A malformed shape, one that names none, or an answer or error
 * that cannot be read is a start error.
 * Thread: logic, in init.
 */
int nuncio_shape_add(struct nuncio_module *self, const struct nuncio_shape *shape);

/*
 * Adds a client op or a route; one owner each, NUNCIO_E_EXISTS names the other module in the log.
 * Thread: logic, in init.
 */
int nuncio_command_add(
	struct nuncio_module *self, const struct nuncio_command *command, void *user);
int nuncio_route_add(struct nuncio_module *self, const struct nuncio_route *route, void *user);

/*
 * Around handlers of HTTP routes, like the skins of an onion: `before` from low priority to high,
 * `after` in the reverse order.
 */
struct nuncio_middleware {
	uint32_t size;
	int32_t priority;
	const char *prefix; /* of the path: "/api/"; "/" for all */
	/* PASS, ACCEPT (skip the other befores), nuncio_reject(ask, ...) or LATER. NULL: pass. */
	enum nuncio_verdict (*before)(
		struct nuncio_ask *ask, struct nuncio_request *rq, void *user);
	/*
	 * The answer is known: add headers with nuncio_reply_header. Runs for refusals too. NULL:
	 * nothing.
	 */
	void (*after)(struct nuncio_request *rq, int http_status, void *user);
};

/*
 * Adds a skin around all routes whose path starts with its prefix. NUNCIO_E_INVAL: bad prefix, or
 * more than 32.
 * Thread: logic, in init.
 */
int nuncio_middleware_add(
	struct nuncio_module *self, const struct nuncio_middleware *middleware, void *user);

/*
 * Who asks. session is NULL over HTTP or when it has gone meanwhile; user is empty for those not
 * authenticated. Texts live until the request is answered.
 * Thread: logic.
 */
struct nuncio_session *nuncio_request_session(const struct nuncio_request *rq);
struct nuncio_str nuncio_request_user(const struct nuncio_request *rq);
struct nuncio_str nuncio_request_device(const struct nuncio_request *rq);
struct nuncio_str nuncio_request_address(const struct nuncio_request *rq);
int nuncio_request_is_http(const struct nuncio_request *rq);

/*
 * Input, found by path ("to.user") in data; over HTTP among the parameters of the path, in the
 * body, in the query, in this order, so that the URL always says what is acted on. 1 and the value,
 * or 0 if it was not given or has another type. Text comes decoded. Raw values are those of data
 * and body only. Values live until the request is answered.
 * Thread: logic.
 */
int nuncio_request_text(struct nuncio_request *rq, const char *path, struct nuncio_str *value_r);
int nuncio_request_int(struct nuncio_request *rq, const char *path, int64_t *value_r);
int nuncio_request_bool(struct nuncio_request *rq, const char *path, int *value_r);
int nuncio_request_raw(struct nuncio_request *rq, const char *path, struct nuncio_str *json_r);
struct nuncio_str nuncio_request_data(const struct nuncio_request
		*rq); /* all of data or body; "{}" if none; raw bytes with NUNCIO_RAW_BODY */

/*
 * HTTP only: a parameter of the path (":id" is "id"): 1 and the decoded value, or 0.
 * Thread: logic.
 */
int nuncio_request_param(
	const struct nuncio_request *rq, const char *name, struct nuncio_str *value_r);

/*
 * HTTP only: 1 and the value of a header (name without regard to case), or 0; method and decoded
 * path (empty for ops).
 * Thread: logic.
 */
int nuncio_request_header(
	const struct nuncio_request *rq, const char *name, struct nuncio_str *value_r);
struct nuncio_str nuncio_request_method(const struct nuncio_request *rq);
struct nuncio_str nuncio_request_path(const struct nuncio_request *rq);

/*
 * Answers and ends the request: *rq becomes NULL. A request may be kept as long as it takes; if the
 * client has gone, the answer is dropped. A request not answered within [core] request_timeout is
 * answered `timeout` for the handler, whose own answer is dropped then. `data` is one JSON value,
 * or empty for none. http_status: 200, 201, 204 (ignored over WebSocket).
 * Thread: logic.
 */
void nuncio_reply(struct nuncio_request **rq, int http_status, struct nuncio_str data);

/*
 * Answers with an error: a code of codes.h and English words that say what and where (printf-like).
 * NULL format: the code's meaning.
 * Thread: logic.
 */
void nuncio_reply_error(struct nuncio_request **rq, int code, const char *format, ...)
	NUNCIO_PRINTF(3, 4);

/*
 * The same from a status: E_BUSY busy, E_TIMEOUT timeout, E_UNSUPPORTED unavailable, E_NOTFOUND
 * not_found, E_EXISTS exists, E_DENIED denied, E_CONFLICT conflict, E_INVAL bad_request, E_TOOBIG
 * too_large, E_GONE stopping, E_NOSPACE store_failed, else internal. 0 is an empty success.
 * Thread: logic.
 */
void nuncio_reply_status(struct nuncio_request **rq, int status);

/*
 * The same from what the store answered: E_FAIL is store_failed, E_UNSUPPORTED says that no store
 * is switched on.
 * Thread: logic.
 */
void nuncio_reply_store_status(struct nuncio_request **rq, int status);

/*
 * HTTP only: an answer outside the unified form, with any body (copied). Header values with control
 * characters are refused with NUNCIO_E_INVAL.
 * Thread: logic.
 */
void nuncio_reply_raw(struct nuncio_request **rq, int http_status, const char *content_type,
	struct nuncio_str body);
int nuncio_reply_header(struct nuncio_request *rq, const char *name, const char *value);

/* The answer to nuncio_call: code 0 and data (JSON, may be empty), or a code and words. */
typedef void nuncio_called_fn(int code, struct nuncio_str text, struct nuncio_str data, void *user);

/*
 * Carries out an op in the name of a user, with all that a client's own request goes through:
 * hooks, checks of its fields, limits of size. For bots, bridges and forwards. `data` is one JSON
 * object, copied. `extra` may be empty; with message.send it is further members of the event,
 * without braces, like nuncio_event.extra. `done` (may be NULL) comes once, perhaps before this
 * returns; at the latest, with `stopping`, before the module's fini. NUNCIO_E_NOTFOUND: no such op;
 * NUNCIO_E_INVAL: user, data or extra are malformed; NUNCIO_E_BUSY: 10,000 are under way already;
 * NUNCIO_E_GONE: the server is ending; then `done` is not called.
 * Thread: logic (done too).
 */
int nuncio_call(struct nuncio_module *self, struct nuncio_str who, const char *op,
	struct nuncio_str data, struct nuncio_str extra, nuncio_called_fn *done, void *user);

NUNCIO_END_DECLS

#endif
