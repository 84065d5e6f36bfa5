/* SPDX-License-Identifier: MIT */
/* Reading members: of a conversation, of a user, one, and how many have got how far. */
#include "store_mysql.h"

#include <stdlib.h>

static void give(struct reading *r, const struct nuncio_member *member)
{
	r->has_answered = true;
	nuncio_job_add_member(r->job, member);
}

int member_list(struct reading *r, const struct nuncio_job_members *q)
{
	uint32_t shard = place_shard(r->lane->store, q->conversation), count = 0;
	uint32_t limit = q->limit ? q->limit : 1;
	uint64_t number;
	struct row row;
	int status = read_number(r, q->conversation, &number);
	if (status < 0 || !number)
		return status;
	struct db *db = read_db(r, place_server(r->lane->store, shard));
	if (!db)
		return READ_FAILED;
	sql_begin(&db->sql);
	sql_add(&db->sql,
		"SELECT " MEMBER_COLUMNS " FROM member_%n WHERE conversation=%u AND until_=0",
		shard, number);
	if (q->after.n)
		sql_add(&db->sql, " AND user>%q", q->after);
	if (q->min_role)
		sql_add(&db->sql, " AND role>=%u", (uint64_t)q->min_role);
	sql_add(&db->sql, " ORDER BY user LIMIT %u", (uint64_t)limit + 1);
	status = read_send(r, db);
	while (status == 0 && db_next(db, 0, &row)) {
		struct nuncio_member member;
		if (count++ == limit) {
			nuncio_job_set_more(r->job, 1);
			break;
		}
		member_from_row(&row, 0, q->conversation, &member);
		give(r, &member);
	}
	return status;
}

int member_one(struct reading *r, const struct nuncio_job_member *q)
{
	struct mines mines = { 0 };
	int status = mine_read_ids(r, q->user, &q->conversation, 1, NULL, &mines);
	if (status < 0)
		return status;
	if (!mines.count)
		return NUNCIO_E_NOTFOUND;
	give(r, &mines.all[0].member);
	return 0;
}

static int by_id(const void *a, const void *b)
{
	return nuncio_text_compare(((const struct mine *)a)->id, ((const struct mine *)b)->id);
}

int member_ships(struct reading *r, const struct nuncio_job_memberships *q)
{
	struct nuncio_str after = q->after, *ids;
	uint32_t limit = q->limit ? q->limit : 1, count = 0;
	for (size_t n = 1; n;) {
		struct mines mines = { 0 };
		int status = mine_ids(r, q->user, q->prefix, after, &ids, &n);
		if (status == 0 && n)
			status = mine_read_ids(r, q->user, ids, n, NULL, &mines);
		if (status < 0)
			return status;
		if (mines.count)
			qsort(mines.all, mines.count, sizeof(*mines.all), by_id);
		for (size_t i = 0; i < mines.count; i++) {
			if (mines.all[i].member.until)
				continue;
			if (count++ == limit) {
				nuncio_job_set_more(r->job, 1);
				return 0;
			}
			give(r, &mines.all[i].member);
		}
		after = n ? ids[n - 1] : after;
	}
	return 0;
}

int member_count_ships(struct reading *r, const struct nuncio_job_memberships *q)
{
	struct nuncio_str after = { "", 0 }, *ids;
	uint64_t count = 0;
	for (size_t n = 1; n && count < q->limit;) {
		int status = mine_ids(r, q->user, q->prefix, after, &ids, &n);
		if (status == 0 && n)
			status = mine_count_ids(r, q->user, ids, n, &count);
		if (status < 0)
			return status;
		after = n ? ids[n - 1] : after;
	}
	nuncio_job_set_membership_count(r->job, count < q->limit ? count : q->limit);
	return 0;
}

int member_reached(struct reading *r, const struct nuncio_job_reached *q)
{
	uint32_t shard = place_shard(r->lane->store, q->conversation);
	uint64_t number;
	struct row row;
	int status = read_number(r, q->conversation, &number);
	if (status < 0)
		return status;
	struct db *db = read_db(r, place_server(r->lane->store, shard));
	if (!db)
		return READ_FAILED;
	sql_begin(&db->sql);
	sql_add(&db->sql,
		"SELECT COALESCE(SUM(delivered>=%u),0),COALESCE(SUM(read_>=%u),0) FROM member_%n"
		" WHERE conversation=%u AND until_=0",
		q->seq, q->seq, shard, number);
	status = read_send(r, db);
	if (status == 0 && db_next(db, 0, &row))
		nuncio_job_set_reached(r->job, row_uint(&row, 0), row_uint(&row, 1));
	return status;
}
