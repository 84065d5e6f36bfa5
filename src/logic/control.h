/* SPDX-License-Identifier: MIT */
#ifndef LOGIC_CONTROL_H
#define LOGIC_CONTROL_H

#include <nuncio/control.h>

#include "logic/op.h"

/*
 * Commands of the operator: the table, and the road of one from whoever received it (admin/) to its
 * handler and back. Logic thread only.
 */
struct logic;

/* Who waits for an answer. Called at most once, also before control_ask has returned. */
struct control_sink {
	void (*answer)(struct control_sink *sink, struct nuncio_str json);
};

/* NUNCIO_E_EXISTS with both owners in err; NUNCIO_E_INVAL for a bad name. Kept by reference. */
int control_add(struct logic *logic, const char *owner, const struct nuncio_command *command,
	void *user, struct op **op_r, struct nuncio_error *err);
void control_remove(struct logic *logic, struct op **op);

/* Every command, by name. */
typedef void control_each_fn(const struct op *op, void *user);
void control_each(const struct logic *logic, control_each_fn *fn, void *user);

/*
 * Carries out a command. `data` is a checked JSON object; both texts are borrowed until this
 * returns; `asker` is for the log. NULL: the sink has been called; otherwise it will be.
 */
struct nuncio_request *control_ask(struct logic *logic, struct nuncio_str name,
	struct nuncio_str data, const char *asker, struct control_sink *sink);

/* The sink goes; whatever the answer will be, nobody hears it. */
void control_forget(struct nuncio_request *rq);

#endif
