/* SPDX-License-Identifier: MIT */
#ifndef SERVER_PRIVATE_H
#define SERVER_PRIVATE_H

#include <stdbool.h>

#include "admin/commands.h"
#include "io/io_thread.h"
#include "loop/timer.h"
#include "module/module.h"
#include "parts.h"
#include "server.h"

struct supervisor;
struct trim;

/* Every part of the server; server.c makes and frees them. */
struct server {
	const struct server_arguments *arguments;
	struct ini *ini;
	struct options *core;
	struct io_settings io_settings;
	struct io_listeners *listeners;
	struct parts p;
	struct io_thread **io;
	unsigned io_threads; /* own threads; 0: the logic loop serves the sockets */
	unsigned io_count;   /* of `io`, at least 1 */
	struct server_metrics *shown;
	struct admin_env admin_env;
	struct admin *admin; /* NULL: no control socket */
	struct supervisor *supervisor;
	struct trim *trim;
	struct loop_timer start_timer, stop_timer;
	int64_t started_ms;
	int lock_fd;
	bool is_stopping;
};

/* server_control.c: from outside, while it runs. Thread: logic. */
int server_control_commands(struct server *s, struct nuncio_error *err);
void server_control_signals(struct server *s);
/* Tells the supervisor as soon as everybody is ready to serve, or has had time enough. */
void server_control_started(struct server *s);
int server_control_open(struct server *s, struct nuncio_error *err); /* the socket */

#endif
