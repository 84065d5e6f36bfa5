/* SPDX-License-Identifier: MIT */
#ifndef NUNCIO_CODES_H
#define NUNCIO_CODES_H

/*
 * The answer codes: one table for REST and WebSocket. X(number, name, HTTP status, meaning).
 * Numbers and names are stable: never renumbered, never reused; new ones may come in any minor
 * version, so a client treats an unknown code by its HTTP status class (REST) or as a failure
 * (WebSocket).
 */
#define NUNCIO_CODES(X) \
	X(0, ok, 200, "success") \
	X(1000, bad_request, 400, "the request cannot be understood") \
	X(1001, bad_json, 400, "the text is not valid JSON (RFC 8259, strict)") \
	X(1002, invalid_field, 422, "a member is missing, of the wrong type or out of range") \
	X(1003, unknown_op, 404, "no module that is switched on offers this op") \
	X(1004, too_large, 413, "larger than the stated limit") \
	X(1005, unsupported_media, 415, "the body must be application/json") \
	X(1006, method_not_allowed, 405, "the path exists, but not with this method") \
	X(1007, not_found, 404, "there is no such thing, or you may not know of it") \
	X(1008, uri_too_long, 414, "the request target is too long") \
	X(1009, head_too_large, 431, "the request head is too large") \
	X(1010, request_timeout, 408, "the request did not arrive in time") \
	X(1011, not_implemented, 501, "this part of HTTP is not supported") \
	X(1012, http_version, 505, "only HTTP/1.0 and HTTP/1.1 are spoken here") \
	X(1013, upgrade_required, 426, "this path speaks WebSocket version 13") \
	X(2000, auth_required, 401, "a valid token is needed") \
	X(2001, token_invalid, 401, "the token is malformed, forged or of an unknown key") \
	X(2002, token_expired, 401, "the token has expired or is not yet valid") \
	X(2003, login_failed, 401, "user or password is wrong") \
	X(2004, session_open, 409, "this connection has a session already") \
	X(2005, password_required, 403, "this operation needs the password again") \
	X(2006, refresh_invalid, 401, "the refresh token is unknown, used or revoked") \
	X(2007, session_limit, 429, "this user has as many sessions as allowed") \
	X(3000, denied, 403, "not allowed") \
	X(3001, not_member, 403, "only members of the conversation may do this") \
	X(3002, origin_refused, 403, "the Origin of this page is not listed in [core] origins") \
	X(3003, registration_closed, 403, "new accounts are made by the operator only") \
	X(3100, muted, 403, "may not write here for now") \
	X(3101, read_only, 403, "only the owner and admins write here") \
	X(3102, invite_only, 403, "only who was invited may join") \
	X(3103, owner_stays, 403, "the owner cannot go; transfer or dissolve the group first") \
	X(3200, not_accepted, 403, "this person does not take messages from you") \
	X(3201, you_blocked, 403, "you have blocked this person") \
	X(4000, conflict, 409, "the state has changed meanwhile") \
	X(4001, exists, 409, "it exists already") \
	X(4002, client_id_conflict, 409, "this client_id was used for another message") \
	X(4100, already_member, 409, "is a member already") \
	X(4101, group_full, 409, "the group has as many members or admins as it may have") \
	X(4102, group_limit, 409, "in as many groups as allowed") \
	X(4290, rate_limited, 429, "too many requests, slow down") \
	X(5000, internal, 500, "an error in the server; its log has the trace id") \
	X(5001, busy, 503, "a queue is full, try again later") \
	X(5002, unavailable, 503, "the module or service that this needs is not there") \
	X(5003, timeout, 503, "no answer within the deadline; the outcome is not known") \
	X(5004, store_failed, 503, "the store could not write or read") \
	X(5005, stopping, 503, "the server is stopping")

/* Values of the `code` member of every answer: NUNCIO_CODE_ok, NUNCIO_CODE_bad_request, ... */
enum nuncio_code {
#define NUNCIO_X(number, name, http, meaning) NUNCIO_CODE_##name = number,
	NUNCIO_CODES(NUNCIO_X)
#undef NUNCIO_X
};

#endif
