/* SPDX-License-Identifier: MIT */
#ifndef LOGIC_OPENAPI_PRIVATE_H
#define LOGIC_OPENAPI_PRIVATE_H

#include <stdbool.h>

#include <nuncio/request.h>

#include "logic/shape.h"
#include "wire/json_out.h"

/* What the files of the API document share. Those that can fail fill err and return negative. */

struct refusals; /* the different ones so far */

struct openapi {
	const struct shapes *shapes;
	struct refusals *refusals;
	bool has_rules; /* modules are asked before each call and may refuse it */
};

/* ---- openapi_input.c: what a request brings ---- */

/* Members of "parameters" and "requestBody", each only if there is something to say. */
int openapi_input(const struct shapes *shapes, const struct nuncio_route *route,
	struct json_out *out, struct nuncio_error *err);
/* The schema of an op's data. */
int openapi_data(const struct shapes *shapes, const struct nuncio_command *command,
	struct json_out *out, struct nuncio_error *err);
/* "/users/:id" as "/users/{id}". */
void openapi_path(const char *path, struct buf *to);
bool openapi_has_params(const char *path);
bool openapi_has_body(const struct nuncio_route *route); /* by its method */

/* ---- openapi_answer.c: what comes back ---- */

/* The object "responses"; what it refuses with is kept for the components. */
int openapi_answers(const struct openapi *o, const struct nuncio_route *route, struct json_out *out,
	struct nuncio_error *err);
struct refusals *openapi_refusals_new(void);
void openapi_refusals_free(struct refusals **refusals);
/* Members of the object "responses" of the components. */
void openapi_refusals_write(const struct refusals *refusals, struct json_out *out);
/* An op's refusals as an array of names. */
int openapi_errors(const char *errors, struct json_out *out, struct nuncio_error *err);
/* Members of the object "schemas" of the components: success and error. */
void openapi_common_schemas(struct json_out *out);
void openapi_codes(struct json_out *out);

#endif
