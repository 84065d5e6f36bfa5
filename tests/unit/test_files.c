/* SPDX-License-Identifier: MIT */
#include "modules/web/files.h"
#include "tests/lib/unit.h"

#include <sys/stat.h>
#include <zlib.h>

static char root[64];

static void path_of(const char *name, char path[256])
{
	snprintf(path, 256, "%s/%s", root, name);
}

static void put(const char *name, const char *text, size_t n)
{
	char path[256];
	path_of(name, path);
	FILE *file = fopen(path, "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, n, file), n);
	assert_int_equal(fclose(file), 0);
}

static void drop(const char *name)
{
	char path[256];
	path_of(name, path);
	assert_int_equal(remove(path), 0);
}

static int set_up(void **state)
{
	(void)state;
	snprintf(root, sizeof root, "/tmp/test_files_XXXXXX");
	return mkdtemp(root) ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	return rmdir(root);
}

static const struct web_file *find(const struct files *files, const char *name)
{
	return files_find(files, (struct nuncio_str){ name, strlen(name) });
}

static void takes_known_kinds_only(void **state)
{
	struct nuncio_error err;
	char from[256], to[256];
	(void)state;
	put("index.html", "<p>", 3);
	put("a.js", "1", 1);
	put("notes.md", "x", 1);
	put(".secret.js", "x", 1);
	put("with space.js", "x", 1);
	put("empty.css", "", 0);
	path_of("a.js", from);
	path_of("link.js", to);
	assert_int_equal(symlink(from, to), 0);
	path_of("folder.js", to);
	assert_int_equal(mkdir(to, 0700), 0);
	struct files *files = files_load(root, &err);
	assert_non_null(files);
	assert_int_equal(files->count, 3);
	assert_non_null(find(files, "index.html"));
	assert_string_equal(find(files, "a.js")->type, "text/javascript; charset=utf-8");
	assert_int_equal(find(files, "empty.css")->plain.size, 0);
	assert_null(find(files, "link.js"));
	assert_null(find(files, "../index.html"));
	assert_null(find(files, "a.j"));
	assert_null(find(files, "a.jsx"));
	assert_null(find(files, ""));
	files_free(&files);
	assert_null(files);
	drop("index.html");
	drop("a.js");
	drop("notes.md");
	drop(".secret.js");
	drop("with space.js");
	drop("empty.css");
	drop("link.js");
	drop("folder.js");
}

static void gzip_is_the_same_text(void **state)
{
	struct nuncio_error err;
	char text[5000], out[6000];
	(void)state;
	memset(text, 'x', sizeof text);
	put("big.js", text, sizeof text);
	put("small.js", "1", 1);
	struct files *files = files_load(root, &err);
	assert_non_null(files);
	const struct web_file *big = find(files, "big.js");
	assert_true(big->gzip.bytes && big->gzip.size < 200);
	assert_string_not_equal(big->plain.etag, big->gzip.etag);
	z_stream z = { 0 };
	assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
	z.next_in = (unsigned char *)big->gzip.bytes;
	z.avail_in = (unsigned)big->gzip.size;
	z.next_out = (unsigned char *)out;
	z.avail_out = sizeof out;
	assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
	assert_int_equal(z.total_out, sizeof text);
	assert_memory_equal(out, text, sizeof text);
	inflateEnd(&z);
	assert_null(find(files, "small.js")->gzip.bytes);
	files_free(&files);
	drop("big.js");
	drop("small.js");
}

static void says_what_is_wrong(void **state)
{
	struct nuncio_error err;
	char path[256];
	(void)state;
	assert_null(files_load("/nowhere/at/all", &err));
	assert_non_null(strstr(err.text, "/nowhere/at/all"));
	put("huge.js", "", 0);
	path_of("huge.js", path);
	assert_int_equal(truncate(path, FILES_ONE_BYTES + 1), 0);
	assert_null(files_load(root, &err));
	assert_non_null(strstr(err.text, "huge.js"));
	drop("huge.js");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_known_kinds_only),
		cmocka_unit_test(gzip_is_the_same_text),
		cmocka_unit_test(says_what_is_wrong),
	};
	return cmocka_run_group_tests_name("files", tests, set_up, tear_down);
}
