/* SPDX-License-Identifier: MIT */
#include "privilege.h"

/* See the header. Called after the listening sockets are bound and before any file is opened. */

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/types.h>
#include <unistd.h>

#include "base/error.h"

static int find_user(const char *user, struct passwd **pw_r, struct nuncio_error *err)
{
	errno = 0;
	*pw_r = getpwnam(user);
	if (*pw_r)
		return 0;
	nuncio_error_set(err, "there is no user \"%s\"", user);
	return NUNCIO_E_INVAL;
}

int privilege_check(const char *user, struct nuncio_error *err)
{
	struct passwd *pw;
	if (geteuid() == 0 && !user[0]) {
		nuncio_error_set(
			err, "started as root, so it must name an unprivileged user to become");
		return NUNCIO_E_DENIED;
	}
	if (!user[0])
		return 0;
	int rc = find_user(user, &pw, err);
	if (rc < 0)
		return rc;
	if (pw->pw_uid == 0) {
		nuncio_error_set(err, "must not be root (user \"%s\" has id 0)", user);
		return NUNCIO_E_DENIED;
	}
	if (geteuid() != 0 && pw->pw_uid != geteuid()) {
		nuncio_error_set(err,
			"only root can become \"%s\"; this process belongs to another user", user);
		return NUNCIO_E_DENIED;
	}
	return 0;
}

int privilege_drop(const char *user, struct nuncio_error *err)
{
	struct passwd *pw;
	int rc = privilege_check(user, err);
	if (rc < 0 || geteuid() != 0)
		return rc;
	rc = find_user(user, &pw, err);
	if (rc < 0)
		return rc;
	if (initgroups(user, pw->pw_gid) < 0 || setgid(pw->pw_gid) < 0 || setuid(pw->pw_uid) < 0)
		return error_errno(err, "giving up root", errno);
	if (setuid(0) == 0) {
		nuncio_error_set(err, "giving up root did not work");
		return NUNCIO_E_FAIL;
	}
	/* What modules start must not become root again through a set-user-id program. */
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	return 0;
}
