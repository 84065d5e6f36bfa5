/* SPDX-License-Identifier: MIT */
/*
 * Error texts and the names of status values and answer codes. Pure but for err. Thread: any. Texts
 * are cut at a character, never inside one, because they end in JSON.
 */
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <nuncio/codes.h>

#include "base/utf8.h"

/* Takes the last character away if the cut went through it. */
static void mend_end(char *text, size_t n)
{
	size_t start = n;
	while (start > 0 && n - start < 3 && ((unsigned char)text[start - 1] & 0xC0) == 0x80)
		start--;
	if (start > 0 && (unsigned char)text[start - 1] >= 0xC0 &&
		!utf8_char_bytes(text + start - 1, n - start + 1))
		text[start - 1] = '\0';
}

static void put_text(struct nuncio_error *err, const char *text)
{
	size_t n = strlen(text);
	bool is_cut = n >= sizeof(err->text);
	if (is_cut)
		n = sizeof(err->text) - 1;
	memcpy(err->text, text, n);
	err->text[n] = '\0';
	if (is_cut)
		mend_end(err->text, n);
}

void nuncio_error_set(struct nuncio_error *err, const char *format, ...)
{
	int saved = errno;
	char text[2 * sizeof(err->text)];
	va_list args;
	if (!err)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	put_text(err, text);
	errno = saved;
}

void error_prefix(struct nuncio_error *err, const char *fmt, ...)
{
	char text[2 * sizeof(err->text)];
	va_list args;
	if (!err)
		return;
	va_start(args, fmt);
	int n = vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (n >= 0 && (size_t)n < sizeof(text))
		snprintf(text + n, sizeof(text) - (size_t)n, "%s", err->text);
	put_text(err, text);
}

int error_status_of(int errno_value)
{
	switch (errno_value) {
	case ENOENT:
	case ENOTDIR:
		return NUNCIO_E_NOTFOUND;
	case EEXIST:
	case EADDRINUSE:
		return NUNCIO_E_EXISTS;
	case EACCES:
	case EPERM:
	case EROFS:
		return NUNCIO_E_DENIED;
	case EAGAIN:
	case EBUSY:
	case EMFILE:
	case ENFILE:
		return NUNCIO_E_BUSY;
	case ETIMEDOUT:
		return NUNCIO_E_TIMEOUT;
	case EINVAL:
	case EISDIR:
	case ENAMETOOLONG:
		return NUNCIO_E_INVAL;
	case ENOSYS:
	case ENOTSUP:
		return NUNCIO_E_UNSUPPORTED;
	case EPIPE:
	case ECONNRESET:
		return NUNCIO_E_GONE;
	case EFBIG:
	case E2BIG:
	case EMSGSIZE:
		return NUNCIO_E_TOOBIG;
	default:
		return NUNCIO_E_FAIL;
	}
}

int error_errno(struct nuncio_error *err, const char *what, int errno_value)
{
	char space[128];
	nuncio_error_set(err, "%s: %s", what, strerror_r(errno_value, space, sizeof(space)));
	return error_status_of(errno_value);
}

const char *nuncio_status_name(int status)
{
	static const char *const names[] = { "OK", "E_FAIL", "E_INVAL", "E_NOTFOUND", "E_EXISTS",
		"E_DENIED", "E_BUSY", "E_TIMEOUT", "E_GONE", "E_UNSUPPORTED", "E_CONFLICT",
		"E_EXPIRED", "E_TOOBIG", "E_NOSPACE" };
	_Static_assert(sizeof(names) / sizeof(*names) == 1 - NUNCIO_E_NOSPACE, "a name each");
	return status <= 0 && status >= NUNCIO_E_NOSPACE ? names[-status] : "E_UNKNOWN";
}

const char *error_name(int status)
{
	return nuncio_status_name(status);
}

const char *nuncio_code_name(int code)
{
#define NAME_CASE(number, name, http, meaning) \
	case number: \
		return #name;
	switch (code) {
		NUNCIO_CODES(NAME_CASE)
	default:
		return NULL;
	}
#undef NAME_CASE
}

int nuncio_code_http_status(int code)
{
#define HTTP_CASE(number, name, http, meaning) \
	case number: \
		return http;
	switch (code) {
		NUNCIO_CODES(HTTP_CASE)
	default:
		return 500;
	}
#undef HTTP_CASE
}
