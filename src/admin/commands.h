/* SPDX-License-Identifier: MIT */
#ifndef ADMIN_COMMANDS_H
#define ADMIN_COMMANDS_H

#include <stddef.h>
#include <stdint.h>

#include <nuncio/request.h>

struct buf;
struct hook_table;
struct json_out;
struct logic;
struct metric_set;
struct modules;
struct options;

/* What the server's own commands look at and turn. Lives as long as the commands do. */
struct admin_env {
	struct logic *logic;
	struct hook_table *hooks;
	struct modules *modules;
	const char *config; /* file */
	int64_t started_ms; /* wall clock */
	void *server;       /* for these: */
	/* Members of the object being written: what is known of addresses and connections. */
	void (*write_io)(void *server, struct json_out *out);
	/* Reads the configuration again; negative: nothing was changed. Adds lines for people. */
	int (*reload)(void *server, struct buf *report);
	/* Begins to stop, as after SIGTERM; harmless when it does already. */
	void (*drain)(void *server, const char *why);
};

/*
 * The server's own control commands: what report.c shows and steer.c changes. After the modules
 * have registered theirs. Thread: logic.
 */
int admin_commands_add(const struct admin_env *env, struct nuncio_error *err);

/* Adds the commands of a table that ends with a zeroed entry. For the files of this folder. */
int commands_add(
	const struct admin_env *env, const struct nuncio_command *table, struct nuncio_error *err);
extern const struct nuncio_command report_commands[], steer_commands[], copying_commands[];

#define COMMAND(OP, HELP, FIELDS, FLAGS, FN) \
	{ \
		.size = sizeof(struct nuncio_command), .flags = (FLAGS), .op = (OP), \
		.help = (HELP), .fields = (FIELDS), .field_size = sizeof(struct nuncio_field), \
		.fn = (FN) \
	}

#endif
