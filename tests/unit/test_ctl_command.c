/* SPDX-License-Identifier: MIT */
/* Words become arguments by what the server says it wants. */
#include "base/slice.h"
#include "ctl/ctl_ask.h"
#include "ctl/ctl_command.h"
#include "tests/lib/unit.h"

static const char *const said =
	"{\"commands\":[{\"command\":\"user\",\"fields\":[]},{\"command\":\"user.add\",\"fields\":["
	"{\"name\":\"id\",\"type\":\"text\",\"required\":true},"
	"{\"name\":\"max_size\",\"type\":\"int\"},{\"name\":\"is_bot\",\"type\":\"bool\"},"
	"{\"name\":\"tags\",\"type\":\"texts\"},{\"name\":\"more\",\"type\":\"any\"},"
	"{\"name\":\"after\",\"type\":\"text\"}]},"
	"{\"command\":\"log_level\",\"fields\":[{\"name\":\"level\",\"type\":\"text\"}]}]}";

struct fixture {
	struct arena arena;
	struct ctl_commands commands;
	struct buf json;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	arena_init(&f->arena, 0);
	ctl_commands_read(str_of(said), &f->arena, &f->commands);
	*state = f;
	return freopen("/dev/null", "w", stderr) ? 0 : -1;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	arena_fini(&f->arena);
	buf_fini(&f->json);
	free(f);
	return 0;
}

/* Splits at '|', finds the command, gives the rest to it. */
static int args_of(struct fixture *f, const char *line, const char *name)
{
	char text[256], *words[16], *rest = text;
	int count = 0, used;
	snprintf(text, sizeof text, "%s", line);
	while (rest)
		words[count++] = strsep(&rest, "|");
	const struct ctl_command *command = ctl_command_find(&f->commands, words, count, &used);
	if (!name) {
		assert_null(command);
		return 0;
	}
	assert_non_null(command);
	assert_string_equal(command->name, name);
	buf_reset(&f->json);
	return ctl_command_args(command, words + used, count - used, &f->json);
}

static void names(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(f->commands.count, 3);
	assert_int_equal(args_of(f, "user", "user"), CTL_OK);
	assert_int_equal(args_of(f, "user|add|ann", "user.add"), CTL_OK);
	assert_int_equal(args_of(f, "log-level", "log_level"), CTL_OK);
	assert_int_equal(args_of(f, "log_level", "log_level"), CTL_OK);
	args_of(f, "users", NULL);
	args_of(f, "use", NULL);
	args_of(f, "log", NULL);
	args_of(f, "", NULL);
}

static void values(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(args_of(f, "user|add|ann|12|--is-bot", "user.add"), CTL_OK);
	assert_str(buf_str(&f->json), "{\"id\":\"ann\",\"max_size\":12,\"is_bot\":true}");
	assert_int_equal(
		args_of(f, "user|add|tags=a, b|--max-size=-3|is_bot=off|--id|x\"y", "user.add"),
		CTL_OK);
	assert_str(buf_str(&f->json),
		"{\"tags\":[\"a\",\"b\"],\"max_size\":-3,\"is_bot\":false,\"id\":\"x\\\"y\"}");
	assert_int_equal(args_of(f, "user|add|A=b|--more|{\"x\":[1]}", "user.add"), CTL_OK);
	assert_str(buf_str(&f->json), "{\"id\":\"A=b\",\"more\":{\"x\":[1]}}");
}

static void mistakes(void **state)
{
	static const char *const lines[] = { "user|add", "user|add|ann|many", "user|add|--id",
		"user|add|ann|id=bob", "user|add|ann|1|maybe", "user|add|ann|more={",
		"user|add|nix=1", "user|add|--nix|1", "user|add|ann|1|yes|t|null|over" };
	struct fixture *f = *state;
	for (size_t i = 0; i < COUNT_OF(lines); i++)
		assert_int_equal(args_of(f, lines[i], "user.add"), CTL_USAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(names, setup, teardown),
		cmocka_unit_test_setup_teardown(values, setup, teardown),
		cmocka_unit_test_setup_teardown(mistakes, setup, teardown),
	};
	return cmocka_run_group_tests_name("ctl_command", tests, NULL, NULL);
}
