/* SPDX-License-Identifier: MIT */
#ifndef LOGIC_JOINING_H
#define LOGIC_JOINING_H

#include <nuncio/hooks.h>

struct logic;

/*
 * may_join: may this user become a member? As nuncio_conversation_join_ask. A question whose
 * session ends is answered with NUNCIO_E_GONE then. Logic thread only.
 */
void joining_ask(
	struct logic *logic, const struct nuncio_join *what, nuncio_entry_fn *done, void *user);

#endif
