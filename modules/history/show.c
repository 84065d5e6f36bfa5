/* SPDX-License-Identifier: MIT */
/* An event as one reader may see it. Pure. */
#include "history.h"

bool view_has(const struct view *view, uint64_t seq)
{
	return seq > view->since && (!view->until || seq <= view->until);
}

static bool is_hidden(const struct view *view, uint64_t seq)
{
	return view->hidden && hidden_has(view->hidden, seq);
}

void show_event(struct nuncio_json *json, const struct nuncio_event *event, const struct view *view)
{
	struct nuncio_event shown = *event;
	if (is_hidden(view, event->seq)) {
		shown = (struct nuncio_event){
			.size = sizeof shown,
			.conversation = event->conversation,
			.seq = event->seq,
			.id = event->id,
			.sent_at_ms = event->sent_at_ms,
			.type = { "hidden", 6 },
			.kind = { "", 0 },
			.body = { "null", 4 },
		};
	} else if (event->target &&
		   (!view_has(view, event->target) || is_hidden(view, event->target))) {
		shown.now = NULL;
	}
	nuncio_event_write(json, &shown);
}
