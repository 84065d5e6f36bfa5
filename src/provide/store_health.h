/* SPDX-License-Identifier: MIT */
#ifndef PROVIDE_STORE_HEALTH_H
#define PROVIDE_STORE_HEALTH_H

#include <stdbool.h>

#include <nuncio/store.h>

struct loop;
struct ready;

/* Whether the store takes what is written, as the core sees it, said to /readyz. Logic thread. */
struct store_health;

struct store_health_settings {
	struct loop *loop;
	struct ready *who;
	/* Writes something of no meaning: 0 and done comes later, or negative and it does not. */
	int (*probe)(nuncio_written_fn *done, void *done_user, void *user);
	void *user;
};
struct store_health *store_health_new(const struct store_health_settings *settings);
void store_health_free(struct store_health **health);

/* What its timer does every two seconds while there is something to look at. */
void store_health_look(struct store_health *health);

/* A write was handed to the store; it was answered, before whoever asked for it hears of it. */
void store_health_asked(struct store_health *health);
void store_health_answered(struct store_health *health, int status);

/* What somebody else knows of it, until the next look. */
void store_health_say(struct store_health *health, bool is_well, const char *why);

#endif
