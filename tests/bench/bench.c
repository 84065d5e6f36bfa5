/* SPDX-License-Identifier: MIT */
/*
 * The small common ground of the bench programs. Each of them has one thread.
 *
 * CPU time comes from /proc/PID/stat in clock ticks (10 ms): good for runs of seconds, useless for
 * less. Memory comes from smaps_rollup, which the kernel adds up while it answers: ask it only
 * when nothing else is measured.
 */
#include "bench.h"

#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

uint64_t bench_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void bench_die(const char *fmt, ...)
{
	int saved = errno;
	va_list ap;

	fflush(stdout);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	if (saved != 0)
		fprintf(stderr, " (%s)", strerror(saved));
	fputc('\n', stderr);
	exit(1);
}

uint64_t bench_number(const char *text, uint64_t least, uint64_t most)
{
	char *end;

	errno = 0;
	unsigned long long v = strtoull(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || v < least || v > most) {
		errno = 0;
		bench_die("\"%s\" must be a number from %llu to %llu", text,
			(unsigned long long)least, (unsigned long long)most);
	}
	return v;
}

void bench_pin(int cpu)
{
	cpu_set_t set;

	if (cpu < 0)
		return;
	CPU_ZERO(&set);
	CPU_SET((unsigned)cpu, &set);
	/* A machine with one core is slow, not wrong: go on unpinned. */
	(void)sched_setaffinity(0, sizeof set, &set);
}

void bench_raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

void *bench_grow(void *p, size_t bytes)
{
	void *q = realloc(p, bytes);

	if (q == NULL)
		bench_die("out of memory for %zu bytes", bytes);
	return q;
}

static FILE *open_proc(int pid, const char *what)
{
	char path[96];

	snprintf(path, sizeof path, "/proc/%d/%s", pid, what);
	return fopen(path, "re");
}

static bool cpu_of(int pid, uint64_t *us_r)
{
	char line[1024];
	unsigned long user, system;
	FILE *f = open_proc(pid, "stat");

	if (f == NULL)
		return false;
	char *ok = fgets(line, sizeof line, f);
	fclose(f);
	/* The command name may hold spaces and parentheses: count from the last one. */
	char *after = ok != NULL ? strrchr(line, ')') : NULL;
	if (after == NULL ||
		sscanf(after + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
			&system) != 2)
		return false;
	*us_r = (uint64_t)(user + system) * 1000000u / (uint64_t)sysconf(_SC_CLK_TCK);
	return true;
}

static uint64_t switches_of_task(int pid, const char *task)
{
	char name[64], line[256];
	unsigned long switches = 0;

	snprintf(name, sizeof name, "task/%.20s/status", task);
	FILE *f = open_proc(pid, name);
	if (f == NULL)
		return 0;
	while (fgets(line, sizeof line, f) != NULL)
		if (sscanf(line, "voluntary_ctxt_switches: %lu", &switches) == 1)
			break;
	fclose(f);
	return switches;
}

bool bench_usage_of(int pid, struct bench_usage *usage_r)
{
	char path[64];

	memset(usage_r, 0, sizeof *usage_r);
	if (!cpu_of(pid, &usage_r->cpu_us))
		return false;
	snprintf(path, sizeof path, "/proc/%d/task", pid);
	DIR *dir = opendir(path);
	if (dir == NULL)
		return false;
	for (struct dirent *e; (e = readdir(dir)) != NULL;)
		if (e->d_name[0] != '.')
			usage_r->switches += switches_of_task(pid, e->d_name);
	closedir(dir);
	return true;
}

bool bench_memory_of(int pid, struct bench_memory *memory_r)
{
	char line[256];
	unsigned long kb;
	FILE *f = open_proc(pid, "smaps_rollup");

	memset(memory_r, 0, sizeof *memory_r);
	if (f == NULL)
		return false;
	while (fgets(line, sizeof line, f) != NULL) {
		if (sscanf(line, "Private_Clean: %lu", &kb) == 1 ||
			sscanf(line, "Private_Dirty: %lu", &kb) == 1)
			memory_r->private_bytes += (uint64_t)kb * 1024;
		else if (sscanf(line, "Anonymous: %lu", &kb) == 1)
			memory_r->anonymous_bytes += (uint64_t)kb * 1024;
	}
	fclose(f);
	return memory_r->private_bytes != 0;
}

void bench_samples_add(struct bench_samples *s, uint64_t ns)
{
	if (s->count == s->size) {
		s->size = s->size != 0 ? s->size * 2 : 4096;
		s->ns = bench_grow(s->ns, s->size * sizeof *s->ns);
	}
	s->ns[s->count++] = ns;
}

static int compare_ns(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

double bench_samples_us(struct bench_samples *s, double quantile)
{
	if (s->count == 0)
		return 0;
	qsort(s->ns, s->count, sizeof *s->ns, compare_ns);
	size_t index = (size_t)((double)s->count * quantile);
	return (double)s->ns[index < s->count ? index : s->count - 1] / 1e3;
}

void bench_samples_fini(struct bench_samples *s)
{
	free(s->ns);
	memset(s, 0, sizeof *s);
}
