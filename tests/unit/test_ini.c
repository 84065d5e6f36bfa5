/* SPDX-License-Identifier: MIT */
#include "base/ini.h"

#include "base/buf.h"
#include "base/slice.h"
#include "tests/lib/unit.h"

static struct ini *parsed(const char *text)
{
	struct ini *ini = NULL;
	struct nuncio_error err = { "" };
	int rc = ini_parse_text("t.ini", str_of(text), &ini, &err);
	assert_string_equal(err.text, "");
	assert_int_equal(rc, NUNCIO_OK);
	return ini;
}

static const char *value_of(const struct ini *ini, const char *section, const char *key)
{
	const struct ini_section *s = ini_find_section(ini, section);
	const struct ini_entry *e = s ? ini_find_entry(s, key) : NULL;
	return e ? e->value : NULL;
}

static void refused_text(struct nuncio_str text, const char *message)
{
	struct ini *ini = NULL;
	struct nuncio_error err = { "" };
	assert_true(ini_parse_text("t.ini", text, &ini, &err) < 0);
	assert_null(ini);
	assert_string_equal(err.text, message);
}

static void refused(const char *text, const char *message)
{
	refused_text(str_of(text), message);
}

static void sections_keys_and_lines(void **state)
{
	(void)state;
	struct ini *ini = parsed("; comment\n\n[core]\nlisten = 127.0.0.1:8080\n"
				 "  indented=1\r\n# other\n[empty]\n[m]\nk =\n");
	assert_int_equal(ini->section_count, 3);
	assert_string_equal(ini->file, "t.ini");
	assert_string_equal(value_of(ini, "core", "listen"), "127.0.0.1:8080");
	assert_string_equal(value_of(ini, "core", "indented"), "1");
	assert_string_equal(value_of(ini, "m", "k"), "");
	assert_null(value_of(ini, "empty", "k"));
	assert_int_equal(ini->sections[0].line, 3);
	assert_int_equal(ini->sections[0].entries[1].line, 5);
	ini_free(&ini);
	assert_null(ini);
	ini_free(&ini);
}

/* The packaged libinih would change each of these values without a word. */
static void values_are_not_guessed_at(void **state)
{
	(void)state;
	struct ini *ini =
		parsed("[a]\np = x ; y # z\nq = \"quoted\"\nu = a=b:c\n\t[b]\nlast = end");
	assert_string_equal(value_of(ini, "a", "p"), "x ; y # z");
	assert_string_equal(value_of(ini, "a", "q"), "\"quoted\"");
	assert_string_equal(value_of(ini, "a", "u"), "a=b:c");
	assert_string_equal(value_of(ini, "b", "last"), "end");
	ini_free(&ini);
}

static void long_lines_fit(void **state)
{
	(void)state;
	struct buf text = { 0 };
	buf_add_text(&text, "[a]\nk=");
	while (text.used < 4 + INI_LINE_BYTES)
		buf_add_char(&text, 'v');
	struct ini *ini = NULL;
	assert_int_equal(ini_parse_text("t.ini", buf_str(&text), &ini, NULL), NUNCIO_OK);
	assert_int_equal(strlen(value_of(ini, "a", "k")), INI_LINE_BYTES - 2);
	ini_free(&ini);
	buf_add_char(&text, 'v');
	refused_text(buf_str(&text), "t.ini:2: line longer than 4096 bytes");
	buf_fini(&text);
}

static void nothing_is_valid(void **state)
{
	(void)state;
	struct ini *ini = parsed("");
	assert_int_equal(ini->section_count, 0);
	ini_free(&ini);
	ini = parsed("\xEF\xBB\xBF[a]\nk = \xE4\xB8\xAD\n");
	assert_string_equal(value_of(ini, "a", "k"), "\xE4\xB8\xAD");
	ini_free(&ini);
}

static void doubles_are_refused(void **state)
{
	(void)state;
	refused("[a]\n[b]\n[a]\n", "t.ini:3: section 'a' was given already in line 1");
	refused("[a]\nk=1\nj=2\nk=3\n", "t.ini:4: key 'k' was given already in line 2");
}

static void bad_lines_are_named(void **state)
{
	(void)state;
	static const char form[] =
		"expected [section], key = value, or a comment that begins with ; or #";
	char message[200];
	snprintf(message, sizeof(message), "t.ini:2: \"word\": %s", form);
	refused("[a]\nword\n", message);
	snprintf(message, sizeof(message), "t.ini:2: \"key: value\": %s", form);
	refused("[a]\nkey: value\n", message);
	refused("[a]\n=v\n", "t.ini:2: a key is 1 to 48 of a-z A-Z 0-9 _ - .");
	refused("[a]\nurl:x=v\n", "t.ini:2: a key is 1 to 48 of a-z A-Z 0-9 _ - .");
	refused("[a]\ntwo words=v\n", "t.ini:2: a key is 1 to 48 of a-z A-Z 0-9 _ - .");
	refused("k=v\n", "t.ini:1: a key before the first [section]");
	refused("[]\n", "t.ini:1: a section name is 1 to 48 of a-z A-Z 0-9 _ - .");
	refused("[a b]\n", "t.ini:1: a section name is 1 to 48 of a-z A-Z 0-9 _ - .");
	refused("[\n", "t.ini:1: nothing but [section] may stand on this line");
	refused("[a] ; core\n", "t.ini:1: nothing but [section] may stand on this line");
	refused("[a]\nk = \xC3\x28\n", "t.ini:2: invalid UTF-8");
	refused_text(STR("[a]\nk = \0\n"), "t.ini:2: NUL byte; is this a text file?");
}

static void long_names_are_refused(void **state)
{
	(void)state;
	refused("[a]\nkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk = 1\n",
		"t.ini:2: a key is 1 to 48 of a-z A-Z 0-9 _ - .");
	struct ini *ini = parsed("[a]\nkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk = 1\n");
	assert_int_equal(strlen(ini->sections[0].entries[0].key), 48);
	ini_free(&ini);
}

static void files_are_read(void **state)
{
	(void)state;
	char path[] = "/tmp/nuncio_test_ini_XXXXXX";
	struct ini *ini = NULL;
	struct nuncio_error err;
	int fd = mkstemp(path);
	assert_true(fd >= 0 && write(fd, "[a]\nk=1\n", 8) == 8);
	close(fd);
	assert_int_equal(ini_load(path, &ini, &err), NUNCIO_OK);
	assert_string_equal(value_of(ini, "a", "k"), "1");
	ini_free(&ini);
	unlink(path);
	assert_int_equal(ini_load(path, &ini, &err), NUNCIO_E_NOTFOUND);
	assert_non_null(strstr(err.text, "No such file"));
	assert_true(ini_load("/", &ini, &err) < 0);
	assert_string_equal(err.text, "/: Is a directory");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sections_keys_and_lines),
		cmocka_unit_test(values_are_not_guessed_at),
		cmocka_unit_test(long_lines_fit),
		cmocka_unit_test(nothing_is_valid),
		cmocka_unit_test(doubles_are_refused),
		cmocka_unit_test(bad_lines_are_named),
		cmocka_unit_test(long_names_are_refused),
		cmocka_unit_test(files_are_read),
	};
	return cmocka_run_group_tests_name("ini", tests, NULL, NULL);
}
