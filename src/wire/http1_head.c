/* SPDX-License-Identifier: MIT */
/*
 * The meaning of a request head whose lines are all there: request line, fields, host, framing of
 * the body (RFC 9112). Pure; any thread. Where the RFC lets a recipient choose between repairing
 * and refusing, it refuses: every repair is a place where two servers in a row can disagree about
 * where a request ends.
 */
#include "wire/http1_private.h"

#include <string.h>

#include "base/alloc.h"
#include "base/slice.h"
#include "wire/uri.h"

static int refuse(int status, const char *why, const char **why_r)
{
	*why_r = why;
	return status;
}

static bool is_token_char(unsigned char c)
{
	if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'))
		return true;
	return c && strchr("!#$%&'*+-.^_`|~", c) != NULL;
}

bool http1_is_token(struct nuncio_str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!is_token_char((unsigned char)s.p[i]))
			return false;
	return s.n > 0;
}

static struct nuncio_str trim_blanks(struct nuncio_str s)
{
	while (s.n && (s.p[0] == ' ' || s.p[0] == '\t')) {
		s.p++;
		s.n--;
	}
	while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
		s.n--;
	return s;
}

int http1_parse_field(struct nuncio_str line, struct http1_field *field_r, const char **why_r)
{
	if (line.n && (line.p[0] == ' ' || line.p[0] == '\t'))
		return refuse(400, "a folded header line", why_r);
	if (!str_cut(line, ':', &field_r->name, &field_r->value))
		return refuse(400, "a header line without colon", why_r);
	if (!http1_is_token(field_r->name))
		return refuse(400, "a header name with a character that is not allowed", why_r);
	field_r->value = trim_blanks(field_r->value);
	for (size_t i = 0; i < field_r->value.n; i++) {
		unsigned char c = (unsigned char)field_r->value.p[i];
		if ((c < 0x20 && c != '\t') || c == 0x7F)
			return refuse(400, "a control character in a header", why_r);
	}
	return 0;
}

/* ---- request line ---- */

/* Known is not offered: what no route has is answered 405 there, what is unknown 501 here. */
static bool is_known_method(struct nuncio_str method)
{
	static const struct nuncio_str known[] = { STR_INIT("GET"), STR_INIT("HEAD"),
		STR_INIT("POST"), STR_INIT("PUT"), STR_INIT("DELETE"), STR_INIT("PATCH"),
		STR_INIT("OPTIONS"), STR_INIT("TRACE"), STR_INIT("QUERY") };
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (str_eq(method, known[i]))
			return true;
	return false;
}

static int parse_version(struct nuncio_str version, struct http1_request *rq, const char **why_r)
{
	const char *p = version.p;
	if (version.n != 8 || memcmp(p, "HTTP/", 5) != 0 || p[5] < '0' || p[5] > '9' ||
		p[6] != '.' || p[7] < '0' || p[7] > '9')
		return refuse(400, "the request line does not end with an HTTP version", why_r);
	if (p[5] != '1' || p[7] > '1')
		return refuse(505, "only HTTP/1.0 and HTTP/1.1 are spoken here", why_r);
	rq->minor = (uint8_t)(p[7] - '0');
	return 0;
}

static bool is_host(struct nuncio_str host)
{
	for (size_t i = 0; i < host.n; i++) {
		unsigned char c = (unsigned char)host.p[i];
		bool is_plain =
			(c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
		if (!is_plain && (!c || !strchr("-._~%!$&'()*+,;=:[]", c)))
			return false;
	}
	return host.n > 0;
}

/* http://host/path: what stands behind the host goes on as the path, "/" when nothing does. */
static int parse_absolute(struct nuncio_str target, struct http1_request *rq,
	struct nuncio_str *rest_r, const char **why_r)
{
	size_t scheme =
		target.n > 7 && str_eq_nocase((struct nuncio_str){ target.p, 7 }, STR("http://"))
			? 7
			: 0;
	if (target.n > 8 && str_eq_nocase((struct nuncio_str){ target.p, 8 }, STR("https://")))
		scheme = 8;
	if (!scheme)
		return refuse(400, "the request target is neither a path nor an http URL", why_r);
	struct nuncio_str rest = { target.p + scheme, target.n - scheme };
	size_t n = 0;
	while (n < rest.n && rest.p[n] != '/' && rest.p[n] != '?')
		n++;
	rq->host = (struct nuncio_str){ rest.p, n };
	if (!is_host(rq->host))
		return refuse(400, "the request target has no valid host", why_r);
	*rest_r = (struct nuncio_str){ rest.p + n, rest.n - n };
	return 0;
}

static int parse_path(
	struct nuncio_str target, struct http1_request *rq, char **path_r, const char **why_r)
{
	struct nuncio_str raw;
	str_cut(target, '?', &raw, &rq->query);
	if (raw.n == 0)
		raw = STR("/");
	if (raw.n > LIMIT_HTTP_PATH_BYTES)
		return refuse(414, "the path is too long", why_r);
	*path_r = alloc_get(raw.n);
	return uri_path_decode(raw, *path_r, &rq->path, why_r) < 0 ? 400 : 0;
}

static int parse_target(
	struct nuncio_str target, struct http1_request *rq, char **path_r, const char **why_r)
{
	rq->target = target;
	for (size_t i = 0; i < target.n; i++) {
		unsigned char c = (unsigned char)target.p[i];
		if (c <= 0x20 || c >= 0x7F || c == '#')
			return refuse(400,
				"the request target has a character that must be encoded", why_r);
	}
	if (str_eq_text(target, "*")) {
		rq->path = target;
		return str_eq_text(rq->method, "OPTIONS")
			       ? 0
			       : refuse(400, "* is for OPTIONS only", why_r);
	}
	if (target.n && target.p[0] != '/') {
		int status = parse_absolute(target, rq, &target, why_r);
		if (status)
			return status;
	}
	return parse_path(target, rq, path_r, why_r);
}

static int parse_request_line(
	struct nuncio_str line, struct http1_request *rq, char **path_r, const char **why_r)
{
	struct nuncio_str rest, target, version;
	if (!str_cut(line, ' ', &rq->method, &rest) || !str_cut(rest, ' ', &target, &version) ||
		!http1_is_token(rq->method) || target.n == 0)
		return refuse(400, "the request line is malformed", why_r);
	int status = parse_version(version, rq, why_r);
	if (status)
		return status;
	if (!is_known_method(rq->method))
		return refuse(501, "an unknown method", why_r);
	if (target.n > LIMIT_HTTP_TARGET_BYTES)
		return refuse(414, "the request target is too long", why_r);
	return parse_target(target, rq, path_r, why_r);
}

/* ---- fields that the parser itself obeys ---- */

static int judge_host(struct http1_request *rq, const char **why_r)
{
	size_t count = http1_header_count(rq, "Host");
	struct nuncio_str host = http1_header(rq, "Host");
	if (count > 1 || (count == 0 && rq->minor >= 1))
		return refuse(400,
			count ? "more than one Host header" : "the Host header is missing", why_r);
	if (count && !is_host(host))
		return refuse(400, "the Host header is malformed", why_r);
	if (rq->host.n == 0 && count) /* the host in the target wins (RFC 9112 section 3.2.2) */
		rq->host = host;
	return 0;
}

static int judge_length(
	const struct http1_request *rq, struct http1_framing *framing, const char **why_r)
{
	struct nuncio_str length = http1_header(rq, "Content-Length");
	if (http1_header_count(rq, "Content-Length") > 1)
		return refuse(400, "more than one Content-Length", why_r);
	if (length.n == 0)
		return refuse(400, "Content-Length is not a number", why_r);
	for (size_t i = 0; i < length.n; i++)
		if (length.p[i] < '0' || length.p[i] > '9')
			return refuse(400, "Content-Length is not a number", why_r);
	while (length.n > 1 && length.p[0] == '0') {
		length.p++;
		length.n--;
	}
	if (str_to_u64(length, &framing->body_bytes) < 0)
		return refuse(413, "the body is too long", why_r);
	return 0;
}

static int judge_framing(
	struct http1_request *rq, struct http1_framing *framing, const char **why_r)
{
	size_t codings = http1_header_count(rq, "Transfer-Encoding");
	bool has_length = http1_header(rq, "Content-Length").p != NULL;
	rq->has_body = codings || has_length;
	if (!codings)
		return has_length ? judge_length(rq, framing, why_r) : 0;
	if (has_length)
		return refuse(400, "both Content-Length and Transfer-Encoding", why_r);
	if (rq->minor == 0)
		return refuse(400, "Transfer-Encoding in HTTP/1.0", why_r);
	struct nuncio_str coding = http1_header(rq, "Transfer-Encoding");
	if (codings > 1 || !str_eq_nocase(coding, STR("chunked")))
		return refuse(501, "a transfer coding other than chunked", why_r);
	/*
	 * Allowed, but some servers then see another coding: read where the value's line goes on.
	 */
	if (coding.p[coding.n] != '\r')
		return refuse(400, "blanks behind the transfer coding", why_r);
	framing->is_chunked = true;
	return 0;
}

static int judge_connection(struct http1_request *rq, const char **why_r)
{
	struct nuncio_str expect = http1_header(rq, "Expect");
	bool closes = http1_header_has(rq, "Connection", "close");
	rq->keep_alive =
		!closes && (rq->minor >= 1 || http1_header_has(rq, "Connection", "keep-alive"));
	if (expect.p && (http1_header_count(rq, "Expect") > 1 ||
				!str_eq_nocase(expect, STR("100-continue"))))
		return refuse(417, "an expectation other than 100-continue", why_r);
	rq->expect_continue =
		expect.p && rq->minor >= 1; /* RFC 9110 section 10.1.1: ignored in 1.0 */
	return 0;
}

/* ---- all together ---- */

/* Lines are known to end with CRLF. */
static struct nuncio_str next_line(struct nuncio_str *rest)
{
	struct nuncio_str line;
	str_cut(*rest, '\n', &line, rest);
	line.n--;
	return line;
}

static int parse_fields(
	struct nuncio_str rest, struct http1_field *fields, size_t count, const char **why_r)
{
	for (size_t i = 0; i < count; i++) {
		int status = http1_parse_field(next_line(&rest), &fields[i], why_r);
		if (status)
			return status;
	}
	return 0;
}

int http1_parse_head(struct nuncio_str head, size_t line_count, struct http1_request *rq,
	struct http1_framing *framing_r, struct http1_field **fields_r, char **path_r,
	const char **why_r)
{
	size_t field_count = line_count - 1;
	memset(rq, 0, sizeof(*rq));
	memset(framing_r, 0, sizeof(*framing_r));
	*path_r = NULL;
	*fields_r = field_count ? ALLOC_ARRAY(struct http1_field, field_count) : NULL;
	rq->fields = *fields_r;
	rq->field_count = field_count;
	int status = parse_request_line(next_line(&head), rq, path_r, why_r);
	if (!status)
		status = parse_fields(head, *fields_r, field_count, why_r);
	if (!status)
		status = judge_host(rq, why_r);
	if (!status)
		status = judge_framing(rq, framing_r, why_r);
	if (!status)
		status = judge_connection(rq, why_r);
	return status;
}

/* ---- reading fields ---- */

struct nuncio_str http1_header(const struct http1_request *rq, const char *name)
{
	for (size_t i = 0; i < rq->field_count; i++)
		if (str_eq_nocase(rq->fields[i].name, str_of(name)))
			return rq->fields[i].value;
	return (struct nuncio_str){ NULL, 0 };
}

size_t http1_header_count(const struct http1_request *rq, const char *name)
{
	size_t count = 0;
	for (size_t i = 0; i < rq->field_count; i++)
		count += str_eq_nocase(rq->fields[i].name, str_of(name));
	return count;
}

static bool list_has(struct nuncio_str list, struct nuncio_str token)
{
	struct nuncio_str element;
	while (list.n) {
		str_cut(list, ',', &element, &list);
		if (str_eq_nocase(trim_blanks(element), token))
			return true;
	}
	return false;
}

bool http1_header_has(const struct http1_request *rq, const char *name, const char *token)
{
	for (size_t i = 0; i < rq->field_count; i++)
		if (str_eq_nocase(rq->fields[i].name, str_of(name)) &&
			list_has(rq->fields[i].value, str_of(token)))
			return true;
	return false;
}
