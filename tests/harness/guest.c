/* SPDX-License-Identifier: MIT */
/* A module for the tests of nuncio-module-test: one op for each thing that a test may meet. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <nuncio/control.h>
#include <nuncio/nuncio.h>

#define TEXT(literal) ((struct nuncio_str){ literal, sizeof(literal) - 1 })

struct guest {
	struct nuncio_module *self;
	struct nuncio_counter *calls;
	int refuses;
};

static int is(struct nuncio_str s, const char *text)
{
	return s.n == strlen(text) && memcmp(s.p, text, s.n) == 0;
}

static void on_echo(struct nuncio_request *rq, void *user)
{
	struct guest *guest = user;
	nuncio_counter_add(guest->calls, 1);
	if (nuncio_request_is_http(rq))
		nuncio_reply_header(rq, "X-Guest", "yes");
	nuncio_reply(&rq, 200, nuncio_request_data(rq));
}

static void on_plain(struct nuncio_request *rq, void *user)
{
	(void)user;
	nuncio_reply_raw(&rq, 200, "text/plain", TEXT("plain \"text\""));
}

static void on_warn(struct nuncio_request *rq, void *user)
{
	struct guest *guest = user;
	nuncio_log(guest->self, NUNCIO_WARN, "as asked");
	nuncio_reply_status(&rq, 0);
}

/* ---- Answers from elsewhere: a thread of our own, a worker, a timer */

struct later {
	struct guest *guest;
	struct nuncio_request *rq;
	nuncio_sid who;
};

static struct later *later_new(struct guest *guest, struct nuncio_request *rq)
{
	struct later *later = calloc(1, sizeof *later);
	later->guest = guest;
	later->rq = rq;
	return later;
}

static void nap(void)
{
	const struct timespec time = { 0, 50000000 };
	nanosleep(&time, NULL);
}

static void answer(void *user)
{
	struct later *later = user;
	nuncio_reply_status(&later->rq, 0);
	free(later);
}

static void *thread_main(void *user)
{
	struct later *later = user;
	nap();
	nuncio_on_logic(later->guest->self, answer, later);
	return NULL;
}

static void on_thread(struct nuncio_request *rq, void *user)
{
	pthread_t thread;
	pthread_create(&thread, NULL, thread_main, later_new(user, rq));
	pthread_detach(thread);
}

static void work(void *user)
{
	(void)user;
	nap();
}

static void on_work(struct nuncio_request *rq, void *user)
{
	struct guest *guest = user;
	nuncio_work(guest->self, 0, work, answer, later_new(guest, rq));
}

static void work_for_ever(void *user)
{
	(void)user;
	for (;;)
		nap();
}

static void on_stuck(struct nuncio_request *rq, void *user)
{
	struct guest *guest = user;
	nuncio_work(guest->self, 0, work_for_ever, answer, later_new(guest, rq));
}

static void remind(void *user)
{
	struct later *later = user;
	nuncio_session_notify(later->who, "guest.reminder", TEXT("{}"));
	free(later);
}

static void on_remind(struct nuncio_request *rq, void *user)
{
	struct guest *guest = user;
	struct later *later = later_new(guest, NULL);
	int64_t in_ms = 0;
	nuncio_request_int(rq, "in", &in_ms);
	later->who = nuncio_session_id(nuncio_request_session(rq));
	nuncio_timer_start(guest->self, (uint32_t)in_ms, 0, remind, later);
	nuncio_reply_status(&rq, 0);
}

/* ---- What goes wrong */

static void on_silent(struct nuncio_request *rq, void *user)
{
	(void)rq, (void)user;
}

static void on_twice(struct nuncio_request *rq, void *user)
{
	struct nuncio_request *copy = rq;
	(void)user;
	nuncio_reply_status(&rq, 0);
	nuncio_reply_status(&copy, 0);
}

static void on_exit_now(struct nuncio_request *rq, void *user)
{
	(void)rq, (void)user;
	_Exit(3);
}

static void on_close(struct nuncio_request *rq, void *user)
{
	nuncio_sid who = nuncio_session_id(nuncio_request_session(rq));
	(void)user;
	nuncio_reply_status(&rq, 0);
	nuncio_session_close(who, 4002, NUNCIO_CODE_denied, "go away");
}

/* ---- Hooks */

static enum nuncio_verdict on_may_call(
	struct nuncio_ask *ask, const struct nuncio_call *what, void *user)
{
	(void)user;
	if (!is(what->op, "guest.forget"))
		return NUNCIO_PASS;
	nuncio_defer(ask, 1000, NULL, NULL);
	return NUNCIO_LATER;
}

static enum nuncio_verdict on_may_connect(
	struct nuncio_ask *ask, const struct nuncio_peer *what, void *user)
{
	struct guest *guest = user;
	(void)what;
	return guest->refuses ? nuncio_reject(ask, NUNCIO_CODE_denied, "closed today")
			      : NUNCIO_PASS;
}

static enum nuncio_verdict on_may_login(
	struct nuncio_ask *ask, const struct nuncio_login *what, void *user)
{
	(void)user;
	return is(what->user, "mallory") ? nuncio_reject(ask, NUNCIO_CODE_denied, "not you")
					 : NUNCIO_PASS;
}

static void on_did_disconnect(const struct nuncio_leave *what, void *user)
{
	struct guest *guest = user;
	nuncio_log(guest->self, NUNCIO_INFO, "left: %.*s", (int)what->user.n, what->user.p);
}

/* ---- Life */

#define OP(NAME, FN) \
	{ \
		.size = sizeof(struct nuncio_command), .op = "guest." NAME, .help = "A test.", \
		.fn = FN \
	}

static const struct nuncio_command ops[] = {
	OP("echo", on_echo),
	OP("warn", on_warn),
	OP("thread", on_thread),
	OP("work", on_work),
	OP("stuck", on_stuck),
	OP("remind", on_remind),
	OP("silent", on_silent),
	OP("twice", on_twice),
	OP("exit", on_exit_now),
	OP("close", on_close),
	OP("forget", on_silent),
};

static const struct nuncio_command control = { .size = sizeof control,
	.op = "guest.count",
	.help = "Echoes to the operator.",
	.fn = on_echo };

static const struct nuncio_route routes[] = {
	{ .size = sizeof routes[0],
		.method = "POST",
		.path = "/m/guest/echo",
		.help = "Echoes.",
		.fn = on_echo },
	{ .size = sizeof routes[0],
		.flags = NUNCIO_OPEN,
		.method = "GET",
		.path = "/m/guest/plain",
		.help = "No JSON.",
		.fn = on_plain },
};

static int add_all(struct nuncio_module *self, struct guest *guest)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < sizeof ops / sizeof ops[0]; i++)
		rc = nuncio_command_add(self, &ops[i], guest);
	for (size_t i = 0; rc == 0 && i < sizeof routes / sizeof routes[0]; i++)
		rc = nuncio_route_add(self, &routes[i], guest);
	if (rc == 0)
		rc = nuncio_control_add(self, &control, guest);
	if (rc == 0)
		rc = nuncio_hook_may_connect(self, NUNCIO_PRIO_NORMAL, on_may_connect, guest);
	if (rc == 0)
		rc = nuncio_hook_may_login(self, NUNCIO_PRIO_NORMAL, on_may_login, guest);
	if (rc == 0)
		rc = nuncio_hook_may_call(self, NUNCIO_PRIO_NORMAL, on_may_call, guest);
	if (rc == 0)
		rc = nuncio_hook_did_disconnect(self, NUNCIO_PRIO_NORMAL, on_did_disconnect, guest);
	return rc;
}

static int guest_init(struct nuncio_module *self, struct nuncio_error *err)
{
	struct guest *guest = calloc(1, sizeof *guest);
	(void)err;
	guest->self = self;
	guest->refuses = nuncio_conf_int(self, "refuse") != 0;
	nuncio_module_set_data(self, guest);
	guest->calls = nuncio_counter_new(self, "calls_total", "op=\"echo\"", "Calls.");
	int rc = add_all(self, guest);
	if (rc < 0)
		free(guest);
	return rc;
}

static int guest_start(struct nuncio_module *self, struct nuncio_error *err)
{
	if (nuncio_conf_int(self, "fail") == 0)
		return 0;
	nuncio_error_set(err, "as asked");
	return NUNCIO_E_FAIL;
}

static void guest_fini(struct nuncio_module *self)
{
	free(nuncio_module_data(self));
}

static const struct nuncio_option options[] = {
	{ "refuse", NUNCIO_OPT_BOOL, 0, "off", 0, 0, NULL, "Let nobody in." },
	{ "fail", NUNCIO_OPT_BOOL, 0, "off", 0, 0, NULL, "Do not start." },
	{ 0 },
};

NUNCIO_MODULE("guest", .version = "1", .summary = "For the tests of nuncio-module-test.",
	.options = options, .init = guest_init, .start = guest_start, .fini = guest_fini)
