/* SPDX-License-Identifier: MIT */
/*
 * nuncio-module-test: loads a test suite (see <nuncio/test.h>) and runs its cases, each in a
 * process of its own, so that one that ends by a failed check does not end the others, and no case
 * finds what another has left in a module's static data.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/slice.h"
#include "config.h"
#include "harness/stage.h"
#include "provide/sized.h"

enum { EXIT_BAD_USAGE = 64, CASE_SECONDS = 120, FOLDERS_MAX = 16, LINES_SHOWN = 20 };

struct harness {
	const char *folders[FOLDERS_MAX]; /* of modules; the first that has one wins */
	size_t folder_count;
	const char *only;
	int patience_ms;
	bool is_verbose, is_single; /* single: cases run in this process, for debuggers */
	char *work;                 /* a folder of our own: modules/ and data/ */
	struct nuncio_test_suite suite;
	const char *cases; /* of case_size each */
	int passed, failed;
};

static void print_help(void)
{
	puts("nuncio-module-test: runs the tests of a module for nunciod; see <nuncio/test.h>\n"
	     "\n"
	     "  nuncio-module-test [OPTION ...] TEST.so [MODULE.so ...]\n"
	     "\n"
	     "  --only TEXT      only the cases that have TEXT in their name\n"
	     "  --modules DIR    look for further modules here, too, before " NUNCIO_MODULE_DIR "\n"
	     "  --patience N     seconds that something may be under way (10); what is expected may take half\n"
	     "  --verbose        print the log of every case\n"
	     "  --single         run the cases in one process, for debuggers\n"
	     "  --version        print the version\n"
	     "  --help           print this\n"
	     "\n"
	     "Exit status: 0 all passed, 1 some did not, 64 wrong command line.");
}

/* ---- the folder of modules: links to what is found, in the order of who may hide whom ---- */

static char *path_in(const char *folder, const char *name)
{
	struct buf path = { 0 };
	buf_printf(&path, "%s/%s", folder, name);
	return buf_take(&path);
}

static int link_one(const struct harness *h, const char *file)
{
	const char *slash = strrchr(file, '/'), *name = slash ? slash + 1 : file;
	char *real = realpath(file, NULL);
	if (!real) {
		fprintf(stderr, "nuncio-module-test: %s: %s\n", file, strerror(errno));
		return NUNCIO_E_NOTFOUND;
	}
	char *modules = path_in(h->work, "modules"), *link = path_in(modules, name);
	if (symlink(real, link) < 0 && errno != EEXIST)
		perror(link);
	alloc_free(modules);
	alloc_free(link);
	free(real);
	return 0;
}

static void link_all(const struct harness *h, const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	if (!dir)
		return; /* there may be no installed modules yet */
	while ((entry = readdir(dir)) != NULL) {
		if (!str_ends(str_of(entry->d_name), STR(".so")))
			continue;
		char *file = path_in(folder, entry->d_name);
		link_one(h, file);
		alloc_free(file);
	}
	closedir(dir);
}

static int make_work(struct harness *h, char **files, int count)
{
	const char *tmp = getenv("TMPDIR");
	h->work = path_in(tmp && tmp[0] ? tmp : "/tmp", "nuncio-test-XXXXXX");
	if (!mkdtemp(h->work)) {
		perror(h->work);
		return NUNCIO_E_FAIL;
	}
	char *modules = path_in(h->work, "modules");
	mkdir(modules, 0700);
	alloc_free(modules);
	int rc = 0;
	for (int i = 0; rc == 0 && i < count; i++)
		rc = link_one(h, files[i]);
	for (size_t i = 0; i < h->folder_count; i++)
		link_all(h, h->folders[i]);
	link_all(h, NUNCIO_TEST_DIR);
	link_all(h, NUNCIO_MODULE_DIR);
	return rc;
}

static void remove_tree(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	while (dir && (entry = readdir(dir)) != NULL) {
		struct stat st;
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		char *child = path_in(path, entry->d_name);
		if (lstat(child, &st) == 0 && S_ISDIR(st.st_mode))
			remove_tree(child);
		else
			unlink(child);
		alloc_free(child);
	}
	if (dir)
		closedir(dir);
	rmdir(path);
}

/* ---- the suite ---- */

static int load_suite(struct harness *h, const char *file)
{
	char *path = realpath(file, NULL);
	void *handle = path ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
	const struct nuncio_test_suite *suite = handle ? dlsym(handle, "nuncio_test_suite") : NULL;
	if (!suite) {
		fprintf(stderr, "nuncio-module-test: %s: %s\n", file,
			!path     ? strerror(errno)
			: !handle ? dlerror()
				  : "has no suite: NUNCIO_TEST_SUITE is missing");
		free(path);
		return NUNCIO_E_INVAL;
	}
	free(path);
	sized_take(&h->suite, sizeof h->suite, suite, suite->size);
	h->cases = (const char *)h->suite.cases;
	return 0;
}

/* False at the end of the list. */
static bool take_case(const struct harness *h, size_t index, struct nuncio_test_case *one_r)
{
	size_t size = h->suite.case_size;
	sized_take(one_r, sizeof *one_r, h->cases + index * size, size);
	return one_r->name != NULL;
}

/* ---- one case ---- */

static int fail(const struct nuncio_test_case *one, const char *what, const char *text)
{
	printf("FAIL %s: %s%s\n", one->name, what, text);
	return 1;
}

/* The start was to be refused, or was refused. */
static int judge_start(const struct nuncio_test_case *one, int rc, const char *why)
{
	if (one->refused && rc == 0)
		return fail(one, "the server started; expected: ", one->refused);
	if (one->refused)
		return strstr(why, one->refused)
			       ? 0
			       : fail(one, "the start was refused with other words: ", why);
	return rc == 0 ? 0 : fail(one, "the server does not start: ", why);
}

/* What is still under way would hold up the stop for ever, so this ends the process. */
static void judge_work(struct nuncio_test *t)
{
	if (stage_settle(t))
		return;
	fail(t->one, "something is still under way at the end", "");
	log_book_print(&t->log, LINES_SHOWN);
	fflush(stdout);
	_exit(STAGE_EXIT_FAILED);
}

static int judge_log(struct nuncio_test *t)
{
	const char *line = log_book_next_unexpected(&t->log, LOG_LEVEL_WARN);
	return line ? fail(t->one, "in the log, but nobody expected it:\n    ", line) : 0;
}

static int run_case(const struct harness *h, const struct nuncio_test_case *one)
{
	char *modules = path_in(h->work, "modules"), *data = path_in(h->work, "data");
	struct buf why = { 0 };
	struct nuncio_test t = { .suite = &h->suite,
		.one = one,
		.modules_dir = modules,
		.data_dir = data,
		.patience_ms = h->patience_ms };
	mkdir(data, 0700);
	int rc = stage_open(&t, &why);
	char *words = buf_take(&why);
	int status = judge_start(one, rc, words);
	alloc_free(words);
	if (rc == 0 && status == 0 && one->fn)
		one->fn(&t);
	if (t.is_started)
		judge_work(&t);
	stage_stop(&t);
	if (status == 0)
		status = judge_log(&t);
	if (status != 0 || h->is_verbose)
		log_book_print(&t.log, h->is_verbose ? SIZE_MAX : LINES_SHOWN);
	stage_close(&t);
	remove_tree(data);
	alloc_free(modules);
	alloc_free(data);
	return status;
}

/* In a process of its own; what ended it, if it did not end by itself. */
static int run_apart(const struct harness *h, const struct nuncio_test_case *one)
{
	int how = 0;
	fflush(stdout);
	pid_t pid = fork();
	if (pid < 0) {
		perror("fork");
		return 1;
	}
	if (pid == 0) {
		alarm(CASE_SECONDS + (unsigned)h->patience_ms / 1000);
		exit(run_case(h, one) == 0 ? 0 : STAGE_EXIT_FAILED);
	}
	while (waitpid(pid, &how, 0) < 0 && errno == EINTR)
		;
	if (WIFSIGNALED(how))
		return fail(one, "the process was ended by ", strsignal(WTERMSIG(how)));
	if (WEXITSTATUS(how) != 0 && WEXITSTATUS(how) != STAGE_EXIT_FAILED)
		return fail(one, "the process ended by itself", "");
	return WEXITSTATUS(how);
}

static void run_all(struct harness *h)
{
	struct nuncio_test_case one;
	for (size_t i = 0; take_case(h, i, &one); i++) {
		if (h->only && !strstr(one.name, h->only))
			continue;
		int status = h->is_single ? run_case(h, &one) : run_apart(h, &one);
		if (status == 0) {
			printf("ok   %s\n", one.name);
			h->passed++;
		} else {
			h->failed++;
		}
		fflush(stdout);
	}
}

/* ---- the command line ---- */

enum { OPT_ONLY = 256, OPT_MODULES, OPT_PATIENCE, OPT_VERBOSE, OPT_SINGLE };

static const struct option long_options[] = {
	{ "only", required_argument, NULL, OPT_ONLY },
	{ "modules", required_argument, NULL, OPT_MODULES },
	{ "patience", required_argument, NULL, OPT_PATIENCE },
	{ "verbose", no_argument, NULL, OPT_VERBOSE },
	{ "single", no_argument, NULL, OPT_SINGLE },
	{ "version", no_argument, NULL, 'V' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static int read_patience(struct harness *h, const char *text)
{
	int64_t seconds;
	if (str_to_i64(str_of(text), &seconds) < 0 || seconds < 1 || seconds > 3600) {
		fprintf(stderr, "nuncio-module-test: --patience: a number from 1 to 3600\n");
		return NUNCIO_E_INVAL;
	}
	h->patience_ms = (int)seconds * 1000;
	return 0;
}

/* -1: go on; else the exit status. */
static int read_options(struct harness *h, int argc, char **argv)
{
	int option;
	while ((option = getopt_long(argc, argv, "Vh", long_options, NULL)) != -1) {
		switch (option) {
		case OPT_ONLY:
			h->only = optarg;
			break;
		case OPT_MODULES:
			if (h->folder_count < FOLDERS_MAX)
				h->folders[h->folder_count++] = optarg;
			break;
		case OPT_PATIENCE:
			if (read_patience(h, optarg) < 0)
				return EXIT_BAD_USAGE;
			break;
		case OPT_VERBOSE:
			h->is_verbose = true;
			break;
		case OPT_SINGLE:
			h->is_single = true;
			break;
		case 'V':
			puts("nuncio-module-test " PACKAGE_VERSION);
			return 0;
		case 'h':
			print_help();
			return 0;
		default:
			return EXIT_BAD_USAGE;
		}
	}
	if (optind < argc)
		return -1;
	fprintf(stderr, "nuncio-module-test: which test? See --help\n");
	return EXIT_BAD_USAGE;
}

int main(int argc, char **argv)
{
	struct harness h = { .patience_ms = 10000 };
	int status = read_options(&h, argc, argv);
	if (status >= 0)
		return status;
	signal(SIGPIPE, SIG_IGN);
	if (load_suite(&h, argv[optind]) < 0)
		return EXIT_BAD_USAGE;
	if (make_work(&h, argv + optind + 1, argc - optind - 1) == 0)
		run_all(&h);
	else
		h.failed = 1;
	remove_tree(h.work);
	alloc_free(h.work);
	printf("%d passed, %d failed, 0 skipped\n", h.passed, h.failed);
	return h.failed > 0 || h.passed == 0;
}
