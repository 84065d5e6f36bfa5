/* SPDX-License-Identifier: MIT */
/* Tokens for the generator's users (JWT, HS256), made here so that no server is needed for them. */
#ifndef BENCH_TOKEN_H
#define BENCH_TOKEN_H

#include <stddef.h>

enum { TOKEN_BYTES_MAX = 512 };

struct token_maker {
	unsigned char key[1024];
	size_t key_bytes;
	char head[128]; /* first part of every token, with its dot */
	long expires;
};

/* The key is the whole content of the file, as the server reads it. */
void token_maker_init(struct token_maker *m, const char *key_file, const char *kid);
void token_make(const struct token_maker *m, const char *user, char token_r[TOKEN_BYTES_MAX]);

#endif
