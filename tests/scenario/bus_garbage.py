#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A Redis that works, with something else under our keys: other types, texts that nobody of us wrote, values that are
far too large; and the same on the channels. Nodes must say so in words, live on in bounded memory, and be well again
when it has gone.

  bus_garbage.py --build DIR [--seed N]
"""
import argparse
import os
import random
import sys
import time
import traceback

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import bus  # noqa: E402
from bus import until  # noqa: E402
from lib import wire  # noqa: E402
from lib.nodes import redis  # noqa: E402
from lib.server import Build  # noqa: E402

GROWTH_MB = 200
LINES = 250  # that a node may log in all, whatever is done to it
CASES = []


def case(function):
	CASES.append(function)
	return function


def rss_mb(node):
	with open(f"/proc/{node.process.pid}/statm") as file:
		return int(file.read().split()[1]) * 4096 / 1e6


def random_text(dice, size):
	return bytes(dice.randrange(256) for _ in range(size))


def values(dice):
	"""What may lie in a key or a member that is not ours."""
	ids = "".join(dice.choice("0123456789abcdef") for _ in range(16))
	return [b"", b"x", random_text(dice, 40), ids.encode(), f"{ids}:1".encode(), f"{ids}:ffffffffffffffffff".encode(),
		b"1 {}", b"1 [" * 2000, b'99999999999999999999 {"node":"a"}', b"-1", b"9" * 400,
		b'1 {"node":"' + b"n" * 5000 + b'","device":"d","since":1,"state":"online"}',
		b'1 {"node":"n","device":"d","since":1e400,"state":"online"}', random_text(dice, 5000)]


def put(ask, dice, key, kind):
	"""Nodes write meanwhile."""
	for _ in range(20):
		try:
			as_type(ask, dice, key, kind)
			return
		except redis.Broken as error:
			if "WRONGTYPE" not in str(error):
				raise


def as_type(ask, dice, key, kind):
	ask("DEL", key)
	some = values(dice)
	if kind == "string":
		ask("SET", key, dice.choice(some))
	elif kind == "list":
		ask("RPUSH", key, *some)
	elif kind == "set":
		ask("SADD", key, *some)
	elif kind == "hash":
		ask("HSET", key, *[part for text in some for part in (text, dice.choice(some))])
	elif kind == "many":  # a set of node ids that no node has
		ask("SADD", key, *[f"{dice.getrandbits(64):016x}" for _ in range(5000)])
	elif kind == "sessions":  # of nodes that nobody knows
		ask("HSET", key, *[part for i in range(5000) for part in (f"{dice.getrandbits(64):016x}:{i + 1:x}",
			f'{i} {{"node":"n{i}","device":"d","since":1,"state":"online"}}')])
	elif kind == "large":
		ask("SET", key, b"x" * 20_000_000)
	elif kind == "large member":
		ask("SADD", key, b"x" * 20_000_000)


KINDS = ["string", "list", "set", "hash", "many", "sessions", "large", "large member"]


class Site:
	def __init__(self, test, dice):
		self.test, self.dice = test, dice
		self.store = test.redis()
		self.nodes = test.nodes(self.store, 2, ["presence", "devices"], lease="4s", timeout="3s")
		self.nodes.start()
		self.people()
		self.before = [rss_mb(node) for node in self.nodes.nodes]

	def people(self):
		self.alice, self.bob = self.test.pair(self.nodes)

	def keys(self):
		return self.store.ask("KEYS", "nuncio:*")

	def say_so(self, *texts):
		"""In words that an operator understands."""
		log = self.nodes.log_text()
		for text in texts:
			assert text in log, f"no line says: {text}"

	def use(self):
		"""Everything that reads Redis; what it answers does not matter here, that it answers does."""
		for name, node in (("alice", self.nodes.nodes[1]), ("bob", self.nodes.nodes[0])):
			try:
				client = node.client(name, device="extra")
				client.call("presence.query", {"users": ["alice", "bob", "nobody"]})
				client.call("device.list")
				client.call("message.send", {"to": {"user": "carol"}, "body": "x", "client_id": str(self.dice.random())})
				client.say_close()
			except (wire.Closed, wire.Refused):
				pass

	def check_alive(self):
		for node, before in zip(self.nodes.nodes, self.before):
			assert node.is_running(), "a node has ended: " + node.log_text()[-2000:]
			assert rss_mb(node) < before + GROWTH_MB, f"{rss_mb(node):.0f} MB, were {before:.0f}"
			assert len(node.log_lines()) < LINES, "too many log lines: " + node.log_text()[-3000:]

	def heal(self):
		self.store.ask("FLUSHALL")
		until(lambda: all(wire.http(node.port, "GET", "/readyz").status == 200 for node in self.nodes.nodes), 20, "ready")
		self.people()
		# Until each node has seen that its lease has gone, and come back.
		until(lambda: self.test.say(self.alice, self.bob, must=False, seconds=1), 20, "that bob hears alice")
		until(lambda: self.status("bob", 0) == "online" and self.status("alice", 1) == "online", 15, "presence")
		self.check_alive()

	def status(self, who, number):
		client = self.nodes.nodes[number].client("watcher")
		packet = client.call("presence.query", {"users": [who]})
		client.say_close()
		return packet["data"]["users"][0]["status"]


@case
def keys_of_another_type(site):
	for kind in KINDS:
		for key in site.keys():
			put(site.store.ask, site.dice, key, kind)
			if "large" in kind and site.dice.random() < 0.7:
				site.store.ask("DEL", key)
		for _ in range(3):
			site.use()
			time.sleep(0.5)
		site.check_alive()
		site.heal()
	site.say_so("Redis refuses a session: ", "Redis refuses an interest: ", "something else has written keys that begin with nuncio:")


@case
def an_answer_without_end(site):
	"""Each node gives up what it is being told, long before it is out of memory."""
	for i in range(6):
		site.store.ask("HSET", "nuncio:presence:user:alice", str(i), b"x" * 20_000_000)
	for _ in range(4):
		site.use()
		time.sleep(0.5)
	site.check_alive()
	site.say_so("an answer is larger than any that we have asked for")
	site.heal()


@case
def the_name_of_a_node(site):
	"""At start: nobody else has the name, but something is there."""
	node = site.nodes.nodes[0]
	node.stop()
	site.store.ask("SET", "nuncio:bus:name:node1", "a cache entry of somebody")
	node.start(wait=False)
	assert node.log_has("something else has written keys that begin with nuncio:", 10), node.log_text()[-1000:]
	site.heal()


@case
def one_key_at_a_time(site):
	for key in sorted(site.keys()):
		for kind in site.dice.sample(KINDS, 3):
			put(site.store.ask, site.dice, key, kind)
			site.use()
		site.store.ask("DEL", key)
	time.sleep(2)
	site.check_alive()
	site.heal()


@case
def channels(site):
	channels = site.store.ask("PUBSUB", "CHANNELS", "nuncio:*")
	assert len(channels) > 3, channels
	for channel in channels:
		for text in values(site.dice) + [b"F" + b"a" * 16 + random_text(site.dice, 300), b"I" + b"a" * 16 + b"+\xff\xff" + b"t" * 60,
				b"I" + b"b" * 16 + b"+\0\1tjunk", b"L", b"L" + b"c" * 16, b"\0\0\0\4abcd" * 100, b"\xff\xff\xff\xff", b"x" * 20_000_000]:
			site.store.ask("PUBLISH", channel, text)
	time.sleep(1)
	site.use()
	site.check_alive()
	site.heal()


def play(build, function, seed):
	test, troubles = bus.Test(build), []
	try:
		site = Site(test, random.Random(seed))
		function(site)
	except (Exception, AssertionError):
		troubles.append(traceback.format_exc()[-3000:])
	for server in test.servers:
		server.stop()
		# What is in Redis may be called wrong in any words; a crash or a sanitizer's report may not be.
		troubles += [line for line in server.verdict() if "not announced" not in line]
		server.remove()
	for store in test.stores:
		store.stop()
	return troubles


def main():
	parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
	parser.add_argument("--build", required=True)
	parser.add_argument("--seed", type=int, default=1)
	parser.add_argument("-k", default="")
	args = parser.parse_args()
	# What was freed does not count as memory that a node holds.
	os.environ.setdefault("ASAN_OPTIONS", "detect_leaks=1:exitcode=99:abort_on_error=0:quarantine_size_mb=8")
	build, passed, failed = Build(args.build), 0, 0
	for function in CASES:
		if args.k not in function.__name__:
			continue
		begin = time.monotonic()
		troubles = play(build, function, args.seed)
		passed, failed = passed + (not troubles), failed + bool(troubles)
		print(f"{'FAIL' if troubles else 'ok  '} {function.__name__} ({time.monotonic() - begin:.1f} s)", flush=True)
		for trouble in troubles:
			print(f"    {trouble}", flush=True)
	build.close()
	print(f"{passed} passed, {failed} failed, 0 skipped")
	return 1 if failed else 0


if __name__ == "__main__":
	sys.exit(main())
