/* SPDX-License-Identifier: MIT */
/*
 * See direct_id.h. An id that was read is compared with nothing: there is exactly one text for each
 * pair.
 */
#include "direct_id.h"

#include <stdio.h>
#include <string.h>

static int is_equal(struct nuncio_str a, struct nuncio_str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static int compare(struct nuncio_str a, struct nuncio_str b)
{
	int order = memcmp(a.p, b.p, a.n < b.n ? a.n : b.n);
	return order ? order : (a.n > b.n) - (a.n < b.n);
}

/*
 * Bytes of the UTF-8 character at p (RFC 3629), 0 for none. Control characters count as none, as in
 * the core's rule for users.
 */
static size_t char_bytes(const unsigned char *p, size_t n)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t bytes = p[0] < 0x80 ? 1 : p[0] < 0xc0 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	uint32_t c = bytes < 2 ? p[0] : p[0] & (0x7fu >> bytes);
	if (bytes == 0 || bytes > n || p[0] > 0xf4)
		return 0;
	for (size_t i = 1; i < bytes; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3fu);
	}
	if (c < least[bytes] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	return c < 0x20 || c == 0x7f ? 0 : bytes;
}

int direct_user_is_valid(struct nuncio_str user)
{
	size_t at = 0;
	if (user.n == 0 || user.n > DIRECT_USER_BYTES)
		return 0;
	while (at < user.n) {
		size_t bytes = char_bytes((const unsigned char *)user.p + at, user.n - at);
		if (bytes == 0)
			return 0;
		at += bytes;
	}
	return 1;
}

int direct_id_write(struct nuncio_str a, struct nuncio_str b, char *out, size_t out_size)
{
	if (!direct_user_is_valid(a) || !direct_user_is_valid(b))
		return NUNCIO_E_INVAL;
	int is_in_order = compare(a, b) <= 0;
	struct nuncio_str first = is_in_order ? a : b, second = is_in_order ? b : a;
	int n = snprintf(out, out_size, "d:%zu:%.*s:%.*s", first.n, (int)first.n, first.p,
		(int)second.n, second.p);
	return n < 0 || (size_t)n >= out_size ? NUNCIO_E_TOOBIG : n;
}

/* Cuts "12:" off the front: the number, or 0 when it is not one of 1 to 64 as we write it. */
static size_t cut_length(struct nuncio_str *rest)
{
	size_t value = 0, at = 0;
	while (at < rest->n && at < 2 && rest->p[at] >= '0' && rest->p[at] <= '9')
		value = value * 10 + (size_t)(rest->p[at++] - '0');
	if (at == 0 || at >= rest->n || rest->p[at] != ':' || rest->p[0] == '0' ||
		value > DIRECT_USER_BYTES)
		return 0;
	rest->p += at + 1;
	rest->n -= at + 1;
	return value;
}

int direct_id_read(struct nuncio_str id, struct direct_pair *pair_r)
{
	if (id.n < 2 || id.n > DIRECT_ID_BYTES || memcmp(id.p, "d:", 2) != 0)
		return NUNCIO_E_INVAL;
	struct nuncio_str rest = { id.p + 2, id.n - 2 };
	size_t first_bytes = cut_length(&rest);
	if (first_bytes == 0 || rest.n <= first_bytes + 1 || rest.p[first_bytes] != ':')
		return NUNCIO_E_INVAL;
	pair_r->first = (struct nuncio_str){ rest.p, first_bytes };
	pair_r->second = (struct nuncio_str){ rest.p + first_bytes + 1, rest.n - first_bytes - 1 };
	if (!direct_user_is_valid(pair_r->first) || !direct_user_is_valid(pair_r->second) ||
		compare(pair_r->first, pair_r->second) > 0)
		return NUNCIO_E_INVAL;
	return 0;
}

int direct_pair_is_one(const struct direct_pair *pair)
{
	return is_equal(pair->first, pair->second);
}

struct nuncio_str direct_peer(const struct direct_pair *pair, struct nuncio_str user)
{
	if (is_equal(user, pair->first))
		return pair->second;
	if (is_equal(user, pair->second))
		return pair->first;
	return (struct nuncio_str){ "", 0 };
}
