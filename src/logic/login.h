/* SPDX-License-Identifier: MIT */
#ifndef LOGIC_LOGIN_H
#define LOGIC_LOGIN_H

#include <nuncio/request.h>

#include "io/io_msg.h"
#include "logic/session.h"

/* How sessions come and go. Logic thread only. */

/* A handshake asks to come in: may_connect, then the token if there is one. Takes the message. */
void login_connect(struct logic *logic, struct io_connect *connect);

/* The op session.open, first or again: a fresh token of the same user prolongs the session. */
void login_open(struct nuncio_request *rq, void *user);

/* The connection has gone: the last a module hears of it, then it is freed. */
void login_closed(struct logic *logic, const struct io_closed *closed);

/* We end it: session.closing, then the close frame. Does nothing when it is closing already. */
void login_close(
	struct logic *logic, struct session *session, int close_code, int code, const char *text);

/* Its place in the wheel has come: perhaps no token came, or the token has ended. */
void login_due(struct list *node, void *user);

#endif
