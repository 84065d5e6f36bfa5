/* SPDX-License-Identifier: MIT */
#ifndef LOGIC_HEALTH_H
#define LOGIC_HEALTH_H

#include <nuncio/request.h>

/*
 * What machines ask about the server: GET /healthz, /readyz and /metrics. The array ends with a
 * zeroed entry. Logic thread only.
 */
extern const struct nuncio_route health_routes[];

#endif
