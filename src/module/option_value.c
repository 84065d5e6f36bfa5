/* SPDX-License-Identifier: MIT */
/*
 * What the text behind `key =` means. Strict: a number has nothing behind it, a time has its unit,
 * a word is one of those listed. What is wrong is said together with what is allowed; a secret's
 * text is never repeated. Pure functions, but for the working directory that relative paths begin
 * at when there is no data_dir.
 */
#include "module/option_value.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/slice.h"

struct unit {
	const char *name;
	int64_t factor;
};

static const struct unit time_units[] = { { "d", 86400000 }, { "h", 3600000 }, { "m", 60000 },
	{ "s", 1000 }, { "ms", 1 } };
static const struct unit size_units[] = { { "G", 1 << 30 }, { "M", 1 << 20 }, { "K", 1 << 10 },
	{ "", 1 } };

enum {
	TIME_UNITS = sizeof(time_units) / sizeof(time_units[0]),
	SIZE_UNITS = sizeof(size_units) / sizeof(size_units[0])
};

int option_parse_bool(struct nuncio_str text, int64_t *value_r)
{
	static const char *const words[] = { "off", "on", "no", "yes", "false", "true", "0", "1" };
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (str_eq_nocase(text, str_of(words[i]))) {
			*value_r = (int64_t)i & 1;
			return 0;
		}
	}
	return NUNCIO_E_INVAL;
}

/* "30s" by a table of units: digits, then exactly one of the names. */
static int parse_units(
	struct nuncio_str text, const struct unit *units, size_t count, int64_t *value_r)
{
	size_t digits = 0;
	uint64_t number;
	while (digits < text.n && text.p[digits] >= '0' && text.p[digits] <= '9')
		digits++;
	struct nuncio_str head = { text.p, digits }, unit = { text.p + digits, text.n - digits };
	if (str_to_u64(head, &number) < 0)
		return NUNCIO_E_INVAL;
	for (size_t i = 0; i < count; i++) {
		if (!str_eq_nocase(unit, str_of(units[i].name)))
			continue;
		if (number > (uint64_t)(INT64_MAX / units[i].factor))
			return NUNCIO_E_TOOBIG;
		*value_r = (int64_t)number * units[i].factor;
		return 0;
	}
	return NUNCIO_E_INVAL;
}

int option_parse_msec(struct nuncio_str text, int64_t *value_r)
{
	if (str_eq_text(text, "0")) {
		*value_r = 0;
		return 0;
	}
	return parse_units(text, time_units, TIME_UNITS, value_r);
}

int option_parse_bytes(struct nuncio_str text, int64_t *value_r)
{
	return parse_units(text, size_units, SIZE_UNITS, value_r);
}

/* In the largest unit that divides it. */
static void print_units(struct buf *out, int64_t value, const struct unit *units, size_t count)
{
	size_t i = 0;
	if (value == 0) {
		buf_add_char(out, '0');
		return;
	}
	while (i + 1 < count && value % units[i].factor)
		i++;
	buf_printf(out, "%lld%s", (long long)(value / units[i].factor), units[i].name);
}

static void print_number(struct buf *out, uint32_t type, int64_t value)
{
	if (type == NUNCIO_OPT_MSEC)
		print_units(out, value, time_units, TIME_UNITS);
	else if (type == NUNCIO_OPT_BYTES)
		print_units(out, value, size_units, SIZE_UNITS);
	else
		buf_printf(out, "%lld", (long long)value);
}

const char *option_type_name(uint32_t type)
{
	static const char *const names[] = { [NUNCIO_OPT_TEXT] = "text",
		[NUNCIO_OPT_INT] = "whole number",
		[NUNCIO_OPT_BOOL] = "switch",
		[NUNCIO_OPT_MSEC] = "time",
		[NUNCIO_OPT_BYTES] = "size",
		[NUNCIO_OPT_PATH] = "file name",
		[NUNCIO_OPT_LIST] = "list",
		[NUNCIO_OPT_SECRET] = "secret",
		[NUNCIO_OPT_CHOICE] = "choice" };
	return type < sizeof(names) / sizeof(names[0]) ? names[type] : NULL;
}

bool option_is_number(uint32_t type)
{
	return type == NUNCIO_OPT_INT || type == NUNCIO_OPT_BOOL || type == NUNCIO_OPT_MSEC ||
	       type == NUNCIO_OPT_BYTES;
}

static void add_range(const struct nuncio_option *option, struct buf *out)
{
	if (!option->min && !option->max)
		return;
	buf_add_text(out, ", ");
	print_number(out, option->type, option->min);
	buf_add_text(out, " to ");
	print_number(out, option->type, option->max);
}

void option_allowed(const struct nuncio_option *option, struct buf *out)
{
	switch (option->type) {
	case NUNCIO_OPT_INT:
		buf_add_text(out, "a whole number");
		add_range(option, out);
		break;
	case NUNCIO_OPT_BOOL:
		buf_add_text(out, "on or off (yes, no, true, false, 1, 0)");
		break;
	case NUNCIO_OPT_MSEC:
		buf_add_text(out, "a time with its unit (500ms, 30s, 5m, 12h, 7d)");
		add_range(option, out);
		break;
	case NUNCIO_OPT_BYTES:
		buf_add_text(out, "a size in bytes (4096, 64K, 1M, 2G)");
		add_range(option, out);
		break;
	case NUNCIO_OPT_LIST:
		buf_add_text(out, "texts separated by commas");
		add_range(option, out);
		break;
	case NUNCIO_OPT_CHOICE:
		buf_printf(out, "one of: %s", option->choices);
		break;
	default:
		buf_printf(out, "a %s", option_type_name(option->type));
		if (option->min || option->max)
			buf_printf(out, ", %lld to %lld bytes", (long long)option->min,
				(long long)option->max);
	}
}

static bool is_in_range(const struct nuncio_option *option, int64_t value)
{
	return (!option->min && !option->max) || (value >= option->min && value <= option->max);
}

static bool is_choice(const char *choices, struct nuncio_str text)
{
	struct nuncio_str rest = str_of(choices), word;
	for (bool goes_on = true; goes_on;) {
		goes_on = str_cut(rest, ' ', &word, &rest);
		if (word.n && str_eq(word, text))
			return true;
	}
	return false;
}

static void split_list(struct option_value *value)
{
	struct nuncio_str rest = str_of(value->text), item;
	for (bool goes_on = rest.n > 0; goes_on;) {
		goes_on = str_cut(rest, ',', &item, &rest);
		item = str_trim(item);
		if (!item.n)
			continue;
		value->items =
			alloc_grow(value->items, (value->item_count + 1) * sizeof(value->items[0]));
		value->items[value->item_count++] = alloc_text(item);
	}
}

static void make_absolute(struct option_value *value, const char *data_dir)
{
	char here[PATH_MAX];
	struct buf path = { 0 };
	if (!value->text[0] || value->text[0] == '/')
		return;
	if (!data_dir)
		data_dir = getcwd(here, sizeof(here)) ? here : "";
	buf_printf(&path, "%s/%s", data_dir, value->text);
	alloc_free(value->text);
	value->text = buf_take(&path);
}

/* What is measured against min and max. */
static int64_t measure(const struct nuncio_option *option, const struct option_value *value)
{
	if (option_is_number(option->type))
		return value->number;
	if (option->type == NUNCIO_OPT_LIST)
		return (int64_t)value->item_count;
	return (int64_t)strlen(value->text);
}

/* NULL, or what is wrong. */
static const char *read_meaning(
	const struct nuncio_option *option, struct option_value *value, const char *data_dir)
{
	struct nuncio_str text = str_of(value->text);
	int rc = 0;
	switch (option->type) {
	case NUNCIO_OPT_INT:
		rc = str_to_i64(text, &value->number);
		break;
	case NUNCIO_OPT_BOOL:
		rc = option_parse_bool(text, &value->number);
		break;
	case NUNCIO_OPT_MSEC:
		rc = option_parse_msec(text, &value->number);
		break;
	case NUNCIO_OPT_BYTES:
		rc = option_parse_bytes(text, &value->number);
		break;
	case NUNCIO_OPT_CHOICE:
		rc = is_choice(option->choices, text) ? 0 : NUNCIO_E_INVAL;
		break;
	case NUNCIO_OPT_LIST:
		split_list(value);
		break;
	case NUNCIO_OPT_PATH:
		make_absolute(value, data_dir);
		break;
	}
	if (rc < 0)
		return option->type == NUNCIO_OPT_CHOICE ? "is not a choice" : "cannot be read";
	if (option->type != NUNCIO_OPT_BOOL && option->type != NUNCIO_OPT_CHOICE &&
		!is_in_range(option, measure(option, value)))
		return "is out of range";
	return NULL;
}

int option_value_parse(const struct nuncio_option *option, const char *text, const char *data_dir,
	struct option_value *value_r, struct buf *why)
{
	struct option_value value = { .text = alloc_text(str_of(text)) };
	const char *fault = read_meaning(option, &value, data_dir);
	if (fault) {
		if (option->type == NUNCIO_OPT_SECRET)
			buf_printf(why, "the text %s; allowed: ", fault);
		else
			buf_printf(why, "\"%.100s\" %s; allowed: ", text, fault);
		option_allowed(option, why);
		option_value_fini(&value);
		return NUNCIO_E_INVAL;
	}
	*value_r = value;
	return 0;
}

void option_value_fini(struct option_value *value)
{
	for (size_t i = 0; i < value->item_count; i++)
		alloc_free(value->items[i]);
	alloc_free(value->items);
	alloc_free(value->text);
	*value = (struct option_value){ 0 };
}
