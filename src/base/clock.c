/* SPDX-License-Identifier: MIT */
/*
 * Time that tests can set. Thread: any. The test values are the one piece of static state here,
 * atomic because threads of a test may read while it sets; a server never writes them.
 */
#include "base/clock.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>

static struct {
	atomic_bool is_set;
	_Atomic int64_t mono_ms, wall_ms;
} fake;

static int64_t read_us(clockid_t which)
{
	struct timespec t;
	clock_gettime(which, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t clock_mono_ns(void)
{
	struct timespec t;
	if (atomic_load_explicit(&fake.is_set, memory_order_relaxed))
		return fake.mono_ms * 1000000;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int64_t clock_mono_us(void)
{
	if (atomic_load_explicit(&fake.is_set, memory_order_relaxed))
		return fake.mono_ms * 1000;
	return read_us(CLOCK_MONOTONIC);
}

int64_t clock_wall_us(void)
{
	if (atomic_load_explicit(&fake.is_set, memory_order_relaxed))
		return fake.wall_ms * 1000;
	return read_us(CLOCK_REALTIME);
}

int64_t clock_mono_ms(void)
{
	return clock_mono_us() / 1000;
}

int64_t clock_wall_ms(void)
{
	return clock_wall_us() / 1000;
}

void clock_set_for_test(int64_t mono_ms, int64_t wall_ms)
{
	fake.mono_ms = mono_ms;
	fake.wall_ms = wall_ms;
	fake.is_set = true;
}

void clock_use_real(void)
{
	fake.is_set = false;
}

static char *put_digits(char *at, int64_t v, int width, char behind)
{
	for (int i = width - 1; i >= 0; i--, v /= 10)
		at[i] = (char)('0' + v % 10);
	at[width] = behind;
	return at + width + 1;
}

/* The civil calendar from a day number, counting years from March so that the leap day comes last;
 * gmtime_r does the same, behind a lock and the time zone files. */
static void civil_from_days(int64_t days, int64_t *year_r, int64_t *month_r, int64_t *day_r)
{
	days += 719468; /* 0000-03-01 to 1970-01-01 */
	int64_t era = (days >= 0 ? days : days - 146096) / 146097;
	int64_t day_of_era = days - era * 146097;
	int64_t year_of_era =
		(day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	int64_t day_of_year =
		day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int64_t month = (5 * day_of_year + 2) / 153;
	*day_r = day_of_year - (153 * month + 2) / 5 + 1;
	*month_r = month < 10 ? month + 3 : month - 9;
	*year_r = year_of_era + era * 400 + (*month_r <= 2);
}

void clock_format_rfc3339(int64_t wall_ms, char out[CLOCK_RFC3339_SIZE])
{
	const int64_t first_ms = INT64_C(-62167219200000), last_ms = INT64_C(253402300799999);
	const int64_t day_ms = 86400000;
	int64_t year, month, day;
	if (wall_ms < first_ms)
		wall_ms = first_ms;
	if (wall_ms > last_ms)
		wall_ms = last_ms;
	int64_t days = (wall_ms >= 0 ? wall_ms : wall_ms - (day_ms - 1)) / day_ms;
	int64_t ms = wall_ms - days * day_ms;
	civil_from_days(days, &year, &month, &day);
	char *at = put_digits(out, year, 4, '-');
	at = put_digits(at, month, 2, '-');
	at = put_digits(at, day, 2, 'T');
	at = put_digits(at, ms / 3600000, 2, ':');
	at = put_digits(at, ms / 60000 % 60, 2, ':');
	at = put_digits(at, ms / 1000 % 60, 2, '.');
	at = put_digits(at, ms % 1000, 3, 'Z');
	*at = '\0';
}
