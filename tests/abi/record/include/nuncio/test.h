/* SPDX-License-Identifier: MIT */
#ifndef NUNCIO_TEST_H
#define NUNCIO_TEST_H

/*
 * Testing a module: a whole server without sockets, in one process, with a clock that the test
 * moves. The test is a shared object, too, and exports one constant, made by NUNCIO_TEST_SUITE:
 *
 *	nuncio-module-test ./test_greeter.so ./greeter.so
 *
 * loads both and runs each case in a process of its own, with a fresh server: all that nunciod has
 * but sockets and I/O threads, and the real store_memory. Tokens are user ids. A case fails when an
 * expectation does not come true, when the process ends, when something is still under way after
 * ten seconds, and when the log has a line from NUNCIO_WARN on that nobody expected, also one about
 * what the module left behind.
 *
 * JSON may be written with ' for ", which reads better in C. These functions end the case when they
 * fail. Not part of nunciod: modules cannot use them. Thread: the test's, for all of them.
 */

#include <nuncio/log.h>
#include <nuncio/module.h>

NUNCIO_BEGIN_DECLS

struct nuncio_test; /* one case at work: its server and its clients */
typedef void nuncio_test_fn(struct nuncio_test *t);

/* One case: what it shows, and how. The list ends with a zeroed one. */
struct nuncio_test_case {
	const char *name;
	nuncio_test_fn *fn;
	const char *config; /* INI sections instead of the suite's; NULL: the suite's */
	const char
		*refused; /* the start must fail with words that have these in them; no fn then */
};

struct nuncio_test_suite {
	uint32_t size, case_size; /* set by NUNCIO_TEST_SUITE */
	/* switched on, in this order, separated by spaces: "store_memory direct greeter" */
	const char *modules;
	const char *config; /* INI sections of these modules, as in the file; may be NULL */
	const char *core;   /* lines for [core] ("request_timeout = 1s"); may be NULL */
	const struct nuncio_test_case *cases;
};

#define NUNCIO_TEST_SUITE(...) \
	NUNCIO_BEGIN_DECLS \
	NUNCIO_EXPORT extern const struct nuncio_test_suite nuncio_test_suite; \
	const struct nuncio_test_suite nuncio_test_suite = { .size = (uint32_t)sizeof( \
								     struct nuncio_test_suite), \
		.case_size = (uint32_t)sizeof(struct nuncio_test_case), \
		__VA_ARGS__ }; \
	NUNCIO_END_DECLS

/*
 * Clients only send; what they have sent is carried out, together with everything that comes of it,
 * when the test looks for something (expect..., metric), lets time pass, reloads or stops. So a
 * client may leave while its request is under way.
 *
 * login: connects as `user` with `device` (may be NULL) and is let in. connect: only
 * asks, with any token (NULL: none); what comes of it is for nuncio_test_expect. Returns the
 * session's id.
 * Thread: test.
 */
nuncio_sid nuncio_test_login(struct nuncio_test *t, const char *user, const char *device);
nuncio_sid nuncio_test_connect(struct nuncio_test *t, const char *token);

/*
 * The client sends a request; the answer is for nuncio_test_expect. `data` may be NULL. Returns its
 * seq: 1, 2, 3 ... for each client.
 * Thread: test.
 */
uint32_t nuncio_test_call(
	struct nuncio_test *t, nuncio_sid client, const char *op, const char *data);

/*
 * The client has gone, as when its connection breaks.
 * Thread: test.
 */
void nuncio_test_leave(struct nuncio_test *t, nuncio_sid client);

/*
 * An HTTP request by `user` (NULL: without a token) to a path with or without a query; body is JSON
 * (NULL: none). Returns an id under which nuncio_test_expect finds the answer.
 * Thread: test.
 */
nuncio_sid nuncio_test_http(struct nuncio_test *t, const char *user, const char *method,
	const char *path, const char *body);

/*
 * The operator asks a command of <nuncio/control.h> by its name ("user.add"); `data` has its fields
 * (NULL: none). Returns an id under which nuncio_test_expect finds the answer.
 * Thread: test.
 */
nuncio_sid nuncio_test_control(struct nuncio_test *t, const char *command, const char *data);

/*
 * The next thing that came to a client, or the answer to an HTTP request, is like `pattern`:
 * members that the pattern names must be there and equal, others do not matter; '*' stands for any
 * value. It may take five real seconds to come, for threads of the module. What came is
 *
 *	{"type":"response","seq":1,"code":0,"message":"","data":{...}}   PROTOCOL.md section 1.1
 *	{"type":"notify","op":"message.new","data":{...}}
 *	{"type":"refused","code":2000,"message":"..."}                   the client was not let in
 *	{"type":"closed","close_code":4001,"message":"..."}
 *	{"type":"answer","status":200,"headers":{"etag":"..."},"body":{...}}   body: JSON or text
 *	{"code":0,"message":"","data":{...}}                             the operator's command
 *
 * Returns all of it, valid until the end of the case.
 * Thread: test.
 */
const char *nuncio_test_expect(struct nuncio_test *t, nuncio_sid client, const char *pattern);

/*
 * Nothing is there for this client when all that is under way has been done. forget: drops what is.
 * Thread: test.
 */
void nuncio_test_expect_nothing(struct nuncio_test *t, nuncio_sid client);
void nuncio_test_forget(struct nuncio_test *t, nuncio_sid client);

/*
 * Time passes, here only: timers and deadlines come in their order, each at its time. First waits
 * until all that is under way on workers and in the store has been done. The test begins on
 * 2026-01-01T00:00:00Z.
 * Thread: test.
 */
void nuncio_test_advance(struct nuncio_test *t, int64_t ms);

/*
 * The log has a line of this level with this text in it, which no call before this one has found.
 * It may take five real seconds to come. From NUNCIO_WARN on, lines that are not expected fail the
 * case.
 * Thread: test.
 */
void nuncio_test_expect_log(struct nuncio_test *t, enum nuncio_level level, const char *text);

/*
 * As SIGHUP does, with these sections instead of the case's. Returns what the server says about it:
 * faults, refusals, "[greeter] 1 changed"; one line each, valid until the end of the case.
 * Thread: test.
 */
const char *nuncio_test_reload(struct nuncio_test *t, const char *config);

/*
 * The value of a counter or gauge, by name and labels as they stand in /metrics:
 * "nuncio_greeter_greetings_total{to=\"bob\"}".
 * Thread: test.
 */
int64_t nuncio_test_metric(struct nuncio_test *t, const char *name);

/*
 * Stops the server now, so that what the stop brings can be expected. Otherwise the end of the case
 * does.
 * Thread: test.
 */
void nuncio_test_stop(struct nuncio_test *t);

/*
 * NUNCIO_TEST_CHECK(t, condition): fails the case, with file and line, if it is not true.
 * Thread: test.
 */
void nuncio_test_check(
	struct nuncio_test *t, int is_true, const char *text, const char *file, int line);
#define NUNCIO_TEST_CHECK(t, condition) \
	nuncio_test_check((t), (condition) != 0, #condition, __FILE__, __LINE__)

NUNCIO_END_DECLS

#endif
