/* SPDX-License-Identifier: MIT */
#include "logic/event.h"

/*
 * The one place that knows how an event looks on the wire: message.new, history, sync and lists all
 * show the same.
 */

#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/slice.h"
#include "wire/json_out.h"
#include "wire/limits.h"

/* Members without their braces, as the store keeps them. */
static void write_members(struct json_out *out, struct nuncio_str members)
{
	if (!members.n)
		return;
	buf_add_char(out->to, ',');
	buf_add_str(out->to, members);
}

static void write_event(struct json_out *out, const struct nuncio_event *event)
{
	char at[CLOCK_RFC3339_SIZE];
	clock_format_rfc3339(event->sent_at_ms, at);
	json_out_object_begin(out);
	json_out_key_text(out, "event", event->type);
	json_out_key_text(out, "conversation", event->conversation);
	json_out_key_uint(out, "seq", event->seq);
	json_out_key_id(out, "id", event->id);
	json_out_key_text(out, "from", event->from);
	if (event->client_id.n)
		json_out_key_text(out, "client_id", event->client_id);
	json_out_key_text(out, "kind", event->kind);
	json_out_key_raw(out, "body", event->body);
	write_members(out, event->extra);
	json_out_key_cstr(out, "sent_at", at);
	write_members(out, event->state);
	if (event->changed)
		json_out_key_uint(out, "changed", event->changed);
	if (event->target)
		json_out_key_uint(out, "target", event->target);
}

/* What `now` changes itself stands there as a number only, so this goes one level deep. */
void event_write(struct json_out *out, const struct nuncio_event *event)
{
	write_event(out, event);
	if (event->now) {
		json_out_key(out, "message");
		write_event(out, event->now);
		json_out_object_end(out);
	}
	json_out_object_end(out);
}

/* ---- copies ---- */

#define EVENT_TEXTS(X) \
	X(conversation) X(type) X(from) X(client_id) X(kind) X(body) X(extra) X(state)

size_t event_bytes(const struct nuncio_event *event)
{
	size_t n = sizeof *event;
#define ADD(text) n += event->text.n;
	EVENT_TEXTS(ADD)
#undef ADD
	return n;
}

static struct nuncio_str put(char **at, struct nuncio_str text)
{
	struct nuncio_str copy = { *at, text.n };
	if (text.n)
		memcpy(*at, text.p, text.n);
	*at += text.n;
	return copy;
}

struct nuncio_event *event_copy(const struct nuncio_event *event)
{
	struct nuncio_event *copy = alloc_get(event_bytes(event));
	char *at = (char *)(copy + 1);
	*copy = *event;
	copy->now = NULL;
#define PUT(text) copy->text = put(&at, event->text);
	EVENT_TEXTS(PUT)
#undef PUT
	return copy;
}

/* As long as every store takes them. */
enum { NAME_BYTES = 255 };

bool event_has_good_names(struct nuncio_str type, struct nuncio_str from,
	struct nuncio_str client_id, struct nuncio_str kind)
{
	return str_is_name(type, LIMIT_OP_BYTES) && str_is_clean(from, LIMIT_USER_BYTES) &&
	       str_is_clean(client_id, NAME_BYTES) && kind.n > 0 && str_is_clean(kind, NAME_BYTES);
}
