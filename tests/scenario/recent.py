#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""History from memory on several nodes, with and without the place in Redis that they share (history_redis).

  recent.py --build DIR [-k TEXT] [--seed N]

Two nodes on one MariaDB and one Redis. Whatever one of them changes, the other one shows at once, though it hears
nothing of it where nobody of the audience is connected; and whatever Redis does, pages are right. The last line is the
count.
"""
import argparse
import json
import os
import random
import re
import sys
import time
import traceback
import urllib.parse

os.environ["NUNCIO_TEST_STORE"] = "store_mysql"
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from lib import wire  # noqa: E402
from lib.nodes import Nodes, redis  # noqa: E402
from lib.server import Build, Trouble  # noqa: E402

MODULES = "store_sqlite auth_jwt direct messages history".split()
ID = "d:5:alice:bob"
CASES = []


def case(title, **how):
	def add(function):
		CASES.append((title, function, how))
		return function
	return add


def metric(node, name):
	answer = wire.http(node.port, "GET", "/metrics")
	found = re.search(rf"^nuncio_history_{name} (\d+)$", answer.body.decode(), re.M)
	assert found, f"no metric nuncio_history_{name}"
	return int(found.group(1))


class Test:
	def __init__(self, build, store, shares, cache="16M"):
		self.store, self.count, self.seqs = store, 0, 0
		self.nodes = Nodes(build, MODULES + ["history_redis"] * shares, 2, own=store)
		for node in self.nodes.nodes:
			node.settings["history"] = {"cache": cache}
			if shares:
				node.settings["history_redis"] = {"server": store.address(), "timeout": "500ms", "retry": "50ms",
					"retry_most": "200ms", "patience": "100ms"}
		self.nodes.start()

	def ask(self, node, method, path, body=None, user="alice"):
		answer = self.nodes.nodes[node].http(method, f"/api/v1/{path}", body, user=user)
		packet = answer.json()
		assert answer.status < 300, f"{method} {path}: {answer.status} {packet}"
		return packet["data"]

	def send(self, node):
		self.count += 1
		data = self.ask(node, "POST", "messages", {"to": {"user": "bob"}, "client_id": f"m{self.count}",
			"body": f"word {self.count}"})
		self.seqs = data["seq"]
		return data["seq"]

	def change(self, node, what, seq):
		path = f"conversations/{ID}/messages/{seq}"
		self.count += 1
		if what == "edit":
			data = self.ask(node, "PUT", path, {"body": f"edited {self.count}"})
		elif what == "react":
			data = self.ask(node, "PUT", f"{path}/reactions/{urllib.parse.quote(str(self.count))}")
		else:
			data = self.ask(node, "DELETE", path)
		self.seqs = data["seq"]

	def page(self, node, query="limit=30"):
		return self.ask(node, "GET", f"conversations/{ID}/messages?{query}", user="bob")

	def newest(self, node):
		"""The newest page, which must reach to the last event that was acknowledged."""
		page = self.page(node)
		assert page["events"][-1]["seq"] == self.seqs, f"node {node + 1}: {page['events'][-1]['seq']} of {self.seqs}"
		return page["events"]


def same(one, other, what):
	if one != other:
		first = next((pair for pair in zip(one, other) if pair[0] != pair[1]), (len(one), len(other)))
		raise AssertionError(f"{what}: {json.dumps(first)[:600]}")


def change_at_random(t, dice, steps):
	"""After each step both nodes show the same, and what was changed is as it was changed."""
	messages = [t.send(0)]
	for _ in range(steps):
		node, what = dice.randrange(2), dice.choice(("send", "send", "edit", "react", "recall"))
		if what == "send" or not messages:
			messages.append(t.send(node))
		else:
			seq = dice.choice(messages[-20:])
			t.change(node, what, seq)
			if what == "recall":
				messages.remove(seq)
		if dice.random() < 0.6:
			one, other = t.newest(node), t.newest(1 - node)
			same(one, other, f"after {what}")
		if dice.random() < 0.3:
			after = max(0, t.seqs - dice.randrange(40))
			same(t.page(0, f"after={after}&limit=20")["events"], t.page(1, f"after={after}&limit=20")["events"],
				f"after={after}")


@case("what one node changes the other one shows, of which it hears nothing", shares=0)
def silent(t, dice):
	change_at_random(t, dice, 120)
	hits = [metric(node, "cache_hits_total") for node in t.nodes.nodes]
	assert min(hits) > 10, hits


@case("the same where somebody of the audience is connected, and with Redis", shares=1)
def heard(t, dice):
	bob = t.nodes.nodes[1].client("bob")
	change_at_random(t, dice, 60)
	bob.say_close()
	change_at_random(t, dice, 60)


@case("the same without memory of their own worth mentioning", shares=1, cache="40K")
def small(t, dice):
	change_at_random(t, dice, 60)


@case("a page that one node had to read costs the store of the other one nothing", shares=1)
def shared(t, dice):
	for _ in range(40):
		t.send(0)
	one = t.newest(0)
	same(one, t.newest(1), "from Redis")
	assert metric(t.nodes.nodes[1], "cache_misses_total") == 0
	assert metric(t.nodes.nodes[1], "cache_shared_total") == 1
	assert metric(t.nodes.nodes[1], "redis_found_total") == 1
	t.nodes.nodes[1].restart()  # it has forgotten; what is in Redis is old, but not by much
	t.change(0, "edit", 39)
	t.change(0, "recall", 40)
	t.send(0)
	events = t.newest(1)
	assert events[-5]["body"].startswith("edited") and events[-4]["body"] is None, events[-5:]
	assert metric(t.nodes.nodes[1], "cache_misses_total") == 0
	same(events, t.newest(0), "brought up to date")


@case("what is too old in Redis, damaged, or of something else is not used", shares=1)
def bad_values(t, dice):
	for _ in range(5):
		t.send(0)
	first = t.newest(0)
	key = next(key for key in t.store.ask("KEYS", "*") if key.endswith(f"recent:{ID}"))
	for value in ("", "x", "nuncio", "x" * 5000):
		t.store.ask("SET", key, value)
		t.nodes.nodes[1].restart()
		same(first, t.newest(1), f"with {value[:10]!r} in Redis")
	t.store.ask("DEL", key)
	t.store.ask("LPUSH", key, "a list")
	t.nodes.nodes[1].restart()
	same(first, t.newest(1), "with a list in Redis")
	t.store.ask("FLUSHALL")
	t.newest(0)
	t.nodes.nodes[1].restart()
	t.newest(1)
	for _ in range(70):  # more than is worth catching up with
		t.send(0)
	t.nodes.nodes[1].restart()
	same(t.newest(0), t.newest(1), "far behind")


@case("Redis hangs: a moment, then everything as without it", shares=1)
def hangs(t, dice):
	for _ in range(5):
		t.send(0)
	first = t.newest(0)
	t.nodes.nodes[1].restart()
	t.store.pause()
	begin = time.monotonic()
	same(first, t.newest(1), "while Redis hangs")
	took = time.monotonic() - begin
	t.store.resume()
	assert took < 2 * wire.SLOW, f"it took {took:.1f} s"


@case("Redis is gone, and comes back: always right", shares=1)
def gone(t, dice):
	change_at_random(t, dice, 15)
	t.store.kill()
	change_at_random(t, dice, 15)
	t.store.start()
	change_at_random(t, dice, 15)
	t.store.ask("FLUSHALL")
	change_at_random(t, dice, 15)


def run(build, store, seed, title, function, how):
	begin, troubles, test = time.monotonic(), [], None
	try:
		test = Test(build, store, **how)
		function(test, random.Random(seed))
	except (AssertionError, wire.Silence, wire.Closed, Trouble, redis.Broken, OSError) as error:
		at = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == os.path.abspath(__file__)][-1]
		troubles.append(f"line {at.lineno}: {type(error).__name__}: {error}")
	if test:
		for node in test.nodes.nodes:
			if node.process:
				node.stop()
			if troubles:
				troubles += [f"| {line[:300]}" for line in node.log_text().splitlines()[-5:]]
		test.nodes.remove()
	print(f"{'FAIL' if troubles else 'ok  '} {title} ({time.monotonic() - begin:.1f} s)", flush=True)
	for trouble in troubles:
		print(f"    {trouble}")
	return not troubles


def main():
	parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
	parser.add_argument("--build", required=True)
	parser.add_argument("-k", default="", help="only cases with this text in their title")
	parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
	args = parser.parse_args()
	print(f"seed {args.seed}")
	build = Build(args.build)
	chosen = [entry for entry in CASES if args.k in entry[0]]
	good = 0
	for title, function, how in chosen:
		store = redis.Redis().start()
		try:
			good += run(build, store, args.seed, title, function, how)
		finally:
			store.stop()
	build.close()
	print(f"{good} passed, {len(chosen) - good} failed, 0 skipped")
	return 1 if good < len(chosen) or not chosen else 0


if __name__ == "__main__":
	sys.exit(main())
