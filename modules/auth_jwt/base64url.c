/* SPDX-License-Identifier: MIT */
#include "auth_jwt.h"

/*
 * RFC 4648 section 5, strictly: the alphabet of section 5 only, no padding, no line ends, and the
 * bits behind the last byte are zero. So every value has exactly one spelling, and a token cannot
 * be changed without changing what it says. Pure; any thread.
 */

static int digit_of(unsigned char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '-')
		return 62;
	return c == '_' ? 63 : -1;
}

long base64url_decode(struct nuncio_str text, unsigned char *out, size_t size)
{
	uint32_t bits = 0;
	unsigned count = 0;
	size_t n = 0;
	if (text.n % 4 == 1)
		return -1;
	for (size_t i = 0; i < text.n; i++) {
		int digit = digit_of((unsigned char)text.p[i]);
		if (digit < 0)
			return -1;
		bits = bits << 6 | (uint32_t)digit;
		count += 6;
		if (count < 8)
			continue;
		count -= 8;
		if (n == size)
			return -1;
		out[n++] = (unsigned char)(bits >> count);
		bits &= (1u << count) - 1;
	}
	return bits ? -1 : (long)n;
}
