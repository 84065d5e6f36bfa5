/* SPDX-License-Identifier: MIT */
#ifndef REDIS_TLS_H
#define REDIS_TLS_H

#include <stdbool.h>
#include <sys/types.h>

#include <nuncio/base.h>

/*
 * The bytes of a connection, with TLS or without: the hiredis of Debian 12 has none, so it is
 * spoken here, by OpenSSL. Thread: the one that has the connection.
 */
struct ssl_ctx_st;
struct ssl_st;

struct redis_stream {
	int fd;
	struct ssl_st *ssl; /* NULL: plain */
	bool wants_write;   /* TLS has something of its own to write */
	bool is_open;       /* TLS has shaken hands */
};

/* What a connection starts with; ca "": the system's certificates. */
int redis_tls_context(
	const char *ca, bool verifies, struct ssl_ctx_st **ctx_r, struct nuncio_error *err);
void redis_tls_context_free(struct ssl_ctx_st **ctx);

/* ctx NULL: plain. host is what the certificate has to prove, NULL: nothing. */
int redis_stream_init(struct redis_stream *s, int fd, struct ssl_ctx_st *ctx, const char *host);
/* 1: open; 0: go on when there is something to read or write; negative: why is filled. */
int redis_stream_open(struct redis_stream *s, struct nuncio_error *why);
/* Bytes; 0: nothing now; negative: it has ended, why is filled. */
ssize_t redis_stream_read(struct redis_stream *s, void *p, size_t n, struct nuncio_error *why);
ssize_t redis_stream_write(
	struct redis_stream *s, const void *p, size_t n, struct nuncio_error *why);
void redis_stream_close(struct redis_stream *s); /* the descriptor too; fd -1: nothing */

#endif
