/* SPDX-License-Identifier: MIT */
/*
 * One connection of the control socket. It reads a line, has it carried out, writes the answer, and
 * only then looks at the next line, so a connection holds at most one line and one answer. Who
 * sends no whole line within LINE_MS, or takes nothing of an answer for WRITE_MS, is closed. While
 * a command is carried out there is no time limit here: the request has its own.
 *
 * Answers may come from deep within a handler, so they are only put down; writing, reading on and
 * ending are the loop's.
 */
#include "admin/admin_private.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <nuncio/codes.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/slice.h"
#include "logic/control.h"
#include "wire/json.h"
#include "wire/json_out.h"

enum { LINE_BYTES_MAX = 65536, LINE_MS = 30000, WRITE_MS = 10000, READ_BYTES = 16384 };

struct admin_conn {
	struct control_sink sink; /* first */
	struct list node;
	struct admin *admin;
	struct loop_io io;
	struct loop_timer timer;
	struct buf in, out;
	size_t written;            /* of out */
	struct nuncio_request *rq; /* being carried out; not answered yet */
	bool is_asking;            /* within control_ask */
	bool is_eof;               /* nothing comes any more; what came is answered */
	bool is_ending;            /* closes when `out` is written */
	char asker[64];
};

struct admin_conn *admin_conn_first(struct admin *admin)
{
	return LIST_FIRST(&admin->conns, struct admin_conn, node);
}

void admin_conn_free(struct admin_conn **conn)
{
	struct admin_conn *c = *conn;
	if (!c)
		return;
	if (c->rq)
		control_forget(c->rq);
	loop_timer_stop(c->admin->loop, &c->timer);
	loop_io_stop(c->admin->loop, &c->io);
	close(loop_io_fd(&c->io));
	list_remove(&c->node);
	c->admin->conn_count--;
	buf_fini(&c->in);
	buf_fini(&c->out);
	alloc_free(c);
	*conn = NULL;
}

/* What the loop is to wait for, and for how long. */
static void settle(struct admin_conn *c)
{
	bool is_busy = c->rq != NULL;
	int events = 0, patience_ms = 0;
	if (!c->is_eof && !c->is_ending && c->in.used <= LINE_BYTES_MAX)
		events |= LOOP_READ;
	if (c->out.used)
		events |= LOOP_WRITE;
	if (c->out.used)
		patience_ms = WRITE_MS;
	else if (!is_busy)
		patience_ms = LINE_MS;
	loop_io_set(c->admin->loop, &c->io, events);
	loop_timer_stop(c->admin->loop, &c->timer);
	if (patience_ms)
		loop_timer_start(c->admin->loop, &c->timer, patience_ms, 0);
}

static void on_answer(struct control_sink *sink, struct nuncio_str json)
{
	struct admin_conn *c = (struct admin_conn *)sink;
	c->rq = NULL;
	buf_add_str(&c->out, json);
	buf_add_char(&c->out, '\n');
	if (!c->is_asking)
		settle(c);
}

/* The line itself is wrong: said, then closed; nobody knows where the next one begins. */
static void complain(struct admin_conn *c, int code, const char *what)
{
	struct json_out out;
	json_out_init(&out, &c->out);
	json_out_object_begin(&out);
	json_out_key_int(&out, "code", code);
	json_out_key_cstr(&out, "message", what);
	json_out_key_raw(&out, "data", STR("null"));
	json_out_object_end(&out);
	buf_add_char(&c->out, '\n');
	c->is_ending = true;
}

static void ask(struct admin_conn *c, struct nuncio_str line)
{
	static const struct nuncio_str keys[] = { STR_INIT("command"), STR_INIT("args") };
	struct nuncio_str values[2], name;
	struct nuncio_error err;
	struct arena arena;
	if (json_scan_members(line, NULL, keys, 2, values, &err) < 0) {
		complain(c, NUNCIO_CODE_bad_json, err.text);
		return;
	}
	arena_init(&arena, 0);
	if (json_word(values[0], 64, &arena, &name) < 0) {
		complain(c, NUNCIO_CODE_invalid_field, "command: must be the name of one");
	} else if (values[1].n && json_type(values[1]) != JSON_OBJECT) {
		complain(c, NUNCIO_CODE_invalid_field, "args: must be an object");
	} else {
		struct nuncio_str args = values[1].n ? values[1] : STR("{}");
		c->is_asking = true;
		c->rq = control_ask(c->admin->logic, name, args, c->asker, &c->sink);
		c->is_asking = false;
	}
	arena_fini(&arena);
}

/* Takes the next line if there is one and nothing else is under way. */
static void next_line(struct admin_conn *c)
{
	struct nuncio_str line, rest;
	if (c->rq || c->out.used || c->is_ending)
		return;
	bool is_line = str_cut(buf_str(&c->in), '\n', &line, &rest);
	if (line.n > LINE_BYTES_MAX)
		complain(c, NUNCIO_CODE_too_large, "the line is longer than 64 KiB");
	else if (is_line || (c->is_eof && line.n))
		ask(c, line);
	else if (c->is_eof)
		c->is_ending = true;
	if (is_line || c->is_eof)
		buf_consume(&c->in, line.n + is_line);
}

/* false: the connection is over */
static bool read_some(struct admin_conn *c)
{
	char *to = buf_reserve(&c->in, READ_BYTES);
	ssize_t n = recv(loop_io_fd(&c->io), to, READ_BYTES, 0);
	if (n > 0)
		buf_commit(&c->in, (size_t)n);
	else if (n == 0)
		c->is_eof = true;
	else
		return errno == EAGAIN || errno == EINTR;
	return true;
}

static bool write_some(struct admin_conn *c)
{
	ssize_t n = send(loop_io_fd(&c->io), c->out.data + c->written, c->out.used - c->written,
		MSG_NOSIGNAL);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	c->written += (size_t)n;
	if (c->written == c->out.used) {
		c->written = 0;
		buf_reset(&c->out);
	}
	return true;
}

static void on_event(struct loop *loop, struct loop_io *io, int events, void *user)
{
	struct admin_conn *c = user;
	bool is_alive = true;
	(void)loop, (void)io;
	if (events & LOOP_READ)
		is_alive = read_some(c);
	if (is_alive && c->out.used)
		is_alive = write_some(c);
	if (is_alive)
		next_line(c);
	if (is_alive && c->out.used) /* the usual answer is there at once, and fits */
		is_alive = write_some(c);
	if (is_alive && !c->out.used)
		next_line(c);
	if (!is_alive || (c->is_ending && !c->out.used && !c->rq))
		admin_conn_free(&c);
	else
		settle(c);
}

static void on_timeout(struct loop *loop, struct loop_timer *timer, void *user)
{
	struct admin_conn *c = user;
	(void)loop, (void)timer;
	admin_conn_free(&c);
}

void admin_conn_new(struct admin *admin, int fd, const char *asker)
{
	struct admin_conn *c = ALLOC_NEW(struct admin_conn);
	c->sink.answer = on_answer;
	c->admin = admin;
	snprintf(c->asker, sizeof c->asker, "%s", asker);
	list_add(&admin->conns, &c->node);
	admin->conn_count++;
	loop_io_init(&c->io, fd, on_event, c);
	loop_timer_init(&c->timer, on_timeout, c);
	settle(c);
}
