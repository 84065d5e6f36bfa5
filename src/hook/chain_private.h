/* SPDX-License-Identifier: MIT */
#ifndef HOOK_CHAIN_PRIVATE_H
#define HOOK_CHAIN_PRIVATE_H

#include "hook/chain.h"

struct nuncio_ticket;

/*
 * The answer of the handler that chain waits for; goes on at the next one. The ticket stays its
 * owner's, without its writes.
 */
void chain_resume(struct chain *c, struct nuncio_ticket *ticket);

#endif
