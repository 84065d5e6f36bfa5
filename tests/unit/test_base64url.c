/* SPDX-License-Identifier: MIT */
#include "auth_jwt.h"

#include "tests/lib/unit.h"
#include "token_forge.h"

static long decode(const char *text, unsigned char *out, size_t size)
{
	return base64url_decode((struct nuncio_str){ text, strlen(text) }, out, size);
}

static void decodes_rfc_4648(void **state)
{
	static const struct {
		const char *text, *value;
	} rows[] = { { "", "" }, { "Zg", "f" }, { "Zm8", "fo" }, { "Zm9v", "foo" },
		{ "Zm9vYg", "foob" }, { "Zm9vYmE", "fooba" }, { "Zm9vYmFy", "foobar" },
		{ "-_-_", "\xfb\xff\xbf" } };
	unsigned char out[16];
	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		assert_int_equal(decode(rows[i].text, out, sizeof out), strlen(rows[i].value));
		assert_memory_equal(out, rows[i].value, strlen(rows[i].value));
	}
}

static void refuses_every_other_spelling(void **state)
{
	static const char *const rows[] = { "Z", "Zm9vY", "Zg==", "Zg=", "Zh", "Zm9", "Zm8\n",
		" Zm8", "Zm9v\n", "Zm+v", "Zm/v", "Zm.v",
		"Z\xc3\xbc"
		"8",
		"Zm8=", "Zn", "Zm8-Zm9" };
	unsigned char out[16];
	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (decode(rows[i], out, sizeof out) >= 0)
			fail_msg("accepted: %s", rows[i]);
	assert_int_equal(base64url_decode((struct nuncio_str){ "Zm\0v", 4 }, out, sizeof out), -1);
}

static void refuses_what_does_not_fit(void **state)
{
	unsigned char out[3] = { 0, 0, 'x' };
	(void)state;
	assert_int_equal(decode("Zm9v", out, 2), -1);
	assert_int_equal(out[2], 'x');
	assert_int_equal(decode("Zm8", out, 2), 2);
	assert_int_equal(decode("", out, 0), 0);
}

static void gives_back_all_bytes(void **state)
{
	unsigned char bytes[256], out[256];
	(void)state;
	for (size_t n = 0; n < sizeof bytes; n++) {
		bytes[n] = (unsigned char)(n * 7 + 3);
		char *text = forge_base64url(bytes, n + 1);
		assert_int_equal(decode(text, out, sizeof out), n + 1);
		assert_memory_equal(out, bytes, n + 1);
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decodes_rfc_4648),
		cmocka_unit_test(refuses_every_other_spelling),
		cmocka_unit_test(refuses_what_does_not_fit),
		cmocka_unit_test(gives_back_all_bytes),
	};
	return cmocka_run_group_tests_name("base64url", tests, NULL, NULL);
}
