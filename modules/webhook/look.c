/* SPDX-License-Identifier: MIT */
/*
 * With several nodes each of them writes events of a conversation, and a node hears of those of
 * others late or not at all. So the one that delivers asks the store, before each post, which
 * records there are: an event's record is there when a later event's is, so nothing overtakes, and
 * what another node has delivered is left out.
 */
#include "outbox.h"

#include <stdlib.h>

static bool read_seq(const struct nuncio_record *row, uint64_t *seq_r)
{
	char key[SEQ_DIGITS + 1];
	if (nuncio_text_copy(row->key, key, sizeof key) < 0)
		return false;
	*seq_r = strtoull(key, NULL, 10);
	return true;
}

/*
 * What was due up to `upto` is what the rows say. What came since they were read stays, and waits
 * for the next look: something else may have come before it.
 */
static void forget_upto(struct lane *lane, uint64_t upto)
{
	size_t n = 0;
	while (n < lane_due(lane) && lane_next(lane)[n] <= upto)
		n++;
	lane_drop(lane, lane->posted, n);
	outbox_set_pending(lane->outbox, lane->outbox->pending - n);
}

static void on_listed(int status, const struct nuncio_record *rows, size_t n, int more, void *user)
{
	struct lane *lane = user;
	uint64_t seq = 0;
	if (status < 0) {
		outbox_rest(lane, RETRY_MS);
		return;
	}
	lane->known_upto = n && read_seq(&rows[n - 1], &seq) ? seq : 0;
	forget_upto(lane, more && seq < lane->asked_upto ? seq : lane->asked_upto);
	for (size_t i = 0; i < n; i++)
		if (read_seq(&rows[i], &seq) && !lane_has_posted(lane, seq) && lane_add(lane, seq))
			outbox_set_pending(lane->outbox, lane->outbox->pending + 1);
	if (lane_due(lane) && lane_next(lane)[0] <= lane->known_upto)
		outbox_read(lane);
	else
		outbox_rest(lane, 0);
}

void look_first(struct lane *lane)
{
	struct clear_key after = { "" };
	uint64_t highest = 0;
	/*
	 * Records that are about to be removed are still there: the rows begin behind them, but not
	 * behind what a replay has made due again.
	 */
	for (size_t i = 0; i < lane->posted; i++)
		if (lane->seqs[lane->first + i] > highest)
			highest = lane->seqs[lane->first + i];
	if (highest >= lane_next(lane)[0])
		highest = lane_next(lane)[0] - 1;
	if (highest)
		clear_write_key(highest, &after);
	lane->asked_upto = lane_next(lane)[lane_due(lane) - 1];
	const struct nuncio_records_query query = {
		.size = sizeof query,
		.space = nuncio_text(SPACE_OUT),
		.owner = nuncio_text(lane->conversation),
		.after_owner = nuncio_text(highest ? lane->conversation : ""),
		.after_key = nuncio_text(after.text),
		.limit = BATCH_EVENTS,
	};
	if (nuncio_store_list(lane->outbox->w->self, &query, on_listed, lane) < 0)
		outbox_rest(lane, RETRY_MS);
}
