/* SPDX-License-Identifier: MIT */
/* Texts, dates, memory. Pure. */
#include "history.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* Two or four digits at *p; -1 when they are not there. */
static int digits(const char **p, int count)
{
	int value = 0;
	for (int i = 0; i < count; i++, (*p)++) {
		if (**p < '0' || **p > '9')
			return -1;
		value = value * 10 + (**p - '0');
	}
	return value;
}

static bool skip(const char **p, const char *any)
{
	if (!**p || !strchr(any, **p))
		return false;
	(*p)++;
	return true;
}

/* "Z", "+02:00", or nothing: minutes east of UTC in *minutes_r. */
static bool read_zone(const char *p, int *minutes_r)
{
	*minutes_r = 0;
	if (!*p || strcmp(p, "Z") == 0 || strcmp(p, "z") == 0)
		return true;
	int sign = *p == '-' ? -1 : 1;
	if (!skip(&p, "+-"))
		return false;
	int hours = digits(&p, 2);
	if (hours < 0 || hours > 23 || !skip(&p, ":"))
		return false;
	int minutes = digits(&p, 2);
	*minutes_r = sign * (hours * 60 + minutes);
	return minutes >= 0 && minutes < 60 && !*p;
}

static bool read_time(const char **p, struct tm *tm, int *ms_r)
{
	tm->tm_hour = digits(p, 2);
	if (tm->tm_hour < 0 || !skip(p, ":"))
		return false;
	tm->tm_min = digits(p, 2);
	if (tm->tm_min < 0 || !skip(p, ":"))
		return false;
	tm->tm_sec = digits(p, 2);
	int scale = 100;
	if (tm->tm_sec >= 0 && skip(p, "."))
		for (; **p >= '0' && **p <= '9'; (*p)++, scale /= 10)
			*ms_r += (**p - '0') * scale;
	return tm->tm_sec >= 0 && tm->tm_hour < 24 && tm->tm_min < 60 && tm->tm_sec < 61;
}

int64_t text_date_ms(struct nuncio_str text)
{
	char copy[40];
	const char *p = copy;
	struct tm tm = { 0 };
	int ms = 0, east = 0;
	if (nuncio_text_copy(text, copy, sizeof copy) < 0)
		return -1;
	tm.tm_year = digits(&p, 4) - 1900;
	if (tm.tm_year < 70 || !skip(&p, "-"))
		return -1;
	tm.tm_mon = digits(&p, 2) - 1;
	if (tm.tm_mon < 0 || tm.tm_mon > 11 || !skip(&p, "-"))
		return -1;
	tm.tm_mday = digits(&p, 2);
	if (tm.tm_mday < 1 || tm.tm_mday > 31)
		return -1;
	if (*p && (!skip(&p, "Tt ") || !read_time(&p, &tm, &ms) || !read_zone(p, &east)))
		return -1;
	return ((int64_t)timegm(&tm) - east * 60) * 1000 + ms;
}
