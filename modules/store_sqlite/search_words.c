/* SPDX-License-Identifier: MIT */
/*
 * Tokens. What nuncio_search_cut makes of a text begins with w or x. Beside those a message has
 *   c<number>   its conversation, so that a search in one, or in a user's, is a matter of the index
 *   s<hash>     its sender
 *   u<hex>      each character of Han, Kana and Hangul alone: a search for one is one look-up, not
 *               one over all pairs that begin with it. (Short words of other scripts get one too.)
 */
#include "search.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEX_DIGITS = 5 }; /* of a character in a token: search.h of the core */

void words_fini(struct words *w)
{
	free(w->text);
	w->text = NULL;
	w->size = 0;
}

static void append(struct words *w, const char *p, size_t n)
{
	if (w->size < w->n + n) {
		w->size = (w->n + n) * 2;
		w->text = nuncio_resize(w->text, w->size);
	}
	if (n)
		memcpy(w->text + w->n, p, n);
	w->n += n;
}

size_t words_keep(struct words *w, struct nuncio_str text)
{
	size_t at = w->n;
	append(w, text.p, text.n);
	return at;
}

void words_add(struct words *w, const char *text)
{
	append(w, text, strlen(text));
}

void words_add_conversation(struct words *w, int64_t number)
{
	char token[32];
	append(w, token, (size_t)snprintf(token, sizeof(token), "c%" PRId64 " ", number));
}

/* FNV-1a. Who searches compares the sender as well. */
void words_add_sender(struct words *w, struct nuncio_str sender)
{
	char token[32];
	uint64_t hash = UINT64_C(0xcbf29ce484222325);
	for (size_t i = 0; i < sender.n; i++)
		hash = (hash ^ (unsigned char)sender.p[i]) * UINT64_C(0x100000001b3);
	append(w, token, (size_t)snprintf(token, sizeof(token), "s%016" PRIx64 " ", hash));
}

static bool has_single(struct nuncio_str token)
{
	return token.p[0] == 'x' && (token.n == HEX_DIGITS + 1 || token.n == 2 * HEX_DIGITS + 1);
}

static void on_text_token(struct nuncio_str token, size_t begin, size_t end, void *user)
{
	struct words *w = user;
	(void)begin, (void)end;
	w->count++;
	append(w, token.p, token.n);
	append(w, " ", 1);
	if (!has_single(token))
		return;
	append(w, "u", 1);
	append(w, token.p + 1, HEX_DIGITS);
	append(w, " ", 1);
}

void words_of_message(
	struct words *w, int64_t conversation, struct nuncio_str sender, struct nuncio_str body)
{
	w->n = w->count = 0;
	words_add_conversation(w, conversation);
	words_add_sender(w, sender);
	int n = nuncio_search_text(body, w->body, sizeof(w->body));
	nuncio_search_cut((struct nuncio_str){ w->body, (size_t)n }, 0, on_text_token, w);
}

static bool same(const struct asked *asked, size_t index, struct nuncio_str token)
{
	return asked->bytes[index] == token.n && memcmp(asked->words[index], token.p, token.n) == 0;
}

static void on_query_token(struct nuncio_str token, size_t begin, size_t end, void *user)
{
	struct asked *asked = user;
	(void)begin, (void)end;
	if (asked->count == SEARCH_WORDS_MAX || token.n > SEARCH_WORD_BYTES)
		return;
	for (size_t i = 0; i < asked->count; i++)
		if (same(asked, i, token))
			return;
	memcpy(asked->words[asked->count], token.p, token.n);
	asked->bytes[asked->count++] = token.n;
}

void asked_cut(struct asked *asked, struct nuncio_str text)
{
	*asked = (struct asked){ 0 };
	nuncio_search_cut(text, 1, on_query_token, asked);
}

static bool is_single(const struct asked *asked, size_t index)
{
	return asked->words[index][asked->bytes[index] - 1] == '*';
}

void asked_write(const struct asked *asked, struct words *w)
{
	for (size_t i = 0; i < asked->count; i++) {
		if (i)
			words_add(w, "AND ");
		if (is_single(asked, i)) {
			append(w, "u", 1);
			append(w, asked->words[i] + 1, asked->bytes[i] - 2);
		} else {
			append(w, asked->words[i], asked->bytes[i]);
		}
		append(w, " ", 1);
	}
}

static void on_shown_token(struct nuncio_str token, size_t begin, size_t end, void *user)
{
	struct asked *asked = user;
	(void)begin, (void)end;
	for (size_t i = 0; i < asked->count; i++) {
		size_t n = asked->bytes[i] - 1;
		if (is_single(asked, i))
			asked->is_found[i] |=
				token.n >= n && memcmp(token.p, asked->words[i], n) == 0;
		else
			asked->is_found[i] |= same(asked, i, token);
	}
}

bool asked_are_in(struct asked *asked, struct nuncio_str body, char room[SEARCH_TEXT_BYTES])
{
	memset(asked->is_found, 0, sizeof(asked->is_found));
	int n = nuncio_search_text(body, room, SEARCH_TEXT_BYTES);
	nuncio_search_cut((struct nuncio_str){ room, (size_t)n }, 0, on_shown_token, asked);
	for (size_t i = 0; i < asked->count; i++)
		if (!asked->is_found[i])
			return false;
	return true;
}
