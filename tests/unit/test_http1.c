/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/slice.h"
#include "wire/http1.h"
#include "wire/http1_out.h"
#include "wire/uri.h"

#define HOST "Host: h\r\n"

static enum http1_fed feed(struct http1 *h, struct nuncio_str bytes, size_t piece, size_t *used_r)
{
	enum http1_fed fed = HTTP1_MORE;
	*used_r = 0;
	while (*used_r < bytes.n && fed == HTTP1_MORE) {
		size_t n = bytes.n - *used_r < piece ? bytes.n - *used_r : piece, used;
		char *copy = memcpy(test_malloc(n), bytes.p + *used_r, n);
		fed = http1_feed(h, copy, n, &used);
		test_free(copy);
		*used_r += used;
	}
	return fed;
}

/*
 * The status of the failure, 0 for a complete request, 1 for an incomplete one; the same for every
 * way to cut it.
 */
static int status_of(struct nuncio_str text)
{
	int status = -1;
	size_t used;
	for (size_t piece = 1; piece < text.n + 2; piece = piece < 8 ? piece + 1 : piece * 5) {
		struct http1 *h = http1_new(NULL);
		enum http1_fed fed = feed(h, text, piece, &used);
		int got = fed == HTTP1_FAILED  ? http1_failure(h).status
			  : fed == HTTP1_READY ? 0
					       : 1;
		if (status >= 0 && got != status)
			fail_msg("%d, but %d in pieces of %zu: " STR_FMT, status, got, piece,
				STR_ARG(text));
		status = got;
		http1_free(&h);
	}
	return status;
}

static void is(int status, const char *text)
{
	int got = status_of(str_of(text));
	if (got != status)
		fail_msg("%d instead of %d: %s", got, status, text);
}

static void same(struct nuncio_str got, const char *want)
{
	if (!str_eq_text(got, want))
		fail_msg("got '" STR_FMT "', want '%s'", STR_ARG(got), want);
}

static void reads_a_request(void **state)
{
	static const char text[] =
		"\r\nPOST /api/v1/a%20b/%E4%B8%AD?x=1&y=%32 HTTP/1.1\r\nHost: example.org:80\r\n"
		"X-Empty:\r\nX-Two:  a, B\t\r\nx-two: c\r\nContent-Length: 5\r\n\r\nhellonext";
	size_t used;
	(void)state;
	for (size_t piece = 1; piece <= sizeof(text); piece++) {
		struct http1 *h = http1_new(NULL);
		assert_true(http1_is_idle(h));
		assert_int_equal(
			feed(h, ((struct nuncio_str){ text, sizeof(text) - 1 }), piece, &used),
			HTTP1_READY);
		assert_int_equal(used, sizeof(text) - 1 - 4);
		const struct http1_request *rq = http1_request(h);
		same(rq->method, "POST");
		same(rq->target, "/api/v1/a%20b/%E4%B8%AD?x=1&y=%32");
		same(rq->path, "/api/v1/a b/\xE4\xB8\xAD");
		same(rq->query, "x=1&y=%32");
		same(rq->host, "example.org:80");
		same(rq->body, "hello");
		assert_int_equal(rq->field_count, 5);
		assert_true(rq->keep_alive && rq->has_body && rq->minor == 1);
		same(http1_header(rq, "x-TWO"), "a, B");
		assert_int_equal(http1_header_count(rq, "X-Two"), 2);
		assert_true(http1_header_has(rq, "X-Two", "b"));
		assert_true(http1_header_has(rq, "X-Two", "C"));
		assert_false(http1_header_has(rq, "X-Two", "a, b"));
		assert_non_null(http1_header(rq, "X-Empty").p);
		assert_null(http1_header(rq, "X-None").p);
		http1_next(h);
		assert_null(http1_request(h));
		assert_true(http1_is_idle(h));
		http1_free(&h);
	}
}

static void keep_alive_follows_version_and_header(void **state)
{
	static const struct {
		const char *text;
		bool keep;
	} cases[] = {
		{ "GET / HTTP/1.1\r\n" HOST "\r\n", true },
		{ "GET / HTTP/1.1\r\n" HOST "Connection: Close\r\n\r\n", false },
		{ "GET / HTTP/1.1\r\n" HOST "Connection: x, close\r\n\r\n", false },
		{ "GET / HTTP/1.0\r\n\r\n", false },
		{ "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", true },
		{ "GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", false },
	};
	size_t used;
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct http1 *h = http1_new(NULL);
		assert_int_equal(feed(h, str_of(cases[i].text), 1000, &used), HTTP1_READY);
		assert_int_equal(http1_request(h)->keep_alive, cases[i].keep);
		http1_free(&h);
	}
}

static void refuses_bad_request_lines(void **state)
{
	(void)state;
	is(0, "GET / HTTP/1.1\r\n" HOST "\r\n");
	is(1, "GET / HTTP/1.1\r\n" HOST "\r");
	is(1, "\r\n");
	is(400, "\r\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n");
	is(400, "GET  / HTTP/1.1\r\n" HOST "\r\n");
	is(400, "GET / HTTP/1.1 \r\n" HOST "\r\n");
	is(400, " GET / HTTP/1.1\r\n" HOST "\r\n");
	is(400, "GET\t/\tHTTP/1.1\r\n" HOST "\r\n");
	is(400, "GET /\r\n" HOST "\r\n");
	is(400, "GET / http/1.1\r\n" HOST "\r\n");
	is(400, "GET / HTTP/1.\r\n" HOST "\r\n");
	is(400, "GET / HTTP/11\r\n" HOST "\r\n");
	is(505, "GET / HTTP/2.0\r\n" HOST "\r\n");
	is(505, "GET / HTTP/1.2\r\n" HOST "\r\n");
	is(505, "GET / HTTP/0.9\r\n" HOST "\r\n");
	is(501, "BREW / HTTP/1.1\r\n" HOST "\r\n");
	is(501, "CONNECT h:80 HTTP/1.1\r\n" HOST "\r\n");
	is(0, "TRACE / HTTP/1.1\r\n" HOST "\r\n");
	is(0, "QUERY / HTTP/1.1\r\n" HOST "\r\n");
	is(501, "get / HTTP/1.1\r\n" HOST "\r\n");
	is(400, "G(T / HTTP/1.1\r\n" HOST "\r\n");
	is(400, "GET /a b HTTP/1.1\r\n" HOST "\r\n");
	is(400, "GET /# HTTP/1.1\r\n" HOST "\r\n");
	is(400, "GET /\xE4 HTTP/1.1\r\n" HOST "\r\n");
	is(400, "GET a HTTP/1.1\r\n" HOST "\r\n");
	is(400, "GET * HTTP/1.1\r\n" HOST "\r\n");
	is(0, "OPTIONS * HTTP/1.1\r\n" HOST "\r\n");
	is(400, "GET / HTTP/1.1\n" HOST "\r\n");
	is(400, "GET / HTTP/1.1\r\nHost: h\n\r\n");
	is(400, "GET / HTTP/1.1\r\r\n" HOST "\r\n");
	is(400, "\x16\x03\x01\x02\n");
}

static void refuses_bad_paths(void **state)
{
	(void)state;
	is(400, "GET /%zz HTTP/1.1\r\n" HOST "\r\n");
	is(400, "GET /%4 HTTP/1.1\r\n" HOST "\r\n");
	is(400, "GET /%00 HTTP/1.1\r\n" HOST "\r\n");
	is(400, "GET /%0a HTTP/1.1\r\n" HOST "\r\n");
	is(400, "GET /a%2Fb HTTP/1.1\r\n" HOST "\r\n");
	is(400, "GET /%ff HTTP/1.1\r\n" HOST "\r\n");
	is(400, "GET /../x HTTP/1.1\r\n" HOST "\r\n");
	is(400, "GET /a/%2e%2E HTTP/1.1\r\n" HOST "\r\n");
	is(400, "GET /a/./b HTTP/1.1\r\n" HOST "\r\n");
	is(0, "GET /a/..b/c. HTTP/1.1\r\n" HOST "\r\n");
	is(0, "GET /%252e%252e/ HTTP/1.1\r\n" HOST "\r\n");
}

static void absolute_targets_are_taken_apart(void **state)
{
	struct http1 *h = http1_new(NULL);
	size_t used;
	(void)state;
	assert_int_equal(feed(h, STR("GET HTTP://Real:8080?q HTTP/1.1\r\n" HOST "\r\n"), 99, &used),
		HTTP1_READY);
	same(http1_request(h)->path, "/");
	same(http1_request(h)->query, "q");
	same(http1_request(h)->host, "Real:8080");
	http1_free(&h);
	is(400, "GET ftp://h/ HTTP/1.1\r\n" HOST "\r\n");
	is(400, "GET http:///x HTTP/1.1\r\n" HOST "\r\n");
	is(400, "GET http://u@h/x HTTP/1.1\r\n" HOST "\r\n");
}

static void refuses_bad_headers(void **state)
{
	(void)state;
	is(400, "GET / HTTP/1.1\r\n\r\n");
	is(400, "GET / HTTP/1.1\r\n" HOST HOST "\r\n");
	is(400, "GET / HTTP/1.1\r\nHost:\r\n\r\n");
	is(400, "GET / HTTP/1.1\r\nHost: a b\r\n\r\n");
	is(400, "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n");
	is(400, "GET / HTTP/1.1\r\n" HOST "A : b\r\n\r\n");
	is(400, "GET / HTTP/1.1\r\n" HOST ": b\r\n\r\n");
	is(400, "GET / HTTP/1.1\r\n" HOST "A\r\n\r\n");
	is(400, "GET / HTTP/1.1\r\n" HOST "A: b\r\n c\r\n\r\n");
	is(400, "GET / HTTP/1.1\r\n A: b\r\n" HOST "\r\n");
	is(400, "GET / HTTP/1.1\r\n" HOST "A: b\x01\r\n\r\n");
	is(400, "GET / HTTP/1.1\r\n" HOST "A: b\rc\r\n\r\n");
	is(400, "GET / HTTP/1.1\r\n" HOST "A: b\nc: d\r\n\r\n");
	assert_int_equal(status_of(STR("GET / HTTP/1.1\r\n" HOST "A: b\0\r\n\r\n")), 400);
	is(0, "GET / HTTP/1.1\r\n" HOST "A: \xE4\xB8\xAD\tx\r\n\r\n");
	is(417, "GET / HTTP/1.1\r\n" HOST "Expect: magic\r\n\r\n");
}

static void refuses_ambiguous_bodies(void **state)
{
	(void)state;
	is(400, "POST / HTTP/1.1\r\n" HOST "Content-Length: 1\r\nContent-Length: 1\r\n\r\nx");
	is(400, "POST / HTTP/1.1\r\n" HOST "Content-Length: 1\r\nContent-Length: 2\r\n\r\nx");
	is(400, "POST / HTTP/1.1\r\n" HOST "Content-Length: 1, 1\r\n\r\nx");
	is(400, "POST / HTTP/1.1\r\n" HOST "Content-Length: +1\r\n\r\nx");
	is(400, "POST / HTTP/1.1\r\n" HOST "Content-Length: -1\r\n\r\nx");
	is(400, "POST / HTTP/1.1\r\n" HOST "Content-Length: 0x1\r\n\r\nx");
	is(400, "POST / HTTP/1.1\r\n" HOST "Content-Length:\r\n\r\nx");
	is(400, "POST / HTTP/1.1\r\n" HOST
		"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
	is(501, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n\r\n");
	is(501, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked, chunked\r\n\r\n");
	is(501, "POST / HTTP/1.1\r\n" HOST
		"Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n");
	is(501, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: xchunked\r\n\r\n");
	is(400, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: \x0b"
		"chunked\r\n\r\n");
	is(400, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\t\r\n\r\n0\r\n\r\n");
	is(400, "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
	is(413, "POST / HTTP/1.1\r\n" HOST "Content-Length: 1048577\r\n\r\n");
	is(413, "POST / HTTP/1.1\r\n" HOST "Content-Length: 99999999999999999999999\r\n\r\n");
	is(1, "POST / HTTP/1.1\r\n" HOST "Content-Length: 1048576\r\n\r\n");
	is(0, "POST / HTTP/1.1\r\n" HOST "Content-Length: 00\r\n\r\n");
}

#define CHUNKED "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: Chunked\r\n\r\n"

static void reads_chunks(void **state)
{
	static const char text[] =
		CHUNKED "5\r\nhello\r\n00A ; a=\"b\"\r\n, 9 bytes.\r\n0\r\nX: y\r\n\r\nGET";
	size_t used;
	(void)state;
	for (size_t piece = 1; piece < 40; piece++) {
		struct http1 *h = http1_new(NULL);
		assert_int_equal(
			feed(h, ((struct nuncio_str){ text, sizeof(text) - 1 }), piece, &used),
			HTTP1_READY);
		same(http1_request(h)->body, "hello, 9 bytes.");
		assert_int_equal(used, sizeof(text) - 1 - 3);
		http1_free(&h);
	}
	is(0, CHUNKED "0\r\n\r\n");
	is(400, CHUNKED "\r\n\r\n");
	is(400, CHUNKED "5\nhello\r\n0\r\n\r\n");
	is(400, CHUNKED "5\r\nhello0\r\n\r\n");
	is(400, CHUNKED "5 \r\nhello\r\n0\r\n\r\n");
	is(400, CHUNKED "0x5\r\nhello\r\n0\r\n\r\n");
	is(400, CHUNKED "-5\r\nhello\r\n0\r\n\r\n");
	is(400, CHUNKED "0\r\n x\r\n\r\n");
	is(400, CHUNKED "0\r\nContent-Length: 1\r\n\r\n");
	is(400, CHUNKED "0\r\ntransfer-encodings: x\r\n\r\n");
	is(413, CHUNKED "100001\r\n");
	is(413, CHUNKED "fffffffffffffffff\r\n");
}

static void keeps_the_limits(void **state)
{
	const struct http1_limits small = { .head_bytes = 100, .body_bytes = 4 };
	struct http1 *h;
	struct buf b;
	size_t used;
	(void)state;
	buf_init(&b);
	buf_add_text(&b, "GET /");
	for (int i = 0; i < LIMIT_HTTP_TARGET_BYTES + 100; i++)
		buf_add_char(&b, 'a');
	assert_int_equal(status_of(buf_str(&b)), 414);
	buf_reset(&b);
	buf_add_text(&b, "GET /");
	for (int i = 0; i < LIMIT_HTTP_PATH_BYTES; i++)
		buf_add_char(&b, 'a');
	buf_add_text(&b, " HTTP/1.1\r\n" HOST "\r\n");
	assert_int_equal(status_of(buf_str(&b)), 414);
	buf_reset(&b);
	buf_add_text(&b, "GET / HTTP/1.1\r\n" HOST "A: ");
	for (int i = 0; i < LIMIT_HTTP_HEAD_BYTES; i++)
		buf_add_char(&b, 'a');
	assert_int_equal(status_of(buf_str(&b)), 431);
	for (int count = LIMIT_HTTP_HEADERS; count <= LIMIT_HTTP_HEADERS + 1; count++) {
		buf_reset(&b);
		buf_add_text(&b, "GET / HTTP/1.1\r\n" HOST);
		for (int i = 1; i < count; i++)
			buf_add_text(&b, "A: b\r\n");
		buf_add_text(&b, "\r\n");
		assert_int_equal(status_of(buf_str(&b)), count > LIMIT_HTTP_HEADERS ? 431 : 0);
	}
	h = http1_new(&small);
	assert_int_equal(
		feed(h, STR("POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\n"), 99, &used),
		HTTP1_FAILED);
	assert_int_equal(http1_failure(h).status, 413);
	assert_int_equal(http1_feed(h, "x", 1, &used), HTTP1_FAILED);
	http1_free(&h);
	h = http1_new(&small);
	assert_int_equal(feed(h, STR(CHUNKED "3\r\nabc\r\n2\r\n"), 99, &used), HTTP1_FAILED);
	assert_int_equal(http1_failure(h).status, 413);
	http1_free(&h);
	buf_fini(&b);
}

static void tells_strangers_from_others(void **state)
{
	const struct http1_limits limits = { .body_bytes = 20, .open_body_bytes = 4 };
	struct http1 *h = http1_new(&limits);
	size_t used;
	(void)state;
	assert_int_equal(http1_bytes(h), 0);
	assert_int_equal(
		feed(h, STR("POST / HTTP/1.1\r\n" HOST "Content-Length: 4\r\n\r\nabcd"), 99, &used),
		HTTP1_READY);
	size_t bytes = http1_bytes(h);
	assert_true(bytes >= 4 + 60);
	http1_drop_body(h);
	assert_true(http1_bytes(h) + 4 <= bytes);
	assert_int_equal(http1_request(h)->body.n, 0);
	same(http1_request(h)->path, "/");
	http1_next(h);
	assert_int_equal(http1_bytes(h), 0);
	assert_int_equal(feed(h,
				 STR("POST / HTTP/1.1\r\n" HOST
				     "authorization: x\r\nContent-Length: 20\r\n\r\n"),
				 99, &used),
		HTTP1_MORE);
	http1_next(h);
	assert_int_equal(
		feed(h, STR("POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\n"), 99, &used),
		HTTP1_FAILED);
	assert_int_equal(http1_failure(h).status, 413);
	assert_string_equal(
		http1_failure(h).text, "the body is too long for a request without Authorization");
	http1_free(&h);
}

static void says_when_to_continue(void **state)
{
	struct http1 *h = http1_new(NULL);
	size_t used;
	(void)state;
	assert_int_equal(feed(h,
				 STR("POST / HTTP/1.1\r\n" HOST
				     "Expect: 100-Continue\r\nContent-Length: 2\r\n\r\n"),
				 999, &used),
		HTTP1_MORE);
	assert_true(http1_is_in_body(h));
	assert_true(http1_take_continue(h));
	assert_false(http1_take_continue(h));
	assert_int_equal(feed(h, STR("ok"), 1, &used), HTTP1_READY);
	assert_true(http1_request(h)->expect_continue);
	http1_free(&h);
}

static void writes_heads_that_nothing_can_break(void **state)
{
	const struct http1_field fields[] = { { STR_INIT("Content-Type"),
		STR_INIT("text/plain") } };
	const struct http1_field bad_value[] = { { STR_INIT("Location"),
		STR_INIT("/x\r\nSet-Cookie: a") } };
	const struct http1_field bad_name[] = { { STR_INIT("A:"), STR_INIT("b") } };
	char date[30];
	struct buf b;
	(void)state;
	http1_date(1764000000123, date);
	assert_string_equal(date, "Mon, 24 Nov 2025 16:00:00 GMT");
	buf_init(&b);
	struct http1_answer answer = { 404, fields, 1, 5, true, false, date };
	assert_int_equal(http1_write_head(&b, &answer), 0);
	same(buf_str(&b),
		"HTTP/1.1 404 Not Found\r\nDate: Mon, 24 Nov 2025 16:00:00 GMT\r\nConnection: close\r\n"
		"Content-Type: text/plain\r\nContent-Length: 5\r\n\r\n");
	buf_reset(&b);
	answer = (struct http1_answer){ 204, bad_value, 1, HTTP1_NO_BODY, false, true, NULL };
	assert_int_equal(http1_write_head(&b, &answer), NUNCIO_E_INVAL);
	answer.fields = bad_name;
	assert_int_equal(http1_write_head(&b, &answer), NUNCIO_E_INVAL);
	assert_int_equal(b.used, 0);
	answer.field_count = 0;
	assert_int_equal(http1_write_head(&b, &answer), 0);
	same(buf_str(&b), "HTTP/1.1 204 No Content\r\nConnection: keep-alive\r\n\r\n");
	buf_fini(&b);
}

static void reads_queries(void **state)
{
	struct nuncio_str query = STR("a=1&&b=x%20y+z&c&=e&a%62=2&d=%zz&b2=%00"), key, value;
	struct arena a;
	int pairs = 0;
	(void)state;
	arena_init(&a, 0);
	assert_int_equal(uri_query_get(query, "a", &a, &value), 1);
	same(value, "1");
	assert_int_equal(uri_query_get(query, "b", &a, &value), 1);
	same(value, "x y z");
	assert_int_equal(uri_query_get(query, "c", &a, &value), 1);
	assert_int_equal(value.n, 0);
	assert_int_equal(uri_query_get(query, "ab", &a, &value), 1);
	same(value, "2");
	assert_int_equal(uri_query_get(query, "none", &a, &value), 0);
	assert_int_equal(uri_query_get(query, "d", &a, &value), NUNCIO_E_INVAL);
	assert_int_equal(uri_query_get(query, "b2", &a, &value), NUNCIO_E_INVAL);
	assert_int_equal(uri_query_get(STR("t=1&t=2"), "t", &a, &value), NUNCIO_E_INVAL);
	while (uri_query_next(&query, &key, &value))
		pairs++;
	assert_int_equal(pairs, 7);
	assert_int_equal(uri_decode(STR("a+b%2fc"), false, &a, &value), 0);
	same(value, "a+b/c");
	assert_int_equal(uri_decode(STR("%C0%80"), false, &a, &value), NUNCIO_E_INVAL);
	arena_fini(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_a_request),
		cmocka_unit_test(keep_alive_follows_version_and_header),
		cmocka_unit_test(refuses_bad_request_lines),
		cmocka_unit_test(refuses_bad_paths),
		cmocka_unit_test(absolute_targets_are_taken_apart),
		cmocka_unit_test(refuses_bad_headers),
		cmocka_unit_test(refuses_ambiguous_bodies),
		cmocka_unit_test(reads_chunks),
		cmocka_unit_test(keeps_the_limits),
		cmocka_unit_test(tells_strangers_from_others),
		cmocka_unit_test(says_when_to_continue),
		cmocka_unit_test(writes_heads_that_nothing_can_break),
		cmocka_unit_test(reads_queries),
	};
	return cmocka_run_group_tests_name("http1", tests, NULL, NULL);
}
