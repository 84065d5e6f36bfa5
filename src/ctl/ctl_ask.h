/* SPDX-License-Identifier: MIT */
#ifndef CTL_CTL_ASK_H
#define CTL_CTL_ASK_H

#include <stdbool.h>

#include <nuncio/base.h>

#include "base/buf.h"

#ifndef NUNCIO_CONFIG_FILE
#define NUNCIO_CONFIG_FILE "/etc/nuncio/nuncio.ini"
#endif

/* Exit statuses, where possible those of sysexits.h. */
enum {
	CTL_OK = 0,
	CTL_REFUSED = 1,    /* the server said no, and why */
	CTL_USAGE = 64,     /* the command line is wrong */
	CTL_NO_SERVER = 69, /* nobody listens at the socket */
	CTL_NO_ANSWER = 75, /* the connection ended, or the time was over */
	CTL_NO_RIGHT = 77,  /* the socket or the configuration is not ours to open */
	CTL_BAD_CONFIG = 78 /* the configuration cannot be read */
};

/* Prints "nuncioctl: ..." to standard error; returns `status`. */
int ctl_fail(int status, const char *format, ...) NUNCIO_PRINTF(2, 3);

/*
 * The connection to a server. `socket_path` may be NULL: then it is found through the configuration
 * file `config`, or the default one when that is NULL, too. All return an exit status.
 */
struct ctl_server {
	int fd;
	int timeout_ms; /* for an answer; -1: none */
	struct buf in;
	size_t taken; /* of `in`: the line given out last */
};
int ctl_connect(struct ctl_server *server, const char *socket_path, const char *config);
void ctl_disconnect(struct ctl_server *server);

/*
 * Asks and waits. line_r is the checked answer, borrowed until the next question. args is one JSON
 * object.
 */
int ctl_ask(struct ctl_server *server, const char *command, struct nuncio_str args, int timeout_ms,
	struct nuncio_str *line_r);

/* Waits until the server has gone. */
int ctl_wait_end(struct ctl_server *server);

#endif
