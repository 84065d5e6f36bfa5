/* SPDX-License-Identifier: MIT */
/*
 * Registers one of each, starts a timer, work and a call, and then cannot start. All of it must be
 * undone: the work that was accepted is done before fini, the timer never comes.
 */
#include <nuncio/nuncio.h>

#include <stdlib.h>

struct state {
	struct nuncio_module *self;
	int is_failed, works, dones;
};

static void on_timer(void *user)
{
	const struct state *state = user;
	nuncio_log(state->self, NUNCIO_ERROR, "the timer came");
}

static void on_work(void *user)
{
	((struct state *)user)->works++;
}

static void on_done(void *user)
{
	((struct state *)user)->dones++;
}

static void on_request(struct nuncio_request *rq, void *user)
{
	(void)user;
	nuncio_reply_status(&rq, NUNCIO_OK);
}

static enum nuncio_verdict on_call(
	struct nuncio_ask *ask, const struct nuncio_call *what, void *user)
{
	(void)ask, (void)what, (void)user;
	return NUNCIO_PASS;
}

static const struct nuncio_command command = {
	.size = sizeof command, .op = "bad_start_busy.x", .help = "A test.", .fn = on_request
};
static const struct nuncio_route route = {
	.size = sizeof route,
	.method = "GET",
	.path = "/m/bad_start_busy",
	.help = "A test.",
	.fn = on_request,
};
static const struct nuncio_middleware middleware = { .size = sizeof middleware,
	.prefix = "/m/bad_start_busy" };
static const struct {
	uint32_t size;
} service = { sizeof service };

static int init(struct nuncio_module *self, struct nuncio_error *err)
{
	struct state *state = calloc(1, sizeof *state);
	struct nuncio_slot *slot;
	(void)err;
	if (!state)
		abort();
	state->self = self;
	nuncio_module_set_data(self, state);
	int rc = nuncio_command_add(self, &command, NULL);
	rc = rc < 0 ? rc : nuncio_control_add(self, &command, NULL);
	rc = rc < 0 ? rc : nuncio_route_add(self, &route, NULL);
	rc = rc < 0 ? rc : nuncio_middleware_add(self, &middleware, NULL);
	rc = rc < 0 ? rc : nuncio_hook_may_call(self, NUNCIO_PRIO_NORMAL, on_call, NULL);
	rc = rc < 0 ? rc : nuncio_slot_take(self, NUNCIO_PER_SESSION, free, &slot);
	rc = rc < 0 ? rc : nuncio_service_offer(self, "bad_start_busy.v1", &service, NULL);
	nuncio_counter_new(self, "x_total", NULL, "A test.");
	return rc;
}

static int start(struct nuncio_module *self, struct nuncio_error *err)
{
	struct state *state = nuncio_module_data(self);
	nuncio_timer_start(self, 1, 1, on_timer, state);
	nuncio_work(self, 1, on_work, on_done, state);
	nuncio_on_logic(self, on_done, state);
	nuncio_ready_set(self, 1, NULL);
	nuncio_error_set(err, "no room for %d elephants", 3);
	return NUNCIO_E_NOSPACE;
}

static void stop(struct nuncio_module *self)
{
	nuncio_log(self, NUNCIO_ERROR, "stopped, though it never started");
}

static void fini(struct nuncio_module *self)
{
	struct state *state = nuncio_module_data(self);
	if (state->works != 1 || state->dones != 2)
		nuncio_log(self, NUNCIO_ERROR, "%d works and %d calls were finished", state->works,
			state->dones);
	free(state);
}

NUNCIO_MODULE("bad_start_busy", .summary = "cannot start, after all", .init = init, .start = start,
	.stop = stop, .fini = fini)
