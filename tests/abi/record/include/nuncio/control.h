/* SPDX-License-Identifier: MIT */
#ifndef NUNCIO_CONTROL_H
#define NUNCIO_CONTROL_H

/*
 * Commands for the operator: `nuncioctl user add ann` asks "user.add" of the running server over
 * its control socket, which only root and the server's own user reach. nuncioctl learns names, help
 * and arguments from the server, so a module's command needs nothing on the other side.
 */

#include <nuncio/request.h>

NUNCIO_BEGIN_DECLS

/* In nuncio_command.flags, for control commands only. */
#define NUNCIO_CONTROL_SLOW 0x100u    /* takes its time: [core] request_timeout does not apply */
#define NUNCIO_CONTROL_CHANGES 0x200u /* changes something: the log names it and who asked */

/*
 * Adds a control command; one owner each. It is a nuncio_command, kept by reference (static), and
 * its handler gets an ordinary request: input checked as declared, answered once, now or later,
 * with nuncio_reply, _error or _status. There is no session and no user; nuncio_request_is_http is
 * 0. Words of a name are separated by dots and underscores: "log_level" is `nuncioctl log-level`,
 * "user.add" is `nuncioctl user add`. Arguments without a name fill the declared fields in order;
 * one with NUNCIO_FIELD_SECRET is asked for without echo.
 *
 * Of the answer's data, nuncioctl prints a list of objects as a table and other members one a line,
 * with units by the end of their names (_ns, _us, _ms,
 * _bytes). A member "ok" that is false makes it
 * exit with 1. A text "next" says that there is more, from the field "after" = that text on.
 *
 * NUNCIO_E_EXISTS names the other module in the log; NUNCIO_E_DENIED: called after init.
 * Thread: logic, in init.
 */
int nuncio_control_add(
	struct nuncio_module *self, const struct nuncio_command *command, void *user);

NUNCIO_END_DECLS

#endif
