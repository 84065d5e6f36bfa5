/* SPDX-License-Identifier: MIT */
/* See redis_tls.h. */
#include "redis/redis_tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

enum { WRITE_MOST = 1 << 20 };

/* ---- TLS ---- */

static const char *tls_reason(void)
{
	unsigned long code = ERR_peek_last_error();
	const char *words = code ? ERR_reason_error_string(code) : NULL;
	return words ? words : "the connection broke";
}

int redis_tls_context(
	const char *ca, bool verifies, struct ssl_ctx_st **ctx_r, struct nuncio_error *err)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	ERR_clear_error();
	int is_good =
		ctx && SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) &&
		(ca[0] ? SSL_CTX_load_verify_file(ctx, ca) : SSL_CTX_set_default_verify_paths(ctx));
	if (!is_good) {
		nuncio_error_set(err, "tls_ca: %s: %s", ca[0] ? ca : "the system's certificates",
			tls_reason());
		SSL_CTX_free(ctx);
		return NUNCIO_E_INVAL;
	}
	SSL_CTX_set_verify(ctx, verifies ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);
	SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
				      SSL_MODE_RELEASE_BUFFERS);
	*ctx_r = ctx;
	return 0;
}

void redis_tls_context_free(struct ssl_ctx_st **ctx)
{
	SSL_CTX_free(*ctx);
	*ctx = NULL;
}

/* A number is proved by an address in the certificate, and is no name to be told. */
static bool expect_host(SSL *ssl, const char *host)
{
	unsigned char number[16];
	if (inet_pton(AF_INET, host, number) == 1 || inet_pton(AF_INET6, host, number) == 1)
		return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1;
	return SSL_set_tlsext_host_name(ssl, host) == 1 && SSL_set1_host(ssl, host) == 1;
}

int redis_stream_init(struct redis_stream *s, int fd, struct ssl_ctx_st *ctx, const char *host)
{
	*s = (struct redis_stream){ .fd = fd };
	if (!ctx)
		return 0;
	s->ssl = SSL_new(ctx);
	if (s->ssl && SSL_set_fd(s->ssl, fd) == 1 && (!host || expect_host(s->ssl, host)))
		return 0;
	return NUNCIO_E_FAIL;
}

/* 0: later; negative: ended. */
static int tls_result(struct redis_stream *s, int rc, struct nuncio_error *why)
{
	int what = SSL_get_error(s->ssl, rc);
	s->wants_write = what == SSL_ERROR_WANT_WRITE;
	if (what == SSL_ERROR_WANT_READ || what == SSL_ERROR_WANT_WRITE)
		return 0;
	long verdict = SSL_get_verify_result(s->ssl);
	if (what == SSL_ERROR_ZERO_RETURN || (what == SSL_ERROR_SYSCALL && !ERR_peek_error()))
		nuncio_error_set(why, "it has closed the connection");
	else if (verdict != X509_V_OK && SSL_get_verify_mode(s->ssl) != SSL_VERIFY_NONE)
		nuncio_error_set(why, "TLS: %s", X509_verify_cert_error_string(verdict));
	else
		nuncio_error_set(why, "TLS: %s", tls_reason());
	return NUNCIO_E_FAIL;
}

int redis_stream_open(struct redis_stream *s, struct nuncio_error *why)
{
	if (!s->ssl || s->is_open)
		return 1;
	ERR_clear_error();
	int rc = SSL_connect(s->ssl);
	s->is_open = rc == 1;
	return s->is_open ? 1 : tls_result(s, rc, why);
}

/* ---- bytes ---- */

static ssize_t plain_result(ssize_t n, bool is_read, struct nuncio_error *why)
{
	if (n > 0)
		return n;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	nuncio_error_set(
		why, "%s", n == 0 && is_read ? "it has closed the connection" : strerror(errno));
	return NUNCIO_E_FAIL;
}

ssize_t redis_stream_read(struct redis_stream *s, void *p, size_t n, struct nuncio_error *why)
{
	if (!s->ssl)
		return plain_result(recv(s->fd, p, n, 0), true, why);
	ERR_clear_error();
	int rc = SSL_read(s->ssl, p, n > WRITE_MOST ? WRITE_MOST : (int)n);
	return rc > 0 ? rc : tls_result(s, rc, why);
}

ssize_t redis_stream_write(
	struct redis_stream *s, const void *p, size_t n, struct nuncio_error *why)
{
	if (!s->ssl)
		return plain_result(send(s->fd, p, n, MSG_NOSIGNAL), false, why);
	ERR_clear_error();
	int rc = SSL_write(s->ssl, p, n > WRITE_MOST ? WRITE_MOST : (int)n);
	return rc > 0 ? rc : tls_result(s, rc, why);
}

void redis_stream_close(struct redis_stream *s)
{
	SSL_free(s->ssl);
	if (s->fd >= 0)
		close(s->fd);
	*s = (struct redis_stream){ .fd = -1 };
}
