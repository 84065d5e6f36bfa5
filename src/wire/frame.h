/* SPDX-License-Identifier: MIT */
#ifndef WIRE_FRAME_H
#define WIRE_FRAME_H

#include <stdint.h>

#include <nuncio/base.h>

#include "wire/limits.h"

/* Frames of nuncio.frame.v1, network byte order: type u8, seq u32, payload length u16, payload. */
struct frame {
	uint8_t type; /* enum packet_type, unchecked */
	uint32_t seq;
	struct nuncio_str payload; /* borrowed */
};

/*
 * Takes the first frame off *rest. 1: got one. 0: *rest is empty. NUNCIO_E_INVAL: what is left is
 * not a whole frame; *rest stays, and since a frame never spans two messages the message is broken.
 * Thread: any.
 */
int frame_next(struct nuncio_str *rest, struct frame *frame_r);

/* Writes the header; the payload goes behind it. */
void frame_head(
	char out[LIMIT_FRAME_HEAD_BYTES], uint8_t type, uint32_t seq, uint16_t payload_bytes);

#endif
