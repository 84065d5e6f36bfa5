/* SPDX-License-Identifier: MIT */
/*
 * The messages of io/io_msg.h as an I/O thread makes them: the struct, and its texts behind it or
 * in its arena. Any thread.
 */
#include "harness/io_post.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/check.h"
#include "base/slice.h"
#include "io/io_msg.h"
#include "loop/mailbox.h"
#include "wire/json.h"

void io_post_connect(struct mailbox *inbox, nuncio_sid id, const char *token)
{
	struct nuncio_str text = str_of(token);
	struct io_connect *connect = alloc_zero(sizeof *connect + text.n);
	connect->mail.kind = IO_CONNECT;
	connect->id = id;
	snprintf(connect->address, sizeof connect->address, "127.0.0.1");
	if (text.n)
		memcpy(connect->text, text.p, text.n);
	connect->token = (struct nuncio_str){ connect->text, text.n };
	mailbox_post_forced(inbox, &connect->mail);
}

void io_post_packet(
	struct mailbox *inbox, nuncio_sid id, uint32_t seq, const char *op, const char *data)
{
	struct nuncio_str op_text = str_of(op), data_text = str_of(data ? data : "{}");
	struct io_packet *packet = alloc_zero(sizeof *packet + op_text.n + data_text.n);
	packet->mail.kind = IO_PACKET;
	packet->id = id;
	memcpy(packet->text, op_text.p, op_text.n);
	memcpy(packet->text + op_text.n, data_text.p, data_text.n);
	packet->packet.seq = seq;
	packet->packet.op = (struct nuncio_str){ packet->text, op_text.n };
	packet->packet.data = (struct nuncio_str){ packet->text + op_text.n, data_text.n };
	CHECK(json_check(packet->packet.data, NULL, &packet->packet.data, NULL) == 0);
	mailbox_post_forced(inbox, &packet->mail);
}

static void add_field(struct io_http *http, const char *name, struct nuncio_str value)
{
	struct http1_field *fields = (struct http1_field *)http->fields;
	fields[http->field_count].name = str_of(name);
	fields[http->field_count++].value = value;
}

void io_post_http(struct mailbox *inbox, nuncio_sid id, const char *method, const char *path,
	const char *query, const char *token, const char *body)
{
	struct arena arena;
	arena_init(&arena, 0);
	struct io_http *http = arena_zero(&arena, sizeof *http);
	http->mail.kind = IO_HTTP;
	http->id = id;
	http->method = arena_str(&arena, str_of(method));
	http->path = arena_str(&arena, str_of(path));
	http->query = arena_str(&arena, str_of(query));
	http->body = arena_str(&arena, str_of(body));
	http->fields = arena_zero(&arena, 2 * sizeof(struct http1_field));
	if (token)
		add_field(http, "authorization", arena_printf(&arena, "Bearer %s", token));
	if (body)
		add_field(http, "content-type", STR("application/json; charset=utf-8"));
	snprintf(http->address, sizeof http->address, "127.0.0.1");
	http->arena = arena;
	mailbox_post_forced(inbox, &http->mail);
}

void io_post_closed(struct mailbox *inbox, nuncio_sid id, uint16_t close_code)
{
	struct io_closed *closed = ALLOC_NEW(struct io_closed);
	closed->mail.kind = IO_CLOSED;
	closed->id = id;
	closed->close_code = close_code;
	mailbox_post_forced(inbox, &closed->mail);
}
