/* SPDX-License-Identifier: MIT */
/*
 * What logic sends is sorted by receiver and written as JSON, so that a test can hold it against a
 * pattern. Where an I/O thread would answer by itself (IO_CLOSED after a close or a refusal), this
 * does. Ids count up; one of HTTP and one of a WebSocket are never the same. Logic thread.
 */
#include "harness/peers.h"

#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/check.h"
#include "base/list.h"
#include "base/slice.h"
#include "harness/io_post.h"
#include "io/io_msg.h"
#include "logic/control.h"
#include "logic/logic.h"
#include "wire/json.h"
#include "wire/json_out.h"
#include "wire/packet.h"

enum { INBOX_LIMIT = 100000 };

/* Waits for the answer to a control command. */
struct asked {
	struct control_sink sink;
	struct peers *peers;
	nuncio_sid id;
};

struct peer {
	char **texts;
	size_t text_count, taken;
	uint32_t seq; /* of its last request */
	bool is_gone;
	struct asked *asked; /* a control command that is not answered */
};

void peers_init(struct peers *peers, struct logic *logic)
{
	*peers = (struct peers){ .logic = logic };
	mailbox_init(&peers->inbox, NULL, INBOX_LIMIT);
	logic_set_io(logic, 0, &peers->inbox);
}

void peers_fini(struct peers *peers)
{
	struct mail *mail = mailbox_take_all(&peers->inbox);
	while (mail) { /* logic may have gone: nothing is answered any more */
		struct mail *next = mail->next;
		io_inbox_drop(mail);
		mail = next;
	}
	for (size_t i = 0; i < peers->count; i++) {
		for (size_t k = 0; k < peers->list[i].text_count; k++)
			alloc_free(peers->list[i].texts[k]);
		alloc_free(peers->list[i].texts);
		alloc_free(peers->list[i].asked);
	}
	alloc_free(peers->list);
	mailbox_fini(&peers->inbox);
}

static struct peer *find(const struct peers *peers, nuncio_sid id)
{
	size_t slot = io_id_slot(id);
	return slot < peers->count && id == io_id_make(0, (uint32_t)slot, 1) ? &peers->list[slot]
									     : NULL;
}

static nuncio_sid add(struct peers *peers)
{
	peers->list = alloc_grow(peers->list, (peers->count + 1) * sizeof peers->list[0]);
	peers->list[peers->count] = (struct peer){ 0 };
	return io_id_make(0, (uint32_t)peers->count++, 1);
}

/* ---- what they do ---- */

nuncio_sid peers_connect(struct peers *peers, const char *token)
{
	nuncio_sid id = add(peers);
	io_post_connect(&peers->logic->inbox, id, token);
	return id;
}

nuncio_sid peers_ask(struct peers *peers, const char *token, const char *method, const char *path,
	const char *body)
{
	nuncio_sid id = add(peers);
	struct nuncio_str before, query;
	str_cut(str_of(path), '?', &before, &query);
	char *path_text = alloc_text(before), *query_text = alloc_text(query);
	io_post_http(&peers->logic->inbox, id, method, path_text, query_text, token, body);
	alloc_free(path_text);
	alloc_free(query_text);
	return id;
}

static int live(const struct peers *peers, nuncio_sid id, struct peer **peer_r)
{
	*peer_r = find(peers, id);
	if (!*peer_r)
		return NUNCIO_E_NOTFOUND;
	return (*peer_r)->is_gone ? NUNCIO_E_GONE : 0;
}

int peers_call(
	struct peers *peers, nuncio_sid id, const char *op, const char *data, uint32_t *seq_r)
{
	struct peer *peer;
	int rc = live(peers, id, &peer);
	if (rc < 0)
		return rc;
	*seq_r = ++peer->seq;
	io_post_packet(&peers->logic->inbox, id, peer->seq, op, data);
	return 0;
}

static void end(struct peers *peers, nuncio_sid id, uint16_t close_code)
{
	struct peer *peer = find(peers, id);
	CHECK(peer);
	if (peer->is_gone)
		return;
	peer->is_gone = true;
	io_post_closed(&peers->logic->inbox, id, close_code);
}

int peers_leave(struct peers *peers, nuncio_sid id)
{
	struct peer *peer;
	int rc = live(peers, id, &peer);
	if (rc == 0)
		end(peers, id, 1006);
	return rc;
}

/* ---- what comes to them ---- */

static void add_text(struct peers *peers, nuncio_sid id, char *text)
{
	struct peer *peer = find(peers, id);
	CHECK(peer);
	peer->texts = alloc_grow(peer->texts, (peer->text_count + 1) * sizeof peer->texts[0]);
	peer->texts[peer->text_count++] = text;
}

static void add_packet(struct peers *peers, nuncio_sid id, const struct packet_out *packet)
{
	add_text(peers, id, alloc_text(packet_out_text(packet)));
}

static void on_answer(struct control_sink *sink, struct nuncio_str json)
{
	struct asked *asked = CONTAINER_OF(sink, struct asked, sink);
	find(asked->peers, asked->id)->asked = NULL;
	add_text(asked->peers, asked->id, alloc_text(json));
	alloc_free(asked);
}

nuncio_sid peers_control(struct peers *peers, const char *name, const char *data)
{
	nuncio_sid id = add(peers);
	struct asked *asked = ALLOC_NEW(struct asked);
	asked->sink.answer = on_answer;
	asked->peers = peers;
	asked->id = id;
	find(peers, id)->asked = asked;
	find(peers, id)->is_gone = true; /* it is no client */
	control_ask(peers->logic, str_of(name), str_of(data ? data : "{}"), "test", &asked->sink);
	return id;
}

static void add_member(struct buf *out, const char *key, struct nuncio_str text)
{
	buf_printf(out, ",\"%s\":", key);
	json_quote(out, text);
}

static void take_admit(struct peers *peers, const struct io_admit *m)
{
	if (m->first)
		add_packet(peers, m->id, m->first);
}

static void take_refuse(struct peers *peers, const struct io_refuse *m)
{
	struct buf out = { 0 };
	buf_printf(&out, "{\"type\":\"refused\",\"code\":%d", m->code);
	add_member(&out, "message", str_of(m->text));
	buf_add_char(&out, '}');
	add_text(peers, m->id, buf_take(&out));
	end(peers, m->id, 1006);
}

static void take_send(struct peers *peers, const struct io_send *m)
{
	for (uint32_t i = 0; i < m->count; i++)
		if (!find(peers, m->ids[i])->is_gone)
			add_packet(peers, m->ids[i], m->packet);
}

static void take_close(struct peers *peers, const struct io_close *m)
{
	struct buf out = { 0 };
	if (find(peers, m->id)->is_gone)
		return;
	if (m->last)
		add_packet(peers, m->id, m->last);
	buf_printf(&out, "{\"type\":\"closed\",\"close_code\":%u", m->close_code);
	add_member(&out, "message", str_of(m->reason));
	buf_add_char(&out, '}');
	add_text(peers, m->id, buf_take(&out));
	end(peers, m->id, m->close_code);
}

/* Header names in lower case, as people look for them. */
static void add_headers(struct buf *out, const struct io_answer *m)
{
	buf_add_text(out, ",\"headers\":{");
	for (size_t i = 0; i < m->field_count; i++) {
		char *name = alloc_text(m->fields[i].name);
		for (char *p = name; *p; p++)
			if (*p >= 'A' && *p <= 'Z')
				*p = (char)(*p - 'A' + 'a');
		if (i)
			buf_add_char(out, ',');
		json_quote(out, str_of(name));
		buf_add_char(out, ':');
		json_quote(out, m->fields[i].value);
		alloc_free(name);
	}
	buf_add_char(out, '}');
}

static void take_answer(struct peers *peers, const struct io_answer *m)
{
	struct buf out = { 0 };
	buf_printf(&out, "{\"type\":\"answer\",\"status\":%d", m->status);
	add_headers(&out, m);
	buf_add_text(&out, ",\"body\":");
	if (m->body.n && json_check(m->body, NULL, NULL, NULL) == 0)
		buf_add_str(&out, m->body);
	else
		json_quote(&out, m->body);
	buf_add_char(&out, '}');
	add_text(peers, m->id, buf_take(&out));
}

static void take(struct peers *peers, const struct mail *mail)
{
	switch (mail->kind) {
	case IO_ADMIT:
		take_admit(peers, (const struct io_admit *)mail);
		break;
	case IO_REFUSE:
		take_refuse(peers, (const struct io_refuse *)mail);
		break;
	case IO_SEND:
		take_send(peers, (const struct io_send *)mail);
		break;
	case IO_CLOSE:
		take_close(peers, (const struct io_close *)mail);
		break;
	case IO_ANSWER:
		take_answer(peers, (const struct io_answer *)mail);
		break;
	case IO_READY: /* pings are not answered here */
		break;
	default:
		CHECK(!"an unknown message to an I/O thread");
	}
}

bool peers_collect(struct peers *peers)
{
	struct mail *mail = mailbox_take_all(&peers->inbox);
	bool is_any = mail != NULL;
	while (mail) {
		struct mail *next = mail->next;
		take(peers, mail);
		io_inbox_drop(mail);
		mail = next;
	}
	return is_any;
}

const char *peers_next(const struct peers *peers, nuncio_sid id)
{
	const struct peer *peer = find(peers, id);
	return peer && peer->taken < peer->text_count ? peer->texts[peer->taken] : NULL;
}

const char *peers_take(struct peers *peers, nuncio_sid id)
{
	const char *text = peers_next(peers, id);
	if (text)
		find(peers, id)->taken++;
	return text;
}

bool peers_has(const struct peers *peers, nuncio_sid id)
{
	return find(peers, id) != NULL;
}
