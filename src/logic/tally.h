/* SPDX-License-Identifier: MIT */
#ifndef LOGIC_TALLY_H
#define LOGIC_TALLY_H

#include <stdint.h>

struct logic;
struct metric;
struct metric_set;

/*
 * How requests were answered: for each op and each route by the class of their code, and how long
 * it took. Logic thread only.
 */
enum tally_result {
	TALLY_OK = 0,
	TALLY_INVALID,  /* 1xxx */
	TALLY_UNPROVEN, /* 2xxx */
	TALLY_DENIED,   /* 3xxx */
	TALLY_CONFLICT, /* 4xxx */
	TALLY_LIMITED,  /* rate_limited, busy */
	TALLY_FAILED,   /* 5xxx */
	TALLY_OTHER,    /* a module's own codes */
	TALLY_RESULTS
};

struct tally {
	struct metric *seconds, *answers[TALLY_RESULTS]; /* NULL: not counted */
};

/* http_status counts where the code says success: of answers that are not in the unified form. */
enum tally_result tally_result_of(int code, int http_status);
const char *tally_result_name(enum tally_result result);

/* Makes the metrics of all ops and routes that there are, and of answers as a whole. */
void tally_make(struct logic *logic);
void tally_count(const struct tally *tally, enum tally_result result, int64_t took_ns);

#endif
