#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Loads the modules of this folder into a real nunciod: the good ones must work, each bad one must be
refused with one clear line and the right exit status. Run by `make check`, or by hand:

	run_api.py --build DIR [NAME ...]
"""
import argparse
import importlib
import os
import shutil
import sys

from rig import Bench, CASES, Wrong
from lib import wire

for name in ("cases_wrong", "cases_supervised", "cases_right", "cases_chat", "cases_nodes"):
	importlib.import_module(name)


def main():
	parser = argparse.ArgumentParser()
	parser.add_argument("--build", default=os.environ.get("top_builddir", "."))
	parser.add_argument("names", nargs="*")
	arguments = parser.parse_args()
	failed = passed = 0
	bench = Bench(os.path.abspath(arguments.build))
	for name, function in CASES:
		if arguments.names and name not in arguments.names:
			continue
		try:
			function(bench)
			passed += 1
		except (Wrong, OSError, KeyError, ValueError, AssertionError, wire.Closed, wire.Silence,
				wire.Refused) as why:
			failed += 1
			print(f"not ok: {name}: {why!r}")
			for server in bench.servers:
				print("\n".join("\t" + line for line in server.lines()[:40]))
		finally:
			bench.end()
	shutil.rmtree(bench.folder, ignore_errors=True)
	print(f"{passed} passed, {failed} failed, 0 skipped")
	return 1 if failed else 0


if __name__ == "__main__":
	sys.exit(main())
