/* SPDX-License-Identifier: MIT */
/*
 * The Origin rule. The Host header of a request has no scheme; a browser leaves the port out when
 * it is the default of the scheme it used, which is the page's scheme when both are the same host.
 * So the origin's scheme decides for both, and it does not matter that a proxy took the TLS off.
 */
#include "io/origin.h"

#include "base/slice.h"

struct place {
	struct nuncio_str scheme, host;
	uint64_t port;
};

static uint64_t default_port(struct nuncio_str scheme)
{
	if (str_eq_nocase(scheme, STR("http")))
		return 80;
	return str_eq_nocase(scheme, STR("https")) ? 443 : 0;
}

/* "host", "host:1", "[::1]:1". False for what is none. */
static bool split_host(struct nuncio_str text, uint64_t port, struct place *place_r)
{
	size_t colon = text.n;
	while (colon > 0 && text.p[colon - 1] != ':' && text.p[colon - 1] != ']')
		colon--;
	place_r->host = text;
	place_r->port = port;
	if (!colon || text.p[colon - 1] == ']')
		return text.n > 0;
	place_r->host.n = colon - 1;
	struct nuncio_str digits = { text.p + colon, text.n - colon };
	return place_r->host.n && str_to_u64(digits, &place_r->port) == 0 && place_r->port <= 65535;
}

static bool split_origin(struct nuncio_str text, struct place *place_r)
{
	ptrdiff_t colon = str_find(text, ':');
	if (colon <= 0 || text.n < (size_t)colon + 3 || text.p[colon + 1] != '/' ||
		text.p[colon + 2] != '/')
		return false;
	place_r->scheme = (struct nuncio_str){ text.p, (size_t)colon };
	struct nuncio_str rest = { text.p + colon + 3, text.n - (size_t)colon - 3 };
	return str_find(rest, '/') < 0 && str_find(rest, '@') < 0 &&
	       split_host(rest, default_port(place_r->scheme), place_r);
}

static bool is_same_host(const struct place *a, const struct place *b)
{
	return a->port == b->port && str_eq_nocase(a->host, b->host);
}

static bool is_listed(struct nuncio_str origin, const struct place *place, const char *entry)
{
	struct place listed;
	if (str_eq_text(origin, entry))
		return true;
	return place && split_origin(str_of(entry), &listed) &&
	       str_eq_nocase(listed.scheme, place->scheme) && is_same_host(&listed, place);
}

bool origin_is_allowed(struct nuncio_str origin, struct nuncio_str host, const char *const *allowed,
	size_t allowed_count)
{
	struct place page, own;
	bool is_page = split_origin(origin, &page);
	if (is_page && page.port && split_host(host, default_port(page.scheme), &own) &&
		is_same_host(&page, &own))
		return true;
	for (size_t i = 0; i < allowed_count; i++)
		if (str_eq_text(STR("*"), allowed[i]) ||
			is_listed(origin, is_page ? &page : NULL, allowed[i]))
			return true;
	return false;
}
