/* SPDX-License-Identifier: MIT */
/*
 * See people.h. One hash table of persons; each person is in at most one queue. Followers know the
 * persons they follow and persons their followers, so that a session that ends costs what it
 * followed and nothing else. Logic thread only.
 */
#include "people.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { SIZE_FIRST = 64 };

/* ---- lists ---- */

static void list_init(struct link *list)
{
	list->prev = list->next = list;
}

static int list_is_empty(const struct link *list)
{
	return list->next == list;
}

static void list_add_last(struct link *list, struct link *link)
{
	link->prev = list->prev;
	link->next = list;
	list->prev->next = link;
	list->prev = link;
}

static void list_remove(struct link *link)
{
	link->prev->next = link->next;
	link->next->prev = link->prev;
	list_init(link);
}

/* ---- the table ---- */

static uint64_t people_hash(const struct people *people, struct nuncio_str user)
{
	uint64_t hash = 0xcbf29ce484222325u ^ people->seed;
	for (size_t i = 0; i < user.n; i++)
		hash = (hash ^ (unsigned char)user.p[i]) * 0x100000001b3u;
	hash = (hash ^ (hash >> 32)) * 0xd6e8feb86659fd93u;
	return hash ^ (hash >> 32);
}

void people_init(struct people *people, int64_t delay_ms, size_t remember)
{
	memset(people, 0, sizeof *people);
	people->size = SIZE_FIRST;
	people->buckets = nuncio_alloc(people->size * sizeof *people->buckets);
	people->delay_ms = delay_ms;
	people->remember = remember;
	if (getrandom(&people->seed, sizeof people->seed, 0) != (ssize_t)sizeof people->seed)
		people->seed = (uint64_t)(uintptr_t)people->buckets;
	list_init(&people->changed);
	list_init(&people->dirty);
	list_init(&people->idle);
	list_init(&people->followers);
}

static void free_follower(struct follower *follower)
{
	list_remove(&follower->all);
	free(follower->watches);
	free(follower);
}

void people_fini(struct people *people)
{
	/* clang-tidy does not see that free_follower takes it out of the ring. */
	while (!list_is_empty(&people->followers)) /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
		free_follower(PEOPLE_OF(people->followers.next, struct follower, all));
	for (size_t i = 0; i < people->size; i++) {
		for (struct person *person = people->buckets[i], *next; person; person = next) {
			next = person->next;
			free(person);
		}
	}
	free(people->buckets);
	people->buckets = NULL;
}

static struct person *find_hashed(
	const struct people *people, struct nuncio_str user, uint64_t hash)
{
	struct person *person = people->buckets[hash & (people->size - 1)];
	while (person && (person->hash != hash || person->user_bytes != user.n ||
				 memcmp(person->user, user.p, user.n) != 0))
		person = person->next;
	return person;
}

struct person *people_find(const struct people *people, struct nuncio_str user)
{
	return user.n ? find_hashed(people, user, people_hash(people, user)) : NULL;
}

static void grow(struct people *people)
{
	size_t size = people->size * 2;
	struct person **buckets = nuncio_alloc(size * sizeof(struct person *));
	for (size_t i = 0; i < people->size; i++) {
		for (struct person *person = people->buckets[i], *next; person; person = next) {
			next = person->next;
			person->next = buckets[person->hash & (size - 1)];
			buckets[person->hash & (size - 1)] = person;
		}
	}
	free(people->buckets);
	people->buckets = buckets;
	people->size = size;
}

static struct person *find_or_add(struct people *people, struct nuncio_str user)
{
	uint64_t hash = people_hash(people, user);
	struct person *person = find_hashed(people, user, hash);
	if (person)
		return person;
	if (people->count >= people->size)
		grow(people);
	person = nuncio_alloc(sizeof *person + user.n);
	person->hash = hash;
	person->user_bytes = (uint32_t)user.n;
	memcpy(person->user, user.p, user.n);
	list_init(&person->queue);
	list_init(&person->watches);
	person->next = people->buckets[hash & (people->size - 1)];
	people->buckets[hash & (people->size - 1)] = person;
	people->count++;
	return person;
}

static void forget(struct people *people, struct person *person)
{
	/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): who was freed is in no ring any more */
	struct person **at = &people->buckets[person->hash & (people->size - 1)];
	while (*at != person)
		at = &(*at)->next;
	*at = person->next;
	list_remove(&person->queue);
	people->count--;
	free(person);
}

struct nuncio_str person_user(const struct person *person)
{
	return (struct nuncio_str){ person->user, person->user_bytes };
}

/* ---- places ---- */

static void place(struct people *people, struct person *person, enum person_place where)
{
	struct link *const queues[] = { NULL, &people->changed, &people->dirty, &people->idle };
	if (person->place == PERSON_IDLE)
		people->idle_count--;
	list_remove(&person->queue);
	person->place = (uint8_t)where;
	if (where != PERSON_NOWHERE)
		list_add_last(queues[where], &person->queue);
	if (where == PERSON_IDLE)
		people->idle_count++;
}

/*
 * Where somebody belongs who has nothing to be told. May free those who have been idle for the
 * longest, `person` last.
 */
static void place_at_rest(struct people *people, struct person *person)
{
	if (person->sessions == 0 && person->is_dirty)
		place(people, person, PERSON_DIRTY);
	else if (person->sessions == 0 && list_is_empty(&person->watches))
		place(people, person, PERSON_IDLE);
	else
		place(people, person, PERSON_NOWHERE);
	while (people->idle_count > people->remember) {
		people->idle_count--;
		forget(people, PEOPLE_OF(people->idle.next, struct person, queue));
	}
}

static void place_changed(struct people *people, struct person *person, int64_t mono_ms)
{
	person->due_ms = mono_ms + people->delay_ms;
	place(people, person, PERSON_CHANGED);
}

/* ---- other nodes ---- */

/* Told when it changes; of who is of no interest nothing is known. */
static void check_interest(const struct people *people, struct person *person)
{
	int is_wanted = person->sessions > 0 || !list_is_empty(&person->watches) ||
			person->place == PERSON_CHANGED;
	if (!people->interest || person->is_of_interest == is_wanted)
		return;
	person->is_of_interest = (uint8_t)is_wanted;
	person->is_known = person->is_dirty; /* they may have been elsewhere since */
	person->is_elsewhere_known = 0;
	person->elsewhere = NUNCIO_PRESENCE_OFFLINE;
	people->interest(person_user(person), is_wanted, people->context);
}

/* Who was there already is no news, and who comes here besides is none either. */
static void learn_elsewhere(struct person *person, enum nuncio_presence_status state)
{
	person->is_elsewhere_known = 1;
	person->elsewhere = (uint8_t)state;
	if (person->told == NUNCIO_PRESENCE_OFFLINE)
		person->told = (uint8_t)state;
}

void people_set_elsewhere(struct people *people, struct nuncio_str user,
	enum nuncio_presence_status state, int64_t mono_ms, int64_t wall_ms)
{
	struct person *person = people_find(people, user);
	if (!person || !person->is_of_interest)
		return;
	if (!person->is_elsewhere_known) {
		learn_elsewhere(person, state);
		return;
	}
	if (person->elsewhere == state)
		return;
	person->elsewhere = (uint8_t)state;
	if (state == NUNCIO_PRESENCE_OFFLINE && person->sessions == 0) {
		person->last_seen_ms = wall_ms; /* the other node writes it */
		person->is_known = 1;
	}
	place_changed(people, person, mono_ms);
}

int people_is_sure(const struct people *people, const struct person *person)
{
	if (!person)
		return 0;
	if (people->interest && !person->is_elsewhere_known)
		return 0;
	return person->is_known || person_status(person) != NUNCIO_PRESENCE_OFFLINE;
}

/* ---- followers ---- */

static struct follower *follower_get(
	struct people *people, struct follower **follower, uint64_t sid)
{
	if (*follower)
		return *follower;
	*follower = nuncio_alloc(sizeof **follower);
	(*follower)->sid = sid;
	list_add_last(&people->followers, &(*follower)->all);
	return *follower;
}

/* Nobody goes to rest yet: they may be on the new list, too. */
static void unfollow_all(struct follower *follower)
{
	for (size_t i = 0; i < follower->count; i++)
		list_remove(&follower->watches[i].of_person);
}

static void settle_unfollowed(struct people *people, const struct watch *watches, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct person *person = watches[i].person;
		check_interest(people, person);
		if (person->place == PERSON_NOWHERE)
			place_at_rest(people, person);
	}
}

/* Within one list a repeated user finds its own session at the end of the person's. */
static int is_followed_by(const struct person *person, uint64_t sid)
{
	return !list_is_empty(&person->watches) &&
	       PEOPLE_OF(person->watches.prev, struct watch, of_person)->sid == sid;
}

static void follow(struct people *people, struct follower *follower, struct nuncio_str user)
{
	struct person *person = find_or_add(people, user);
	if (is_followed_by(person, follower->sid))
		return;
	struct watch *watch = &follower->watches[follower->count++];
	watch->person = person;
	watch->sid = follower->sid;
	list_add_last(&person->watches, &watch->of_person);
	if (person->place == PERSON_IDLE)
		place(people, person, PERSON_NOWHERE);
	check_interest(people, person);
}

void people_follow(struct people *people, struct follower **follower, uint64_t sid,
	const struct nuncio_str *users, size_t n)
{
	if (!*follower && n == 0)
		return;
	struct follower *f = follower_get(people, follower, sid);
	struct watch *old = f->watches;
	size_t old_count = f->count;
	unfollow_all(f);
	f->watches = n ? nuncio_alloc(n * sizeof *f->watches) : NULL;
	f->count = 0;
	for (size_t i = 0; i < n; i++)
		follow(people, f, users[i]);
	settle_unfollowed(people, old, old_count);
	free(old);
}

int people_let_see(
	struct people *people, struct follower *follower, struct nuncio_str user, int may_see)
{
	const struct person *person = people_find(people, user);
	for (size_t i = 0; person && i < follower->count; i++) {
		struct watch *watch = &follower->watches[i];
		if (watch->person != person)
			continue;
		int is_new = watch->may_see != may_see;
		watch->may_see = may_see;
		return is_new;
	}
	return 0;
}

/* ---- coming, going, away ---- */

struct person *people_login(struct people *people, struct nuncio_str user, int64_t mono_ms)
{
	struct person *person = find_or_add(people, user);
	person->sessions++;
	person->is_ours = 1;
	check_interest(people, person);
	if (people_wants_dnd(people, person))
		place(people, person, PERSON_NOWHERE);
	else
		place_changed(people, person, mono_ms);
	return person;
}

void people_logout(struct people *people, struct nuncio_str user, struct follower **follower,
	int64_t mono_ms, int64_t wall_ms)
{
	struct person *person = people_find(people, user);
	if (person && person->sessions > 0) {
		person->sessions--;
		if (*follower && (*follower)->is_away)
			person->away--;
		if (person->sessions == 0) {
			person->last_seen_ms = wall_ms;
			person->is_known = person->is_dirty = 1;
			/* Other nodes are told no more to whom that matters. */
			person->is_dnd_known = person->is_dnd_known && !people->interest;
		}
		person->is_ours = 1;
		place_changed(people, person, mono_ms);
	}
	if (!*follower)
		return;
	unfollow_all(*follower);
	settle_unfollowed(people, (*follower)->watches, (*follower)->count);
	free_follower(*follower);
	*follower = NULL;
}

void people_set_away(struct people *people, struct nuncio_str user, struct follower **follower,
	uint64_t sid, int is_away, int64_t mono_ms)
{
	struct person *person = people_find(people, user);
	int was_away = *follower ? (*follower)->is_away : 0;
	if (!person || person->sessions == 0 || was_away == is_away)
		return;
	follower_get(people, follower, sid)->is_away = is_away;
	person->away += is_away ? 1u : (uint32_t)-1;
	person->is_ours = 1;
	place_changed(people, person, mono_ms);
}

void people_set_dnd(struct people *people, struct nuncio_str user, int is_dnd, int64_t mono_ms)
{
	struct person *person = people_find(people, user);
	if (!person)
		return;
	int is_news = person->is_dnd != is_dnd || people_wants_dnd(people, person);
	person->is_dnd = (uint8_t)is_dnd;
	person->is_dnd_known = person->sessions > 0 || !people->interest;
	if (is_news && person->sessions > 0)
		place_changed(people, person, mono_ms);
}

void people_read_dnd(
	struct people *people, struct nuncio_str user, int is_dnd, uint64_t number, int64_t mono_ms)
{
	struct person *person = people_find(people, user);
	if (!person || number < person->dnd_read)
		return;
	person->dnd_read = number;
	people_set_dnd(people, user, is_dnd, mono_ms);
}

void people_go_without_dnd(struct people *people, struct nuncio_str user, int64_t mono_ms)
{
	struct person *person = people_find(people, user);
	if (person && person->sessions > 0 && !person->is_dnd_known)
		place_changed(people, person, mono_ms);
}

int people_wants_dnd(const struct people *people, const struct person *person)
{
	return person && people->is_dnd_stored && person->sessions > 0 && !person->is_dnd_known;
}

static enum nuncio_presence_status status_of_sessions(const struct person *person)
{
	if (person->is_dnd)
		return NUNCIO_PRESENCE_DND;
	return person->away == person->sessions ? NUNCIO_PRESENCE_AWAY : NUNCIO_PRESENCE_ONLINE;
}

enum nuncio_presence_status status_join(
	enum nuncio_presence_status a, enum nuncio_presence_status b)
{
	static const uint8_t weight[] = { [NUNCIO_PRESENCE_OFFLINE] = 0,
		[NUNCIO_PRESENCE_AWAY] = 1,
		[NUNCIO_PRESENCE_ONLINE] = 2,
		[NUNCIO_PRESENCE_DND] = 3 };
	return weight[a] >= weight[b] ? a : b;
}

enum nuncio_presence_status person_status(const struct person *person)
{
	if (!person)
		return NUNCIO_PRESENCE_OFFLINE;
	enum nuncio_presence_status elsewhere = (enum nuncio_presence_status)person->elsewhere;
	if (person->sessions > 0)
		return status_join(status_of_sessions(person), elsewhere);
	if (elsewhere != NUNCIO_PRESENCE_OFFLINE)
		return elsewhere;
	return person->place == PERSON_CHANGED ? (enum nuncio_presence_status)person->told
					       : NUNCIO_PRESENCE_OFFLINE;
}

int people_show(struct person *person)
{
	enum nuncio_presence_status status = person_status(person);
	if (status == person->told)
		return 0;
	person->was = person->told;
	person->told = (uint8_t)status;
	return 1;
}

void people_remember(struct people *people, struct nuncio_str user, int64_t last_seen_ms)
{
	if (people->remember == 0 && !people_find(people, user))
		return;
	struct person *person = find_or_add(people, user);
	/* Where there are other nodes the store may know better than we do. */
	if (person->is_known && (!people->interest || person->last_seen_ms >= last_seen_ms))
		return;
	person->is_known = 1;
	person->last_seen_ms = last_seen_ms;
	if (person->place != PERSON_CHANGED)
		place_at_rest(people, person);
}

/* ---- what is to be told and written ---- */

struct person *people_next_due(
	struct people *people, int64_t mono_ms, int *is_news_r, int64_t *wait_ms_r)
{
	*wait_ms_r = -1;
	if (list_is_empty(&people->changed))
		return NULL;
	struct person *person = PEOPLE_OF(people->changed.next, struct person, queue);
	if (person->due_ms > mono_ms) {
		*wait_ms_r = person->due_ms - mono_ms;
		return NULL;
	}
	place(people, person, PERSON_NOWHERE);
	*is_news_r = people_show(person);
	return person;
}

void people_settled(struct people *people, struct person *person)
{
	person->is_ours = 0;
	check_interest(people, person);
	if (person->place == PERSON_NOWHERE)
		place_at_rest(people, person);
}

struct person *people_next_dirty(const struct people *people)
{
	return list_is_empty(&people->dirty) ? NULL
					     : PEOPLE_OF(people->dirty.next, struct person, queue);
}

void people_written(struct people *people, struct person *person)
{
	person->is_dirty = 0;
	place_at_rest(people, person);
}

void people_leave_all(struct people *people, int64_t wall_ms)
{
	for (size_t i = 0; i < people->size; i++) {
		for (struct person *person = people->buckets[i]; person; person = person->next) {
			if (person->sessions > 0) {
				person->sessions = person->away = 0;
				person->last_seen_ms = wall_ms;
				person->is_known = person->is_dirty = 1;
			}
			if (person->is_dirty)
				place(people, person, PERSON_DIRTY);
		}
	}
}
