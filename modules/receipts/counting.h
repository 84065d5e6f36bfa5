/* SPDX-License-Identifier: MIT */
#ifndef MODULES_RECEIPTS_COUNTING_H
#define MODULES_RECEIPTS_COUNTING_H

#include <nuncio/request.h>

#include "names.h"

enum { RECEIPTS_SMALL = 100 };

struct counter {
	struct nuncio_module *self;
	struct names names;
};

/* message.receipts: how far one message has come. `user` is a struct counter. Logic thread. */
nuncio_request_fn counting_start;

#endif
