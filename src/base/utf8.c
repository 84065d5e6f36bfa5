/* SPDX-License-Identifier: MIT */
/*
 * UTF-8 validation after RFC 3629, section 4. Pure. ASCII goes eight bytes at a time, which is most
 * of what JSON is made of.
 */
#include "base/utf8.h"

#include <stdint.h>
#include <string.h>

static bool is_tail(unsigned char c)
{
	return (c & 0xC0) == 0x80;
}

/* Two-byte forms start at C2: C0 and C1 would be overlong. The second byte's range depends on the
 * first where overlong forms (E0, F0), surrogates (ED) or the end of Unicode (F4) are near. */
size_t utf8_char_bytes(const char *text, size_t n)
{
	const unsigned char *p = (const unsigned char *)text;
	unsigned char c = p[0];
	if (c < 0x80)
		return 1;
	if (c < 0xC2 || c > 0xF4 || n < 2)
		return 0;
	if (c < 0xE0)
		return is_tail(p[1]) ? 2 : 0;
	unsigned char low = c == 0xE0 ? 0xA0 : c == 0xF0 ? 0x90 : 0x80;
	unsigned char high = c == 0xED ? 0x9F : c == 0xF4 ? 0x8F : 0xBF;
	if (p[1] < low || p[1] > high || n < 3 || !is_tail(p[2]))
		return 0;
	if (c < 0xF0)
		return 3;
	return n >= 4 && is_tail(p[3]) ? 4 : 0;
}

static size_t ascii_bytes(const char *p, size_t n)
{
	size_t i = 0;
	for (; n - i >= 8; i += 8) {
		uint64_t eight;
		memcpy(&eight, p + i, 8);
		if (eight & UINT64_C(0x8080808080808080))
			break;
	}
	while (i < n && (unsigned char)p[i] < 0x80)
		i++;
	return i;
}

bool utf8_is_valid(const char *p, size_t n)
{
	size_t i = 0;
	while (i < n) {
		i += ascii_bytes(p + i, n - i);
		/* Stay with wide characters while they come: Chinese text has no ASCII runs. */
		while (i < n && (unsigned char)p[i] >= 0x80) {
			size_t bytes = utf8_char_bytes(p + i, n - i);
			if (!bytes)
				return false;
			i += bytes;
		}
	}
	return true;
}
