/* SPDX-License-Identifier: MIT */
#ifndef WEBHOOK_H
#define WEBHOOK_H

/*
 * What the files of this module share. Everything runs on the logic thread but sender.c's own
 * thread, which sees posts and nothing else.
 */

#include <nuncio/conversation.h>
#include <nuncio/hooks.h>
#include <nuncio/json.h>
#include <nuncio/metric.h>
#include <nuncio/store.h>
#include <nuncio/text.h>
#include <nuncio/timer.h>

#include <stdbool.h>

#define SPACE_OUT "webhook.out"   /* owner: conversation, key: seq as 20 digits */
#define SPACE_DEAD "webhook.dead" /* likewise: what was given up */

enum {
	SEQ_DIGITS = 20,
	CONVERSATION_BYTES = 255,
	BATCH_EVENTS = 50,
	BATCH_BYTES = 256 * 1024,
	ANSWER_BYTES_MAX = 64 * 1024,
	KEYS_MAX = 8,
	KEY_BYTES_MIN = 16,
	KEY_BYTES_MAX = 4096
};

/* --- sign.c: keys and signatures --- */

struct sign_keys {
	struct {
		unsigned char bytes[KEY_BYTES_MAX];
		size_t count;
	} key[KEYS_MAX];
	size_t count;
};
/* Adds the content of a file, without the line's end; negative with path and reason in err. */
int sign_add_file(struct sign_keys *keys, const char *path, struct nuncio_error *err);
/*
 * The value of Nuncio-Signature: `t=<seconds>,v1=<hex>` with one v1 per key, of "<seconds>.<body>".
 * Static size: SIGNATURE_SIZE is always enough.
 */
enum { SIGNATURE_SIZE = 32 + KEYS_MAX * 72 };
void sign_write(const struct sign_keys *keys, int64_t seconds, struct nuncio_str body,
	char out[SIGNATURE_SIZE]);

/* --- sender.c: a thread that speaks HTTP --- */

struct sender;
/* One POST. The maker fills the upper part; the sender gives it back on the logic thread. */
struct post;
typedef void post_done_fn(struct post *post);
struct post {
	const char *url; /* lives as long as the sender */
	char *body;      /* malloc'd; the post's */
	size_t body_bytes;
	char signature[SIGNATURE_SIZE], delivery[80]; /* headers; delivery may be empty */
	long timeout_ms;
	bool wants_answer; /* else only the status counts, whatever comes with it */
	post_done_fn *done;
	void *user;
	/* the outcome */
	long status; /* of HTTP; 0: none came, `error` says why */
	char error[160];
	char *answer; /* at most ANSWER_BYTES_MAX, NUL-ended, may be NULL */
	size_t answer_bytes;
	/* the sender's own */
	struct sender *sender;
	struct post *next, *prev;
	void *headers, *easy;
};
struct post *post_new(void);
void post_free(struct post **post);

/* `most` posts are under way at once, the others wait in the order they came. */
struct sender *sender_start(struct nuncio_module *self, unsigned most, struct nuncio_error *err);
/*
 * Ends the thread; what is under way is broken off. Every post comes back: here, or with the calls
 * that wait for the logic thread, at the latest before the module's fini.
 */
void sender_stop(struct sender **sender);
/* Takes the post; NUNCIO_E_BUSY: too many wait, the post stays the caller's. */
int sender_post(struct sender *sender, struct post *post);

/* --- outbox.c: what is to be delivered, per conversation, in order --- */

struct webhook;
struct outbox;
struct outbox *outbox_new(struct webhook *w);
void outbox_finish(struct outbox *outbox); /* what can be done before the store stops */
void outbox_free(struct outbox **outbox);
void outbox_pause(struct outbox *outbox); /* the lease is lost */
void outbox_sweep(struct outbox *outbox); /* with the lease, now and then */
void outbox_add(struct outbox *outbox, struct nuncio_str conversation, uint64_t seq);
void outbox_scan(
	struct outbox *outbox); /* reads the records: at the start, and after an overflow */
size_t outbox_count(const struct outbox *outbox);
/*
 * What was given up is tried again. done comes once, not before this returns: how many events, or a
 * negative status. NUNCIO_E_BUSY: a replay is under way; then it does not come.
 */
typedef void replayed_fn(int64_t count, void *user);
int outbox_replay(struct outbox *outbox, replayed_fn *done, void *user);

/* --- lease.c: which node delivers, when there are several --- */

struct lease;
struct lease *lease_start(struct webhook *w, int64_t length_ms);
bool lease_is_held(const struct lease *lease);
void lease_stop(struct lease *lease); /* given up, if it is ours */
void lease_free(struct lease **lease);

/* --- hint.c: what is due, told to the node that delivers --- */

struct hints;
int hints_new(struct webhook *w); /* sets w->hints; in init */
void hints_add(struct hints *hints, struct nuncio_str conversation, uint64_t seq);
void hints_free(struct hints **hints);

/* --- ask.c: may this message be sent? --- */

struct asking;
struct asking *asking_new(struct webhook *w);
void asking_free(struct asking **asking);
enum nuncio_verdict asking_on_send(
	struct nuncio_ask *ask, const struct nuncio_send *what, void *user);
enum nuncio_verdict asking_on_edit(
	struct nuncio_ask *ask, const struct nuncio_send *what, void *user);

/* --- backoff.c: pure: when not to ask any more --- */

struct breaker {
	uint32_t failures, limit;
	int64_t open_until_ms, open_ms;
};
bool breaker_lets(
	struct breaker *b, int64_t now_ms); /* one attempt after the pause, then as it ends */
void breaker_note(struct breaker *b, bool is_good, int64_t now_ms);

/* --- backoff.c: pure: how long to wait after so many failures in a row; with jitter --- */

int64_t backoff_ms(unsigned failures, int64_t least_ms, int64_t most_ms, uint32_t random);

/* --- the module --- */

struct webhook {
	struct nuncio_module *self;
	char *url, *ask_url; /* "" when not used */
	struct sign_keys *keys;
	int64_t timeout_ms, ask_timeout_ms, backoff_least_ms, backoff_most_ms;
	uint32_t attempts, max_pending, max_asks;
	bool ask_fails_open, is_stopping;
	struct breaker breaker;
	struct sender *sender;
	struct outbox *outbox;
	struct lease *lease; /* NULL: there is one node */
	struct hints *hints;
	struct asking *asking;
	struct {
		struct nuncio_counter *delivered, *failed, *dead, *asked, *ask_failed, *ask_skipped;
		struct nuncio_gauge *pending, *delivering;
	} count;
};
bool webhook_wants(const struct webhook *w, const struct nuncio_event *event);
uint32_t webhook_random(void);

#endif
