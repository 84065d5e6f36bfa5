/* SPDX-License-Identifier: MIT */
/*
 * What changed for a user since a cursor. Rows are stamped with tickets (position.c); a call goes
 * from the cursor's `from` to `upto`, the highest ticket that was committed when it began: first
 * the user's records, then conversation by conversation the events, then the cursors of members.
 * When the page is full, where it stopped goes into the cursor. What comes in between two pages is
 * above `upto`; when a pass is through and there is such, the next pass begins in the same call, so
 * that `more` 0 always means: nothing is missing.
 *
 * Below `upto` there may be tickets of transactions that were still under way; so the next pass
 * begins not at `upto` but at `safe`, and a later call may show again what came in those moments.
 * Within a call it is known what was shown: of a conversation, all up to the highest seq, since
 * who takes a seq holds the log until the commit.
 *
 * Cost: one look at each conversation of the user, and what changed.
 */
#include "store_mysql.h"

#include "sync.h"

#include <stdlib.h>

enum { LOOK_BACK = 32 };

struct shown {
	uint32_t shard;
	uint64_t number, seq;
};

struct page {
	struct reading *r;
	const struct nuncio_sync_query *query;
	struct sync_place place;
	uint32_t count, limit;
	size_t bytes;
	bool is_full;
	struct shown *shown; /* the highest event of each conversation in this answer */
	size_t shown_count;
};

/* Whether one more of so many bytes fits; the first always does. */
static bool takes(struct page *page, size_t bytes)
{
	bytes += page->bytes;
	page->is_full =
		page->count && (page->count == page->limit ||
				       (page->query->max_bytes && bytes > page->query->max_bytes));
	if (page->is_full)
		return false;
	page->bytes = bytes;
	page->count++;
	page->r->has_answered = true;
	return true;
}

static uint64_t left(const struct page *page)
{
	return (uint64_t)(page->limit - page->count) + 1;
}

/* --- records --- */

static int add_records(struct page *page)
{
	struct reading *r = page->r;
	struct nuncio_str user = page->query->user;
	uint32_t shard = place_shard(r->lane->store, user);
	struct server *server = place_server(r->lane->store, shard);
	struct db *db = read_db(r, server);
	int64_t now_ms = nuncio_wall_ms();
	struct row row;
	if (!db)
		return READ_FAILED;
	sql_begin(&db->sql);
	sql_add(&db->sql,
		"SELECT s.changed,s.part,s.space,s.key_,r.value,r.version,r.expires_at,s.deleted_at"
		" FROM synced_%n s LEFT JOIN record_%n r"
		" ON r.space=s.space AND r.owner=s.owner AND r.key_=s.key_"
		" WHERE s.owner=%q AND s.changed>%u AND s.changed<=%u"
		" AND (s.changed>%u OR (s.changed=%u AND s.part>=%u))"
		" ORDER BY s.changed,s.part LIMIT %u",
		shard, shard, user, page->place.from[server->index],
		page->place.upto[server->index], page->place.number, page->place.number,
		page->place.seq, left(page));
	int status = read_send(r, db);
	while (status == 0 && db_next(db, 0, &row)) {
		struct nuncio_record record = { .size = sizeof(record),
			.space = row_text(&row, 2),
			.owner = user,
			.key = row_text(&row, 3),
			.version = row_uint(&row, 5),
			.expires_at_ms = row_int(&row, 6) };
		bool is_there = !row_is_null(&row, 5);
		if (is_there)
			record.value = row_text(&row, 4);
		if ((is_there && record.expires_at_ms && record.expires_at_ms <= now_ms) ||
			(!is_there && row_is_null(&row, 7)))
			continue; /* it has expired */
		page->place.number = row_uint(&row, 0);
		page->place.seq = row_uint(&row, 1);
		if (!takes(page, record.space.n + user.n + record.key.n + record.value.n))
			break;
		nuncio_job_add_record(r->job, &record);
	}
	return status;
}

/* --- events --- */

struct span {
	const struct mine *mine;
	struct db *db;
	uint64_t from, upto; /* tickets */
	uint64_t low, end;   /* what the user may see: low < seq <= end */
};

static int ticket_at(struct page *page, const struct span *span, uint64_t seq, uint64_t *ticket_r)
{
	struct row row;
	db_begin(span->db);
	sql_begin(&span->db->sql);
	sql_add(&span->db->sql, "SELECT ticket FROM message_%n WHERE conversation=%u AND seq=%u",
		span->mine->shard, span->mine->number, seq);
	int status = read_send(page->r, span->db);
	*ticket_r = status == 0 && db_next(span->db, 0, &row) ? row_uint(&row, 0) : 0;
	return status;
}

/*
 * The lowest seq above span->low whose ticket is above span->from; tickets rise with seq. Steps
 * back from `high`, which is one, that double, then halving.
 */
static int first_news(struct page *page, const struct span *span, uint64_t high, uint64_t *first_r)
{
	uint64_t low = span->low, ticket;
	int status = 0;
	for (uint64_t step = LOOK_BACK; status == 0 && high > low + step; step *= 2) {
		status = ticket_at(page, span, high - step, &ticket);
		if (ticket <= span->from) {
			low = high - step;
			break;
		}
		high -= step;
	}
	while (status == 0 && high > low + 1) {
		uint64_t middle = low + (high - low) / 2;
		status = ticket_at(page, span, middle, &ticket);
		*(ticket > span->from ? &high : &low) = middle;
	}
	*first_r = high;
	return status;
}

static int ask_events(struct page *page, const struct span *span, uint64_t first)
{
	db_begin(span->db);
	sql_begin(&span->db->sql);
	sql_add(&span->db->sql,
		"SELECT " EVENT_COLUMNS " FROM message_%n WHERE conversation=%u AND seq>=%u"
		" AND seq<=%u AND ticket>%u AND ticket<=%u ORDER BY seq LIMIT %u",
		span->mine->shard, span->mine->number, first, span->end, span->from, span->upto,
		left(page));
	return read_send(page->r, span->db);
}

/* That of a conversation; new: seq 0. Few conversations come in a second pass. */
static struct shown *shown_of(struct page *page, const struct mine *mine)
{
	for (size_t i = page->shown_count; i-- > 0;)
		if (page->shown[i].number == mine->number && page->shown[i].shard == mine->shard)
			return &page->shown[i];
	if ((page->shown_count & (page->shown_count - 1)) == 0)
		page->shown = nuncio_resize(page->shown,
			(page->shown_count ? 2 * page->shown_count : 1) * sizeof *page->shown);
	page->shown[page->shown_count] =
		(struct shown){ .shard = mine->shard, .number = mine->number };
	return &page->shown[page->shown_count++];
}

static int give_events(struct page *page, const struct span *span, struct shown *shown)
{
	struct reading *r = page->r;
	size_t n;
	struct nuncio_event *events = event_take(r, span->db, 0, span->mine->id, &n);
	int status = event_targets(r, span->db, span->mine->shard, span->mine->number,
		span->mine->member.since, events, n);
	for (size_t i = 0; status == 0 && i < n; i++) {
		page->place.seq = events[i].seq;
		if (!takes(page, event_bytes(&events[i])))
			break;
		nuncio_job_add_event(r->job, &events[i]);
		shown->seq = events[i].seq;
		page->place.seq = events[i].seq + 1;
	}
	return status;
}

static int add_events(struct page *page, const struct span *span)
{
	struct shown *shown = shown_of(page, span->mine);
	uint64_t first = page->place.seq;
	bool is_near = true;
	int status = 0;
	if (span->end <= span->low)
		return 0;
	if (shown->seq && shown->seq >= first)
		first = shown->seq + 1;
	if (!first) {
		is_near = span->end - span->low <= LOOK_BACK;
		first = is_near ? span->low + 1 : span->end - LOOK_BACK + 1;
	}
	/* As a rule the news are the last few. If all of those are, look further back. */
	if (!is_near) {
		uint64_t ticket;
		status = ticket_at(page, span, first, &ticket);
		if (status == 0 && ticket > span->from)
			status = first_news(page, span, first, &first);
	}
	if (status == 0)
		status = ask_events(page, span, first);
	return status == 0 ? give_events(page, span, shown) : status;
}

/* --- cursors of members --- */

static bool add_member(struct page *page, const struct nuncio_member *member)
{
	if (!takes(page, member->conversation.n + member->user.n + member->extra.n))
		return false;
	nuncio_job_add_member(page->r->job, member);
	page->place.skip++;
	return true;
}

/*
 * In order of users, from `skip` on. Those that move again between two pages stay in the list, so
 * nobody is skipped; others may be shown twice.
 */
static int add_members(struct page *page, const struct span *span)
{
	const struct mine *mine = span->mine;
	struct row row;
	bool is_small = mine->member.member_count <= NUNCIO_SYNC_MEMBERS;
	if (mine->member.until)
		return 0;
	if (!is_small || mine->marked <= span->from) {
		if (mine->member_changed > span->from && !page->place.skip)
			add_member(page, &mine->member);
		return 0;
	}
	db_begin(span->db);
	sql_begin(&span->db->sql);
	sql_add(&span->db->sql,
		"SELECT " MEMBER_COLUMNS " FROM member_%n WHERE conversation=%u AND until_=0"
		" AND changed>%u ORDER BY user LIMIT %u,%u",
		mine->shard, mine->number, span->from, (uint64_t)page->place.skip, left(page));
	int status = read_send(page->r, span->db);
	while (status == 0 && db_next(span->db, 0, &row)) {
		struct nuncio_member member;
		member_from_row(&row, 0, mine->id, &member);
		if (!add_member(page, &member))
			break;
	}
	return status;
}

/* --- a conversation, a pass, a call --- */

static int add_conversation(struct page *page, const struct mine *mine)
{
	struct server *server = place_server(page->r->lane->store, mine->shard);
	const struct nuncio_member *m = &mine->member;
	struct span span = { .mine = mine,
		.db = read_db(page->r, server),
		.from = page->place.from[server->index],
		.upto = page->place.upto[server->index],
		.low = m->since,
		.end = m->until ? m->until : mine->last_seq };
	if (!span.db)
		return READ_FAILED;
	int status = mine->changed > span.from ? add_events(page, &span) : 0;
	if (status == 0 && !page->is_full)
		status = add_members(page, &span);
	return status;
}

static bool is_before(const struct mine *mine, const struct sync_place *place)
{
	if (mine->shard + 1 != place->phase)
		return mine->shard + 1 < place->phase;
	return mine->number < place->number;
}

/* From place.from to place.upto; when the page is full, place says where to go on. */
static int run_pass(struct page *page)
{
	struct sync_place *place = &page->place;
	struct mines mines;
	int status = 0;
	if (place->phase == 0) {
		status = add_records(page);
		if (status < 0 || page->is_full)
			return status;
		place->phase = 1;
		place->number = place->seq = 0;
	}
	status = mine_read(page->r, page->query->user, place->from, &mines);
	for (size_t i = 0; status == 0 && i < mines.count; i++) {
		const struct mine *mine = &mines.all[i];
		if (is_before(mine, place))
			continue;
		if (mine->shard + 1 != place->phase || mine->number != place->number) {
			place->phase = mine->shard + 1;
			place->number = mine->number;
			place->seq = 0;
			place->skip = 0;
		}
		status = add_conversation(page, mine);
		if (page->is_full)
			break;
	}
	return status;
}

static void begin_pass(struct sync_place *place, const uint64_t *from, const struct position *now,
	unsigned servers)
{
	struct sync_place next = { .is_within = true };
	for (unsigned i = 0; i < servers; i++) {
		next.from[i] = from[i];
		next.upto[i] = now[i].seen > from[i] ? now[i].seen : from[i];
		next.safe[i] = now[i].safe > from[i] ? now[i].safe : from[i];
	}
	*place = next;
}

/* A cursor from a time that this store does not know, or no more. */
static bool is_gap(struct page *page, const struct position *now)
{
	struct store *s = page->r->lane->store;
	struct sync_place *place = &page->place;
	if (!sync_cursor_take(s, page->query->cursor, place))
		return true;
	for (unsigned i = 0; i < s->server_count; i++)
		if (place->from[i] > now[i].seen ||
			(place->is_within && place->upto[i] > now[i].seen))
			return true;
	unsigned home = place_server(s, place_shard(s, page->query->user))->index;
	return place->from[home] < now[home].horizon;
}

static bool is_empty(const struct sync_place *place, unsigned servers)
{
	for (unsigned i = 0; i < servers; i++)
		if (place->from[i] < place->upto[i])
			return false;
	return true;
}

static bool has_news(const struct sync_place *place, const struct position *now, unsigned servers)
{
	for (unsigned i = 0; i < servers; i++)
		if (place->upto[i] < now[i].seen)
			return true;
	return false;
}

static int read_page(struct page *page)
{
	struct reading *r = page->r;
	struct store *s = r->lane->store;
	struct position now[SERVERS_MAX] = { { 0 } };
	int status = 0;
	for (unsigned i = 0; i < s->server_count && status == 0; i++) {
		struct db *db = read_db(r, &s->servers[i]);
		status = db ? read_result(r, db, position_read(db, &now[i])) : READ_FAILED;
	}
	if (status < 0)
		return status;
	if (is_gap(page, now)) {
		for (unsigned i = 0; i < s->server_count; i++)
			page->place.safe[i] = now[i].safe;
		page->place.is_within = false;
		nuncio_job_set_gap(r->job, 1);
		sync_cursor_give(s, r->job, &page->place);
		return 0;
	}
	if (!page->place.is_within)
		begin_pass(&page->place, page->place.from, now, s->server_count);
	for (;;) {
		status = is_empty(&page->place, s->server_count) ? 0 : run_pass(page);
		if (status < 0)
			return status;
		if (page->is_full || !has_news(&page->place, now, s->server_count))
			break;
		begin_pass(&page->place, page->place.safe, now, s->server_count);
	}
	page->place.is_within = page->is_full;
	nuncio_job_set_more(r->job, page->is_full);
	sync_cursor_give(s, r->job, &page->place);
	return 0;
}

int sync_read(struct reading *r, const struct nuncio_sync_query *q)
{
	struct page page = { .r = r, .query = q, .limit = q->limit ? q->limit : 1 };
	int status = read_page(&page);
	free(page.shown);
	return status;
}
