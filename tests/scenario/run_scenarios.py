#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Plays the *.chat scripts against a built nunciod. Usage:

  run_scenarios.py --build DIR [-j N] [-k TEXT] [-v] [--keep] [--store NAME] [FILE ...]

With --store NAME the scripts of the embedded store are played with that one, but those that need what
outlives the process.

Each script gets a server, a port and a directory of its own. The language is in lib/chat.py. The last
line is the count. --keep leaves the directories of failed scripts behind and says where they are.
"""
import argparse
import concurrent.futures
import glob
import os
import re
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from lib import nodes  # noqa: E402
from lib.chat import Chat  # noqa: E402
from lib.server import Build  # noqa: E402


LASTING = re.compile(r"^(restart|kill|stop)\b|^server .*\b(modules=|without=store)|store_sqlite", re.M)


def outlives(path):
	with open(path, encoding="utf-8") as file:
		return LASTING.search(file.read()) is not None


def play(build, path, keep, store):
	begin = time.monotonic()
	chat = Chat(build, path, store)
	troubles = []
	failed = chat.run()
	if failed:
		troubles.append(f"line {failed[0]}: {failed[1]}\n      {failed[2]}")
	log = ""
	try:
		chat.finish()
	except Exception as error:
		troubles.append(f"at the end: {error}")
	if chat.server:
		troubles += chat.server.verdict()
		log = chat.server.log_text()
		if troubles and keep:
			troubles.append(f"kept: {chat.server.folder}")
		else:
			chat.server.remove()
	return path, troubles, log, time.monotonic() - begin


def main():
	parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
	parser.add_argument("--build", required=True, help="build directory")
	parser.add_argument("-j", type=int, default=2, help="scripts at the same time (2)")
	parser.add_argument("-k", default="", help="only scripts whose name has this text")
	parser.add_argument("-v", action="store_true", help="more of the log of failed scripts")
	parser.add_argument("--keep", action="store_true", help="keep the directories of failed scripts")
	parser.add_argument("--store", default="store_sqlite", help="the store module (store_sqlite)")
	parser.add_argument("files", nargs="*")
	args = parser.parse_args()
	here = os.path.dirname(os.path.abspath(__file__))
	files = args.files or sorted(glob.glob(os.path.join(here, "*.chat")))
	files = [path for path in files if args.k in os.path.basename(path)]
	if args.store != "store_sqlite":
		files = [path for path in files if not outlives(path)]
	if nodes.wanted() > 1 and not args.files:
		files = [path for path in files if os.path.basename(path) not in nodes.EXCLUDED]
	build = Build(args.build)
	failed = 0
	with concurrent.futures.ThreadPoolExecutor(args.j) as pool:
		jobs = [pool.submit(play, build, path, args.keep, args.store) for path in files]
		for job in concurrent.futures.as_completed(jobs):
			path, troubles, log, took = job.result()
			name = os.path.basename(path)
			print(f"{'FAIL' if troubles else 'ok  '} {name} ({took:.1f} s)", flush=True)
			for trouble in troubles:
				print(f"    {trouble}")
			if troubles:
				failed += 1
				tail = log.splitlines()[-(40 if args.v else 6):]
				print("".join(f"    | {line[:400]}\n" for line in tail), end="", flush=True)
	build.close()
	print(f"{len(files) - failed} passed, {failed} failed, 0 skipped")
	return 1 if failed or not files else 0


if __name__ == "__main__":
	sys.exit(main())
