/* SPDX-License-Identifier: MIT */
/*
 * Linux's own numbers. Descriptors are the costly ones: the kernel lists them, and with 100,000
 * connections that takes tens of milliseconds, too long for the logic thread. So a worker lists
 * them, at most every LIST_MS; what changes most, the connections, is known at any time, and only
 * the rest is as old as the list.
 */
#include "process.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/metric.h"
#include "io/io_thread.h"
#include "provide/work.h"

enum { LIST_MS = 5000 };

struct process {
	struct work_pool *work;
	const struct io_listeners *listeners;
	int64_t began_ms;  /* wall clock */
	int64_t listed_ms; /* monotonic; when it was asked for last */
	int64_t others;    /* descriptors that are no connections */
	bool is_listing;
	int64_t found; /* the worker's, while it lists */
};

/* ---- descriptors ---- */

/* Without `.`, `..` and the one that the list itself needs. */
static int64_t list_descriptors(void)
{
	DIR *folder = opendir("/proc/self/fd");
	int64_t count = -3;
	if (!folder)
		return 0;
	while (readdir(folder)) /* NOLINT(concurrency-mt-unsafe): nobody else has this folder */
		count++;
	closedir(folder);
	return count;
}

static void on_list(void *user)
{
	struct process *p = user;
	/* The connections of this moment, between before and after. */
	int64_t before = io_listeners_connections(p->listeners), all = list_descriptors();
	p->found = all - (before + io_listeners_connections(p->listeners)) / 2;
}

static void on_listed(void *user)
{
	struct process *p = user;
	p->others = p->found;
	p->is_listing = false;
}

static int64_t read_open_fds(void *user)
{
	struct process *p = user;
	int64_t now_ms = clock_mono_ms();
	if (!p->is_listing && now_ms - p->listed_ms >= LIST_MS) {
		p->listed_ms = now_ms;
		p->is_listing = work_post(p->work, 0, on_list, on_listed, p) == 0;
	}
	return p->others + io_listeners_connections(p->listeners);
}

static int64_t read_max_fds(void *user)
{
	struct rlimit limit;
	(void)user;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
		return -1;
	return (int64_t)limit.rlim_cur;
}

/* ---- the rest ---- */

static int64_t read_cpu(void *user)
{
	struct timespec used;
	(void)user;
	if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used) != 0)
		return 0;
	return (int64_t)used.tv_sec * 1000000000 + used.tv_nsec;
}

/* The number at this place of /proc/self/statm, in bytes. */
static int64_t read_memory(int place)
{
	long long pages[2] = { 0, 0 };
	FILE *file = fopen("/proc/self/statm", "re");
	if (!file)
		return 0;
	if (fscanf(file, "%lld %lld", &pages[0], &pages[1]) != 2)
		pages[place] = 0;
	fclose(file);
	return pages[place] * sysconf(_SC_PAGESIZE);
}

static int64_t read_virtual(void *user)
{
	(void)user;
	return read_memory(0);
}

static int64_t read_resident(void *user)
{
	(void)user;
	return read_memory(1);
}

static int64_t read_began(void *user)
{
	return ((const struct process *)user)->began_ms;
}

struct process *process_new(
	struct metric_set *set, struct work_pool *work, const struct io_listeners *listeners)
{
	struct process *p = ALLOC_NEW(struct process);
	p->work = work;
	p->listeners = listeners;
	p->began_ms = clock_wall_ms();
	p->listed_ms = clock_mono_ms();
	p->others = list_descriptors();
	metric_divide(metric_new_counter_fn(set, "process_cpu_seconds_total",
			      "Processor time of user and system.", NULL, read_cpu, p),
		1e9);
	metric_new_gauge_fn(set, "process_resident_memory_bytes", "Memory that is in RAM.", NULL,
		read_resident, p);
	metric_new_gauge_fn(
		set, "process_virtual_memory_bytes", "Address space.", NULL, read_virtual, p);
	metric_new_gauge_fn(set, "process_open_fds", "Open descriptors.", NULL, read_open_fds, p);
	metric_new_gauge_fn(set, "process_max_fds", "Descriptors that may be open; -1: any number.",
		NULL, read_max_fds, p);
	metric_divide(metric_new_gauge_fn(set, "process_start_time_seconds",
			      "When the server began, in Unix time.", NULL, read_began, p),
		1e3);
	return p;
}

void process_free(struct process **process)
{
	alloc_free(*process);
	*process = NULL;
}
