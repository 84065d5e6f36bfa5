/* SPDX-License-Identifier: MIT */
/*
 * <nuncio/test.h>: each function does its part of a case, or says why it could not and ends the
 * process of the case. Thread: the test's.
 */
#include <nuncio/test.h>

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/metric.h"
#include "base/slice.h"
#include "harness/match.h"
#include "harness/stage.h"

enum { LINES_SHOWN = 20 };

/* Without any cleaning up: what failed may be what would be cleaned up. */
static _Noreturn void fail(struct nuncio_test *t, const char *format, ...) NUNCIO_PRINTF(2, 3);
static _Noreturn void fail(struct nuncio_test *t, const char *format, ...)
{
	va_list args;
	printf("FAIL %s: ", t->one->name);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	log_book_print(&t->log, LINES_SHOWN);
	fflush(stdout);
	_exit(STAGE_EXIT_FAILED);
}

static void settle(struct nuncio_test *t)
{
	if (!stage_settle(t))
		fail(t,
			"something is still under way after %d s (a request without an answer, "
			"work that does not end)",
			t->patience_ms / 1000);
}

static void check_running(struct nuncio_test *t, const char *what)
{
	if (!t->is_open)
		fail(t, "%s after nuncio_test_stop", what);
}

/* JSON of the test, as a text that lives until the case ends. */
static const char *json_of(struct nuncio_test *t, const char *text)
{
	struct buf out = { 0 };
	struct nuncio_error err;
	if (!text)
		return NULL;
	if (match_read(text, &out, &err) < 0)
		fail(t, "the test's own JSON is wrong: %s: %s", err.text, text);
	return stage_keep(t, &out);
}

static void check_client(struct nuncio_test *t, nuncio_sid client)
{
	if (!peers_has(&t->peers, client))
		fail(t, "%" PRIu64 " is no client and no HTTP request of this case", client);
}

/* ---- clients ---- */

nuncio_sid nuncio_test_connect(struct nuncio_test *t, const char *token)
{
	check_running(t, "nuncio_test_connect");
	return peers_connect(&t->peers, token);
}

nuncio_sid nuncio_test_login(struct nuncio_test *t, const char *user, const char *device)
{
	struct buf token = { 0 };
	buf_printf(&token, "%s%s%s", user, device ? ":" : "", device ? device : "");
	nuncio_sid id = nuncio_test_connect(t, stage_keep(t, &token));
	nuncio_test_expect(t, id, "{'type':'notify','op':'session.ready'}");
	return id;
}

uint32_t nuncio_test_call(
	struct nuncio_test *t, nuncio_sid client, const char *op, const char *data)
{
	uint32_t seq = 0;
	check_running(t, "nuncio_test_call");
	check_client(t, client);
	if (peers_call(&t->peers, client, op, json_of(t, data), &seq) < 0)
		fail(t, "%s: this client's connection is closed", op);
	return seq;
}

void nuncio_test_leave(struct nuncio_test *t, nuncio_sid client)
{
	check_running(t, "nuncio_test_leave");
	check_client(t, client);
	if (peers_leave(&t->peers, client) < 0)
		fail(t, "nuncio_test_leave: this client's connection is closed already");
}

nuncio_sid nuncio_test_http(struct nuncio_test *t, const char *user, const char *method,
	const char *path, const char *body)
{
	check_running(t, "nuncio_test_http");
	return peers_ask(&t->peers, user, method, path, json_of(t, body));
}

nuncio_sid nuncio_test_control(struct nuncio_test *t, const char *command, const char *data)
{
	check_running(t, "nuncio_test_control");
	settle(t);
	return peers_control(&t->peers, command, json_of(t, data));
}

/* ---- what comes ---- */

struct wanted {
	struct nuncio_test *t;
	nuncio_sid client;
	int level;
	const char *text;
};

static bool has_come(void *user)
{
	const struct wanted *wanted = user;
	return peers_next(&wanted->t->peers, wanted->client) != NULL;
}

const char *nuncio_test_expect(struct nuncio_test *t, nuncio_sid client, const char *pattern)
{
	struct wanted wanted = { .t = t, .client = client };
	struct buf where = { 0 };
	const char *json = json_of(t, pattern);
	check_client(t, client);
	if (t->is_open)
		settle(t);
	if (!has_come(&wanted) && t->is_open)
		stage_wait(t, has_come, &wanted);
	const char *found = peers_take(&t->peers, client);
	if (!found)
		fail(t, "nothing came, expected\n    %s", json);
	if (!match_is_like(str_of(found), str_of(json), &where))
		fail(t, "at \"" STR_FMT "\": expected\n    %s\n  but this came:\n    %s",
			STR_ARG(buf_str(&where)), json, found);
	buf_fini(&where);
	return found;
}

void nuncio_test_expect_nothing(struct nuncio_test *t, nuncio_sid client)
{
	check_client(t, client);
	if (t->is_open)
		settle(t);
	const char *found = peers_next(&t->peers, client);
	if (found)
		fail(t, "expected nothing, but this came:\n    %s", found);
}

void nuncio_test_forget(struct nuncio_test *t, nuncio_sid client)
{
	check_client(t, client);
	if (t->is_open)
		settle(t);
	while (peers_take(&t->peers, client))
		;
}

static bool has_logged(void *user)
{
	struct wanted *wanted = user;
	return log_book_find(&wanted->t->log, wanted->level, wanted->text);
}

void nuncio_test_expect_log(struct nuncio_test *t, enum nuncio_level level, const char *text)
{
	struct wanted wanted = { .t = t, .level = (int)level, .text = text };
	if (t->is_open)
		settle(t);
	if (!has_logged(&wanted) && (!t->is_open || !stage_wait(t, has_logged, &wanted)))
		fail(t, "the log has no such line of this level: %s", text);
}

/* ---- the rest ---- */

void nuncio_test_advance(struct nuncio_test *t, int64_t ms)
{
	check_running(t, "nuncio_test_advance");
	if (!stage_advance(t, ms))
		fail(t, "something is still under way, so time cannot go on");
}

const char *nuncio_test_reload(struct nuncio_test *t, const char *config)
{
	check_running(t, "nuncio_test_reload");
	settle(t);
	return stage_reload(t, config);
}

int64_t nuncio_test_metric(struct nuncio_test *t, const char *name)
{
	struct buf all = { 0 };
	struct nuncio_str wanted = str_of(name), rest, line;
	check_running(t, "nuncio_test_metric");
	settle(t);
	metric_write_text(t->p.metrics, &all);
	rest = buf_str(&all);
	while (rest.n) {
		str_cut(rest, '\n', &line, &rest);
		if (!str_starts(line, wanted) || line.n <= wanted.n || line.p[wanted.n] != ' ')
			continue;
		int64_t value = strtoll(line.p + wanted.n, NULL, 10);
		buf_fini(&all);
		return value;
	}
	fail(t, "there is no metric %s", name);
}

void nuncio_test_stop(struct nuncio_test *t)
{
	check_running(t, "nuncio_test_stop");
	settle(t);
	stage_stop(t);
}

void nuncio_test_check(
	struct nuncio_test *t, int is_true, const char *text, const char *file, int line)
{
	if (!is_true)
		fail(t, "%s:%d: not true: %s", file, line, text);
}
