/* SPDX-License-Identifier: MIT */
#include "ctl/ctl_print.h"

/*
 * How an answer looks. An object's list of objects is a table with the columns of its first row; a
 * list of other things is one a line; other members are `name  value`, and a text that is alone is
 * printed bare, so that `$(nuncioctl token ann)` is a token. The widths are those of the first
 * page: a million rows are printed as they come.
 */

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/slice.h"
#include "ctl/ctl_cell.h"
#include "wire/json.h"

static void put(struct nuncio_str text)
{
	fwrite(text.p ? text.p : "", 1, text.n, stdout);
}

static void put_spaces(size_t n)
{
	while (n--)
		putchar(' ');
}

/* The member that is a list: 1 and it; or 0. */
static int find_list(struct nuncio_str data, struct nuncio_str *key_r, struct nuncio_str *list_r)
{
	struct json_iter it = json_members(data);
	while (json_next_member(&it, key_r, list_r))
		if (json_type(*list_r) == JSON_ARRAY)
			return 1;
	return 0;
}

/* ---- JSON ---- */

/* An answer of one page is printed as it came; the lists of several become one. */
static void json_page(struct ctl_printer *p, struct nuncio_str data)
{
	struct nuncio_str key, list, item;
	bool has_next = json_member(data, "next", &item) == 1 && json_type(item) == JSON_TEXT;
	if (!p->has_begun && (!has_next || !find_list(data, &key, &list))) {
		put(data);
		return;
	}
	if (!find_list(data, &key, &list))
		return;
	struct json_iter it = json_items(list);
	if (!p->has_begun)
		printf("{\"" STR_FMT "\":[", STR_ARG(key));
	while (json_next_item(&it, &item)) {
		if (p->has_item)
			putchar(',');
		put(item);
		p->has_item = true;
	}
	p->is_merged = true;
}

/* ---- tables ---- */

static struct nuncio_str cell(
	struct nuncio_str row, const char *key, struct buf *out, bool *is_number_r)
{
	struct nuncio_str value = { NULL, 0 };
	buf_reset(out);
	json_member(row, key, &value);
	*is_number_r = ctl_cell_is_number(value);
	ctl_cell_write(key, value, out);
	return buf_str(out);
}

static void begin_table(struct ctl_printer *p, struct nuncio_str list, struct nuncio_str first)
{
	struct nuncio_str key, value, row;
	struct buf text = { 0 };
	struct arena arena;
	bool is_number;
	size_t n = json_count(first);
	p->keys = ALLOC_ARRAY(char *, n + 1);
	p->widths = ALLOC_ARRAY(size_t, n + 1);
	arena_init(&arena, 0);
	for (struct json_iter it = json_members(first); json_next_member(&it, &key, &value);) {
		p->keys[p->columns] = alloc_text(json_key_text(key, &arena));
		buf_reset(&text);
		ctl_cell_title(p->keys[p->columns], &text);
		p->widths[p->columns++] = ctl_cell_width(buf_str(&text));
	}
	arena_fini(&arena);
	for (struct json_iter it = json_items(list); json_next_item(&it, &row);) {
		for (size_t i = 0; i < p->columns; i++) {
			size_t width = ctl_cell_width(cell(row, p->keys[i], &text, &is_number));
			if (width > p->widths[i])
				p->widths[i] = width;
		}
	}
	buf_fini(&text);
}

/* No blanks behind the last column, unless it is a number. */
static void put_cell(const struct ctl_printer *p, size_t i, struct nuncio_str text, bool is_number)
{
	size_t width = ctl_cell_width(text);
	size_t pad = width < p->widths[i] ? p->widths[i] - width : 0;
	if (is_number)
		put_spaces(pad);
	put(text);
	if (!is_number && i + 1 < p->columns)
		put_spaces(pad);
	put(i + 1 < p->columns ? STR("  ") : STR("\n"));
}

static void put_titles(const struct ctl_printer *p, struct nuncio_str first)
{
	struct buf text = { 0 };
	for (size_t i = 0; i < p->columns; i++) {
		struct nuncio_str value = { NULL, 0 };
		json_member(first, p->keys[i], &value);
		buf_reset(&text);
		ctl_cell_title(p->keys[i], &text);
		for (size_t k = 0; k < text.used; k++)
			if (text.data[k] >= 'a' && text.data[k] <= 'z')
				text.data[k] = (char)(text.data[k] - 'a' + 'A');
		put_cell(p, i, buf_str(&text), ctl_cell_is_number(value));
	}
	buf_fini(&text);
}

static void table_page(struct ctl_printer *p, struct nuncio_str list)
{
	struct nuncio_str row;
	struct buf text = { 0 };
	bool is_number;
	struct json_iter it = json_items(list);
	while (json_next_item(&it, &row)) {
		if (!p->keys) {
			begin_table(p, list, row);
			put_titles(p, row);
		}
		for (size_t i = 0; i < p->columns; i++) {
			struct nuncio_str shown = cell(row, p->keys[i], &text, &is_number);
			put_cell(p, i, shown, is_number);
		}
	}
	buf_fini(&text);
}

static bool is_table(struct nuncio_str list)
{
	struct json_iter it = json_items(list);
	struct nuncio_str first;
	return json_next_item(&it, &first) && json_type(first) == JSON_OBJECT;
}

static void put_lines(struct nuncio_str list)
{
	struct json_iter it = json_items(list);
	struct nuncio_str item;
	struct buf text = { 0 };
	while (json_next_item(&it, &item)) {
		buf_reset(&text);
		ctl_cell_write("", item, &text);
		buf_add_char(&text, '\n');
		put(buf_str(&text));
	}
	buf_fini(&text);
}

/* ---- members ---- */

static size_t widest_title(struct nuncio_str data)
{
	struct json_iter it = json_members(data);
	struct nuncio_str key, value;
	size_t widest = 0;
	while (json_next_member(&it, &key, &value))
		if (key.n > widest)
			widest = key.n;
	return widest;
}

static void put_member(const char *name, struct nuncio_str value, size_t width)
{
	struct buf text = { 0 };
	if (width) {
		ctl_cell_title(name, &text);
		size_t n = ctl_cell_width(buf_str(&text));
		put(buf_str(&text));
		put_spaces(width > n ? width - n + 2 : 2);
		buf_reset(&text);
	}
	ctl_cell_write(name, value, &text);
	buf_add_char(&text, '\n');
	put(buf_str(&text));
	buf_fini(&text);
}

static bool is_one_text(struct nuncio_str data)
{
	struct json_iter it = json_members(data);
	struct nuncio_str key, value;
	return json_count(data) == 1 && json_next_member(&it, &key, &value) &&
	       json_type(value) == JSON_TEXT;
}

static void text_page(struct ctl_printer *p, struct nuncio_str data)
{
	struct json_iter it = json_members(data);
	struct nuncio_str key, value;
	size_t width = is_one_text(data) ? 0 : widest_title(data);
	struct arena arena;
	arena_init(&arena, 0);
	while (json_next_member(&it, &key, &value)) {
		if (json_type(value) == JSON_ARRAY && is_table(value))
			table_page(p, value);
		else if (json_type(value) == JSON_ARRAY)
			put_lines(value);
		else if (!json_key_is(key, STR("next")))
			put_member(arena_str(&arena, json_key_text(key, &arena)).p, value, width);
	}
	arena_fini(&arena);
}

void ctl_print_page(struct ctl_printer *p, struct nuncio_str data)
{
	if (p->is_json)
		json_page(p, data);
	else
		text_page(p, data);
	p->has_begun = true;
}

void ctl_print_end(struct ctl_printer *p)
{
	if (p->is_json && p->has_begun)
		fputs(p->is_merged ? "]}\n" : "\n", stdout);
	for (size_t i = 0; p->keys && i < p->columns; i++)
		alloc_free(p->keys[i]);
	alloc_free(p->keys);
	alloc_free(p->widths);
}
