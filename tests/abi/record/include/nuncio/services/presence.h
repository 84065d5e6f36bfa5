/* SPDX-License-Identifier: MIT */
#ifndef NUNCIO_SERVICES_PRESENCE_H
#define NUNCIO_SERVICES_PRESENCE_H

/*
 * Service "presence.v1": who is online. Offered by the module that `presence` features are built
 * on.
 */

#include <nuncio/base.h>

NUNCIO_BEGIN_DECLS

#define NUNCIO_PRESENCE_V1 "presence.v1"

enum nuncio_presence_status {
	NUNCIO_PRESENCE_OFFLINE = 0,
	NUNCIO_PRESENCE_ONLINE = 1,
	NUNCIO_PRESENCE_AWAY = 2,
	NUNCIO_PRESENCE_DND = 3 /* there, and not to be disturbed */
};

/* Flags of a row. The service sees everybody; only clients are refused the sight. */
#define NUNCIO_PRESENCE_HIDDEN 1u /* the asker may not see this user, who looks offline */

/*
 * One user's presence; last_seen_ms is 0 when never seen, now when online. The core of a service
 * allocates, readers read.
 */
struct nuncio_presence {
	struct nuncio_str user;
	uint32_t status; /* enum nuncio_presence_status */
	uint32_t flags;  /* NUNCIO_PRESENCE_HIDDEN */
	int64_t last_seen_ms;
};

/*
 * Called once with `n` rows in the order asked for (status 0), or n = 0 and a negative status. Rows
 * are borrowed.
 */
typedef void nuncio_presence_fn(
	int status, const struct nuncio_presence *rows, size_t n, void *user);

struct nuncio_presence_v1 {
	uint32_t size, reserved;
	/*
	 * Asks for `n` users. The answer may come before this returns. Users are copied.
	 * Thread: logic (done too).
	 */
	void (*query)(void *impl, const struct nuncio_str *users, size_t n,
		nuncio_presence_fn *done, void *user);
};

NUNCIO_END_DECLS

#endif
