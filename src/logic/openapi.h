/* SPDX-License-Identifier: MIT */
#ifndef LOGIC_OPENAPI_H
#define LOGIC_OPENAPI_H

#include <nuncio/base.h>

struct logic;
struct buf;

/*
 * The API document (OpenAPI 3.1) of everything that is registered: routes with their input,
 * answers, refusals and who may ask; named shapes; and, as extensions, the ops of the WebSocket
 * (x-nuncio-ops) and the table of codes (x-nuncio-codes). NUNCIO_E_INVAL: a declaration cannot be
 * read; err says whose and why.
 */
int openapi_write(struct logic *logic, struct buf *to, struct nuncio_error *err);

/* Makes the document and adds the route GET /openapi.json. After all others were registered. */
int openapi_add(struct logic *logic, struct nuncio_error *err);

#endif
