/* SPDX-License-Identifier: MIT */
/* What the bench programs share: time, giving up, samples, and what /proc tells about a process. */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a process has used since its start. */
struct bench_usage {
	uint64_t cpu_us;
	uint64_t switches; /* voluntary context switches of all its threads */
};

/* What a process has mapped for itself alone. */
struct bench_memory {
	uint64_t private_bytes;
	uint64_t anonymous_bytes;
};

/* Times of single operations; grows as needed. */
struct bench_samples {
	uint64_t *ns;
	size_t count, size;
};

uint64_t bench_now_ns(void);

/* Prints the reason to stderr and ends the program with 1; with errno's text when errno is set. */
_Noreturn void bench_die(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Strict decimal from the command line, or bench_die. */
uint64_t bench_number(const char *text, uint64_t least, uint64_t most);

void bench_pin(int cpu);
void bench_raise_descriptors(void);
void *bench_grow(void *p, size_t bytes);

/* False when the process is gone or /proc does not show it. */
bool bench_usage_of(int pid, struct bench_usage *usage_r);
bool bench_memory_of(int pid, struct bench_memory *memory_r);

void bench_samples_add(struct bench_samples *s, uint64_t ns);
/* Sorts in place; 0 when there are none. */
double bench_samples_us(struct bench_samples *s, double quantile);
void bench_samples_fini(struct bench_samples *s);

#endif
