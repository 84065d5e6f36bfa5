/* SPDX-License-Identifier: MIT */
/*
 * What a store needs for its control commands. Here nobody asks for them: they are registered, and
 * that is all. tests/scenario/operate asks the real server.
 */
#include "tests/lib/store_host.h"

#include <nuncio/conf.h>
#include <nuncio/control.h>
#include <nuncio/json.h>
#include <nuncio/timer.h>

#include <stdio.h>
#include <stdlib.h>

_Noreturn static void fail(const char *function)
{
	fprintf(stderr, "store_host: %s is not played here\n", function);
	abort();
}

int nuncio_control_add(struct nuncio_module *self, const struct nuncio_command *command, void *user)
{
	(void)self, (void)command, (void)user;
	return 0;
}

const char *nuncio_conf_data_dir(void)
{
	fail(__func__);
}

int nuncio_on_logic(struct nuncio_module *self, nuncio_work_fn *fn, void *user)
{
	(void)self, (void)fn, (void)user;
	fail(__func__);
}

int nuncio_work(struct nuncio_module *self, uint64_t shard, nuncio_work_fn *work,
	nuncio_work_fn *done, void *user)
{
	(void)self, (void)shard, (void)work, (void)done, (void)user;
	fail(__func__);
}

int nuncio_request_text(struct nuncio_request *rq, const char *path, struct nuncio_str *value_r)
{
	(void)rq, (void)path, (void)value_r;
	fail(__func__);
}

int nuncio_request_bool(struct nuncio_request *rq, const char *path, int *value_r)
{
	(void)rq, (void)path, (void)value_r;
	fail(__func__);
}

void nuncio_reply(struct nuncio_request **rq, int http_status, struct nuncio_str data)
{
	(void)rq, (void)http_status, (void)data;
	fail(__func__);
}

void nuncio_reply_error(struct nuncio_request **rq, int code, const char *format, ...)
{
	(void)rq, (void)code, (void)format;
	fail(__func__);
}

/* ---- the writer of json.h */

struct nuncio_json *nuncio_json_new(void)
{
	fail(__func__);
}

void nuncio_json_free(struct nuncio_json **json)
{
	(void)json;
	fail(__func__);
}

void nuncio_json_object_begin(struct nuncio_json *json)
{
	(void)json;
	fail(__func__);
}

void nuncio_json_object_end(struct nuncio_json *json)
{
	(void)json;
	fail(__func__);
}

void nuncio_json_array_begin(struct nuncio_json *json)
{
	(void)json;
	fail(__func__);
}

void nuncio_json_array_end(struct nuncio_json *json)
{
	(void)json;
	fail(__func__);
}

void nuncio_json_key(struct nuncio_json *json, const char *key)
{
	(void)json, (void)key;
	fail(__func__);
}

void nuncio_json_put_text(struct nuncio_json *json, struct nuncio_str text)
{
	(void)json, (void)text;
	fail(__func__);
}

void nuncio_json_put_int(struct nuncio_json *json, int64_t number)
{
	(void)json, (void)number;
	fail(__func__);
}

void nuncio_json_put_bool(struct nuncio_json *json, int yes)
{
	(void)json, (void)yes;
	fail(__func__);
}

struct nuncio_str nuncio_json_str(const struct nuncio_json *json)
{
	(void)json;
	fail(__func__);
}
