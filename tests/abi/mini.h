/* SPDX-License-Identifier: MIT */
/* A header of the kind that run_abi.py breaks in various ways, to see that it is noticed. */
#ifndef NUNCIO_MINI_H
#define NUNCIO_MINI_H
#include <stdint.h>
#define NUNCIO_FLAG 1u
enum nuncio_word { NUNCIO_WORD_A = 1, NUNCIO_WORD_B = 2 };
struct nuncio_facts {
	uint64_t one;
	uint32_t two, reserved;
	const struct nuncio_row *rows;
};
struct nuncio_padded {
	uint64_t one;
	uint32_t two;
};
/* Comes in arrays. Final: its size does not change. */
struct nuncio_row {
	uint64_t one, reserved[2];
};
typedef int nuncio_told_fn(const struct nuncio_facts *what, void *user);
int nuncio_go(const struct nuncio_padded *what, nuncio_told_fn *fn, void *user);
int nuncio_stay(enum nuncio_word word);
#endif
