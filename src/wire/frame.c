/* SPDX-License-Identifier: MIT */
/*
 * Length-prefixed frames of nuncio.frame.v1. Pure; any thread. Only where a frame begins and ends
 * is decided here: what type and payload mean is packet.c's part.
 */
#include "wire/frame.h"

static uint32_t load_be(const unsigned char *p, size_t n)
{
	uint32_t v = 0;
	for (size_t i = 0; i < n; i++)
		v = v << 8 | p[i];
	return v;
}

int frame_next(struct nuncio_str *rest, struct frame *frame_r)
{
	const unsigned char *p = (const unsigned char *)rest->p;
	if (rest->n == 0)
		return 0;
	if (rest->n < LIMIT_FRAME_HEAD_BYTES)
		return NUNCIO_E_INVAL;
	size_t payload_bytes = load_be(p + 5, 2);
	if (rest->n - LIMIT_FRAME_HEAD_BYTES < payload_bytes)
		return NUNCIO_E_INVAL;
	frame_r->type = p[0];
	frame_r->seq = load_be(p + 1, 4);
	frame_r->payload = (struct nuncio_str){ rest->p + LIMIT_FRAME_HEAD_BYTES, payload_bytes };
	rest->p += LIMIT_FRAME_HEAD_BYTES + payload_bytes;
	rest->n -= LIMIT_FRAME_HEAD_BYTES + payload_bytes;
	return 1;
}

void frame_head(
	char out[LIMIT_FRAME_HEAD_BYTES], uint8_t type, uint32_t seq, uint16_t payload_bytes)
{
	out[0] = (char)type;
	out[1] = (char)(seq >> 24);
	out[2] = (char)(seq >> 16);
	out[3] = (char)(seq >> 8);
	out[4] = (char)seq;
	out[5] = (char)(payload_bytes >> 8);
	out[6] = (char)payload_bytes;
}
