# SPDX-License-Identifier: MIT
"""Cases: each gets a server, does something to it, and a pair of bystanders must not notice.

	@case("what is shown", modules=[...], settings={...})
	def anything(t): ...

`t` is a Test. During the whole case two other clients ping, write to each other and read; any error,
any answer later than a second or any lost message fails the case, whatever it was about.
"""
import argparse
import concurrent.futures
import glob
import importlib
import os
import sys
import threading
import time
import traceback

from . import wire
from .server import CHAT, CODES, Build, Server

CASES = []


class Skip(Exception):
	pass


def case(title, bystanders=True, start=True, **how):
	def add(function):
		CASES.append((function.__module__.rsplit(".", 1)[-1], title, function, bystanders, start, how))
		return function
	return add


class Bystanders(threading.Thread):
	PATIENCE = 1.0

	def __init__(self, server):
		super().__init__(daemon=True)
		self.server = server
		self.ann = server.client("bystander-ann")
		self.ben = server.client("bystander-ben")
		self.has_direct = "direct" in server.modules and not server.ready_any
		self.stopping = threading.Event()
		self.rounds = 0
		self.worst = 0.0
		self.fault = None

	def run(self):
		try:
			while not self.stopping.wait(0.02):
				begin = time.monotonic()
				self.turn()
				self.worst = max(self.worst, time.monotonic() - begin)
				self.rounds += 1
		except Exception as error:
			self.fault = f"{type(error).__name__}: {error}"

	def turn(self):
		for client in (self.ann, self.ben):
			packet = client.call("ping", timeout=self.PATIENCE)
			assert packet["code"] == 0, packet
			client.responses.clear()
		if self.has_direct and self.rounds % 3 == 0:
			body = f"round {self.rounds}"
			packet = self.ann.call("message.send", {"to": {"user": "bystander-ben"},
				"client_id": f"by-{self.rounds}", "body": body}, timeout=self.PATIENCE * 2)
			assert packet["code"] == 0, packet
			notify = self.ben.expect("message.new", timeout=self.PATIENCE)
			assert notify["data"]["body"] == body, notify

	def end(self):
		deadline = time.monotonic() + 5 * wire.SLOW
		while self.rounds < 3 and self.fault is None and time.monotonic() < deadline:
			time.sleep(0.01)
		self.stopping.set()
		self.join(10 * wire.SLOW)
		assert self.fault is None, f"a bystander was touched: {self.fault}"
		assert self.rounds > 0, "the bystanders came to nothing"
		for client in (self.ann, self.ben):
			client.say_close()


class Test:
	def __init__(self, build, start, modules=None, settings=None, data_dir=None):
		modules = list(CHAT if modules is None else modules)
		self.build = build
		self.server = Server(build, modules, settings, data_dir=data_dir)
		if start:
			self.server.start()

	@property
	def port(self):
		return self.server.port

	def pipe(self, **how):
		return wire.Pipe(self.port, **how)

	def client(self, user="eve", **how):
		return self.server.client(user, **how)

	def raw(self, data, timeout=5.0):
		"""Sends bytes on a new connection and reads one HTTP answer."""
		pipe = self.pipe()
		try:
			try:
				pipe.send(data)
			except wire.Closed:
				pass
			return wire.read_response(pipe, timeout)
		finally:
			pipe.close()

	def refused(self, answer, statuses, what):
		"""An HTTP refusal: the status, the unified answer, and words."""
		statuses = statuses if isinstance(statuses, (tuple, list, set)) else (statuses,)
		assert answer.status in statuses, f"{what}: {answer.status} {answer.body[:300]!r}, not {statuses}"
		packet = answer.json()
		assert packet["code"] in CODES and packet["code"] != 0, f"{what}: {packet}"
		assert packet["message"], f"{what}: no words in {packet}"
		assert len(packet["trace_id"]) == 32, f"{what}: {packet}"
		return CODES[packet["code"]]

	def still_works(self):
		client = self.client("afterwards")
		assert client.call("ping")["code"] == 0
		client.say_close()


def run_case(build, entry):
	"""Returns (troubles, skipped reason)."""
	_, _, function, bystanders, start, how = entry
	troubles, test, watch = [], None, None
	try:
		test = Test(build, start, **how)
		if start and bystanders:
			watch = Bystanders(test.server)
			watch.start()
		function(test)
		if watch:
			watch.end()
			watch = None
		if start and test.server.is_running():
			test.still_works()
	except Skip as reason:
		return [], str(reason)
	except Exception as error:
		where = traceback.extract_tb(error.__traceback__)
		at = next((f"{f.filename.rsplit('/', 1)[-1]}:{f.lineno}" for f in reversed(where)
			if "/lib/" not in f.filename), "")
		troubles.append(f"{at} {type(error).__name__}: {error}")
	finally:
		if watch:
			watch.stopping.set()
			if watch.fault:
				troubles.append(f"a bystander was touched: {watch.fault}")
		if test:
			test.server.stop()
			troubles += test.server.verdict()
			if troubles:
				tail = test.server.log_text().splitlines()[-8:]
				troubles += [f"| {line[:400]}" for line in tail]
			test.server.remove()
	return troubles, None


def timed(build, entry):
	begin = time.monotonic()
	troubles, skipped = run_case(build, entry)
	return entry, troubles, skipped, time.monotonic() - begin


def main(folder, pattern, about):
	"""Runs the cases of the files in a folder; returns the exit status."""
	parser = argparse.ArgumentParser(description=about.split("\n")[0])
	parser.add_argument("--build", required=True)
	parser.add_argument("-j", type=int, default=2, help="cases at the same time (2)")
	parser.add_argument("-k", default="", help="only cases with this text in file or title")
	args = parser.parse_args()
	for path in sorted(glob.glob(os.path.join(folder, pattern))):
		importlib.import_module(os.path.basename(path)[:-3])
	chosen = [entry for entry in CASES if args.k in f"{entry[0]}: {entry[1]}"]
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
