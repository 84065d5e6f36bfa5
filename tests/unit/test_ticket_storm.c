/* SPDX-License-Identifier: MIT */
/*
 * Tickets under stress, through the real logic thread code: thousands of messages wait for answers
 * of many threads while clients leave, deadlines pass, settings change and, at the end, the server
 * stops. Every client that stays gets exactly the answer that its message calls for; every ticket
 * comes back; nothing is left. Meant to be run with ThreadSanitizer and AddressSanitizer too.
 */
#include "hook/ticket.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/slice.h"
#include "hook/chain.h"
#include "hook/hook_table.h"
#include "logic/logic.h"
#include "loop/caller.h"
#include "provide/store.h"

#include "tests/lib/room.h"
#include "tests/lib/unit.h"

enum {
	THREADS = 8,
	SESSIONS = 700,
	PACKETS = 4,  /* of each session, one behind the other */
	CALLS = 2300, /* over HTTP, all at once */
	MESSAGES = SESSIONS * PACKETS + CALLS,
	LEAVE_EVERY = 7, /* so many sessions stay while one leaves */
	DEADLINE_MS = 30,
	PATIENCE_MS = 60000
};

/* What becomes of message number n: its fate is n % KINDS. */
enum fate { PASSES, REFUSED, CHANGED, TOO_LATE, AT_ONCE, WITH_RECORD, KINDS };

struct job {
	struct job *next;
	struct nuncio_ticket *ticket;
	int number;
	atomic_int cancelled;
};

struct place {     /* of a session or an HTTP call, by the slot of its id */
	int first; /* number of its first message */
	int count; /* of messages; 0: none */
	bool has_left;
	bool is_answered[PACKETS];
};

static struct loopback lb;
static struct job jobs[MESSAGES];
static struct place places[SESSIONS + CALLS];
static nuncio_sid sessions[SESSIONS];
static int asked, answers, changed, stored, records, most_parked;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t work = PTHREAD_COND_INITIALIZER;
static struct job *queue, *late; /* under lock */
static bool is_over;             /* under lock */
static atomic_int returned;

/* ---- the threads that answer ---- */

static void resume(struct job *job)
{
	struct nuncio_str none = { NULL, 0 };
	struct nuncio_record_write write = {
		.size = sizeof write, .space = STR("t"), .owner = STR("r:x"), .value = STR("1")
	};
	switch (job->number % KINDS) {
	case REFUSED:
		nuncio_resume(&job->ticket, NUNCIO_REJECT, NUNCIO_CODE_muted, "quiet", none);
		break;
	case CHANGED:
		nuncio_resume(&job->ticket, NUNCIO_PASS, 0, NULL, STR("\"changed\""));
		break;
	case WITH_RECORD:
		if (nuncio_ticket_add_write(job->ticket, &write) < 0)
			abort();
		nuncio_resume(&job->ticket, NUNCIO_ACCEPT, 0, NULL, none);
		break;
	default:
		nuncio_resume(&job->ticket, NUNCIO_PASS, 0, NULL, none);
		break;
	}
	atomic_fetch_add(&returned, 1);
}

static void *answer(void *user)
{
	(void)user;
	pthread_mutex_lock(&lock);
	for (;;) {
		struct job *job = queue;
		if (!job && is_over)
			break;
		if (!job) {
			pthread_cond_wait(&work, &lock);
			continue;
		}
		queue = job->next;
		pthread_mutex_unlock(&lock);
		resume(job);
		pthread_mutex_lock(&lock);
	}
	pthread_mutex_unlock(&lock);
	return NULL;
}

/* Newest first, so that the order of the answers is not that of the questions. */
static void give(struct job *job, struct job **list)
{
	pthread_mutex_lock(&lock);
	job->next = *list;
	*list = job;
	pthread_cond_signal(&work);
	pthread_mutex_unlock(&lock);
}

static void give_late(bool over)
{
	pthread_mutex_lock(&lock);
	while (late) {
		struct job *job = late;
		late = job->next;
		job->next = queue;
		queue = job;
	}
	is_over = over;
	pthread_cond_broadcast(&work);
	pthread_mutex_unlock(&lock);
}

/* ---- the module ---- */

static void on_cancelled(void *user)
{
	struct job *job = user;
	assert_int_equal(atomic_fetch_add(&job->cancelled, 1), 0);
}

static enum nuncio_verdict on_send(
	struct nuncio_ask *ask, const struct nuncio_send *what, void *user)
{
	int number = atoi(what->event->body.p + 1);
	struct job *job = &jobs[number];
	int fate = number % KINDS;
	(void)user;
	assert_null(job->ticket);
	job->number = number;
	asked++;
	job->ticket =
		nuncio_defer(ask, fate == TOO_LATE ? DEADLINE_MS : PATIENCE_MS, on_cancelled, job);
	if (fate == AT_ONCE)
		resume(job);
	else
		give(job, fate == TOO_LATE ? &late : &queue);
	return NUNCIO_LATER;
}

/* Behind the one that waits: sees a body that was changed. */
static enum nuncio_verdict on_send_last(
	struct nuncio_ask *ask, const struct nuncio_send *what, void *user)
{
	(void)ask, (void)user;
	changed += str_eq_text(what->event->body, "\"changed\"");
	return NUNCIO_PASS;
}

/* ---- a store that counts ---- */

static int run(struct nuncio_job *job)
{
	const struct nuncio_job_append *append = nuncio_job_input(job);
	records += (int)append->writes_count; /* read when the store has finished */
	nuncio_job_set_appended(
		job, (uint64_t)++stored, append->event.id, append->event.sent_at_ms, 0);
	return 0;
}

/* ---- the rig ---- */

static void ignore_line(int level, struct nuncio_str line, void *user)
{
	(void)level, (void)line, (void)user;
}

static int setup(void **state)
{
	static char nobody[] = "";
	(void)state;
	memset(jobs, 0, sizeof jobs);
	memset(places, 0, sizeof places);
	asked = answers = changed = stored = records = most_parked = 0;
	is_over = false;
	atomic_store(&returned, 0);
	log_capture(ignore_line, NULL); /* a line for each deadline */
	loopback_init(&lb);
	lb.logic->settings.request_timeout_ms = PATIENCE_MS;
	hook_table_add(lb.hooks, NUNCIO_HOOK_may_send, 0, "t", 0, (nuncio_any_fn *)on_send, NULL);
	hook_table_add(lb.hooks, NUNCIO_HOOK_may_send, NUNCIO_PRIO_LAST, "t", 0,
		(nuncio_any_fn *)on_send_last, NULL);
	room_add(&lb, nobody);
	room_store_open(&lb, run);
	loopback_ready(&lb);
	return 0;
}

static struct place *place_of(nuncio_sid id)
{
	return &places[io_id_slot(id)];
}

static void write_message(char *out, size_t size, int number)
{
	snprintf(out, size, "{\"to\":{\"room\":\"x\"},\"client_id\":\"c%d\",\"body\":\"%d\"}",
		number, number);
}

static int expected_code(int number)
{
	switch (number % KINDS) {
	case REFUSED:
		return NUNCIO_CODE_muted;
	case TOO_LATE:
		return NUNCIO_CODE_timeout;
	default:
		return NUNCIO_CODE_ok;
	}
}

/* An answer: is it the right one, the first one, and to somebody who is there? */
static void take_answer(nuncio_sid id, int index, struct nuncio_str text)
{
	struct place *place = place_of(id);
	char code[20];
	snprintf(code, sizeof code, "\"code\":%d,", expected_code(place->first + index));
	assert_in_range(index, 0, place->count - 1);
	assert_false(place->has_left || place->is_answered[index]);
	place->is_answered[index] = true;
	assert_non_null(strstr(text.p, code));
	answers++;
}

static void take_mail(const struct mail *mail)
{
	const struct io_send *send = (const struct io_send *)mail;
	const struct io_answer *answer_ = (const struct io_answer *)mail;
	const char *seq;
	struct nuncio_str text;
	if (mail->kind == IO_ANSWER) {
		take_answer(answer_->id, 0, answer_->body);
	} else if (mail->kind == IO_SEND) {
		text = packet_out_text(send->packet);
		seq = strstr(text.p, "\"seq\":");
		if (strncmp(text.p, "{\"type\":\"response\"", 18) == 0)
			take_answer(send->ids[0], atoi(seq + 6) - 1, text);
	}
}

static void turn(void)
{
	loopback_turn(&lb);
	if ((int)lb.hooks->parked_count > most_parked)
		most_parked = (int)lb.hooks->parked_count;
	while (lb.received) {
		struct mail *mail = lb.received;
		lb.received = mail->next;
		take_mail(mail);
		io_inbox_drop(mail);
	}
}

/* What a reload does while messages are under way. */
static void change_settings(int round)
{
	lb.hooks->settings.slow_us = round % 2 ? 1 : 0;
	lb.logic->settings.body_bytes = round % 2 ? 1000 : 2000;
}

static int ask_sessions(int number)
{
	char token[30], data[100];
	for (int i = 0; i < SESSIONS; i++) {
		snprintf(token, sizeof token, "good:u%d", i);
		sessions[i] = loopback_connect(&lb, token);
		*place_of(sessions[i]) = (struct place){ .first = number, .count = PACKETS };
		for (int k = 0; k < PACKETS; k++) {
			write_message(data, sizeof data, number++);
			loopback_packet(&lb, sessions[i], (uint32_t)k + 1, "message.send", data);
		}
		change_settings(i);
	}
	return number;
}

static void ask_calls(int number)
{
	char data[100];
	for (int i = 0; i < CALLS; i++) {
		write_message(data, sizeof data, number);
		/* The answer may come within the call, so the place is there before it. */
		places[lb.next_slot] = (struct place){ .first = number, .count = 1 };
		loopback_http(&lb, "POST", "/api/v1/messages", "", "good:alice", data);
		number++;
		change_settings(i);
	}
}

static void leave(nuncio_sid id)
{
	loopback_closed(&lb, id);
	turn(); /* what was answered before it left */
	place_of(id)->has_left = true;
}

/* The answers that are owed to those who have not left. */
static int count_owed(void)
{
	int owed = 0;
	for (size_t i = 0; i < COUNT_OF(places); i++)
		for (int k = 0; k < places[i].count && !places[i].has_left; k++)
			owed += !places[i].is_answered[k];
	return owed;
}

static void wait_until_nobody_waits(void)
{
	const struct timespec pause = { 0, 1000000 };
	int64_t end_ms = clock_mono_ms() + PATIENCE_MS;
	while (count_owed() > 0 && clock_mono_ms() < end_ms) {
		turn();
		nanosleep(&pause, NULL);
	}
	assert_int_equal(count_owed(), 0);
}

static void start_threads(pthread_t threads[THREADS])
{
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, answer, NULL), 0);
}

static void stop_threads(pthread_t threads[THREADS])
{
	give_late(true);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}

/* Every ticket is back, told at most once that nobody waits, and nothing hangs on them. */
static void check_the_end(void)
{
	while (caller_run(lb.caller))
		;
	assert_int_equal(atomic_load(&returned), asked);
	assert_int_equal(ticket_count(lb.hooks, NULL), 0);
	assert_int_equal(lb.hooks->parked_count, 0);
	store_close(lb.store);
	loopback_fini(&lb);
	log_capture(NULL, NULL);
	for (int i = 0; i < MESSAGES; i++)
		assert_null(jobs[i].ticket);
}

static void everybody_gets_the_right_answer(void **state)
{
	pthread_t threads[THREADS];
	(void)state;
	setup(NULL);
	/* First they all wait, then they are answered by many threads at once. */
	ask_calls(ask_sessions(0));
	turn();
	assert_true(most_parked > 2000);
	start_threads(threads);
	for (int i = 0; i < SESSIONS; i += LEAVE_EVERY)
		leave(sessions[i]);
	wait_until_nobody_waits();
	stop_threads(threads);
	assert_true(answers > MESSAGES - SESSIONS / LEAVE_EVERY * PACKETS - PACKETS);
	assert_true(changed > MESSAGES / KINDS / 2);
	check_the_end();
	assert_true(stored > MESSAGES / 2);
	assert_true(records > MESSAGES / KINDS / 2);
}

/* The same, and in the middle of it the server ends: nobody answers twice, nothing is lost. */
static void a_stop_in_the_middle_of_it(void **state)
{
	pthread_t threads[THREADS];
	(void)state;
	setup(NULL);
	start_threads(threads);
	ask_calls(ask_sessions(0));
	turn();
	logic_drain(lb.logic, NULL, NULL);
	for (int i = 0; i < SESSIONS; i += 2)
		leave(sessions[i]);
	for (int i = 1; i < SESSIONS; i += 2)
		place_of(sessions[i])->has_left = true; /* end within the next call */
	logic_end_sessions(lb.logic);
	chain_refuse_all(lb.hooks, NUNCIO_CODE_stopping);
	assert_int_equal(lb.hooks->parked_count, 0);
	stop_threads(threads);
	store_finish(lb.store);
	while (lb.received) { /* answers to HTTP calls: the right ones, or stopping */
		struct mail *mail = lb.received;
		lb.received = mail->next;
		io_inbox_drop(mail);
	}
	check_the_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everybody_gets_the_right_answer),
		cmocka_unit_test(a_stop_in_the_middle_of_it),
	};
	return cmocka_run_group_tests_name("ticket_storm", tests, NULL, NULL);
}
