/* SPDX-License-Identifier: MIT */
#include "ctl/ctl_ask.h"

/*
 * From a configuration file to a socket, and from a command to its answer: one line each way. What
 * goes wrong is said in words that tell what to do about it.
 */

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/ini.h"
#include "base/slice.h"
#include "wire/json.h"
#include "wire/json_out.h"

#ifndef NUNCIO_STATE_DIR
#define NUNCIO_STATE_DIR "/var/lib/nuncio"
#endif

enum { ANSWER_BYTES_MAX = 64 << 20, READ_BYTES = 65536 };

int ctl_fail(int status, const char *format, ...)
{
	va_list args;
	fputs("nuncioctl: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return status;
}

/* ---- where it is ---- */

static const char *value_of(const struct ini *ini, const char *key, const char *fallback)
{
	const struct ini_section *core = ini ? ini_find_section(ini, "core") : NULL;
	const struct ini_entry *entry = core ? ini_find_entry(core, key) : NULL;
	return entry ? entry->value : fallback;
}

static int path_from(const struct ini *ini, const char *config, struct buf *path)
{
	const char *control = value_of(ini, "control", "nunciod.ctl");
	if (!control[0])
		return ctl_fail(CTL_NO_SERVER,
			"%s: [core] control is empty, so the server has no control socket", config);
	if (control[0] != '/')
		buf_printf(path, "%s/", value_of(ini, "data_dir", NUNCIO_STATE_DIR));
	buf_printf(path, "%s%c", control, '\0');
	return CTL_OK;
}

static int find_path(const char *config, struct buf *path)
{
	const char *file = config ? config : NUNCIO_CONFIG_FILE;
	struct ini *ini = NULL;
	struct nuncio_error err;
	int rc = 0;
	if (access(file, R_OK) == 0 || config)
		rc = ini_load(file, &ini, &err);
	else if (errno == EACCES)
		return ctl_fail(CTL_NO_RIGHT,
			"%s: permission denied; run this as root or as the server's user, or give --socket",
			file);
	if (rc < 0)
		return ctl_fail(
			rc == NUNCIO_E_DENIED ? CTL_NO_RIGHT : CTL_BAD_CONFIG, "%s", err.text);
	rc = path_from(ini, file, path);
	ini_free(&ini);
	return rc;
}

static int explain_connect(const char *path, int why)
{
	switch (why) {
	case ENOENT:
	case ECONNREFUSED:
		return ctl_fail(CTL_NO_SERVER,
			"no server is running here: nobody listens at %s (%s); is it another configuration? see --config and --socket",
			path, strerror(why));
	case EACCES:
	case EPERM:
		return ctl_fail(CTL_NO_RIGHT,
			"%s: permission denied; run this as root or as the server's user", path);
	default:
		return ctl_fail(CTL_NO_SERVER, "%s: %s", path, strerror(why));
	}
}

static int connect_to(struct ctl_server *server, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof address.sun_path)
		return ctl_fail(CTL_USAGE, "%s: too long for the name of a socket", path);
	memcpy(address.sun_path, path, strlen(path) + 1);
	server->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (server->fd < 0)
		return ctl_fail(CTL_NO_SERVER, "socket: %s", strerror(errno));
	if (connect(server->fd, (struct sockaddr *)&address, sizeof address) < 0)
		return explain_connect(path, errno);
	return CTL_OK;
}

int ctl_connect(struct ctl_server *server, const char *socket_path, const char *config)
{
	struct buf path = { 0 };
	int status;
	*server = (struct ctl_server){ .fd = -1 };
	if (socket_path)
		return connect_to(server, socket_path);
	status = find_path(config, &path);
	if (status == CTL_OK)
		status = connect_to(server, path.data ? path.data : "");
	buf_fini(&path);
	return status;
}

void ctl_disconnect(struct ctl_server *server)
{
	if (server->fd >= 0)
		close(server->fd);
	server->fd = -1;
	buf_fini(&server->in);
}

/* ---- asking ---- */

static int64_t now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int send_all(struct ctl_server *server, struct nuncio_str text)
{
	while (text.n) {
		ssize_t n = send(server->fd, text.p, text.n, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		/* The server may have refused us; its reason is to be read then. */
		if (n < 0)
			return errno == EPIPE || errno == ECONNRESET
				       ? CTL_OK
				       : ctl_fail(CTL_NO_ANSWER, "send: %s", strerror(errno));
		text.p += n;
		text.n -= (size_t)n;
	}
	return CTL_OK;
}

/* 1 and more bytes, 0 at the end; negative: over, and said. */
static int read_more(struct ctl_server *server, int64_t until_ms)
{
	struct pollfd poller = { .fd = server->fd, .events = POLLIN };
	int64_t left_ms = until_ms < 0 ? -1 : until_ms - now_ms();
	if (until_ms >= 0 && left_ms < 0)
		left_ms = 0;
	int rc = poll(&poller, 1, (int)left_ms);
	if (rc < 0 && errno == EINTR)
		return 1;
	if (rc == 0) {
		ctl_fail(CTL_NO_ANSWER, "no answer in time; see --timeout");
		return -1;
	}
	char *to = buf_reserve(&server->in, READ_BYTES);
	ssize_t n = rc < 0 ? -1 : recv(server->fd, to, READ_BYTES, 0);
	if (n < 0 && errno == EINTR)
		return 1;
	if (n < 0 && errno != ECONNRESET) {
		ctl_fail(CTL_NO_ANSWER, "recv: %s", strerror(errno));
		return -1;
	}
	if (n <= 0)
		return 0;
	buf_commit(&server->in, (size_t)n);
	return 1;
}

static int read_line(struct ctl_server *server, int timeout_ms, struct nuncio_str *line_r)
{
	int64_t until_ms = timeout_ms < 0 ? -1 : now_ms() + timeout_ms;
	struct nuncio_str rest;
	size_t seen = 0;
	for (;;) {
		struct nuncio_str all = buf_str(&server->in), fresh;
		fresh = (struct nuncio_str){ all.p ? all.p + seen : NULL, all.n - seen };
		if (str_cut(fresh, '\n', line_r, &rest)) {
			*line_r = (struct nuncio_str){ all.p, seen + line_r->n };
			server->taken = line_r->n + 1;
			return CTL_OK;
		}
		seen = all.n;
		if (seen > ANSWER_BYTES_MAX)
			return ctl_fail(CTL_NO_ANSWER, "the answer is too large");
		int rc = read_more(server, until_ms);
		if (rc == 0)
			ctl_fail(CTL_NO_ANSWER, "the server ended the connection");
		if (rc <= 0)
			return CTL_NO_ANSWER;
	}
}

int ctl_ask(struct ctl_server *server, const char *command, struct nuncio_str args, int timeout_ms,
	struct nuncio_str *line_r)
{
	static const struct json_limits limits = { 32, 1000, ANSWER_BYTES_MAX };
	struct buf line = { 0 };
	struct json_out out;
	struct nuncio_error err;
	json_out_init(&out, &line);
	json_out_object_begin(&out);
	json_out_key_cstr(&out, "command", command);
	json_out_key_raw(&out, "args", args);
	json_out_object_end(&out);
	buf_add_char(&line, '\n');
	buf_consume(&server->in, server->taken);
	server->taken = 0;
	int status = send_all(server, buf_str(&line));
	buf_fini(&line);
	if (status == CTL_OK)
		status = read_line(server, timeout_ms, line_r);
	if (status == CTL_OK && json_check(*line_r, &limits, line_r, &err) < 0)
		status = ctl_fail(CTL_NO_ANSWER, "what came is no answer: %s", err.text);
	return status;
}

int ctl_wait_end(struct ctl_server *server)
{
	int rc;
	do {
		buf_reset(&server->in);
		server->taken = 0;
	} while ((rc = read_more(server, -1)) > 0);
	return rc < 0 ? CTL_NO_ANSWER : CTL_OK;
}
