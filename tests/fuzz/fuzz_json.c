/* SPDX-License-Identifier: MIT */
/*
 * Our JSON reader against jansson: both must accept the same texts and read the same values from
 * them. Known and wanted differences, left out of the comparison:
 *   - our limits of size (NUNCIO_E_TOOBIG): depth, members, length of keys;
 *   - jansson takes a NUL byte behind the value for the end of the text; we refuse it;
 *   - jansson refuses integers over 64 bits and reals over a double; we check grammar only, and the
 *     typed readers refuse such numbers;
 *   - json_double, and so json_is_equal, refuses numbers of more than 128 characters.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/slice.h"
#include "fuzz_json_other.h"
#include "wire/json.h"
#include "wire/json_out.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(cond) \
	do { \
		if (!(cond)) { \
			fprintf(stderr, "%d: %s\n", __LINE__, #cond); \
			abort(); \
		} \
	} while (0)

static void compare(
	struct nuncio_str ours, const struct json_t *theirs, struct arena *a, bool *has_long_r);

static void compare_text(struct nuncio_str ours, const struct json_t *theirs, struct arena *a)
{
	struct nuncio_str text, again;
	struct buf b;
	REQUIRE(json_text(ours, a, &text) == 0);
	REQUIRE(str_eq(text, other_text(theirs)));
	buf_init(&b);
	json_quote(&b, text);
	REQUIRE(json_check(buf_str(&b), NULL, NULL, NULL) != NUNCIO_E_INVAL);
	REQUIRE(json_text(buf_str(&b), a, &again) == 0 && str_eq(text, again));
	buf_fini(&b);
}

static void compare_number(struct nuncio_str ours, const struct json_t *theirs, bool *has_long_r)
{
	int64_t i;
	double d;
	if (ours.n > 128)
		*has_long_r = true;
	else if (other_kind(theirs) == 'i')
		REQUIRE(str_eq_text(ours, "-0") ||
			(json_int(ours, &i) == 0 && i == other_int(theirs)));
	else
		REQUIRE(json_double(ours, &d) == 0 && !(d < other_real(theirs)) &&
			!(d > other_real(theirs)) && json_int(ours, &i) < 0);
}

static void compare_nested(
	struct nuncio_str ours, const struct json_t *theirs, struct arena *a, bool *has_long_r)
{
	struct nuncio_str key, child;
	size_t count = 0;
	for (struct json_iter it = json_items(ours); json_next_item(&it, &child); count++)
		compare(child, other_item(theirs, count), a, has_long_r);
	for (struct json_iter it = json_members(ours); json_next_member(&it, &key, &child);
		count++) {
		struct nuncio_str name = arena_str(a, json_key_text(key, a)), again;
		compare(child, other_member(theirs, name.p), a, has_long_r);
		REQUIRE(json_key_is(key, name));
		REQUIRE(json_member(ours, name.p, &again) == 1 && again.p == child.p &&
			again.n == child.n);
	}
	REQUIRE(count == other_count(theirs));
	REQUIRE(count == json_count(ours));
}

static void compare(
	struct nuncio_str ours, const struct json_t *theirs, struct arena *a, bool *has_long_r)
{
	REQUIRE(theirs);
	REQUIRE(json_check(ours, NULL, NULL, NULL) != NUNCIO_E_INVAL);
	switch (other_kind(theirs)) {
	case 'o':
	case 'a':
		compare_nested(ours, theirs, a, has_long_r);
		break;
	case 's':
		compare_text(ours, theirs, a);
		break;
	case 'i':
	case 'r':
		compare_number(ours, theirs, has_long_r);
		break;
	default:
		break;
	}
}

/* A key with U+0000 has no C string; ours refuses it, so it does not get here. */
static void compare_all(struct nuncio_str value, const struct json_t *theirs)
{
	struct arena a;
	bool has_long = false;
	arena_init(&a, 0);
	compare(value, theirs, &a, &has_long);
	arena_fini(&a);
	char *dump = other_dump(theirs);
	if (dump && !has_long)
		REQUIRE(json_is_equal(value, str_of(dump)));
	free(dump);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct nuncio_str text = { (const char *)data, size }, value;
	struct nuncio_error err;
	bool is_overflow;
	int rc = json_check(text, NULL, &value, &err);
	if (rc == NUNCIO_E_TOOBIG)
		return 0;
	struct json_t *theirs = other_load(text, &is_overflow);
	bool has_nul = size && memchr(data, 0, size);
	if (!is_overflow && (rc == 0) != (theirs != NULL) && !(rc < 0 && has_nul)) {
		fprintf(stderr, "ours: %s\n", rc ? err.text : "accepted");
		abort();
	}
	if (theirs && rc == 0)
		compare_all(value, theirs);
	if (theirs)
		other_free(theirs);
	return 0;
}
