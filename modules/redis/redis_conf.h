/* SPDX-License-Identifier: MIT */
#ifndef REDIS_CONF_H
#define REDIS_CONF_H

#include <stdbool.h>

#include <nuncio/module.h>

#include "redis/redis_address.h"

/* The options that every module on Redis has, and what they say. Logic thread. */

struct ssl_ctx_st;

enum redis_form { REDIS_SINGLE, REDIS_SENTINEL, REDIS_CLUSTER };
enum { REDIS_ADDRESSES_MAX = 32 };

struct redis_conf {
	struct nuncio_module *self;
	enum redis_form form;
	struct redis_address addresses[REDIS_ADDRESSES_MAX]; /* servers, or the Sentinels */
	size_t address_count;
	char *master, *user, *password, *sentinel_password, *prefix;
	int64_t db;
	bool has_tls, waits_at_start;
	struct ssl_ctx_st *tls; /* NULL: none */
	bool checks_host;
	uint32_t timeout_ms, retry_ms, retry_most_ms;
	uint32_t queue; /* commands that wait for an answer */
};

/* Reads and checks them, files too; nothing is connected. Fills err. */
int redis_conf_read(struct redis_conf *conf, struct nuncio_module *self, struct nuncio_error *err);
void redis_conf_free(struct redis_conf *conf); /* zeroed: nothing */

#define REDIS_OPTIONS \
	{ "server", NUNCIO_OPT_LIST, 0, "127.0.0.1:6379", 0, REDIS_ADDRESSES_MAX, NULL, \
		"Where Redis is: host:port. Of a Redis Cluster some of its nodes, separated by " \
		"commas." }, \
		{ "sentinels", NUNCIO_OPT_LIST, 0, "", 0, REDIS_ADDRESSES_MAX, NULL, \
			"Addresses of Sentinels (port 26379 if none is given), which know the " \
			"server; then server is not used." }, \
		{ "master", NUNCIO_OPT_TEXT, 0, "mymaster", 1, 128, NULL, \
			"Under which name the Sentinels know it." }, \
		{ "cluster", NUNCIO_OPT_BOOL, 0, "off", 0, 0, NULL, \
			"The servers are a Redis Cluster." }, \
		{ "user", NUNCIO_OPT_TEXT, 0, "", 0, 128, NULL, \
			"User of Redis' access list; empty: its default user." }, \
		{ "password", NUNCIO_OPT_SECRET, 0, "", 0, 512, NULL, \
			"Password for Redis; empty: none." }, \
		{ "password_file", NUNCIO_OPT_PATH, 0, "", 0, 0, NULL, \
			"File with the password in its first line, instead of password." }, \
		{ "sentinel_password", NUNCIO_OPT_SECRET, 0, "", 0, 512, NULL, \
			"Password for the Sentinels; empty: none." }, \
		{ "db", NUNCIO_OPT_INT, 0, "0", 0, 9999, NULL, \
			"Number of the database; 0 with a Redis Cluster." }, \
		{ "tls", NUNCIO_OPT_BOOL, 0, "off", 0, 0, NULL, \
			"Speak TLS to Redis and the Sentinels." }, \
		{ "tls_ca", NUNCIO_OPT_PATH, 0, "", 0, 0, NULL, \
			"File with the certificates that sign Redis'; empty: the system's." }, \
		{ "tls_verify", NUNCIO_OPT_BOOL, 0, "on", 0, 0, NULL, \
			"With tls: refuse a server whose certificate does not prove its name." }, \
		{ "timeout", NUNCIO_OPT_MSEC, 0, "2s", 100, 60000, NULL, \
			"A connection or an answer that takes longer counts as lost." }, \
		{ "retry", NUNCIO_OPT_MSEC, 0, "200ms", 10, 60000, NULL, \
			"After a loss the first try comes about this late, each further one twice as " \
			"late, spread at random." }, \
		{ "retry_most", NUNCIO_OPT_MSEC, 0, "5s", 10, 600000, NULL, \
			"But never later than this." }, \
		{ "queue", NUNCIO_OPT_INT, 0, "100000", 100, 10000000, NULL, \
			"Commands that may wait for an answer; more are refused, and counted." }, \
		{ "prefix", NUNCIO_OPT_TEXT, 0, "nuncio:", 0, 64, NULL, \
			"With this every key and channel begins; the same on all nodes." }, \
	{ \
		"start_without", NUNCIO_OPT_CHOICE, 0, "wait", 0, 0, "wait fail", \
			"What to do when Redis is not there at start: start, not ready, and keep " \
			"trying; or end." \
	}

#endif
