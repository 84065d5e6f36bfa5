/* SPDX-License-Identifier: MIT */
/* Reads options of every type, and again after a reload; refuses a reload with count = 13. */
#include <nuncio/conf.h>
#include <nuncio/log.h>

static const struct nuncio_option options[] = {
	{ "text", NUNCIO_OPT_TEXT, NUNCIO_OPT_LIVE, "hello", 1, 9, NULL, "A text." },
	{ "count", NUNCIO_OPT_INT, NUNCIO_OPT_LIVE, "3", 1, 99, NULL, "A number." },
	{ "fixed", NUNCIO_OPT_INT, 0, "1", 0, 0, NULL, "A number that stays." },
	{ "fast", NUNCIO_OPT_BOOL, 0, "off", 0, 0, NULL, "A switch." },
	{ "wait", NUNCIO_OPT_MSEC, 0, "30s", 0, 0, NULL, "A time." },
	{ "room", NUNCIO_OPT_BYTES, 0, "64K", 0, 0, NULL, "A size." },
	{ "file", NUNCIO_OPT_PATH, 0, "x.db", 0, 0, NULL, "A file." },
	{ "list", NUNCIO_OPT_LIST, 0, "a, b", 0, 0, NULL, "A list." },
	{ "key", NUNCIO_OPT_SECRET, 0, "", 0, 0, NULL, "A secret." },
	{ "mode", NUNCIO_OPT_CHOICE, 0, "slow", 0, 0, "fast slow", "A choice." },
	{ 0 },
};

static void tell(struct nuncio_module *self)
{
	nuncio_log(self, NUNCIO_INFO, "api: %s %d %d %d %d %d %zu%s%s %zu %s",
		nuncio_conf_text(self, "text"), (int)nuncio_conf_int(self, "count"),
		(int)nuncio_conf_int(self, "fixed"), (int)nuncio_conf_int(self, "fast"),
		(int)nuncio_conf_int(self, "wait"), (int)nuncio_conf_int(self, "room"),
		nuncio_conf_count(self, "list"), nuncio_conf_item(self, "list", 0),
		nuncio_conf_item(self, "list", 2) ? "!" : "",
		__builtin_strlen(nuncio_conf_text(self, "key")), nuncio_conf_text(self, "mode"));
	if (nuncio_conf_text(self, "file")[0] == '/' && nuncio_conf_data_dir()[0] == '/' &&
		nuncio_conf_answer_timeout_ms() == 8000)
		nuncio_log(self, NUNCIO_INFO, "api: node %s", nuncio_conf_node());
}

static int start(struct nuncio_module *self, struct nuncio_error *err)
{
	(void)err;
	tell(self);
	return 0;
}

static int reload(struct nuncio_module *self, struct nuncio_error *err)
{
	if (nuncio_conf_int(self, "count") == 13) {
		nuncio_error_set(err, "13 brings bad luck");
		return NUNCIO_E_INVAL;
	}
	tell(self);
	return 0;
}

NUNCIO_MODULE("api_conf", .version = "1.0", .summary = "reads its options", .options = options,
	.start = start, .reload = reload)
