/* SPDX-License-Identifier: MIT */
#ifndef MODULES_HISTORY_PAGE_H
#define MODULES_HISTORY_PAGE_H

#include <stdint.h>

#include <nuncio/module.h>
#include <nuncio/request.h>

/*
 * One page of something from the store, written so that it fits into one packet. Takes the request;
 * who may see it was asked before. Texts of the question are borrowed from the request, which lives
 * until it is answered. Logic thread only.
 */
enum { PAGE_DEFAULT = 50, PAGE_MAX = 100 };

struct page_question {
	struct nuncio_str conversation;
	uint64_t after, before; /* seq */
	int is_forward;         /* after was given, perhaps as 0 */
	struct nuncio_str from; /* `next` of the list, cursor of sync; may be empty */
	uint32_t limit;
};

void page_of_events(struct nuncio_module *self, struct nuncio_request *rq,
	const struct page_question *question);
void page_of_conversations(struct nuncio_module *self, struct nuncio_request *rq,
	const struct page_question *question);
void page_of_changes(struct nuncio_module *self, struct nuncio_request *rq,
	const struct page_question *question);

#endif
