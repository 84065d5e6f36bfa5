/* SPDX-License-Identifier: MIT */
/*
 * One job that fails says little: it may be the job's own fault. So a write that failed makes the
 * core write a record of its own, and what becomes of that decides. While it fails it is written
 * again every PROBE_MS, because a server that is not ready gets no traffic that could show that all
 * is well again. A store that does not answer any write for STUCK_MS is not ready either.
 *
 * No traffic, no probe: an idle store is believed.
 */
#include "provide/store_health.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "loop/loop.h"
#include "loop/timer.h"
#include "provide/ready.h"

enum { PROBE_MS = 2000, STUCK_MS = 10000 };

struct store_health {
	struct store_health_settings settings;
	struct loop_timer timer; /* runs while a write is open, or the store is not well */
	size_t open;
	int64_t moved_ms; /* the last answer, or the first of what is open */
	bool is_well, is_probing;
};

static void put(struct store_health *h, bool is_well, const char *why)
{
	h->is_well = is_well;
	if (!ready_see(h->settings.who, is_well, why))
		return;
	if (is_well)
		log_write(LOG_LEVEL_INFO, "store", NULL, "writing works again");
	else
		log_write(LOG_LEVEL_WARN, "store", NULL, "not ready: %s", why);
}

static bool is_failure(int status)
{
	return status == NUNCIO_E_FAIL || status == NUNCIO_E_NOSPACE;
}

static void on_probed(int status, void *user)
{
	struct store_health *h = user;
	h->is_probing = false;
	if (status == 0)
		put(h, true, NULL);
	else if (is_failure(status))
		put(h, false,
			status == NUNCIO_E_NOSPACE ? "writing fails: there is no space left"
						   : "writing fails; the store's log says why");
}

static void probe(struct store_health *h)
{
	h->is_probing = h->settings.probe(on_probed, h, h->settings.user) == 0;
}

void store_health_look(struct store_health *h)
{
	int64_t still_ms = clock_mono_ms() - h->moved_ms;
	char why[64];
	if (h->open && still_ms >= STUCK_MS) {
		snprintf(why, sizeof(why), "no write has been answered for %d s",
			(int)(still_ms / 1000));
		put(h, false, why);
	} else if (!h->is_well && !h->is_probing) {
		probe(h);
	}
	if (!h->open && h->is_well)
		loop_timer_stop(h->settings.loop, &h->timer);
}

static void on_timer(struct loop *l, struct loop_timer *timer, void *user)
{
	(void)l;
	(void)timer;
	store_health_look(user);
}

void store_health_asked(struct store_health *h)
{
	if (h->open++ == 0)
		h->moved_ms = clock_mono_ms();
	if (!loop_timer_is_active(&h->timer))
		loop_timer_start(h->settings.loop, &h->timer, PROBE_MS, PROBE_MS);
}

void store_health_answered(struct store_health *h, int status)
{
	h->open--;
	h->moved_ms = clock_mono_ms();
	if (is_failure(status) && h->is_well && !h->is_probing)
		probe(h);
}

void store_health_say(struct store_health *h, bool is_well, const char *why)
{
	put(h, is_well, why);
}

struct store_health *store_health_new(const struct store_health_settings *settings)
{
	struct store_health *h = ALLOC_NEW(struct store_health);
	h->settings = *settings;
	h->is_well = true;
	loop_timer_init(&h->timer, on_timer, h);
	return h;
}

void store_health_free(struct store_health **health)
{
	if (*health)
		loop_timer_stop((*health)->settings.loop, &(*health)->timer);
	alloc_free(*health);
	*health = NULL;
}
