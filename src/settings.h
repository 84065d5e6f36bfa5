/* SPDX-License-Identifier: MIT */
#ifndef SETTINGS_H
#define SETTINGS_H

#include <stddef.h>

#include <nuncio/base.h>

#include "hook/hook_table.h"
#include "io/io_thread.h"
#include "logic/logic.h"
#include "module/options.h"

/* The table of [core], and what its values mean for the parts of the server. Thread: main. */
int settings_options(struct options **options_r, struct nuncio_error *err);

/*
 * What no single value can show: texts that are numbers, addresses, names. Problems become faults.
 */
void settings_check(const struct options *core, struct option_faults *faults);
/* A problem with one value that was found elsewhere: `what` behind file, line and key. */
void settings_fault(const struct options *core, const char *key, struct option_faults *faults,
	const char *what);

/* Lists are made for io (their texts stay the options'); free with settings_io_fini. */
void settings_io(const struct options *core, struct io_settings *io_r);
void settings_io_fini(struct io_settings *io);
/* What may change while the server runs: slow callbacks, deadlines. `core` stays. */
void settings_hooks(const struct options *core, struct hook_settings *hooks_r);
void settings_logic(const struct options *core, struct logic_settings *logic_r);

/* "auto": one core is left to the logic thread, and on one or two cores they share one loop (0). */
unsigned settings_io_threads(const struct options *core);
/* Adds the path of the control socket to out; nothing when there is to be none. */
void settings_control_path(const struct options *core, struct buf *out);
int settings_log_level(const struct options *core);
/* [core] node, or the host's name. NUL-ended, lives as long as the process. */
const char *settings_node(const struct options *core);

#endif
