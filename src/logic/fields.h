/* SPDX-License-Identifier: MIT */
#ifndef LOGIC_FIELDS_H
#define LOGIC_FIELDS_H

#include <stdbool.h>

#include <nuncio/request.h>

/* Is field_bytes what an entry can have had for who compiled the table? Without a table any is. */
bool fields_are_sized(const struct nuncio_field *fields, uint32_t field_bytes);

/*
 * Steps through an array of declarations: false at its end. `fields` may be NULL, *at begins at 0.
 */
bool fields_next(const struct nuncio_field *fields, uint32_t field_bytes, size_t *at,
	struct nuncio_field *field_r);

/*
 * Checks input against its declaration: 0, or NUNCIO_E_INVAL with "body: must be a string" in err.
 * `fields` is an array of elements of field_bytes each (a module built with an older header has
 * smaller ones), ended by a zeroed one; NULL allows anything.
 */
int fields_check(struct nuncio_request *rq, const struct nuncio_field *fields, uint32_t field_bytes,
	bool has_json_body, struct nuncio_error *err);

#endif
