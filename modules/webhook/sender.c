/* SPDX-License-Identifier: MIT */
/*
 * A thread that speaks HTTP, so that an endpoint which hangs holds up nobody but those who wait for
 * it. One libcurl multi handle, a bounded number of transfers at once.
 *
 * Posts come in through a pipe, as pointers: writing one is atomic (pipe(7), PIPE_BUF), a full pipe
 * is a full queue, and curl waits on its end like on a socket. They go back by nuncio_on_logic. A
 * post belongs to whoever holds its pointer, so nothing is shared and nothing is locked.
 */
#include "webhook.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { POLL_MS = 1000, CONNECT_MS = 10000, BUSY_PAUSE_NS = 1000000 };

struct sender {
	struct nuncio_module *self;
	int in[2]; /* pipe: the thread reads 0 */
	pthread_t thread;
	CURLM *multi;
	unsigned active, most;
	struct post *transfers; /* under way; linked by next, prev */
	_Atomic(bool)
		is_ending; /* set by the logic thread, which then waits for the thread's end */
	struct post *left; /* what could not be given back by then; linked by next */
};

struct post *post_new(void)
{
	return nuncio_alloc(sizeof(struct post));
}

void post_free(struct post **post)
{
	if (!*post)
		return;
	free((*post)->body);
	free((*post)->answer);
	free(*post);
	*post = NULL;
}

/* ---- back to the logic thread ---- */

static void on_returned(void *user)
{
	struct post *post = user;
	post->done(post);
}

/*
 * The mailbox of the logic thread may be full for a moment; a post must not get lost. When the
 * logic thread waits for our end it empties no mailbox: then it takes the post itself, afterwards.
 */
static void give_back(struct post *post)
{
	const struct timespec pause = { 0, BUSY_PAUSE_NS };
	struct sender *s = post->sender;
	while (nuncio_on_logic(s->self, on_returned, post) != 0) {
		if (atomic_load(&s->is_ending)) {
			post->next = s->left;
			s->left = post;
			return;
		}
		nanosleep(&pause, NULL);
	}
}

/* ---- the thread ---- */

static size_t on_data(char *data, size_t size, size_t count, void *user)
{
	struct post *post = user;
	size_t n = size * count;
	if (!post->wants_answer)
		return n;
	if (post->answer_bytes + n > ANSWER_BYTES_MAX)
		return 0; /* ends the transfer: nobody needs so long an answer */
	char *more = nuncio_resize(post->answer, post->answer_bytes + n + 1);
	memcpy(more + post->answer_bytes, data, n);
	post->answer = more;
	post->answer_bytes += n;
	more[post->answer_bytes] = '\0';
	return n;
}

static struct curl_slist *headers_of(const struct post *post)
{
	char line[SIGNATURE_SIZE + 40];
	struct curl_slist *list = curl_slist_append(NULL, "Content-Type: application/json");
	snprintf(line, sizeof line, "Nuncio-Signature: %s", post->signature);
	list = curl_slist_append(list, line);
	if (post->delivery[0]) {
		snprintf(line, sizeof line, "Nuncio-Delivery: %s", post->delivery);
		list = curl_slist_append(list, line);
	}
	/* Without this curl asks for leave before a larger body, which few endpoints understand. */
	return curl_slist_append(list, "Expect:");
}

static void set_up(CURL *easy, struct post *post)
{
	curl_easy_setopt(easy, CURLOPT_URL, post->url);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_POSTFIELDS, post->body);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)post->body_bytes);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, post->headers);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "nuncio-webhook/1");
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
		post->timeout_ms < CONNECT_MS ? post->timeout_ms : (long)CONNECT_MS);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, post->timeout_ms);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_data);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, post);
	curl_easy_setopt(easy, CURLOPT_PRIVATE, post);
}

static void begin(struct sender *s, struct post *post)
{
	CURL *easy = curl_easy_init();
	if (!easy)
		abort();
	post->easy = easy;
	post->headers = headers_of(post);
	set_up(easy, post);
	curl_multi_add_handle(s->multi, easy);
	post->prev = NULL;
	post->next = s->transfers;
	if (s->transfers)
		s->transfers->prev = post;
	s->transfers = post;
	s->active++;
}

static void end(struct sender *s, CURL *easy, CURLcode result)
{
	struct post *post = NULL;
	curl_easy_getinfo(easy, CURLINFO_PRIVATE, &post);
	if (result == CURLE_OK)
		curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &post->status);
	else
		snprintf(post->error, sizeof post->error, "%s", curl_easy_strerror(result));
	curl_multi_remove_handle(s->multi, easy);
	curl_easy_cleanup(easy);
	curl_slist_free_all(post->headers);
	if (post->next)
		post->next->prev = post->prev;
	*(post->prev ? &post->prev->next : &s->transfers) = post->next;
	post->next = post->prev = NULL;
	s->active--;
	give_back(post);
}

/* Takes what has come, as long as there is room; the rest waits in the pipe. */
static void take(struct sender *s)
{
	struct post *post;
	while (s->active < s->most && read(s->in[0], &post, sizeof post) == (ssize_t)sizeof post)
		begin(s, post);
}

/* Transfers under way are broken off; whether the endpoint got them, nobody knows. */
static void end_all(struct sender *s)
{
	while (s->transfers)
		end(s, s->transfers->easy, CURLE_ABORTED_BY_CALLBACK);
}

static void finish(struct sender *s)
{
	CURLMsg *message;
	int left;
	while ((message = curl_multi_info_read(s->multi, &left)))
		if (message->msg == CURLMSG_DONE)
			end(s, message->easy_handle, message->data.result);
}

static void *run(void *user)
{
	struct sender *s = user;
	struct curl_waitfd wait = { .fd = s->in[0], .events = CURL_WAIT_POLLIN };
	int running = 0;
	while (!atomic_load(&s->is_ending)) {
		take(s);
		curl_multi_perform(s->multi, &running);
		finish(s);
		curl_multi_poll(s->multi, &wait, s->active < s->most, POLL_MS, NULL);
	}
	end_all(s);
	return NULL;
}

/* ---- the logic thread's side ---- */

static void sender_free(struct sender *s)
{
	if (s->multi)
		curl_multi_cleanup(s->multi);
	if (s->in[0] >= 0)
		close(s->in[0]);
	if (s->in[1] >= 0)
		close(s->in[1]);
	free(s);
}

/* Signals are the server's business. */
static int start_thread(struct sender *s)
{
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int rc = pthread_create(&s->thread, NULL, run, s);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc == 0)
		pthread_setname_np(s->thread, "webhook");
	return rc;
}

struct sender *sender_start(struct nuncio_module *self, unsigned most, struct nuncio_error *err)
{
	struct sender *s = nuncio_alloc(sizeof *s);
	*s = (struct sender){ .self = self, .in = { -1, -1 }, .most = most };
	if (pipe2(s->in, O_CLOEXEC | O_NONBLOCK) < 0 || !(s->multi = curl_multi_init())) {
		nuncio_error_set(err, "no pipe: %s", strerror(errno));
		sender_free(s);
		return NULL;
	}
	int rc = start_thread(s);
	if (rc == 0)
		return s;
	nuncio_error_set(err, "no thread: %s", strerror(rc));
	sender_free(s);
	return NULL;
}

static int send_pointer(struct sender *s, struct post *post)
{
	ssize_t n;
	do
		n = write(s->in[1], &post, sizeof post);
	while (n < 0 && errno == EINTR);
	return n == (ssize_t)sizeof post ? 0 : NUNCIO_E_BUSY;
}

int sender_post(struct sender *s, struct post *post)
{
	post->sender = s;
	return send_pointer(s, post);
}

void sender_stop(struct sender **sender)
{
	struct sender *s = *sender;
	struct post *post, *next;
	*sender = NULL;
	atomic_store(&s->is_ending, true);
	curl_multi_wakeup(s->multi);
	pthread_join(s->thread, NULL);
	for (post = s->left; post; post = next) {
		next = post->next;
		post->done(post);
	}
	while (read(s->in[0], &post, sizeof post) == (ssize_t)sizeof post) {
		snprintf(post->error, sizeof post->error, "the server is stopping");
		post->done(post);
	}
	sender_free(s);
}
