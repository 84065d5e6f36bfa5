/* SPDX-License-Identifier: MIT */
#ifndef LOGIC_MISS_ALL_H
#define LOGIC_MISS_ALL_H

#include <nuncio/conversation.h>

struct logic;
struct misses;

/*
 * Tells did_miss, by and by, for every member of the conversation who is nowhere: the message calls
 * all. It counts as one of the misses that wait. Logic thread only.
 */
void miss_tell_everybody(struct logic *logic, const struct nuncio_event *event);

void miss_all_fini(struct misses *misses); /* the store has answered everything */

#endif
