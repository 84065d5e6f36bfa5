/* SPDX-License-Identifier: MIT */
/*
 * Named threads. They start with all signals blocked but those that mean a fault of their own, so
 * that the main thread's loop gets the rest. The handle is freed by thread_join, which must be
 * called.
 */
#include "loop/thread.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>

#include "base/alloc.h"
#include "base/error.h"

struct thread {
	pthread_t id;
	thread_fn fn;
	void *user;
	char name[16]; /* the kernel's limit, NUL included */
};

static void *run(void *user)
{
	struct thread *t = user;
	pthread_setname_np(pthread_self(), t->name);
	t->fn(t->user);
	return NULL;
}

static void block_signals(sigset_t *saved_r)
{
	static const int faults[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT };
	sigset_t blocked;
	sigfillset(&blocked);
	for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++)
		sigdelset(&blocked, faults[i]);
	pthread_sigmask(SIG_SETMASK, &blocked, saved_r);
}

int thread_start(
	const char *name, thread_fn fn, void *user, struct thread **t_r, struct nuncio_error *err)
{
	struct thread *t = ALLOC_NEW(struct thread);
	sigset_t saved;
	t->fn = fn;
	t->user = user;
	snprintf(t->name, sizeof(t->name), "%s", name);
	block_signals(&saved);
	int rc = pthread_create(&t->id, NULL, run, t);
	pthread_sigmask(SIG_SETMASK, &saved, NULL);
	if (rc) {
		alloc_free(t);
		return error_errno(err, "cannot start a thread", rc);
	}
	*t_r = t;
	return NUNCIO_OK;
}

int64_t thread_cpu_ns(const struct thread *t)
{
	clockid_t clock = CLOCK_THREAD_CPUTIME_ID;
	struct timespec used;
	if ((t && pthread_getcpuclockid(t->id, &clock) != 0) || clock_gettime(clock, &used) != 0)
		return 0;
	return (int64_t)used.tv_sec * 1000000000 + used.tv_nsec;
}

void thread_join(struct thread **t)
{
	struct thread *ended = *t;
	*t = NULL;
	if (!ended)
		return;
	pthread_join(ended->id, NULL);
	alloc_free(ended);
}
