/* SPDX-License-Identifier: MIT */
/*
 * The list of pinned messages, in pages: the records say which, those are left out that their
 * reader has hidden or may not see, then each is read from the log, one after the other (there are
 * few), so that the list shows them as they are now.
 */
#include "messages.h"

#include <nuncio/codes.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct pinned {
	struct messages *m;
	struct nuncio_request *rq;
	struct nuncio_json *json;
	struct pin {
		uint64_t seq;
		bool is_unseen; /* hidden by this reader, or not for them */
	} * seqs;               /* rising */
	uint64_t after, since;
	uint32_t limit;
	size_t count, at, bytes;
	bool has_more; /* records behind these */
	char user[USER_BYTES + 1], conversation[CONVERSATION_BYTES + 1];
};
enum { ANSWER_BYTES = 60000 };

static void pinned_end(struct pinned *pinned)
{
	nuncio_json_free(&pinned->json);
	free(pinned->seqs);
	free(pinned);
}

static void pinned_fail(struct pinned *pinned, int status)
{
	if (status == NUNCIO_E_DENIED)
		nuncio_reply_error(&pinned->rq, NUNCIO_CODE_not_member, NULL);
	else
		nuncio_reply_store_status(&pinned->rq, status);
	pinned_end(pinned);
}

/* `next` is the last one that was looked at, if there are more. */
static void pinned_reply(struct pinned *pinned)
{
	bool more = pinned->has_more || pinned->at < pinned->count;
	nuncio_json_array_end(pinned->json);
	nuncio_json_key(pinned->json, "more");
	nuncio_json_put_bool(pinned->json, more);
	nuncio_json_key(pinned->json, "next");
	if (more)
		nuncio_json_put_int(pinned->json, (int64_t)pinned->after);
	else
		nuncio_json_put_null(pinned->json);
	nuncio_json_object_end(pinned->json);
	nuncio_reply(&pinned->rq, 200, nuncio_json_str(pinned->json));
	pinned_end(pinned);
}

static void read_next(struct pinned *pinned);

static void on_event(int status, const struct nuncio_event *rows, size_t n, int more, void *user)
{
	struct pinned *pinned = user;
	(void)more;
	if (status < 0) {
		pinned_fail(pinned, status);
		return;
	}
	if (n == 1 && rows->seq == pinned->seqs[pinned->at].seq) {
		pinned->bytes += rows->body.n + rows->extra.n + rows->state.n + 400;
		if (pinned->bytes > ANSWER_BYTES && pinned->at > 0) {
			pinned_reply(pinned);
			return;
		}
		nuncio_event_write(pinned->json, rows);
	}
	pinned->after = pinned->seqs[pinned->at++].seq;
	read_next(pinned);
}

static void read_next(struct pinned *pinned)
{
	while (pinned->at < pinned->count && pinned->seqs[pinned->at].is_unseen)
		pinned->after = pinned->seqs[pinned->at++].seq;
	if (pinned->at == pinned->count) {
		pinned_reply(pinned);
		return;
	}
	const struct nuncio_events_query query = {
		.size = sizeof query,
		.flags = NUNCIO_EVENTS_FORWARD,
		.conversation = nuncio_text(pinned->conversation),
		.after = pinned->seqs[pinned->at].seq - 1,
		.limit = 1,
	};
	int rc = nuncio_store_events(pinned->m->self, &query, on_event, pinned);
	if (rc < 0)
		pinned_fail(pinned, rc);
}

/* ---- which ---- */

static void show(struct pinned *pinned)
{
	pinned->json = nuncio_json_new();
	nuncio_json_object_begin(pinned->json);
	nuncio_json_key(pinned->json, "events");
	nuncio_json_array_begin(pinned->json);
	read_next(pinned);
}

static void leave_out(struct pinned *pinned, uint64_t seq)
{
	size_t low = 0, high = pinned->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (pinned->seqs[middle].seq < seq)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < pinned->count && pinned->seqs[low].seq == seq)
		pinned->seqs[low].is_unseen = true;
}

/* What the module history keeps: all up to a seq, and single ones above. */
static void leave_out_hidden(struct pinned *pinned, struct nuncio_str value)
{
	struct nuncio_str upto, seqs, seq;
	int64_t number;
	size_t at = 0;
	if (nuncio_json_check(value, NULL) < 0)
		return;
	if (nuncio_json_get(value, "upto", &upto) && nuncio_json_int(upto, &number) == 0)
		for (size_t i = 0; i < pinned->count; i++)
			pinned->seqs[i].is_unseen |= pinned->seqs[i].seq <= (uint64_t)number;
	if (!nuncio_json_get(value, "seqs", &seqs))
		return;
	while (nuncio_json_next(seqs, &at, NULL, &seq))
		if (nuncio_json_int(seq, &number) == 0)
			leave_out(pinned, (uint64_t)number);
}

static void on_hidden(int status, const struct nuncio_record *rows, size_t n, int more, void *user)
{
	struct pinned *pinned = user;
	(void)more;
	if (status < 0 && status != NUNCIO_E_NOTFOUND) {
		pinned_fail(pinned, status);
		return;
	}
	if (status == 0 && n == 1)
		leave_out_hidden(pinned, rows->value);
	show(pinned);
}

static void on_records(int status, const struct nuncio_record *rows, size_t n, int more, void *user)
{
	struct pinned *pinned = user;
	if (status < 0) {
		pinned_fail(pinned, status);
		return;
	}
	pinned->has_more = more;
	pinned->seqs = nuncio_alloc((n + 1) * sizeof *pinned->seqs);
	for (size_t i = 0; i < n; i++) {
		struct pin *pin = &pinned->seqs[pinned->count];
		char digits[24];
		if (nuncio_text_copy(rows[i].key, digits, sizeof digits) < 0)
			continue;
		pin->seq = strtoull(digits, NULL, 10);
		pin->is_unseen = pin->seq <= pinned->since;
		pinned->count++;
	}
	int rc = n ? nuncio_store_get(pinned->m->self, nuncio_text(SPACE_HIDDEN),
			     nuncio_text(pinned->user), nuncio_text(pinned->conversation),
			     on_hidden, pinned)
		   : 0;
	if (rc < 0)
		pinned_fail(pinned, rc);
	else if (!n)
		show(pinned);
}

static int ask_records(struct pinned *pinned)
{
	char after[24];
	snprintf(after, sizeof after, "%020" PRIu64, pinned->after);
	const struct nuncio_records_query query = {
		.size = sizeof query,
		.space = nuncio_text(SPACE_PIN),
		.owner = nuncio_text(pinned->conversation),
		.after_owner = nuncio_text(pinned->conversation),
		.after_key = nuncio_text(after),
		.limit = pinned->limit,
	};
	return nuncio_store_list(pinned->m->self, &query, on_records, pinned);
}

static void on_member(int status, const struct nuncio_member *rows, size_t n, int more, void *user)
{
	struct pinned *pinned = user;
	(void)more;
	if (status == 0 && n == 1 && rows->until == 0) {
		pinned->since = rows->since;
		status = ask_records(pinned);
		if (status == 0)
			return;
	} else if (status == 0) {
		status = NUNCIO_E_DENIED;
	}
	pinned_fail(pinned, status == NUNCIO_E_NOTFOUND ? NUNCIO_E_DENIED : status);
}

/* The refusal is the kind's own, or that of a module that was asked. */
static void on_entered(int status, const struct nuncio_entry *entry, void *user)
{
	struct pinned *pinned = user;
	if (status < 0 && status != NUNCIO_E_NOTFOUND && entry && entry->code) {
		nuncio_reply_error(&pinned->rq, entry->code, "%s", entry->text);
		pinned_end(pinned);
		return;
	}
	if (status == 0)
		status = nuncio_store_member(pinned->m->self, nuncio_text(pinned->conversation),
			nuncio_text(pinned->user), on_member, pinned);
	if (status < 0)
		pinned_fail(pinned, status);
}

void on_pinned(struct nuncio_request *rq, void *user)
{
	struct pinned *pinned = nuncio_alloc(sizeof *pinned);
	struct nuncio_str conversation = { "", 0 };
	nuncio_request_text(rq, nuncio_request_is_http(rq) ? "id" : "conversation", &conversation);
	int64_t after = 0, limit = PINS_PAGE;
	nuncio_request_int(rq, "after", &after);
	nuncio_request_int(rq, "limit", &limit);
	*pinned = (struct pinned){
		.m = user, .rq = rq, .after = (uint64_t)after, .limit = (uint32_t)limit
	};
	if (nuncio_text_copy(conversation, pinned->conversation, sizeof pinned->conversation) < 0 ||
		nuncio_text_copy(nuncio_request_user(rq), pinned->user, sizeof pinned->user) < 0) {
		pinned_fail(pinned, NUNCIO_E_NOTFOUND);
		return;
	}
	const struct nuncio_access what = {
		.session = nuncio_request_session(rq),
		.user = nuncio_text(pinned->user),
		.conversation = nuncio_text(pinned->conversation),
		.access = NUNCIO_ACCESS_READ,
	};
	nuncio_conversation_ask(pinned->m->self, &what, on_entered, pinned);
}
