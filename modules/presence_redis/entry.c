/* SPDX-License-Identifier: MIT */
/* See presence_redis.h. What comes from Redis was written by a node, but is checked like input. */
#include "presence_redis.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <nuncio/json.h>

static const char *const state_names[] = { "offline", "online", "away", "dnd" };

void entry_write_field(struct redis_buffer *out, const char *node_id, nuncio_sid session)
{
	char text[64];
	int n = snprintf(text, sizeof text, "%s:%" PRIx64, node_id, session);
	out->used = 0;
	redis_buffer_add(out, text, (size_t)n);
}

void entry_write_value(struct redis_buffer *out, const struct nuncio_roster_row *row)
{
	struct nuncio_json *json = nuncio_json_new();
	nuncio_json_object_begin(json);
	nuncio_json_key(json, "node");
	nuncio_json_put_text(json, row->node);
	nuncio_json_key(json, "device");
	nuncio_json_put_text(json, row->device);
	nuncio_json_key(json, "since");
	nuncio_json_put_int(json, row->since_ms);
	nuncio_json_key(json, "state");
	nuncio_json_put_text(json, nuncio_text(state_names[row->state]));
	nuncio_json_object_end(json);
	out->used = 0;
	redis_buffer_add_str(out, nuncio_json_str(json));
	nuncio_json_free(&json);
}

static int read_field(struct nuncio_str field, struct entry *entry)
{
	char text[24], *end;
	if (field.n <= REDIS_ID_BYTES + 1 || field.p[REDIS_ID_BYTES] != ':')
		return NUNCIO_E_INVAL;
	struct nuncio_str session = { field.p + REDIS_ID_BYTES + 1, field.n - REDIS_ID_BYTES - 1 };
	if (nuncio_text_copy(session, text, sizeof text) < 0)
		return NUNCIO_E_INVAL;
	entry->node_id = (struct nuncio_str){ field.p, REDIS_ID_BYTES };
	entry->row.session = strtoull(text, &end, 16);
	return *end || !entry->row.session ? NUNCIO_E_INVAL : 0;
}

/* Digits, a space; what follows is left in *value. */
static int read_order(struct nuncio_str *value, uint64_t *order_r)
{
	uint64_t order = 0;
	size_t n = 0;
	while (n < value->n && n < 18 && value->p[n] >= '0' && value->p[n] <= '9')
		order = order * 10 + (uint64_t)(value->p[n++] - '0');
	if (n == 0 || n == value->n || value->p[n] != ' ')
		return NUNCIO_E_INVAL;
	*value = (struct nuncio_str){ value->p + n + 1, value->n - n - 1 };
	*order_r = order;
	return 0;
}

static int read_text(
	struct nuncio_str json, const char *key, char *out, size_t size, struct nuncio_str *text_r)
{
	struct nuncio_str value;
	if (!nuncio_json_get(json, key, &value))
		return NUNCIO_E_INVAL;
	int n = nuncio_json_text(value, out, size);
	if (n < 0)
		return NUNCIO_E_INVAL;
	*text_r = (struct nuncio_str){ out, (size_t)n };
	return 0;
}

static int read_state(struct nuncio_str name, uint32_t *state_r)
{
	for (uint32_t i = NUNCIO_PRESENCE_ONLINE; i <= NUNCIO_PRESENCE_DND; i++)
		if (nuncio_text_same(name, nuncio_text(state_names[i]))) {
			*state_r = i;
			return 0;
		}
	return NUNCIO_E_INVAL;
}

int entry_read(struct nuncio_str field, struct nuncio_str value, struct entry *entry_r)
{
	struct nuncio_str since, state;
	char name[16];
	memset(entry_r, 0, sizeof *entry_r);
	if (read_field(field, entry_r) < 0 || read_order(&value, &entry_r->row.order) < 0 ||
		nuncio_json_check(value, NULL) < 0)
		return NUNCIO_E_INVAL;
	if (read_text(value, "node", entry_r->node, sizeof entry_r->node, &entry_r->row.node) < 0 ||
		read_text(value, "device", entry_r->device, sizeof entry_r->device,
			&entry_r->row.device) < 0 ||
		read_text(value, "state", name, sizeof name, &state) < 0 ||
		read_state(state, &entry_r->row.state) < 0 ||
		!nuncio_json_get(value, "since", &since) ||
		nuncio_json_int(since, &entry_r->row.since_ms) < 0)
		return NUNCIO_E_INVAL;
	return 0;
}

uint32_t entry_join_states(uint32_t a, uint32_t b)
{
	static const uint32_t weight[] = { [NUNCIO_PRESENCE_OFFLINE] = 0,
		[NUNCIO_PRESENCE_AWAY] = 1,
		[NUNCIO_PRESENCE_ONLINE] = 2,
		[NUNCIO_PRESENCE_DND] = 3 };
	return weight[a] >= weight[b] ? a : b;
}
