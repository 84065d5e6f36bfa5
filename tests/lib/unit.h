/* SPDX-License-Identifier: MIT */
#ifndef TESTS_LIB_UNIT_H
#define TESTS_LIB_UNIT_H

/*
 * What every cmocka test needs, and a few assertions of our own. Include it after our own headers.
 */

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <nuncio/base.h>

#define COUNT_OF(array) (sizeof(array) / sizeof(*(array)))

/* assert_str(buf_str(&b), "text") */
#define assert_str(str, text) \
	do { \
		struct nuncio_str unit_s_ = (str); \
		assert_int_equal(unit_s_.n, strlen(text)); \
		assert_memory_equal(unit_s_.n ? unit_s_.p : "", (text), unit_s_.n); \
	} while (0)

/* Runs fn in a child that must end by SIGABRT, as a failed CHECK does. */
static inline void unit_assert_aborts(void (*fn)(void))
{
	int status;
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (!freopen("/dev/null", "w", stderr))
			_exit(2);
		fn();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

#endif
