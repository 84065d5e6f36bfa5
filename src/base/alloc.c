/* SPDX-License-Identifier: MIT */
/*
 * Allocation that cannot fail: out of memory ends the process with a message that says how much was
 * asked for. A server that limps on after a failed malloc is tested by nobody; one that restarts
 * is.
 * Thread: any. Owns nothing. A request for 0 bytes gets 1, so that NULL never comes back.
 */
#include "base/alloc.h"

#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * By itself glibc learns from the first long message that is freed to keep all of them in the heap,
 * where one small piece behind them holds them for ever: 400 MB after 8,000 bodies of 50 KB. A
 * fixed threshold ends that learning, for the top of the heap too, so that has to be said as well.
 */
enum { MAP_BYTES = 32 * 1024, MAPS_MAX = 16384, TOP_BYTES = 4 * 1024 * 1024 };

static _Noreturn void give_up(size_t n)
{
	fprintf(stderr, "nuncio: out of memory: %zu bytes were asked for\n", n);
	abort();
}

void *alloc_get(size_t n)
{
	void *p = malloc(n ? n : 1);
	if (!p)
		give_up(n);
	return p;
}

void *alloc_zero(size_t n)
{
	return alloc_zero_array(1, n);
}

void *alloc_zero_array(size_t count, size_t n)
{
	if (n && count > SIZE_MAX / n)
		give_up(SIZE_MAX);
	void *p = count && n ? calloc(count, n) : calloc(1, 1);
	if (!p)
		give_up(count * n);
	return p;
}

void *alloc_grow(void *p, size_t n)
{
	p = realloc(p, n ? n : 1);
	if (!p)
		give_up(n);
	return p;
}

void *alloc_copy(const void *p, size_t n)
{
	void *copy = alloc_get(n);
	if (n)
		memcpy(copy, p, n);
	return copy;
}

char *alloc_text(struct nuncio_str s)
{
	char *text = alloc_get(s.n + 1);
	if (s.n)
		memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	return text;
}

void alloc_free(void *p)
{
	free(p);
}

#ifdef __GLIBC__
void alloc_setup(void)
{
	mallopt(M_MMAP_THRESHOLD, MAP_BYTES);
	mallopt(M_MMAP_MAX, MAPS_MAX); /* the kernel has a limit of four times as many */
	mallopt(M_TRIM_THRESHOLD, TOP_BYTES);
}

/* Memory of this process that is in the machine and not a file's; proc(5). */
static size_t resident_bytes(void)
{
	unsigned long size, resident, shared;
	FILE *f = fopen("/proc/self/statm", "re");
	if (!f)
		return 0;
	int n = fscanf(f, "%lu %lu %lu", &size, &resident, &shared);
	fclose(f);
	return n == 3 && resident > shared ? (resident - shared) * (size_t)sysconf(_SC_PAGESIZE)
					   : 0;
}

/* The heap's own count of what is free does not fall when it is given back. */
size_t alloc_spare_bytes(void)
{
	struct mallinfo2 info = mallinfo2();
	size_t used = info.uordblks + info.hblkhd, resident = resident_bytes();
	if (!info.uordblks) /* another heap than glibc's: a sanitizer's, or a preloaded one */
		return 0;
	return resident > used ? resident - used : 0;
}

void alloc_trim(void)
{
	malloc_trim(0);
}
#else
void alloc_setup(void)
{
}

size_t alloc_spare_bytes(void)
{
	return 0;
}

void alloc_trim(void)
{
}
#endif
