/* SPDX-License-Identifier: MIT */
#ifndef PROVIDE_SIZED_H
#define PROVIDE_SIZED_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/*
 * Structs that a module makes begin with their size as the module's headers knew it. Nothing behind
 * that is read, and what the module did not know is zero.
 */
static inline void sized_take(void *to, size_t to_size, const void *from, size_t from_size)
{
	size_t n = from_size < to_size ? from_size : to_size;
	memcpy(to, from, n);
	memset((char *)to + n, 0, to_size - n);
}

/* Element `index` of an array whose elements have `size` bytes for the one who made it. */
static inline const void *sized_at(const void *array, size_t size, size_t index)
{
	return (const char *)array + size * index;
}

#endif
