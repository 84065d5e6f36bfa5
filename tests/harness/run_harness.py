#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""nuncio-module-test with a suite that passes, and one whose every case must fail with its own words.
Run by `make check`, or by hand:

	run_harness.py --build DIR
"""
import argparse
import os
import re
import subprocess
import sys
import tempfile

FAILS = {
	"other value": r"at \"data\.a\.b\": expected\n    \{\"data\":\{\"a\":\{\"b\":2\}\}\}\n  but this came:\n    \{.*\"b\":1",
	"nothing comes": r"nothing came, expected\n    \{\"op\":\"message\.new\"\}",
	"something comes": r"expected nothing, but this came:\n    \{\"type\":\"response\"",
	"refused login": r"at \"type\": expected\n.*session\.ready.*\n  but this came:\n    \{\"type\":\"refused\"",
	"wrong json": r"the test's own JSON is wrong: byte \d+: .*: \{'a':\}",
	"no client": r"\d+ is no client and no HTTP request of this case",
	"client has left": r"guest\.echo: this client's connection is closed",
	"unexpected warning": r"in the log, but nobody expected it:\n    \{.*\"as asked\"",
	"expected warning": r"the log has no such line of this level: as asked",
	"wrong level": r"the log has no such line of this level: as asked",
	"forgotten ticket": r"in the log, but nobody expected it:\n    \{.*a ticket of may_call was never given back",
	"answered twice": r"the process (was ended by Aborted|ended by itself)",  # the latter with AddressSanitizer
	"module exits": r"the process ended by itself",
	"work that does not end": r"something is still under way after 1 s",
	"work at the end": r"something is still under way at the end",
	"no such metric": r"there is no metric nuncio_guest_calls_total",
	"checked": r".*test_fails\.c:\d+: not true: 1 \+ 1 == 3",
	"after the stop": r"nuncio_test_connect after nuncio_test_stop",
	"does not start": r"the server does not start: module guest: start: as asked",
	"starts": r"the server started; expected: module guest",
	"refused for another reason": r"the start was refused with other words: module guest: start: as asked",
}
CHECKS = []


def check(title):
	def add(function):
		CHECKS.append((title, function))
		return function
	return add


class Bench:
	def __init__(self, build):
		self.build = os.path.abspath(build)
		self.libs = os.path.join(self.build, "tests", "harness", ".libs")

	def run(self, *arguments, suite="guest", **environment):
		command = [os.path.join(self.build, "nuncio-module-test"), "--modules",
			os.path.join(self.build, "modules", "lib"), "--modules",
			os.path.join(self.build, "src", "harness", ".libs"), *arguments]
		if suite:
			command += [os.path.join(self.libs, f"test_{suite}.so"), os.path.join(self.libs, "guest.so")]
		done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
			stderr=subprocess.STDOUT, timeout=300, check=False, env=dict(os.environ, **environment))
		return done.returncode, done.stdout.decode("utf-8", "replace")


@check("what is used as it is meant passes, one case after the other, and leaves nothing behind")
def passes(bench):
	with tempfile.TemporaryDirectory() as folder:
		status, said = bench.run(TMPDIR=folder)
		assert status == 0 and "14 passed, 0 failed, 0 skipped" in said, said
		assert not os.listdir(folder), f"left behind: {os.listdir(folder)}"


@check("the same in one process, and one case alone with its log")
def single(bench):
	status, said = bench.run("--single", "--only", "clients", "--verbose")
	assert status == 0 and "1 passed" in said and '"message":"left: bob"' in said, said
	status, said = bench.run("--only", "no such case")
	assert status == 1 and said.endswith("0 passed, 0 failed, 0 skipped\n"), said


@check("each way to fail is told in its own words")
def fails(bench):
	status, said = bench.run("--patience", "1", suite="fails")
	assert status == 1 and said.endswith(f"0 passed, {len(FAILS)} failed, 0 skipped\n"), said
	reports = dict(re.findall(r"^FAIL ([^:\n]+): (.*?)(?=^FAIL|^\d+ passed)", said, re.M | re.S))
	assert sorted(reports) == sorted(FAILS), f"{sorted(reports)}: {said}"
	wrong = [f"{name}: {reports[name]}" for name, words in FAILS.items() if not re.match(words, reports[name])]
	assert not wrong, "\n".join(wrong)


@check("what cannot be loaded is named")
def cannot_load(bench):
	status, said = bench.run("/no/such/test.so", suite=None)
	assert status == 64 and "/no/such/test.so: No such file" in said, said
	status, said = bench.run(os.path.join(bench.libs, "guest.so"), suite=None)
	assert status == 64 and "has no suite" in said, said
	status, said = bench.run(suite=None)
	assert status == 64 and "which test?" in said, said
	status, said = bench.run(os.path.join(bench.libs, "test_guest.so"), "/no/such/module.so", suite=None)
	assert status == 1 and "/no/such/module.so: No such file" in said, said


def main():
	parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
	parser.add_argument("--build", default=os.environ.get("top_builddir", "."))
	bench, failed = Bench(parser.parse_args().build), 0
	for title, function in CHECKS:
		try:
			function(bench)
			print(f"ok   {title}", flush=True)
		except (AssertionError, subprocess.TimeoutExpired) as error:
			failed += 1
			print(f"FAIL {title}\n    {error}", flush=True)
	print(f"{len(CHECKS) - failed} passed, {failed} failed, 0 skipped")
	return 1 if failed else 0


if __name__ == "__main__":
	sys.exit(main())
