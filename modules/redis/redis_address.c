/* SPDX-License-Identifier: MIT */
/* See redis_address.h. The Redis Cluster specification has the rules for slots. */
#include "redis_address.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { PORT_MAX = 65535, CRC_POLYNOMIAL = 0x1021 };

static int parse_port(struct nuncio_str text, uint16_t *port_r)
{
	uint32_t port = 0;
	if (text.n == 0 || text.n > 5)
		return NUNCIO_E_INVAL;
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] < '0' || text.p[i] > '9')
			return NUNCIO_E_INVAL;
		port = port * 10 + (uint32_t)(text.p[i] - '0');
	}
	if (port == 0 || port > PORT_MAX)
		return NUNCIO_E_INVAL;
	*port_r = (uint16_t)port;
	return 0;
}

static bool is_host_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '.' || c == '-' || c == '_' || c == ':' || c == '%';
}

static int take_host(struct nuncio_str host, struct redis_address *address)
{
	if (host.n == 0 || host.n >= sizeof address->host)
		return NUNCIO_E_INVAL;
	for (size_t i = 0; i < host.n; i++)
		if (!is_host_byte(host.p[i]))
			return NUNCIO_E_INVAL;
	memcpy(address->host, host.p, host.n);
	address->host[host.n] = '\0';
	return 0;
}

/* Where the port begins, after its colon; text.n when there is none. */
static size_t port_at(struct nuncio_str text, struct nuncio_str *host_r)
{
	const char *end = text.n && text.p[0] == '[' ? memchr(text.p, ']', text.n) : NULL;
	if (end) {
		*host_r = (struct nuncio_str){ text.p + 1, (size_t)(end - text.p) - 1 };
		return (size_t)(end - text.p) + 1;
	}
	const char *colon = text.n ? memchr(text.p, ':', text.n) : NULL;
	size_t at = colon ? (size_t)(colon - text.p) : text.n;
	*host_r = (struct nuncio_str){ text.p, at };
	return at;
}

int redis_address_parse(struct nuncio_str text, uint16_t port, struct redis_address *address_r)
{
	struct nuncio_str host;
	size_t at = port_at(text, &host);
	address_r->port = port;
	if (at < text.n) {
		struct nuncio_str rest = { text.p + at + 1, text.n - at - 1 };
		if (text.p[at] != ':' || parse_port(rest, &address_r->port) < 0)
			return NUNCIO_E_INVAL;
	}
	return take_host(host, address_r);
}

bool redis_address_equal(const struct redis_address *a, const struct redis_address *b)
{
	return a->port == b->port && strcasecmp(a->host, b->host) == 0;
}

const char *redis_address_text(const struct redis_address *address, char *out, size_t size)
{
	if (strchr(address->host, ':'))
		snprintf(out, size, "[%s]:%u", address->host, (unsigned)address->port);
	else
		snprintf(out, size, "%s:%u", address->host, (unsigned)address->port);
	return out;
}

static uint16_t crc16(const char *p, size_t n)
{
	uint32_t crc = 0;
	for (size_t i = 0; i < n; i++) {
		crc ^= (uint32_t)(unsigned char)p[i] << 8;
		for (int bit = 0; bit < 8; bit++)
			crc = crc & 0x8000 ? (crc << 1) ^ CRC_POLYNOMIAL : crc << 1;
	}
	return (uint16_t)crc;
}

uint16_t redis_slot(struct nuncio_str key)
{
	const char *open = key.n ? memchr(key.p, '{', key.n) : NULL;
	if (open) {
		const char *begin = open + 1;
		const char *close = memchr(begin, '}', key.n - (size_t)(begin - key.p));
		if (close && close > begin)
			key = (struct nuncio_str){ begin, (size_t)(close - begin) };
	}
	return crc16(key.p, key.n) % REDIS_SLOTS;
}

static bool starts(struct nuncio_str text, const char *word)
{
	size_t n = strlen(word);
	return text.n > n && memcmp(text.p, word, n) == 0;
}

int redis_address_redirected(struct nuncio_str error, const struct redis_address *from,
	struct redis_address *address_r, bool *is_ask_r)
{
	*is_ask_r = starts(error, "ASK ");
	if (!*is_ask_r && !starts(error, "MOVED "))
		return NUNCIO_E_INVAL;
	size_t at =
		error.n; /* the last colon is the port's, also after an IPv6 address without [] */
	while (at > 0 && error.p[at - 1] != ' ')
		at--;
	struct nuncio_str place = { error.p + at, error.n - at };
	size_t colon = place.n;
	while (colon > 0 && place.p[colon - 1] != ':')
		colon--;
	struct nuncio_str host = { place.p, colon ? colon - 1 : 0 };
	struct nuncio_str port = { place.p + colon, place.n - colon };
	if (colon == 0 || parse_port(port, &address_r->port) < 0)
		return NUNCIO_E_INVAL;
	if (host.n == 0) {
		memcpy(address_r->host, from->host, sizeof from->host);
		return 0;
	}
	return take_host(host, address_r);
}
