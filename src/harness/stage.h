/* SPDX-License-Identifier: MIT */
#ifndef HARNESS_STAGE_H
#define HARNESS_STAGE_H

#include <stdbool.h>
#include <stdint.h>

#include <nuncio/test.h>

#include "base/buf.h"
#include "harness/log_book.h"
#include "harness/peers.h"
#include "parts.h"

struct ini;
struct options;

/*
 * One case's server without sockets: made by stage_open, moved on by stage_settle and stage_wait.
 * Thread: the test's, which is the logic thread.
 */
struct nuncio_test {
	const struct nuncio_test_suite *suite;
	const struct nuncio_test_case *one;
	const char *modules_dir; /* of all .so files that the suite may switch on, and test_auth */
	const char *data_dir;
	int patience_ms; /* real time: what is under way may take so long */
	struct ini *ini;
	struct options *core;
	struct parts p;
	struct peers peers;
	struct log_book log;
	char **kept; /* texts handed out to the test */
	size_t kept_count;
	bool is_open, is_started, has_peers;
	bool (*is_done)(void *user); /* what stage_wait waits for; NULL: nothing */
	void *is_done_user;
};

/* The exit status of a case that failed and has said why: any other one is a surprise. */
enum { STAGE_EXIT_FAILED = 97 };

/*
 * Starts the server. Negative with what the server says why not; stage_close is due anyway. The
 * fields above `ini` are set by the caller.
 */
int stage_open(struct nuncio_test *t, struct buf *why);
void stage_stop(struct nuncio_test *t);  /* as SIGTERM; also when it has stopped */
void stage_close(struct nuncio_test *t); /* gives everything back */

/*
 * Until nothing is under way: inbox, calls, store, workers, timers that are due. False: it is not.
 */
bool stage_settle(struct nuncio_test *t);
/* The same, until is_done says true too; false: half of patience_ms passed. */
bool stage_wait(struct nuncio_test *t, bool (*is_done)(void *user), void *user);
bool stage_advance(struct nuncio_test *t, int64_t ms); /* false: did not settle */

/* New sections as SIGHUP brings them; what the server says, living as long as the stage. */
const char *stage_reload(struct nuncio_test *t, const char *config);

/* Takes the text out of `text`, NUL-ended; it lives as long as the stage. */
const char *stage_keep(struct nuncio_test *t, struct buf *text);

#endif
