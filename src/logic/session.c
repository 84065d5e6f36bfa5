/* SPDX-License-Identifier: MIT */
#include "logic/session.h"

/*
 * The table of sessions: one array per I/O thread, indexed by the slot that the thread itself
 * chose, so that finding one is two loads and a comparison. Logic thread only. What happens to a
 * session is in login.c (coming in and going), and op.c (its packets).
 */

#include <arpa/inet.h>
#include <string.h>

#include "base/alloc.h"
#include "base/check.h"
#include "base/slice.h"
#include "logic/user.h"

void sessions_init(struct sessions *sessions, uint32_t io_threads)
{
	memset(sessions, 0, sizeof *sessions);
	sessions->thread_count = io_threads;
	sessions->threads = alloc_zero_array(io_threads, sizeof *sessions->threads);
}

void sessions_fini(struct sessions *sessions)
{
	CHECK(sessions->count == 0);
	for (uint32_t i = 0; i < sessions->thread_count; i++)
		alloc_free(sessions->threads[i].slots);
	alloc_free(sessions->threads);
	slots_fini(&sessions->slot_kinds);
}

static struct session **session_place(struct sessions *sessions, nuncio_sid id)
{
	uint32_t thread = io_id_thread(id), slot = io_id_slot(id);
	CHECK(thread < sessions->thread_count);
	if (slot >= sessions->threads[thread].size) {
		uint32_t old = sessions->threads[thread].size, size = old ? old : 64;
		while (size <= slot)
			size *= 2;
		struct session **slots = alloc_grow(
			sessions->threads[thread].slots, size * sizeof(struct session *));
		memset(slots + old, 0, (size - old) * sizeof(struct session *));
		sessions->threads[thread].slots = slots;
		sessions->threads[thread].size = size;
	}
	return &sessions->threads[thread].slots[slot];
}

/* IPv4 as ::ffff:a.b.c.d; what is not an address (a local socket) stays all zero. */
static void address_pack(const char *text, unsigned char out[16])
{
	if (inet_pton(AF_INET6, text, out) == 1)
		return;
	memset(out, 0, 16);
	if (inet_pton(AF_INET, text, out + 12) == 1)
		out[10] = out[11] = 0xff;
}

struct session *session_new(struct sessions *sessions, const struct io_connect *connect)
{
	struct session **place = session_place(sessions, connect->id);
	CHECK(!*place);
	struct session *session = ALLOC_NEW(struct session);
	session->magic = SESSION_MAGIC;
	session->state = SESSION_ASKED;
	session->is_upgrade = true;
	session->id = connect->id;
	session->port = connect->port;
	address_pack(connect->address, session->address);
	list_init(&session->of_user);
	list_init(&session->questions);
	list_init(&session->deadline);
	*place = session;
	sessions->count++;
	return session;
}

void session_free(struct sessions *sessions, struct session **session)
{
	struct session *s = *session;
	if (!s)
		return;
	CHECK_MAGIC(s, SESSION_MAGIC);
	CHECK(!s->parked && !s->login && !s->user && list_is_empty(&s->questions));
	struct io_packet *packet;
	while ((packet = session_pop_waiting(s)) != NULL)
		alloc_free(packet);
	list_remove(&s->deadline);
	slots_free_data(&sessions->slot_kinds, &s->slots);
	*session_place(sessions, s->id) = NULL;
	sessions->count--;
	s->magic = 0;
	alloc_free(s->device);
	alloc_free(s);
	*session = NULL;
}

struct session *session_find(const struct sessions *sessions, nuncio_sid id)
{
	uint32_t thread = io_id_thread(id), slot = io_id_slot(id);
	if (thread >= sessions->thread_count || slot >= sessions->threads[thread].size)
		return NULL;
	struct session *session = sessions->threads[thread].slots[slot];
	return session && session->id == id ? session : NULL;
}

struct nuncio_str session_user_name(const struct session *session)
{
	return session->user ? user_name(session->user) : STR("");
}

struct nuncio_str session_device(const struct session *session)
{
	return str_of(session->device);
}

struct nuncio_str session_address(const struct session *session, char out[46])
{
	static const unsigned char mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
	if (memcmp(session->address, mapped, sizeof mapped) == 0)
		inet_ntop(AF_INET, session->address + 12, out, 46);
	else
		inet_ntop(AF_INET6, session->address, out, 46);
	return str_of(out);
}

void session_add_question(const struct nuncio_session *session, struct session_question *question)
{
	struct session *s = (struct session *)session;
	if (!s)
		return;
	CHECK_MAGIC(s, SESSION_MAGIC);
	list_add(&s->questions, &question->node);
}

void session_end_questions(struct session *session)
{
	struct session_question *question;
	while ((question = LIST_FIRST(&session->questions, struct session_question, node)) != NULL)
		question->end(question);
}

void session_push_waiting(struct session *session, struct io_packet *packet)
{
	packet->mail.next = NULL;
	if (session->last_waiting)
		session->last_waiting->next = &packet->mail;
	else
		session->first_waiting = &packet->mail;
	session->last_waiting = &packet->mail;
}

struct io_packet *session_pop_waiting(struct session *session)
{
	struct mail *mail = session->first_waiting;
	if (!mail)
		return NULL;
	session->first_waiting = mail->next;
	if (!mail->next)
		session->last_waiting = NULL;
	return (struct io_packet *)mail;
}

void sessions_each(const struct sessions *sessions, session_each_fn *fn, void *user)
{
	for (uint32_t t = 0; t < sessions->thread_count; t++)
		for (uint32_t i = 0; i < sessions->threads[t].size; i++)
			if (sessions->threads[t].slots[i])
				fn(sessions->threads[t].slots[i], user);
}

struct session *session_walk(const struct sessions *sessions, uint64_t *place)
{
	uint64_t thread = *place >> 32, slot = *place & UINT32_MAX;
	for (; thread < sessions->thread_count; thread++, slot = 0) {
		for (; slot < sessions->threads[thread].size; slot++) {
			struct session *session = sessions->threads[thread].slots[slot];
			if (!session)
				continue;
			*place = thread << 32 | (slot + 1);
			return session;
		}
	}
	*place = thread << 32;
	return NULL;
}
