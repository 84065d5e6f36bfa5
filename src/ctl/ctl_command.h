/* SPDX-License-Identifier: MIT */
#ifndef CTL_CTL_COMMAND_H
#define CTL_CTL_COMMAND_H

#include <stdbool.h>

#include <nuncio/base.h>

#include "base/arena.h"
#include "base/buf.h"

/* What the server says about its commands; all texts are in the arena it was read with. */
struct ctl_field {
	const char *name, *type, *help;
	bool is_required, is_secret;
};

struct ctl_command {
	const char *name, *help, *module;
	bool is_slow;
	struct ctl_field *fields;
	size_t field_count;
};

struct ctl_commands {
	struct ctl_command *list;
	size_t count;
};

/* From the data of the answer to "commands". */
void ctl_commands_read(
	struct nuncio_str data, struct arena *arena, struct ctl_commands *commands_r);

/*
 * The command whose name is the most of the words: "user", "add" is user.add, "log-level" is
 * log_level. *used_r: how many words that were. NULL: none.
 */
const struct ctl_command *ctl_command_find(
	const struct ctl_commands *commands, char **words, int count, int *used_r);

/* The words that follow as one JSON object; an exit status. Asks for secrets. */
int ctl_command_args(const struct ctl_command *command, char **words, int count, struct buf *json);

void ctl_commands_print(const struct ctl_commands *commands);
void ctl_command_print(const struct ctl_command *command);

#endif
