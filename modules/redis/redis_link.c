/* SPDX-License-Identifier: MIT */
/*
 * See redis_link.h. Of hiredis only the parser is used: its asynchronous half, in the version of
 * Debian 12, has neither time-outs nor TLS and asserts what a server says to subscribers.
 *
 * Any callback may close the link, so after each one the epoch tells whether this is still the same
 * connection. States: closed, resolving, connecting, greeting (TLS, AUTH, SELECT, PING), up.
 */
#include "redis/redis_link.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include <hiredis/hiredis.h>

#include <nuncio/timer.h>
#include <nuncio/watch.h>

#include "redis/redis_buffer.h"
#include "redis/redis_resolve.h"
#include "redis/redis_tls.h"

enum {
	READ_BYTES = 64 * 1024,
	OUT_MOST = 64 * 1024 * 1024,
	ANSWER_BYTES_MAX = 64 * 1024 * 1024, /* ours are some hundred KB */
	CHECKS_PER_TIMEOUT = 4,
	PATIENT_MS = 20, /* far below any time-out */
	PATIENT_MOST = 1000
};

enum link_state { LINK_CLOSED, LINK_RESOLVING, LINK_CONNECTING, LINK_GREETING, LINK_UP };

/* A question without an answer. */
struct question {
	struct question *next;
	redis_reply_fn *fn; /* NULL: nobody wants to know */
	void *user;
	int64_t asked_ms;
	bool is_patient;
};

struct redis_link {
	const struct redis_conf *conf;
	struct redis_link_events events;
	void *user;
	enum link_state state;
	unsigned epoch; /* grows when it is closed */
	bool is_sentinel;
	struct redis_address address;
	struct redis_resolve *resolve; /* under way */
	struct redis_stream stream;
	struct nuncio_watch *watch;
	int watched; /* NUNCIO_WATCH_ */
	struct nuncio_timer *check, *flush;
	struct nuncio_timer *patient; /* while it runs, it reads what only patient ones ask */
	bool was_patient;             /* one was asked since it came last */
	int64_t opened_ms;
	redisReader *reader;
	size_t unread;                  /* bytes of an answer that is not whole yet */
	struct redis_buffer out, early; /* early: asked before it was up */
	size_t written;                 /* of out */
	struct question *first, **last;
	size_t waiting, impatient; /* of them */
};

static void on_flush(void *user);
static void on_patient(void *user);
static void on_ready(int fd, int events, void *user);

struct redis_link *redis_link_new(
	const struct redis_conf *conf, const struct redis_link_events *events, void *user)
{
	struct redis_link *link = nuncio_alloc(sizeof *link);
	link->conf = conf;
	link->events = *events;
	link->user = user;
	link->stream.fd = -1;
	link->last = &link->first;
	return link;
}

bool redis_link_is_open(const struct redis_link *link)
{
	return link->state != LINK_CLOSED;
}

bool redis_link_is_up(const struct redis_link *link)
{
	return link->state == LINK_UP;
}

const struct redis_address *redis_link_address(const struct redis_link *link)
{
	return &link->address;
}

size_t redis_link_waiting(const struct redis_link *link)
{
	return link->waiting;
}

/* ---- the end ---- */

static void fail_questions(struct question *question)
{
	while (question) {
		struct question *next = question->next;
		if (question->fn)
			question->fn(NULL, question->user);
		free(question);
		question = next;
	}
}

static struct question *take_down(struct redis_link *link)
{
	struct question *questions = link->first;
	link->state = LINK_CLOSED;
	link->epoch++;
	redis_resolve_forget(&link->resolve);
	nuncio_watch_stop(&link->watch);
	nuncio_timer_stop(&link->check);
	nuncio_timer_stop(&link->flush);
	nuncio_timer_stop(&link->patient);
	redis_stream_close(&link->stream);
	if (link->reader)
		redisReaderFree(link->reader);
	link->reader = NULL;
	redis_buffer_free(&link->out);
	redis_buffer_free(&link->early);
	link->first = NULL;
	link->last = &link->first;
	link->waiting = link->impatient = link->written = 0;
	link->was_patient = false;
	return questions;
}

void redis_link_close(struct redis_link *link, const char *why)
{
	char words[256];
	if (link->state == LINK_CLOSED)
		return;
	snprintf(words, sizeof words, "%s", why); /* may be in what is freed now */
	unsigned epoch = link->epoch + 1;
	fail_questions(take_down(link));
	if (link->epoch == epoch && link->state == LINK_CLOSED)
		link->events.down(link, words, link->user);
}

void redis_link_free(struct redis_link **link)
{
	if (!*link)
		return;
	fail_questions(take_down(*link));
	free(*link);
	*link = NULL;
}

static void end(struct redis_link *link, const struct nuncio_error *why)
{
	char at[300], words[600];
	snprintf(words, sizeof words, "%s: %s", redis_address_text(&link->address, at, sizeof at),
		why->text);
	redis_link_close(link, words);
}

static void end_with(struct redis_link *link, const char *words)
{
	struct nuncio_error why;
	nuncio_error_set(&why, "%s", words);
	end(link, &why);
}

/* ---- out ---- */

static void watch_for(struct redis_link *link, int events)
{
	if (link->watch && link->watched != events)
		nuncio_watch_set(link->watch, events);
	link->watched = events;
}

static int watch_to_read(const struct redis_link *link)
{
	return link->patient && !link->impatient ? 0 : NUNCIO_WATCH_READ;
}

static void write_out(struct redis_link *link)
{
	struct nuncio_error why;
	while (link->written < link->out.used) {
		ssize_t n = redis_stream_write(&link->stream, link->out.p + link->written,
			link->out.used - link->written, &why);
		if (n < 0) {
			end(link, &why);
			return;
		}
		if (n == 0)
			break;
		link->written += (size_t)n;
	}
	bool is_all = link->written == link->out.used;
	if (is_all || link->written > link->out.used / 2) {
		redis_buffer_drop(&link->out, link->written);
		link->written = 0;
	}
	watch_for(link, watch_to_read(link) |
				(is_all && !link->stream.wants_write ? 0 : NUNCIO_WATCH_WRITE));
}

static void on_flush(void *user)
{
	struct redis_link *link = user;
	link->flush = NULL;
	if (link->state >= LINK_GREETING && link->out.used)
		write_out(link);
}

/* Everything of this turn leaves together at its end. */
static void flush_soon(struct redis_link *link)
{
	if (!link->flush)
		link->flush = nuncio_timer_start(link->conf->self, 0, 0, on_flush, link);
}

void redis_link_flush(struct redis_link *link)
{
	nuncio_timer_stop(&link->flush);
	on_flush(link);
}

static void add_question(struct redis_link *link, redis_reply_fn *fn, void *user, bool is_patient)
{
	struct question *question = nuncio_alloc(sizeof *question);
	question->fn = fn;
	question->user = user;
	question->asked_ms = nuncio_mono_ms();
	question->is_patient = is_patient;
	link->impatient += !is_patient;
	*link->last = question;
	link->last = &question->next;
	link->waiting++;
}

static int check_room(const struct redis_link *link)
{
	if (link->state == LINK_CLOSED)
		return NUNCIO_E_GONE;
	return link->waiting >= link->conf->queue || link->out.used + link->early.used > OUT_MOST
		       ? NUNCIO_E_BUSY
		       : 0;
}

static void add_command(struct redis_link *link, const struct nuncio_str *args, size_t count)
{
	redis_buffer_add_command(link->state == LINK_UP ? &link->out : &link->early, args, count);
	if (link->state == LINK_UP)
		flush_soon(link);
}

int redis_link_send(struct redis_link *link, const struct nuncio_str *args, size_t count,
	redis_reply_fn *fn, void *user)
{
	int rc = check_room(link);
	if (rc < 0)
		return rc;
	add_question(link, fn, user, false);
	add_command(link, args, count);
	return 0;
}

int redis_link_send_patiently(struct redis_link *link, const struct nuncio_str *args, size_t count,
	redis_reply_fn *fn, void *user)
{
	int rc = check_room(link);
	if (rc < 0)
		return rc;
	add_question(link, fn, user, link->state == LINK_UP && link->waiting < PATIENT_MOST);
	add_command(link, args, count);
	link->was_patient = true;
	if (!link->patient && link->state == LINK_UP)
		link->patient = nuncio_timer_start(
			link->conf->self, PATIENT_MS, PATIENT_MS, on_patient, link);
	return 0;
}

int redis_link_tell(struct redis_link *link, const struct nuncio_str *args, size_t count)
{
	int rc = check_room(link);
	if (rc == 0)
		add_command(link, args, count);
	return rc;
}

/* ---- in ---- */

static bool is_push(const struct redis_link *link, const redisReply *reply)
{
	static const char *const kinds[] = { "message", "subscribe", "unsubscribe" };
	if (!link->events.message || link->state != LINK_UP || reply->type != REDIS_REPLY_ARRAY ||
		reply->elements < 3 || reply->element[0]->type != REDIS_REPLY_STRING)
		return false;
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
		if (strcasecmp(reply->element[0]->str, kinds[i]) == 0)
			return true;
	return false;
}

static void take_reply(struct redis_link *link, const redisReply *reply)
{
	if (is_push(link, reply)) {
		link->events.message(link, reply, link->user);
		return;
	}
	struct question *question = link->first;
	if (!question) {
		end_with(link, reply->type == REDIS_REPLY_ERROR ? reply->str
								: "it says what nobody asked");
		return;
	}
	link->first = question->next;
	if (!link->first)
		link->last = &link->first;
	link->waiting--;
	link->impatient -= !question->is_patient;
	if (question->fn)
		question->fn(reply, question->user);
	free(question);
}

static void read_replies(struct redis_link *link)
{
	unsigned epoch = link->epoch;
	void *reply = NULL;
	while (link->epoch == epoch) {
		if (redisReaderGetReply(link->reader, &reply) != REDIS_OK) {
			end_with(link, link->reader->errstr);
			return;
		}
		if (!reply)
			return;
		link->unread = 0;
		take_reply(link, reply);
		freeReplyObject(reply);
	}
}

static void read_in(struct redis_link *link)
{
	static char bytes[READ_BYTES]; /* of the logic thread */
	struct nuncio_error why;
	unsigned epoch = link->epoch;
	ssize_t n;
	do {
		n = redis_stream_read(&link->stream, bytes, sizeof bytes, &why);
		if (n < 0) {
			end(link, &why);
			return;
		}
		if (n == 0) {
			if (link->stream.wants_write)
				watch_for(link, NUNCIO_WATCH_READ | NUNCIO_WATCH_WRITE);
			return;
		}
		link->unread += (size_t)n;
		if (link->unread > ANSWER_BYTES_MAX) {
			end_with(link, "an answer is larger than any that we have asked for");
			return;
		}
		redisReaderFeed(link->reader, bytes, (size_t)n);
		read_replies(link);
		/* What TLS has decrypted already, the descriptor does not tell. */
	} while (link->epoch == epoch && link->stream.ssl);
}

/* When nobody has been patient for a while, nothing is asked, or what is comes at once. */
static void on_patient(void *user)
{
	struct redis_link *link = user;
	unsigned epoch = link->epoch;
	if (!link->was_patient)
		nuncio_timer_stop(&link->patient);
	link->was_patient = false;
	if (link->impatient == 0)
		read_in(link);
	if (link->epoch == epoch && !link->patient)
		watch_for(link, link->watched | NUNCIO_WATCH_READ);
}

/* ---- the way up ---- */

/* The last of the greeting: whoever answers that is there. */
static void on_ping(const redisReply *reply, void *user)
{
	struct redis_link *link = user;
	if (!reply)
		return; /* closed */
	if (reply->type == REDIS_REPLY_ERROR) {
		end_with(link, reply->str);
		return;
	}
	link->state = LINK_UP;
	for (struct question *early = link->first; early; early = early->next)
		early->asked_ms = nuncio_mono_ms(); /* is asked now */
	redis_buffer_add(&link->out, link->early.p, link->early.used);
	redis_buffer_free(&link->early);
	flush_soon(link);
	link->events.up(link, link->user);
}

static void on_greeting(const redisReply *reply, void *user)
{
	if (reply && reply->type == REDIS_REPLY_ERROR)
		end_with(user, reply->str);
}

/* Goes before what was asked early: those questions wait behind the greeting's. */
static void greet(struct redis_link *link)
{
	const struct redis_conf *conf = link->conf;
	const char *password = link->is_sentinel ? conf->sentinel_password : conf->password;
	struct question *early = link->first, **early_last = link->last;
	char db[24];
	snprintf(db, sizeof db, "%lld", (long long)conf->db);
	link->first = NULL;
	link->last = &link->first;
	if (password[0]) {
		bool has_user = conf->user[0] && !link->is_sentinel;
		struct nuncio_str args[] = { nuncio_text("AUTH"),
			nuncio_text(has_user ? conf->user : password), nuncio_text(password) };
		redis_buffer_add_command(&link->out, args, has_user ? 3 : 2);
		add_question(link, on_greeting, link, false);
	}
	if (conf->db && !link->is_sentinel) {
		struct nuncio_str args[] = { nuncio_text("SELECT"), nuncio_text(db) };
		redis_buffer_add_command(&link->out, args, 2);
		add_question(link, on_greeting, link, false);
	}
	struct nuncio_str ping[] = { nuncio_text("PING") };
	redis_buffer_add_command(&link->out, ping, 1);
	add_question(link, on_ping, link, false);
	if (early) {
		*link->last = early;
		link->last = early_last;
	}
	write_out(link);
}

static void go_up(struct redis_link *link)
{
	struct nuncio_error why;
	if (link->state == LINK_CONNECTING) {
		int error = 0;
		socklen_t size = sizeof error;
		getsockopt(link->stream.fd, SOL_SOCKET, SO_ERROR, &error, &size);
		if (error) {
			end_with(link, strerror(error));
			return;
		}
	}
	int rc = redis_stream_open(&link->stream, &why);
	if (rc < 0) {
		end(link, &why);
		return;
	}
	if (rc == 0) {
		watch_for(link, link->stream.wants_write ? NUNCIO_WATCH_WRITE : NUNCIO_WATCH_READ);
		return;
	}
	link->state = LINK_GREETING;
	greet(link);
}

static void on_ready(int fd, int events, void *user)
{
	struct redis_link *link = user;
	unsigned epoch = link->epoch;
	(void)fd;
	if (link->state == LINK_CONNECTING) {
		go_up(link);
		return;
	}
	if (events & NUNCIO_WATCH_WRITE || link->stream.wants_write)
		write_out(link);
	if (link->epoch == epoch && events & NUNCIO_WATCH_READ)
		read_in(link);
}

static int connect_to(struct redis_link *link, const struct sockaddr *sa, socklen_t size)
{
	const struct redis_conf *conf = link->conf;
	int one = 1, fd = socket(sa->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	const char *host = conf->checks_host ? link->address.host : NULL;
	if (redis_stream_init(&link->stream, fd, conf->tls, host) < 0) {
		redis_stream_close(&link->stream);
		return -ENOMEM;
	}
	return connect(fd, sa, size) < 0 && errno != EINPROGRESS ? -errno : 0;
}

static void on_resolved(const struct sockaddr *sa, socklen_t size, const char *why, void *user)
{
	struct redis_link *link = user;
	link->resolve = NULL;
	if (!sa) {
		end_with(link, why);
		return;
	}
	int rc = connect_to(link, sa, size);
	if (rc < 0) {
		end_with(link, strerror(-rc));
		return;
	}
	link->state = LINK_CONNECTING;
	link->reader = redisReaderCreate();
	link->unread = 0;
	if (!link->reader)
		abort();
	link->watched = NUNCIO_WATCH_WRITE;
	link->watch = nuncio_watch_start(
		link->conf->self, link->stream.fd, link->watched, on_ready, link);
}

/* The oldest question tells: answers come in order. */
static void on_check(void *user)
{
	struct redis_link *link = user;
	int64_t now_ms = nuncio_mono_ms();
	if (link->state != LINK_UP) {
		if (now_ms - link->opened_ms > link->conf->timeout_ms)
			end_with(link, "no connection in time");
	} else if (link->first && now_ms - link->first->asked_ms > link->conf->timeout_ms) {
		end_with(link, "no answer in time");
	}
}

void redis_link_open(struct redis_link *link, const struct redis_address *address, bool is_sentinel)
{
	if (link->state != LINK_CLOSED)
		abort();
	link->address = *address;
	link->is_sentinel = is_sentinel;
	link->state = LINK_RESOLVING;
	link->opened_ms = nuncio_mono_ms();
	uint32_t every_ms = link->conf->timeout_ms / CHECKS_PER_TIMEOUT;
	link->check = nuncio_timer_start(link->conf->self, every_ms, every_ms, on_check, link);
	redis_resolve_start(link->conf->self, &link->address, on_resolved, link, &link->resolve);
}

void redis_link_pump(struct redis_link *link, int wait_ms)
{
	if (link->state == LINK_RESOLVING)
		redis_resolve_now(&link->resolve);
	if (link->state >= LINK_GREETING && link->out.used)
		write_out(link);
	if (link->state < LINK_CONNECTING)
		return;
	/* The timer for patient questions does not run either. */
	bool reads = link->watched & NUNCIO_WATCH_READ || link->patient;
	struct pollfd one = { .fd = link->stream.fd,
		.events = (short)((reads ? POLLIN : 0) |
				  (link->watched & NUNCIO_WATCH_WRITE ? POLLOUT : 0)) };
	int n = poll(&one, 1, wait_ms);
	if (n > 0)
		on_ready(one.fd,
			(one.revents & POLLOUT ? NUNCIO_WATCH_WRITE : 0) |
				(one.revents & ~POLLOUT ? NUNCIO_WATCH_READ : 0),
			link);
	if (link->state != LINK_CLOSED)
		on_check(link);
}
