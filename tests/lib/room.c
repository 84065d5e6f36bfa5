/* SPDX-License-Identifier: MIT */
#include "tests/lib/room.h"

#include <stdio.h>
#include <time.h>

#include "base/slice.h"
#include "logic/deliver.h"
#include "provide/provider.h"
#include "provide/store.h"

#include "tests/lib/unit.h"

enum { TURNS_MAX = 2000, PAUSE_NS = 500000 };

/* ---- the kind ---- */

int room_resolve(struct nuncio_str sender, struct nuncio_str value, char *out, size_t size,
	void *user, struct nuncio_error *err)
{
	(void)sender, (void)user, (void)err;
	return snprintf(out, size, "r:" STR_FMT, STR_ARG(value));
}

static int32_t may_enter(struct nuncio_ask *ask, const struct nuncio_access *what, void *user)
{
	(void)ask, (void)what, (void)user;
	return NUNCIO_PASS;
}

int room_is_valid(struct nuncio_str conversation, void *user)
{
	(void)user;
	return conversation.n > 2;
}

static void audience(struct nuncio_str conversation, struct nuncio_audience *to, void *user)
{
	struct nuncio_str rest = str_of(user), name;
	(void)conversation;
	while (rest.n) {
		str_cut(rest, ' ', &name, &rest);
		if (name.p[0] == '~')
			deliver_add_live(to, (struct nuncio_str){ name.p + 1, name.n - 1 });
		else
			deliver_add_user(to, name);
	}
}

void room_add(struct loopback *lb, char *whom)
{
	static const struct nuncio_kind kind = { .size = sizeof kind,
		.name = "room",
		.prefix = "r",
		.target = "room",
		.resolve = room_resolve,
		.may_enter = may_enter,
		.is_valid = room_is_valid,
		.audience = audience };
	struct nuncio_error err;
	assert_int_equal(kinds_add(&lb->logic->kinds, "t", &kind, whom, &err), 0);
}

/* ---- the store ---- */

static room_store_fn *run_job;

static int on_open(struct nuncio_module *self, void **store_r, struct nuncio_error *err)
{
	(void)self, (void)err;
	*store_r = &run_job;
	return 0;
}

static void on_close(void **impl)
{
	*impl = NULL;
}

static void on_lanes(void *impl, uint32_t *writers_r, uint32_t *readers_r)
{
	(void)impl;
	*writers_r = 1;
	*readers_r = 0;
}

static void on_run(void *impl, uint32_t lane, struct nuncio_job **jobs, size_t n)
{
	(void)impl, (void)lane;
	for (size_t i = 0; i < n; i++) {
		int status = run_job(jobs[i]);
		nuncio_job_done(&jobs[i], status);
	}
}

void room_store_open(struct loopback *lb, room_store_fn *run)
{
	static const struct nuncio_store_ops ops = { .size = sizeof ops,
		.open = on_open,
		.close = on_close,
		.lanes = on_lanes,
		.run = on_run };
	static struct provider provider = { .job = "store", .name = "fake", .ops = &ops };
	struct nuncio_error err;
	run_job = run;
	assert_int_equal(store_open(lb->store, &provider, &err), 0);
}

void room_store_settle(struct loopback *lb)
{
	const struct timespec pause = { 0, PAUSE_NS };
	loopback_turn(lb); /* what waits may ask the store first */
	for (int i = 0; i < TURNS_MAX && store_job_count(lb->store); i++) {
		nanosleep(&pause, NULL);
		loopback_turn(lb);
	}
	assert_int_equal(store_job_count(lb->store), 0);
	loopback_turn(lb);
}
