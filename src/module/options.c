/* SPDX-License-Identifier: MIT */
/*
 * One section of the INI file and the option table that says what may stand in it. Values come in
 * two steps, so that a file is checked whole before anything changes: options_prepare reads and
 * complains, options_apply puts in force. On a reload the values before stay readable until
 * options_settle, because modules hold texts of them, and come back with options_take_back when the
 * module refuses the new ones.
 *
 * Help, --show-config and etc/nuncio.ini are written from the same table. Secrets are never
 * printed. Logic thread (or main).
 */
#include "module/options.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/check.h"
#include "base/slice.h"
#include "module/option_value.h"
#include "provide/sized.h"

enum { HELP_COLUMNS = 78 };

struct options {
	const char *section, *summary;
	struct nuncio_option *table; /* in our size, without the end mark */
	size_t count;
	struct option_value *now, *next, *old; /* count of each, or NULL */
	char *file;                            /* that `now` and `next` came from; may be NULL */
};

void option_fault(struct option_faults *faults, const char *format, ...)
{
	char line[1024];
	va_list ap;
	if (++faults->count > OPTION_FAULTS_MAX)
		return;
	va_start(ap, format);
	vsnprintf(line, sizeof(line), format, ap);
	va_end(ap);
	buf_printf(&faults->text, "%s\n", line);
}

void option_faults_fini(struct option_faults *faults)
{
	buf_fini(&faults->text);
	faults->count = 0;
}

/* ---- Tables */

static int find(const struct options *o, const char *key)
{
	for (size_t i = 0; i < o->count; i++) {
		if (strcmp(o->table[i].key, key) == 0)
			return (int)i;
	}
	return -1;
}

static const char *fault_of(const struct options *o, const struct nuncio_option *option)
{
	if (find(o, option->key) >= 0)
		return "stands in the table twice";
	if (!option->key[0] ||
		strspn(option->key, "abcdefghijklmnopqrstuvwxyz0123456789_") != strlen(option->key))
		return "is not named by [a-z0-9_]";
	if (!option_type_name(option->type))
		return "has a type that this server does not know";
	if (option->type == NUNCIO_OPT_CHOICE && !option->choices)
		return "is a choice without choices";
	return option->help ? NULL : "has no help";
}

static int add_option(
	struct options *o, const struct nuncio_option *option, struct nuncio_error *err)
{
	const char *fault = fault_of(o, option);
	if (fault) {
		nuncio_error_set(
			err, "option table of [%s]: %s %s", o->section, option->key, fault);
		return NUNCIO_E_INVAL;
	}
	struct option_value value = { 0 };
	struct buf why = { 0 };
	int rc = 0;
	if (option->fallback)
		rc = option_value_parse(option, option->fallback, "/", &value, &why);
	buf_add_char(&why, '\0');
	if (rc < 0)
		nuncio_error_set(err, "option table of [%s]: the fallback of %s: %s", o->section,
			option->key, why.data);
	option_value_fini(&value);
	buf_fini(&why);
	if (rc < 0)
		return rc;
	o->table = alloc_grow(o->table, (o->count + 1) * sizeof(o->table[0]));
	o->table[o->count++] = *option;
	return 0;
}

int options_new(const char *section, const char *summary, const struct nuncio_option *table,
	size_t option_size, struct options **options_r, struct nuncio_error *err)
{
	struct options *o = ALLOC_NEW(struct options);
	int rc = 0;
	o->section = section;
	o->summary = summary;
	for (size_t i = 0; rc == 0 && table; i++) {
		struct nuncio_option option;
		sized_take(&option, sizeof(option), sized_at(table, option_size, i), option_size);
		if (!option.key)
			break;
		rc = add_option(o, &option, err);
	}
	if (rc < 0)
		options_free(&o);
	*options_r = o;
	return rc;
}

static void free_values(struct options *o, struct option_value **values)
{
	for (size_t i = 0; *values && i < o->count; i++)
		option_value_fini(&(*values)[i]);
	alloc_free(*values);
	*values = NULL;
}

void options_free(struct options **options)
{
	struct options *o = *options;
	if (!o)
		return;
	free_values(o, &o->now);
	free_values(o, &o->next);
	free_values(o, &o->old);
	alloc_free(o->table);
	alloc_free(o->file);
	alloc_free(o);
	*options = NULL;
}

/* ---- Reading */

static void check_keys(const struct options *o, const struct ini *ini,
	const struct ini_section *section, struct option_faults *faults)
{
	for (size_t i = 0; i < section->entry_count; i++) {
		const struct ini_entry *entry = &section->entries[i];
		if (find(o, entry->key) >= 0)
			continue;
		struct buf keys = { 0 };
		for (size_t k = 0; k < o->count; k++)
			buf_printf(&keys, "%s%s", k ? ", " : "", o->table[k].key);
		buf_add_char(&keys, '\0');
		option_fault(faults, "%s:%d: [%s] %s: unknown key; allowed: %s", ini->file,
			entry->line, o->section, entry->key, o->count ? keys.data : "none");
		buf_fini(&keys);
	}
}

static void read_one(struct options *o, size_t index, const struct ini *ini,
	const struct ini_section *section, const char *data_dir, struct option_faults *faults)
{
	const struct nuncio_option *option = &o->table[index];
	const struct ini_entry *entry = section ? ini_find_entry(section, option->key) : NULL;
	const char *text = entry ? entry->value : option->fallback;
	struct option_value *value = &o->next[index];
	struct buf why = { 0 };
	int line = entry ? entry->line : section ? section->line : 0, rc;
	if (text) {
		rc = option_value_parse(option, text, data_dir, value, &why);
	} else {
		rc = NUNCIO_E_INVAL;
		buf_add_text(&why, "must be given; allowed: ");
		option_allowed(option, &why);
	}
	buf_add_char(&why, '\0');
	if (rc < 0) {
		value->text = alloc_text(STR(""));
		const char *file = ini ? ini->file : "configuration";
		if (line)
			option_fault(faults, "%s:%d: [%s] %s: %s", file, line, o->section,
				option->key, why.data);
		else
			option_fault(
				faults, "%s: [%s] %s: %s", file, o->section, option->key, why.data);
	}
	value->line = entry ? entry->line : 0;
	buf_fini(&why);
}

void options_prepare(struct options *o, const struct ini *ini, const char *data_dir,
	struct option_faults *faults)
{
	const struct ini_section *section = ini ? ini_find_section(ini, o->section) : NULL;
	free_values(o, &o->next);
	o->next = ALLOC_ARRAY(struct option_value, o->count + 1);
	alloc_free(o->file);
	o->file = ini ? alloc_text(str_of(ini->file)) : NULL;
	if (section)
		check_keys(o, ini, section, faults);
	for (size_t i = 0; i < o->count; i++)
		read_one(o, i, ini, section, data_dir, faults);
}

/* ---- Putting in force */

/*
 * What does not change stays where it is, because others hold its texts: the values change places,
 * and those just read go the way of the old ones.
 */
static void keep_value(struct option_value *now, struct option_value *next, bool is_same)
{
	struct option_value read = *next;
	*next = *now;
	*now = read;
	next->is_kept = true;
	if (is_same)
		next->line = read.line;
}

size_t options_apply(struct options *o, struct buf *kept)
{
	size_t changed = 0;
	CHECK(o->next);
	free_values(o, &o->old);
	for (size_t i = 0; o->now && i < o->count; i++) {
		bool is_same = strcmp(o->now[i].text, o->next[i].text) == 0;
		if (!is_same && (o->table[i].flags & NUNCIO_OPT_LIVE)) {
			changed++;
			continue;
		}
		keep_value(&o->now[i], &o->next[i], is_same);
		if (!is_same)
			buf_printf(kept, "%s%s", kept->used ? ", " : "", o->table[i].key);
	}
	o->old = o->now;
	o->now = o->next;
	o->next = NULL;
	return changed;
}

void options_take_back(struct options *o)
{
	CHECK(o->old);
	for (size_t i = 0; i < o->count; i++)
		if (o->now[i].is_kept)
			keep_value(&o->now[i], &o->old[i], false);
	free_values(o, &o->now);
	o->now = o->old;
	o->old = NULL;
}

void options_settle(struct options *o)
{
	free_values(o, &o->old);
	free_values(o, &o->next);
}

/* ---- Asking */

static const struct option_value *value_of(
	const struct options *o, const char *key, uint32_t *type_r)
{
	int index = find(o, key);
	if (index < 0 || !o->now)
		check_failed(__FILE__, __LINE__, "[%s] has no option %s", o->section, key);
	*type_r = o->table[index].type;
	return &o->now[index];
}

static void wrong_type(const struct options *o, const char *key, uint32_t type)
{
	check_failed(__FILE__, __LINE__, "option [%s] %s is a %s and was read as another type",
		o->section, key, option_type_name(type));
}

const char *options_text(const struct options *o, const char *key)
{
	uint32_t type;
	const struct option_value *value = value_of(o, key, &type);
	if (option_is_number(type) || type == NUNCIO_OPT_LIST)
		wrong_type(o, key, type);
	return value->text;
}

int64_t options_int(const struct options *o, const char *key)
{
	uint32_t type;
	const struct option_value *value = value_of(o, key, &type);
	if (!option_is_number(type))
		wrong_type(o, key, type);
	return value->number;
}

size_t options_count(const struct options *o, const char *key)
{
	uint32_t type;
	const struct option_value *value = value_of(o, key, &type);
	if (type != NUNCIO_OPT_LIST)
		wrong_type(o, key, type);
	return value->item_count;
}

const char *options_item(const struct options *o, const char *key, size_t index)
{
	uint32_t type;
	const struct option_value *value = value_of(o, key, &type);
	if (type != NUNCIO_OPT_LIST)
		wrong_type(o, key, type);
	return index < value->item_count ? value->items[index] : NULL;
}

bool options_is_given(const struct options *o, const char *key)
{
	uint32_t type;
	return value_of(o, key, &type)->line > 0;
}

void options_where(const struct options *o, const char *key, struct buf *out)
{
	uint32_t type;
	int line = value_of(o, key, &type)->line;
	if (line)
		buf_printf(out, "%s:%d: [%s] %s", o->file, line, o->section, key);
	else
		buf_printf(out, "[%s] %s (default)", o->section, key);
}

/* ---- Printing */

void options_each(const struct options *o, options_each_fn *fn, void *user)
{
	for (size_t i = 0; o->now && i < o->count; i++) {
		const struct option_value *value = &o->now[i];
		bool is_hidden = o->table[i].type == NUNCIO_OPT_SECRET && value->text[0];
		fn(&(struct option_view){ .section = o->section,
			   .key = o->table[i].key,
			   .value = is_hidden ? "(hidden)" : value->text,
			   .file = value->line ? o->file : NULL,
			   .line = value->line,
			   .is_live = o->table[i].flags & NUNCIO_OPT_LIVE },
			user);
	}
}

static void show_one(const struct option_view *view, void *user)
{
	struct buf *out = user;
	buf_printf(out, "%s = %s", view->key, view->value);
	if (view->file)
		buf_printf(out, "  # %s:%d\n", view->file, view->line);
	else
		buf_add_text(out, "  # default\n");
}

void options_show(const struct options *o, struct buf *out)
{
	buf_printf(out, "[%s]\n", o->section);
	options_each(o, show_one, out);
}

/* Breaks text into lines that begin with `margin`. */
static void add_wrapped(struct buf *out, const char *margin, const char *text)
{
	struct nuncio_str rest = str_of(text), word;
	size_t column = 0;
	for (bool goes_on = true; goes_on;) {
		goes_on = str_cut(rest, ' ', &word, &rest);
		if (column && column + 1 + word.n > HELP_COLUMNS) {
			buf_add_char(out, '\n');
			column = 0;
		}
		buf_add_text(out, column ? " " : margin);
		column += column ? 1 : strlen(margin);
		buf_add_str(out, word);
		column += word.n;
	}
	buf_add_char(out, '\n');
}

static void add_about(struct buf *out, const char *margin, const struct nuncio_option *option)
{
	struct buf about = { 0 };
	buf_printf(&about, "%s Allowed: ", option->help);
	option_allowed(option, &about);
	buf_add_char(&about, '.');
	if (!option->fallback)
		buf_add_text(&about, " Must be given.");
	if (option->flags & NUNCIO_OPT_LIVE)
		buf_add_text(&about, " Changes with a reload.");
	buf_add_char(&about, '\0');
	add_wrapped(out, margin, about.data);
	buf_fini(&about);
}

void options_help(const struct options *o, struct buf *out)
{
	buf_printf(out, "[%s]", o->section);
	buf_printf(out, "%s%s\n", o->summary ? "  " : "", o->summary ? o->summary : "");
	for (size_t i = 0; i < o->count; i++) {
		const struct nuncio_option *option = &o->table[i];
		const char *fallback = option->fallback ? option->fallback : "";
		buf_printf(out, "  %s =%s%s\n", option->key, fallback[0] ? " " : "", fallback);
		add_about(out, "      ", option);
	}
}

void options_write_ini(const struct options *o, struct buf *out)
{
	if (o->summary)
		add_wrapped(out, "# ", o->summary);
	buf_printf(out, "[%s]\n", o->section);
	for (size_t i = 0; i < o->count; i++) {
		const struct nuncio_option *option = &o->table[i];
		const char *fallback = option->fallback ? option->fallback : "";
		buf_add_char(out, '\n');
		add_about(out, "# ", option);
		buf_printf(out, "#%s =%s%s\n", option->key, fallback[0] ? " " : "", fallback);
	}
}
