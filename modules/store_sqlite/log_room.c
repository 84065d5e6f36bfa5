/* SPDX-License-Identifier: MIT */
/*
 * Room for the write-ahead log, made before it is needed. A commit that makes the file longer has
 * to make its new length durable too, through the file system's journal, and that costs as much
 * again as the bytes themselves; one that writes over bytes that are there does not. So the file
 * gets zeros behind its end when the store opens: as many pages as the log has when it starts over,
 * and some more. SQLite ignores them, a frame of zeros has no valid checksum.
 *
 * It is only for speed, so nothing here is an error: a disk without space to spare has no room.
 */
#include "store_sqlite.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { PIECE_BYTES = 64 * 1024, FREE_TIMES = 8 /* so many times as much must be free */ };

static int open_log(const struct store *s, int flags)
{
	char path[4096];
	int n = snprintf(path, sizeof(path), "%s-wal", s->path);
	return n < (int)sizeof(path) ? open(path, flags | O_CLOEXEC) : -1;
}

static bool has_space(int fd)
{
	struct statvfs fs;
	return fstatvfs(fd, &fs) == 0 &&
	       (uint64_t)fs.f_bavail * fs.f_frsize > (uint64_t)LOG_ROOM_BYTES * FREE_TIMES;
}

static void fill(int fd, off_t from)
{
	static const char zeros[PIECE_BYTES];
	for (off_t at = from; at < LOG_ROOM_BYTES;) {
		off_t left = LOG_ROOM_BYTES - at;
		ssize_t n =
			pwrite(fd, zeros, left < PIECE_BYTES ? (size_t)left : sizeof(zeros), at);
		if (n <= 0)
			return; /* a shorter room is one too */
		at += n;
	}
}

/* Thread: whoever opens the store, before the lanes run: nobody else may write to the file. */
void log_room_make(const struct store *s)
{
	struct stat st;
	int fd = open_log(s, O_WRONLY);
	if (fd < 0)
		return;
	if (fstat(fd, &st) == 0 && st.st_size < LOG_ROOM_BYTES && has_space(fd))
		fill(fd, st.st_size);
	close(fd);
}

/* Thread: the checkpoint thread, so that neither opening nor the first commit waits for it. */
void log_room_settle(const struct store *s)
{
	int fd = open_log(s, O_RDONLY);
	if (fd < 0)
		return;
	fdatasync(fd);
	close(fd);
}
