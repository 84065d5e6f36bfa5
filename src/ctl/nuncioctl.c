/* SPDX-License-Identifier: MIT */

/*
 * nuncioctl: asks the running server over its control socket. The command line is turned into a
 * question by what the server says about its commands, so this program has no list of them.
 */

#include <errno.h>
#include <getopt.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/slice.h"
#include "config.h"
#include "ctl/ctl_ask.h"
#include "ctl/ctl_command.h"
#include "ctl/ctl_print.h"
#include "wire/json.h"
#include "wire/json_out.h"

enum { TIMEOUT_MS = 30000 };

static const struct option long_options[] = {
	{ "socket", required_argument, NULL, 's' },
	{ "config", required_argument, NULL, 'c' },
	{ "json", no_argument, NULL, 'j' },
	{ "timeout", required_argument, NULL, 't' },
	{ "version", no_argument, NULL, 'V' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

struct call {
	const char *socket_path, *config;
	bool is_json;
	int timeout_ms; /* 0: as the command wants */
	char **words;
	int word_count;
};

static void print_help(void)
{
	puts("nuncioctl, asks a running nunciod\n"
	     "\n"
	     "  nuncioctl [options] COMMAND [ARGUMENT ...]\n"
	     "  nuncioctl help [COMMAND]    what the running server offers\n"
	     "\n"
	     "  --socket PATH      its control socket; otherwise found through\n"
	     "  --config FILE      its configuration (" NUNCIO_CONFIG_FILE ")\n"
	     "  --json             the answer as one JSON value\n"
	     "  --timeout SECONDS  for an answer (30; none for commands that take their time)\n"
	     "  --version          print the version\n"
	     "  --help             print this\n"
	     "\n"
	     "Commands of every server: status, modules, hooks, sessions, close, config, reload, log-level,\n"
	     "drain [--wait], commands; its modules add more, such as user, token, backup, fsck.\n"
	     "Arguments: VALUE, NAME=VALUE or --NAME VALUE. Passwords are asked for, never arguments.\n"
	     "Exit status: 0 done, 1 refused, 64 wrong command line, 69 no server, 75 no answer,\n"
	     "77 not permitted, 78 wrong configuration.");
}

/* ---- answers ---- */

static int code_of(struct nuncio_str answer)
{
	struct nuncio_str value;
	int64_t code = -1;
	if (json_member(answer, "code", &value) != 1 || json_int(value, &code) < 0)
		return -1;
	return (int)code;
}

/* Words, and what else the server has to say about it, such as a report. */
static int tell_refusal(struct nuncio_str answer)
{
	struct nuncio_str value, message = STR("refused"), data, list = { NULL, 0 }, line;
	struct arena arena;
	arena_init(&arena, 0);
	if (json_member(answer, "message", &value) == 1)
		json_text(value, &arena, &message);
	ctl_fail(CTL_REFUSED, STR_FMT, STR_ARG(message));
	if (json_member(answer, "data", &data) == 1 && json_member(data, "report", &list) == 1) {
		struct json_iter it = json_items(list);
		while (json_next_item(&it, &value))
			if (json_text(value, &arena, &line) == 0)
				fprintf(stderr, STR_FMT "\n", STR_ARG(line));
	}
	arena_fini(&arena);
	return CTL_REFUSED;
}

/* ---- one command ---- */

static struct nuncio_str member_or_empty(struct nuncio_str value, const char *key)
{
	struct nuncio_str member = { NULL, 0 };
	return json_member(value, key, &member) == 1 ? member : STR("");
}

/*
 * A backup into a folder that only the server sees, such as the /tmp of its own that systemd gives
 * it, would end with it, and nobody would know.
 */
static int look_for_backup(struct nuncio_str data)
{
	struct arena arena;
	struct nuncio_str path;
	int status = CTL_OK;
	arena_init(&arena, 0);
	if (json_text(member_or_empty(data, "file"), &arena, &path) == 0 &&
		access(arena_str(&arena, path).p, F_OK) != 0 && errno == ENOENT)
		status = ctl_fail(CTL_REFUSED,
			STR_FMT ": the server has written it, but it is not there for others: the "
				"server has a folder of its own there (PrivateTmp of its unit), "
				"which ends with it; choose another place",
			STR_ARG(path));
	arena_fini(&arena);
	return status;
}

/* args with "after": the place that the page before named. */
static void args_after(struct nuncio_str args, struct nuncio_str next, struct buf *to)
{
	struct json_iter it = json_members(args);
	struct nuncio_str key, value;
	struct json_out out;
	buf_reset(to);
	json_out_init(&out, to);
	json_out_object_begin(&out);
	while (json_next_member(&it, &key, &value)) {
		if (json_key_is(key, STR("after")))
			continue;
		json_out_key_str(&out, key);
		json_out_raw(&out, value);
	}
	json_out_key_raw(&out, "after", next);
	json_out_object_end(&out);
}

static int ask_all(struct ctl_server *server, const struct ctl_command *command,
	const struct call *call, struct nuncio_str args)
{
	struct ctl_printer printer = { .is_json = call->is_json };
	struct nuncio_str answer, next;
	struct buf more = { 0 };
	int timeout_ms = call->timeout_ms ? call->timeout_ms : command->is_slow ? -1 : TIMEOUT_MS;
	bool has_more = false;
	int status;
	do {
		status = ctl_ask(server, command->name, args, timeout_ms, &answer);
		if (status != CTL_OK)
			break;
		if (code_of(answer) != 0) {
			status = tell_refusal(answer);
			break;
		}
		struct nuncio_str data = member_or_empty(answer, "data");
		ctl_print_page(&printer, data);
		if (json_type(member_or_empty(data, "ok")) == JSON_FALSE)
			status = CTL_REFUSED;
		if (strcmp(command->name, "backup") == 0)
			status = look_for_backup(data);
		next = member_or_empty(data, "next");
		has_more = json_type(next) == JSON_TEXT && next.n > 2;
		if (has_more) {
			struct buf page = { 0 };
			args_after(args, next, &page);
			buf_fini(&more);
			more = page;
			args = buf_str(&more);
		}
	} while (has_more);
	ctl_print_end(&printer);
	buf_fini(&more);
	return status;
}

/* `drain --wait` is ours: the server that is waited for cannot tell when it has gone. */
static bool take_wait(const struct ctl_command *command, char **words, int *count)
{
	if (strcmp(command->name, "drain") != 0)
		return false;
	for (int i = 0; i < *count; i++) {
		if (strcmp(words[i], "--wait") != 0)
			continue;
		for (int k = i + 1; k < *count; k++)
			words[k - 1] = words[k];
		--*count;
		return true;
	}
	return false;
}

static int run_command(struct ctl_server *server, const struct ctl_command *command,
	const struct call *call, int used)
{
	char **words = call->words + used;
	int count = call->word_count - used;
	bool waits = take_wait(command, words, &count);
	struct buf args = { 0 };
	int status = ctl_command_args(command, words, count, &args);
	if (status == CTL_OK)
		status = ask_all(server, command, call, buf_str(&args));
	if (args.used)
		explicit_bzero(args.data, args.used);
	buf_fini(&args);
	return status == CTL_OK && waits ? ctl_wait_end(server) : status;
}

static int unknown(const struct call *call)
{
	return ctl_fail(CTL_USAGE,
		"the server has no command \"%s\"; `nuncioctl help` lists what it and its modules offer",
		call->words[0]);
}

static int run(struct ctl_server *server, struct call *call, struct arena *arena)
{
	struct ctl_commands commands;
	struct nuncio_str answer;
	int used, is_help = strcmp(call->words[0], "help") == 0;
	int status = ctl_ask(server, "commands", STR("{}"),
		call->timeout_ms ? call->timeout_ms : TIMEOUT_MS, &answer);
	if (status != CTL_OK)
		return status;
	if (code_of(answer) != 0)
		return tell_refusal(answer);
	ctl_commands_read(member_or_empty(answer, "data"), arena, &commands);
	if (is_help) {
		call->words++;
		call->word_count--;
	}
	if (is_help && call->word_count == 0) {
		ctl_commands_print(&commands);
		return CTL_OK;
	}
	const struct ctl_command *command =
		ctl_command_find(&commands, call->words, call->word_count, &used);
	if (!command)
		return unknown(call);
	if (!is_help)
		return run_command(server, command, call, used);
	ctl_command_print(command);
	return CTL_OK;
}

/* ---- the command line ---- */

/* Negative: go on. */
static int read_options(int argc, char **argv, struct call *call)
{
	int option;
	int64_t seconds;
	while ((option = getopt_long(argc, argv, "+s:c:jt:Vh", long_options, NULL)) != -1) {
		switch (option) {
		case 's':
			call->socket_path = optarg;
			break;
		case 'c':
			call->config = optarg;
			break;
		case 'j':
			call->is_json = true;
			break;
		case 't':
			if (str_to_i64(str_of(optarg), &seconds) < 0 || seconds < 1 ||
				seconds > 1000000)
				return ctl_fail(
					CTL_USAGE, "--timeout: must be 1 to 1000000 seconds");
			call->timeout_ms = (int)seconds * 1000;
			break;
		case 'V':
			puts("nuncioctl " PACKAGE_VERSION);
			return CTL_OK;
		case 'h':
			print_help();
			return CTL_OK;
		default: /* getopt has said which option */
			return ctl_fail(CTL_USAGE, "see nuncioctl --help");
		}
	}
	call->words = argv + optind;
	call->word_count = argc - optind;
	if (call->word_count == 0)
		return ctl_fail(CTL_USAGE, "which command? see --help");
	return -1;
}

int main(int argc, char **argv)
{
	struct call call = { 0 };
	struct ctl_server server;
	struct arena arena;
	if (!setlocale(LC_CTYPE, "") || MB_CUR_MAX == 1)
		setlocale(LC_CTYPE, "C.UTF-8");
	int status = read_options(argc, argv, &call);
	if (status >= 0 || !call.words)
		return status;
	arena_init(&arena, 0);
	status = ctl_connect(&server, call.socket_path, call.config);
	if (status == CTL_OK)
		status = run(&server, &call, &arena);
	ctl_disconnect(&server);
	arena_fini(&arena);
	if (fflush(stdout) != 0 && status == CTL_OK)
		status = CTL_NO_ANSWER;
	return status;
}
