/* SPDX-License-Identifier: MIT */
/*
 * A bus for tests: nodes on one machine, one datagram socket each, all in the folder `folder`. A
 * thread receives; what it gets goes to the logic thread. Every node sends everything to every
 * other one, with its topics in front, and the receiver looks whether it is interested. Who is
 * interested in what is said at once, and again when a new node says hello, so that `find` knows.
 *
 * Datagram: kind, 3 bytes of rest of the head, then "topic\n" ... "\n", then the frame.
 */
#include <dirent.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <nuncio/bus.h>
#include <nuncio/conf.h>
#include <nuncio/hooks.h>
#include <nuncio/json.h>
#include <nuncio/log.h>
#include <nuncio/request.h>
#include <nuncio/session.h>
#include <nuncio/timer.h>

#define TEXT(text) ((struct nuncio_str){ text, sizeof(text) - 1 })

enum { DATAGRAM_BYTES = 160 * 1024, TOPICS_MAX = 100, TOPIC_BYTES = 200, LINES_MAX = 100 };

struct topic { /* somebody's interest */
	char node[100], name[TOPIC_BYTES];
};

struct parcel { /* from the thread to the logic thread */
	struct bus *bus;
	size_t n;
	char bytes[];
};

struct bus {
	struct nuncio_module *self;
	int fd;
	char own[100]; /* file name of our socket */
	pthread_t thread;
	int is_deaf;                     /* what comes is lost */
	struct topic topics[TOPICS_MAX]; /* ours have node = own */
	char lines[LINES_MAX][200];      /* what this node was told */
	size_t line_count;
};

static void note(struct bus *bus, const char *format, ...)
{
	va_list args;
	if (bus->line_count == LINES_MAX)
		return;
	va_start(args, format);
	vsnprintf(bus->lines[bus->line_count++], sizeof bus->lines[0], format, args);
	va_end(args);
}

/* ---- topics ---- */

static struct topic *find_topic(struct bus *bus, const char *node, const char *name)
{
	for (int i = 0; i < TOPICS_MAX; i++)
		if (strcmp(bus->topics[i].node, node) == 0 &&
			strcmp(bus->topics[i].name, name) == 0)
			return &bus->topics[i];
	return NULL;
}

static void set_topic(struct bus *bus, const char *node, const char *name, int on)
{
	struct topic *topic = find_topic(bus, node, name);
	if (!on && topic) {
		memset(topic, 0, sizeof *topic);
	} else if (on && !topic) {
		topic = find_topic(bus, "", "");
		if (!topic)
			abort();
		snprintf(topic->node, sizeof topic->node, "%s", node);
		snprintf(topic->name, sizeof topic->name, "%s", name);
	}
}

/* ---- out ---- */

static void send_to(struct bus *bus, const char *node, const char *bytes, size_t n)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	snprintf(to.sun_path, sizeof to.sun_path, "%s/%s", nuncio_conf_text(bus->self, "folder"),
		node);
	sendto(bus->fd, bytes, n, MSG_DONTWAIT, (struct sockaddr *)&to, sizeof to);
}

static void send_all(struct bus *bus, const char *bytes, size_t n)
{
	DIR *folder = opendir(nuncio_conf_text(bus->self, "folder"));
	struct dirent *entry;
	while (folder && (entry = readdir(folder)))
		if (entry->d_name[0] != '.' && strcmp(entry->d_name, bus->own) != 0)
			send_to(bus, entry->d_name, bytes, n);
	if (folder)
		closedir(folder);
}

/* "kind node\n" and a text. */
static void say(struct bus *bus, char kind, const char *text)
{
	char bytes[400];
	int n = snprintf(bytes, sizeof bytes, "%c%s\n%s", kind, bus->own, text);
	send_all(bus, bytes, (size_t)n);
}

static void on_publish(
	void *impl, const struct nuncio_str *topics, size_t n, struct nuncio_str frame)
{
	struct bus *bus = impl;
	char *bytes = malloc(DATAGRAM_BYTES);
	size_t used = (size_t)snprintf(bytes, 200, "F%s\n", bus->own);
	for (size_t i = 0; i < n; i++)
		used += (size_t)snprintf(
			bytes + used, TOPIC_BYTES + 2, "%.*s\n", (int)topics[i].n, topics[i].p);
	if (n == 0)
		used += (size_t)snprintf(bytes + used, 10, "*\n");
	bytes[used++] = '\n';
	memcpy(bytes + used, frame.p, frame.n);
	send_all(bus, bytes, used + frame.n);
	free(bytes);
}

static void on_interest(void *impl, struct nuncio_str topic, int on)
{
	struct bus *bus = impl;
	char name[TOPIC_BYTES];
	snprintf(name, sizeof name, "%.*s", (int)topic.n, topic.p);
	set_topic(bus, bus->own, name, on);
	say(bus, on ? '+' : '-', name);
}

static void on_find(
	void *impl, const struct nuncio_str *topics, size_t n, struct nuncio_bus_ask *ask)
{
	struct bus *bus = impl;
	unsigned char *yes = calloc(n, 1);
	for (size_t i = 0; i < n; i++)
		for (int k = 0; k < TOPICS_MAX; k++)
			yes[i] |= bus->topics[k].node[0] &&
				  strcmp(bus->topics[k].node, bus->own) != 0 &&
				  strlen(bus->topics[k].name) == topics[i].n &&
				  memcmp(bus->topics[k].name, topics[i].p, topics[i].n) == 0;
	nuncio_bus_found(&ask, 0, yes, n);
	free(yes);
}

static const struct nuncio_bus_ops ops = {
	.size = sizeof ops, .publish = on_publish, .interest = on_interest, .find = on_find
};

/* ---- in ---- */

static void take_frame(struct bus *bus, char *topics, struct nuncio_str frame)
{
	char *rest = topics, *topic;
	int is_wanted = 0;
	while ((topic = strsep(&rest, "\n")) && *topic)
		is_wanted |= strcmp(topic, "*") == 0 || find_topic(bus, bus->own, topic);
	if (is_wanted)
		nuncio_bus_received(bus->self, frame);
}

static void take(struct bus *bus, char *bytes, size_t n)
{
	char *node = bytes + 1, *rest = memchr(bytes, '\n', n);
	if (!rest)
		return;
	*rest++ = '\0';
	switch (bytes[0]) {
	case 'H': /* a new node: tells it what we are interested in, as everybody does */
		for (int i = 0; i < TOPICS_MAX; i++)
			if (strcmp(bus->topics[i].node, bus->own) == 0)
				say(bus, '+', bus->topics[i].name);
		break;
	case '+':
	case '-':
		set_topic(bus, node, rest, bytes[0] == '+');
		break;
	case 'F': {
		char *end = strstr(rest, "\n\n");
		if (!end || bus->is_deaf)
			return;
		end[1] = '\0';
		take_frame(
			bus, rest, (struct nuncio_str){ end + 2, n - (size_t)(end + 2 - bytes) });
	}
	}
}

static void on_parcel(void *user)
{
	struct parcel *parcel = user;
	take(parcel->bus, parcel->bytes, parcel->n);
	free(parcel);
}

/* An empty datagram ends it. */
static void *receive(void *user)
{
	struct bus *bus = user;
	char *bytes = malloc(DATAGRAM_BYTES);
	ssize_t n;
	while ((n = recv(bus->fd, bytes, DATAGRAM_BYTES - 1, 0)) > 0) {
		struct parcel *parcel = malloc(sizeof *parcel + (size_t)n + 1);
		parcel->bus = bus;
		parcel->n = (size_t)n;
		memcpy(parcel->bytes, bytes, (size_t)n);
		parcel->bytes[n] = '\0';
		if (nuncio_on_logic(bus->self, on_parcel, parcel) < 0)
			free(parcel);
	}
	free(bytes);
	return NULL;
}

/* ---- what this node was told ---- */

static void on_event(const struct nuncio_told *what, void *user)
{
	note(user, "event %.*s %u", (int)what->event->body.n, what->event->body.p, what->is_remote);
}

static void on_mark(const struct nuncio_mark *what, void *user)
{
	note(user, "mark %.*s %llu %u", (int)what->user.n, what->user.p,
		(unsigned long long)what->delivered, what->is_remote);
}

static void on_miss(const struct nuncio_miss *what, void *user)
{
	note(user, "miss %.*s", (int)what->user.n, what->user.p);
}

static void on_peer(struct nuncio_str data, void *user)
{
	note(user, "peer %.*s", (int)data.n, data.p);
}

static void on_get(struct nuncio_request *rq, void *user)
{
	struct bus *bus = user;
	struct nuncio_json *json = nuncio_json_new();
	nuncio_json_array_begin(json);
	for (size_t i = 0; i < bus->line_count; i++)
		nuncio_json_put_text(
			json, (struct nuncio_str){ bus->lines[i], strlen(bus->lines[i]) });
	nuncio_json_array_end(json);
	nuncio_reply(&rq, 200, nuncio_json_str(json));
	nuncio_json_free(&json);
}

static void on_tell(struct nuncio_request *rq, void *user)
{
	struct nuncio_str to = { NULL, 0 };
	struct bus *bus = user;
	nuncio_request_text(rq, "to", &to);
	nuncio_peer_send(bus->self, "hello", to, TEXT("hello"));
	nuncio_reply(&rq, 200, TEXT("{}"));
}

static void on_deaf(struct nuncio_request *rq, void *user)
{
	struct bus *bus = user;
	bus->is_deaf = !bus->is_deaf;
	nuncio_reply(&rq, 200, bus->is_deaf ? TEXT("true") : TEXT("false"));
}

/* As if it had been cut off; with junk as the first thing that it brings again. */
static void on_recover(struct nuncio_request *rq, void *user)
{
	struct bus *bus = user;
	nuncio_bus_received(bus->self, TEXT("junk"));
	nuncio_bus_recovered(bus->self);
	nuncio_reply(&rq, 200, nuncio_bus_is_there() ? TEXT("true") : TEXT("false"));
}

/* ---- life ---- */

static const struct nuncio_field to_fields[] = {
	{ "to", NUNCIO_FIELD_TEXT, 0, 1, 64, "who" },
	{ 0 },
};
#define COMMAND(OP, FN) \
	{ \
		.size = sizeof(struct nuncio_command), .op = (OP), .help = "Of the test.", \
		.fields = to_fields, .field_size = sizeof(struct nuncio_field), .fn = (FN) \
	}
static const struct nuncio_command commands[] = { COMMAND("bus.told", on_get),
	COMMAND("bus.tell", on_tell), COMMAND("bus.recover", on_recover),
	COMMAND("bus.deaf", on_deaf) };

static int add_hooks(struct nuncio_module *self, struct bus *bus)
{
	int rc = nuncio_hook_did_event(self, 0, on_event, bus);
	if (rc == 0)
		rc = nuncio_hook_did_mark(self, 0, on_mark, bus);
	if (rc == 0)
		rc = nuncio_hook_did_miss(self, 0, on_miss, bus);
	for (size_t i = 0; rc == 0 && i < sizeof commands / sizeof commands[0]; i++)
		rc = nuncio_command_add(self, &commands[i], bus);
	return rc < 0 ? rc : nuncio_peer_add(self, "hello", on_peer, bus);
}

static int init(struct nuncio_module *self, struct nuncio_error *err)
{
	struct bus *bus = calloc(1, sizeof *bus);
	(void)err;
	bus->self = self;
	bus->fd = -1;
	nuncio_module_set_data(self, bus);
	int rc = nuncio_provide_bus(self, &ops, bus);
	if (rc == 0)
		rc = add_hooks(self, bus);
	if (rc < 0)
		free(bus);
	return rc;
}

static int start(struct nuncio_module *self, struct nuncio_error *err)
{
	struct bus *bus = nuncio_module_data(self);
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	snprintf(bus->own, sizeof bus->own, "%s", nuncio_conf_node());
	snprintf(at.sun_path, sizeof at.sun_path, "%s/%s", nuncio_conf_text(self, "folder"),
		bus->own);
	bus->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (bus->fd < 0 || bind(bus->fd, (struct sockaddr *)&at, sizeof at) < 0) {
		nuncio_error_set(err, "cannot bind %s", at.sun_path);
		return NUNCIO_E_FAIL;
	}
	if (pthread_create(&bus->thread, NULL, receive, bus) != 0)
		return NUNCIO_E_FAIL;
	say(bus, 'H', "");
	return 0;
}

static void stop(struct nuncio_module *self)
{
	struct bus *bus = nuncio_module_data(self);
	send_to(bus, bus->own, "", 0);
	pthread_join(bus->thread, NULL);
}

static void fini(struct nuncio_module *self)
{
	struct bus *bus = nuncio_module_data(self);
	if (bus->fd >= 0)
		close(bus->fd);
	free(bus);
}

static const struct nuncio_option options[] = {
	{ .key = "folder", .type = NUNCIO_OPT_PATH, .help = "Folder of the sockets." },
	{ 0 },
};

NUNCIO_MODULE("api_bus", .summary = "a bus between servers on one machine", .options = options,
	.init = init, .start = start, .stop = stop, .fini = fini)
