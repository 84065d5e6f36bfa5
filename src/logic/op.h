/* SPDX-License-Identifier: MIT */
#ifndef LOGIC_OP_H
#define LOGIC_OP_H

#include <nuncio/request.h>

#include "base/map.h"
#include "base/metric.h"
#include "logic/tally.h"

struct callback;
struct logic;
struct session;
struct io_packet;

/* One client op: who offers it, what it takes, and how often it was asked. */
struct op {
	struct map_node node;
	struct nuncio_command command; /* in our size */
	const char *owner;             /* module, or "core" */
	void *user;
	struct metric *calls;   /* of a control command */
	struct tally tally;     /* of a client op */
	struct callback *stats; /* of the module; NULL: not counted */
};

struct ops {
	struct map by_name;
};

void ops_init(struct ops *ops);
void ops_fini(struct ops *ops);

/*
 * NUNCIO_E_EXISTS with both owners in err; NUNCIO_E_INVAL for a bad name. The command is kept by
 * reference.
 */
int ops_add(struct ops *ops, const char *owner, const struct nuncio_command *command, void *user,
	struct op **op_r, struct nuncio_error *err);
void ops_remove(struct ops *ops, struct op **op);
struct op *ops_find(const struct ops *ops, struct nuncio_str name);

/*
 * A packet of a session: carries it out, or keeps it while a question is parked. Takes the packet.
 */
void op_dispatch(struct logic *logic, struct session *session, struct io_packet *packet);
/*
 * A module asks in the name of `who`. NUNCIO_E_NOTFOUND: no such op; NUNCIO_E_BUSY: too many under
 * way; NUNCIO_E_GONE: the server is ending; then nothing is answered.
 */
struct inner_side;
int op_call(struct logic *logic, struct nuncio_str who, const char *name, struct nuncio_str data,
	const struct inner_side *inner);
/* The parked question is answered: go on with what has come meanwhile. */
void op_resume_session(struct logic *logic, nuncio_sid id);

#endif
