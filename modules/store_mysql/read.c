/* SPDX-License-Identifier: MIT */
/*
 * Reads. Each is a few packets to the servers that it concerns; everything that a packet sees was
 * committed. When the connection breaks before anything was answered a read is done once more, on a
 * new one. Thread: any lane; as a rule a read lane, which has connections of its own.
 */
#include "store_mysql.h"

struct db *read_db(struct reading *r, struct server *server)
{
	struct db *db = lane_db(r->lane, server);
	if (!db) {
		r->failed = NULL;
		r->rc = DB_LOST;
		return NULL;
	}
	db_begin(db);
	return db;
}

int read_send(struct reading *r, struct db *db)
{
	return read_result(r, db, db->sql.count ? db_run(db) : DB_OK);
}

int read_result(struct reading *r, struct db *db, int rc)
{
	if (rc == DB_OK)
		return 0;
	r->failed = db;
	r->rc = rc;
	return READ_FAILED;
}

uint64_t read_known_number(const struct reading *r, struct nuncio_str conversation)
{
	const struct name *name = names_find(r->lane->names, conversation);
	return name ? name->number : 0;
}

int read_number(struct reading *r, struct nuncio_str conversation, uint64_t *number_r)
{
	uint32_t shard = place_shard(r->lane->store, conversation);
	struct row row;
	*number_r = read_known_number(r, conversation);
	if (*number_r)
		return 0;
	struct db *db = read_db(r, place_server(r->lane->store, shard));
	if (!db)
		return READ_FAILED;
	sql_begin(&db->sql);
	sql_add(&db->sql, READ_NUMBER, shard, conversation);
	int status = read_send(r, db);
	if (status == 0 && db_next(db, 0, &row))
		*number_r = names_put(r->lane->names, conversation, row_uint(&row, 0))->number;
	return status;
}

static int run_one(struct reading *r)
{
	const void *in = nuncio_job_input(r->job);
	switch (nuncio_job_kind(r->job)) {
	case NUNCIO_JOB_EVENTS:
		return event_page(r, in);
	case NUNCIO_JOB_SYNC:
		return sync_read(r, in);
	case NUNCIO_JOB_CONVERSATIONS:
		return conversation_list(r, in);
	case NUNCIO_JOB_MEMBERS:
		return member_list(r, in);
	case NUNCIO_JOB_GET:
		return record_get(r, in);
	case NUNCIO_JOB_LIST:
		return record_list(r, in);
	case NUNCIO_JOB_MEMBER:
		return member_one(r, in);
	case NUNCIO_JOB_MEMBERSHIPS:
		return member_ships(r, in);
	case NUNCIO_JOB_MEMBERSHIP_COUNT:
		return member_count_ships(r, in);
	case NUNCIO_JOB_REACHED:
		return member_reached(r, in);
	case NUNCIO_JOB_EXPORT:
		if (((const struct nuncio_job_export *)in)->what == NUNCIO_EXPORT_COUNTS)
			return export_counts(r, in);
		return NUNCIO_E_UNSUPPORTED;
	case NUNCIO_JOB_SEARCH:
		return search_find(r, in);
	default:
		return NUNCIO_E_UNSUPPORTED;
	}
}

static int read_once(struct reading *r)
{
	r->failed = NULL;
	r->has_answered = false;
	int status = run_one(r);
	pool_reset(&r->lane->pool);
	if (status != READ_FAILED || !r->failed)
		return status;
	store_complain(r->lane->store, r->failed, "reading");
	return status;
}

void read_run(struct lane *lane, struct nuncio_job **jobs, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct reading r = { .lane = lane, .job = jobs[i] };
		int status = read_once(&r);
		if (status == READ_FAILED && r.failed && r.rc == DB_LOST && !r.has_answered)
			status = read_once(&r);
		if (status == READ_FAILED)
			status = r.failed && r.rc != DB_LOST ? NUNCIO_E_FAIL : NUNCIO_E_BUSY;
		nuncio_job_done(&jobs[i], status);
	}
}
