/* SPDX-License-Identifier: MIT */
#include "logic/shape.h"

/*
 * Shapes are short and read at start only, so there is no tree: a shape is cut at its outermost
 * '|', each part of it at '&', and what is left is one word, one array or one object, whose inside
 * is cut the same way. Recursion is bounded by SHAPE_DEPTH.
 */

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/slice.h"

enum { SHAPE_DEPTH = 16, MEMBERS_MAX = 48, NAME_BYTES = 64 };

void shapes_init(struct shapes *shapes)
{
	*shapes = (struct shapes){ .count = 0 };
}

void shapes_fini(struct shapes *shapes)
{
	alloc_free(shapes->all);
	shapes_init(shapes);
}

static const struct named_shape *find(const struct shapes *shapes, struct nuncio_str name)
{
	for (size_t i = 0; i < shapes->count; i++)
		if (str_eq_text(name, shapes->all[i].name))
			return &shapes->all[i];
	return NULL;
}

bool shapes_have(const struct shapes *shapes, struct nuncio_str name)
{
	return find(shapes, name) != NULL;
}

/* ---- words ---- */

static const struct {
	const char *name, *schema;
} types[] = {
	{ "text", "{\"type\":\"string\"}" },
	{ "int", "{\"type\":\"integer\"}" },
	{ "bool", "{\"type\":\"boolean\"}" },
	{ "any", "{}" },
	{ "null", "{\"type\":\"null\"}" },
	{ "id", "{\"type\":\"string\",\"pattern\":\"^[0-9]+$\"}" },
	{ "time", "{\"type\":\"string\",\"format\":\"date-time\"}" },
};

static const char *type_schema(struct nuncio_str word)
{
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
		if (str_eq_text(word, types[i].name))
			return types[i].schema;
	return NULL;
}

static bool is_name(struct nuncio_str name)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789_";
	if (!name.n || name.n > NAME_BYTES || name.p[0] < 'a' || name.p[0] > 'z')
		return false;
	for (size_t i = 0; i < name.n; i++)
		if (!memchr(letters, name.p[i], sizeof letters - 1))
			return false;
	return true;
}

static bool is_literal(struct nuncio_str one)
{
	return one.n >= 3 && one.p[0] == '\'' && one.p[one.n - 1] == '\'' &&
	       !memchr(one.p + 1, '\'', one.n - 2);
}

int shapes_add(struct shapes *shapes, const char *owner, const struct nuncio_shape *shape,
	struct nuncio_error *err)
{
	struct nuncio_str name = str_of(shape->name);
	const struct named_shape *other = find(shapes, name);
	if (other) {
		nuncio_error_set(err, "the shape %s is declared by two modules: %s and %s",
			shape->name, other->owner, owner);
		return NUNCIO_E_EXISTS;
	}
	if (!is_name(name) || type_schema(name) || !shape->shape) {
		nuncio_error_set(err, "shape \"" STR_FMT "\" of module %s: bad name, or no shape",
			STR_ARG(name), owner);
		return NUNCIO_E_INVAL;
	}
	shapes->all = alloc_grow(shapes->all, (shapes->count + 1) * sizeof *shapes->all);
	shapes->all[shapes->count++] =
		(struct named_shape){ owner, shape->name, shape->shape, shape->help };
	return 0;
}

/* ---- cutting ---- */

/* A text and where to cut it; what is inside of brackets and quotes stays together. */
struct parts {
	struct nuncio_str rest;
	char sep;
	bool is_done;
};

static struct parts parts_of(struct nuncio_str text, char sep)
{
	return (struct parts){ .rest = text, .sep = sep };
}

static size_t part_bytes(const struct parts *parts)
{
	bool is_quoted = false;
	int depth = 0;
	size_t i = 0;
	for (; i < parts->rest.n; i++) {
		char c = parts->rest.p[i];
		if (c == '\'')
			is_quoted = !is_quoted;
		if (!is_quoted && depth == 0 && c == parts->sep)
			break;
		depth += !is_quoted && (c == '{' || c == '[');
		depth -= !is_quoted && (c == '}' || c == ']');
	}
	return i;
}

static bool parts_next(struct parts *parts, struct nuncio_str *part_r)
{
	if (parts->is_done)
		return false;
	size_t n = part_bytes(parts);
	*part_r = str_trim((struct nuncio_str){ parts->rest.p, n });
	parts->is_done = n == parts->rest.n;
	if (!parts->is_done) {
		parts->rest.p += n + 1;
		parts->rest.n -= n + 1;
	}
	return true;
}

static size_t parts_count(struct nuncio_str text, char sep)
{
	struct parts parts = parts_of(text, sep);
	struct nuncio_str part;
	size_t n = 0;
	while (parts_next(&parts, &part))
		n++;
	return n;
}

/* What stands between these two, if that is how it begins and ends. */
static bool inside(struct nuncio_str one, char open, char close, struct nuncio_str *in_r)
{
	if (one.n < 2 || one.p[0] != open || one.p[one.n - 1] != close)
		return false;
	*in_r = str_trim((struct nuncio_str){ one.p + 1, one.n - 2 });
	return true;
}

bool shape_is_words(struct nuncio_str shape)
{
	struct parts parts = parts_of(shape, '|');
	struct nuncio_str part;
	while (parts_next(&parts, &part))
		if (!is_literal(part))
			return false;
	return true;
}

static struct nuncio_str word_of(struct nuncio_str literal)
{
	return (struct nuncio_str){ literal.p + 1, literal.n - 2 };
}

bool shape_next_word(struct nuncio_str *words, struct nuncio_str *word_r)
{
	struct parts parts = parts_of(*words, '|');
	struct nuncio_str part;
	if (!words->n)
		return false;
	parts_next(&parts, &part);
	*word_r = word_of(part);
	*words = parts.is_done ? (struct nuncio_str){ NULL, 0 } : parts.rest;
	return true;
}

bool shape_has_word(struct nuncio_str shape, struct nuncio_str text)
{
	struct nuncio_str word;
	while (shape_next_word(&shape, &word))
		if (str_eq(word, text))
			return true;
	return false;
}

void shape_list_words(struct nuncio_str shape, char *out, size_t size)
{
	struct nuncio_str word;
	size_t used = 0;
	out[0] = '\0';
	for (bool is_first = true; shape_next_word(&shape, &word); is_first = false) {
		const char *before = is_first ? "" : shape.n ? ", " : " or ";
		if (used + word.n + strlen(before) >= size)
			return;
		memcpy(out + used, before, strlen(before));
		used += strlen(before);
		memcpy(out + used, word.p, word.n);
		used += word.n;
		out[used] = '\0';
	}
}

/* ---- writing ---- */

struct writer {
	const struct shapes *shapes;
	struct json_out *out;
	struct nuncio_error *err;
	int depth;
};

static int write_shape(struct writer *w, struct nuncio_str shape);

static int refuse(struct writer *w, const char *what, struct nuncio_str where)
{
	nuncio_error_set(w->err, "%s: \"" STR_FMT "\"", what, STR_ARG(where));
	return NUNCIO_E_INVAL;
}

static int write_word(struct writer *w, struct nuncio_str word)
{
	const char *schema = type_schema(word);
	if (schema) {
		json_out_raw(w->out, str_of(schema));
		return 0;
	}
	if (!is_name(word))
		return refuse(w, "this is no shape", word);
	if (w->shapes && !shapes_have(w->shapes, word))
		return refuse(w, "no module that is switched on declares this shape", word);
	char ref[NAME_BYTES + 32];
	snprintf(ref, sizeof ref, "#/components/schemas/" STR_FMT, STR_ARG(word));
	json_out_object_begin(w->out);
	json_out_key_cstr(w->out, "$ref", ref);
	json_out_object_end(w->out);
	return 0;
}

struct member {
	struct nuncio_str name, shape;
	bool is_optional;
};

static int read_member(struct writer *w, struct nuncio_str text, struct member *member_r)
{
	if (!str_cut(text, ':', &member_r->name, &member_r->shape))
		return refuse(w, "a member without a shape", text);
	struct nuncio_str *name = &member_r->name;
	member_r->is_optional = name->n && name->p[name->n - 1] == '?';
	if (member_r->is_optional)
		name->n--;
	return is_name(*name) || (str_eq_text(*name, "*") && !member_r->is_optional)
		       ? 0
		       : refuse(w, "a member without a name", text);
}

/* {*: shape}: all members look alike. */
static int write_map(struct writer *w, struct nuncio_str shape)
{
	json_out_key(w->out, "additionalProperties");
	return write_shape(w, shape);
}

static int write_members(struct writer *w, struct nuncio_str members)
{
	struct nuncio_str required[MEMBERS_MAX], part;
	struct parts parts = parts_of(members, ',');
	size_t count = 0;
	json_out_key(w->out, "properties");
	json_out_object_begin(w->out);
	while (parts_next(&parts, &part)) {
		struct member member;
		int rc = read_member(w, part, &member);
		if (rc == 0 && (count == MEMBERS_MAX || member.name.p[0] == '*'))
			rc = refuse(w, "too many members, or one like *", part);
		if (rc < 0)
			return rc;
		if (!member.is_optional)
			required[count++] = member.name;
		json_out_key_str(w->out, member.name);
		rc = write_shape(w, member.shape);
		if (rc < 0)
			return rc;
	}
	json_out_object_end(w->out);
	if (!count)
		return 0;
	json_out_key(w->out, "required");
	json_out_array_begin(w->out);
	for (size_t i = 0; i < count; i++)
		json_out_text(w->out, required[i]);
	json_out_array_end(w->out);
	return 0;
}

static int write_object(struct writer *w, struct nuncio_str members)
{
	struct member only;
	int rc = 0;
	json_out_object_begin(w->out);
	json_out_key_cstr(w->out, "type", "object");
	if (members.n && members.p[0] == '*' && parts_count(members, ',') == 1) {
		rc = read_member(w, members, &only);
		if (rc == 0)
			rc = write_map(w, only.shape);
	} else if (members.n) {
		rc = write_members(w, members);
	}
	json_out_object_end(w->out);
	return rc;
}

static int write_array(struct writer *w, struct nuncio_str item)
{
	json_out_object_begin(w->out);
	json_out_key_cstr(w->out, "type", "array");
	json_out_key(w->out, "items");
	int rc = write_shape(w, item);
	json_out_object_end(w->out);
	return rc;
}

static void write_words(struct writer *w, struct nuncio_str words)
{
	struct nuncio_str word;
	json_out_object_begin(w->out);
	json_out_key(w->out, "enum");
	json_out_array_begin(w->out);
	while (shape_next_word(&words, &word))
		json_out_text(w->out, word);
	json_out_array_end(w->out);
	json_out_object_end(w->out);
}

static int write_one(struct writer *w, struct nuncio_str one)
{
	struct nuncio_str in;
	if (inside(one, '{', '}', &in))
		return write_object(w, in);
	if (inside(one, '[', ']', &in))
		return write_array(w, in);
	return write_word(w, one);
}

static int write_list(struct writer *w, const char *key, char sep, struct nuncio_str list)
{
	struct parts parts = parts_of(list, sep);
	struct nuncio_str part;
	json_out_object_begin(w->out);
	json_out_key(w->out, key);
	json_out_array_begin(w->out);
	while (parts_next(&parts, &part)) {
		int rc = write_shape(w, part);
		if (rc < 0)
			return rc;
	}
	json_out_array_end(w->out);
	json_out_object_end(w->out);
	return 0;
}

static int write_shape(struct writer *w, struct nuncio_str shape)
{
	int rc = 0;
	shape = str_trim(shape);
	if (!shape.n || w->depth == SHAPE_DEPTH)
		return refuse(w, shape.n ? "nested too deeply" : "a shape is missing", shape);
	w->depth++;
	if (shape_is_words(shape))
		write_words(w, shape);
	else if (parts_count(shape, '|') > 1)
		rc = write_list(w, "anyOf", '|', shape);
	else if (parts_count(shape, '&') > 1)
		rc = write_list(w, "allOf", '&', shape);
	else
		rc = write_one(w, shape);
	w->depth--;
	return rc;
}

int shape_write(const struct shapes *shapes, struct nuncio_str shape, struct json_out *out,
	struct nuncio_error *err)
{
	struct writer w = { .shapes = shapes, .out = out, .err = err };
	return write_shape(&w, shape);
}
