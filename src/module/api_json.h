/* SPDX-License-Identifier: MIT */
#ifndef MODULE_API_JSON_H
#define MODULE_API_JSON_H

#include <nuncio/json.h>

struct json_out;

/* What is behind a module's writer, for API functions that write more than one value. */
struct json_out *api_json_out(struct nuncio_json *json);

#endif
