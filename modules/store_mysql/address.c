/* SPDX-License-Identifier: MIT */
/*
 * What `servers` says: `user:password@host:port/database?socket=/path`, several separated by
 * commas. Everything but user, host and database may be left out. Bytes that mean something here
 * (:@/?,&%) are written as %XX within a part. No error text shows a password.
 */
#include "store_mysql.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PORT_DEFAULT = 3306 };

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* In place. False for a % without two digits, or one that stands for NUL. */
static bool decode(char *text)
{
	char *out = text;
	for (const char *at = text; *at; at++) {
		if (*at != '%') {
			*out++ = *at;
			continue;
		}
		int high = hex(at[1]), low = high < 0 ? -1 : hex(at[2]);
		if (low < 0 || (high == 0 && low == 0))
			return false;
		*out++ = (char)(high << 4 | low);
		at += 2;
	}
	*out = '\0';
	return true;
}

/* Cuts *text at the first (or last) of c; returns what is behind it, or NULL. */
static char *cut(char *text, char c, bool at_last)
{
	char *at = at_last ? strrchr(text, c) : strchr(text, c);
	if (!at)
		return NULL;
	*at = '\0';
	return at + 1;
}

static const char *parse_port(struct address *a, const char *port)
{
	char *end;
	if (!port)
		return NULL;
	unsigned long value = strtoul(port, &end, 10);
	if (!isdigit((unsigned char)*port) || *end || value < 1 || value > 65535)
		return "the port is not a number from 1 to 65535";
	a->port = (unsigned)value;
	return NULL;
}

static const char *parse_query(struct address *a, char *query)
{
	for (char *next; query && *query; query = next) {
		next = cut(query, '&', false);
		char *value = cut(query, '=', false);
		if (strcmp(query, "socket") != 0 || !value || !*value || !decode(value))
			return "behind the ? only socket=/path is known";
		a->socket = value;
	}
	return NULL;
}

/* NULL, or what is wrong. */
static const char *parse_parts(struct address *a, char *text)
{
	const char *wrong = parse_query(a, cut(text, '?', false));
	char *database = cut(text, '/', false);
	char *host = cut(text, '@', true);
	char *password = host ? cut(text, ':', false) : NULL;
	if (wrong)
		return wrong;
	if (!host || !*text)
		return "no user (user:password@host:port/database)";
	/* An IPv6 address stands in brackets. */
	char *behind = host[0] == '[' ? cut(host, ']', false) : NULL;
	char *port = behind ? (*behind == ':' ? behind + 1 : NULL) : cut(host, ':', false);
	if (behind)
		host++;
	if (!*host)
		return "no host";
	if (!database || !*database)
		return "no database";
	if (!decode(text) || (password && !decode(password)) || !decode(host) || !decode(database))
		return "a % without two hexadecimal digits behind it";
	a->user = text;
	a->password = password ? password : "";
	a->host = host;
	a->database = database;
	return parse_port(a, port);
}

static int parse_one(
	const char *text, size_t n, struct address *a, unsigned number, struct nuncio_error *err)
{
	*a = (struct address){ .port = PORT_DEFAULT };
	a->text = nuncio_resize(NULL, n + 1);
	memcpy(a->text, text, n);
	a->text[n] = '\0';
	const char *wrong = parse_parts(a, a->text);
	if (wrong) {
		nuncio_error_set(err, "servers: number %u: %s", number, wrong);
		address_free(a);
		return NUNCIO_E_INVAL;
	}
	if (a->socket)
		snprintf(a->name, sizeof(a->name), "%.100s/%.50s", a->socket, a->database);
	else
		snprintf(a->name, sizeof(a->name), "%.96s:%u/%.50s", a->host, a->port, a->database);
	return 0;
}

int address_parse(const char *text, struct address *list, unsigned max, unsigned *n_r,
	struct nuncio_error *err)
{
	int status = 0;
	*n_r = 0;
	while (*text && status == 0) {
		text += strspn(text, " \t,");
		size_t n = strcspn(text, ",");
		const char *next = text + n;
		while (n && (text[n - 1] == ' ' || text[n - 1] == '\t'))
			n--;
		if (!n)
			break;
		if (*n_r == max) {
			nuncio_error_set(err, "servers: more than %u", max);
			status = NUNCIO_E_INVAL;
			break;
		}
		status = parse_one(text, n, &list[*n_r], *n_r + 1, err);
		*n_r += status == 0;
		text = next;
	}
	if (status == 0 && *n_r == 0) {
		nuncio_error_set(err, "servers: none (user:password@host:port/database, ...)");
		status = NUNCIO_E_INVAL;
	}
	for (unsigned i = 0; status < 0 && i < *n_r; i++)
		address_free(&list[i]);
	return status;
}

void address_free(struct address *address)
{
	free(address->text);
	*address = (struct address){ 0 };
}
