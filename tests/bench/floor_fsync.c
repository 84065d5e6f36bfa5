/* SPDX-License-Identifier: MIT */
/*
 * The floor under every acknowledgement: how long this disk takes to make one write durable. Writes
 * some bytes and calls fdatasync, over and over, and prints the percentiles. Without options small
 * appends, one behind the other. -s, -g and -o make it what a store does for one idle pair: so many
 * bytes, with pauses in which the machine falls asleep, over bytes that are in the file already.
 * One thread, one file, nothing else in flight; the file is removed at the end.
 */
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { ROOM_BYTES = 8 * 1024 * 1024 };

/* Before the clock runs; write() then starts over at the front whenever it comes to the end. */
static void make_room(int fd, const char *bytes, size_t size)
{
	for (size_t at = 0; at + size <= ROOM_BYTES; at += size)
		if (write(fd, bytes, size) != (ssize_t)size)
			bench_die("write");
	if (fsync(fd) != 0)
		bench_die("fsync");
}

static void go_round(int fd, size_t size)
{
	off_t at = lseek(fd, 0, SEEK_CUR);

	if (at < 0 || (at + (off_t)size > ROOM_BYTES && lseek(fd, 0, SEEK_SET) != 0))
		bench_die("lseek");
}

static void pause_ms(unsigned ms)
{
	const struct timespec gap = { ms / 1000, (long)(ms % 1000) * 1000000 };

	if (ms != 0)
		nanosleep(&gap, NULL);
}

static void write_once(int fd, const char *bytes, size_t size, struct bench_samples *samples)
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
	uint64_t seconds = 2, gap_ms = 0;
	bool over = false;
	char path[4096];
	int option;

	while ((option = getopt(argc, argv, "d:g:os:t:")) != -1) {
		switch (option) {
		case 'd':
			dir = optarg;
			break;
		case 'g':
			gap_ms = bench_number(optarg, 0, 1000);
			break;
		case 'o':
			over = true;
			break;
		case 's':
			size = bench_number(optarg, 1, sizeof bytes);
			break;
		case 't':
			seconds = bench_number(optarg, 1, 60);
			break;
		default:
			fprintf(stderr, "usage: floor_fsync [-d dir] [-g gap_ms] [-o] [-s bytes]"
					" [-t seconds]\n"
					"  -o  over bytes that are there, instead of an append\n");
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
	if (over)
		make_room(fd, bytes, size);
	uint64_t start = bench_now_ns(), end = start + seconds * 1000000000u;
	while (bench_now_ns() < end) {
		pause_ms((unsigned)gap_ms);
		if (over)
			go_round(fd, size);
		write_once(fd, bytes, size, &samples);
	}
	double elapsed = (double)(bench_now_ns() - start) / 1e9;
	close(fd);
	printf("floor name=fsync size=%zu per_s=%.0f p50_us=%.1f p90_us=%.1f p99_us=%.1f\n", size,
		(double)samples.count / elapsed, bench_samples_us(&samples, 0.5),
		bench_samples_us(&samples, 0.9), bench_samples_us(&samples, 0.99));
	bench_samples_fini(&samples);
	return 0;
}
