/* SPDX-License-Identifier: MIT */
/* Two nodes whose bus is a function call: who is told of what, and what crosses. */
#include "logic/cluster.h"

#include <stdio.h>
#include <time.h>

#include "base/alloc.h"
#include "base/slice.h"
#include "hook/callback.h"
#include "logic/bus_frame.h"
#include "logic/deliver.h"
#include "logic/logic.h"
#include "logic/miss.h"
#include "logic/reach.h"
#include "logic/told.h"
#include "provide/bus.h"

#include "tests/lib/room.h"
#include "tests/lib/unit.h"

enum { A, B, NODES, TOPICS_MAX = 20 };

static struct node {
	struct loopback lb;
	char topics[TOPICS_MAX][80]; /* what it is interested in */
	char line[400];              /* what its modules were told */
	int frames;                  /* that came to it */
	struct metric *malformed;
	struct peer *peer;
	struct callback stats;
} nodes[NODES];
static int find_status;
static char audience[] = "alice bob ~r:x";
static struct buf last_frame;

static void note(struct node *node, const char *format, ...)
{
	size_t n = strlen(node->line);
	va_list args;
	va_start(args, format);
	if (n)
		node->line[n++] = ' ';
	vsnprintf(node->line + n, sizeof node->line - n, format, args);
	va_end(args);
}

/* ---- the bus ---- */

static char *find_topic(struct node *node, struct nuncio_str topic)
{
	for (int i = 0; i < TOPICS_MAX; i++)
		if (str_eq_text(topic, node->topics[i]))
			return node->topics[i];
	return NULL;
}

static struct node *other_of(struct node *node)
{
	return node == &nodes[A] ? &nodes[B] : &nodes[A];
}

static void publish(void *impl, const struct nuncio_str *topics, size_t n, struct nuncio_str frame)
{
	struct node *other = other_of(impl);
	bool is_wanted = n == 0;
	for (size_t i = 0; i < n; i++)
		is_wanted |= find_topic(other, topics[i]) != NULL;
	assert_true(frame.n <= BUS_FRAME_BYTES);
	buf_reset(&last_frame);
	buf_add_str(&last_frame, frame);
	if (!is_wanted)
		return;
	other->frames++;
	cluster_received(other->lb.logic, frame);
}

static void interest(void *impl, struct nuncio_str topic, int on)
{
	struct node *node = impl;
	char *at = find_topic(node, topic);
	assert_true((at == NULL) == (on != 0)); /* begins once, ends once */
	if (on)
		snprintf(
			find_topic(node, STR("")), sizeof node->topics[0], STR_FMT, STR_ARG(topic));
	else
		at[0] = '\0';
}

static void find(void *impl, const struct nuncio_str *topics, size_t n, struct nuncio_bus_ask *ask)
{
	unsigned char yes[10] = { 0 };
	for (size_t i = 0; i < n; i++)
		yes[i] = find_topic(other_of(impl), topics[i]) != NULL;
	nuncio_bus_found(&ask, find_status, yes, n);
}

static const struct nuncio_bus_ops ops = {
	.size = sizeof ops, .publish = publish, .interest = interest, .find = find
};

/* ---- hooks ---- */

static void on_event(const struct nuncio_told *what, void *user)
{
	note(user, "event:" STR_FMT ":%u", STR_ARG(what->event->body), what->is_remote);
}

static void on_mark(const struct nuncio_mark *what, void *user)
{
	note(user, "mark:" STR_FMT ":" STR_FMT ":%llu:%llu:%u", STR_ARG(what->user),
		STR_ARG(what->conversation), (unsigned long long)what->delivered,
		(unsigned long long)what->read, what->is_remote);
}

static void on_miss(const struct nuncio_miss *what, void *user)
{
	note(user, "miss:" STR_FMT, STR_ARG(what->user));
}

static void on_peer(struct nuncio_str data, void *user)
{
	note(user, "peer:" STR_FMT, STR_ARG(data));
}

/* ---- the rig ---- */

static void start(struct node *node)
{
	struct loopback *lb = &node->lb;
	const struct provider p = { .job = "bus", .name = "t", .ops = &ops, .impl = node };
	loopback_init(lb);
	lb->logic->settings.retry_after_ms = 120;
	node->malformed = lb->logic->count.bus_malformed =
		metric_new_counter(lb->metrics, "malformed_total", "", NULL);
	hook_table_add(
		lb->hooks, NUNCIO_HOOK_did_event, 0, "t", 0, (nuncio_any_fn *)on_event, node);
	hook_table_add(lb->hooks, NUNCIO_HOOK_did_mark, 0, "t", 0, (nuncio_any_fn *)on_mark, node);
	hook_table_add(lb->hooks, NUNCIO_HOOK_did_miss, 0, "t", 0, (nuncio_any_fn *)on_miss, node);
	room_add(lb, audience);
	assert_int_equal(
		cluster_peer_add(lb->logic, "t", "p", on_peer, node, &node->stats, &node->peer), 0);
	bus_use(lb->bus, &p);
	loopback_ready(lb);
	bus_start(lb->bus);
}

static int setup(void **state)
{
	(void)state;
	memset(nodes, 0, sizeof nodes);
	find_status = 0;
	start(&nodes[A]);
	start(&nodes[B]);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	for (int i = 0; i < NODES; i++)
		cluster_peer_remove(&nodes[i].peer);
	loopback_fini(&nodes[A].lb);
	loopback_fini(&nodes[B].lb);
	for (int i = 0; i < NODES; i++)
		for (int k = 0; k < TOPICS_MAX; k++)
			assert_string_equal(nodes[i].topics[k], ""); /* all ended */
	buf_fini(&last_frame);
	return 0;
}

static nuncio_sid log_in(int node, const char *token)
{
	return loopback_login(&nodes[node].lb, token);
}

static void store(int node, struct nuncio_event event, nuncio_sid from)
{
	struct told told = { .event = &event, .from = from };
	event.size = sizeof event;
	event.conversation = STR("r:x");
	event.seq = 7;
	if (!event.type.n)
		event.type = STR("message");
	event.from = STR("alice");
	event.kind = STR("text");
	event.body = STR("\"hi\"");
	told_stored(nodes[node].lb.logic, &told);
}
#define PLAIN ((struct nuncio_event){ .flags = 0 })

/* The next thing that came out of a node. */
static const char *next(int node)
{
	loopback_turn(&nodes[node].lb);
	return loopback_next(&nodes[node].lb);
}

static void assert_has(const char *line, const char *part)
{
	if (!strstr(line, part))
		assert_string_equal(line, part);
}

/* ---- */

static void interest_follows_sessions_and_live_sides(void **state)
{
	struct node *a = &nodes[A];
	(void)state;
	nuncio_sid one = log_in(A, "good:bob:one"), two = log_in(A, "good:bob:two");
	assert_non_null(find_topic(a, STR("u:bob")));
	live_join(a->lb.logic, STR("r:x"), STR("bob"));
	assert_non_null(find_topic(a, STR("c:r:x")));
	loopback_closed(&a->lb, one);
	assert_non_null(find_topic(a, STR("u:bob")));
	loopback_closed(&a->lb, two);
	assert_null(find_topic(a, STR("u:bob")));
	assert_non_null(find_topic(a, STR("c:r:x"))); /* kept a while */
	lives_reclaim(a->lb.logic, loop_now_ms(a->lb.loop) + LIVE_IDLE_MS, false);
	assert_null(find_topic(a, STR("c:r:x")));
}

static void events_reach_users_on_other_nodes(void **state)
{
	(void)state;
	nuncio_sid alice = log_in(A, "good:alice");
	log_in(B, "good:alice:phone");
	log_in(B, "good:bob");
	log_in(B, "good:carol");
	store(A, PLAIN, alice);
	assert_string_equal(next(A), "nothing"); /* who sent it knows */
	loopback_turn(&nodes[B].lb);
	struct io_send *send = (struct io_send *)nodes[B].lb.received;
	assert_non_null(send);
	assert_int_equal(send->count, 2);
	const char *line = next(B);
	assert_has(line, "\"op\":\"message.new\",\"data\":{\"event\":\"message\"");
	assert_has(line, "\"conversation\":\"r:x\",\"seq\":7,");
	assert_string_equal(next(B), "nothing");
	assert_string_equal(nodes[A].line, "event:\"hi\":0");
	assert_string_equal(nodes[B].line, "event:\"hi\":1");
}

static void a_live_side_reaches_over_nodes(void **state)
{
	struct nuncio_event change = { .target = 3, .type = STR("edit") };
	(void)state;
	log_in(B, "good:mia");
	store(A, PLAIN, 0);
	assert_int_equal(nodes[B].frames, 0); /* not interested */
	live_join(nodes[B].lb.logic, STR("r:x"), STR("mia"));
	store(A, change, 0);
	assert_int_equal(nodes[B].frames, 1);
	assert_has(next(B), "\"op\":\"message.changed\"");
	assert_string_equal(nodes[B].line, "event:\"hi\":1");
}

static void notifies_cross(void **state)
{
	(void)state;
	log_in(A, "good:bob");
	log_in(B, "good:bob:two");
	assert_int_equal(
		deliver_notify_user(nodes[A].lb.logic, STR("bob"), STR("receipt"), STR("{}"), 0),
		1);
	assert_has(next(A), "\"op\":\"receipt\"");
	assert_has(next(B), "\"op\":\"receipt\"");
	assert_int_equal(
		deliver_notify_audience(nodes[B].lb.logic, STR("r:x"), STR("typing"), STR("{}"), 0),
		1);
	assert_has(next(A), "\"op\":\"typing\"");
	assert_has(next(B), "\"op\":\"typing\"");
	assert_string_equal(next(A), "nothing");
	assert_string_equal(next(B), "nothing");
}

static void marks_cross(void **state)
{
	const struct nuncio_mark mark = {
		.user = STR("alice"), .conversation = STR("r:x"), .delivered = 5, .read = 3
	};
	(void)state;
	cluster_publish_mark(nodes[A].lb.logic, &mark);
	assert_string_equal(nodes[B].line, ""); /* nobody there */
	log_in(B, "good:bob");
	cluster_publish_mark(nodes[A].lb.logic, &mark);
	assert_string_equal(nodes[B].line, "mark:alice:r:x:5:3:1");
}

static void modules_talk_to_themselves(void **state)
{
	char *large = alloc_zero(64 * 1024 + 1);
	struct logic *a = nodes[A].lb.logic;
	struct peer *again;
	(void)state;
	assert_int_equal(
		cluster_peer_add(a, "t", "p", on_peer, NULL, NULL, &again), NUNCIO_E_EXISTS);
	assert_int_equal(cluster_peer_send(a, "t", "p", STR(""), STR("all")), 0);
	assert_int_equal(cluster_peer_send(a, "t", "p", STR("bob"), STR("none")), 0);
	assert_int_equal(cluster_peer_send(a, "t", "q", STR(""), STR("other")), 0);
	log_in(B, "good:bob");
	assert_int_equal(cluster_peer_send(a, "t", "p", STR("bob"), STR("bobs")), 0);
	assert_string_equal(nodes[B].line, "peer:all peer:bobs");
	assert_int_equal(nodes[B].stats.stats.calls, 2);
	assert_string_equal(nodes[A].line, "");
	assert_int_equal(cluster_peer_send(
				 a, "t", "p", STR(""), (struct nuncio_str){ large, 64 * 1024 + 1 }),
		NUNCIO_E_TOOBIG);
	assert_int_equal(
		cluster_peer_send(a, "t", "p", STR(""), (struct nuncio_str){ large, 64 * 1024 }),
		0);
	alloc_free(large);
}

static void who_is_elsewhere_has_missed_nothing(void **state)
{
	(void)state;
	log_in(B, "good:bob");
	store(A, PLAIN, 0);
	assert_string_equal(nodes[A].line, "event:\"hi\":0");
	assert_string_equal(nodes[B].line, "event:\"hi\":1"); /* and B tells nobody either */
	find_status = NUNCIO_E_FAIL;
	store(A, PLAIN, 0);
	assert_string_equal(nodes[A].line, "event:\"hi\":0 event:\"hi\":0 miss:bob");
	find_status = 0;
	nodes[A].line[0] = '\0';
	loopback_closed(&nodes[B].lb, nodes[B].lb.logic->sessions.threads[0].slots[0]->id);
	store(A, PLAIN, 0);
	assert_string_equal(nodes[A].line, "event:\"hi\":0 miss:bob");
	assert_int_equal(nodes[A].lb.logic->misses.count, 0);
}

static void on_told(void *user)
{
	note(user, "told");
}

/* Nobody is told twice, nor who is on another node; when the bus cannot say, everybody is. */
static void called_members_may_be_elsewhere(void **state)
{
	struct nuncio_event event = { .size = sizeof event,
		.conversation = STR("r:x"),
		.type = STR("message"),
		.from = STR("alice"),
		.flags = NUNCIO_EVENT_MENTIONS_ALL };
	const struct nuncio_str members[] = { STR("alice"), STR("bob"), STR("carl"), STR("dora") };
	struct logic *a = nodes[A].lb.logic;
	(void)state;
	log_in(A, "good:dora");
	log_in(B, "good:bob");
	miss_tell_called(a, &event, members, 4, on_told, &nodes[A]);
	assert_string_equal(nodes[A].line, "miss:carl told");
	miss_tell_called(a, &event, members, 1, on_told, &nodes[A]);
	assert_string_equal(nodes[A].line, "miss:carl told told");
	find_status = NUNCIO_E_FAIL;
	miss_tell_called(a, &event, members, 4, on_told, &nodes[A]);
	assert_string_equal(nodes[A].line, "miss:carl told told miss:bob miss:carl told");
	assert_int_equal(a->misses.count, 0);
	assert_int_equal(a->misses.bytes, 0);
}

static void what_cannot_be_is_dropped_and_counted(void **state)
{
	struct nuncio_event event = { .size = sizeof event,
		.conversation = STR("z:1"),
		.seq = 1,
		.type = STR("message"),
		.body = STR("1") };
	struct logic *b = nodes[B].lb.logic;
	struct buf frame = { 0 };
	(void)state;
	log_in(B, "good:bob");
	cluster_received(b, STR("junk"));
	assert_int_equal(metric_value(nodes[B].malformed), 1);
	bus_frame_event(&frame, &event); /* of no kind that this node knows */
	bus_frame_add(&frame, STR("bob"), false);
	cluster_received(b, buf_str(&frame));
	assert_int_equal(metric_value(nodes[B].malformed), 2);
	assert_string_equal(nodes[B].line, "");
	assert_string_equal(next(B), "nothing");
	buf_fini(&frame);
}

/* What is too much for one frame goes in several, and everybody is in one of them. */
static void a_large_audience_goes_in_parts(void **state)
{
	enum { USERS = 4000 };
	struct nuncio_event event = { .size = sizeof event,
		.conversation = STR("r:x"),
		.seq = 1,
		.type = STR("message"),
		.kind = STR("text"),
		.body = STR("1") };
	struct reach reach = { 0 };
	char name[65], *body = alloc_zero(60000);
	(void)state;
	memset(body, '1', 60000);
	event.body = (struct nuncio_str){ body, 60000 };
	for (int i = 0; i < USERS; i++) {
		snprintf(name, sizeof name, "%060d", i);
		reach_add(&reach, str_of(name), false);
	}
	reach_add(&reach, STR("bob"), false);
	reach_add(&reach, STR("carol"), false);
	log_in(B, "good:carol");
	cluster_publish_event(nodes[A].lb.logic, &event, &reach);
	assert_int_equal(nodes[B].frames, 1);
	assert_has(next(B), "\"op\":\"message.new\"");
	struct bus_frame frame;
	struct nuncio_str who, last = { NULL, 0 };
	bool is_live;
	size_t at = 0, count = 0;
	assert_int_equal(bus_frame_read(buf_str(&last_frame), &frame), 0);
	for (; bus_frame_next(&frame, &at, &who, &is_live); count++)
		last = who;
	assert_str(last, "carol");
	assert_in_range(count, 500, USERS / 3);
	reach_fini(&reach);
	alloc_free(body);
}

static void after_a_loss_everybody_is_asked_to_sync(void **state)
{
	enum { SESSIONS = 10, WAITS = 3000 };
	const struct timespec pause = { 0, 1000000 };
	struct loopback *b = &nodes[B].lb;
	int told = 0, at_once = 0;
	char token[20];
	(void)state;
	for (int i = 0; i < SESSIONS; i++) {
		snprintf(token, sizeof token, "good:u%d", i);
		log_in(B, token);
	}
	loopback_connect(b, NULL); /* not logged in: not asked */
	assert_has(next(B), "admit");
	cluster_resync(b->logic);
	for (int i = 0; i < WAITS && loop_timer_is_active(&b->logic->cluster.resync_timer); i++) {
		nanosleep(&pause, NULL);
		for (const char *line = next(B); strcmp(line, "nothing") != 0; line = next(B)) {
			assert_has(line,
				"{\"type\":\"notify\",\"op\":\"session.resync\",\"data\":{}}");
			told++;
		}
		if (at_once == 0)
			at_once = told;
	}
	assert_int_equal(told, SESSIONS);
	assert_true(at_once < SESSIONS); /* spread over retry_after */
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(interest_follows_sessions_and_live_sides),
		TEST(events_reach_users_on_other_nodes),
		TEST(a_live_side_reaches_over_nodes),
		TEST(notifies_cross),
		TEST(marks_cross),
		TEST(modules_talk_to_themselves),
		TEST(who_is_elsewhere_has_missed_nothing),
		TEST(called_members_may_be_elsewhere),
		TEST(what_cannot_be_is_dropped_and_counted),
		TEST(a_large_audience_goes_in_parts),
		TEST(after_a_loss_everybody_is_asked_to_sync),
	};
	return cmocka_run_group_tests_name("cluster", tests, NULL, NULL);
}
