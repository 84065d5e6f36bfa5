/* SPDX-License-Identifier: MIT */
#ifndef DEVICES_H
#define DEVICES_H

/* What the files of this module share. Everything runs on the logic thread. */

#include <nuncio/json.h>
#include <nuncio/session.h>

#include <stdbool.h>

enum { USER_BYTES = 64, DEVICE_BYTES = 64, SESSION_BYTES = 32 };

enum policy { POLICY_ALL, POLICY_DEVICE, POLICY_TYPE, POLICY_NEWEST };

/* --- policy.c: pure --- */

/* The kind of a device is its name up to the first - or :, like "web" of web-7f3a. */
struct nuncio_str device_type(struct nuncio_str device);
/* May both be there at once? Devices without a name are of a kind of their own. */
bool devices_agree(enum policy policy, struct nuncio_str older, struct nuncio_str newer);

#endif
