/* SPDX-License-Identifier: MIT */
#ifndef MODULES_RECEIPTS_COUNTING_H
#define MODULES_RECEIPTS_COUNTING_H

#include <nuncio/request.h>

/* message.receipts: how far one message has come. `user` is the module. Logic thread. */
enum { RECEIPTS_SMALL = 100 };
nuncio_request_fn counting_start;

#endif
