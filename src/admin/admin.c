/* SPDX-License-Identifier: MIT */
/*
 * The control socket's door: a UNIX stream socket that only its owner may write to, and behind it a
 * look at who it is: root, or the user that the server runs as. Others hear why not. At most
 * ADMIN_CONNS_MAX at a time, so that no script can take the descriptors of the clients.
 *
 * Everything is non-blocking, on the logic thread's loop, a few system calls for each command.
 */
#include "admin/admin_private.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <nuncio/codes.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/log.h"

enum { ADMIN_CONNS_MAX = 16, BACKLOG = 128, PAUSE_MS = 1000 };

static int make_address(const char *path, struct sockaddr_un *address_r, struct nuncio_error *err)
{
	size_t n = strlen(path);
	*address_r = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (n > ADMIN_PATH_BYTES) {
		nuncio_error_set(err,
			"[core] control: %.60s... is longer than the %d bytes that a socket's name may have; give a shorter one, or an empty one for no socket",
			path, ADMIN_PATH_BYTES);
		return NUNCIO_E_TOOBIG;
	}
	memcpy(address_r->sun_path, path, n + 1);
	return 0;
}

/* What is left from a server that was killed goes; what somebody uses, or is no socket, stays. */
static int clear_place(const struct sockaddr_un *address, struct nuncio_error *err)
{
	struct stat st;
	const char *path = address->sun_path;
	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : error_errno(err, path, errno);
	if (!S_ISSOCK(st.st_mode)) {
		nuncio_error_set(err, "%s: is there, and is no socket", path);
		return NUNCIO_E_EXISTS;
	}
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return error_errno(err, path, errno);
	int rc = connect(fd, (const struct sockaddr *)address, sizeof *address);
	int why = errno;
	close(fd);
	if (rc == 0 || why == EAGAIN) {
		nuncio_error_set(err, "%s: another server listens there", path);
		return NUNCIO_E_BUSY;
	}
	return unlink(path) < 0 && errno != ENOENT ? error_errno(err, path, errno) : 0;
}

static int bind_and_listen(int fd, const struct sockaddr_un *address, struct nuncio_error *err)
{
	mode_t mask = umask(0177); /* there is no moment in which others could connect */
	int rc = bind(fd, (const struct sockaddr *)address, sizeof *address);
	int why = errno;
	umask(mask);
	if (rc < 0)
		return error_errno(err, address->sun_path, why);
	if (listen(fd, BACKLOG) == 0)
		return 0;
	why = errno;
	unlink(address->sun_path);
	return error_errno(err, address->sun_path, why);
}

static void refuse(int fd, int code, const char *why)
{
	char line[256];
	int n = snprintf(
		line, sizeof line, "{\"code\":%d,\"message\":\"%s\",\"data\":null}\n", code, why);
	/* A fresh socket has room for it; who does not read it loses nothing else. */
	ssize_t sent = send(fd, line, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT);
	(void)sent;
	close(fd);
}

static void welcome(struct admin *admin, int fd)
{
	struct ucred peer;
	socklen_t size = sizeof peer;
	char asker[64];
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0) {
		close(fd);
		return;
	}
	snprintf(asker, sizeof asker, "uid %u, pid %d", (unsigned)peer.uid, (int)peer.pid);
	if (peer.uid != 0 && peer.uid != geteuid()) {
		log_write(LOG_LEVEL_WARN, "control", NULL, "refused: %s", asker);
		refuse(fd, NUNCIO_CODE_denied, "only root and the server's own user may ask");
	} else if (admin->conn_count >= ADMIN_CONNS_MAX) {
		refuse(fd, NUNCIO_CODE_busy, "too many control connections; try again later");
	} else {
		admin_conn_new(admin, fd, asker);
	}
}

static void on_pause_over(struct loop *loop, struct loop_timer *timer, void *user)
{
	struct admin *admin = user;
	(void)timer;
	loop_io_set(loop, &admin->io, LOOP_READ);
}

static void on_connect(struct loop *loop, struct loop_io *io, int events, void *user)
{
	struct admin *admin = user;
	(void)io, (void)events;
	int fd = accept4(admin->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd >= 0) {
		welcome(admin, fd);
		return;
	}
	if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED)
		return;
	log_write(LOG_LEVEL_WARN, "control", NULL, "accept: %s", strerror(errno));
	loop_io_set(loop, &admin->io, 0);
	loop_timer_start(loop, &admin->pause, PAUSE_MS, 0);
}

int admin_open(struct loop *loop, struct logic *logic, const char *path, struct admin **admin_r,
	struct nuncio_error *err)
{
	struct sockaddr_un address;
	int rc = make_address(path, &address, err);
	if (rc < 0)
		return rc;
	int fd = -1;
	rc = clear_place(&address, err);
	if (rc == 0) {
		fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		rc = fd < 0 ? error_errno(err, path, errno) : bind_and_listen(fd, &address, err);
	}
	if (rc < 0) {
		error_prefix(err, "[core] control: ");
		if (fd >= 0)
			close(fd);
		return rc;
	}
	struct admin *admin = ALLOC_NEW(struct admin);
	admin->loop = loop;
	admin->logic = logic;
	admin->fd = fd;
	memcpy(admin->path, path, strlen(path) + 1);
	list_init(&admin->conns);
	loop_timer_init(&admin->pause, on_pause_over, admin);
	loop_io_init(&admin->io, fd, on_connect, admin);
	loop_io_start(loop, &admin->io, LOOP_READ);
	*admin_r = admin;
	return 0;
}

void admin_close(struct admin **admin_ptr)
{
	struct admin *admin = *admin_ptr;
	struct admin_conn *conn;
	if (!admin)
		return;
	while ((conn = admin_conn_first(admin)) != NULL)
		admin_conn_free(&conn);
	loop_timer_stop(admin->loop, &admin->pause);
	loop_io_stop(admin->loop, &admin->io);
	close(admin->fd);
	unlink(admin->path);
	alloc_free(admin);
	*admin_ptr = NULL;
}
