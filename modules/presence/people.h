/* SPDX-License-Identifier: MIT */
#ifndef MODULES_PRESENCE_PEOPLE_H
#define MODULES_PRESENCE_PEOPLE_H

#include <stddef.h>
#include <stdint.h>

#include <nuncio/services/presence.h>
#include <nuncio/text.h>

/*
 * Who is here, who follows whom, and whose change has to be told. Pure state: no clock, no sending,
 * no store; times come in as arguments.
 *
 * A person exists while they have sessions, followers, or something to be told or written; after
 * that they are kept among the idle ones as a memory of when they were last seen, the oldest given
 * up when there are more than `remember`.
 */
struct link {
	struct link *prev, *next;
};

enum person_place {
	PERSON_NOWHERE = 0, /* online, or followed */
	PERSON_CHANGED = 1, /* waits until the change has lasted */
	PERSON_DIRTY = 2,   /* last_seen_ms is to be written */
	PERSON_IDLE = 3     /* only remembered */
};

struct person {
	struct person *next; /* of the same hash */
	uint64_t hash;
	struct link queue;       /* of its place */
	struct link watches;     /* of those who follow */
	int64_t due_ms;          /* CHANGED: when */
	int64_t last_seen_ms;    /* wall clock; 0: never, or not known */
	uint32_t sessions, away; /* live ones, and those of them that are away */
	/* told: what followers know; was: what they knew before; enum nuncio_presence_status */
	uint8_t place, told, was;
	uint8_t is_known; /* last_seen_ms says what there is to say */
	uint8_t is_dirty;
	uint8_t is_dnd;       /* not to be disturbed; kept while they are remembered */
	uint8_t is_dnd_known; /* nothing else can be in the store */
	/* Where there are other nodes: what their sessions there come to, while of interest. */
	uint8_t elsewhere, is_elsewhere_known, is_of_interest;
	uint8_t is_ours;   /* what is to be told began on this node */
	uint64_t dnd_read; /* number of the newest read that has said so */
	uint32_t user_bytes;
	char user[];
};

struct watch {
	struct link of_person;
	struct person *person; /* NULL: unused */
	uint64_t sid;
	int may_see; /* is told of changes; 0 until it is known */
};

/* What a session has said: exists only for those that follow somebody or are away. */
struct follower {
	struct link all;
	uint64_t sid;
	int is_away;
	size_t count;
	struct watch *watches;
};

/* Somebody with sessions or followers here becomes of interest (1), or is no more (0). */
typedef void people_interest_fn(struct nuncio_str user, int on, void *context);

struct people {
	people_interest_fn *interest; /* NULL: there are no other nodes, as far as is known */
	void *context;
	struct person **buckets;
	size_t size, count, idle_count, remember;
	uint64_t seed;
	int64_t delay_ms;
	uint64_t dnd_reads;    /* how many have begun */
	uint8_t is_dnd_stored; /* so it has to be read for who comes */
	struct link changed, dirty, idle, followers;
};

void people_init(struct people *people, int64_t delay_ms, size_t remember);
void people_fini(struct people *people);

struct person *people_find(const struct people *people, struct nuncio_str user);
struct nuncio_str person_user(const struct person *person);

/*
 * A session came or went. The change is due after the delay; a further one within it starts the
 * delay anew. Of who comes, and may not want to be disturbed, nothing is due before that was read.
 */
struct person *people_login(struct people *people, struct nuncio_str user, int64_t mono_ms);
void people_logout(struct people *people, struct nuncio_str user, struct follower **follower,
	int64_t mono_ms, int64_t wall_ms);

/* What a session says about itself. *follower is made when it is NULL. */
void people_set_away(struct people *people, struct nuncio_str user, struct follower **follower,
	uint64_t sid, int is_away, int64_t mono_ms);

/* What the person says, for all their devices. Who is not known stays so. */
void people_set_dnd(struct people *people, struct nuncio_str user, int is_dnd, int64_t mono_ms);
/* The same, from the store: only if no later read has said something. */
void people_read_dnd(struct people *people, struct nuncio_str user, int is_dnd, uint64_t number,
	int64_t mono_ms);
/* It could not be read: what is in memory holds until somebody asks again. */
void people_go_without_dnd(struct people *people, struct nuncio_str user, int64_t mono_ms);
/* Has it to be read before something is said of them? person may be NULL. */
int people_wants_dnd(const struct people *people, const struct person *person);

/*
 * What is known of their sessions on other nodes; the first time since they are of interest it is
 * no news. Others are not remembered.
 */
void people_set_elsewhere(struct people *people, struct nuncio_str user,
	enum nuncio_presence_status state, int64_t mono_ms, int64_t wall_ms);
/* Is what is remembered of them, and of other nodes, good without asking? person may be NULL. */
int people_is_sure(const struct people *people, const struct person *person);

/* Replaces the list of a session. Nobody on it is seen before people_let_see. */
void people_follow(struct people *people, struct follower **follower, uint64_t sid,
	const struct nuncio_str *users, size_t n);

/*
 * Whether the session is told of them from now on. 1 when that is new; 0 also when it does not
 * follow them.
 */
int people_let_see(
	struct people *people, struct follower *follower, struct nuncio_str user, int may_see);

/* What two of them come to: not to be disturbed, online, away, offline. */
enum nuncio_presence_status status_join(
	enum nuncio_presence_status a, enum nuncio_presence_status b);

/* Coming shows at once; going only when it has lasted for the delay. person may be NULL. */
enum nuncio_presence_status person_status(const struct person *person);

/*
 * Before somebody is followed: makes what is told of them what person_status says, so that the new
 * follower and the old ones know the same. 1 when that is news for the old ones.
 */
int people_show(struct person *person);

/* What the store knew about somebody who is not here. */
void people_remember(struct people *people, struct nuncio_str user, int64_t last_seen_ms);

/*
 * The next whose delay is over, else NULL and in *wait_ms_r how long until then (-1: nobody waits).
 * When followers are to be told,
 * *is_news_r is 1 and person->told is the new status; they are in person->watches until
 *   people_settled, which must follow.
 */
struct person *people_next_due(
	struct people *people, int64_t mono_ms, int *is_news_r, int64_t *wait_ms_r);
void people_settled(struct people *people, struct person *person);

/*
 * The first whose last_seen_ms is to be written; people_written when it is on its way (or never
 * will be).
 */
struct person *people_next_dirty(const struct people *people);
void people_written(struct people *people, struct person *person);

/* The server stops: everybody who is online was seen now. */
void people_leave_all(struct people *people, int64_t wall_ms);

#define PEOPLE_OF(link_ptr, type, member) ((type *)((char *)(link_ptr)-offsetof(type, member)))

#endif
