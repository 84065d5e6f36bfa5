/* SPDX-License-Identifier: MIT */
#ifndef LOGIC_REQUESTS_PRIVATE_H
#define LOGIC_REQUESTS_PRIVATE_H

#include "logic/requests.h"

/* Tells whoever asked; the request stays. Last thing to do with one that its owner may end. */
void request_send_answer(struct nuncio_request *rq, int http_status, int code,
	struct nuncio_str message, struct nuncio_str data);
void request_free(struct nuncio_request **rq);

#endif
