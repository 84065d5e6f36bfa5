/* SPDX-License-Identifier: MIT */
#ifndef HARNESS_IO_POST_H
#define HARNESS_IO_POST_H

#include <stdint.h>

#include <nuncio/base.h>

struct mailbox;

/*
 * What an I/O thread posts to the logic thread, for those who play one. Texts are copied; inbox is
 * logic's. `id` is one of io_id_make, and new where something begins.
 */

void io_post_connect(struct mailbox *inbox, nuncio_sid id, const char *token); /* NULL: none */
/* data must be a JSON object; NULL: {}. */
void io_post_packet(
	struct mailbox *inbox, nuncio_sid id, uint32_t seq, const char *op, const char *data);
/* query, token and body may be NULL. */
void io_post_http(struct mailbox *inbox, nuncio_sid id, const char *method, const char *path,
	const char *query, const char *token, const char *body);
void io_post_closed(struct mailbox *inbox, nuncio_sid id, uint16_t close_code);

#endif
