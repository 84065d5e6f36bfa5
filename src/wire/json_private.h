/* SPDX-License-Identifier: MIT */
#ifndef WIRE_JSON_PRIVATE_H
#define WIRE_JSON_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <nuncio/base.h>

/* What json_check.c, json.c and json_equal.c share. */

#define JSON_ONES UINT64_C(0x0101010101010101)
#define JSON_HIGHS UINT64_C(0x8080808080808080)

/* High bit set at the first byte equal to c; bytes behind that one may be wrong. */
static inline uint64_t json_bytes_equal(uint64_t word, unsigned char c)
{
	uint64_t x = word ^ (JSON_ONES * c);
	return (x - JSON_ONES) & ~x & JSON_HIGHS;
}

static inline uint64_t json_load8(const char *p)
{
	uint64_t word;
	memcpy(&word, p, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	word = __builtin_bswap64(word);
#endif
	return word;
}

static inline const char *json_skip_blanks(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
		p++;
	return p;
}

/* Reads text as written (between the quotes) one decoded byte at a time. */
struct json_reader {
	const char *p, *end;
	char ready[4]; /* the rest of an escape's UTF-8 form */
	uint8_t at, count;
};

static inline struct json_reader json_reader_of(struct nuncio_str written)
{
	return (struct json_reader){ .p = written.p, .end = written.p + written.n };
}

int json_read_byte(struct json_reader *r); /* 0..255, or -1 at the end */

static inline bool json_has_escape(struct nuncio_str written)
{
	return written.n && memchr(written.p, '\\', written.n) != NULL;
}

/* Order of keys by their decoded bytes. */
int json_key_cmp(struct nuncio_str a, struct nuncio_str b);

/* Four hex digits at p; negative when they are none. */
int json_hex4(const char *p);

#endif
