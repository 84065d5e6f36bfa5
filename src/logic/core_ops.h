/* SPDX-License-Identifier: MIT */
#ifndef LOGIC_CORE_OPS_H
#define LOGIC_CORE_OPS_H

#include <nuncio/base.h>

struct logic;

/*
 * The ops and routes that the core itself offers: session.open, ping; message.send, .confirm, .read
 * and POST /api/v1/messages when there is a kind of conversations; /healthz, /readyz, /metrics.
 * After the modules have registered theirs, so that theirs are named when one is doubled.
 */
int core_ops_add(struct logic *logic, struct nuncio_error *err);

#endif
