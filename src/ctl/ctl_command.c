/* SPDX-License-Identifier: MIT */
#include "ctl/ctl_command.h"

/*
 * The server tells which commands there are and what they take, so a module's command needs no code
 * here: words are turned into its arguments by their declaration. A secret never stands on the
 * command line, where every user of the machine can read it: it is asked for at the terminal, or
 * read from standard input, a line each.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/slice.h"
#include "ctl/ctl_ask.h"
#include "wire/json.h"
#include "wire/json_out.h"

enum { SECRET_BYTES = 1024 };
#define NAME_CHARS "abcdefghijklmnopqrstuvwxyz_-"

/* ---- what there is ---- */

static const char *text_member(struct nuncio_str object, const char *key, struct arena *arena)
{
	struct nuncio_str value, text;
	if (json_member(object, key, &value) != 1 || json_text(value, arena, &text) < 0)
		return "";
	return arena_str(arena, text).p;
}

static bool bool_member(struct nuncio_str object, const char *key)
{
	struct nuncio_str value;
	bool yes = false;
	return json_member(object, key, &value) == 1 && json_bool(value, &yes) == 0 && yes;
}

static void read_fields(struct nuncio_str list, struct arena *arena, struct ctl_command *command)
{
	struct json_iter it = json_items(list);
	struct nuncio_str item;
	command->fields = arena_zero(arena, (json_count(list) + 1) * sizeof(struct ctl_field));
	while (json_next_item(&it, &item)) {
		struct ctl_field *field = &command->fields[command->field_count++];
		field->name = text_member(item, "name", arena);
		field->type = text_member(item, "type", arena);
		field->help = text_member(item, "help", arena);
		field->is_required = bool_member(item, "required");
		field->is_secret = bool_member(item, "secret");
	}
}

void ctl_commands_read(struct nuncio_str data, struct arena *arena, struct ctl_commands *commands_r)
{
	struct nuncio_str list = { NULL, 0 }, item, fields;
	json_member(data, "commands", &list);
	struct json_iter it = json_items(list);
	commands_r->count = 0;
	commands_r->list = arena_zero(arena, (json_count(list) + 1) * sizeof(struct ctl_command));
	while (json_next_item(&it, &item)) {
		struct ctl_command *command = &commands_r->list[commands_r->count++];
		command->name = text_member(item, "command", arena);
		command->help = text_member(item, "help", arena);
		command->module = text_member(item, "module", arena);
		command->is_slow = bool_member(item, "slow");
		if (json_member(item, "fields", &fields) == 1)
			read_fields(fields, arena, command);
	}
}

/* "log-level" and "log_level" are one word to a person. */
static bool same_word(const char *a, size_t n, const char *b)
{
	for (size_t i = 0; i < n; i++) {
		char x = a[i] == '-' ? '_' : a[i];
		if (x != b[i])
			return false;
	}
	return b[n] == '\0' || b[n] == '.';
}

/* How many words the name takes of these; 0: they are others. */
static int words_of(const char *name, char **words, int count)
{
	int used = 0;
	while (used < count) {
		size_t n = strlen(words[used]);
		if (strlen(name) < n || !same_word(words[used], n, name))
			return 0;
		used++;
		if (!name[n])
			return used;
		name += n + 1;
	}
	return 0;
}

const struct ctl_command *ctl_command_find(
	const struct ctl_commands *commands, char **words, int count, int *used_r)
{
	const struct ctl_command *best = NULL;
	*used_r = 0;
	for (size_t i = 0; i < commands->count; i++) {
		int used = words_of(commands->list[i].name, words, count);
		if (used > *used_r) {
			best = &commands->list[i];
			*used_r = used;
		}
	}
	return best;
}

/* ---- arguments ---- */

struct args {
	const struct ctl_command *command;
	char **words;
	int count, at;
	bool *is_given;
	struct json_out out;
};

/* The field named by the first n bytes; or NULL. */
static const struct ctl_field *field_named(
	const struct ctl_command *command, const char *name, size_t n)
{
	for (size_t i = 0; i < command->field_count; i++) {
		const struct ctl_field *field = &command->fields[i];
		if (strlen(field->name) == n && same_word(name, n, field->name))
			return field;
	}
	return NULL;
}

static int put_list(struct json_out *out, const char *value)
{
	struct nuncio_str rest = str_of(value), item;
	json_out_array_begin(out);
	while (rest.n) {
		str_cut(rest, ',', &item, &rest);
		json_out_text(out, str_trim(item));
	}
	json_out_array_end(out);
	return CTL_OK;
}

static int put_bool(struct json_out *out, const struct ctl_field *field, const char *value)
{
	static const char *const yes[] = { "yes", "on", "true", "1" };
	static const char *const no[] = { "no", "off", "false", "0" };
	for (int i = 0; i < 4; i++) {
		if (strcmp(value, yes[i]) == 0 || strcmp(value, no[i]) == 0) {
			json_out_bool(out, strcmp(value, yes[i]) == 0);
			return CTL_OK;
		}
	}
	return ctl_fail(CTL_USAGE, "%s: must be yes or no, not \"%s\"", field->name, value);
}

static int put_value(struct json_out *out, const struct ctl_field *field, const char *value)
{
	struct nuncio_str text = str_of(value);
	struct nuncio_error err;
	int64_t number;
	json_out_key(out, field->name);
	if (strcmp(field->type, "text") == 0) {
		json_out_text(out, text);
	} else if (strcmp(field->type, "int") == 0) {
		if (str_to_i64(text, &number) < 0)
			return ctl_fail(CTL_USAGE, "%s: must be a whole number, not \"%s\"",
				field->name, value);
		json_out_int(out, number);
	} else if (strcmp(field->type, "bool") == 0) {
		return put_bool(out, field, value);
	} else if (strcmp(field->type, "texts") == 0) {
		return put_list(out, value);
	} else {
		if (json_check(text, NULL, &text, &err) < 0)
			return ctl_fail(CTL_USAGE, "%s: must be JSON: %s", field->name, err.text);
		json_out_raw(out, text);
	}
	return CTL_OK;
}

static int take(struct args *a, const struct ctl_field *field, const char *value)
{
	size_t index = (size_t)(field - a->command->fields);
	if (field->is_secret)
		return ctl_fail(CTL_USAGE,
			"%s: must not stand on the command line, where others can read it; it is asked for, or read from standard input",
			field->name);
	if (a->is_given[index])
		return ctl_fail(CTL_USAGE, "%s: is given twice", field->name);
	a->is_given[index] = true;
	return put_value(&a->out, field, value);
}

static int take_option(struct args *a, const char *word)
{
	const char *equals = strchr(word, '=');
	size_t n = equals ? (size_t)(equals - word) : strlen(word);
	const struct ctl_field *field = field_named(a->command, word, n);
	if (!field)
		return ctl_fail(CTL_USAGE, "%s has no argument %.*s; see: nuncioctl help",
			a->command->name, (int)n, word);
	if (equals)
		return take(a, field, equals + 1);
	if (strcmp(field->type, "bool") == 0)
		return take(a, field, "yes");
	if (a->at == a->count)
		return ctl_fail(CTL_USAGE, "--%s: its value is missing", word);
	return take(a, field, a->words[a->at++]);
}

/* Pages are our business, and a secret nobody's. */
static bool is_for_people(const struct ctl_field *field)
{
	return !field->is_secret && strcmp(field->name, "after") != 0;
}

static int take_next(struct args *a, const char *word)
{
	for (size_t i = 0; i < a->command->field_count; i++) {
		if (!a->is_given[i] && is_for_people(&a->command->fields[i]))
			return take(a, &a->command->fields[i], word);
	}
	return ctl_fail(CTL_USAGE, "%s: one argument too many: \"%s\"", a->command->name, word);
}

static int take_word(struct args *a)
{
	const char *word = a->words[a->at++], *equals = strchr(word, '=');
	if (strncmp(word, "--", 2) == 0 && word[2])
		return take_option(a, word + 2);
	if (!equals || equals == word || word[strspn(word, NAME_CHARS)] != '=')
		return take_next(a, word);
	return take_option(a, word);
}

/* ---- secrets ---- */

/* One line; false at the end of the input. */
static bool read_secret(char *to, size_t size)
{
	if (!fgets(to, (int)size, stdin))
		return false;
	to[strcspn(to, "\n")] = '\0';
	return true;
}

static bool ask_secret(const char *name, const char *again, char *to, size_t size)
{
	struct termios before, silent;
	bool is_terminal = tcgetattr(STDIN_FILENO, &before) == 0;
	if (!is_terminal)
		return read_secret(to, size);
	silent = before;
	silent.c_lflag &= ~(tcflag_t)ECHO;
	/* First silent, then the question: who answers it at once is not shown either. */
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
	fprintf(stderr, "%s%s: ", name, again);
	fflush(stderr);
	bool is_read = read_secret(to, size);
	tcsetattr(STDIN_FILENO, TCSADRAIN, &before);
	fputc('\n', stderr);
	return is_read;
}

static int take_secret(struct args *a, const struct ctl_field *field)
{
	char text[SECRET_BYTES] = "", again[SECRET_BYTES] = "";
	int status = CTL_OK;
	if (!ask_secret(field->name, "", text, sizeof text))
		status = ctl_fail(CTL_USAGE, "%s: is missing on standard input", field->name);
	else if (isatty(STDIN_FILENO) && (!ask_secret(field->name, " again", again, sizeof again) ||
						 strcmp(text, again) != 0))
		status = ctl_fail(CTL_USAGE, "%s: the two are not the same", field->name);
	if (status == CTL_OK)
		status = put_value(&a->out, field, text);
	explicit_bzero(text, sizeof text);
	explicit_bzero(again, sizeof again);
	return status;
}

static int take_rest(struct args *a)
{
	int status = CTL_OK;
	for (size_t i = 0; status == CTL_OK && i < a->command->field_count; i++) {
		const struct ctl_field *field = &a->command->fields[i];
		if (a->is_given[i] || !field->is_required)
			continue;
		status = field->is_secret ? take_secret(a, field)
					  : ctl_fail(CTL_USAGE, "%s: %s is missing (%s)",
						    a->command->name, field->name, field->help);
	}
	return status;
}

int ctl_command_args(const struct ctl_command *command, char **words, int count, struct buf *json)
{
	struct args a = { .command = command, .words = words, .count = count };
	int status = CTL_OK;
	a.is_given = ALLOC_ARRAY(bool, command->field_count + 1);
	json_out_init(&a.out, json);
	json_out_object_begin(&a.out);
	while (status == CTL_OK && a.at < count)
		status = take_word(&a);
	if (status == CTL_OK)
		status = take_rest(&a);
	json_out_object_end(&a.out);
	alloc_free(a.is_given);
	return status;
}

/* ---- help ---- */

static void print_name(const char *name)
{
	for (; *name; name++)
		putchar(*name == '.' ? ' ' : *name == '_' ? '-' : *name);
}

static void print_call(const struct ctl_command *command)
{
	print_name(command->name);
	for (size_t i = 0; i < command->field_count; i++) {
		const struct ctl_field *field = &command->fields[i];
		if (!is_for_people(field))
			continue;
		putchar(' ');
		if (!field->is_required)
			putchar('[');
		for (const char *c = field->name; *c; c++)
			putchar(*c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c);
		if (!field->is_required)
			putchar(']');
	}
}

void ctl_commands_print(const struct ctl_commands *commands)
{
	for (size_t i = 0; i < commands->count; i++) {
		const struct ctl_command *command = &commands->list[i];
		print_call(command);
		printf("\n    %s", command->help);
		if (strcmp(command->module, "core") != 0)
			printf(" (%s)", command->module);
		putchar('\n');
	}
}

void ctl_command_print(const struct ctl_command *command)
{
	print_call(command);
	printf("\n    %s\n", command->help);
	for (size_t i = 0; i < command->field_count; i++) {
		const struct ctl_field *field = &command->fields[i];
		if (!field->is_secret && !is_for_people(field))
			continue;
		printf("    %s: %s%s%s\n", field->name, field->help,
			field->is_required ? "" : " (may be left out)",
			field->is_secret ? " (is asked for)" : "");
	}
}
