/* SPDX-License-Identifier: MIT */
/* One of two stores, between which nobody has chosen; it never opens. */
#include <nuncio/store_provider.h>

static int on_open(struct nuncio_module *self, void **store_r, struct nuncio_error *err)
{
	(void)self;
	(void)store_r;
	nuncio_error_set(err, "store_bad_b has no disk");
	return NUNCIO_E_FAIL;
}

static void on_close(void **store)
{
	*store = NULL;
}

static void on_lanes(void *store, uint32_t *writers_r, uint32_t *readers_r)
{
	(void)store;
	*writers_r = 1;
	*readers_r = 0;
}

static void on_run(void *store, uint32_t lane, struct nuncio_job **jobs, size_t n)
{
	(void)store;
	(void)lane;
	for (size_t i = 0; i < n; i++)
		nuncio_job_done(&jobs[i], NUNCIO_E_UNSUPPORTED);
}

static const struct nuncio_store_ops ops = {
	.size = sizeof(ops), .open = on_open, .close = on_close, .lanes = on_lanes, .run = on_run
};

static int init(struct nuncio_module *self, struct nuncio_error *err)
{
	(void)err;
	return nuncio_provide_store(self, &ops);
}

NUNCIO_MODULE("store_bad_b", .summary = "a store that cannot be opened", .init = init)
