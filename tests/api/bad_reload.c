/* SPDX-License-Identifier: MIT */
/* Refuses a reload with word = bad, in its own words, and with word = worse, without any. */
#include <string.h>

#include <nuncio/nuncio.h>

static const struct nuncio_option options[] = {
	{ "word", NUNCIO_OPT_TEXT, NUNCIO_OPT_LIVE, "good", 1, 9, NULL, "A word." },
	{ 0 },
};

/* What is in force. */
static void on_get(struct nuncio_request *rq, void *user)
{
	const char *word = nuncio_conf_text(user, "word");
	struct nuncio_json *json = nuncio_json_new();
	nuncio_json_put_text(json, (struct nuncio_str){ word, strlen(word) });
	nuncio_reply(&rq, 200, nuncio_json_str(json));
	nuncio_json_free(&json);
}

static const struct nuncio_route route = {
	.size = sizeof route,
	.flags = NUNCIO_OPEN,
	.method = "GET",
	.path = "/m/bad_reload",
	.help = "A test.",
	.fn = on_get,
};

static int init(struct nuncio_module *self, struct nuncio_error *err)
{
	(void)err;
	return nuncio_route_add(self, &route, self);
}

static int reload(struct nuncio_module *self, struct nuncio_error *err)
{
	const char *word = nuncio_conf_text(self, "word");
	if (strcmp(word, "worse") == 0)
		return NUNCIO_E_CONFLICT;
	if (strcmp(word, "bad") != 0)
		return 0;
	nuncio_error_set(err, "there is nothing good in %s", word);
	return NUNCIO_E_INVAL;
}

NUNCIO_MODULE("bad_reload", .summary = "refuses reloads", .options = options, .init = init,
	.reload = reload)
