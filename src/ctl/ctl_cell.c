/* SPDX-License-Identifier: MIT */
#include "ctl/ctl_cell.h"

/* One value of a table. Wide characters count as the terminal counts them (wcwidth). */

#include <inttypes.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

#include "base/arena.h"
#include "base/slice.h"
#include "wire/json.h"

static bool ends(const char *key, const char *unit)
{
	return str_ends(str_of(key), str_of(unit));
}

static void write_ns(int64_t ns, struct buf *out)
{
	if (ns < 1000)
		buf_printf(out, "%" PRId64 " ns", ns);
	else if (ns < 1000000)
		buf_printf(out, "%.1f us", (double)ns / 1e3);
	else if (ns < 1000000000)
		buf_printf(out, "%.1f ms", (double)ns / 1e6);
	else
		buf_printf(out, "%.1f s", (double)ns / 1e9);
}

static void write_us(int64_t us, struct buf *out)
{
	if (us < 1000)
		buf_printf(out, "%" PRId64 " us", us);
	else if (us < 1000000)
		buf_printf(out, "%.1f ms", (double)us / 1e3);
	else
		buf_printf(out, "%.1f s", (double)us / 1e6);
}

static void write_ms(int64_t ms, struct buf *out)
{
	int64_t s = ms / 1000;
	if (ms < 60000)
		buf_printf(out, "%.1f s", (double)ms / 1e3);
	else if (s < 86400)
		buf_printf(
			out, "%" PRId64 ":%02d:%02d", s / 3600, (int)(s / 60 % 60), (int)(s % 60));
	else
		buf_printf(out, "%" PRId64 " d %02d:%02d", s / 86400, (int)(s / 3600 % 24),
			(int)(s / 60 % 60));
}

static void write_bytes(int64_t bytes, struct buf *out)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	double size = (double)bytes;
	size_t unit = 0;
	while (size >= 1024 && unit < sizeof units / sizeof units[0] - 1) {
		size /= 1024;
		unit++;
	}
	buf_printf(out, unit ? "%.1f %s" : "%.0f %s", size, units[unit]);
}

static void write_number(const char *key, struct nuncio_str value, struct buf *out)
{
	int64_t number;
	if (json_int(value, &number) < 0)
		buf_add_str(out, value);
	else if (ends(key, "_ns"))
		write_ns(number, out);
	else if (ends(key, "_us"))
		write_us(number, out);
	else if (ends(key, "_ms"))
		write_ms(number, out);
	else if (ends(key, "_bytes"))
		write_bytes(number, out);
	else
		buf_add_str(out, value);
}

/* Character by character; what is no printable one becomes a question mark. */
static void write_text(struct nuncio_str text, struct buf *out)
{
	mbstate_t state = { 0 };
	while (text.n) {
		wchar_t c;
		size_t n = mbrtowc(&c, text.p, text.n, &state);
		bool is_bad = n == 0 || n > text.n || !iswprint((wint_t)c);
		if (n == 0 || n > text.n) {
			n = 1;
			memset(&state, 0, sizeof state);
		}
		if (is_bad)
			buf_add_char(out, '?');
		else
			buf_add(out, text.p, n);
		text.p += n;
		text.n -= n;
	}
}

void ctl_cell_write(const char *key, struct nuncio_str value, struct buf *out)
{
	struct arena arena;
	struct nuncio_str text;
	switch (json_type(value)) {
	case JSON_NUMBER:
		write_number(key, value, out);
		break;
	case JSON_TRUE:
		buf_add_text(out, "yes");
		break;
	case JSON_FALSE:
		buf_add_text(out, "no");
		break;
	case JSON_NULL:
		buf_add_text(out, "-");
		break;
	case JSON_TEXT:
		arena_init(&arena, 0);
		if (json_text(value, &arena, &text) == 0)
			write_text(text, out);
		arena_fini(&arena);
		break;
	default:
		write_text(value, out);
		break;
	}
}

void ctl_cell_title(const char *key, struct buf *out)
{
	static const char *const units[] = { "_ns", "_us", "_ms", "_bytes" };
	size_t n = strlen(key);
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
		if (ends(key, units[i]) && n == strlen(key))
			n -= strlen(units[i]);
	for (size_t i = 0; i < n; i++)
		buf_add_char(out, key[i] == '_' ? ' ' : key[i]);
}

bool ctl_cell_is_number(struct nuncio_str value)
{
	return json_type(value) == JSON_NUMBER;
}

size_t ctl_cell_width(struct nuncio_str text)
{
	mbstate_t state = { 0 };
	size_t width = 0;
	while (text.n) {
		wchar_t c;
		size_t n = mbrtowc(&c, text.p, text.n, &state);
		if (n == 0 || n > text.n)
			return width + text.n;
		int columns = wcwidth(c);
		width += columns > 0 ? (size_t)columns : 0;
		text.p += n;
		text.n -= n;
	}
	return width;
}
