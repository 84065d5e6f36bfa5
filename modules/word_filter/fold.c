/* SPDX-License-Identifier: MIT */
/*
 * Texts as they are compared: lower case, full-width letters as plain ones, invisible characters
 * passed over, so that the usual ways around a list lead nowhere. Pure; any thread.
 */
#include "word_filter.h"

#include <wctype.h>

/* How many bytes follow the first one, by its value; -1: it cannot be a first one. */
static int following(unsigned char first)
{
	if (first < 0x80)
		return 0;
	if (first >= 0xc2 && first <= 0xdf)
		return 1;
	if (first >= 0xe0 && first <= 0xef)
		return 2;
	return first >= 0xf0 && first <= 0xf4 ? 3 : -1;
}

uint32_t fold_next(const char **p, const char *end)
{
	unsigned char first = (unsigned char)*(*p)++;
	int more = following(first);
	if (more == 0)
		return first;
	if (more < 0 || end - *p < more)
		return 0xfffd;
	uint32_t point = first & (0x3fu >> more);
	for (int i = 0; i < more; i++) {
		unsigned char c = (unsigned char)(*p)[i];
		if ((c & 0xc0) != 0x80)
			return 0xfffd;
		point = point << 6 | (c & 0x3f);
	}
	*p += more;
	return point;
}

static bool is_invisible(uint32_t point)
{
	return point == 0xad || (point >= 0x200b && point <= 0x200f) || point == 0x2060 ||
	       point == 0xfeff || (point >= 0xfe00 && point <= 0xfe0f);
}

uint32_t fold_point(uint32_t point, locale_t locale)
{
	if (point < 0x80)
		return point >= 'A' && point <= 'Z' ? point + 32 : point;
	if (is_invisible(point))
		return 0;
	if (point >= 0xff01 && point <= 0xff5e)
		return fold_point(point - 0xfee0, locale);
	return locale ? (uint32_t)towlower_l((wint_t)point, locale) : point;
}

/* Han, Kana, Hangul and the scripts of South-East Asia are written without blanks. */
static bool is_dense(uint32_t point)
{
	return (point >= 0x0e00 && point <= 0x0eff) || (point >= 0x1000 && point <= 0x109f) ||
	       (point >= 0x1100 && point <= 0x11ff) || (point >= 0x1780 && point <= 0x17ff) ||
	       (point >= 0x2e80 && point <= 0x9fff) || (point >= 0xa960 && point <= 0xa97f) ||
	       (point >= 0xac00 && point <= 0xd7ff) || (point >= 0xf900 && point <= 0xfaff) ||
	       (point >= 0x20000 && point <= 0x3ffff);
}

bool fold_is_word(uint32_t point, locale_t locale)
{
	if (point < 0x80)
		return (point >= 'a' && point <= 'z') || (point >= 'A' && point <= 'Z') ||
		       (point >= '0' && point <= '9');
	return !is_dense(point) && locale && iswalnum_l((wint_t)point, locale);
}
