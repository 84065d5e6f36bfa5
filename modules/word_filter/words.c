/* SPDX-License-Identifier: MIT */
/*
 * All entries of all lists in one automaton (Aho and Corasick, 1975), so a text is looked through
 * once, whatever the number of entries. Nodes are an array; the edges of all nodes are one sorted
 * array of (node, point) found by halving. Built once, then only read: any thread.
 *
 * Whether a hit is a whole word is seen from the neighbours in the text, so each entry keeps which
 * of its ends must be the end of a word.
 */
#include "word_filter.h"

#include <stdlib.h>

enum { EDGE_BEGIN = 1, EDGE_END = 2 }; /* this end of an entry must be the edge of a word */

struct node {
	uint32_t fail;  /* node of the longest proper end that is a beginning too */
	uint32_t hit;   /* nearest node on the way of fails where entries end; 0: none */
	uint32_t entry; /* first of the entries that end here, plus 1; 0: none */
};

struct entry {
	uint32_t next; /* of those that end at the same node, plus 1 */
	uint8_t points, edges, action;
};

struct edge {
	uint32_t from, point, to;
};

struct words {
	locale_t locale; /* C.UTF-8: what is a letter, and its lower case */
	struct node *nodes;
	struct edge *edges;
	struct entry *entries;
	size_t node_count, node_room, edge_count, edge_room, entry_count, entry_room;
	/* While building: children of a node as a list. */
	uint32_t *first_edge, *next_edge;
	size_t first_room, next_room;
};

/* Room for one more element. */
static void *grow(void *p, size_t count, size_t *room, size_t size)
{
	if (count < *room)
		return p;
	*room = *room ? *room * 2 : 256;
	p = nuncio_resize(p, *room * size);
	return p;
}

static uint32_t add_node(struct words *w)
{
	w->nodes = grow(w->nodes, w->node_count, &w->node_room, sizeof *w->nodes);
	w->first_edge = grow(w->first_edge, w->node_count, &w->first_room, sizeof *w->first_edge);
	w->nodes[w->node_count] = (struct node){ 0 };
	w->first_edge[w->node_count] = 0;
	return (uint32_t)w->node_count++;
}

struct words *words_new(void)
{
	struct words *w = nuncio_alloc(sizeof *w);
	w->locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	add_node(w);
	return w;
}

void words_free(struct words **words)
{
	struct words *w = *words;
	*words = NULL;
	if (!w)
		return;
	free(w->nodes);
	free(w->edges);
	free(w->entries);
	free(w->first_edge);
	free(w->next_edge);
	if (w->locale)
		freelocale(w->locale);
	free(w);
}

size_t words_count(const struct words *words)
{
	return words->entry_count;
}

/* ---- building ---- */

static uint32_t child(struct words *w, uint32_t from, uint32_t point)
{
	for (uint32_t e = w->first_edge[from]; e; e = w->next_edge[e - 1])
		if (w->edges[e - 1].point == point)
			return w->edges[e - 1].to;
	uint32_t to = add_node(w);
	w->edges = grow(w->edges, w->edge_count, &w->edge_room, sizeof *w->edges);
	w->next_edge = grow(w->next_edge, w->edge_count, &w->next_room, sizeof *w->next_edge);
	w->edges[w->edge_count] = (struct edge){ from, point, to };
	w->next_edge[w->edge_count] = w->first_edge[from];
	w->first_edge[from] = (uint32_t)++w->edge_count;
	return to;
}

/* Folded points of an entry without its stars; the count, or negative. */
static int read_entry(const struct words *w, struct nuncio_str text,
	uint32_t points[ENTRY_POINTS_MAX], uint8_t *edges_r)
{
	bool is_open_begin = text.n && text.p[0] == '*';
	bool is_open_end = text.n > 1 && text.p[text.n - 1] == '*';
	const char *p = text.p + is_open_begin, *end = text.p + text.n - is_open_end;
	int count = 0;
	while (p < end) {
		uint32_t raw = fold_next(&p, end), point = fold_point(raw, w->locale);
		if (raw == 0xfffd)
			return NUNCIO_E_INVAL;
		if (!point)
			continue;
		if (count == ENTRY_POINTS_MAX)
			return NUNCIO_E_TOOBIG;
		points[count++] = point;
	}
	if (count == 0)
		return NUNCIO_E_INVAL;
	*edges_r = 0;
	if (!is_open_begin && fold_is_word(points[0], w->locale))
		*edges_r |= EDGE_BEGIN;
	if (!is_open_end && fold_is_word(points[count - 1], w->locale))
		*edges_r |= EDGE_END;
	return count;
}

int words_add(struct words *w, struct nuncio_str text, enum action action)
{
	uint32_t points[ENTRY_POINTS_MAX], at = 0;
	uint8_t edges;
	int count = read_entry(w, text, points, &edges);
	if (count < 0)
		return count;
	if (w->entry_count == ENTRIES_MAX)
		return NUNCIO_E_TOOBIG;
	for (int i = 0; i < count; i++)
		at = child(w, at, points[i]);
	w->entries = grow(w->entries, w->entry_count, &w->entry_room, sizeof *w->entries);
	w->entries[w->entry_count] = (struct entry){ .next = w->nodes[at].entry,
		.points = (uint8_t)count,
		.edges = edges,
		.action = (uint8_t)action };
	w->nodes[at].entry = (uint32_t)++w->entry_count;
	return 0;
}

static int by_from_and_point(const void *left, const void *right)
{
	const struct edge *a = left, *b = right;
	if (a->from != b->from)
		return a->from < b->from ? -1 : 1;
	return (a->point > b->point) - (a->point < b->point);
}

static uint32_t follow(const struct words *w, uint32_t from, uint32_t point)
{
	const struct edge key = { from, point, 0 };
	const struct edge *edge = w->edge_count ? bsearch(&key, w->edges, w->edge_count, sizeof key,
							  by_from_and_point)
						: NULL;
	return edge ? edge->to : 0;
}

static uint32_t step(const struct words *w, uint32_t at, uint32_t point)
{
	uint32_t to = follow(w, at, point);
	while (!to && at) {
		at = w->nodes[at].fail;
		to = follow(w, at, point);
	}
	return to;
}

/* First edge of a node in the sorted array. */
static size_t first_of(const struct words *w, uint32_t from)
{
	size_t low = 0, high = w->edge_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (w->edges[middle].from < from)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* By levels from the root, so the fail of a shorter beginning is known before it is needed. */
void words_build(struct words *w)
{
	uint32_t *queue = nuncio_alloc(w->node_count * sizeof *queue);
	size_t head = 0, tail = 1;
	if (w->edge_count) /* ISO C 7.22.5: the array must be one, even of none */
		qsort(w->edges, w->edge_count, sizeof *w->edges, by_from_and_point);
	free(w->first_edge);
	free(w->next_edge);
	w->first_edge = w->next_edge = NULL;
	while (head < tail) {
		uint32_t at = queue[head++];
		for (size_t e = first_of(w, at); e < w->edge_count && w->edges[e].from == at; e++) {
			uint32_t to = w->edges[e].to;
			uint32_t fail = at ? step(w, w->nodes[at].fail, w->edges[e].point) : 0;
			w->nodes[to].fail = fail;
			w->nodes[to].hit = w->nodes[to].entry ? to : w->nodes[fail].hit;
			queue[tail++] = to;
		}
	}
	free(queue);
}

/* ---- searching ---- */

/* Where the last points of the text began, and whether a word's letter stood before them. */
struct behind {
	size_t begin;
	bool is_word_before;
};

struct search {
	const struct words *words;
	struct behind ring[ENTRY_POINTS_MAX];
	size_t count; /* of points so far */
	words_hit_fn *fn;
	void *user;
	enum action strongest;
};

static void report(struct search *s, uint32_t at, size_t end, bool is_word_behind)
{
	const struct words *w = s->words;
	for (uint32_t n = w->nodes[at].hit; n; n = w->nodes[w->nodes[n].fail].hit) {
		for (uint32_t e = w->nodes[n].entry; e; e = w->entries[e - 1].next) {
			const struct entry *entry = &w->entries[e - 1];
			const struct behind *first =
				&s->ring[(s->count - entry->points) % ENTRY_POINTS_MAX];
			if (((entry->edges & EDGE_BEGIN) && first->is_word_before) ||
				((entry->edges & EDGE_END) && is_word_behind))
				continue;
			if (entry->action > s->strongest)
				s->strongest = entry->action;
			if (s->fn && entry->action == ACTION_MASK)
				s->fn(first->begin, end, s->user);
		}
	}
}

/* The next point that counts, without taking it. */
static uint32_t peek(const char *p, const char *end, locale_t locale)
{
	uint32_t point = 0;
	while (p < end && !point)
		point = fold_point(fold_next(&p, end), locale);
	return point;
}

enum action words_search(
	const struct words *words, struct nuncio_str text, words_hit_fn *fn, void *user)
{
	struct search s = { .words = words, .fn = fn, .user = user };
	const char *p = text.p, *end = text.p + text.n;
	bool is_word = false;
	uint32_t at = 0;
	while (p < end) {
		size_t begin = (size_t)(p - text.p);
		uint32_t point = fold_point(fold_next(&p, end), words->locale);
		if (!point)
			continue;
		s.ring[s.count++ % ENTRY_POINTS_MAX] = (struct behind){ begin, is_word };
		at = step(words, at, point);
		is_word = fold_is_word(point, words->locale);
		if (words->nodes[at].hit)
			report(&s, at, (size_t)(p - text.p),
				fold_is_word(peek(p, end, words->locale), words->locale));
	}
	return s.strongest;
}
