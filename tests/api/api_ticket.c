/* SPDX-License-Identifier: MIT */
/*
 * Answers calls from threads of its own: GET /m/api_ticket/N passes when N % 3 is 0, is refused
 * when it is 1, and comes too late when it is 2. Its threads give every ticket back before stop
 * ends.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <nuncio/hooks.h>
#include <nuncio/log.h>
#include <nuncio/request.h>

enum { THREADS = 4, WAIT_US = 2000, LATE_US = 60000, DEADLINE_MS = 30 };

struct item {
	struct item *next;
	struct nuncio_ticket *ticket;
	int number;
};

static struct {
	pthread_mutex_t lock;
	pthread_cond_t work;
	struct item *first;
	int is_over;
	pthread_t threads[THREADS];
} state = { .lock = PTHREAD_MUTEX_INITIALIZER, .work = PTHREAD_COND_INITIALIZER };

static void answer(struct item *item)
{
	struct nuncio_str none = { NULL, 0 };
	usleep(item->number % 3 == 2 ? LATE_US : WAIT_US);
	if (item->number % 3 == 1)
		nuncio_resume(&item->ticket, NUNCIO_REJECT, NUNCIO_CODE_muted, "quiet", none);
	else
		nuncio_resume(&item->ticket, NUNCIO_PASS, 0, NULL, none);
	free(item);
}

static void *run(void *user)
{
	(void)user;
	pthread_mutex_lock(&state.lock);
	while (state.first || !state.is_over) {
		struct item *item = state.first;
		if (!item) {
			pthread_cond_wait(&state.work, &state.lock);
			continue;
		}
		state.first = item->next;
		pthread_mutex_unlock(&state.lock);
		answer(item);
		pthread_mutex_lock(&state.lock);
	}
	pthread_mutex_unlock(&state.lock);
	return NULL;
}

static enum nuncio_verdict before(struct nuncio_ask *ask, struct nuncio_request *rq, void *user)
{
	struct nuncio_str path = nuncio_request_path(rq);
	struct item *item = calloc(1, sizeof *item);
	char text[40] = "";
	(void)user;
	memcpy(text, path.p, path.n < sizeof text ? path.n : sizeof text - 1);
	item->number = atoi(strrchr(text, '/') + 1);
	item->ticket = nuncio_defer(ask, item->number % 3 == 2 ? DEADLINE_MS : 20000, NULL, NULL);
	pthread_mutex_lock(&state.lock);
	item->next = state.first;
	state.first = item;
	pthread_cond_signal(&state.work);
	pthread_mutex_unlock(&state.lock);
	return NUNCIO_LATER;
}

static const struct nuncio_middleware middleware = {
	.size = sizeof middleware, .prefix = "/m/api_ticket/", .before = before
};

static void on_get(struct nuncio_request *rq, void *user)
{
	(void)user;
	nuncio_reply(&rq, 200, (struct nuncio_str){ "{}", 2 });
}

static const struct nuncio_route route = { .size = sizeof route,
	.flags = NUNCIO_OPEN,
	.method = "GET",
	.path = "/m/api_ticket/:n",
	.help = "Waits.",
	.field_size = sizeof(struct nuncio_field),
	.fn = on_get };

static int init(struct nuncio_module *self, struct nuncio_error *err)
{
	(void)err;
	int rc = nuncio_route_add(self, &route, NULL);
	return rc < 0 ? rc : nuncio_middleware_add(self, &middleware, NULL);
}

static int start(struct nuncio_module *self, struct nuncio_error *err)
{
	(void)self, (void)err;
	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&state.threads[i], NULL, run, NULL) != 0)
			return NUNCIO_E_FAIL;
	return 0;
}

static int reload(struct nuncio_module *self, struct nuncio_error *err)
{
	(void)err;
	nuncio_log(self, NUNCIO_INFO, "reloaded");
	return 0;
}

static void stop(struct nuncio_module *self)
{
	(void)self;
	pthread_mutex_lock(&state.lock);
	state.is_over = 1;
	pthread_cond_broadcast(&state.work);
	pthread_mutex_unlock(&state.lock);
	for (int i = 0; i < THREADS; i++)
		pthread_join(state.threads[i], NULL);
}

NUNCIO_MODULE("api_ticket", .summary = "answers from threads of its own", .init = init,
	.start = start, .reload = reload, .stop = stop)
