/* SPDX-License-Identifier: MIT */
#ifndef LOGIC_FIELDS_H
#define LOGIC_FIELDS_H

#include <stdbool.h>

#include <nuncio/request.h>

/*
 * Checks input against its declaration: 0, or NUNCIO_E_INVAL with "body: must be a string" in err.
 * `fields` is an array of elements of field_bytes each (a module built with an older header has
 * smaller ones), ended by a zeroed one; NULL allows anything.
 */
int fields_check(struct nuncio_request *rq, const struct nuncio_field *fields, uint32_t field_bytes,
	bool has_json_body, struct nuncio_error *err);

#endif
