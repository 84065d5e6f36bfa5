/* SPDX-License-Identifier: MIT */
/*
 * One question about many users: who is here is known, who of the others is on another node the
 * roster has to say, and when they were last seen may have to come from the store, one record each.
 * The answer is made when the last of it has come, of what is true then. A store or a roster that
 * is absent, busy or broken makes a time unknown and somebody look offline, not an error.
 */
#include "asking.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <nuncio/json.h>
#include <nuncio/log.h>
#include <nuncio/store.h>
#include <nuncio/timer.h>

struct asking;

struct asked {
	struct asking *asking;
	struct nuncio_str user; /* in asking->text */
	int64_t last_seen_ms;
	int is_hidden;
	enum nuncio_presence_status elsewhere; /* what the roster has said */
};

struct asking {
	struct people *people;
	nuncio_presence_fn *done;
	void *user;
	size_t count, waiting;
	char *text;
	struct asked all[];
};

static const struct nuncio_str space = { "presence", 8 };

static struct asking *asking_new(const struct nuncio_str *users, size_t n)
{
	size_t bytes = 0;
	for (size_t i = 0; i < n; i++)
		bytes += users[i].n;
	struct asking *asking = nuncio_alloc(sizeof *asking + n * sizeof(struct asked) + bytes);
	asking->count = n;
	asking->text = (char *)&asking->all[n];
	char *at = asking->text;
	for (size_t i = 0; i < n; i++) {
		asking->all[i] = (struct asked){ .asking = asking, .user = { at, users[i].n } };
		if (users[i].n > 0)
			memcpy(at, users[i].p, users[i].n);
		at += users[i].n;
	}
	return asking;
}

static void write_row(const struct asking *asking, size_t i, struct nuncio_presence *row)
{
	const struct asked *asked = &asking->all[i];
	const struct person *person = people_find(asking->people, asked->user);
	row->user = asked->user;
	if (asked->is_hidden) {
		row->flags = NUNCIO_PRESENCE_HIDDEN;
		return;
	}
	row->status = status_join(person_status(person), asked->elsewhere);
	row->last_seen_ms = asked->last_seen_ms;
	if (row->status != NUNCIO_PRESENCE_OFFLINE)
		row->last_seen_ms = nuncio_wall_ms();
	else if (person && person->is_known && person->last_seen_ms > row->last_seen_ms)
		row->last_seen_ms = person->last_seen_ms;
}

static void asking_arrived(struct asking *asking)
{
	if (--asking->waiting > 0)
		return;
	struct nuncio_presence *rows = calloc(asking->count ? asking->count : 1, sizeof *rows);
	if (!rows)
		abort();
	for (size_t i = 0; i < asking->count; i++)
		write_row(asking, i, &rows[i]);
	asking->done(0, rows, asking->count, asking->user);
	free(rows);
	free(asking);
}

static void on_record(int status, const struct nuncio_record *rows, size_t n, int more, void *user)
{
	struct asked *asked = user;
	struct asking *asking = asked->asking;
	struct nuncio_str value;
	(void)more;
	if (status == 0 && n == 1 && nuncio_json_check(rows[0].value, NULL) == 0 &&
		nuncio_json_get(rows[0].value, "last_seen", &value))
		nuncio_json_int(value, &asked->last_seen_ms);
	if (status == 0 || status == NUNCIO_E_NOTFOUND)
		people_remember(asking->people, asked->user, asked->last_seen_ms);
	asking_arrived(asking);
}

/* What could not be found out is not shown. */
static void on_may_see(int status, uint32_t yes, void *user)
{
	struct asked *asked = user;
	asked->is_hidden = status < 0 || !yes;
	asking_arrived(asked->asking);
}

static void on_dnd(void *context)
{
	asking_arrived(context);
}

/* Somebody who is online here, and it is not known yet whether they are to be disturbed. */
static void ask_dnd(struct nuncio_module *self, struct asking *asking, const struct asked *asked)
{
	if (!people_wants_dnd(asking->people, people_find(asking->people, asked->user)))
		return;
	asking->waiting++;
	dnd_read(self, asking->people, asked->user, on_dnd, asking);
}

static void ask_when(struct nuncio_module *self, struct asking *asking, struct asked *asked)
{
	const struct nuncio_str no_key = { "", 0 };
	const struct person *person = people_find(asking->people, asked->user);
	if (people_is_sure(asking->people, person))
		return;
	asking->waiting++;
	if (nuncio_store_get(self, space, asked->user, no_key, on_record, asked) < 0)
		asking->waiting--;
}

/* ---- other nodes ---- */

/* Those whom the roster was asked for, in its order. */
struct elsewhere {
	struct asking *asking;
	struct asked *all[];
};

static void on_elsewhere(int status, const uint32_t *states, size_t n, void *user)
{
	struct elsewhere *elsewhere = user;
	struct asking *asking = elsewhere->asking;
	for (size_t i = 0; status == 0 && i < n; i++) {
		struct asked *asked = elsewhere->all[i];
		struct person *person = people_find(asking->people, asked->user);
		asked->elsewhere = (enum nuncio_presence_status)states[i];
		/* What follows in notifies begins with what is answered here. */
		if (person && !person->is_elsewhere_known)
			people_set_elsewhere(asking->people, asked->user, asked->elsewhere,
				nuncio_mono_ms(), nuncio_wall_ms());
	}
	free(elsewhere);
	asking_arrived(asking);
}

static void ask_where(const struct others *others, struct asking *asking)
{
	struct elsewhere *elsewhere =
		nuncio_alloc(sizeof *elsewhere + asking->count * sizeof elsewhere->all[0]);
	struct nuncio_str *users = nuncio_alloc(asking->count * sizeof *users);
	size_t n = 0;
	elsewhere->asking = asking;
	for (size_t i = 0; i < asking->count; i++) {
		struct asked *asked = &asking->all[i];
		const struct person *person = people_find(asking->people, asked->user);
		if (person && person->is_elsewhere_known)
			continue;
		users[n] = asked->user;
		elsewhere->all[n++] = asked;
	}
	if (n) {
		asking->waiting++;
		others->roster->elsewhere(others->roster_impl, users, n, on_elsewhere, elsewhere);
	} else {
		free(elsewhere);
	}
	free(users);
}

void asking_start(const struct asker *asker, const struct nuncio_str *users, size_t n,
	nuncio_presence_fn *done, void *user)
{
	struct asking *asking = asking_new(users, n);
	const struct sight *sight = asker->sight;
	asking->people = asker->people;
	asking->done = done;
	asking->user = user;
	asking->waiting = 1; /* this function: answers may come before it returns */
	if (asker->others->roster)
		ask_where(asker->others, asking);
	for (size_t i = 0; i < n; i++) {
		ask_when(asker->self, asking, &asking->all[i]);
		ask_dnd(asker->self, asking, &asking->all[i]);
		if (!asker->name.n || !sight->contacts)
			continue;
		asking->waiting++;
		sight->contacts->may_see(sight->contacts_impl, asking->all[i].user, asker->name,
			on_may_see, &asking->all[i]);
	}
	asking_arrived(asking);
}

static void on_written(int status, void *user)
{
	if (status < 0)
		nuncio_log(user, NUNCIO_WARN, "a last-seen time could not be written: %s",
			nuncio_status_name(status));
}

static int write_one(struct nuncio_module *self, const struct person *person)
{
	char text[48];
	int n = snprintf(
		text, sizeof text, "{\"last_seen\":%lld}", (long long)person->last_seen_ms);
	const struct nuncio_record_write write = {
		.size = sizeof write,
		.space = space,
		.owner = person_user(person),
		.key = { "", 0 },
		.value = { text, (size_t)n },
		.expect = NUNCIO_EXPECT_ANY,
	};
	return nuncio_store_write(self, &write, 1, on_written, self);
}

int asking_write(struct nuncio_module *self, struct people *people, size_t max)
{
	struct person *person = people_next_dirty(people);
	for (size_t i = 0; person && i < max; i++) {
		if (write_one(self, person) == NUNCIO_E_BUSY)
			return 1;
		people_written(people, person);
		person = people_next_dirty(people);
	}
	return person != NULL;
}
