/* SPDX-License-Identifier: MIT */
#include "record.h"

#include <string.h>

static const char *const join_words[] = { "invite", "approval", "open" };

const char *record_join_word(uint32_t join)
{
	return join < 3 ? join_words[join] : join_words[RECORD_JOIN_INVITE];
}

int record_join_of(struct nuncio_str word, uint32_t *join_r)
{
	for (uint32_t i = 0; i < 3; i++)
		if (strlen(join_words[i]) == word.n && memcmp(join_words[i], word.p, word.n) == 0) {
			*join_r = i;
			return 0;
		}
	return NUNCIO_E_INVAL;
}

/* A member that is a text; one that is missing is empty. */
static int read_text(struct nuncio_str value, const char *key, char *out, size_t size)
{
	struct nuncio_str json;
	out[0] = '\0';
	if (!nuncio_json_get(value, key, &json))
		return 0;
	int n = nuncio_json_text(json, out, size);
	return n < 0 ? NUNCIO_E_INVAL : 0;
}

static int read_yes(struct nuncio_str value, const char *key)
{
	struct nuncio_str json;
	int64_t yes = 0;
	return nuncio_json_get(value, key, &json) && nuncio_json_int(json, &yes) == 0 && yes == 1;
}

int record_read(struct nuncio_str value, struct record *record_r)
{
	struct nuncio_str json;
	char join[16];
	memset(record_r, 0, sizeof *record_r);
	if (nuncio_json_type(value) != NUNCIO_JSON_OBJECT ||
		read_text(value, "name", record_r->name, sizeof record_r->name) < 0 ||
		read_text(value, "avatar", record_r->avatar, sizeof record_r->avatar) < 0 ||
		read_text(value, "announcement", record_r->announcement,
			sizeof record_r->announcement) < 0 ||
		read_text(value, "owner", record_r->owner, sizeof record_r->owner) < 0 ||
		read_text(value, "join", join, sizeof join) < 0 ||
		record_join_of(nuncio_text(join), &record_r->join) < 0 ||
		!nuncio_json_get(value, "created_at_ms", &json) ||
		nuncio_json_int(json, &record_r->created_at_ms) < 0)
		return NUNCIO_E_INVAL;
	record_r->is_channel = read_yes(value, "channel");
	record_r->has_history = read_yes(value, "history");
	record_r->is_muted = read_yes(value, "muted");
	record_r->is_dissolved = read_yes(value, "dissolved");
	return 0;
}

static void put_text(struct nuncio_json *json, const char *key, const char *text)
{
	if (!text[0])
		return;
	nuncio_json_key(json, key);
	nuncio_json_put_text(json, nuncio_text(text));
}

static void put_yes(struct nuncio_json *json, const char *key, int yes)
{
	if (!yes)
		return;
	nuncio_json_key(json, key);
	nuncio_json_put_bool(json, 1);
}

void record_write(struct nuncio_json *json, const struct record *record)
{
	nuncio_json_object_begin(json);
	put_text(json, "name", record->name);
	put_text(json, "avatar", record->avatar);
	put_text(json, "announcement", record->announcement);
	put_text(json, "owner", record->owner);
	put_text(json, "join", record_join_word(record->join));
	put_yes(json, "channel", record->is_channel);
	put_yes(json, "history", record->has_history);
	put_yes(json, "muted", record->is_muted);
	put_yes(json, "dissolved", record->is_dissolved);
	nuncio_json_key(json, "created_at_ms");
	nuncio_json_put_int(json, record->created_at_ms);
	nuncio_json_object_end(json);
}
