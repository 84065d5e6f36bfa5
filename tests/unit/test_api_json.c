/* SPDX-License-Identifier: MIT */
/* The public reader and writer of JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <nuncio/json.h>

#include "base/slice.h"

static void reads(void **state)
{
	struct nuncio_str text = STR(" {\"to\":{\"user\":\"b\\u00f6b\"},\"n\":-7,\"yes\":true} ");
	struct nuncio_str value;
	char out[8];
	int64_t number;
	(void)state;
	assert_int_equal(nuncio_json_check(text, NULL), 0);
	assert_int_equal(nuncio_json_type(text), NUNCIO_JSON_OBJECT);
	assert_int_equal(nuncio_json_get(text, "to.user", &value), 1);
	assert_int_equal(nuncio_json_text(value, out, sizeof(out)), 4);
	assert_string_equal(out, "b\xc3\xb6"
				 "b");
	assert_int_equal(nuncio_json_text(value, out, 4), NUNCIO_E_TOOBIG);
	assert_int_equal(nuncio_json_text(STR("1"), out, 4), NUNCIO_E_INVAL);
	assert_int_equal(nuncio_json_get(text, "to.group", &value), 0);
	assert_int_equal(nuncio_json_get(STR("[]"), "to", &value), 0);
	nuncio_json_get(text, "n", &value);
	assert_int_equal(nuncio_json_int(value, &number), 0);
	assert_int_equal(number, -7);
	nuncio_json_get(text, "yes", &value);
	assert_int_equal(nuncio_json_type(value), NUNCIO_JSON_BOOL);
	assert_int_equal(nuncio_json_int(value, &number), 0);
	assert_int_equal(number, 1);
	assert_int_equal(nuncio_json_int(STR("1.5"), &number), NUNCIO_E_INVAL);
	assert_int_equal(nuncio_json_type(STR("")), NUNCIO_JSON_NONE);
}

static void refuses(void **state)
{
	struct nuncio_error err = { "" };
	(void)state;
	assert_int_equal(nuncio_json_check(STR("{\"a\":1,}"), &err), NUNCIO_E_INVAL);
	assert_true(err.text[0] != '\0');
	assert_int_equal(nuncio_json_check(STR("1 2"), &err), NUNCIO_E_INVAL);
	assert_int_equal(nuncio_json_check(STR(""), NULL), NUNCIO_E_INVAL);
}

static void walks(void **state)
{
	struct nuncio_str object = STR(" {\"a\":1, \"b\" : [2,3]}"), key, value, item;
	char seen[64] = "";
	size_t at = 0, in = 0;
	(void)state;
	while (nuncio_json_next(object, &at, &key, &value)) {
		strncat(seen, key.p, key.n);
		if (nuncio_json_type(value) == NUNCIO_JSON_ARRAY) {
			while (nuncio_json_next(value, &in, NULL, &item))
				strncat(seen, item.p, item.n);
		}
	}
	assert_string_equal(seen, "ab23");
	at = 0;
	assert_int_equal(nuncio_json_next(STR("{}"), &at, &key, &value), 0);
	assert_int_equal(nuncio_json_next(STR("7"), &at, &key, &value), 0);
}

static void equals(void **state)
{
	(void)state;
	assert_true(nuncio_json_equal(
		STR("{\"a\":1,\"b\":\"\\u0041\"}"), STR(" {\"b\":\"A\", \"a\":1}")));
	assert_false(nuncio_json_equal(STR("[1,2]"), STR("[2,1]")));
}

static void writes(void **state)
{
	struct nuncio_json *json = nuncio_json_new();
	(void)state;
	nuncio_json_object_begin(json);
	nuncio_json_key(json, "id");
	nuncio_json_put_id(json, 9007199254740993);
	nuncio_json_key(json, "list");
	nuncio_json_array_begin(json);
	nuncio_json_put_int(json, -1);
	nuncio_json_put_bool(json, 7);
	nuncio_json_put_null(json);
	nuncio_json_put_raw(json, STR("{\"x\":1}"));
	nuncio_json_array_end(json);
	nuncio_json_key(json, "at");
	nuncio_json_put_time(json, 0);
	nuncio_json_key(json, "bad");
	nuncio_json_put_text(json, STR("a\"\xff"));
	nuncio_json_object_end(json);
	struct nuncio_str text = nuncio_json_str(json);
	assert_true(str_eq_text(text, "{\"id\":\"9007199254740993\","
				      "\"list\":[-1,true,null,{\"x\":1}],"
				      "\"at\":\"1970-01-01T00:00:00.000Z\","
				      "\"bad\":\"a\\\"\xef\xbf\xbd\"}"));
	assert_int_equal(nuncio_json_check(text, NULL), 0);
	nuncio_json_free(&json);
	assert_null(json);
	nuncio_json_free(&json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads),
		cmocka_unit_test(refuses),
		cmocka_unit_test(walks),
		cmocka_unit_test(equals),
		cmocka_unit_test(writes),
	};
	return cmocka_run_group_tests_name("api_json", tests, NULL, NULL);
}
