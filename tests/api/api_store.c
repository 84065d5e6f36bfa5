/* SPDX-License-Identifier: MIT */
/* Records of its own: write, read, list, expectations, delete; and no records of others. */
#include <string.h>

#include <nuncio/log.h>
#include <nuncio/store.h>

static const char *const needs[] = { "store", NULL };

static struct nuncio_str text(const char *s)
{
	return (struct nuncio_str){ s, strlen(s) };
}

static int write_one(struct nuncio_module *self, const char *space, const char *value,
	int64_t expect, nuncio_written_fn *done)
{
	struct nuncio_record_write w = { .size = sizeof(w),
		.space = text(space),
		.owner = text("bob"),
		.key = text("k"),
		.value = value ? text(value) : (struct nuncio_str){ NULL, 0 },
		.expect = expect };
	return nuncio_store_write(self, &w, 1, done, self);
}

static void end(struct nuncio_module *self, const char *word)
{
	nuncio_log(self, NUNCIO_INFO, "api: %s", word);
}

static void on_gone(int status, const struct nuncio_record *rows, size_t n, int more, void *user)
{
	(void)rows;
	(void)more;
	end(user, status == NUNCIO_E_NOTFOUND && n == 0 ? "ok" : "still there");
}

static void on_deleted(int status, void *user)
{
	if (status < 0)
		end(user, "not deleted");
	else
		nuncio_store_get(user, text("api_store.x"), text("bob"), text("k"), on_gone, user);
}

static void on_listed(int status, const struct nuncio_record *rows, size_t n, int more, void *user)
{
	if (status < 0 || n != 1 || more || rows[0].value.n != 1 || rows[0].value.p[0] != '1')
		end(user, "not listed");
	else
		write_one(user, "api_store.x", NULL, (int64_t)rows[0].version, on_deleted);
}

static void on_second(int status, void *user)
{
	struct nuncio_records_query query = {
		.size = sizeof(query), .space = text("api_store.x"), .limit = 10
	};
	if (status != NUNCIO_E_EXISTS)
		end(user, "written over");
	else
		nuncio_store_list(user, &query, on_listed, user);
}

static void on_first(int status, void *user)
{
	if (status < 0)
		end(user, "not written");
	else
		write_one(user, "api_store.x", "2", NUNCIO_EXPECT_ABSENT, on_second);
}

static int start(struct nuncio_module *self, struct nuncio_error *err)
{
	if (write_one(self, "api_stored", "x", NUNCIO_EXPECT_ANY, on_first) != NUNCIO_E_INVAL) {
		nuncio_error_set(err, "may write into a space of others");
		return NUNCIO_E_FAIL;
	}
	return write_one(self, "api_store.x", "1", NUNCIO_EXPECT_ANY, on_first);
}

NUNCIO_MODULE("api_store", .summary = "keeps records", .needs = needs, .start = start)
