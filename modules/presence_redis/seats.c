/* SPDX-License-Identifier: MIT */
/*
 * This node's sessions, as Redis has them: for each user a hash (user:<user>) with a field for each
 * session, and for each node the set of its users (users:<id>), by which a dead node is swept.
 * Redis numbers the sessions of a user in the order in which they came, so no clock says which is
 * the newer one; and tells those who watch the user.
 *
 * A seat is dirty when what is written may not be what is true; the dirty ones are written at the
 * end of the turn, as many as the queue takes.
 */
#include "presence_redis.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hiredis/hiredis.h>

#include <nuncio/conf.h>
#include <nuncio/log.h>
#include <nuncio/timer.h>

enum { FLYING_MOST = 5000, AGAIN_MS = 1000, COMMANDS_EACH = 2, KEY_BYTES = 20 };

/* A user with sessions here. */
struct holder {
	struct redis_entry by_name;
	size_t seats;
	char name[];
};

struct seat {
	struct redis_entry by_id;
	struct redis_ring dirty;
	struct holder *holder;
	nuncio_sid session;
	int64_t since_ms;
	uint32_t state, written_state; /* OFFLINE: gone, or not written */
	unsigned flying;
	size_t device_bytes;
	char key[KEY_BYTES];
	char device[];
};

/* One seat on its way. */
struct flight {
	struct roster *roster;
	struct seat *seat;
	unsigned epoch;
};

static const char put_script[] =
	"local o=redis.call('HGET',KEYS[1],ARGV[1])"
	" local n=o and string.match(o,'^%d+') or redis.call('HINCRBY',KEYS[1],'#',1)"
	" redis.call('HSET',KEYS[1],ARGV[1],n..' '..ARGV[2])"
	" redis.call('PUBLISH',ARGV[3],ARGV[4]) return 1";

/* The counter alone is nobody. */
static const char remove_script[] =
	"if redis.call('HDEL',KEYS[1],ARGV[1])==1 then"
	" if redis.call('HLEN',KEYS[1])<=1 then redis.call('DEL',KEYS[1]) end"
	" redis.call('PUBLISH',ARGV[2],ARGV[3]) end return 1";

static void write_dirty(struct roster *roster);

void seats_init(struct seats *seats)
{
	redis_map_init(&seats->sessions);
	redis_map_init(&seats->users);
	redis_ring_init(&seats->dirty);
}

static void holder_drop(struct seats *seats, struct holder *holder)
{
	if (--holder->seats > 0)
		return;
	redis_map_remove(&seats->users, &holder->by_name);
	free(holder);
}

static void seat_free(struct seats *seats, struct seat *seat)
{
	redis_ring_remove(&seat->dirty);
	redis_map_remove(&seats->sessions, &seat->by_id);
	holder_drop(seats, seat->holder);
	free(seat);
}

void seats_fini(struct seats *seats)
{
	struct redis_entry *entry;
	while ((entry = redis_map_next(&seats->sessions, NULL)))
		seat_free(seats, REDIS_OF(entry, struct seat, by_id));
	redis_map_fini(&seats->sessions);
	redis_map_fini(&seats->users);
	nuncio_timer_stop(&seats->soon);
	nuncio_timer_stop(&seats->later);
}

static void on_soon(void *user)
{
	struct roster *roster = user;
	roster->seats.soon = NULL;
	write_dirty(roster);
}

static void on_later(void *user)
{
	struct roster *roster = user;
	roster->seats.later = NULL;
	write_dirty(roster);
}

static void mark_dirty(struct roster *roster, struct seat *seat)
{
	struct seats *seats = &roster->seats;
	if (redis_ring_is_alone(&seat->dirty))
		redis_ring_add(&seats->dirty, &seat->dirty);
	if (!seats->soon)
		seats->soon = nuncio_timer_start(roster->self, 0, 0, on_soon, roster);
	nuncio_gauge_set(roster->sessions, (int64_t)seats->sessions.count);
}

/* ---- who is here ---- */

static struct holder *holder_get(struct seats *seats, struct nuncio_str name)
{
	struct redis_entry *entry = redis_map_find(&seats->users, name);
	if (entry)
		return REDIS_OF(entry, struct holder, by_name);
	struct holder *holder = nuncio_alloc(sizeof *holder + name.n);
	memcpy(holder->name, name.p, name.n);
	holder->by_name.key = (struct nuncio_str){ holder->name, name.n };
	redis_map_add(&seats->users, &holder->by_name);
	return holder;
}

static struct nuncio_str key_of(nuncio_sid session, char key[KEY_BYTES])
{
	int n = snprintf(key, KEY_BYTES, "%" PRIx64, session);
	return (struct nuncio_str){ key, (size_t)n };
}

static struct seat *seat_find(const struct seats *seats, nuncio_sid session)
{
	char key[KEY_BYTES];
	struct redis_entry *entry = redis_map_find(&seats->sessions, key_of(session, key));
	return entry ? REDIS_OF(entry, struct seat, by_id) : NULL;
}

void seats_take(struct roster *roster, const struct nuncio_session *session)
{
	struct seats *seats = &roster->seats;
	struct nuncio_str device = nuncio_session_device(session);
	struct seat *seat = nuncio_alloc(sizeof *seat + device.n);
	seat->session = nuncio_session_id(session);
	seat->by_id.key = key_of(seat->session, seat->key);
	seat->since_ms = nuncio_session_since_ms(session);
	seat->state = NUNCIO_PRESENCE_ONLINE;
	seat->device_bytes = device.n;
	if (device.n)
		memcpy(seat->device, device.p, device.n);
	seat->holder = holder_get(seats, nuncio_session_user(session));
	seat->holder->seats++;
	redis_ring_init(&seat->dirty);
	redis_map_add(&seats->sessions, &seat->by_id);
	mark_dirty(roster, seat);
}

void seats_leave(struct roster *roster, nuncio_sid session)
{
	seats_state(roster, session, NUNCIO_PRESENCE_OFFLINE);
}

void seats_state(struct roster *roster, nuncio_sid session, uint32_t state)
{
	struct seat *seat = seat_find(&roster->seats, session);
	if (!seat || seat->state == NUNCIO_PRESENCE_OFFLINE || seat->state == state)
		return;
	seat->state = state;
	mark_dirty(roster, seat);
}

/* ---- writing ---- */

static void check_settled(struct roster *roster)
{
	struct seats *seats = &roster->seats;
	if (!seats->is_settling || seats->flying || !redis_ring_is_alone(&seats->dirty))
		return;
	seats->is_settling = false;
	redis_member_settled(&roster->member);
}

static void drop_if_gone(struct roster *roster, struct seat *seat)
{
	if (seat->state != NUNCIO_PRESENCE_OFFLINE ||
		seat->written_state != NUNCIO_PRESENCE_OFFLINE || seat->flying)
		return;
	seat_free(&roster->seats, seat);
	nuncio_gauge_set(roster->sessions, (int64_t)roster->seats.sessions.count);
}

static void try_later(struct roster *roster, struct seat *seat, const redisReply *reply)
{
	struct seats *seats = &roster->seats;
	redis_ring_remove(&seat->dirty);
	redis_ring_add(&seats->dirty, &seat->dirty);
	/* What is true is written again, whatever it is. */
	seat->written_state = seat->state == NUNCIO_PRESENCE_OFFLINE ? NUNCIO_PRESENCE_ONLINE
								     : NUNCIO_PRESENCE_OFFLINE;
	if (seats->later)
		return;
	redis_say_refused(roster->member.asks, "a session", reply);
	seats->later = nuncio_timer_start(roster->self, AGAIN_MS, 0, on_later, roster);
}

static void on_written(const redisReply *reply, void *user)
{
	struct flight flight = *(struct flight *)user;
	struct roster *roster = flight.roster;
	struct seat *seat = flight.seat;
	free(user);
	roster->seats.flying--;
	seat->flying--;
	if (reply && flight.epoch == roster->seats.epoch && reply->type != REDIS_REPLY_INTEGER) {
		try_later(roster, seat, reply);
		return;
	}
	if (redis_ring_is_alone(&seat->dirty))
		drop_if_gone(roster, seat);
	if (!redis_ring_is_alone(&roster->seats.dirty) && !roster->seats.later)
		write_dirty(roster);
	check_settled(roster);
}

static int ask_put(struct roster *roster, struct seat *seat, struct flight *flight)
{
	struct redis_member *member = &roster->member;
	struct nuncio_str user = seat->holder->by_name.key;
	const char *id = redis_lease_id(member->lease);
	struct redis_buffer field = { NULL, 0, 0 }, value = { NULL, 0, 0 };
	const struct nuncio_roster_row row = { .node = nuncio_text(nuncio_conf_node()),
		.device = { seat->device, seat->device_bytes },
		.since_ms = seat->since_ms,
		.state = seat->state };
	entry_write_field(&field, id, seat->session);
	entry_write_value(&value, &row);
	char *channel = redis_copy(roster_user_channel(roster, user));
	struct nuncio_str key = roster_user_key(roster, user);
	int rc = REDIS_ASK(member->asks, key, on_written, flight, nuncio_text("EVAL"),
		nuncio_text(put_script), nuncio_text("1"), key,
		((struct nuncio_str){ field.p, field.used }),
		((struct nuncio_str){ value.p, value.used }), nuncio_text(channel),
		nuncio_text(id));
	free(channel);
	redis_buffer_free(&field);
	redis_buffer_free(&value);
	return rc;
}

static int ask_remove(struct roster *roster, struct seat *seat, struct flight *flight)
{
	struct redis_member *member = &roster->member;
	struct nuncio_str user = seat->holder->by_name.key;
	const char *id = redis_lease_id(member->lease);
	struct redis_buffer field = { NULL, 0, 0 };
	entry_write_field(&field, id, seat->session);
	char *channel = redis_copy(roster_user_channel(roster, user));
	struct nuncio_str key = roster_user_key(roster, user);
	int rc = REDIS_ASK(member->asks, key, on_written, flight, nuncio_text("EVAL"),
		nuncio_text(remove_script), nuncio_text("1"), key,
		((struct nuncio_str){ field.p, field.used }), nuncio_text(channel),
		nuncio_text(id));
	free(channel);
	redis_buffer_free(&field);
	return rc;
}

/* The user is in the node's set before the session is in the user's hash, and until after it. */
static int list_user(struct roster *roster, const struct seat *seat)
{
	struct redis_member *member = &roster->member;
	const char *verb = seat->state != NUNCIO_PRESENCE_OFFLINE ? "SADD"
			   : seat->holder->seats == 1             ? "SREM"
								  : NULL;
	struct nuncio_str key =
		redis_member_key(member, "users:", nuncio_text(redis_lease_id(member->lease)));
	return verb ? REDIS_ASK(member->asks, key, NULL, NULL, nuncio_text(verb), key,
			      seat->holder->by_name.key)
		    : 0;
}

/* Negative: not now. */
static int write_seat(struct roster *roster, struct seat *seat)
{
	bool is_gone = seat->state == NUNCIO_PRESENCE_OFFLINE;
	struct flight *flight = nuncio_alloc(sizeof *flight);
	*flight = (struct flight){ roster, seat, roster->seats.epoch };
	int rc = is_gone ? 0 : list_user(roster, seat);
	if (rc == 0)
		rc = is_gone ? ask_remove(roster, seat, flight) : ask_put(roster, seat, flight);
	if (rc != 0) {
		free(flight);
		return rc;
	}
	if (is_gone)
		list_user(roster, seat);
	seat->written_state = seat->state;
	seat->flying++;
	roster->seats.flying++;
	nuncio_counter_add(roster->written, 1);
	return 0;
}

static bool may_write(const struct roster *roster)
{
	return redis_member_is_held(&roster->member) &&
	       !redis_ring_is_alone(&roster->seats.dirty) && roster->seats.flying < FLYING_MOST &&
	       redis_room(roster->member.asks) >= COMMANDS_EACH;
}

static void write_dirty(struct roster *roster)
{
	struct seats *seats = &roster->seats;
	while (may_write(roster)) {
		struct seat *seat = REDIS_OF(seats->dirty.next, struct seat, dirty);
		if (seat->state != seat->written_state && write_seat(roster, seat) < 0)
			break;
		redis_ring_remove(&seat->dirty);
		drop_if_gone(roster, seat);
	}
	/* An answer to what flies goes on; if nothing does, the clock. */
	if (redis_member_is_held(&roster->member) && !redis_ring_is_alone(&seats->dirty) &&
		!seats->flying && !seats->later)
		seats->later = nuncio_timer_start(roster->self, AGAIN_MS, 0, on_later, roster);
	check_settled(roster);
}

void seats_flush(struct roster *roster)
{
	write_dirty(roster);
}

void seats_forget(struct roster *roster)
{
	struct seats *seats = &roster->seats;
	seats->epoch++;
	seats->is_settling = false;
	for (struct redis_entry *entry = redis_map_next(&seats->sessions, NULL); entry;
		entry = redis_map_next(&seats->sessions, entry)) {
		struct seat *seat = REDIS_OF(entry, struct seat, by_id);
		seat->written_state = NUNCIO_PRESENCE_OFFLINE;
		if (redis_ring_is_alone(&seat->dirty))
			redis_ring_add(&seats->dirty, &seat->dirty);
	}
}

void seats_write_all(struct roster *roster)
{
	roster->seats.is_settling = true;
	write_dirty(roster);
}
