#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Runs what every store must do on store_mysql, its own tests, and faults in the middle of writing.

Usage: run_mysql.py --build DIR [--only WORD]... [--seconds N] [--rounds N]

Starts two MariaDB servers of its own (tests/lib/mariadb.py) and ends them. Everything runs on two layouts: one shard
on one server, and sixteen shards on two. The last line is the count of tests.
"""
import argparse
import os
import random
import re
import subprocess
import sys
import time

sys.dont_write_bytecode = True
TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tests", "lib"))
import mariadb  # noqa: E402

SUITES = ("test_store", "test_store_lists", "test_store_records", "test_store_members", "test_store_writers",
	"test_store_member_lists", "test_store_amend", "test_store_sync", "test_store_search")
MINUTES = 8


class Layout:
	def __init__(self, name, servers, shards):
		self.name, self.servers, self.shards = name, servers, shards
		self.databases = [f"nuncio_{name}_{i}" for i in range(len(servers))]

	def make(self):
		for server, database in zip(self.servers, self.databases):
			server.query(f"DROP DATABASE IF EXISTS {database}; CREATE DATABASE {database}")

	def addresses(self):
		return ", ".join(server.address(database) for server, database in zip(self.servers, self.databases))

	def options(self, *more):
		return "|".join((f"servers={self.addresses()}", f"shards={self.shards}", "start_without=fail", *more))

	def wipe(self):
		"""A shell command, quick because no table is made anew."""
		return " && ".join(f"{mariadb.find('mariadb', 'mysql')} --no-defaults -uroot --socket={server.socket}"
			f" -e \"CALL nuncio_tools.wipe('{database}')\"" for server, database in zip(self.servers, self.databases))


class Count:
	def __init__(self):
		self.passed = self.failed = self.skipped = 0

	def cmocka(self, said, status):
		def sum_of(word):
			return sum(map(int, re.findall(rf"\[  {word}(?: tests:)? (\d+) test", said)))
		passed, failed, skipped = sum_of(r"PASSED  \]"), sum_of(r"FAILED  \]"), sum_of(r"SKIPPED \]")
		if status != 0 and not failed:
			failed = 1
		self.passed += passed
		self.failed += failed
		self.skipped += skipped
		return failed == 0 and passed > 0

	def one(self, good):
		self.passed += bool(good)
		self.failed += not good


def environment(args, layout, *options):
	return dict(os.environ, top_builddir=args.build, top_srcdir=TOP, NUNCIO_TEST_STORE="store_mysql",
		NUNCIO_TEST_STORE_OPTIONS=layout.options(*options), NUNCIO_TEST_STORE_WIPE=layout.wipe(),
		NUNCIO_TEST_MYSQL_SOCKET=layout.servers[0].socket)


def run_suites(args, layout, count):
	for suite in SUITES:
		if args.only and not any(word in suite for word in args.only):
			continue
		layout.make()
		program = os.path.join(args.build, "tests", "store", suite)
		done = subprocess.run([program], env=environment(args, layout, *args.option), cwd=args.build,
			stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
			timeout=MINUTES * 60, errors="replace")
		good = count.cmocka(done.stdout, done.returncode)
		print(f"{'ok  ' if good else 'FAIL'} {layout.name} {suite}")
		if not good:
			print(done.stdout[-6000:])
		sys.stdout.flush()


def main():
	parser = argparse.ArgumentParser()
	parser.add_argument("--build", required=True)
	parser.add_argument("--only", action="append", default=[])
	parser.add_argument("--option", action="append", default=[], help="further options of the store, as key=value")
	parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
	args = parser.parse_args()
	args.build = os.path.abspath(args.build)
	count, servers = Count(), []
	try:
		for _ in range(2):
			servers.append(mariadb.MariaDB())
			servers[-1].start()
			servers[-1].script(mariadb.WIPE)
		layouts = (Layout("one", servers[:1], 1), Layout("spread", servers, 16))
		for layout in layouts:
			run_suites(args, layout, count)
	finally:
		for server in servers:
			server.stop()
	print(f"{count.passed} passed, {count.failed} failed, {count.skipped} skipped")
	return count.failed != 0


if __name__ == "__main__":
	sys.exit(main())
