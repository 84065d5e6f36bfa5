/* SPDX-License-Identifier: MIT */
/*
 * The floor under every acknowledgement: how long this disk takes to make one small append durable.
 * Appends some bytes to a file and calls fdatasync, over and over, and prints the percentiles.
 * One thread, one file, nothing else in flight; the file is removed at the end.
 */
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void append_once(int fd, const char *bytes, size_t size, struct bench_samples *samples)
{
	uint64_t start = bench_now_ns();

	if (write(fd, bytes, size) != (ssize_t)size)
		bench_die("write");
	if (fdatasync(fd) != 0)
		bench_die("fdatasync");
	bench_samples_add(samples, bench_now_ns() - start);
}

int main(int argc, char **argv)
{
	static char bytes[65536];
	struct bench_samples samples = { 0 };
	const char *dir = ".";
	size_t size = 256;
	uint64_t seconds = 2;
	char path[4096];
	int option;

	while ((option = getopt(argc, argv, "d:s:t:")) != -1) {
		switch (option) {
		case 'd':
			dir = optarg;
			break;
		case 's':
			size = bench_number(optarg, 1, sizeof bytes);
			break;
		case 't':
			seconds = bench_number(optarg, 1, 60);
			break;
		default:
			fprintf(stderr, "usage: floor_fsync [-d dir] [-s bytes] [-t seconds]\n");
			return 2;
		}
	}
	memset(bytes, 'x', sizeof bytes);
	snprintf(path, sizeof path, "%s/floor_fsync.%ld", dir, (long)getpid());
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		bench_die("%s", path);
	/* Without a name it goes away however this program ends. */
	unlink(path);
	uint64_t start = bench_now_ns(), end = start + seconds * 1000000000u;
	while (bench_now_ns() < end)
		append_once(fd, bytes, size, &samples);
	double elapsed = (double)(bench_now_ns() - start) / 1e9;
	close(fd);
	printf("floor name=fsync size=%zu per_s=%.0f p50_us=%.1f p90_us=%.1f p99_us=%.1f\n", size,
		(double)samples.count / elapsed, bench_samples_us(&samples, 0.5),
		bench_samples_us(&samples, 0.9), bench_samples_us(&samples, 0.99));
	bench_samples_fini(&samples);
	return 0;
}
