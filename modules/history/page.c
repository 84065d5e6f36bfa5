/* SPDX-License-Identifier: MIT */
/*
 * From a question to an answer of at most ANSWER_BYTES. The store is told how many bytes of text
 * may come, which is nearly always enough. When escapes and long names make the JSON larger after
 * all, the store is asked again for half as many rows: its `more`, `next` and cursor then belong to
 * what is sent. One row always fits, because a message is limited so that it can be delivered.
 */
#include "history.h"

#include <nuncio/codes.h>

#include <stdlib.h>

void page_drop(struct page *page)
{
	nuncio_json_free(&page->json);
	if (page->end)
		page->end(page);
	free(page);
}

void page_fail(struct page *page, int status)
{
	if (status == NUNCIO_E_INVAL)
		nuncio_reply_error(&page->rq, NUNCIO_CODE_invalid_field,
			"after: is not what an answer gave as `next`");
	else
		nuncio_reply_store_status(&page->rq, status);
	page_drop(page);
}

void page_ask(struct page *page)
{
	int rc = page->ask(page);
	if (rc < 0)
		page_fail(page, rc);
}

struct nuncio_json *page_write(struct page *page)
{
	nuncio_json_free(&page->json);
	page->json = nuncio_json_new();
	nuncio_json_object_begin(page->json);
	return page->json;
}

void page_send(struct page *page, size_t rows)
{
	nuncio_json_object_end(page->json);
	struct nuncio_str data = nuncio_json_str(page->json);
	if (data.n > ANSWER_BYTES && rows > 1) {
		page->limit = (uint32_t)(rows / 2);
		page_ask(page);
		return;
	}
	if (data.n > ANSWER_BYTES)
		nuncio_reply_error(&page->rq, NUNCIO_CODE_too_large,
			"an event here is too large to be sent in one packet");
	else
		nuncio_reply(&page->rq, 200, data);
	page_drop(page);
}

uint32_t page_text_bytes(const struct page *page)
{
	return ANSWER_BYTES - page->limit * ROW_BYTES;
}

uint32_t page_limit(struct nuncio_request *rq)
{
	int64_t limit = PAGE_DEFAULT;
	nuncio_request_int(rq, "limit", &limit);
	return limit < 1 || limit > PAGE_MAX ? PAGE_DEFAULT : (uint32_t)limit;
}

void write_text_or_null(struct nuncio_json *json, const char *key, struct nuncio_str text)
{
	nuncio_json_key(json, key);
	if (text.n > 0)
		nuncio_json_put_text(json, text);
	else
		nuncio_json_put_null(json);
}

void write_number(struct nuncio_json *json, const char *key, uint64_t number)
{
	nuncio_json_key(json, key);
	nuncio_json_put_int(json, (int64_t)number);
}

void write_bool(struct nuncio_json *json, const char *key, int yes)
{
	nuncio_json_key(json, key);
	nuncio_json_put_bool(json, yes);
}
