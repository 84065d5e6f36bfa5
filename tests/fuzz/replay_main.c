/* SPDX-License-Identifier: MIT */
/*
 * Stands in for libFuzzer where a fuzz target is built without it: runs the target once on each
 * file and each file of each folder named on the command line. Arguments that begin with '-' are
 * libFuzzer's and ignored. No searching; for that configure with --enable-fuzz.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { FILE_BYTES_MAX = 1 << 20 };

static int replay_file(const char *path)
{
	uint8_t *data = malloc(FILE_BYTES_MAX);
	FILE *f = fopen(path, "rb");
	if (!data || !f) {
		perror(path);
		exit(1);
	}
	size_t n = fread(data, 1, FILE_BYTES_MAX, f);
	fclose(f);
	/* An exact copy, so that a sanitizer sees reads behind the end. */
	uint8_t *exact = realloc(data, n ? n : 1);
	LLVMFuzzerTestOneInput(exact, n);
	free(exact);
	return 1;
}

static int replay_dir(const char *path)
{
	int count = 0;
	DIR *dir = opendir(path);
	if (!dir) {
		perror(path);
		exit(1);
	}
	for (struct dirent *e; (e = readdir(dir)) != NULL;) {
		char file[4096];
		if (e->d_name[0] == '.')
			continue;
		snprintf(file, sizeof(file), "%s/%s", path, e->d_name);
		count += replay_file(file);
	}
	closedir(dir);
	return count;
}

int main(int argc, char **argv)
{
	int count = 0;
	for (int i = 1; i < argc; i++) {
		struct stat st;
		if (argv[i][0] == '-')
			continue;
		if (stat(argv[i], &st) == 0 && S_ISDIR(st.st_mode))
			count += replay_dir(argv[i]);
		else
			count += replay_file(argv[i]);
	}
	printf("%s: %d inputs\n", argv[0], count);
	return count ? 0 : 1;
}
