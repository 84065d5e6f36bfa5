/* SPDX-License-Identifier: MIT */
#include "auth_jwt.h"

#include <sys/stat.h>

#include "tests/lib/unit.h"
#include "token_forge.h"

static struct nuncio_error err;

static int load(const char *text, const char *sign_with, struct key_set **set_r)
{
	struct key_spec spec;
	int rc = key_specs_parse(&text, 1, sign_with, &spec, &err);
	*set_r = NULL;
	return rc < 0 ? rc : key_set_load(&spec, 1, sign_with, forge_dir(), set_r, &err);
}

static void refuses(const char *text, const char *words)
{
	struct key_set *set;
	if (load(text, "", &set) == 0)
		fail_msg("accepted: %s", text);
	assert_null(set);
	if (!strstr(err.text, words))
		fail_msg("%s: said \"%s\", not \"%s\"", text, err.text, words);
}

static void accepts(const char *text, bool can_sign)
{
	struct key_set *set;
	if (load(text, "", &set) < 0)
		fail_msg("refused: %s: %s", text, err.text);
	assert_int_equal(set->keys[0].can_sign, can_sign);
	assert_null(set->signer);
	key_set_unref(&set);
	assert_null(set);
}

static void reads_the_option(void **state)
{
	struct key_spec spec;
	(void)state;
	assert_int_equal(key_spec_parse("a-1:ES256:/x/y:z", &spec, &err), 0);
	assert_string_equal(spec.kid, "a-1");
	assert_int_equal(spec.alg, KEY_ES256);
	assert_string_equal(spec.path, "/x/y:z");
	refuses("", "is not kid:ALG:/path");
	refuses("a", "is not kid:ALG:/path");
	refuses("a:HS256", "is not kid:ALG:/path");
	refuses("a:HS256:", "is not kid:ALG:/path");
	refuses(":HS256:/x", "is not kid:ALG:/path");
	refuses("a:none:/x", "the algorithm must be");
	refuses("a:hs256:/x", "the algorithm must be");
	refuses("a:HS512:/x", "the algorithm must be");
	refuses("0123456789012345678901234567890123456789012345678901234567890123x:HS256:/x",
		"more than 64 bytes");
}

static void refuses_kids_that_are_unclear(void **state)
{
	static const char *const twice[] = { "a:HS256:/x", "b:HS256:/x", "a:RS256:/y" };
	struct key_spec specs[3];
	(void)state;
	assert_int_equal(key_specs_parse(twice, 2, "b", specs, &err), 0);
	assert_int_equal(key_specs_parse(twice, 3, "b", specs, &err), NUNCIO_E_INVAL);
	assert_string_equal(err.text, "two keys have the kid \"a\"");
	assert_int_equal(key_specs_parse(twice, 2, "c", specs, &err), NUNCIO_E_INVAL);
	assert_string_equal(err.text, "sign_with: no key has the kid \"c\"");
}

static void takes_what_is_sound(void **state)
{
	(void)state;
	accepts("k:HS256:hs.key", true);
	accepts("k:RS256:rs.pem", false);
	accepts("k:RS256:rs.private.pem", true);
	accepts("k:ES256:es.pem", false);
	accepts("k:ES256:es.private.pem", true);
	accepts("k:EdDSA:ed.pem", false);
	accepts("k:EdDSA:ed.private.pem", false);
}

static void hmac_keys_are_long_and_secret(void **state)
{
	struct key_set *set;
	char said[100];
	(void)state;
	forge_file("short.key", "0123456789abcdef0123456789ABCDE\n", 32, 0600);
	refuses("k:HS256:short.key", "at least 32 bytes");
	forge_file("empty.key", "", 0, 0600);
	refuses("k:HS256:empty.key", "at least 32 bytes");
	forge_file("line.key", "0123456789abcdef0123456789ABCDEF\n", 33, 0600);
	assert_int_equal(load("k:HS256:line.key", "k", &set), 0);
	assert_int_equal(set->signer->secret_bytes, 32);
	key_set_unref(&set);
	forge_file("lines.key", "0123456789abcdef0123456789ABCDE\n\n", 33, 0600);
	assert_int_equal(load("k:HS256:lines.key", "k", &set), 0);
	assert_int_equal(set->signer->secret_bytes, 32);
	assert_int_equal(set->signer->secret[31], '\n');
	key_set_unref(&set);
	refuses("k:HS256:rs.pem", "is a PEM file");
	forge_file("open.key", "0123456789abcdef0123456789ABCDEF", 32, 0604);
	refuses("k:HS256:open.key", "everybody may read it");
	snprintf(said, sizeof said, "key file %s: ", forge_path("open.key"));
	assert_memory_equal(err.text, said, strlen(said));
	forge_file("open.key", "0123456789abcdef0123456789ABCDEF", 32, 0640);
	accepts("k:HS256:open.key", true);
}

static void pem_keys_fit_their_algorithm(void **state)
{
	(void)state;
	forge_pem("small", "RSA", "1024");
	refuses("k:RS256:small.pem", "2048 to 8192 bits");
	forge_pem("pss", "RSA-PSS", NULL);
	refuses("k:RS256:pss.pem", "wants an RSA key");
	forge_pem("big", "EC", "P-384");
	refuses("k:ES256:big.pem", "P-256");
	forge_pem("koblitz", "EC", "secp256k1");
	refuses("k:ES256:koblitz.pem", "P-256");
	refuses("k:ES256:rs.pem", "P-256");
	refuses("k:ES256:ed.pem", "P-256");
	refuses("k:RS256:es.pem", "wants an RSA key");
	refuses("k:EdDSA:es.pem", "Ed25519");
	refuses("k:RS256:hs.key", "no PEM public key");
}

static void files_are_files(void **state)
{
	static char big[70000];
	(void)state;
	refuses("k:HS256:nowhere.key", "nowhere.key: No such file");
	refuses("k:HS256:.", "not a regular file");
	assert_int_equal(mkfifo(forge_path("fifo"), 0600), 0);
	refuses("k:HS256:fifo", "not a regular file");
	forge_file("big.key", big, sizeof big, 0600);
	refuses("k:HS256:big.key", "larger than 64 KiB");
	forge_file("all.pem", "x", 1, 0646);
	refuses("k:RS256:all.pem", "no PEM public key");
}

static void public_files_are_not_for_everybody_to_write(void **state)
{
	(void)state;
	assert_int_equal(chmod(forge_path("es.pem"), 0646), 0);
	refuses("k:ES256:es.pem", "everybody may write it");
	assert_int_equal(chmod(forge_path("es.pem"), 0644), 0);
	assert_int_equal(chmod(forge_path("es.private.pem"), 0644), 0);
	refuses("k:ES256:es.private.pem", "everybody may read it");
	assert_int_equal(chmod(forge_path("es.private.pem"), 0600), 0);
}

static void an_encrypted_key_asks_nobody(void **state)
{
	static const char pem[] =
		"-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIBvTBXBgkqhkiG9w0BBQ0wSjApBgkq\n"
		"-----END ENCRYPTED PRIVATE KEY-----\n";
	(void)state;
	forge_file("locked.pem", pem, sizeof pem - 1, 0600);
	refuses("k:RS256:locked.pem", "without pass phrase");
}

static void only_private_keys_sign(void **state)
{
	struct key_set *set;
	(void)state;
	assert_int_equal(load("k:RS256:rs.pem", "k", &set), NUNCIO_E_INVAL);
	assert_non_null(strstr(err.text, "\"k\" cannot sign"));
	assert_int_equal(load("k:EdDSA:ed.private.pem", "k", &set), NUNCIO_E_INVAL);
	assert_int_equal(load("k:RS256:rs.private.pem", "k", &set), 0);
	assert_ptr_equal(set->signer, &set->keys[0]);
	struct key_set *other = key_set_ref(set);
	key_set_unref(&set);
	assert_string_equal(other->signer->kid, "k");
	key_set_unref(&other);
}

static void finds_by_kid_and_by_algorithm(void **state)
{
	static const char *const texts[] = { "a:HS256:hs.key", "b:ES256:es.pem", "c:ES256:es.pem" };
	struct key_spec specs[3];
	struct key_set *set;
	(void)state;
	assert_int_equal(key_specs_parse(texts, 3, "a", specs, &err), 0);
	assert_int_equal(key_set_load(specs, 3, "a", forge_dir(), &set, &err), 0);
	assert_ptr_equal(key_set_find(set, (struct nuncio_str){ "bx", 1 }), &set->keys[1]);
	assert_null(key_set_find(set, (struct nuncio_str){ "bx", 2 }));
	assert_null(key_set_find(set, (struct nuncio_str){ NULL, 0 }));
	assert_ptr_equal(key_set_only(set, KEY_HS256), &set->keys[0]);
	assert_null(key_set_only(set, KEY_ES256));
	assert_null(key_set_only(set, KEY_RS256));
	key_set_unref(&set);
}

static int setup(void **state)
{
	(void)state;
	forge_dir();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	forge_dir_remove();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_the_option),
		cmocka_unit_test(refuses_kids_that_are_unclear),
		cmocka_unit_test(takes_what_is_sound),
		cmocka_unit_test(hmac_keys_are_long_and_secret),
		cmocka_unit_test(pem_keys_fit_their_algorithm),
		cmocka_unit_test(files_are_files),
		cmocka_unit_test(public_files_are_not_for_everybody_to_write),
		cmocka_unit_test(an_encrypted_key_asks_nobody),
		cmocka_unit_test(only_private_keys_sign),
		cmocka_unit_test(finds_by_kid_and_by_algorithm),
	};
	return cmocka_run_group_tests_name("key", tests, setup, teardown);
}
