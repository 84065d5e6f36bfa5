/* SPDX-License-Identifier: MIT */
#include "news.h"

#include "record.h"
#include "table.h"

static const char *const words[] = { "", "created", "updated", "joined", "left", "removed", "role",
	"muted", "unmuted", "all_muted", "all_unmuted", "transferred", "dissolved" };
enum { WORD_COUNT = sizeof words / sizeof words[0] };
static const char *const role_words[] = { "member", "admin", "owner" };

const char *news_word(enum news news)
{
	return words[news];
}

const char *news_role_word(uint32_t role)
{
	return role_words[role < 3 ? role : 0];
}

int news_role_of(struct nuncio_str word, uint32_t *role_r)
{
	for (uint32_t i = 0; i < 3; i++)
		if (nuncio_text_same(word, nuncio_text(role_words[i]))) {
			*role_r = i;
			return 0;
		}
	return NUNCIO_E_INVAL;
}

/* ---- times ---- */

static int64_t digits(const char *p, size_t n)
{
	int64_t number = 0;
	for (size_t i = 0; i < n; i++) {
		if (p[i] < '0' || p[i] > '9')
			return -1;
		number = number * 10 + (p[i] - '0');
	}
	return number;
}

/* Days since 1970-01-01 in the Gregorian calendar; a year begins in March, so leap days end it. */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
	year -= month <= 2;
	int64_t era = year / 400, of_era = year % 400;
	int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

int64_t news_time_of(struct nuncio_str text)
{
	static const char form[] = "0000-00-00T00:00:00.000Z";
	const char *p = text.p;
	if (text.n != sizeof form - 1)
		return 0;
	for (size_t i = 0; i < text.n; i++)
		if (form[i] == '0' ? p[i] < '0' || p[i] > '9' : p[i] != form[i])
			return 0;
	int64_t days = days_of(digits(p, 4), digits(p + 5, 2), digits(p + 8, 2));
	int64_t seconds = digits(p + 11, 2) * 3600 + digits(p + 14, 2) * 60 + digits(p + 17, 2);
	return (days * 86400 + seconds) * 1000 + digits(p + 20, 3);
}

/* ---- events ---- */

static int what_of(struct nuncio_str kind)
{
	for (int i = 1; i < WORD_COUNT; i++)
		if (nuncio_text_same(kind, nuncio_text(words[i])))
			return i;
	return NUNCIO_E_INVAL;
}

static struct nuncio_str text_in(struct nuncio_str body, const char *key, char *out, size_t size)
{
	struct nuncio_str json;
	int n = nuncio_json_get(body, key, &json) ? nuncio_json_text(json, out, size) : 0;
	return (struct nuncio_str){ out, n > 0 ? (size_t)n : 0 };
}

int news_read(const struct nuncio_event *event, struct news_event *news_r)
{
	char text[32];
	struct nuncio_str json;
	int64_t yes = 0;
	int what = nuncio_text_same(event->type, nuncio_text(NEWS_TYPE)) ? what_of(event->kind)
									 : NUNCIO_E_INVAL;
	if (what < 0)
		return what;
	*news_r = (struct news_event){ .what = (enum news)what, .body = event->body };
	news_role_of(text_in(event->body, "role", text, sizeof text), &news_r->role);
	news_r->until_ms = news_time_of(text_in(event->body, "until", text, sizeof text));
	if (nuncio_json_get(event->body, "history", &json) && nuncio_json_int(json, &yes) == 0)
		news_r->has_history = yes == 1;
	return 0;
}

int news_next_user(const struct news_event *news, size_t *at, char user_r[GROUP_USER_BYTES + 1])
{
	struct nuncio_str users, item;
	if (!nuncio_json_get(news->body, "users", &users) ||
		nuncio_json_type(users) != NUNCIO_JSON_ARRAY)
		return 0;
	while (nuncio_json_next(users, at, NULL, &item))
		if (nuncio_json_text(item, user_r, GROUP_USER_BYTES + 1) > 0)
			return 1;
	return 0;
}
