/* SPDX-License-Identifier: MIT */
/*
 * Cutting texts into the tokens that searches find. Full-text indexes know words between blanks,
 * but Chinese, Japanese and Korean have none (or too long ones), so there every two neighbours are
 * a token, and what is searched are the same pairs. The last character of a run is a token of its
 * own as well, so that every character of a run begins one, and a single one is found by prefix.
 * Everything is written in ASCII that no index cuts further; five hexadecimal digits a character,
 * always, so that one character is never the prefix of another.
 *
 * What is a letter, and its lower case, is said by the C library's C.UTF-8 locale, which Debian
 * always has. Without it only ASCII and the scripts of pairs are found. Pure but for that locale,
 * which is loaded once per process and never freed. No normalisation: texts arrive composed from
 * all common keyboards.
 */
#include "base/search_cut.h"

#include <locale.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <wctype.h>

#include "base/slice.h"
#include "base/utf8.h"

enum { HEX_DIGITS = 5, CHARS_MAX = SEARCH_TOKEN_BYTES - 1 };

static pthread_once_t once = PTHREAD_ONCE_INIT;
static locale_t unicode;

static void load_unicode(void)
{
	unicode = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
}

/* ---- Characters */

enum char_class { CHAR_OTHER, CHAR_WORD, CHAR_PAIR };

struct character {
	uint32_t code; /* lower case */
	enum char_class class;
	size_t bytes;
};

/* Han with its extensions, Kana, Hangul; rising. */
static const struct {
	uint32_t first, last;
} pairs[] = {
	{ 0x1100, 0x11FF },   /* Hangul Jamo */
	{ 0x3005, 0x3007 },   /* iteration mark, closing mark, zero */
	{ 0x3021, 0x3029 },   /* Hangzhou numerals */
	{ 0x3031, 0x3035 },   /* kana repeat marks */
	{ 0x3038, 0x303C },   /* Hangzhou numerals, masu mark */
	{ 0x3041, 0x3096 },   /* Hiragana */
	{ 0x3099, 0x309A },   /* its voicing marks */
	{ 0x309D, 0x309F },   /* its iteration marks */
	{ 0x30A1, 0x30FA },   /* Katakana */
	{ 0x30FC, 0x30FF },   /* its prolonged sound and iteration marks */
	{ 0x3131, 0x318E },   /* Hangul compatibility Jamo */
	{ 0x31F0, 0x31FF },   /* Katakana phonetic extensions */
	{ 0x3400, 0x4DBF },   /* Han extension A */
	{ 0x4E00, 0x9FFF },   /* Han */
	{ 0xA960, 0xA97C },   /* Hangul Jamo extended A */
	{ 0xAC00, 0xD7FB },   /* Hangul syllables, Jamo extended B */
	{ 0xF900, 0xFAFF },   /* Han compatibility */
	{ 0xFF66, 0xFF9F },   /* halfwidth Katakana */
	{ 0xFFA0, 0xFFDC },   /* halfwidth Hangul */
	{ 0x16FE2, 0x16FE3 }, /* old Chinese marks */
	{ 0x16FF0, 0x16FF1 }, /* Vietnamese reading marks */
	{ 0x1AFF0, 0x1B16F }, /* Kana extensions and supplement */
	{ 0x20000, 0x3FFFD }, /* Han extensions B and later: both planes */
};

static bool is_pair(uint32_t code)
{
	size_t low = 0, high = sizeof pairs / sizeof pairs[0];
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (code > pairs[middle].last)
			low = middle + 1;
		else
			high = middle;
	}
	return low < sizeof pairs / sizeof pairs[0] && code >= pairs[low].first;
}

static uint32_t decode(const char *p, size_t bytes)
{
	static const unsigned char heads[] = { 0, 0x7F, 0x1F, 0x0F, 0x07 };
	uint32_t code = (unsigned char)p[0] & heads[bytes];
	for (size_t i = 1; i < bytes; i++)
		code = code << 6 | ((unsigned char)p[i] & 0x3F);
	return code;
}

static void classify_ascii(struct character *c)
{
	if (c->code >= 'A' && c->code <= 'Z')
		c->code += 'a' - 'A';
	bool is_word = (c->code >= 'a' && c->code <= 'z') || (c->code >= '0' && c->code <= '9');
	c->class = is_word ? CHAR_WORD : CHAR_OTHER;
}

/* A byte that belongs to no character stands between words. */
static struct character read_character(struct nuncio_str text, size_t at)
{
	if ((unsigned char)text.p[at] < 0x80) { /* nearly all, in most languages' messages */
		struct character ascii = { .code = (unsigned char)text.p[at], .bytes = 1 };
		classify_ascii(&ascii);
		return ascii;
	}
	struct character c = { .bytes = utf8_char_bytes(text.p + at, text.n - at) };
	if (!c.bytes)
		return (struct character){ .bytes = 1 };
	c.code = decode(text.p + at, c.bytes);
	if (c.code >= 0xFF01 && c.code <= 0xFF5E) {
		c.code -= 0xFF01 - '!'; /* fullwidth forms of ASCII, common among Han */
		classify_ascii(&c);
	} else if (is_pair(c.code)) {
		c.class = CHAR_PAIR;
	} else if (unicode && iswalnum_l((wint_t)c.code, unicode)) {
		c.class = CHAR_WORD;
		c.code = (uint32_t)towlower_l((wint_t)c.code, unicode);
	}
	return c;
}

/* ---- Tokens */

struct cutter {
	struct nuncio_str text;
	size_t at;
	bool for_query;
	search_token_fn *fn;
	void *user;
	size_t count;
};

static void give(struct cutter *cut, const char *token, size_t n, size_t begin, size_t end)
{
	cut->count++;
	if (cut->fn)
		cut->fn((struct nuncio_str){ token, n }, begin, end, cut->user);
}

static char *put_hex(char *to, uint32_t code)
{
	static const char digits[] = "0123456789abcdef";
	for (int shift = (HEX_DIGITS - 1) * 4; shift >= 0; shift -= 4)
		*to++ = digits[code >> shift & 15];
	return to;
}

/* A word of any length; what is behind the longest token does not count. */
static void cut_word(struct cutter *cut)
{
	char token[SEARCH_TOKEN_BYTES];
	uint32_t codes[CHARS_MAX];
	size_t n = 0, begin = cut->at;
	bool is_ascii = true;
	while (cut->at < cut->text.n) {
		struct character c = read_character(cut->text, cut->at);
		if (c.class != CHAR_WORD)
			break;
		is_ascii = is_ascii && c.code < 0x80;
		if (n < CHARS_MAX)
			codes[n++] = c.code;
		cut->at += c.bytes;
	}
	char *to = token;
	*to++ = is_ascii ? 'w' : 'x';
	for (size_t i = 0; i < n && is_ascii; i++)
		*to++ = (char)codes[i];
	for (size_t i = 0; i < n && !is_ascii && to + HEX_DIGITS <= token + sizeof token; i++)
		to = put_hex(to, codes[i]);
	give(cut, token, (size_t)(to - token), begin, cut->at);
}

static void give_pair(struct cutter *cut, const uint32_t codes[2], size_t n, bool is_prefix,
	size_t begin, size_t end)
{
	char token[2 * HEX_DIGITS + 2], *to = token;
	*to++ = 'x';
	for (size_t i = 0; i < n; i++)
		to = put_hex(to, codes[i]);
	if (is_prefix)
		*to++ = '*';
	give(cut, token, (size_t)(to - token), begin, end);
}

static void cut_pairs(struct cutter *cut)
{
	struct character c = read_character(cut->text, cut->at), next = { 0 };
	bool is_single = true;
	for (;; c = next) {
		size_t begin = cut->at;
		cut->at += c.bytes;
		if (cut->at < cut->text.n)
			next = read_character(cut->text, cut->at);
		uint32_t codes[2] = { c.code, next.code };
		if (cut->at == cut->text.n || next.class != CHAR_PAIR) {
			if (is_single || !cut->for_query)
				give_pair(cut, codes, 1, cut->for_query, begin, cut->at);
			return;
		}
		give_pair(cut, codes, 2, false, begin, cut->at + next.bytes);
		is_single = false;
	}
}

size_t search_cut(struct nuncio_str text, bool for_query, search_token_fn *fn, void *user)
{
	struct cutter cut = { .text = text, .for_query = for_query, .fn = fn, .user = user };
	pthread_once(&once, load_unicode);
	while (cut.at < text.n) {
		struct character c = read_character(text, cut.at);
		if (c.class == CHAR_WORD)
			cut_word(&cut);
		else if (c.class == CHAR_PAIR)
			cut_pairs(&cut);
		else
			cut.at += c.bytes;
	}
	return cut.count;
}

/* ---- Marks */

struct marker {
	struct nuncio_str text;
	char tokens[SEARCH_QUERY_TOKENS][SEARCH_TOKEN_BYTES];
	size_t bytes[SEARCH_QUERY_TOKENS], tokens_count;
	size_t (*marks)[2];
	size_t count, max;
};

/* Words of a query beyond the limit are not marked. */
static void on_query_token(struct nuncio_str token, size_t begin, size_t end, void *user)
{
	struct marker *marker = user;
	(void)begin, (void)end;
	if (marker->tokens_count == SEARCH_QUERY_TOKENS)
		return;
	memcpy(marker->tokens[marker->tokens_count], token.p, token.n);
	marker->bytes[marker->tokens_count++] = token.n;
}

static void mark(struct marker *marker, size_t begin, size_t end)
{
	size_t n = marker->count;
	if (n && begin <= marker->marks[n - 1][1]) {
		if (end > marker->marks[n - 1][1])
			marker->marks[n - 1][1] = end;
	} else if (n < marker->max) {
		marker->marks[n][0] = begin;
		marker->marks[n][1] = end;
		marker->count++;
	}
}

/* A single character stands at the beginning of what its prefix has found. */
static void on_text_token(struct nuncio_str token, size_t begin, size_t end, void *user)
{
	struct marker *marker = user;
	for (size_t i = 0; i < marker->tokens_count; i++) {
		struct nuncio_str wanted = { marker->tokens[i], marker->bytes[i] };
		bool is_prefix = wanted.p[wanted.n - 1] == '*';
		if (is_prefix && str_starts(token, (struct nuncio_str){ wanted.p, wanted.n - 1 }))
			mark(marker, begin, begin + read_character(marker->text, begin).bytes);
		else if (str_eq(token, wanted))
			mark(marker, begin, end);
	}
}

size_t search_marks(
	struct nuncio_str text, struct nuncio_str query, size_t (*marks_r)[2], size_t max)
{
	struct marker marker = { .text = text, .marks = marks_r, .max = max };
	search_cut(query, true, on_query_token, &marker);
	if (marker.tokens_count)
		search_cut(text, false, on_text_token, &marker);
	return marker.count;
}
