/* SPDX-License-Identifier: MIT */
#include "io/outq.h"

#include <fcntl.h>
#include <sys/socket.h>

#include "base/alloc.h"
#include "base/slice.h"
#include "tests/lib/unit.h"
#include "wire/packet.h"

struct scene {
	struct outq_pool pool;
	struct outq *q;
	int fds[2]; /* [0] sends, [1] reads */
	char *scratch;
	unsigned sends;
};

static int set_up(void **state)
{
	struct scene *s = ALLOC_NEW(struct scene);
	s->q = outq_take(&s->pool, s);
	s->scratch = alloc_get(OUTQ_SCRATCH_BYTES);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, s->fds), 0);
	*state = s;
	return 0;
}

static int tear_down(void **state)
{
	struct scene *s = *state;
	outq_give(&s->pool, &s->q);
	outq_pool_fini(&s->pool);
	close(s->fds[0]);
	close(s->fds[1]);
	alloc_free(s->scratch);
	alloc_free(s);
	return 0;
}

static int flush(struct scene *s)
{
	return outq_send(s->q, s->fds[0], s->scratch, &s->sends);
}

static void add_packet(struct scene *s, struct packet_out *packet)
{
	outq_add_packet(s->q, packet, packet_out_bytes(packet, PACKET_JSON, NULL));
}

static void a_turn_leaves_in_one_send(void **state)
{
	struct scene *s = *state;
	char got[4096], wanted[4096];
	struct packet_out *packet = packet_out_notify(STR("n"), STR("{\"a\":1}"));
	struct nuncio_str bytes = packet_out_bytes(packet, PACKET_JSON, NULL);
	size_t n = 0;
	for (int i = 0; i < 10; i++) {
		add_packet(s, packet);
		outq_add_copy(s->q, STR("ab"));
		outq_add_copy(s->q, STR("c"));
		memcpy(wanted + n, bytes.p, bytes.n);
		memcpy(wanted + n + bytes.n, "abc", 3);
		n += bytes.n + 3;
	}
	assert_int_equal(s->q->count, 20); /* "ab" and "c" are one piece */
	assert_int_equal(s->q->bytes, n);
	assert_int_equal(flush(s), 1);
	assert_int_equal(s->sends, 1);
	assert_int_equal(s->q->bytes, 0);
	assert_int_equal(read(s->fds[1], got, sizeof(got)), n);
	assert_memory_equal(got, wanted, n);
	packet_out_unref(&packet);
}

/* Numbers in order, through a socket that takes a little at a time, however the pieces lie. */
static void keeps_the_order_through_a_slow_socket(void **state)
{
	struct scene *s = *state;
	enum { BYTES = 3 * 1000 * 1000 };
	unsigned char *all = alloc_get(BYTES), *got = alloc_get(BYTES);
	size_t added = 0, read_bytes = 0;
	for (size_t i = 0; i < BYTES; i++)
		all[i] = (unsigned char)(i * 7 + i / 251);
	for (size_t step = 1; added < BYTES; step = step * 3 % 100003) {
		struct nuncio_str piece = { (char *)all + added,
			step < BYTES - added ? step : BYTES - added };
		if (step % 2) {
			outq_add_copy(s->q, piece);
		} else {
			char *own = alloc_copy(piece.p, piece.n);
			outq_add_own(s->q, own, (struct nuncio_str){ own, piece.n });
		}
		added += piece.n;
		if (step % 5 == 0)
			assert_true(flush(s) >= 0);
		ssize_t n = read(s->fds[1], got + read_bytes, step % 4096 + 1);
		read_bytes += n > 0 ? (size_t)n : 0;
	}
	while (read_bytes < BYTES) {
		assert_true(flush(s) >= 0);
		ssize_t n = read(s->fds[1], got + read_bytes, BYTES - read_bytes);
		assert_true(n > 0);
		read_bytes += (size_t)n;
	}
	assert_memory_equal(got, all, BYTES);
	assert_int_equal(flush(s), 1);
	alloc_free(all);
	alloc_free(got);
}

static void says_when_the_peer_is_gone(void **state)
{
	struct scene *s = *state;
	shutdown(s->fds[1], SHUT_RDWR);
	outq_add_copy(s->q, STR("x"));
	assert_int_equal(flush(s), NUNCIO_E_GONE);
}

/* What the peer has begun to see is finished; everything behind it goes. */
static void drops_at_piece_borders(void **state)
{
	struct scene *s = *state;
	enum { BYTES = 1000 * 1000 };
	char *own = alloc_zero(BYTES), *sink = alloc_get(BYTES);
	size_t got = 0;
	struct packet_out *packet = packet_out_notify(STR("n"), STR("{}"));
	outq_add_own(s->q, own, (struct nuncio_str){ own, BYTES });
	assert_int_equal(flush(s), 0);
	size_t left = s->q->bytes;
	add_packet(s, packet);
	outq_add_copy(s->q, STR("gone"));
	outq_drop_unsent(s->q);
	assert_int_equal(s->q->bytes, left);
	outq_add_copy(s->q, STR("last"));
	while (got < BYTES + 4) {
		ssize_t n = read(s->fds[1], sink, BYTES);
		if (n > 0)
			got += (size_t)n;
		else
			assert_true(flush(s) >= 0);
	}
	assert_int_equal(got, BYTES + 4);
	assert_int_equal(s->q->bytes, 0);
	add_packet(s, packet);
	outq_drop_unsent(s->q); /* nothing of it was sent */
	assert_int_equal(s->q->bytes, 0);
	packet_out_unref(&packet);
	alloc_free(sink);
}

static void goes_back_to_the_pool(void **state)
{
	struct scene *s = *state;
	struct packet_out *packet = packet_out_notify(STR("n"), STR("{}"));
	struct outq *q = outq_take(&s->pool, NULL), *same = q;
	outq_add_packet(q, packet, packet_out_bytes(packet, PACKET_JSON, NULL));
	outq_add_copy(q, STR("x"));
	packet_out_unref(&packet); /* the queue has its own reference */
	outq_give(&s->pool, &q);
	assert_null(q);
	assert_int_equal(s->pool.idle_count, 1);
	q = outq_take(&s->pool, NULL);
	assert_ptr_equal(q, same);
	assert_int_equal(q->bytes, 0);
	assert_int_equal(q->count, 0);
	outq_give(&s->pool, &q);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_turn_leaves_in_one_send, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			keeps_the_order_through_a_slow_socket, set_up, tear_down),
		cmocka_unit_test_setup_teardown(says_when_the_peer_is_gone, set_up, tear_down),
		cmocka_unit_test_setup_teardown(drops_at_piece_borders, set_up, tear_down),
		cmocka_unit_test_setup_teardown(goes_back_to_the_pool, set_up, tear_down),
	};
	return cmocka_run_group_tests_name("outq", tests, NULL, NULL);
}
