/* SPDX-License-Identifier: MIT */
/*
 * An op, a route and an option: the first module of include/nuncio/README.md, built outside of
 * nuncio's tree.
 */
#include <string.h>

#include <nuncio/nuncio.h>

/* Answers op and route alike; what is declared in `fields` was checked before. */
static void on_hello(struct nuncio_request *rq, void *user)
{
	struct nuncio_module *self = user;
	const char *greeting = nuncio_conf_text(self, "greeting");
	struct nuncio_str name, words = { greeting, strlen(greeting) };
	struct nuncio_json *json = nuncio_json_new();
	if (!nuncio_request_text(rq, "name", &name))
		name = nuncio_request_user(rq);
	nuncio_json_object_begin(json);
	nuncio_json_key(json, "greeting");
	nuncio_json_put_text(json, words);
	nuncio_json_key(json, "name");
	nuncio_json_put_text(json, name);
	nuncio_json_object_end(json);
	nuncio_reply(&rq, 200, nuncio_json_str(json));
	nuncio_json_free(&json);
}

static const struct nuncio_field hello_fields[] = {
	{ "name", NUNCIO_FIELD_TEXT, 0, 1, 64, "who is greeted; the caller if not given", NULL },
	{ 0 },
};

static const struct nuncio_command hello_op = {
	.size = sizeof hello_op,
	.op = "hello",
	.help = "Says hello.",
	.fields = hello_fields,
	.field_size = sizeof hello_fields[0],
	.fn = on_hello,
	.answer = "{greeting: text, name: text}",
};

static const struct nuncio_route hello_route = {
	.size = sizeof hello_route,
	.flags = NUNCIO_OPEN, /* without a token, too */
	.method = "GET",
	.path = "/m/hello/:name",
	.help = "Says hello.",
	.fn = on_hello,
	.answer = "200 {greeting: text, name: text}",
};

static const struct nuncio_option options[] = {
	{ "greeting", NUNCIO_OPT_TEXT, NUNCIO_OPT_LIVE, "Hello", 1, 100, NULL,
		"The words before the name." },
	{ 0 },
};

static int hello_init(struct nuncio_module *self, struct nuncio_error *err)
{
	int rc = nuncio_command_add(self, &hello_op, self);
	(void)err;
	return rc < 0 ? rc : nuncio_route_add(self, &hello_route, self);
}

NUNCIO_MODULE(
	"hello", .version = "1.0", .summary = "Says hello.", .options = options, .init = hello_init)
