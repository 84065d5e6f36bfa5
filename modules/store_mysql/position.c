/* SPDX-License-Identifier: MIT */
/*
 * How far everything on a server has been committed: what sync and the indexer count by.
 *
 * Clocks of nodes differ, and transactions of different nodes end in another order than they began,
 * so neither times nor event ids say what a reader has already seen. Each transaction draws a
 * ticket (the AUTO_INCREMENT of the table ticket, whose numbers grow in the order of drawing) and
 * stamps its rows with it. A reader must know below which ticket nothing can appear any more; for
 * that a transaction first marks its lane's row (lock_rows.c: batch, and since: the last committed
 * ticket then), and draws only when that was answered.
 *
 *  1. seen: the highest committed ticket.
 *  2. The lanes' rows as they are, committed or not (READ UNCOMMITTED).
 *  3. The lanes' rows as committed. A batch number that differs from 2. is of a transaction that is
 *     still under way.
 *
 * A transaction with a ticket up to `seen` had drawn it before 1., so had its mark before 2.: it is
 * seen under way, and its ticket is above its `since`; or it was committed before 3., and what is
 * read from now on shows it. So everything up to the lowest `since` of those under way, or up to
 * `seen` if there are none, is there. No clock is asked, nobody waits, and it does not matter how
 * long a transaction or a frozen server takes.
 */
#include "store_mysql.h"

enum { ANSWER_SEEN, ANSWER_LEVEL, ANSWER_DIRTY, ANSWER_COMMITTED, ANSWER_HORIZON };

int position_read(struct db *db, struct position *position_r)
{
	struct row row, dirty;
	db_begin(db);
	sql_begin(&db->sql);
	sql_add(&db->sql, "SELECT COALESCE(MAX(id),0) FROM ticket");
	sql_begin(&db->sql);
	sql_add(&db->sql,
		"SET TRANSACTION ISOLATION LEVEL READ UNCOMMITTED"); /* the next one only */
	sql_begin(&db->sql);
	sql_add(&db->sql, "SELECT id,batch,since FROM lane ORDER BY id");
	sql_begin(&db->sql);
	sql_add(&db->sql, "SELECT id,batch FROM lane ORDER BY id");
	sql_begin(&db->sql);
	sql_add(&db->sql, "SELECT value FROM meta WHERE name='horizon'");
	int rc = db_run(db);
	if (rc != DB_OK)
		return rc;
	*position_r = (struct position){ 0 };
	if (db_next(db, ANSWER_SEEN, &row))
		position_r->seen = row_uint(&row, 0);
	if (db_next(db, ANSWER_HORIZON, &row))
		position_r->horizon = row_uint(&row, 0);
	position_r->safe = position_r->seen;
	bool has_dirty = db_next(db, ANSWER_DIRTY, &dirty);
	while (db_next(db, ANSWER_COMMITTED, &row)) {
		while (has_dirty && row_uint(&dirty, 0) < row_uint(&row, 0))
			has_dirty = db_next(db, ANSWER_DIRTY, &dirty);
		if (!has_dirty || row_uint(&dirty, 0) != row_uint(&row, 0) ||
			row_uint(&dirty, 1) == row_uint(&row, 1))
			continue;
		if (row_uint(&dirty, 2) < position_r->safe)
			position_r->safe = row_uint(&dirty, 2);
	}
	return DB_OK;
}
