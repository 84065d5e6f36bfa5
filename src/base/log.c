/* SPDX-License-Identifier: MIT */
/*
 * The log: one JSON object a line. Callers of any thread format their line, then append it under a
 * lock to `waiting`, a buffer bounded by ring_bytes; the writer thread swaps it with an empty one
 * and writes without the lock. So a caller waits for memory, never for the disk. Lines below ERROR
 * are collected for BATCH_MS before the writer wakes; ERROR wakes it at once; FATAL is written by
 * its caller, who is about to end the process.
 *
 * When the sink is slow the buffer fills: over 3/4 DEBUG is dropped, over 13/16 INFO, over 7/8
 * WARN, and ERROR only when there is no room. What was dropped is counted and told in a line of its
 * own as soon as a batch gets through. Without the writer thread (before log_start_writer, after
 * log_stop) callers write directly.
 *
 * Lines of one thread keep their order. All state is static: a process has one log, and code that
 * logs should not have to carry it. `lock` guards `waiting` and the flags, `sink_lock` guards the
 * file; when both are taken, sink_lock is first.
 */
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/slice.h"
#include "base/utf8.h"

enum {
	RING_BYTES_DEFAULT = 1 << 20,
	RING_BYTES_MIN = 4096,
	TEXT_BYTES_MAX = 4096, /* of a message or a text field; the rest is cut */
	BATCH_MS = 20,         /* how long lines below ERROR may wait for company */
	STOP_MS = 2000,        /* how long log_stop lets a stuck sink keep it */
	CHUNK_BYTES = 4096     /* PIPE_BUF: after POLLOUT so much does not block */
};

/* Lines on their way: `lines` says how many are lost when the write fails. */
struct batch {
	struct buf text;
	uint64_t lines;
};

static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct batch waiting;
	size_t ring_bytes;
	pthread_t writer;
	bool is_writing;  /* the writer thread exists */
	bool is_stopping; /* and is asked to end */
	bool is_urgent;   /* an ERROR waits */
	bool wants_reopen;

	pthread_mutex_t sink_lock;
	struct batch leaving;
	int fd; /* STDERR_FILENO without a path */
	char *path;
	bool is_torn;               /* the last write ended inside a line */
	_Atomic int64_t give_up_us; /* 0, or when a stuck sink is given up */

	char *service, *node; /* set while there is one thread */
	atomic_int level;
	atomic_uint_fast64_t dropped, told; /* lines, since start */
	atomic_uint_fast64_t lines[LOG_LEVEL_FATAL + 1];

	pthread_mutex_t capture_lock;
	_Atomic(log_capture_fn) capture;
	void *capture_user;
} the = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.sink_lock = PTHREAD_MUTEX_INITIALIZER,
	.capture_lock = PTHREAD_MUTEX_INITIALIZER,
	.changed = PTHREAD_COND_INITIALIZER,
	.ring_bytes = RING_BYTES_DEFAULT,
	.fd = STDERR_FILENO,
	.level = LOG_LEVEL_INFO,
};

/* ---- one line ---- */

static void add_json_char(struct buf *out, unsigned char c)
{
	switch (c) {
	case '"':
		buf_add_text(out, "\\\"");
		break;
	case '\\':
		buf_add_text(out, "\\\\");
		break;
	case '\n':
		buf_add_text(out, "\\n");
		break;
	case '\t':
		buf_add_text(out, "\\t");
		break;
	default:
		if (c < 0x20 || c == 0x7F)
			buf_printf(out, "\\u%04x", c);
		else
			buf_add_char(out, (char)c);
	}
}

/* How many bytes from here need no escape: most text is one such run. */
static size_t plain_bytes(const char *p, size_t n)
{
	size_t i = 0;
	while (i < n && p[i] >= 0x20 && p[i] < 0x7F && p[i] != '"' && p[i] != '\\')
		i++;
	return i;
}

static void add_json_text(struct buf *out, struct nuncio_str s)
{
	size_t end = s.n < TEXT_BYTES_MAX ? s.n : TEXT_BYTES_MAX;
	buf_add_char(out, '"');
	for (size_t i = 0; i < end;) {
		size_t plain = plain_bytes(s.p + i, end - i);
		buf_add(out, s.p + i, plain);
		i += plain;
		if (i == end)
			break;
		size_t bytes = utf8_char_bytes(s.p + i, s.n - i);
		if (bytes == 1)
			add_json_char(out, (unsigned char)s.p[i]);
		else if (bytes)
			buf_add(out, s.p + i, bytes);
		else
			buf_add_text(out, "\xEF\xBF\xBD"); /* U+FFFD */
		i += bytes ? bytes : 1;
	}
	buf_add_char(out, '"');
}

static void add_member(struct buf *out, const char *key, struct nuncio_str value)
{
	buf_add_char(out, ',');
	add_json_text(out, str_of(key));
	buf_add_char(out, ':');
	add_json_text(out, value);
}

static void add_field(struct buf *out, const struct log_field *f)
{
	if (f->type == LOG_TEXT) {
		add_member(out, f->key, f->value.text);
		return;
	}
	buf_add_char(out, ',');
	add_json_text(out, str_of(f->key));
	buf_add_char(out, ':');
	if (f->type == LOG_INT)
		buf_printf(out, "%lld", (long long)f->value.i);
	else if (f->type == LOG_UINT)
		buf_printf(out, "%llu", (unsigned long long)f->value.u);
	else if (f->type == LOG_REAL && isfinite(f->value.real))
		buf_printf(out, "%.17g", f->value.real);
	else if (f->type == LOG_BOOL)
		buf_add_text(out, f->value.yes ? "true" : "false");
	else
		buf_add_text(out, "null"); /* JSON has no NaN */
}

static const char *level_name(int level)
{
	static const char *const names[] = { "", "debug", "info", "warn", "error", "fatal" };
	CHECK(level >= LOG_LEVEL_DEBUG && level <= LOG_LEVEL_FATAL);
	return names[level];
}

static void format_line(struct buf *out, int level, const char *module, const char *trace_id,
	struct nuncio_str message, const struct log_field *fields, size_t field_count)
{
	char time_text[CLOCK_RFC3339_SIZE];
	clock_format_rfc3339(clock_wall_ms(), time_text);
	buf_printf(out, "{\"timestamp\":\"%s\",\"level\":\"%s\"", time_text, level_name(level));
	add_member(out, "service", str_of(the.service ? the.service : "nuncio"));
	add_member(out, "node", str_of(the.node));
	add_member(out, "module", str_of(module ? module : "core"));
	if (trace_id)
		add_member(out, "trace_id", str_of(trace_id));
	add_member(out, "message", message);
	for (size_t i = 0; i < field_count; i++)
		add_field(out, &fields[i]);
	buf_add_text(out, "}\n");
}

/* ---- the sink; sink_lock is held ---- */

static int open_path(const char *path)
{
	return open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
}

/* When that fails the old one stays: better a moved file than none. */
static void reopen(struct batch *b)
{
	struct log_field path = LOG_F_TEXT("path", str_of(the.path));
	int fd = the.path ? open_path(the.path) : the.fd;
	if (fd == the.fd)
		return;
	if (fd < 0) {
		format_line(&b->text, LOG_LEVEL_WARN, "log", NULL,
			STR("the log file cannot be opened again; the old one is kept"), &path, 1);
		b->lines++;
		return;
	}
	close(the.fd);
	the.fd = fd;
	the.is_torn = false;
}

static bool is_given_up(void)
{
	return the.give_up_us && clock_mono_us() > the.give_up_us;
}

/* Waits for room in slices, so that log_stop can end the waiting. */
static bool wait_for_room(void)
{
	struct pollfd p = { .fd = the.fd, .events = POLLOUT };
	while (poll(&p, 1, 100) <= 0)
		if (is_given_up())
			return false;
	return true;
}

static bool write_all(const char *p, size_t n)
{
	struct stat st;
	bool is_file = fstat(the.fd, &st) == 0 && S_ISREG(st.st_mode);
	while (n) {
		if (!is_file && !wait_for_room())
			return false;
		ssize_t done = write(the.fd, p, is_file || n < CHUNK_BYTES ? n : CHUNK_BYTES);
		if (done < 0 && (errno == EINTR || errno == EAGAIN) && !is_given_up())
			continue;
		if (done < 0)
			return false;
		p += done;
		n -= (size_t)done;
		the.is_torn = p[-1] != '\n';
	}
	return true;
}

static void add_told(struct batch *b, uint64_t dropped)
{
	struct log_field count = LOG_F_UINT("dropped", dropped);
	format_line(&b->text, LOG_LEVEL_WARN, "log", NULL,
		STR("log lines were dropped because the log could not be written in time"), &count,
		1);
	b->lines++;
}

/* Writes and empties the batch; adds a line about what was dropped before. */
static void write_batch(struct batch *b)
{
	uint64_t dropped = the.dropped, untold = dropped - the.told;
	uint64_t lines = b->lines;
	if (untold)
		add_told(b, untold);
	if (!b->text.used)
		return;
	bool is_written =
		(!the.is_torn || write_all("\n", 1)) && write_all(b->text.data, b->text.used);
	if (is_written)
		the.told = dropped;
	else
		the.dropped += lines;
	buf_reset(&b->text);
	b->lines = 0;
}

/* Takes what waits and writes it. */
static void drain(void)
{
	pthread_mutex_lock(&the.lock);
	struct batch taken = the.waiting;
	the.waiting = the.leaving;
	the.leaving = taken;
	the.is_urgent = false;
	bool wants_reopen = the.wants_reopen;
	the.wants_reopen = false;
	pthread_mutex_unlock(&the.lock);
	if (wants_reopen)
		reopen(&the.leaving);
	write_batch(&the.leaving);
}

/* ---- the writer thread ---- */

static struct timespec batch_end(void)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	t.tv_nsec += BATCH_MS * 1000000L;
	if (t.tv_nsec >= 1000000000L) {
		t.tv_nsec -= 1000000000L;
		t.tv_sec++;
	}
	return t;
}

static bool must_write_now(void)
{
	return the.is_stopping || the.is_urgent || the.wants_reopen ||
	       the.waiting.text.used > the.ring_bytes / 2;
}

/* True when there is something to do, false when it is time to end. */
static bool wait_for_lines(void)
{
	pthread_mutex_lock(&the.lock);
	while (!the.waiting.lines && !the.is_stopping && !the.wants_reopen)
		pthread_cond_wait(&the.changed, &the.lock);
	struct timespec end = batch_end();
	while (!must_write_now())
		if (pthread_cond_timedwait(&the.changed, &the.lock, &end) == ETIMEDOUT)
			break;
	bool has_work = the.waiting.lines || the.wants_reopen;
	pthread_mutex_unlock(&the.lock);
	return has_work;
}

static void *writer_run(void *unused)
{
	(void)unused;
	pthread_setname_np(pthread_self(), "log");
	while (wait_for_lines()) {
		pthread_mutex_lock(&the.sink_lock);
		drain();
		pthread_mutex_unlock(&the.sink_lock);
	}
	return NULL;
}

/* ---- callers ---- */

static size_t room_for(int level)
{
	switch (level) {
	case LOG_LEVEL_DEBUG:
		return the.ring_bytes / 4 * 3;
	case LOG_LEVEL_INFO:
		return the.ring_bytes / 16 * 13;
	case LOG_LEVEL_WARN:
		return the.ring_bytes / 8 * 7;
	default:
		return the.ring_bytes;
	}
}

/* False when there is no writer thread. */
static bool hand_over(int level, struct nuncio_str line)
{
	pthread_mutex_lock(&the.lock);
	bool is_writing = the.is_writing;
	if (is_writing && the.waiting.text.used + line.n > room_for(level)) {
		the.dropped++;
	} else if (is_writing) {
		bool was_empty = !the.waiting.lines, must = must_write_now();
		buf_add_str(&the.waiting.text, line);
		the.waiting.lines++;
		the.is_urgent |= level >= LOG_LEVEL_ERROR;
		if (was_empty || (!must && must_write_now()))
			pthread_cond_signal(&the.changed);
	}
	pthread_mutex_unlock(&the.lock);
	return is_writing;
}

static void write_directly(struct nuncio_str line)
{
	pthread_mutex_lock(&the.sink_lock);
	drain();
	buf_add_str(&the.leaving.text, line);
	the.leaving.lines++;
	write_batch(&the.leaving);
	pthread_mutex_unlock(&the.sink_lock);
}

static bool give_to_capture(int level, struct nuncio_str line)
{
	if (!the.capture)
		return false;
	pthread_mutex_lock(&the.capture_lock);
	log_capture_fn fn = the.capture;
	if (fn)
		fn(level, (struct nuncio_str){ line.p, line.n - 1 }, the.capture_user);
	pthread_mutex_unlock(&the.capture_lock);
	return fn != NULL;
}

static void put_line(int level, struct nuncio_str line)
{
	if (level >= 0 && level <= LOG_LEVEL_FATAL)
		atomic_fetch_add_explicit(&the.lines[level], 1, memory_order_relaxed);
	if (give_to_capture(level, line))
		return;
	if (level == LOG_LEVEL_FATAL || !hand_over(level, line))
		write_directly(line);
}

void log_fields(int level, const char *module, const char *trace_id, const char *message,
	const struct log_field *fields, size_t field_count)
{
	if (!log_is_on(level))
		return;
	struct buf line = { 0 };
	buf_reserve(&line, 512);
	format_line(&line, level, module, trace_id, str_of(message), fields, field_count);
	put_line(level, buf_str(&line));
	buf_fini(&line);
}

void log_write(int level, const char *module, const char *trace_id, const char *fmt, ...)
{
	char message[TEXT_BYTES_MAX + 1];
	va_list args;
	if (!log_is_on(level))
		return;
	va_start(args, fmt);
	int n = vsnprintf(message, sizeof(message), fmt, args);
	va_end(args);
	CHECK(n >= 0);
	log_fields(level, module, trace_id, message, NULL, 0);
}

bool log_is_on(int level)
{
	return level >= atomic_load_explicit(&the.level, memory_order_relaxed);
}

void log_level_set(int level)
{
	CHECK(level >= LOG_LEVEL_DEBUG && level <= LOG_LEVEL_FATAL);
	the.level = level;
}

int log_level(void)
{
	return the.level;
}

uint64_t log_dropped_total(void)
{
	return the.dropped;
}

uint64_t log_lines_total(int level)
{
	CHECK(level >= LOG_LEVEL_DEBUG && level <= LOG_LEVEL_FATAL);
	return the.lines[level];
}

void log_waiting(size_t *bytes_r, size_t *limit_r)
{
	pthread_mutex_lock(&the.lock);
	*bytes_r = the.waiting.text.used;
	*limit_r = the.ring_bytes;
	pthread_mutex_unlock(&the.lock);
}

void log_reopen(void)
{
	pthread_mutex_lock(&the.lock);
	the.wants_reopen = true;
	pthread_cond_signal(&the.changed);
	pthread_mutex_unlock(&the.lock);
}

void log_capture(log_capture_fn fn, void *user)
{
	pthread_mutex_lock(&the.capture_lock);
	the.capture = fn;
	the.capture_user = user;
	pthread_mutex_unlock(&the.capture_lock);
}

/* ---- start and stop; main thread ---- */

int log_init(const struct log_config *config, struct nuncio_error *err)
{
	bool is_file = config->path && strcmp(config->path, "-") != 0;
	int fd = is_file ? open_path(config->path) : STDERR_FILENO;
	if (fd < 0)
		return error_errno(err, config->path, errno);
	log_fini();
	the.fd = fd;
	the.path = is_file ? alloc_text(str_of(config->path)) : NULL;
	the.service = alloc_text(str_of(config->service ? config->service : "nuncio"));
	the.node = alloc_text(str_of(config->node));
	the.ring_bytes = config->ring_bytes ? config->ring_bytes : RING_BYTES_DEFAULT;
	if (the.ring_bytes < RING_BYTES_MIN)
		the.ring_bytes = RING_BYTES_MIN;
	log_level_set(config->level ? config->level : LOG_LEVEL_INFO);
	return NUNCIO_OK;
}

int log_start_writer(struct nuncio_error *err)
{
	sigset_t all, saved;
	CHECK(!the.is_writing);
	the.is_stopping = false; /* no writer, so nobody reads it */
	the.give_up_us = 0;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &saved);
	int rc = pthread_create(&the.writer, NULL, writer_run, NULL);
	pthread_sigmask(SIG_SETMASK, &saved, NULL);
	if (rc)
		return error_errno(err, "log writer thread", rc);
	pthread_mutex_lock(&the.lock);
	the.is_writing = true;
	pthread_mutex_unlock(&the.lock);
	return NUNCIO_OK;
}

void log_stop(void)
{
	pthread_mutex_lock(&the.lock);
	bool is_writing = the.is_writing;
	the.is_writing = false;
	the.is_stopping = true;
	pthread_cond_signal(&the.changed);
	pthread_mutex_unlock(&the.lock);
	if (!is_writing)
		return;
	the.give_up_us = clock_mono_us() + STOP_MS * 1000;
	pthread_join(the.writer, NULL);
	the.give_up_us = 0;
}

void log_fini(void)
{
	log_stop();
	if (the.path)
		close(the.fd);
	alloc_free(the.path);
	alloc_free(the.service);
	alloc_free(the.node);
	the.path = the.service = the.node = NULL;
	the.fd = STDERR_FILENO;
	the.is_torn = the.wants_reopen = false;
	the.dropped = the.told = 0;
	for (int level = 0; level <= LOG_LEVEL_FATAL; level++)
		the.lines[level] = 0;
	the.level = LOG_LEVEL_INFO;
	buf_fini(&the.waiting.text);
	buf_fini(&the.leaving.text);
}
