/* SPDX-License-Identifier: MIT */
#ifndef LOGIC_REQUEST_INPUT_H
#define LOGIC_REQUEST_INPUT_H

#include "logic/requests.h"

/* Reading a request; the functions of <nuncio/request.h> are these with a check of the thread. */
struct nuncio_str request_user(const struct nuncio_request *rq);
struct nuncio_str request_device(const struct nuncio_request *rq);
struct nuncio_str request_address(const struct nuncio_request *rq);
struct nuncio_str request_method(const struct nuncio_request *rq);
struct nuncio_str request_path(const struct nuncio_request *rq);
struct nuncio_str request_data(const struct nuncio_request *rq);
int request_header(const struct nuncio_request *rq, const char *name, struct nuncio_str *value_r);

/* Of the data, by its own name: 1 and its JSON, 0, or negative: the data is no object. */
int request_member(struct nuncio_request *rq, const char *name, struct nuncio_str *value_r);

/* 1 and the value, or 0. */
int request_param(const struct nuncio_request *rq, const char *name, struct nuncio_str *value_r);
int request_text(struct nuncio_request *rq, const char *path, struct nuncio_str *value_r);
int request_int(struct nuncio_request *rq, const char *path, int64_t *value_r);
int request_bool(struct nuncio_request *rq, const char *path, int *value_r);
int request_raw(struct nuncio_request *rq, const char *path, struct nuncio_str *json_r);

#endif
