/* SPDX-License-Identifier: MIT */
/*
 * Serves the web client: the files of the folder `root`, from memory, at "/" and "/name". Loaded at
 * start and again at SIGHUP; when that fails the old ones stay. Every answer can be revalidated
 * (strong ETag) and tells the browser to run nothing that is not from here.
 *
 * Thread: logic. Memory: the files, once plain and once as gzip; at most 32 MiB.
 */
#include <nuncio/conf.h>
#include <nuncio/log.h>
#include <nuncio/request.h>

#include "conditions.h"
#include "files.h"

/*
 * connect-src 'self' covers the WebSocket of the same host and port in every browser of the last
 * years.
 */
#define POLICY \
	"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; " \
	"media-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; " \
	"frame-ancestors 'none'; connect-src 'self'"

static void add_headers(struct nuncio_request *rq, const struct web_body *body)
{
	nuncio_reply_header(rq, "ETag", body->etag);
	nuncio_reply_header(rq, "Cache-Control", "no-cache"); /* keep it, but ask each time */
	nuncio_reply_header(rq, "Vary", "Accept-Encoding");
	nuncio_reply_header(rq, "Content-Security-Policy", POLICY);
	nuncio_reply_header(rq, "X-Content-Type-Options", "nosniff");
	nuncio_reply_header(rq, "Referrer-Policy", "no-referrer");
	nuncio_reply_header(rq, "Cross-Origin-Opener-Policy", "same-origin");
}

static void serve(struct nuncio_request *rq, const struct web_file *file)
{
	struct nuncio_str accepted, known;
	int is_gzip = file->gzip.bytes && nuncio_request_header(rq, "Accept-Encoding", &accepted) &&
		      conditions_take_gzip(accepted);
	const struct web_body *body = is_gzip ? &file->gzip : &file->plain;
	add_headers(rq, body);
	if (nuncio_request_header(rq, "If-None-Match", &known) &&
		conditions_have_etag(known, body->etag)) {
		nuncio_reply_raw(&rq, 304, NULL, (struct nuncio_str){ "", 0 });
		return;
	}
	if (is_gzip)
		nuncio_reply_header(rq, "Content-Encoding", "gzip");
	nuncio_reply_raw(&rq, 200, file->type, (struct nuncio_str){ body->bytes, body->size });
}

static void serve_name(
	struct nuncio_request *rq, struct nuncio_str name, struct nuncio_module *self)
{
	const struct files *files = nuncio_module_data(self);
	const struct web_file *file = files ? files_find(files, name) : NULL;
	if (file)
		serve(rq, file);
	else
		nuncio_reply_error(&rq, NUNCIO_CODE_not_found, "no such path");
}

static void on_root(struct nuncio_request *rq, void *user)
{
	serve_name(rq, (struct nuncio_str){ "index.html", 10 }, user);
}

static void on_file(struct nuncio_request *rq, void *user)
{
	struct nuncio_str name = { "", 0 };
	nuncio_request_text(rq, "file", &name);
	serve_name(rq, name, user);
}

/*
 * One segment only: everything with a folder in it belongs to others, and their 404 and 405 stay
 * theirs.
 */
static const struct nuncio_field file_fields[] = {
	{ "file", NUNCIO_FIELD_TEXT, NUNCIO_FIELD_PATH, 0, 0, "its name" },
	{ 0 },
};
static const struct nuncio_route web_routes[] = {
	{
		.size = sizeof(struct nuncio_route),
		.flags = NUNCIO_OPEN,
		.method = "GET",
		.path = "/",
		.help = "The web client.",
		.fn = on_root,
		.answer = "200 text/html; 304",
		.errors = "not_found",
	},
	{
		.size = sizeof(struct nuncio_route),
		.flags = NUNCIO_OPEN,
		.method = "GET",
		.path = "/:file",
		.help = "A file of the web client.",
		.fields = file_fields,
		.field_size = sizeof(struct nuncio_field),
		.fn = on_file,
		.answer = "200 */*; 304",
		.errors = "not_found",
	},
};

static int web_init(struct nuncio_module *self, struct nuncio_error *err)
{
	int rc = nuncio_route_add(self, &web_routes[0], self);
	if (rc == 0)
		rc = nuncio_route_add(self, &web_routes[1], self);
	if (rc < 0)
		nuncio_error_set(err, "its routes cannot be added: %s", nuncio_status_name(rc));
	return rc;
}

/* Start and reload: the new files replace the old ones only when all could be read. */
static int web_load(struct nuncio_module *self, struct nuncio_error *err)
{
	struct files *old = nuncio_module_data(self);
	const char *root = nuncio_conf_text(self, "root");
	struct files *files = files_load(root, err);
	if (!files)
		return NUNCIO_E_FAIL;
	if (!files_find(files, (struct nuncio_str){ "index.html", 10 }))
		nuncio_log(self, NUNCIO_WARN, "%s has no index.html", root);
	nuncio_module_set_data(self, files);
	files_free(&old);
	nuncio_log(self, NUNCIO_INFO, "%zu files, %zu bytes from %s", files->count, files->bytes,
		root);
	return 0;
}

static void web_fini(struct nuncio_module *self)
{
	struct files *files = nuncio_module_data(self);
	files_free(&files);
	nuncio_module_set_data(self, NULL);
}

static const struct nuncio_option web_options[] = {
	{ "root", NUNCIO_OPT_PATH, NUNCIO_OPT_LIVE, WEB_ROOT, 1, 4096, NULL,
		"Folder of the web client. Its files are read at start and at SIGHUP." },
	{ 0 },
};

NUNCIO_MODULE("web", .version = "1.0", .summary = "Serves the web client.", .options = web_options,
	.init = web_init, .start = web_load, .reload = web_load, .fini = web_fini)
