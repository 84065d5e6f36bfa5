/* SPDX-License-Identifier: MIT */
/*
 * What is known of the members who are online is kept right by events, and those of other nodes may
 * be lost on the way: somebody who was removed would go on reading, somebody who was added would
 * hear nothing. So each live group counts which of its events were heard; one that does not come
 * within HOLE_MS behind a later one is taken for lost, and the group's members here are looked up
 * again; after a loss of the whole bus everybody is. A few at a time, so that the store has time
 * for others. On a single node there is nothing to do. Thread: logic.
 */
#include <stdlib.h>
#include <string.h>

#include <nuncio/bus.h>
#include <nuncio/timer.h>

#include "group.h"

enum { HOLE_MS = 2000, CHECKING_MAX = 16, LATER_BITS = 64 };

/* Somebody who waits to be looked up; by name, because they may leave meanwhile. */
struct check {
	struct check *next;
	size_t user_bytes;
	char user[];
};

/* ---- looking up ---- */

static void pump(struct group *g)
{
	while (g->checks && g->checking < CHECKING_MAX) {
		struct check *check = g->checks;
		struct nuncio_str user = { check->user, check->user_bytes };
		struct here_user *here = here_user_of(g, user);
		g->checks = check->next;
		if (here && here->is_to_check) {
			here->is_to_check = 0;
			g->checking++;
			nuncio_counter_add(g->checks_total, 1);
			arrive_check(g, user);
		}
		free(check);
	}
}

void check_done(struct group *g)
{
	g->checking--;
	pump(g);
}

static void check_user(struct here_user *here)
{
	struct group *g = here->g;
	struct check **last = &g->checks;
	if (here->is_to_check)
		return;
	struct check *check = nuncio_alloc(sizeof *check + here->name_bytes);
	check->user_bytes = here->name_bytes;
	memcpy(check->user, here->name, here->name_bytes);
	here->is_to_check = 1;
	if (g->checks)
		last = g->last_check;
	*last = check;
	g->last_check = &check->next;
}

void check_all(struct group *g)
{
	for (struct here_user *here = g->users; here; here = here->next) {
		for (struct here_member *m = here->members; m; m = m->next)
			enter_forget_mode(g, nuncio_text(m->group->conversation));
		check_user(here);
	}
	pump(g);
}

/* ---- holes ---- */

static void check_member(struct table_node *node, void *user)
{
	(void)user;
	check_user(TABLE_OF(node, struct here_member, node)->user);
}

static void events_are_lost(struct here_group *group)
{
	while (group->later) {
		group->low++;
		group->later >>= 1;
	}
	enter_forget_mode(group->g, nuncio_text(group->conversation));
	table_each(&group->members, check_member, NULL);
}

static void on_hole_timer(void *user)
{
	struct group *g = user;
	struct here_group *group = g->holes;
	g->holes = NULL;
	g->hole_timer = NULL;
	while (group) {
		struct here_group *next = group->next_hole;
		group->has_hole = 0;
		if (group->later)
			events_are_lost(group);
		group = next;
	}
	pump(g);
}

static void note_hole(struct here_group *group)
{
	struct group *g = group->g;
	if (group->has_hole)
		return;
	group->has_hole = 1;
	group->next_hole = g->holes;
	g->holes = group;
	if (!g->hole_timer)
		g->hole_timer = nuncio_timer_start(g->self, HOLE_MS, 0, on_hole_timer, g);
}

void check_group_ends(struct here_group *group)
{
	struct here_group **at = &group->g->holes;
	while (group->has_hole && *at != group)
		at = &(*at)->next_hole;
	if (group->has_hole)
		*at = group->next_hole;
}

void check_event(struct group *g, const struct nuncio_event *event)
{
	struct here_group *group = nuncio_live_get(event->conversation, g->of_conversation);
	if (!group || event->seq <= group->low || !nuncio_bus_is_there())
		return;
	uint64_t at = event->seq - group->low - 1;
	if (at >= LATER_BITS) { /* too many are missing to wait for them */
		group->later = 0;
		group->low = event->seq;
		enter_forget_mode(g, event->conversation);
		table_each(&group->members, check_member, NULL);
		pump(g);
		return;
	}
	group->later |= UINT64_C(1) << at;
	while (group->later & 1) {
		group->low++;
		group->later >>= 1;
	}
	if (group->later)
		note_hole(group);
}

void check_fini(struct group *g)
{
	while (g->checks) {
		struct check *check = g->checks;
		g->checks = check->next;
		free(check);
	}
}
