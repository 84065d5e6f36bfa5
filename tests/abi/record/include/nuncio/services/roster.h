/* SPDX-License-Identifier: MIT */
#ifndef NUNCIO_SERVICES_ROSTER_H
#define NUNCIO_SERVICES_ROSTER_H

/*
 * Service "roster.v1": who is signed in where, on all nodes. Offered by a module that shares it
 * between nodes (presence_redis); without one each node knows its own sessions only. It sees by
 * itself who comes and goes here. struct nuncio_roster_row does not grow: it comes in rows.
 */

#include <nuncio/services/presence.h>

NUNCIO_BEGIN_DECLS

#define NUNCIO_ROSTER_V1 "roster.v1"

/* One session. The core of a service allocates, readers read. */
struct nuncio_roster_row {
	struct nuncio_str node, device; /* node: [core] node of where it is */
	nuncio_sid session;             /* unique together with node */
	int64_t since_ms;               /* by the clock of that node */
	/* Of two sessions of a user the later one has the higher order, whatever the clocks say. */
	uint64_t order;
	uint32_t state; /* ONLINE, AWAY or DND of enum nuncio_presence_status */
	uint32_t is_here;
};

/* Called once: n rows (status 0), or a negative status. Rows are borrowed. */
typedef void nuncio_roster_rows_fn(
	int status, const struct nuncio_roster_row *rows, size_t n, void *user);

/* Called once: n of enum nuncio_presence_status, in the order asked for; or a negative status. */
typedef void nuncio_roster_states_fn(int status, const uint32_t *states, size_t n, void *user);

/* What somebody's sessions on other nodes come to now; is_first: since it is watched. */
typedef void nuncio_roster_changed_fn(
	struct nuncio_str user, uint32_t state, uint32_t is_first, void *context);

struct nuncio_roster_v1 {
	uint32_t size, reserved;
	/*
	 * Every session of a user, this node's too, those that began here before this call among
	 * them. The answer may come before this returns.
	 * Thread: logic (done too).
	 */
	void (*list)(
		void *impl, struct nuncio_str user, nuncio_roster_rows_fn *done, void *context);
	/*
	 * What the sessions on other nodes of these users come to. Users are copied.
	 * Thread: logic (done too).
	 */
	void (*elsewhere)(void *impl, const struct nuncio_str *users, size_t n,
		nuncio_roster_states_fn *done, void *context);
	/*
	 * Whether `changed` is told of a user's sessions on other nodes (1), or no more (0). Once
	 * each. Then it is called with what is true now, and after every change.
	 * Thread: logic.
	 */
	void (*watch)(void *impl, struct nuncio_str user, int on);
	/*
	 * Who is told; one module may be. In its start.
	 * Thread: logic (changed too).
	 */
	void (*listen)(void *impl, nuncio_roster_changed_fn *changed, void *context);
	/*
	 * What a session here is: ONLINE at first.
	 * Thread: logic.
	 */
	void (*state)(void *impl, nuncio_sid session, uint32_t state);
};

NUNCIO_END_DECLS

#endif
