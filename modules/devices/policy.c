/* SPDX-License-Identifier: MIT */
/* Which devices of one user may be there at once. Pure. */
#include "devices.h"

#include <string.h>

struct nuncio_str device_type(struct nuncio_str device)
{
	size_t n = 0;
	while (n < device.n && device.p[n] != '-' && device.p[n] != ':')
		n++;
	return (struct nuncio_str){ device.p, n };
}

static bool is_same(struct nuncio_str a, struct nuncio_str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool devices_agree(enum policy policy, struct nuncio_str older, struct nuncio_str newer)
{
	switch (policy) {
	case POLICY_ALL:
		return true;
	case POLICY_DEVICE:
		return newer.n == 0 || !is_same(older, newer);
	case POLICY_TYPE:
		return !is_same(device_type(older), device_type(newer));
	case POLICY_NEWEST:
		return false;
	}
	return true;
}
