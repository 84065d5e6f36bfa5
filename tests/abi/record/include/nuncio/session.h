/* SPDX-License-Identifier: MIT */
#ifndef NUNCIO_SESSION_H
#define NUNCIO_SESSION_H

/*
 * Sessions and users that are live on this node: reading them, sending to them, keeping data with
 * them.
 */

#include <nuncio/module.h>

NUNCIO_BEGIN_DECLS

struct nuncio_session; /* borrowed in callbacks; keep nuncio_session_id() across time */

/*
 * Reads a session. Texts live as long as the session.
 * Thread: logic.
 */
nuncio_sid nuncio_session_id(const struct nuncio_session *session);
struct nuncio_str nuncio_session_user(const struct nuncio_session *session);
struct nuncio_str nuncio_session_device(const struct nuncio_session *session);
int64_t nuncio_session_since_ms(const struct nuncio_session *session); /* wall clock of its login */

/*
 * The session with this id; NULL once it has gone (or has not logged in yet).
 * Thread: logic.
 */
struct nuncio_session *nuncio_session_find(nuncio_sid id);

/*
 * Sends a notify {"type":"notify","op":op,"data":data} to one session. data: one JSON value.
 * NUNCIO_E_GONE: no such session; NUNCIO_E_TOOBIG. 0 means queued, not received.
 * Thread: logic.
 */
int nuncio_session_notify(nuncio_sid id, const char *op, struct nuncio_str data);

/*
 * The same to all live sessions of a user but `except` (0: none). Returns how many, or
 * NUNCIO_E_TOOBIG.
 * Thread: logic.
 */
int nuncio_user_notify(
	struct nuncio_str user, const char *op, struct nuncio_str data, nuncio_sid except);

/*
 * Number of live sessions of a user on this node; and the next session id after `after` (start with
 * 0; 0 is the end).
 * Thread: logic.
 */
size_t nuncio_user_session_count(struct nuncio_str user);
nuncio_sid nuncio_user_next_session(struct nuncio_str user, nuncio_sid after);

/*
 * Sends session.closing with this code (codes.h) and text, then closes with close_code (RFC 6455
 * section 7.4, PROTOCOL.md 1.3). Does nothing for an id that has gone. did_disconnect comes later.
 * Thread: logic.
 */
void nuncio_session_close(nuncio_sid id, int close_code, int code, const char *text);

/* A place for a module's data with each session, user or live conversation (conversation.h). */
enum nuncio_scope { NUNCIO_PER_SESSION = 1, NUNCIO_PER_USER = 2, NUNCIO_PER_CONVERSATION = 3 };
struct nuncio_slot;
typedef void nuncio_free_fn(void *data);

/*
 * Takes a slot: 8 bytes in each object of that scope, NULL at first. free_fn (may be NULL) is
 * called for non-NULL data after the object's last event: a session after did_disconnect, a user
 * when the last of their sessions has gone. Given back by itself.
 * Thread: logic, in init.
 */
int nuncio_slot_take(struct nuncio_module *self, enum nuncio_scope scope, nuncio_free_fn *free_fn,
	struct nuncio_slot **slot_r);

/*
 * Reads or sets what is in a session's slot, or in the slot of the session's user. Setting does not
 * free the old data.
 * Thread: logic.
 */
void *nuncio_slot_get(const struct nuncio_session *session, const struct nuncio_slot *slot);
void nuncio_slot_set(struct nuncio_session *session, const struct nuncio_slot *slot, void *data);

NUNCIO_END_DECLS

#endif
