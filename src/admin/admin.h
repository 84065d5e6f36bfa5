/* SPDX-License-Identifier: MIT */
#ifndef ADMIN_ADMIN_H
#define ADMIN_ADMIN_H

#include <nuncio/base.h>

struct logic;
struct loop;

/*
 * The control socket: where nuncioctl asks. One JSON object a line, {"command":"status","args":{}},
 * answered in order by one line in the form of REST: code, message, data, trace_id. Logic thread
 * only.
 */
struct admin;

/*
 * Listens at `path` (at most ADMIN_PATH_BYTES). A socket there that nobody listens to any more is
 * replaced; anything else is an error.
 */
enum { ADMIN_PATH_BYTES = 107 }; /* sockaddr_un.sun_path and a NUL */
int admin_open(struct loop *loop, struct logic *logic, const char *path, struct admin **admin_r,
	struct nuncio_error *err);

/* Closes every connection; what is being carried out for them goes on, unheard. */
void admin_close(struct admin **admin);

#endif
