/* SPDX-License-Identifier: MIT */
/*
 * Cursors of members. They only rise. In a conversation whose members' cursors sync shows to
 * others, the head notes that one has moved; of a large one the head is neither locked nor written,
 * so many can read there at once.
 */
#include "store_mysql.h"

void mark_wants(struct work *w, const struct nuncio_job_mark *in)
{
	struct head *head = work_head(w, in->conversation);
	if (!head->number)
		return;
	head->is_locked |= !head->is_big;
	work_member(w, head, in->user);
}

static uint64_t at_most(uint64_t value, uint64_t limit)
{
	return value < limit ? value : limit;
}

int mark_apply(struct work *w, const struct nuncio_job_mark *in, struct outcome *out)
{
	struct head *head = work_head(w, in->conversation);
	struct member_row *row = head->number ? work_member(w, head, in->user) : NULL;
	if (!row || !row->is_there || row->member.until)
		return NUNCIO_E_NOTFOUND;
	uint64_t read = at_most(in->read, head->last_seq);
	uint64_t delivered = at_most(in->delivered > read ? in->delivered : read, head->last_seq);
	if (read <= row->member.read && delivered <= row->member.delivered)
		return 0;
	WORK_KEEP_ROW(w, head);
	WORK_KEEP_ROW(w, row);
	if (read > row->member.read)
		row->member.read = read;
	if (delivered > row->member.delivered)
		row->member.delivered = delivered;
	row->is_changed = row->is_marked = true;
	head->has_marks |= head->member_count <= NUNCIO_SYNC_MEMBERS;
	if (in->id > w->highest)
		w->highest = in->id;
	out->has_member = true;
	out->member = row->member;
	return 0;
}
