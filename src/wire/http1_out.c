/* SPDX-License-Identifier: MIT */
/*
 * Writes response heads. Pure; any thread. Names and values may come from modules and from what
 * clients sent, so nothing is written that could end a line: the whole head is checked before its
 * first byte goes into the buffer.
 */
#include "wire/http1_out.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/slice.h"

const char *http1_reason(int status)
{
	switch (status) {
	case 100:
		return "Continue";
	case 101:
		return "Switching Protocols";
	case 200:
		return "OK";
	case 201:
		return "Created";
	case 202:
		return "Accepted";
	case 204:
		return "No Content";
	case 206:
		return "Partial Content";
	case 301:
		return "Moved Permanently";
	case 302:
		return "Found";
	case 304:
		return "Not Modified";
	case 307:
		return "Temporary Redirect";
	case 308:
		return "Permanent Redirect";
	case 400:
		return "Bad Request";
	case 401:
		return "Unauthorized";
	case 403:
		return "Forbidden";
	case 404:
		return "Not Found";
	case 405:
		return "Method Not Allowed";
	case 406:
		return "Not Acceptable";
	case 408:
		return "Request Timeout";
	case 409:
		return "Conflict";
	case 410:
		return "Gone";
	case 412:
		return "Precondition Failed";
	case 413:
		return "Content Too Large";
	case 414:
		return "URI Too Long";
	case 415:
		return "Unsupported Media Type";
	case 417:
		return "Expectation Failed";
	case 422:
		return "Unprocessable Content";
	case 426:
		return "Upgrade Required";
	case 429:
		return "Too Many Requests";
	case 431:
		return "Request Header Fields Too Large";
	case 500:
		return "Internal Server Error";
	case 501:
		return "Not Implemented";
	case 502:
		return "Bad Gateway";
	case 503:
		return "Service Unavailable";
	case 504:
		return "Gateway Timeout";
	case 505:
		return "HTTP Version Not Supported";
	default:
		return "Unknown";
	}
}

static bool is_value(struct nuncio_str value)
{
	for (size_t i = 0; i < value.n; i++) {
		unsigned char c = (unsigned char)value.p[i];
		if ((c < 0x20 && c != '\t') || c == 0x7F)
			return false;
	}
	return true;
}

static void add_field(struct buf *to, struct nuncio_str name, struct nuncio_str value)
{
	buf_add_str(to, name);
	buf_add(to, ": ", 2);
	buf_add_str(to, value);
	buf_add(to, "\r\n", 2);
}

int http1_write_head(struct buf *to, const struct http1_answer *answer)
{
	if (answer->status < 100 || answer->status > 999)
		return NUNCIO_E_INVAL;
	for (size_t i = 0; i < answer->field_count; i++)
		if (!http1_is_token(answer->fields[i].name) || !is_value(answer->fields[i].value))
			return NUNCIO_E_INVAL;
	buf_printf(to, "HTTP/1.1 %d %s\r\n", answer->status, http1_reason(answer->status));
	if (answer->date)
		add_field(to, STR("Date"), str_of(answer->date));
	if (answer->close)
		add_field(to, STR("Connection"), STR("close"));
	else if (answer->keep_alive)
		add_field(to, STR("Connection"), STR("keep-alive"));
	for (size_t i = 0; i < answer->field_count; i++)
		add_field(to, answer->fields[i].name, answer->fields[i].value);
	if (answer->body_bytes != HTTP1_NO_BODY)
		buf_printf(to, "Content-Length: %llu\r\n", (unsigned long long)answer->body_bytes);
	buf_add(to, "\r\n", 2);
	return 0;
}

void http1_date(int64_t wall_ms, char out[30])
{
	static const char days[] = "SunMonTueWedThuFriSat",
			  months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm tm;
	memset(&tm, 0, sizeof(tm));
	gmtime_r(&seconds, &tm);
	/* Not strftime: its names follow the locale. */
	snprintf(out, 30, "%.3s, %02u %.3s %04u %02u:%02u:%02u GMT", days + 3 * tm.tm_wday,
		(unsigned)tm.tm_mday % 100, months + 3 * tm.tm_mon,
		(unsigned)(tm.tm_year + 1900) % 10000, (unsigned)tm.tm_hour % 100,
		(unsigned)tm.tm_min % 100, (unsigned)tm.tm_sec % 100);
}
