/* SPDX-License-Identifier: MIT */
#ifndef SEND_CASE_H
#define SEND_CASE_H

/*
 * For tests of what goes to the store and out to people: a store that only counts, rooms for
 * everybody and clubs for members, and handlers that do what the case says.
 */

#include "tests/lib/room.h"
#include "tests/lib/unit.h"

#define HELLO "{\"to\":{\"room\":\"x\"},\"client_id\":\"c1\",\"body\":\"hello\"}"
#define NEXT(text) assert_string_equal(loopback_next(&lb), text)
#define NEXT_HAS(text) \
	do { \
		const char *line_ = loopback_next(&lb); \
		if (!strstr(line_, text)) \
			assert_string_equal(line_, text); \
	} while (0)
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, case_setup, case_teardown)

struct send_case {
	struct nuncio_ticket *call, *send, *enter;
	bool parks_call, parks_send, parks_enter, parks_query, adds_write;
	int writes;
	bool appends_in_store, notifies_in_reach;
	int cancelled, stored, failed, marked, seq, status, founders;
	nuncio_sid closes_in_store;
	nuncio_sid query_session;
	uint64_t delivered, read;
	char new_body[200];
	char mentions[100];
	uint32_t event_flags, append_flags;
};

extern struct send_case seen; /* what a case wishes, and what was seen */
extern struct loopback lb;

int case_setup(void **state);
int case_teardown(void **state);
void case_settle(void); /* turns until the store has answered everything */
void case_resume(struct nuncio_ticket **ticket);
void case_send(nuncio_sid id, uint32_t seq, const char *data);

#endif
