/* SPDX-License-Identifier: MIT */
#ifndef IO_LISTENER_H
#define IO_LISTENER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "io/io_thread.h"

/* Listening sockets, and the count of connections that all threads share. */
struct listener_address {
	char text[80];
	uint16_t port;
	int *fds; /* one per thread; -1 when closed */
};

struct io_listeners {
	struct listener_address *addresses;
	size_t count;
	unsigned thread_count;
	uint32_t max_connections, resume_connections;
	uint32_t descriptors; /* RLIMIT_NOFILE as it came out */
	atomic_uint connections;
	atomic_uint_fast64_t failed, pauses; /* of accepting */
	atomic_llong told_ms; /* when it was last logged that accepting stopped; 0: never */
};

#endif
