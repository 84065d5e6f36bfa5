/* SPDX-License-Identifier: MIT */
#include "tests/lib/loopback.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/slice.h"
#include "harness/io_post.h"
#include "hook/chain.h"
#include "logic/core_ops.h"
#include "loop/caller.h"
#include "provide/auth.h"
#include "provide/bus.h"
#include "provide/ready.h"
#include "provide/store.h"
#include "wire/json.h"

static void claim(const struct loopback *lb, struct nuncio_auth *auth, struct nuncio_str user,
	struct nuncio_str device)
{
	struct nuncio_claims claims = { .size = sizeof claims, .user = user, .device = device };
	claims.expires_at_ms =
		lb->token_expires_ms ? lb->token_expires_ms : clock_wall_ms() + 3600000;
	nuncio_auth_done(&auth, 0, &claims, NULL);
}

static void check_token(void *impl, struct nuncio_str token, struct nuncio_auth *auth)
{
	struct loopback *lb = impl;
	struct nuncio_str word, user, device;
	str_cut(token, ':', &word, &user);
	str_cut(user, ':', &user, &device);
	if (str_eq_text(word, "good"))
		claim(lb, auth, user, device);
	else if (str_eq_text(word, "later"))
		lb->asked = auth;
	else
		nuncio_auth_done(&auth, NUNCIO_E_DENIED, NULL, "token: forged");
}

static const struct nuncio_auth_ops auth_ops = { .size = sizeof auth_ops, .check = check_token };

static int check_json(struct nuncio_str text, struct nuncio_error *err)
{
	return json_check(text, NULL, NULL, err);
}

void loopback_init(struct loopback *lb)
{
	static struct provider provider = { .job = "auth", .name = "loopback", .ops = &auth_ops };
	struct logic_settings settings = {
		.node = "test",
		.heartbeat_ms = 30000,
		.auth_timeout_ms = 10000,
		.request_timeout_ms = 10000,
		.body_bytes = 1000,
		.page_limit = 100,
		.user_sessions = 100,
		.metrics_access = LOGIC_METRICS_ON,
	};
	*lb = (struct loopback){ .loop = loop_new("test") };
	lb->caller = caller_new(lb->loop, 1000);
	lb->metrics = metric_set_new();
	struct hook_settings hooks = {
		.loop = lb->loop, .caller = lb->caller, .check_json = check_json
	};
	lb->hooks = hook_table_new(&hooks);
	struct store_settings store = { .loop = lb->loop, .caller = lb->caller };
	lb->store = store_new(&store);
	lb->ready = ready_set_new();
	lb->auth = auth_new(lb->loop, 5000);
	lb->bus = bus_new(lb->loop, NULL, 1000);
	provider.impl = lb;
	auth_use(lb->auth, &provider);
	mailbox_init(&lb->io, NULL, 1000);
	struct logic_parts parts = {
		.loop = lb->loop,
		.hooks = lb->hooks,
		.auth = lb->auth,
		.bus = lb->bus,
		.store = lb->store,
		.ready = lb->ready,
		.metrics = lb->metrics,
		.io_threads = 1,
		.inbox_limit = 1000,
	};
	lb->logic = logic_new(&settings, &parts);
	logic_set_io(lb->logic, 0, &lb->io);
}

void loopback_ready(struct loopback *lb)
{
	struct nuncio_error err;
	CHECK(core_ops_add(lb->logic, &err) == 0);
	hook_table_freeze(lb->hooks);
	logic_bind(lb->logic);
	logic_bind_end(lb->logic);
}

void loopback_fini(struct loopback *lb)
{
	loopback_turn(lb);
	while (strcmp(loopback_next(lb), "nothing") != 0)
		;
	logic_end_sessions(lb->logic);
	logic_clear(lb->logic);
	auth_free(&lb->auth);
	bus_free(&lb->bus);
	store_free(&lb->store);
	logic_free(&lb->logic);
	ready_set_free(&lb->ready);
	hook_table_free(&lb->hooks);
	caller_free(&lb->caller);
	metric_set_free(&lb->metrics);
	mailbox_fini(&lb->io);
	loop_free(&lb->loop);
}

static void on_stop(struct loop *loop, struct loop_timer *timer, void *user)
{
	(void)timer, (void)user;
	loop_stop(loop);
}

void loopback_turn(struct loopback *lb)
{
	struct loop_timer stop;
	loop_timer_init(&stop, on_stop, NULL);
	loop_timer_start(lb->loop, &stop, 0, 1); /* after a look at descriptors and timers */
	loop_run(lb->loop);
	loop_timer_stop(lb->loop, &stop);
	struct mail **at = &lb->received;
	while (*at)
		at = &(*at)->next;
	*at = mailbox_take_all(&lb->io);
}

static nuncio_sid new_id(struct loopback *lb)
{
	return io_id_make(0, lb->next_slot++, 1);
}

nuncio_sid loopback_connect(struct loopback *lb, const char *token)
{
	nuncio_sid id = new_id(lb);
	io_post_connect(&lb->logic->inbox, id, token);
	loopback_turn(lb);
	return id;
}

void loopback_packet(
	struct loopback *lb, nuncio_sid id, uint32_t seq, const char *op, const char *data)
{
	io_post_packet(&lb->logic->inbox, id, seq, op, data);
	loopback_turn(lb);
}

nuncio_sid loopback_http(struct loopback *lb, const char *method, const char *path,
	const char *query, const char *token, const char *body)
{
	nuncio_sid id = new_id(lb);
	io_post_http(&lb->logic->inbox, id, method, path, query, token, body);
	loopback_turn(lb);
	return id;
}

void loopback_closed(struct loopback *lb, nuncio_sid id)
{
	io_post_closed(&lb->logic->inbox, id, 1001);
	loopback_turn(lb);
}

nuncio_sid loopback_login(struct loopback *lb, const char *token)
{
	nuncio_sid id = loopback_connect(lb, token);
	CHECK(strncmp(loopback_next(lb), "admit ready", 11) == 0);
	return id;
}

void loopback_answer_auth(struct loopback *lb, const char *user)
{
	struct nuncio_auth *auth = lb->asked;
	lb->asked = NULL;
	claim(lb, auth, str_of(user), STR(""));
	loopback_turn(lb);
}

static void describe(const struct mail *mail, char *out, size_t size)
{
	const struct io_admit *admit = (const struct io_admit *)mail;
	const struct io_send *send = (const struct io_send *)mail;
	const struct io_answer *answer = (const struct io_answer *)mail;
	struct nuncio_str text = { NULL, 0 };
	switch (mail->kind) {
	case IO_ADMIT:
		if (admit->first)
			text = packet_out_text(admit->first);
		snprintf(
			out, size, "admit%s " STR_FMT, admit->ready ? " ready" : "", STR_ARG(text));
		break;
	case IO_REFUSE:
		snprintf(out, size, "refuse %d", ((const struct io_refuse *)mail)->code);
		break;
	case IO_SEND:
		text = packet_out_text(send->packet);
		snprintf(out, size, "send " STR_FMT, STR_ARG(text));
		break;
	case IO_CLOSE:
		snprintf(out, size, "close %d", ((const struct io_close *)mail)->close_code);
		break;
	case IO_READY:
		snprintf(out, size, "ready");
		break;
	case IO_ANSWER:
		snprintf(out, size, "answer %d " STR_FMT, answer->status, STR_ARG(answer->body));
		for (size_t i = 0; i < answer->field_count; i++)
			snprintf(out + strlen(out), size - strlen(out), "|" STR_FMT ": " STR_FMT,
				STR_ARG(answer->fields[i].name), STR_ARG(answer->fields[i].value));
		break;
	default:
		snprintf(out, size, "kind %u", mail->kind);
	}
}

const char *loopback_next(struct loopback *lb)
{
	static char line[8192];
	struct mail *mail = lb->received;
	if (!mail)
		return "nothing";
	lb->received = mail->next;
	describe(mail, line, sizeof line);
	io_inbox_drop(mail);
	return line;
}
