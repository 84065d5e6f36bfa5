/* SPDX-License-Identifier: MIT */
#ifndef LOGIC_SEND_H
#define LOGIC_SEND_H

#include <nuncio/conversation.h>
#include <nuncio/request.h>

struct logic;

/* The op message.send and POST /api/v1/messages. */
void send_message(struct nuncio_request *rq, void *user);
extern const struct nuncio_field send_fields[];

/*
 * An event made by a module: stored, delivered, told; nobody is asked. See <nuncio/conversation.h>.
 */
int send_append(struct logic *logic, const struct nuncio_append *what, nuncio_appended_fn *done,
	void *user);

#endif
