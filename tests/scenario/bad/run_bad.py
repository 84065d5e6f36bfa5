#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Does to the server everything that it must endure. Usage: run_bad.py --build DIR [-j N] [-k TEXT]

Every bad_*.py here holds cases (see lib/cases.py). The last line is the count.
"""
import argparse
import concurrent.futures
import glob
import importlib
import os
import sys
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.dirname(HERE), HERE]
from lib import cases  # noqa: E402
from lib.server import Build  # noqa: E402


def timed(build, entry):
	begin = time.monotonic()
	troubles, skipped = cases.run_case(build, entry)
	return entry, troubles, skipped, time.monotonic() - begin


def main():
	parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
	parser.add_argument("--build", required=True)
	parser.add_argument("-j", type=int, default=2, help="cases at the same time (2)")
	parser.add_argument("-k", default="", help="only cases with this text in file or title")
	args = parser.parse_args()
	for path in sorted(glob.glob(os.path.join(HERE, "bad_*.py"))):
		importlib.import_module(os.path.basename(path)[:-3])
	chosen = [entry for entry in cases.CASES if args.k in f"{entry[0]}: {entry[1]}"]
	build = Build(args.build)
	failed = skips = 0
	with concurrent.futures.ThreadPoolExecutor(args.j) as pool:
		jobs = [pool.submit(timed, build, entry) for entry in chosen]
		for job in concurrent.futures.as_completed(jobs):
			entry, troubles, skipped, took = job.result()
			word = "FAIL" if troubles else "skip" if skipped else "ok  "
			print(f"{word} {entry[0]}: {entry[1]} ({took:.1f} s){' ' + skipped if skipped else ''}")
			for trouble in troubles:
				print(f"    {trouble}")
			sys.stdout.flush()
			failed += bool(troubles)
			skips += bool(skipped)
	build.close()
	print(f"{len(chosen) - failed - skips} passed, {failed} failed, {skips} skipped")
	return 1 if failed or not chosen else 0


if __name__ == "__main__":
	sys.exit(main())
