/* SPDX-License-Identifier: MIT */
#include "logic/router.h"

/*
 * Nodes hold a piece of text that all patterns below share; children are told apart by their first
 * byte, at most one child each is a parameter or a wildcard. Patterns are few and come from
 * modules, so adding may be slow and simple; finding walks bytes, does not allocate, and backtracks
 * only where a text child and a parameter both fit.
 */

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/slice.h"

struct end {
	char *pattern; /* with the names of its parameters; NULL: no pattern ends here */
	void *values[ROUTER_METHODS_MAX];
};

struct node {
	char *text;
	size_t text_bytes;
	struct node *children; /* text children, in no order */
	size_t child_count;
	struct node *param, *wildcard;
	struct end end;
};

struct router {
	struct node root;
};

static const char *const methods[ROUTER_METHODS_MAX] = {
	"GET",
	"HEAD",
	"POST",
	"PUT",
	"PATCH",
	"DELETE",
	"OPTIONS",
};

static int method_index(struct nuncio_str method)
{
	for (int i = 0; i < ROUTER_METHODS_MAX; i++)
		if (str_eq_text(method, methods[i]))
			return i;
	return -1;
}

struct router *router_new(void)
{
	return ALLOC_NEW(struct router);
}

static void node_fini(struct node *node)
{
	for (size_t i = 0; i < node->child_count; i++)
		node_fini(&node->children[i]);
	alloc_free(node->children);
	if (node->param) {
		node_fini(node->param);
		alloc_free(node->param);
	}
	if (node->wildcard) {
		node_fini(node->wildcard);
		alloc_free(node->wildcard);
	}
	alloc_free(node->text);
	alloc_free(node->end.pattern);
}

void router_free(struct router **router)
{
	if (!*router)
		return;
	node_fini(&(*router)->root);
	alloc_free(*router);
	*router = NULL;
}

static bool is_param_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

/*
 * A pattern begins with '/', its parameters fill whole segments and have names, a wildcard is last.
 */
static int pattern_check(const char *pattern, struct nuncio_error *err)
{
	size_t params = 0;
	if (pattern[0] != '/') {
		nuncio_error_set(err, "path \"%s\" does not begin with '/'", pattern);
		return NUNCIO_E_INVAL;
	}
	for (const char *p = pattern; *p; p++) {
		if (*p != ':' && *p != '*')
			continue;
		const char *name = p + 1, *end = name;
		while (is_param_char(*end))
			end++;
		if (p[-1] != '/' || end == name || (*end && (*end != '/' || *p == '*')) ||
			++params > ROUTER_PARAMS_MAX) {
			nuncio_error_set(err, "path \"%s\": bad parameter at \"%s\"", pattern, p);
			return NUNCIO_E_INVAL;
		}
		p = end - 1;
	}
	return 0;
}

static void node_set_text(struct node *node, const char *text, size_t n)
{
	node->text = n ? alloc_copy(text, n) : NULL;
	node->text_bytes = n;
}

/* Cuts a node after `at` bytes: what it was becomes its only child. */
static void node_split(struct node *node, size_t at)
{
	struct node *lower = ALLOC_ARRAY(struct node, 1);
	char *upper = alloc_copy(node->text, at);
	*lower = *node;
	node_set_text(lower, node->text + at, node->text_bytes - at);
	alloc_free(node->text);
	*node = (struct node){
		.text = upper, .text_bytes = at, .children = lower, .child_count = 1
	};
}

static struct node *node_add_child(struct node *node, const char *text, size_t n)
{
	node->children = alloc_grow(node->children, (node->child_count + 1) * sizeof(struct node));
	struct node *child = &node->children[node->child_count++];
	*child = (struct node){ 0 };
	node_set_text(child, text, n);
	return child;
}

static struct node *node_walk_text(struct node *node, const char *text, size_t n)
{
	while (n > 0) {
		struct node *child = NULL;
		for (size_t i = 0; i < node->child_count && !child; i++)
			if (node->children[i].text[0] == text[0])
				child = &node->children[i];
		if (!child)
			return node_add_child(node, text, n);
		size_t same = 0;
		while (same < n && same < child->text_bytes && child->text[same] == text[same])
			same++;
		if (same < child->text_bytes)
			node_split(child, same);
		node = child;
		text += same;
		n -= same;
	}
	return node;
}

static struct node *node_special(struct node **place)
{
	if (!*place)
		*place = ALLOC_NEW(struct node);
	return *place;
}

static struct node *node_for_pattern(struct node *node, const char *pattern)
{
	while (*pattern) {
		size_t text = strcspn(pattern, ":*");
		node = node_walk_text(node, pattern, text);
		pattern += text;
		if (!*pattern)
			break;
		node = node_special(*pattern == ':' ? &node->param : &node->wildcard);
		pattern += 1 + strcspn(pattern + 1, "/");
	}
	return node;
}

int router_add(struct router *router, const char *method, const char *pattern, void *value,
	struct nuncio_error *err)
{
	int index = method_index(str_of(method));
	if (index < 0) {
		nuncio_error_set(err, "unknown HTTP method \"%s\"", method);
		return NUNCIO_E_INVAL;
	}
	int rc = pattern_check(pattern, err);
	if (rc < 0)
		return rc;
	struct node *node = node_for_pattern(&router->root, pattern);
	if (node->end.pattern && strcmp(node->end.pattern, pattern) != 0) {
		nuncio_error_set(err, "path \"%s\" names its parameters otherwise than \"%s\"",
			pattern, node->end.pattern);
		return NUNCIO_E_EXISTS;
	}
	if (node->end.values[index]) {
		nuncio_error_set(err, "route %s %s exists already", method, pattern);
		return NUNCIO_E_EXISTS;
	}
	if (!node->end.pattern)
		node->end.pattern = alloc_text(str_of(pattern));
	node->end.values[index] = value;
	return 0;
}

struct search {
	int method; /* index, or -1: one that no route can have */
	struct nuncio_str values[ROUTER_PARAMS_MAX];
	size_t value_count;
	const struct end *found; /* has the method */
	const struct end *other; /* the best path without it */
};

static bool end_fits(const struct end *end, struct search *s)
{
	if (!end->pattern)
		return false;
	if (s->method >= 0 && (end->values[s->method] || (s->method == 1 && end->values[0]))) {
		s->found = end;
		return true;
	}
	if (!s->other)
		s->other = end;
	return false;
}

static bool node_find(const struct node *node, struct nuncio_str path, struct search *s);

static bool node_find_param(const struct node *param, struct nuncio_str path, struct search *s)
{
	size_t n = 0;
	while (n < path.n && path.p[n] != '/')
		n++;
	if (n == 0)
		return false;
	s->values[s->value_count++] = (struct nuncio_str){ path.p, n };
	if (node_find(param, (struct nuncio_str){ path.p + n, path.n - n }, s))
		return true;
	s->value_count--;
	return false;
}

static bool node_find(const struct node *node, struct nuncio_str path, struct search *s)
{
	if (path.n == 0 && end_fits(&node->end, s))
		return true;
	for (size_t i = 0; i < node->child_count; i++) {
		const struct node *child = &node->children[i];
		if (path.n < child->text_bytes ||
			memcmp(path.p, child->text, child->text_bytes) != 0)
			continue;
		struct nuncio_str rest = { path.p + child->text_bytes, path.n - child->text_bytes };
		if (node_find(child, rest, s))
			return true;
	}
	if (node->param && node_find_param(node->param, path, s))
		return true;
	if (!node->wildcard || !end_fits(&node->wildcard->end, s))
		return false;
	s->values[s->value_count++] = path;
	return true;
}

static void match_name_params(
	struct router_match *match, const char *pattern, const struct search *s)
{
	match->param_count = s->value_count;
	size_t i = 0;
	for (const char *p = pattern + strcspn(pattern, ":*"); *p && i < s->value_count;
		p += strcspn(p, ":*")) {
		size_t n = strcspn(p + 1, "/");
		match->params[i].name = (struct nuncio_str){ p + 1, n };
		match->params[i].value = s->values[i];
		i++;
		p += 1 + n;
	}
}

static void match_allow(struct router_match *match, const struct end *end)
{
	size_t used = 0;
	for (int i = 0; i < ROUTER_METHODS_MAX; i++) {
		if (!end->values[i] && !(i == 1 && end->values[0]))
			continue;
		if (used)
			used += (size_t)snprintf(
				match->allow + used, sizeof match->allow - used, ", ");
		used += (size_t)snprintf(
			match->allow + used, sizeof match->allow - used, "%s", methods[i]);
	}
}

int router_find(const struct router *router, struct nuncio_str method, struct nuncio_str path,
	struct router_match *match_r)
{
	struct search s = { .method = method_index(method) };
	*match_r = (struct router_match){ 0 };
	if (!node_find(&router->root, path, &s)) {
		if (!s.other)
			return 0;
		match_allow(match_r, s.other);
		return NUNCIO_E_UNSUPPORTED;
	}
	match_r->value = s.found->values[s.method] ? s.found->values[s.method] : s.found->values[0];
	match_name_params(match_r, s.found->pattern, &s);
	return 1;
}
