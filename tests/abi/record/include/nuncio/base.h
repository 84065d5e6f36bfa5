/* SPDX-License-Identifier: MIT */
#ifndef NUNCIO_BASE_H
#define NUNCIO_BASE_H

/*
 * What every other header needs: status values, borrowed text, ids, attributes. Includes only the C
 * standard library.
 */

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define NUNCIO_EXPORT __attribute__((visibility("default")))
#define NUNCIO_PRINTF(format_at, first_at) __attribute__((format(printf, format_at, first_at)))
#else
#define NUNCIO_EXPORT
#define NUNCIO_PRINTF(format_at, first_at)
#endif

/* What a header declares between these is visible to the other side, whatever -fvisibility says. */
#if defined(__GNUC__)
#define NUNCIO_VISIBLE_BEGIN _Pragma("GCC visibility push(default)")
#define NUNCIO_VISIBLE_END _Pragma("GCC visibility pop")
#else
#define NUNCIO_VISIBLE_BEGIN
#define NUNCIO_VISIBLE_END
#endif

#ifdef __cplusplus
#define NUNCIO_BEGIN_DECLS \
	NUNCIO_VISIBLE_BEGIN extern "C" \
	{
#define NUNCIO_END_DECLS \
	} \
	NUNCIO_VISIBLE_END
#else
#define NUNCIO_BEGIN_DECLS NUNCIO_VISIBLE_BEGIN
#define NUNCIO_END_DECLS NUNCIO_VISIBLE_END
#endif

NUNCIO_BEGIN_DECLS

/*
 * One session's id: never reused while the server lives, 0 is nobody. Keep this across time, never
 * a pointer.
 */
typedef uint64_t nuncio_sid;

/* An event's id: unique on this cluster, grows with time; 0 is none. In JSON it is decimal text. */
typedef uint64_t nuncio_id;

/*
 * Borrowed text or bytes: not NUL-ended, valid until the call that handed it over returns; p may be
 * NULL when n is 0. Final: its size does not change.
 */
struct nuncio_str {
	const char *p;
	size_t n;
};

/*
 * Filled by whoever returns a negative status, and only then; NUL-ended. The caller at the edge
 * logs it, once. Final: its size does not change.
 */
struct nuncio_error {
	char text[256];
};

/*
 * 0 or a positive count is success. Cross in structs as int32_t; expect values that you do not
 * know.
 */
enum nuncio_status {
	NUNCIO_OK = 0,
	NUNCIO_E_FAIL = -1,        /* anything without a name of its own */
	NUNCIO_E_INVAL = -2,       /* an argument or an input is wrong */
	NUNCIO_E_NOTFOUND = -3,    /* there is no such thing */
	NUNCIO_E_EXISTS = -4,      /* there is one already */
	NUNCIO_E_DENIED = -5,      /* not allowed */
	NUNCIO_E_BUSY = -6,        /* a queue is full; try again later */
	NUNCIO_E_TIMEOUT = -7,     /* the deadline passed; the outcome may be unknown */
	NUNCIO_E_GONE = -8,        /* it was there and has ended */
	NUNCIO_E_UNSUPPORTED = -9, /* nobody here can do this */
	NUNCIO_E_CONFLICT = -10,   /* the state is not what the caller expected */
	NUNCIO_E_EXPIRED = -11,    /* it was valid once, or is not yet */
	NUNCIO_E_TOOBIG = -12,     /* larger than a limit */
	NUNCIO_E_NOSPACE = -13     /* the disk is full */
};

/*
 * Writes a message, cut at the size of err->text. err may be NULL. Leaves errno alone.
 * Thread: any.
 */
void nuncio_error_set(struct nuncio_error *err, const char *format, ...) NUNCIO_PRINTF(2, 3);

/*
 * The name of a status, like "E_BUSY"; "E_UNKNOWN" for values that this server does not know. Never
 * NULL, static text.
 * Thread: any.
 */
const char *nuncio_status_name(int status);

/*
 * The name of an answer code of codes.h, like "token_expired"; NULL for a number that is not in the
 * table.
 * Thread: any.
 */
const char *nuncio_code_name(int code);

/*
 * The HTTP status that belongs to an answer code; 500 for a number that is not in the table (RFC
 * 9110 section 15.6.1).
 * Thread: any.
 */
int nuncio_code_http_status(int code);

NUNCIO_END_DECLS

#endif
