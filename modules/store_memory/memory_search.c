/* SPDX-License-Identifier: MIT */
/* Search without an index: cuts every message that the user sees, the newest first. */
#include "store_memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	TOKENS_MAX = 128, /* of a query of 255 bytes */
	TOKEN_BYTES = 80,
	TEXT_BYTES = NUNCIO_EVENT_BYTES + 1
};

struct search {
	const struct nuncio_search_query *q;
	char tokens[TOKENS_MAX][TOKEN_BYTES];
	size_t bytes[TOKENS_MAX], count;
	bool is_found[TOKENS_MAX];
	char text[TEXT_BYTES];
};

static void on_query_token(struct nuncio_str token, size_t begin, size_t end, void *user)
{
	struct search *search = user;
	(void)begin, (void)end;
	if (search->count == TOKENS_MAX)
		return;
	memcpy(search->tokens[search->count], token.p, token.n);
	search->bytes[search->count++] = token.n;
}

static void on_text_token(struct nuncio_str token, size_t begin, size_t end, void *user)
{
	struct search *search = user;
	(void)begin, (void)end;
	for (size_t i = 0; i < search->count; i++) {
		struct nuncio_str wanted = { search->tokens[i], search->bytes[i] };
		if (wanted.p[wanted.n - 1] == '*') {
			wanted.n--;
			search->is_found[i] |= nuncio_text_starts(token, wanted);
		} else {
			search->is_found[i] |= nuncio_text_same(token, wanted);
		}
	}
}

static bool has_all_words(struct search *search, const struct nuncio_event *e)
{
	int n = nuncio_search_text(e->body, search->text, sizeof(search->text));
	memset(search->is_found, 0, sizeof(search->is_found));
	nuncio_search_cut((struct nuncio_str){ search->text, (size_t)n }, 0, on_text_token, search);
	for (size_t i = 0; i < search->count; i++)
		if (!search->is_found[i])
			return false;
	return true;
}

static bool is_wanted(const struct nuncio_search_query *q, const struct nuncio_event *e)
{
	return event_is_message(e) &&
	       (!q->conversation.n || nuncio_text_same(e->conversation, q->conversation)) &&
	       (!q->from.n || nuncio_text_same(e->from, q->from)) &&
	       (!q->from_ms || e->sent_at_ms >= q->from_ms) &&
	       (!q->to_ms || e->sent_at_ms <= q->to_ms);
}

static void find(struct logs *l, struct search *search, nuncio_id below, struct nuncio_job *job)
{
	struct page page = { .limit = search->q->limit, .max_bytes = search->q->max_bytes };
	nuncio_id last = 0;
	for (size_t i = l->event_count; i > 0; i--) {
		const struct log_event *e = l->timeline[i - 1];
		if (e->e.id >= below || !is_wanted(search->q, &e->e))
			continue;
		const struct log *log = table_find(&l->by_id, e->e.conversation);
		const struct log_member *me = member_find(&log->members, search->q->user);
		if (!me || !member_sees(me, e->e.seq) || !has_all_words(search, &e->e))
			continue;
		struct nuncio_event shown = event_shown(log, e, me->m.since);
		if (!page_takes(&page, event_bytes(&shown))) {
			char next[24];
			int n = snprintf(next, sizeof(next), "%" PRIu64, last);
			nuncio_job_set_cursor(job, (struct nuncio_str){ next, (size_t)n });
			return;
		}
		nuncio_job_add_event(job, &shown);
		last = e->e.id;
	}
}

int log_search(struct logs *l, const struct nuncio_search_query *q, struct nuncio_job *job)
{
	nuncio_id below;
	if (!text_number(q->after, UINT64_MAX, &below))
		return NUNCIO_E_INVAL;
	struct search *search = nuncio_resize(NULL, sizeof(*search));
	memset(search, 0, sizeof(*search));
	search->q = q;
	nuncio_search_cut(q->text, 1, on_query_token, search);
	int status = search->count ? 0 : NUNCIO_E_INVAL;
	if (status == 0)
		find(l, search, below, job);
	free(search);
	return status;
}
