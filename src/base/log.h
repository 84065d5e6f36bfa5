/* SPDX-License-Identifier: MIT */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <nuncio/base.h>

/*
 * One JSON object a line: timestamp, level, service, node, module, trace_id, message, then the
 * fields. Thread: any, unless said otherwise; no call here waits for the disk while the writer
 * thread runs; only LOG_LEVEL_FATAL does, which is for last words. The first four levels have the
 * values of enum nuncio_level in <nuncio/log.h>, so either may be passed.
 */
enum log_level {
	LOG_LEVEL_DEBUG = 1,
	LOG_LEVEL_INFO = 2,
	LOG_LEVEL_WARN = 3,
	LOG_LEVEL_ERROR = 4,
	LOG_LEVEL_FATAL = 5
};

struct log_config {
	const char *path; /* "-" or NULL: stderr; copied */
	int level;        /* lowest that is written; 0 means LOG_LEVEL_INFO */
	const char *service, *node;
	size_t ring_bytes; /* 0: 1 MiB */
};

int log_init(const struct log_config *config, struct nuncio_error *err); /* main thread, once */
int log_start_writer(struct nuncio_error *err);                          /* main thread */
void log_stop(void); /* main thread: writes what is left, joins; later lines are written directly */
void log_fini(void); /* main thread, last: closes the file, forgets the configuration */
void log_reopen(void);         /* any thread; done by the writer with its next batch */
void log_level_set(int level); /* any thread, at any time */
int log_level(void);
bool log_is_on(int level); /* would such a line be written? */
uint64_t log_dropped_total(void);
uint64_t log_lines_total(int level); /* said at this level since start, dropped ones too */
/* Bytes that wait to be written, and how many may. Thread: any. */
void log_waiting(size_t *bytes_r, size_t *limit_r);

void log_write(int level, const char *module, const char *trace_id, const char *fmt, ...)
	NUNCIO_PRINTF(4, 5); /* trace_id may be NULL */

enum log_field_type { LOG_TEXT = 1, LOG_INT, LOG_UINT, LOG_REAL, LOG_BOOL };

struct log_field {
	const char *key; /* must not repeat a standard key */
	enum log_field_type type;
	union {
		struct nuncio_str text;
		int64_t i;
		uint64_t u;
		double real;
		bool yes;
	} value;
};

#define LOG_F_TEXT(k, s) \
	{ \
		.key = (k), .type = LOG_TEXT, .value.text = (s) \
	}
#define LOG_F_INT(k, v) \
	{ \
		.key = (k), .type = LOG_INT, .value.i = (v) \
	}
#define LOG_F_UINT(k, v) \
	{ \
		.key = (k), .type = LOG_UINT, .value.u = (v) \
	}
#define LOG_F_REAL(k, v) \
	{ \
		.key = (k), .type = LOG_REAL, .value.real = (v) \
	}
#define LOG_F_BOOL(k, v) \
	{ \
		.key = (k), .type = LOG_BOOL, .value.yes = (v) \
	}

void log_fields(int level, const char *module, const char *trace_id, const char *message,
	const struct log_field *fields, size_t field_count);

/* For tests: fn gets each finished line (without newline) instead of the file; NULL ends it. */
typedef void (*log_capture_fn)(int level, struct nuncio_str line, void *user);
void log_capture(log_capture_fn fn, void *user);

#endif
