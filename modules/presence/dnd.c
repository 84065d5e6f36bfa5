/* SPDX-License-Identifier: MIT */
/*
 * Who is not to be disturbed is a record of the space "presence", owner the user, key "dnd". It is
 * read when the user's first session comes here, and again when one of their devices, here or on
 * another node, has written it: what was committed last holds everywhere, in whatever order nodes
 * hear of each other. Of two reads the one that was asked later says more.
 *
 * While a record could not be read, what is in memory holds; without a store that is all there is.
 */
#include "presence.h"

#include <stdlib.h>

#include <nuncio/bus.h>
#include <nuncio/codes.h>
#include <nuncio/log.h>
#include <nuncio/store.h>

static const struct nuncio_str space = { "presence", 8 }, key = { "dnd", 3 };

struct reading {
	struct people *people;
	struct nuncio_module *self;
	uint64_t number;
	dnd_fn *done;
	void *context;
	char user[USER_BYTES + 1];
};

static void on_record(int status, const struct nuncio_record *rows, size_t n, int more, void *user)
{
	struct reading *reading = user;
	const struct nuncio_str who = nuncio_text(reading->user);
	struct nuncio_str value;
	(void)more;
	if (status == 0 || status == NUNCIO_E_NOTFOUND) {
		int is_dnd = status == 0 && n == 1 && nuncio_json_check(rows[0].value, NULL) == 0 &&
			     nuncio_json_get(rows[0].value, "dnd", &value) &&
			     nuncio_text_same(value, nuncio_text("true"));
		people_read_dnd(reading->people, who, is_dnd, reading->number, nuncio_mono_ms());
	} else {
		people_go_without_dnd(reading->people, who, nuncio_mono_ms());
		nuncio_log(reading->self, NUNCIO_WARN,
			"whether a user is not to be disturbed could not be read: %s",
			nuncio_status_name(status));
	}
	if (reading->done)
		reading->done(reading->context);
	free(reading);
}

void dnd_read(struct nuncio_module *self, struct people *people, struct nuncio_str user,
	dnd_fn *done, void *context)
{
	struct reading *reading = nuncio_alloc(sizeof *reading);
	*reading = (struct reading){ people, self, ++people->dnd_reads, done, context, "" };
	int rc = nuncio_text_copy(user, reading->user, sizeof reading->user);
	if (rc >= 0)
		rc = nuncio_store_get(self, space, user, key, on_record, reading);
	if (rc >= 0)
		return;
	/* Nobody asks again where there is no store. */
	if (rc == NUNCIO_E_UNSUPPORTED)
		people->is_dnd_stored = 0;
	people_go_without_dnd(people, user, nuncio_mono_ms());
	free(reading);
	if (done)
		done(context);
}

/* ---- for one who has sessions here ---- */

struct learning {
	struct presence *presence;
	struct nuncio_request *rq; /* NULL: nobody waits */
	char user[USER_BYTES + 1];
};

static void on_learnt(void *context)
{
	struct learning *learning = context;
	nodes_share(learning->presence, nuncio_text(learning->user));
	presence_changed(learning->presence);
	if (learning->rq)
		nuncio_reply(&learning->rq, 200, nuncio_text("{}"));
	free(learning);
}

static struct learning *learning_new(
	struct presence *presence, struct nuncio_request *rq, struct nuncio_str user)
{
	struct learning *learning = nuncio_alloc(sizeof *learning);
	learning->presence = presence;
	learning->rq = rq;
	if (nuncio_text_copy(user, learning->user, sizeof learning->user) < 0)
		learning->user[0] = '\0'; /* no user has such a name */
	return learning;
}

static void learn(struct learning *learning)
{
	struct presence *presence = learning->presence;
	dnd_read(presence->self, &presence->people, nuncio_text(learning->user), on_learnt,
		learning);
}

void dnd_learn(struct presence *presence, struct nuncio_str user)
{
	learn(learning_new(presence, NULL, user));
}

void dnd_doubt(struct presence *presence, struct nuncio_str user, int is_dnd)
{
	const struct person *person = people_find(&presence->people, user);
	if (person && person->sessions > 0 && person->is_dnd_known && person->is_dnd != is_dnd)
		dnd_learn(presence, user);
}

/* ---- said ---- */

static void on_written(int status, void *user)
{
	struct learning *learning = user;
	const struct nuncio_str who = nuncio_text(learning->user);
	if (status < 0) {
		nuncio_reply_store_status(&learning->rq, status);
		free(learning);
		return;
	}
	nuncio_peer_send(learning->presence->self, "dnd", who, who);
	learn(learning);
}

void dnd_set(struct presence *presence, struct nuncio_request *rq, int is_dnd)
{
	struct learning *learning = learning_new(presence, rq, nuncio_request_user(rq));
	const struct nuncio_record_write write = {
		.size = sizeof write,
		.space = space,
		.owner = nuncio_text(learning->user),
		.key = key,
		.value = is_dnd ? nuncio_text("{\"dnd\":true}") : (struct nuncio_str){ NULL, 0 },
		.expect = NUNCIO_EXPECT_ANY,
	};
	int rc = nuncio_store_write(presence->self, &write, 1, on_written, learning);
	if (rc == NUNCIO_E_UNSUPPORTED) {
		people_set_dnd(&presence->people, write.owner, is_dnd, nuncio_mono_ms());
		on_learnt(learning);
	} else if (rc < 0) {
		on_written(rc, learning);
	}
}

static void on_peer_dnd(struct nuncio_str data, void *user)
{
	dnd_learn(user, data);
}

int dnd_init(struct presence *presence)
{
	presence->people.is_dnd_stored = 1;
	return nuncio_peer_add(presence->self, "dnd", on_peer_dnd, presence);
}
