/* SPDX-License-Identifier: MIT */
/*
 * The list of pinned messages: the records say which, then each is read from the log, one after the
 * other (there are few), so that the list shows them as they are now.
 */
#include "messages.h"

#include <nuncio/codes.h>

#include <stdlib.h>

struct pinned {
	struct messages *m;
	struct nuncio_request *rq;
	struct nuncio_json *json;
	uint64_t *seqs, since;
	size_t count, at, bytes;
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

static void pinned_reply(struct pinned *pinned, bool more)
{
	nuncio_json_array_end(pinned->json);
	nuncio_json_key(pinned->json, "more");
	nuncio_json_put_bool(pinned->json, more);
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
	if (n == 1 && rows->seq == pinned->seqs[pinned->at]) {
		pinned->bytes += rows->body.n + rows->extra.n + rows->state.n + 400;
		if (pinned->bytes > ANSWER_BYTES && pinned->at > 0) {
			pinned_reply(pinned, true);
			return;
		}
		nuncio_event_write(pinned->json, rows);
	}
	pinned->at++;
	read_next(pinned);
}

static void read_next(struct pinned *pinned)
{
	while (pinned->at < pinned->count && pinned->seqs[pinned->at] <= pinned->since)
		pinned->at++;
	if (pinned->at == pinned->count) {
		pinned_reply(pinned, false);
		return;
	}
	const struct nuncio_events_query query = {
		.size = sizeof query,
		.flags = NUNCIO_EVENTS_FORWARD,
		.conversation = nuncio_text(pinned->conversation),
		.after = pinned->seqs[pinned->at] - 1,
		.limit = 1,
	};
	int rc = nuncio_store_events(pinned->m->self, &query, on_event, pinned);
	if (rc < 0)
		pinned_fail(pinned, rc);
}

static void on_records(int status, const struct nuncio_record *rows, size_t n, int more, void *user)
{
	struct pinned *pinned = user;
	(void)more;
	if (status < 0) {
		pinned_fail(pinned, status);
		return;
	}
	pinned->seqs = nuncio_alloc((n + 1) * sizeof *pinned->seqs);
	for (size_t i = 0; i < n; i++) {
		char digits[24];
		if (nuncio_text_copy(rows[i].key, digits, sizeof digits) == 0)
			pinned->seqs[pinned->count++] = strtoull(digits, NULL, 10);
	}
	pinned->json = nuncio_json_new();
	nuncio_json_object_begin(pinned->json);
	nuncio_json_key(pinned->json, "events");
	nuncio_json_array_begin(pinned->json);
	read_next(pinned);
}

static void on_member(int status, const struct nuncio_member *rows, size_t n, int more, void *user)
{
	struct pinned *pinned = user;
	(void)more;
	if (status == 0 && n == 1 && rows->until == 0) {
		pinned->since = rows->since;
		const struct nuncio_records_query query = {
			.size = sizeof query,
			.space = nuncio_text(SPACE_PIN),
			.owner = nuncio_text(pinned->conversation),
			.limit = pinned->m->max_pins,
		};
		status = nuncio_store_list(pinned->m->self, &query, on_records, pinned);
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
	*pinned = (struct pinned){ .m = user, .rq = rq };
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
