/* SPDX-License-Identifier: MIT */
#include "settings.h"

/*
 * [core]: every option of the server itself, with its limits and its words for people.
 * --help-config and etc/nuncio.ini are made from this table. Values that are read once at start are
 * not LIVE; a reload says so.
 */

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/slice.h"
#include "base/utf8.h"
#include "wire/limits.h"

#ifndef NUNCIO_MODULE_DIR
#define NUNCIO_MODULE_DIR "/usr/lib/nuncio/modules"
#endif
#ifndef NUNCIO_STATE_DIR
#define NUNCIO_STATE_DIR "/var/lib/nuncio"
#endif

#define LIVE NUNCIO_OPT_LIVE
#define DAY_MS INT64_C(86400000)

static const struct nuncio_option core_table[] = {
	{ "listen", NUNCIO_OPT_LIST, 0, "127.0.0.1:8480", 1, 64, NULL,
		"Addresses for HTTP and WebSocket: 127.0.0.1:8480, [::1]:8480, or 8480 for every address of the host." },
	{ "user", NUNCIO_OPT_TEXT, 0, "", 0, 32, NULL,
		"User to become after the addresses are bound; required when started as root." },
	{ "data_dir", NUNCIO_OPT_PATH, 0, NUNCIO_STATE_DIR, 0, 0, NULL,
		"Folder of everything that the server keeps; relative paths of other options begin here." },
	{ "module_path", NUNCIO_OPT_PATH, 0, NUNCIO_MODULE_DIR, 0, 0, NULL,
		"Folder of the modules' .so files." },
	{ "node", NUNCIO_OPT_TEXT, 0, "", 0, 64, NULL,
		"Name of this server in logs and answers; empty: the host's name." },
	{ "node_number", NUNCIO_OPT_INT, 0, "0", 0, 1023, NULL,
		"Part of every event's id; different for servers that share a store." },
	{ "store", NUNCIO_OPT_TEXT, 0, "", 0, 64, NULL,
		"Module that stores; empty: the only one that is on." },
	{ "copy_to", NUNCIO_OPT_TEXT, 0, "", 0, 64, NULL,
		"Another module that stores, for `nuncioctl store copy`; empty: none." },
	{ "auth", NUNCIO_OPT_TEXT, 0, "", 0, 64, NULL,
		"Module that checks tokens; empty: the only one that is on." },
	{ "bus", NUNCIO_OPT_TEXT, 0, "", 0, 64, NULL,
		"Module that connects several nodes; empty: the only one that is on, or none." },
	{ "origins", NUNCIO_OPT_LIST, 0, "", 0, 256, NULL,
		"Origins of web pages that may connect beside the server's own host: https://chat.example; * for all." },
	{ "io_threads", NUNCIO_OPT_TEXT, 0, "auto", 1, 4, NULL,
		"Threads for sockets, 0 to 64; 0: sockets and logic share one thread; auto: the number of cores less one, but 0 on one or two cores, where a hand-over between threads costs more than it gives." },
	{ "workers", NUNCIO_OPT_INT, 0, "2", 1, 64, NULL,
		"Threads for work that may block, such as password hashing." },
	{ "spin", NUNCIO_OPT_INT, 0, "20", 0, 1000, NULL,
		"Microseconds that a thread looks for answers before it sleeps; saves wake-ups, costs idle CPU under load." },
	{ "max_connections", NUNCIO_OPT_INT, 0, "0", 0, 16000000, NULL,
		"Connections at the same time; 0: as many as the descriptor limit allows." },
	{ "user_sessions", NUNCIO_OPT_INT, LIVE, "100", 1, 100000, NULL,
		"Sessions that one user may have on this server at the same time; a further one is refused with `session_limit`." },
	{ "deflate", NUNCIO_OPT_BOOL, 0, "on", 0, 0, NULL,
		"Agree to permessage-deflate when a client asks for it." },
	{ "heartbeat", NUNCIO_OPT_MSEC, 0, "30s", 100, 3600000, NULL,
		"Ping a WebSocket after this much silence; close it after twice as much." },
	{ "auth_timeout", NUNCIO_OPT_MSEC, 0, "10s", 100, 600000, NULL,
		"Time for session.open to come." },
	{ "request_timeout", NUNCIO_OPT_MSEC, LIVE, "10s", 1000, 600000, NULL,
		"A request that its module has not answered by then is answered `timeout`." },
	{ "head_timeout", NUNCIO_OPT_MSEC, 0, "10s", 100, 600000, NULL,
		"Time for a whole HTTP request head." },
	{ "body_timeout", NUNCIO_OPT_MSEC, 0, "30s", 100, 600000, NULL,
		"Time for a whole HTTP request body." },
	{ "idle_timeout", NUNCIO_OPT_MSEC, 0, "60s", 100, 3600000, NULL,
		"Time that a kept HTTP connection may be idle." },
	{ "stall_timeout", NUNCIO_OPT_MSEC, 0, "30s", 100, 600000, NULL,
		"A peer that takes nothing of what is queued for so long is disconnected." },
	{ "drain_timeout", NUNCIO_OPT_MSEC, LIVE, "10s", 0, 600000, NULL,
		"At SIGTERM: time for sessions to close and requests to be answered." },
	{ "retry_after", NUNCIO_OPT_MSEC, LIVE, "5s", 0, 600000, NULL,
		"Clients of a stopping server are asked to come back after this time." },
	{ "retry_spread", NUNCIO_OPT_MSEC, LIVE, "5s", 0, 3600000, NULL,
		"... and up to so much later, each at a moment of its own, so that those of a large server do not come all at once." },
	{ "body_limit", NUNCIO_OPT_BYTES, LIVE, "56K", 1024, LIMIT_BODY_BYTES, NULL,
		"Largest body of a message." },
	{ "http_body_limit", NUNCIO_OPT_BYTES, 0, "1M", 1024, 64 << 20, NULL,
		"Largest body of an HTTP request." },
	{ "http_open_body_limit", NUNCIO_OPT_BYTES, 0, "64K", 1024, 64 << 20, NULL,
		"Largest body of an HTTP request without the header Authorization." },
	{ "http_memory", NUNCIO_OPT_BYTES, 0, "64M", 1 << 20, INT64_C(1) << 40, NULL,
		"Bytes of HTTP requests that one I/O thread may hold until they are answered, and of answers until they have left; over it (half of it for what is still arriving) requests and answers of more than 4 KiB become 503." },
	{ "queue_limit", NUNCIO_OPT_BYTES, 0, "1M", 65536, 1 << 30, NULL,
		"Bytes that may wait for one slow WebSocket; over it the connection is closed with 4003." },
	{ "inflight", NUNCIO_OPT_INT, 0, "64", 1, 4096, NULL,
		"Requests of one WebSocket that may wait for answers; then reading stops." },
	{ "mailbox_limit", NUNCIO_OPT_INT, 0, "65536", 1024, 16 << 20, NULL,
		"Messages that may wait for the logic thread; over half of it sockets are not read." },
	{ "mailbox_bytes", NUNCIO_OPT_BYTES, 0, "64M", 1 << 20, INT64_C(1) << 32, NULL,
		"Bytes of requests that may wait for the logic thread; over half of it sockets are not read." },
	{ "store_queue", NUNCIO_OPT_INT, 0, "10000", 16, 16 << 20, NULL,
		"Jobs that may wait for each thread of the store; then requests are answered `busy`." },
	{ "control", NUNCIO_OPT_TEXT, 0, "nunciod.ctl", 0, 107, NULL,
		"Socket that nuncioctl asks, in data_dir unless it begins with /; only root and the server's own user may. Empty: none." },
	{ "slow_callback", NUNCIO_OPT_MSEC, LIVE, "5ms", 0, 60000, NULL,
		"A module's callback that takes longer is logged; 0: none is." },
	{ "answer_timeout", NUNCIO_OPT_MSEC, LIVE, "0", 0, 600000, NULL,
		"Time that a module may take to answer a may_* question later, whatever it says itself; then the question is refused. Less than request_timeout; 0: four fifths of it." },
	{ "fail_open", NUNCIO_OPT_LIST, LIVE, "", 0, 64, NULL,
		"Questions that are passed on instead of refused when their module does not answer in time: may_send, webhook, webhook.may_send; * for all. Who may enter a conversation, and what middleware guards, is always refused." },
	{ "metrics", NUNCIO_OPT_CHOICE, LIVE, "local", 0, 0, "off local on",
		"Who may read /metrics: nobody, this machine, everybody." },
	{ "log", NUNCIO_OPT_TEXT, 0, "-", 1, 4096, NULL,
		"File of the log; - is standard error. SIGHUP opens it anew." },
	{ "log_level", NUNCIO_OPT_CHOICE, LIVE, "info", 0, 0, "debug info warn error",
		"Lowest level that is written." },
	{ 0 },
};

int settings_options(struct options **options_r, struct nuncio_error *err)
{
	return options_new("core", "The server itself.", core_table, sizeof(struct nuncio_option),
		options_r, err);
}

static int io_threads_of(const struct options *core, int64_t *count_r)
{
	struct nuncio_str text = str_of(options_text(core, "io_threads"));
	if (str_eq_text(text, "auto")) {
		long cores = sysconf(_SC_NPROCESSORS_ONLN);
		*count_r = cores <= 2 ? 0 : cores > 65 ? 64 : cores - 1;
		return 0;
	}
	return str_to_i64(text, count_r) < 0 || *count_r < 0 || *count_r > 64 ? NUNCIO_E_INVAL : 0;
}

void settings_fault(
	const struct options *core, const char *key, struct option_faults *faults, const char *what)
{
	struct buf where = { 0 };
	options_where(core, key, &where);
	option_fault(faults, STR_FMT ": %s", STR_ARG(buf_str(&where)), what);
	buf_fini(&where);
}

/* Which modules there are is not known yet; which hooks, is. */
static void check_fail_open(
	const struct options *core, const char *item, struct option_faults *faults)
{
	static const char chars[] = "abcdefghijklmnopqrstuvwxyz0123456789_";
	struct nuncio_str first, second;
	bool is_both = str_cut(str_of(item), '.', &first, &second);
	struct nuncio_str hook = is_both ? second : first;
	bool is_name = first.n && strspn(item, chars) == first.n;
	if (strcmp(item, "*") == 0)
		return;
	if (!is_name || (is_both && strspn(second.p, chars) != second.n))
		settings_fault(core, "fail_open", faults,
			"each must be *, a hook, a module, or module.hook");
	else if ((is_both || str_starts(hook, STR("may_"))) && !hook_by_name(hook))
		settings_fault(core, "fail_open", faults, "there is no such may_* hook");
}

/* What the types of the table cannot say. */
void settings_check(const struct options *core, struct option_faults *faults)
{
	int64_t count;
	struct nuncio_error err;
	if (io_threads_of(core, &count) < 0)
		settings_fault(core, "io_threads", faults, "must be auto or a number from 0 to 64");
	if (options_int(core, "answer_timeout") >= options_int(core, "request_timeout"))
		settings_fault(core, "answer_timeout", faults,
			"must be less than request_timeout: one question must not use up all the time of its request");
	for (size_t i = 0; i < options_count(core, "fail_open"); i++)
		check_fail_open(core, options_item(core, "fail_open", i), faults);
	for (size_t i = 0; i < options_count(core, "listen"); i++)
		if (io_check_address(options_item(core, "listen", i), &err) < 0)
			settings_fault(core, "listen", faults, err.text);
}

unsigned settings_io_threads(const struct options *core)
{
	int64_t count = 1;
	return io_threads_of(core, &count) < 0 ? 1 : (unsigned)count;
}

static const char *const *list_of(const struct options *core, const char *key, size_t *count_r)
{
	size_t n = options_count(core, key);
	const char **texts = ALLOC_ARRAY(const char *, n + 1);
	for (size_t i = 0; i < n; i++)
		texts[i] = options_item(core, key, i);
	*count_r = n;
	return texts;
}

void settings_io(const struct options *core, struct io_settings *io)
{
	io_settings_init(io);
	io->listen = list_of(core, "listen", &io->listen_count);
	io->origins = list_of(core, "origins", &io->origin_count);
	io->heartbeat_ms = (uint32_t)options_int(core, "heartbeat");
	io->head_ms = (uint32_t)options_int(core, "head_timeout");
	io->body_ms = (uint32_t)options_int(core, "body_timeout");
	io->idle_ms = (uint32_t)options_int(core, "idle_timeout");
	io->stall_ms = (uint32_t)options_int(core, "stall_timeout");
	io->max_connections = (uint32_t)options_int(core, "max_connections");
	io->inflight = (uint32_t)options_int(core, "inflight");
	io->body_bytes = (size_t)options_int(core, "http_body_limit");
	io->open_body_bytes = (size_t)options_int(core, "http_open_body_limit");
	io->http_bytes = (size_t)options_int(core, "http_memory");
	io->queue_bytes = (size_t)options_int(core, "queue_limit");
	io->spin_us = (unsigned)options_int(core, "spin");
	io->deflate = options_int(core, "deflate") != 0;
}

void settings_io_fini(struct io_settings *io)
{
	alloc_free((void *)io->listen);
	alloc_free((void *)io->origins);
	io->listen = io->origins = NULL;
}

/* "may_send", "webhook" or "webhook.may_send" in the list; "*" is all. */
static bool fails_open(const char *module, const char *hook, void *user)
{
	const struct options *core = user;
	for (size_t i = 0; i < options_count(core, "fail_open"); i++) {
		struct nuncio_str item = str_of(options_item(core, "fail_open", i)), first, second;
		bool is_both = str_cut(item, '.', &first, &second);
		if (str_eq_text(item, "*") || str_eq_text(item, module) ||
			str_eq_text(item, hook) ||
			(is_both && str_eq_text(first, module) && str_eq_text(second, hook)))
			return true;
	}
	return false;
}

/* A question ends before its request does, so that the client hears who refused and why. */
static uint32_t answer_limit_ms(const struct options *core)
{
	int64_t limit_ms = options_int(core, "answer_timeout");
	return (uint32_t)(limit_ms ? limit_ms : options_int(core, "request_timeout") * 4 / 5);
}

void settings_hooks(const struct options *core, struct hook_settings *hooks)
{
	hooks->slow_us = options_int(core, "slow_callback") * 1000;
	hooks->answer_limit_ms = answer_limit_ms(core);
	hooks->fails_open = fails_open;
	hooks->fails_open_user = (void *)core;
}

static int metrics_access(const char *word)
{
	if (strcmp(word, "on") == 0)
		return LOGIC_METRICS_ON;
	return strcmp(word, "local") == 0 ? LOGIC_METRICS_LOCAL : LOGIC_METRICS_OFF;
}

void settings_logic(const struct options *core, struct logic_settings *logic)
{
	logic->node = settings_node(core);
	logic->heartbeat_ms = options_int(core, "heartbeat");
	logic->auth_timeout_ms = options_int(core, "auth_timeout");
	logic->request_timeout_ms = options_int(core, "request_timeout");
	logic->drain_timeout_ms = options_int(core, "drain_timeout");
	logic->retry_after_ms = options_int(core, "retry_after");
	logic->retry_spread_ms = options_int(core, "retry_spread");
	logic->body_bytes = (uint32_t)options_int(core, "body_limit");
	logic->page_limit = 100;
	logic->user_sessions = (uint32_t)options_int(core, "user_sessions");
	logic->metrics_access = metrics_access(options_text(core, "metrics"));
}

void settings_control_path(const struct options *core, struct buf *out)
{
	const char *path = options_text(core, "control");
	if (path[0] && path[0] != '/')
		buf_printf(out, "%s/", options_text(core, "data_dir"));
	buf_add_text(out, path);
}

int settings_log_level(const struct options *core)
{
	static const char *const words[] = { "debug", "info", "warn", "error" };
	const char *word = options_text(core, "log_level");
	for (int i = 0; i < 4; i++)
		if (strcmp(word, words[i]) == 0)
			return LOG_LEVEL_DEBUG + i;
	return LOG_LEVEL_INFO;
}

const char *settings_node(const struct options *core)
{
	static char host[65];
	const char *node = options_text(core, "node");
	if (node[0])
		return node;
	if (!host[0] && (gethostname(host, sizeof host - 1) < 0 ||
				!utf8_is_valid(host, strlen(host)) || !host[0]))
		snprintf(host, sizeof host, "nuncio");
	return host;
}
