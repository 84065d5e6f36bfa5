/* SPDX-License-Identifier: MIT */
#ifndef ADMIN_ADMIN_PRIVATE_H
#define ADMIN_ADMIN_PRIVATE_H

#include <stddef.h>

#include "admin/admin.h"
#include "base/list.h"
#include "loop/loop.h"
#include "loop/timer.h"

struct admin {
	struct loop *loop;
	struct logic *logic;
	char path[ADMIN_PATH_BYTES + 1];
	int fd;
	struct loop_io io;
	struct loop_timer pause; /* after an accept that found no descriptor */
	struct list conns;       /* of struct admin_conn */
	size_t conn_count;
};

/* One who asks; takes the descriptor, and ends by itself. `asker` names it in the log. */
struct admin_conn;
void admin_conn_new(struct admin *admin, int fd, const char *asker);
void admin_conn_free(struct admin_conn **conn);
struct admin_conn *admin_conn_first(struct admin *admin); /* NULL: none */

#endif
