/* SPDX-License-Identifier: MIT */
#include "logic/trace.h"

/*
 * Pure but for the random source. The parent and flags of the header are not kept: we answer with
 * the id and log it, we do not sample.
 */

#include <string.h>

#include "base/id.h"
#include "base/slice.h"

void trace_new(char out[TRACE_SIZE])
{
	id_random_hex(out, (TRACE_SIZE - 1) / 2);
}

static bool is_lower_hex(struct nuncio_str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!((s.p[i] >= '0' && s.p[i] <= '9') || (s.p[i] >= 'a' && s.p[i] <= 'f')))
			return false;
	return true;
}

static bool is_zero(struct nuncio_str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] != '0')
			return false;
	return true;
}

/*
 * version "-" trace-id "-" parent-id "-" flags; later versions may be longer, version ff is
 * forbidden.
 */
static bool trace_parse(struct nuncio_str header, struct nuncio_str *id_r)
{
	struct nuncio_str version, id, parent, flags, rest = header;
	if (!str_cut(rest, '-', &version, &rest) || !str_cut(rest, '-', &id, &rest) ||
		!str_cut(rest, '-', &parent, &rest))
		return false;
	bool has_more = str_cut(rest, '-', &flags, &rest);
	if (version.n != 2 || id.n != 32 || parent.n != 16 || flags.n != 2)
		return false;
	if (str_eq_text(version, "ff") || (has_more && str_eq_text(version, "00")))
		return false;
	*id_r = id;
	return is_lower_hex(version) && is_lower_hex(id) && is_lower_hex(parent) &&
	       is_lower_hex(flags) && !is_zero(id) && !is_zero(parent);
}

void trace_from_header(struct nuncio_str traceparent, char out[TRACE_SIZE])
{
	struct nuncio_str id;
	if (!trace_parse(str_trim(traceparent), &id)) {
		trace_new(out);
		return;
	}
	memcpy(out, id.p, TRACE_SIZE - 1);
	out[TRACE_SIZE - 1] = '\0';
}
