/* SPDX-License-Identifier: MIT */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. Empty is valid. */
bool utf8_is_valid(const char *p, size_t n);

/*
 * Length in bytes of the valid character at text, or 0 when the bytes there are not one (n >= 1).
 */
size_t utf8_char_bytes(const char *text, size_t n);

#endif
