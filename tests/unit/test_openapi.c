/* SPDX-License-Identifier: MIT */
/*
 * The API document of a few routes and ops, and declarations that cannot be read. That it is valid
 * OpenAPI and true for all modules is what tests/openapi shows.
 */
#include "logic/openapi.h"

#include "base/slice.h"
#include "logic/request_input.h"
#include "wire/json.h"

#include "tests/lib/loopback.h"
#include "tests/lib/unit.h"

static struct buf text;
static struct nuncio_error err;

static void on_request(struct nuncio_request *rq, void *user)
{
	(void)user;
	request_reply(&rq, 200, STR("{}"));
}

static int setup(void **state)
{
	static struct loopback lb;
	loopback_init(&lb);
	*state = &lb;
	return 0;
}

static int teardown(void **state)
{
	loopback_fini(*state);
	buf_fini(&text);
	return 0;
}

static int make(struct loopback *lb)
{
	struct arena arena;
	struct nuncio_str checked;
	const struct json_limits limits = { .depth = 32, .members = 256, .bytes = SIZE_MAX };
	buf_reset(&text);
	int rc = openapi_write(lb->logic, &text, &err);
	if (rc < 0)
		return rc;
	arena_init(&arena, 1024);
	assert_int_equal(json_check(buf_str(&text), &limits, &checked, &err), 0);
	arena_fini(&arena);
	buf_add_char(&text, '\0');
	return 0;
}

static void has(const char *part)
{
	if (!strstr(text.data, part))
		fail_msg("no %s in %s", part, text.data);
}

static void has_not(const char *part)
{
	if (strstr(text.data, part))
		fail_msg("%s in %s", part, text.data);
}

static void add(struct loopback *lb, const struct nuncio_route *declared)
{
	struct route *route;
	assert_int_equal(routes_add(&lb->logic->routes, "mod", declared, NULL, &route, &err), 0);
	route->about = "A module.";
}

static const struct nuncio_field fields[] = {
	{ "id", NUNCIO_FIELD_INT, NUNCIO_FIELD_PATH, 1, 9, "which" },
	{ "page", NUNCIO_FIELD_INT, NUNCIO_FIELD_QUERY, 1, INT64_MAX, "where" },
	{ "name", NUNCIO_FIELD_TEXT, NUNCIO_FIELD_REQUIRED, 8, 64, "how it is called" },
	{ "mode", NUNCIO_FIELD_TEXT, 0, 0, 0, "how it is", "'open'|'shut'" },
	{ "to", NUNCIO_FIELD_OBJECT, 0, 0, 0, "where to", "{user: text}" },
	{ "any", NUNCIO_FIELD_ANY, NUNCIO_FIELD_REQUIRED, 0, 0, "anything" },
	{ "who", NUNCIO_FIELD_TEXTS, 0, 1, 3, "people" },
	{ 0 },
};
static const struct nuncio_route thing = { .size = sizeof thing,
	.method = "PUT",
	.path = "/things/:id/*rest",
	.help = "Changes a thing.",
	.fields = fields,
	.field_size = sizeof fields[0],
	.fn = on_request,
	.answer = "201 {n: int}; 204",
	.errors = "conflict not_member" };
static const struct nuncio_route open_thing = { .size = sizeof open_thing,
	.flags = NUNCIO_OPEN,
	.method = "GET",
	.path = "/things",
	.help = "All things.",
	.fn = on_request,
	.answer = "200 text/plain" };

static void input_is_as_it_is_checked(void **state)
{
	struct loopback *lb = *state;
	add(lb, &thing);
	assert_int_equal(make(lb), 0);
	has("\"/things/{id}/{rest}\":{\"put\":{\"operationId\":\"put_things_by_id_by_rest\","
	    "\"summary\":\"Changes a thing.\",\"tags\":[\"mod\"]");
	has("{\"name\":\"id\",\"in\":\"path\",\"description\":\"which\",\"required\":true,\"schema\":"
	    "{\"type\":\"integer\",\"format\":\"int64\",\"minimum\":1,\"maximum\":9}}");
	has("{\"name\":\"rest\",\"in\":\"path\"");
	has("{\"name\":\"page\",\"in\":\"query\",\"description\":\"where\",\"required\":false,"
	    "\"schema\":{\"type\":\"integer\",\"format\":\"int64\",\"minimum\":1}}");
	/* eight bytes may be two characters */
	has("\"name\":{\"description\":\"how it is called\",\"type\":\"string\",\"minLength\":2,"
	    "\"maxLength\":64}");
	has("\"mode\":{\"description\":\"how it is\",\"type\":[\"string\",\"null\"],"
	    "\"enum\":[\"open\",\"shut\",null]}");
	has("\"anyOf\":[{\"type\":\"object\",\"properties\":{\"user\":");
	has("\"any\":{\"description\":\"anything\",\"type\":[\"string\",\"number\",\"boolean\","
	    "\"object\",\"array\"]}");
	has("\"minItems\":1,\"maxItems\":3");
	has("\"required\":[\"name\",\"any\"]");
	has("\"tags\":[{\"name\":\"mod\",\"description\":\"A module.\"}]");
}

static void answers_and_refusals_are_all_there(void **state)
{
	struct loopback *lb = *state;
	add(lb, &thing);
	assert_int_equal(make(lb), 0);
	has("\"201\":{\"description\":\"Done.\",\"content\":{\"application/json\":{\"schema\":{"
	    "\"$ref\":\"#/components/schemas/success\",\"properties\":{\"data\":{\"type\":\"object\"");
	has("\"204\":{\"description\":\"Done; there is nothing to say.\"}");
	has("\"409\":{\"$ref\":\"#/components/responses/conflict\"}");
	has("\"403\":{\"$ref\":\"#/components/responses/not_member\"}");
	has("\"401\":{\"$ref\":\"#/components/responses/auth_required.token_invalid.token_expired\"}");
	has("\"422\":");
	has("\"415\":");
	has("\"conflict\":{\"description\":\"conflict\",\"content\":{\"application/json\":{\"schema\":{"
	    "\"$ref\":\"#/components/schemas/error\",\"properties\":{\"code\":{\"enum\":[4000]}}}}}}");
	has("\"4000\":{\"name\":\"conflict\",\"status\":409");
	has_not("\"security\":[]");
}

static void what_is_open_needs_no_token(void **state)
{
	struct loopback *lb = *state;
	add(lb, &open_thing);
	assert_int_equal(make(lb), 0);
	has("\"security\":[]");
	has("\"200\":{\"description\":\"Done.\",\"content\":{\"text/plain\":{}}}");
	has_not("\"401\":");
	has_not("\"415\":");
	has_not("rate_limited\"}"); /* nobody is asked before a call */
}

static enum nuncio_verdict on_call(
	struct nuncio_ask *ask, const struct nuncio_call *what, void *user)
{
	(void)ask, (void)what, (void)user;
	return NUNCIO_PASS;
}

static void who_is_asked_may_refuse(void **state)
{
	struct loopback *lb = *state;
	hook_table_add(lb->hooks, NUNCIO_HOOK_may_call, 0, "t", 0, (nuncio_any_fn *)on_call, NULL);
	add(lb, &open_thing);
	loopback_ready(lb);
	assert_int_equal(make(lb), 0);
	has("\"403\":{\"$ref\":\"#/components/responses/denied\"}");
	has("\"429\":{\"$ref\":\"#/components/responses/rate_limited\"}");
}

static void ops_are_an_extension(void **state)
{
	static const struct nuncio_command command = { .size = sizeof command,
		.op = "thing.make",
		.help = "Makes it.",
		.fields = fields,
		.field_size = sizeof fields[0],
		.fn = on_request,
		.answer = "{made: bool}",
		.errors = "exists" };
	struct loopback *lb = *state;
	struct op *op;
	assert_int_equal(ops_add(&lb->logic->ops, "mod", &command, NULL, &op, &err), 0);
	assert_int_equal(make(lb), 0);
	has("\"thing.make\":{\"summary\":\"Makes it.\",\"module\":\"mod\",\"data\":{\"type\":\"object\","
	    "\"properties\":{\"id\":");
	has("\"answer\":{\"type\":\"object\",\"properties\":{\"made\":{\"type\":\"boolean\"}},"
	    "\"required\":[\"made\"]},\"errors\":[\"exists\"]}");
}

static void fails(struct loopback *lb, const struct nuncio_route *declared, const char *words)
{
	add(lb, declared);
	assert_int_equal(make(lb), NUNCIO_E_INVAL);
	assert_string_equal(err.text, words);
}

#define CASE(NAME, WORDS, ...) \
	static void NAME(void **state) \
	{ \
		static const struct nuncio_route bad = { .size = sizeof bad, \
			.method = "GET", \
			.path = "/bad", \
			.fn = on_request, \
			__VA_ARGS__ }; \
		fails(*state, &bad, "route GET /bad of module mod: " WORDS); \
	}
CASE(an_answer_without_a_status, "answer: \"user\" does not begin with a status", .answer = "user")
CASE(an_answer_of_no_shape, "no module that is switched on declares this shape: \"user\"",
	.answer = "200 user")
CASE(an_error_that_is_none, "errors: codes.h has no code \"nothing\"", .errors = "busy nothing")

static void a_text_that_is_not_words(void **state)
{
	static const struct nuncio_field bad_fields[] = {
		{ "n", NUNCIO_FIELD_TEXT, NUNCIO_FIELD_QUERY, 0, 0, "n", "{a: int}" }, { 0 }
	};
	static const struct nuncio_route bad = { .size = sizeof bad,
		.method = "GET",
		.path = "/bad",
		.fields = bad_fields,
		.field_size = sizeof bad_fields[0],
		.fn = on_request };
	fails(*state, &bad, "route GET /bad of module mod: n: the shape of a text must be words");
}

/* A module that was built when routes declared less. */
static void an_older_route_is_read_as_far_as_it_goes(void **state)
{
	struct nuncio_route older = thing;
	struct loopback *lb = *state;
	older.size = offsetof(struct nuncio_route, answer);
	older.errors = "nothing";
	add(lb, &older);
	assert_int_equal(make(lb), 0);
	has("\"200\":{\"description\":\"Done.\"");
	has_not("conflict\":{\"description");
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(input_is_as_it_is_checked),
		TEST(answers_and_refusals_are_all_there),
		TEST(what_is_open_needs_no_token),
		TEST(who_is_asked_may_refuse),
		TEST(ops_are_an_extension),
		TEST(an_answer_without_a_status),
		TEST(an_answer_of_no_shape),
		TEST(an_error_that_is_none),
		TEST(a_text_that_is_not_words),
		TEST(an_older_route_is_read_as_far_as_it_goes),
	};
	return cmocka_run_group_tests_name("openapi", tests, NULL, NULL);
}
