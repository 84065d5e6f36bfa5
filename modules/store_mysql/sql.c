/* SPDX-License-Identifier: MIT */
/*
 * The text of statements. Several of them go to the server in one packet, separated by semicolons.
 * Everything that is not ours goes through %q, which escapes: the connection speaks `binary`, so
 * every byte is a character and escaping looks at bytes only.
 *
 * Times are UTC, `YYYY-MM-DD hh:mm:ss.uuuuuu`, made and read here without the C library, whose
 * functions look at zones.
 */
#include "store_mysql.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { SQL_FIRST_BYTES = 4096, SQL_KEPT_BYTES = 1024 * 1024 };
/* What fits into a DATETIME: the years 1000 to 9999. */
static const int64_t time_min_ms = INT64_C(-30610224000000);
static const int64_t time_max_ms = INT64_C(253402300799999);

static char *room(struct sql *sql, size_t bytes)
{
	if (sql->size - sql->n < bytes) {
		size_t size = sql->size ? sql->size : SQL_FIRST_BYTES;
		while (size - sql->n < bytes)
			size *= 2;
		sql->p = nuncio_resize(sql->p, size);
		sql->size = size;
	}
	return sql->p + sql->n;
}

static void put(struct sql *sql, const char *p, size_t n)
{
	if (n)
		memcpy(room(sql, n), p, n);
	sql->n += n;
}

void sql_begin(struct sql *sql)
{
	if (sql->count++)
		put(sql, ";", 1);
}

void sql_add_raw(struct sql *sql, struct nuncio_str trusted)
{
	put(sql, trusted.p, trusted.n);
}

/* A text that takes over a megabyte is not held for the small ones after it. */
void sql_reset(struct sql *sql)
{
	if (sql->size > SQL_KEPT_BYTES) {
		free(sql->p);
		sql->p = NULL;
		sql->size = 0;
	}
	sql->n = 0;
	sql->count = 0;
}

void sql_fini(struct sql *sql)
{
	free(sql->p);
	*sql = (struct sql){ 0 };
}

static void put_number(struct sql *sql, uint64_t value, unsigned digits)
{
	char text[20];
	size_t at = sizeof(text);
	do {
		text[--at] = (char)('0' + value % 10);
		value /= 10;
	} while (value || sizeof(text) - at < digits);
	put(sql, text + at, sizeof(text) - at);
}

static void put_quoted(struct sql *sql, struct nuncio_str text)
{
	char *out = room(sql, text.n * 2 + 2);
	size_t n = 0;
	out[n++] = '\'';
	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];
		if (c == '\'' || c == '\\' || c == '\0') {
			out[n++] = '\\';
			c = c ? c : '0';
		}
		out[n++] = c;
	}
	out[n++] = '\'';
	sql->n += n;
}

/* Days since 1970 to a date; the year begins in March, so that the leap day is its last. */
static void put_date(struct sql *sql, int64_t days)
{
	days += 719468;
	int64_t era = (days >= 0 ? days : days - 146096) / 146097;
	int64_t day_of_era = days - era * 146097;
	int64_t year_of_era =
		(day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	int64_t day_of_year =
		day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int64_t month = (5 * day_of_year + 2) / 153;
	int64_t day = day_of_year - (153 * month + 2) / 5 + 1;
	month = month < 10 ? month + 3 : month - 9;
	put_number(sql, (uint64_t)(year_of_era + era * 400 + (month <= 2)), 4);
	put(sql, "-", 1);
	put_number(sql, (uint64_t)month, 2);
	put(sql, "-", 1);
	put_number(sql, (uint64_t)day, 2);
}

static void put_time(struct sql *sql, int64_t ms)
{
	ms = ms < time_min_ms ? time_min_ms : ms > time_max_ms ? time_max_ms : ms;
	int64_t days = ms / 86400000, rest = ms % 86400000;
	if (rest < 0) {
		rest += 86400000;
		days--;
	}
	put(sql, "'", 1);
	put_date(sql, days);
	put(sql, " ", 1);
	put_number(sql, (uint64_t)(rest / 3600000), 2);
	put(sql, ":", 1);
	put_number(sql, (uint64_t)(rest / 60000 % 60), 2);
	put(sql, ":", 1);
	put_number(sql, (uint64_t)(rest / 1000 % 60), 2);
	put(sql, ".", 1);
	put_number(sql, (uint64_t)(rest % 1000), 3);
	put(sql, "'", 1);
}

static int64_t digits(const char *p, size_t n)
{
	int64_t value = 0;
	for (size_t i = 0; i < n; i++)
		value = value * 10 + (p[i] - '0');
	return value;
}

int64_t sql_time_ms(struct nuncio_str text)
{
	if (text.n < 19)
		return 0;
	int64_t year = digits(text.p, 4), month = digits(text.p + 5, 2);
	int64_t day = digits(text.p + 8, 2);
	year -= month <= 2;
	int64_t era = year / 400, year_of_era = year - era * 400;
	int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
	int64_t days = era * 146097 + day_of_era - 719468;
	int64_t ms = text.n >= 23 ? digits(text.p + 20, 3) : 0;
	return ((days * 24 + digits(text.p + 11, 2)) * 60 + digits(text.p + 14, 2)) * 60000 +
	       digits(text.p + 17, 2) * 1000 + ms;
}

static void put_one(struct sql *sql, char what, va_list *ap)
{
	switch (what) {
	case 'u':
		put_number(sql, va_arg(*ap, uint64_t), 1);
		break;
	case 'd': {
		int64_t value = va_arg(*ap, int64_t);
		if (value < 0)
			put(sql, "-", 1);
		put_number(sql, value < 0 ? 0 - (uint64_t)value : (uint64_t)value, 1);
		break;
	}
	case 'n':
		put_number(sql, va_arg(*ap, uint32_t), 2);
		break;
	case 'q':
		put_quoted(sql, va_arg(*ap, struct nuncio_str));
		break;
	case 't':
		put_time(sql, va_arg(*ap, int64_t));
		break;
	case 's': {
		const char *text = va_arg(*ap, const char *);
		put(sql, text, strlen(text));
		break;
	}
	default:
		put(sql, &what, 1);
	}
}

void sql_add(struct sql *sql, const char *format, ...)
{
	va_list ap;
	va_start(ap, format);
	for (const char *at = format; *at;) {
		size_t n = strcspn(at, "%");
		put(sql, at, n);
		at += n;
		if (*at) {
			put_one(sql, at[1], &ap);
			at += 2;
		}
	}
	va_end(ap);
}
