/* SPDX-License-Identifier: MIT */
/*
 * Raw deflate for permessage-deflate, one state per thread. zlib's memory comes from its own malloc
 * and is taken at the first use: a deflater of a 4 KiB window with memLevel 5 holds about 30 KiB,
 * an inflater about 44 KiB. Both are reset between messages (no context takeover), so nothing of
 * one client's text can show in the size of another's.
 *
 * Out of memory inside zlib aborts like everywhere: through CHECK.
 */
#include "wire/deflate.h"

#include <string.h>
#include <zlib.h>

#include "base/alloc.h"
#include "base/check.h"

#define DEFLATE_LEVEL 1     /* chat messages: higher levels cost much and win a few bytes */
#define DEFLATE_MEM_LEVEL 5 /* its hash table is cleared at each reset: 8 KiB instead of 64 */
#define STEP_BYTES 4096     /* output is grown in steps, so a bomb is noticed early */

struct deflater {
	z_stream z;
	bool is_ready;
};

struct inflater {
	z_stream z;
	bool is_ready;
};

struct deflater *deflater_new(void)
{
	return ALLOC_NEW(struct deflater);
}

void deflater_free(struct deflater **d)
{
	if (*d && (*d)->is_ready)
		deflateEnd(&(*d)->z);
	alloc_free(*d);
	*d = NULL;
}

static void deflater_prepare(struct deflater *d)
{
	if (d->is_ready) {
		deflateReset(&d->z);
		return;
	}
	int rc = deflateInit2(&d->z, DEFLATE_LEVEL, Z_DEFLATED, -DEFLATE_WINDOW_BITS,
		DEFLATE_MEM_LEVEL, Z_DEFAULT_STRATEGY);
	CHECK(rc == Z_OK);
	d->is_ready = true;
}

bool deflater_run(struct deflater *d, struct nuncio_str text, struct buf *to)
{
	/* A sync flush ends with 00 00 ff ff; with less room than the text has it cannot be
	   smaller. */
	char *out = buf_reserve(to, text.n + 4);
	deflater_prepare(d);
	d->z.next_in = (Bytef *)(uintptr_t)text.p;
	d->z.avail_in = (uInt)text.n;
	d->z.next_out = (Bytef *)out;
	d->z.avail_out = (uInt)(text.n + 4);
	int rc = deflate(&d->z, Z_SYNC_FLUSH);
	size_t made = (size_t)((char *)d->z.next_out - out);
	if (rc != Z_OK || d->z.avail_in || d->z.avail_out == 0 || made < 4 || made - 4 >= text.n)
		return false;
	CHECK(memcmp(out + made - 4, "\0\0\xff\xff", 4) == 0);
	buf_commit(to, made - 4);
	return true;
}

struct inflater *inflater_new(void)
{
	return ALLOC_NEW(struct inflater);
}

void inflater_free(struct inflater **i)
{
	if (*i && (*i)->is_ready)
		inflateEnd(&(*i)->z);
	alloc_free(*i);
	*i = NULL;
}

static void inflater_prepare(struct inflater *i)
{
	if (i->is_ready) {
		inflateReset(&i->z);
		return;
	}
	int rc = inflateInit2(&i->z, -15);
	CHECK(rc == Z_OK);
	i->is_ready = true;
}

/* Until the input is used up or the stream ends. One byte over max_bytes is enough to know. */
static int pump(z_stream *z, size_t start, size_t max_bytes, struct buf *to)
{
	for (;;) {
		size_t room = max_bytes + 1 - (to->used - start);
		size_t step = room < STEP_BYTES ? room : STEP_BYTES;
		z->next_out = (Bytef *)buf_reserve(to, step);
		z->avail_out = (uInt)step;
		int rc = inflate(z, Z_SYNC_FLUSH);
		buf_commit(to, step - z->avail_out);
		if (to->used - start > max_bytes)
			return NUNCIO_E_TOOBIG;
		if (rc != Z_OK && rc != Z_BUF_ERROR)
			return rc == Z_STREAM_END ? 1 : NUNCIO_E_INVAL;
		if (z->avail_in == 0 && z->avail_out > 0)
			return 0;
		if (rc == Z_BUF_ERROR && z->avail_out > 0)
			return NUNCIO_E_INVAL;
	}
}

/* Behind a final block only the one zero byte may stand that makes the tail a block (RFC 7692
   section 7.2.3.4). */
static bool is_clean_end(const z_stream *z)
{
	return z->avail_in == 0 || (z->avail_in == 1 && z->next_in[0] == 0);
}

int inflater_run(struct inflater *i, struct nuncio_str packed, size_t max_bytes, struct buf *to)
{
	static const unsigned char tail[4] = { 0, 0, 0xff, 0xff };
	size_t start = to->used;
	inflater_prepare(i);
	i->z.next_in = (Bytef *)(uintptr_t)packed.p;
	i->z.avail_in = (uInt)packed.n;
	int rc = packed.n ? pump(&i->z, start, max_bytes, to) : 0;
	if (rc == 0) {
		i->z.next_in = (Bytef *)(uintptr_t)tail;
		i->z.avail_in = sizeof(tail);
		rc = pump(&i->z, start, max_bytes, to);
	} else if (rc == 1 && !is_clean_end(&i->z)) {
		rc = NUNCIO_E_INVAL;
	}
	return rc < 0 ? rc : 0;
}
