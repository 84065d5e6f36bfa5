/* SPDX-License-Identifier: MIT */
#ifndef SERVER_H
#define SERVER_H

/* What the command line asks for. */
enum server_task {
	SERVER_RUN = 0,
	SERVER_CHECK,
	SERVER_SHOW_CONFIG,
	SERVER_SHOW_HOOKS,
	SERVER_SHOW_OPENAPI
};

struct server_arguments {
	const char *config; /* file */
	enum server_task task;
};

/* sysexits.h: what a supervisor may want to tell apart. */
enum { SERVER_EXIT_OK = 0, SERVER_EXIT_FAILED = 1, SERVER_EXIT_CONFIG = 78 };

/*
 * Does the task and returns the exit status; SERVER_RUN returns after SIGTERM or SIGINT. Thread:
 * main.
 */
int server_run(const struct server_arguments *arguments);

/*
 * --help-config: all options as text, or as a commented INI file, of the modules in module_path;
 * NULL: in the folder that the file `config` names, or in the default one when that is NULL, too.
 */
int server_help_config(const char *config, const char *module_path, int as_ini);

#endif
