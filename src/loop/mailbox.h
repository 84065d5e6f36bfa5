/* SPDX-License-Identifier: MIT */
#ifndef LOOP_MAILBOX_H
#define LOOP_MAILBOX_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop;

/*
 * Bounded queue of messages into one loop, from any thread. Messages of one thread keep their
 * order. The loop is woken once when the box turns from empty to non-empty, and not at all when the
 * poster is the loop's own thread: the owner drains it from an on_turn callback, which suffices for
 * both.
 *
 * A mail is embedded as the first member of the real message. A post that returns 0 gives it to the
 * receiver, who frees it; after BUSY it is still the poster's.
 */
struct mail {
	struct mail *next;
	uint32_t kind;
	uint32_t bytes; /* of outbox_add_bytes; the queue's own until mailbox_done */
};

struct mailbox {
	pthread_mutex_t lock;
	struct mail *first, *last; /* under lock */
	atomic_size_t count;       /* written under lock, read anywhere */
	atomic_size_t refused;     /* likewise: posts that found it full */
	atomic_size_t bytes;       /* posted and not done */
	size_t limit, bytes_limit; /* of bytes 0: none */
	struct loop *to;
};

void mailbox_init(struct mailbox *mb, struct loop *to, size_t limit); /* to NULL: nobody is woken */
void mailbox_fini(struct mailbox *mb);                                /* must be empty */
/*
 * Bounds it in bytes, too: of what outbox_add_bytes counted, from the post until the receiver says
 * mailbox_done. 0: not. Before the first post.
 */
void mailbox_limit_bytes(struct mailbox *mb, size_t limit);

/*
 * NUNCIO_E_BUSY when `limit` messages or more are waiting, or as many bytes; a batch is taken whole
 * or not at all, and may pass the limit by its own length. A single one counts no bytes. Thread:
 * any.
 */
int mailbox_post(struct mailbox *mb, struct mail *m);

/* Ignores the limit: for answers that must not be lost, whose number a request has bounded. */
void mailbox_post_forced(struct mailbox *mb, struct mail *m);

struct mail *mailbox_take_all(struct mailbox *mb); /* receiver: oldest first, or NULL */
struct mail *mailbox_take_counted(struct mailbox *mb, size_t *n_r); /* and how many */
/* Receiver: so many bytes of what it took (the sum of mail.bytes) are no more the queue's. */
void mailbox_done(struct mailbox *mb, size_t bytes);
size_t mailbox_count(const struct mailbox *mb); /* any thread; a moment's truth */
bool mailbox_is_over(const struct mailbox *mb); /* high water: more than half of a limit */

/* How a bounded queue fares, here and elsewhere; a moment's truth. Thread: any. */
struct queue_stats {
	size_t depth, limit;       /* limit 0: bounded by what comes in, not here */
	uint64_t refused;          /* since start */
	size_t bytes, bytes_limit; /* of a mailbox; limit 0: not bounded in bytes */
};
void mailbox_stats(const struct mailbox *mb, struct queue_stats *stats_r);

/*
 * A producer's own list for one mailbox, so that a turn's messages cost one lock and one wake.
 * Belongs to the producer's thread.
 */
struct outbox {
	struct mailbox *to;
	struct mail *first, *last;
	size_t count, bytes;
};

void outbox_init(struct outbox *ob, struct mailbox *to);
void outbox_add(struct outbox *ob, struct mail *m);                     /* counts no bytes */
void outbox_add_bytes(struct outbox *ob, struct mail *m, size_t bytes); /* at most 4 GiB */
/* One turn has brought enough: half of the messages that the mailbox may have, or an eighth of the
 * bytes. */
bool outbox_is_over(const struct outbox *ob);
int outbox_flush(struct outbox *ob);             /* 0, or BUSY: everything stays in the outbox */
void outbox_flush_forced(struct outbox *ob);     /* never refused */
struct mail *outbox_take_all(struct outbox *ob); /* for clean-up: oldest first, or NULL */

#endif
