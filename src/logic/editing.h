/* SPDX-License-Identifier: MIT */
#ifndef LOGIC_EDITING_H
#define LOGIC_EDITING_H

#include <nuncio/hooks.h>

struct logic;

/*
 * may_edit: may this message get another body? As nuncio_edit_ask. A question whose session ends is
 * answered with NUNCIO_E_GONE then. Logic thread only.
 */
void editing_ask(
	struct logic *logic, const struct nuncio_send *what, nuncio_edit_fn *done, void *user);

#endif
