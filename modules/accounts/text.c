/* SPDX-License-Identifier: MIT */
#include "accounts.h"

/*
 * What ids and names may look like, and how they are compared when people are searched for. Pure.
 */

#include <string.h>

/*
 * Bytes of the character at p[0], 0 if there is none: RFC 3629, no overlong forms, no surrogates.
 */
static size_t char_bytes(const unsigned char *p, size_t n)
{
	uint32_t code;
	size_t bytes;
	if (p[0] < 0x80)
		return 1;
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 0;
	bytes = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	code = p[0] & (0x7fu >> bytes);
	if (bytes > n)
		return 0;
	for (size_t i = 1; i < bytes; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (p[i] & 0x3f);
	}
	if ((bytes == 3 && code < 0x800) || (bytes == 4 && (code < 0x10000 || code > 0x10ffff)))
		return 0;
	return code >= 0xd800 && code <= 0xdfff ? 0 : bytes;
}

long text_chars(struct nuncio_str text)
{
	const unsigned char *p = (const unsigned char *)text.p;
	long count = 0;
	for (size_t at = 0, bytes; at < text.n; at += bytes, count++) {
		bytes = char_bytes(p + at, text.n - at);
		if (bytes == 0 || p[at] < 0x20 || p[at] == 0x7f ||
			(p[at] == 0xc2 && p[at + 1] < 0xa0))
			return -1;
	}
	return count;
}

bool id_is_sound(struct nuncio_str id)
{
	return id.n >= 1 && id.n <= ACCOUNT_ID_BYTES_MAX && text_chars(id) > 0;
}

bool id_is_any(struct nuncio_str id)
{
	return id_is_sound(id) && !memchr(id.p, '/', id.n) &&
	       !nuncio_text_same(id, nuncio_text(".")) && !nuncio_text_same(id, nuncio_text(".."));
}

static bool is_plain_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_plain_mark(char c)
{
	return c == '.' || c == '_' || c == '-';
}

bool id_is_plain(struct nuncio_str id)
{
	if (id.n == 0 || id.n > ACCOUNT_ID_BYTES_MAX || !is_plain_letter(id.p[0]))
		return false;
	for (size_t i = 0; i < id.n; i++)
		if (!is_plain_letter(id.p[i]) && !is_plain_mark(id.p[i]))
			return false;
	return true;
}

bool name_is_sound(struct nuncio_str name)
{
	long chars = text_chars(name);
	return chars >= 0 && chars <= ACCOUNT_NAME_CHARS_MAX;
}

void text_fold(struct nuncio_str text, char out[FOLD_SIZE])
{
	size_t at = 0;
	while (at < text.n) {
		size_t bytes = char_bytes((const unsigned char *)text.p + at, text.n - at);
		if (bytes == 0 || at + bytes >= FOLD_SIZE)
			break;
		memcpy(out + at, text.p + at, bytes);
		if (out[at] >= 'A' && out[at] <= 'Z')
			out[at] = (char)(out[at] - 'A' + 'a');
		at += bytes;
	}
	out[at] = '\0';
}
