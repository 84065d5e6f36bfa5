/* SPDX-License-Identifier: MIT */
#include "base/error.h"

#include <errno.h>

#include <nuncio/codes.h>

#include "base/utf8.h"
#include "tests/lib/unit.h"

static void set_keeps_errno(void **state)
{
	(void)state;
	struct nuncio_error err;
	errno = 42;
	nuncio_error_set(&err, "%s %d", "value", 7);
	assert_string_equal(err.text, "value 7");
	assert_int_equal(errno, 42);
	nuncio_error_set(NULL, "nobody listens");
}

static void set_may_quote_itself(void **state)
{
	(void)state;
	struct nuncio_error err;
	nuncio_error_set(&err, "inner");
	nuncio_error_set(&err, "outer: %s", err.text);
	assert_string_equal(err.text, "outer: inner");
	error_prefix(&err, "%s: ", "far");
	assert_string_equal(err.text, "far: outer: inner");
}

static void long_texts_are_cut_at_a_character(void **state)
{
	(void)state;
	struct nuncio_error err;
	char text[400];
	for (size_t shift = 0; shift < 4; shift++) {
		memset(text, 'x', shift);
		for (size_t i = shift; i + 4 < sizeof(text); i += 4)
			memcpy(text + i, "\xF0\x9F\x98\x80", 5);
		nuncio_error_set(&err, "%s", text);
		assert_true(strlen(err.text) >= 252);
		assert_true(utf8_is_valid(err.text, strlen(err.text)));
	}
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	nuncio_error_set(&err, "%s", text);
	assert_int_equal(strlen(err.text), 255);
	error_prefix(&err, "%s", text);
	assert_int_equal(strlen(err.text), 255);
}

static void errno_becomes_a_status(void **state)
{
	(void)state;
	struct nuncio_error err;
	assert_int_equal(error_errno(&err, "/etc/x", ENOENT), NUNCIO_E_NOTFOUND);
	assert_string_equal(err.text, "/etc/x: No such file or directory");
	assert_int_equal(error_errno(NULL, "x", EADDRINUSE), NUNCIO_E_EXISTS);
	for (int e = 1; e < 140; e++)
		assert_true(error_status_of(e) < 0);
}

static void names_are_known(void **state)
{
	(void)state;
	assert_string_equal(error_name(NUNCIO_OK), "OK");
	assert_string_equal(error_name(NUNCIO_E_BUSY), "E_BUSY");
	assert_string_equal(error_name(NUNCIO_E_NOSPACE), "E_NOSPACE");
	assert_string_equal(error_name(1), "E_UNKNOWN");
	assert_string_equal(error_name(NUNCIO_E_NOSPACE - 1), "E_UNKNOWN");
	assert_string_equal(nuncio_code_name(NUNCIO_CODE_token_expired), "token_expired");
	assert_int_equal(nuncio_code_http_status(NUNCIO_CODE_token_expired), 401);
	assert_null(nuncio_code_name(-1));
	assert_int_equal(nuncio_code_http_status(-1), 500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(set_keeps_errno),
		cmocka_unit_test(set_may_quote_itself),
		cmocka_unit_test(long_texts_are_cut_at_a_character),
		cmocka_unit_test(errno_becomes_a_status),
		cmocka_unit_test(names_are_known),
	};
	return cmocka_run_group_tests_name("error", tests, NULL, NULL);
}
