/* SPDX-License-Identifier: MIT */
#ifndef PRIVILEGE_H
#define PRIVILEGE_H

#include <nuncio/base.h>

/*
 * Gives up being root for good: groups, group and user of `user`, no way back (credentials(7)), no
 * new privileges (prctl(2)). Not root: nothing to do, but then a `user` other than the present one
 * is an error. Root without a user is one, too. privilege_check says the same without doing it.
 * What err says is to stand behind the place of the option.
 * Thread: main, before any other thread.
 */
int privilege_check(const char *user, struct nuncio_error *err);
int privilege_drop(const char *user, struct nuncio_error *err);

#endif
