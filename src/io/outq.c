/* SPDX-License-Identifier: MIT */
/*
 * Output queues. A send costs about 5 us of kernel time whatever it carries, copying 64 KiB about
 * the same, and ten small frames in one send cost as much as one: so everything that waits for a
 * socket is gathered into the thread's scratch memory and leaves in one send(). Only more than that
 * goes out by sendmsg() from where it lies. What the socket does not take stays as references.
 *
 * Bytes of our own (control frames, HTTP heads) are appended to the last piece while that is ours,
 * small, and not on its way, so that a burst of them is one piece.
 */
#include "io/outq.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "base/alloc.h"
#include "base/check.h"
#include "wire/packet.h"

enum {
	POOL_MAX = 64,
	PIECES_FIRST = 4,
	PIECES_KEPT = 64, /* a longer array is not worth keeping in the pool */
	OWN_FIRST_BYTES = 256,
	OWN_MAX_BYTES = 16 * 1024, /* a piece of appended bytes; see outq_drop_unsent */
	VECTORS = 64,
	SENDS_MAX = 8 /* then others get their turn */
};

static void free_outq(struct outq *q)
{
	alloc_free(q->pieces);
	alloc_free(q);
}

void outq_pool_fini(struct outq_pool *pool)
{
	while (pool->idle) {
		struct outq *q = pool->idle;
		pool->idle = q->next;
		free_outq(q);
	}
	pool->idle_count = 0;
}

struct outq *outq_take(struct outq_pool *pool, void *user)
{
	struct outq *q = pool->idle;
	if (q) {
		pool->idle = q->next;
		pool->idle_count--;
	} else {
		q = ALLOC_NEW(struct outq);
	}
	q->next = NULL;
	list_init(&q->node);
	q->user = user;
	return q;
}

static void drop_piece(struct out_piece *piece)
{
	packet_out_unref(&piece->packet);
	alloc_free(piece->own);
}

static void drop_all(struct outq *q)
{
	for (uint32_t i = 0; i < q->count; i++)
		drop_piece(&q->pieces[q->first + i]);
	q->first = q->count = q->offset = 0;
	q->bytes = 0;
}

void outq_give(struct outq_pool *pool, struct outq **qp)
{
	struct outq *q = *qp;
	*qp = NULL;
	if (!q)
		return;
	drop_all(q);
	list_remove(&q->node);
	if (pool->idle_count >= POOL_MAX || q->size > PIECES_KEPT) {
		free_outq(q);
		return;
	}
	q->is_dirty = q->is_bulk = q->is_blocked = false;
	q->next = pool->idle;
	pool->idle = q;
	pool->idle_count++;
}

/* ---- adding ---- */

static struct out_piece *add_piece(struct outq *q, size_t n)
{
	CHECK(n <= UINT32_MAX);
	if (q->first && q->first + q->count == q->size && q->first >= q->size / 2) {
		memmove(q->pieces, q->pieces + q->first, q->count * sizeof(*q->pieces));
		q->first = 0;
	}
	if (q->first + q->count == q->size) {
		q->size = q->size ? q->size * 2 : PIECES_FIRST;
		q->pieces = alloc_grow(q->pieces, q->size * sizeof(*q->pieces));
	}
	q->bytes += n;
	return &q->pieces[q->first + q->count++];
}

void outq_add_packet(struct outq *q, struct packet_out *packet, struct nuncio_str bytes)
{
	*add_piece(q, bytes.n) =
		(struct out_piece){ packet_out_ref(packet), NULL, bytes.p, (uint32_t)bytes.n, 0 };
}

void outq_add_own(struct outq *q, void *own, struct nuncio_str bytes)
{
	*add_piece(q, bytes.n) = (struct out_piece){ NULL, own, bytes.p, (uint32_t)bytes.n, 0 };
}

/* The last piece, if n bytes may be appended to it. */
static struct out_piece *open_piece(struct outq *q, size_t n)
{
	if (!q->count || (q->count == 1 && q->offset))
		return NULL;
	struct out_piece *last = &q->pieces[q->first + q->count - 1];
	return last->size && last->n + n <= OWN_MAX_BYTES ? last : NULL;
}

static void append(struct out_piece *piece, struct nuncio_str bytes)
{
	if (piece->size - piece->n < bytes.n) {
		while (piece->size - piece->n < bytes.n)
			piece->size *= 2;
		piece->own = alloc_grow(piece->own, piece->size);
		piece->p = piece->own;
	}
	memcpy(piece->own + piece->n, bytes.p, bytes.n);
	piece->n += (uint32_t)bytes.n;
}

void outq_add_copy(struct outq *q, struct nuncio_str bytes)
{
	struct out_piece *piece = open_piece(q, bytes.n);
	if (!bytes.n)
		return;
	if (piece) {
		q->bytes += bytes.n;
		append(piece, bytes);
		return;
	}
	uint32_t size = bytes.n > OWN_FIRST_BYTES ? (uint32_t)bytes.n : OWN_FIRST_BYTES;
	char *own = alloc_get(size);
	memcpy(own, bytes.p, bytes.n);
	*add_piece(q, bytes.n) = (struct out_piece){ NULL, own, own, (uint32_t)bytes.n, size };
}

/* ---- sending ---- */

static size_t gather(const struct outq *q, char *scratch)
{
	size_t used = 0, skip = q->offset;
	for (uint32_t i = 0; i < q->count; i++) {
		const struct out_piece *piece = &q->pieces[q->first + i];
		memcpy(scratch + used, piece->p + skip, piece->n - skip);
		used += piece->n - skip;
		skip = 0;
	}
	return used;
}

static ssize_t send_vectors(const struct outq *q, int fd, size_t *asked_r)
{
	struct iovec vectors[VECTORS];
	struct msghdr message = { .msg_iov = vectors };
	size_t skip = q->offset;
	*asked_r = 0;
	for (uint32_t i = 0; i < q->count && i < VECTORS; i++) {
		const struct out_piece *piece = &q->pieces[q->first + i];
		vectors[i] = (struct iovec){ (char *)piece->p + skip, piece->n - skip };
		*asked_r += piece->n - skip;
		skip = 0;
		message.msg_iovlen = i + 1;
	}
	return sendmsg(fd, &message, MSG_NOSIGNAL);
}

static ssize_t send_once(const struct outq *q, int fd, char *scratch, size_t *asked_r)
{
	const struct out_piece *first = &q->pieces[q->first];
	*asked_r = q->bytes;
	if (q->count == 1)
		return send(fd, first->p + q->offset, q->bytes, MSG_NOSIGNAL);
	if (q->bytes <= OUTQ_SCRATCH_BYTES)
		return send(fd, scratch, gather(q, scratch), MSG_NOSIGNAL);
	return send_vectors(q, fd, asked_r);
}

static void consume(struct outq *q, size_t n)
{
	q->bytes -= n;
	n += q->offset;
	while (q->count && n >= q->pieces[q->first].n) {
		n -= q->pieces[q->first].n;
		drop_piece(&q->pieces[q->first++]);
		q->count--;
	}
	q->offset = (uint32_t)n;
	if (!q->count)
		q->first = 0;
}

int outq_send(struct outq *q, int fd, char *scratch, unsigned *sends_r)
{
	*sends_r = 0;
	while (q->bytes && *sends_r < SENDS_MAX) {
		size_t asked;
		ssize_t n = send_once(q, fd, scratch, &asked);
		if (n < 0 && errno == EINTR)
			continue;
		++*sends_r;
		if (n < 0)
			return errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS
				       ? 0
				       : NUNCIO_E_GONE;
		consume(q, (size_t)n);
		if ((size_t)n < asked)
			return 0;
	}
	return q->bytes == 0;
}

void outq_drop_unsent(struct outq *q)
{
	uint32_t kept = q->offset ? 1 : 0;
	while (q->count > kept) {
		struct out_piece *last = &q->pieces[q->first + --q->count];
		q->bytes -= last->n;
		drop_piece(last);
	}
}
