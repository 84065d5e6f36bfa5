/* SPDX-License-Identifier: MIT */
/*
 * Option tables against INI text: what is read, what is refused with which words, what a reload
 * does.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/slice.h"
#include "module/option_value.h"
#include "module/options.h"

static const struct nuncio_option table[] = {
	{ "name", NUNCIO_OPT_TEXT, 0, "bob", 1, 5, NULL, "A name." },
	{ "count", NUNCIO_OPT_INT, NUNCIO_OPT_LIVE, "3", 1, 10, NULL, "A count." },
	{ "any", NUNCIO_OPT_INT, 0, "-5", 0, 0, NULL, "Any number." },
	{ "fast", NUNCIO_OPT_BOOL, NUNCIO_OPT_LIVE, "on", 0, 0, NULL, "Is it fast?" },
	{ "wait", NUNCIO_OPT_MSEC, 0, "30s", 1000, 600000, NULL, "How long." },
	{ "room", NUNCIO_OPT_BYTES, 0, "64K", 0, 1 << 20, NULL, "How much." },
	{ "file", NUNCIO_OPT_PATH, 0, "x.db", 0, 0, NULL, "Where." },
	{ "list", NUNCIO_OPT_LIST, 0, "a, b,,c ", 0, 4, NULL, "Which." },
	{ "mode", NUNCIO_OPT_CHOICE, 0, "slow", 0, 0, "fast slow", "What." },
	{ "key", NUNCIO_OPT_SECRET, 0, "", 0, 8, NULL, "Do not tell." },
	{ 0 },
};

static struct options *o;
static struct option_faults faults;
static struct buf kept;

static struct ini *parse(const char *text)
{
	struct ini *ini;
	assert_int_equal(ini_parse_text("f.ini", str_of(text), &ini, NULL), 0);
	return ini;
}

static void read_text(const char *text)
{
	struct ini *ini = parse(text);
	options_prepare(o, ini, "/data", &faults);
	ini_free(&ini);
}

static int set_up(void **state)
{
	(void)state;
	assert_int_equal(options_new("m", "A module", table, sizeof(table[0]), &o, NULL), 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	options_free(&o);
	option_faults_fini(&faults);
	buf_fini(&kept);
	return 0;
}

static void fallbacks(void **state)
{
	(void)state;
	options_prepare(o, NULL, "/data", &faults);
	options_apply(o, &kept);
	assert_int_equal(faults.count, 0);
	assert_string_equal(options_text(o, "name"), "bob");
	assert_int_equal(options_int(o, "any"), -5);
	assert_int_equal(options_int(o, "fast"), 1);
	assert_int_equal(options_int(o, "wait"), 30000);
	assert_int_equal(options_int(o, "room"), 65536);
	assert_string_equal(options_text(o, "file"), "/data/x.db");
	assert_int_equal(options_count(o, "list"), 3);
	assert_string_equal(options_item(o, "list", 2), "c");
	assert_null(options_item(o, "list", 3));
	assert_string_equal(options_text(o, "mode"), "slow");
	assert_false(options_is_given(o, "name"));
}

static void given(void **state)
{
	struct buf out = { 0 };
	(void)state;
	read_text("[m]\nname = \xe6\x9d\x8e\nwait=10m\nroom = 1M\nfile = /abs\nlist =\n"
		  "mode=fast\nkey = abc\nfast = No\n");
	options_apply(o, &kept);
	assert_int_equal(faults.count, 0);
	assert_int_equal(options_int(o, "wait"), 600000);
	assert_int_equal(options_int(o, "room"), 1 << 20);
	assert_string_equal(options_text(o, "file"), "/abs");
	assert_int_equal(options_count(o, "list"), 0);
	assert_int_equal(options_int(o, "fast"), 0);
	assert_string_equal(options_text(o, "key"), "abc");
	assert_true(options_is_given(o, "name"));
	options_show(o, &out);
	buf_add_char(&out, '\0');
	assert_non_null(strstr(out.data, "[m]\nname = \xe6\x9d\x8e  # f.ini:2\n"));
	assert_non_null(strstr(out.data, "\ncount = 3  # default\n"));
	assert_non_null(strstr(out.data, "\nkey = (hidden)  # f.ini:8\n"));
	assert_null(strstr(out.data, "abc"));
	buf_fini(&out);
}

/* The one line that comes of a bad entry. */
static void refused(const char *entry, const char *message)
{
	char text[200];
	snprintf(text, sizeof(text), "[core]\n[m]\n%s\n", entry);
	read_text(text);
	assert_int_equal(faults.count, 1);
	buf_add_char(&faults.text, '\0');
	assert_string_equal(faults.text.data, message);
	option_faults_fini(&faults);
}

static void messages(void **state)
{
	(void)state;
	refused("count = x",
		"f.ini:3: [m] count: \"x\" cannot be read; allowed: a whole number, 1 to 10\n");
	refused("count = 11",
		"f.ini:3: [m] count: \"11\" is out of range; allowed: a whole number, 1 to 10\n");
	refused("any = 1.5", "f.ini:3: [m] any: \"1.5\" cannot be read; allowed: a whole number\n");
	refused("fast = maybe", "f.ini:3: [m] fast: \"maybe\" cannot be read; allowed: "
				"on or off (yes, no, true, false, 1, 0)\n");
	refused("wait = 30", "f.ini:3: [m] wait: \"30\" cannot be read; allowed: a time with its "
			     "unit (500ms, 30s, 5m, 12h, 7d), 1s to 10m\n");
	refused("room = 2M", "f.ini:3: [m] room: \"2M\" is out of range; allowed: a size in bytes "
			     "(4096, 64K, 1M, 2G), 0 to 1M\n");
	refused("list = a,b,c,d,e", "f.ini:3: [m] list: \"a,b,c,d,e\" is out of range; allowed: "
				    "texts separated by commas, 0 to 4\n");
	refused("mode = Fast",
		"f.ini:3: [m] mode: \"Fast\" is not a choice; allowed: one of: fast slow\n");
	refused("name =",
		"f.ini:3: [m] name: \"\" is out of range; allowed: a text, 1 to 5 bytes\n");
	refused("key = 123456789", "f.ini:3: [m] key: the text is out of range; allowed: a secret, "
				   "0 to 8 bytes\n");
	refused("cuont = 3", "f.ini:3: [m] cuont: unknown key; allowed: name, count, any, fast, "
			     "wait, room, file, list, mode, key\n");
}

static void ten_faults_at_most(void **state)
{
	char text[400] = "[m]\n";
	int lines = 0;
	(void)state;
	for (int i = 0; i < 12; i++)
		snprintf(text + strlen(text), 20, "x%d = 1\n", i);
	read_text(text);
	assert_int_equal(faults.count, 12);
	for (size_t i = 0; i < faults.text.used; i++)
		lines += faults.text.data[i] == '\n';
	assert_int_equal(lines, OPTION_FAULTS_MAX);
}

static void must_be_given(void **state)
{
	static const struct nuncio_option must[] = {
		{ "secret", NUNCIO_OPT_SECRET, 0, NULL, 1, 9, NULL, "It." }, { 0 }
	};
	struct options *mine;
	struct ini *ini = parse("[other]\nx=1\n");
	(void)state;
	assert_int_equal(options_new("n", NULL, must, sizeof(must[0]), &mine, NULL), 0);
	options_prepare(mine, ini, NULL, &faults);
	buf_add_char(&faults.text, '\0');
	assert_string_equal(faults.text.data,
		"f.ini: [n] secret: must be given; allowed: a secret, 1 to 9 bytes\n");
	ini_free(&ini);
	options_free(&mine);
}

static void reload(void **state)
{
	(void)state;
	read_text("[m]\ncount = 4\nname = amy\n");
	options_apply(o, &kept);
	options_settle(o);
	const char *name = options_text(o, "name");
	read_text("[m]\ncount = 5\nname = joe\nany = 1\n");
	assert_string_equal(options_text(o, "name"), "amy"); /* nothing changed yet */
	assert_int_equal(options_apply(o, &kept), 1);
	buf_add_char(&kept, '\0');
	assert_string_equal(kept.data, "name, any");
	assert_int_equal(options_int(o, "count"), 5);
	assert_string_equal(options_text(o, "name"), "amy");
	assert_ptr_equal(options_text(o, "name"), name); /* who keeps a text, keeps it */
	options_take_back(o);
	assert_int_equal(options_int(o, "count"), 4);
	assert_ptr_equal(options_text(o, "name"), name);
	options_settle(o);
	assert_int_equal(options_int(o, "count"), 4);
	for (int i = 0; i < 2; i++) {
		read_text("[m]\nname = amy\ncount = 7\n");
		assert_int_equal(options_apply(o, NULL), i == 0);
		options_settle(o);
		assert_ptr_equal(options_text(o, "name"), name);
	}
	assert_string_equal(name, "amy");
}

static void bad_tables(void **state)
{
	static const struct nuncio_option bad[][3] = {
		{ { "a", NUNCIO_OPT_INT, 0, "x", 0, 0, NULL, "h" } },
		{ { "a", 77, 0, "x", 0, 0, NULL, "h" } },
		{ { "A", NUNCIO_OPT_INT, 0, "1", 0, 0, NULL, "h" } },
		{ { "a", NUNCIO_OPT_CHOICE, 0, "1", 0, 0, NULL, "h" } },
		{ { "a", NUNCIO_OPT_INT, 0, "1", 0, 0, NULL, NULL } },
		{ { "a", NUNCIO_OPT_INT, 0, "1", 0, 0, NULL, "h" },
			{ "a", NUNCIO_OPT_INT, 0, "1", 0, 0, NULL, "h" } },
	};
	struct options *mine;
	struct nuncio_error err;
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(options_new("m", NULL, bad[i], sizeof(bad[0][0]), &mine, &err),
			NUNCIO_E_INVAL);
		assert_null(mine);
		assert_non_null(strstr(err.text, "option table of [m]: "));
	}
}

/* A newer module's options are longer; what this server does not know is stepped over. */
static void longer_elements(void **state)
{
	static const struct {
		struct nuncio_option option;
		uint64_t later;
	} longer[] = { { { "a", NUNCIO_OPT_INT, 0, "1", 0, 0, NULL, "h" }, 7 },
		{ { "b", NUNCIO_OPT_INT, 0, "2", 0, 0, NULL, "h" }, 8 }, { { 0 }, 0 } };
	struct options *mine;
	(void)state;
	assert_int_equal(
		options_new("m", NULL, &longer[0].option, sizeof(longer[0]), &mine, NULL), 0);
	options_prepare(mine, NULL, NULL, &faults);
	options_apply(mine, &kept);
	assert_int_equal(options_int(mine, "b"), 2);
	options_free(&mine);
}

static void units(void **state)
{
	int64_t v;
	(void)state;
	assert_int_equal(option_parse_msec(STR("500ms"), &v), 0);
	assert_int_equal(v, 500);
	assert_int_equal(option_parse_msec(STR("7d"), &v), 0);
	assert_int_equal(v, 7 * 86400000LL);
	assert_int_equal(option_parse_msec(STR("0"), &v), 0);
	assert_true(option_parse_msec(STR("-1s"), &v) < 0);
	assert_true(option_parse_msec(STR("1 s"), &v) < 0);
	assert_true(option_parse_msec(STR("s"), &v) < 0);
	assert_true(option_parse_msec(STR("9223372036854775807d"), &v) < 0);
	assert_int_equal(option_parse_bytes(STR("2g"), &v), 0);
	assert_int_equal(v, 2LL << 30);
	assert_int_equal(option_parse_bytes(STR("4096"), &v), 0);
	assert_true(option_parse_bytes(STR("1KB"), &v) < 0);
	assert_true(option_parse_bytes(STR("99999999999G"), &v) < 0);
	assert_true(option_parse_bool(STR("2"), &v) < 0);
	assert_int_equal(option_parse_bool(STR("TRUE"), &v), 0);
	assert_int_equal(v, 1);
}

static void generated_ini_can_be_read(void **state)
{
	struct buf out = { 0 };
	(void)state;
	options_write_ini(o, &out);
	buf_add_char(&out, '\0');
	assert_non_null(strstr(out.data, "\n# A count. Allowed: a whole number, 1 to 10. Changes "
					 "with a reload.\n#count = 3\n"));
	for (char *at = out.data; (at = strstr(at, "\n#")) != NULL; at++) {
		if (at[2] != ' ')
			at[1] = ' ';
	}
	read_text(out.data);
	assert_int_equal(faults.count, 0);
	options_apply(o, &kept);
	assert_true(options_is_given(o, "count"));
	assert_int_equal(options_int(o, "count"), 3);
	buf_fini(&out);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
int main(void)
{
	const struct CMUnitTest tests[] = {
		T(fallbacks),
		T(given),
		T(messages),
		T(ten_faults_at_most),
		T(must_be_given),
		T(reload),
		T(bad_tables),
		T(longer_elements),
		T(units),
		T(generated_ini_can_be_read),
	};
	return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
