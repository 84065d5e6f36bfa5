/* SPDX-License-Identifier: MIT */
/* See redis_conf.h. */
#include "redis/redis_conf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <nuncio/conf.h>

#include "redis/redis_buffer.h"
#include "redis/redis_tls.h"

enum { REDIS_PORT = 6379, SENTINEL_PORT = 26379, PASSWORD_BYTES = 512 };

static int read_addresses(
	struct redis_conf *conf, const char *key, uint16_t port, struct nuncio_error *err)
{
	char where[256];
	size_t n = nuncio_conf_count(conf->self, key);
	for (size_t i = 0; i < n; i++) {
		const char *text = nuncio_conf_item(conf->self, key, i);
		if (redis_address_parse(nuncio_text(text), port, &conf->addresses[i]) < 0) {
			nuncio_error_set(err, "%s: \"%.100s\" is not host:port",
				nuncio_conf_where(conf->self, key, where, sizeof where), text);
			return NUNCIO_E_INVAL;
		}
	}
	conf->address_count = n;
	if (n > 0)
		return 0;
	nuncio_error_set(
		err, "%s: no address", nuncio_conf_where(conf->self, key, where, sizeof where));
	return NUNCIO_E_INVAL;
}

static int read_form(struct redis_conf *conf, struct nuncio_error *err)
{
	bool has_sentinels = nuncio_conf_count(conf->self, "sentinels") > 0;
	bool is_cluster = nuncio_conf_int(conf->self, "cluster") != 0;
	if (has_sentinels && is_cluster) {
		nuncio_error_set(err, "sentinels and cluster = on exclude each other");
		return NUNCIO_E_INVAL;
	}
	if (is_cluster && nuncio_conf_int(conf->self, "db") != 0) {
		nuncio_error_set(err, "a Redis Cluster has no db but 0");
		return NUNCIO_E_INVAL;
	}
	conf->form = has_sentinels ? REDIS_SENTINEL : is_cluster ? REDIS_CLUSTER : REDIS_SINGLE;
	int rc = has_sentinels ? read_addresses(conf, "sentinels", SENTINEL_PORT, err)
			       : read_addresses(conf, "server", REDIS_PORT, err);
	if (rc < 0 || conf->form != REDIS_SINGLE || conf->address_count == 1)
		return rc;
	nuncio_error_set(err, "server: several only with cluster = on");
	return NUNCIO_E_INVAL;
}

static int read_password(struct redis_conf *conf, struct nuncio_error *err)
{
	const char *path = nuncio_conf_text(conf->self, "password_file");
	const char *word = nuncio_conf_text(conf->self, "password");
	char line[PASSWORD_BYTES + 2] = "";
	if (!path[0]) {
		conf->password = redis_copy(nuncio_text(word));
		return 0;
	}
	if (word[0]) {
		nuncio_error_set(err, "password and password_file exclude each other");
		return NUNCIO_E_INVAL;
	}
	FILE *file = fopen(path, "re");
	if (!file || !fgets(line, sizeof line, file) || strcspn(line, "\r\n") == 0 ||
		strcspn(line, "\r\n") > PASSWORD_BYTES) {
		nuncio_error_set(err, "password_file: %s: %s", path,
			file ? "has no password in its first line" : strerror(errno));
		if (file)
			fclose(file);
		return NUNCIO_E_INVAL;
	}
	fclose(file);
	conf->password = redis_copy((struct nuncio_str){ line, strcspn(line, "\r\n") });
	return 0;
}

int redis_conf_read(struct redis_conf *conf, struct nuncio_module *self, struct nuncio_error *err)
{
	*conf = (struct redis_conf){ .self = self };
	conf->master = redis_copy(nuncio_text(nuncio_conf_text(self, "master")));
	conf->user = redis_copy(nuncio_text(nuncio_conf_text(self, "user")));
	conf->prefix = redis_copy(nuncio_text(nuncio_conf_text(self, "prefix")));
	conf->sentinel_password =
		redis_copy(nuncio_text(nuncio_conf_text(self, "sentinel_password")));
	conf->db = nuncio_conf_int(self, "db");
	conf->timeout_ms = (uint32_t)nuncio_conf_int(self, "timeout");
	conf->retry_ms = (uint32_t)nuncio_conf_int(self, "retry");
	conf->retry_most_ms = (uint32_t)nuncio_conf_int(self, "retry_most");
	conf->queue = (uint32_t)nuncio_conf_int(self, "queue");
	conf->waits_at_start = strcmp(nuncio_conf_text(self, "start_without"), "wait") == 0;
	conf->has_tls = nuncio_conf_int(self, "tls") != 0;
	conf->checks_host = nuncio_conf_int(self, "tls_verify") != 0;
	int rc = read_form(conf, err);
	if (rc == 0)
		rc = read_password(conf, err);
	if (rc == 0 && conf->user[0] && !conf->password[0]) {
		nuncio_error_set(err, "user without password");
		rc = NUNCIO_E_INVAL;
	}
	if (rc == 0 && conf->has_tls)
		rc = redis_tls_context(
			nuncio_conf_text(self, "tls_ca"), conf->checks_host, &conf->tls, err);
	if (rc < 0)
		redis_conf_free(conf);
	return rc;
}

static void forget_secret(char **text)
{
	if (*text)
		explicit_bzero(*text, strlen(*text));
	free(*text);
	*text = NULL;
}

void redis_conf_free(struct redis_conf *conf)
{
	forget_secret(&conf->password);
	forget_secret(&conf->sentinel_password);
	free(conf->master);
	free(conf->user);
	free(conf->prefix);
	redis_tls_context_free(&conf->tls);
	*conf = (struct redis_conf){ 0 };
}
