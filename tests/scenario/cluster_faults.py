#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Breaks a cluster of three nodes on one MariaDB and one Redis in traffic, and looks for what was lost or doubled.

  cluster_faults.py --build DIR [--only WORD]... [--rounds N] [--seed N]

Senders and receivers are on all nodes, and come back on another one when theirs ends. In each round every kind of fault
happens once; those that lose packets are in a network of the script's own (it needs root). After each:
  1. every acknowledged message is in history exactly once, with the seq and id of its answer; whatever was not
     acknowledged was said again with its client_id until it was; seq runs 1, 2, 3 ...;
  2. each receiver has every event of its conversations, live and synced together, exactly once and in order;
  3. /readyz of every node says 200 again, by itself;
  4. within 30 s each node says the same and the truth about who is online: those who are connected anywhere, and not who
     was on a node that died.
The last line is the count.
"""
import argparse
import glob
import os
import random
import re
import signal
import sys
import time

sys.dont_write_bytecode = True
os.environ.setdefault("NUNCIO_TEST_STORE", "store_mysql")
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from lib import network, storage, wire  # noqa: E402
from lib.nodes import Nodes, redis  # noqa: E402
from lib.server import Build  # noqa: E402
from lib.traffic import ENDS, Look, StubbornReceiver, StubbornSender, check_receivers  # noqa: E402

MODULES = "store_sqlite auth_jwt direct history presence devices".split()
SENDERS, RECEIVERS = 6, 4
PRESENCE_S = 30
CLOCK_S = 7 * 60
FAKETIME = sorted(glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1"))
FAULTS = []
build = None # what is tested


def fault(function):
	FAULTS.append((function.__name__, function, lambda: True))
	return function


def fault_if(possible):
	def add(function):
		FAULTS.append((function.__name__, function, possible))
		return function
	return add


class Listener(StubbornReceiver):
	"""Does what clients have to do when they are asked to sync."""

	def drain(self, client):
		asked = any(packet["op"] == "session.resync" for packet in client.notifies)
		super().drain(client)
		if asked:
			self.resyncs = getattr(self, "resyncs", 0) + 1
			self.sync(client)
			self.fill()


class Separate(Nodes):
	"""Each node has addresses of its own for Redis and MariaDB, so that its way to them can be cut."""

	def spread(self):
		super().spread()
		for number, node in enumerate(self.nodes if network.is_own() else []):
			node.address = f"127.0.1.{number + 1}"
			for module in ("bus_redis", "presence_redis"):
				node.settings[module]["server"] = f"{node.address}:{self.redis.port}"
			store = node.settings["store_mysql"]
			store["servers"] = re.sub(r"127\.[\d.]+", node.address, store["servers"])


class Site:
	def __init__(self, build, seed):
		self.dice = random.Random(seed)
		self.faults = []
		everywhere = [("bind", "0.0.0.0"), ("protected-mode", "no")] if network.is_own() else []
		self.redis = redis.Redis(everywhere).start()
		self.nodes = Separate(build, MODULES, 3, own=self.redis)
		for node in self.nodes.nodes:
			node.settings["core"]["retry_after"] = "1s"
			for module in ("bus_redis", "presence_redis"):
				node.settings[module].update({"timeout": "1s", "retry": "50ms", "retry_most": "500ms"})
			node.settings["store_mysql"]["timeout"] = "1s"
			# Older than a wrong clock is wrong, so that such a node takes them, too.
			node.token = lambda user, keys=node.keys, **how: keys.token(user, iat=-3 * CLOCK_S, **how)
		self.nodes.start()
		self.ghost = self.ghost_name = None

	def some(self):
		return self.nodes.nodes[self.dice.randrange(3)]

	def haunt(self, number):
		"""Somebody who is on this node only, and does not come back."""
		self.ghost_name = f"ghost{self.dice.getrandbits(32)}"
		self.ghost = self.nodes.nodes[number].client(self.ghost_name)

	def close(self):
		self.nodes.stop()
		troubles = self.nodes.verdict()
		self.nodes.remove()
		self.redis.stop()
		return troubles


# ---- what breaks

@fault
def node_killed(site):
	number = site.dice.randrange(3)
	site.haunt(number)
	time.sleep(0.5)
	site.nodes.nodes[number].kill()
	time.sleep(site.dice.uniform(0.5, 2))
	site.nodes.nodes[number].start()


@fault
def redis_killed(site):
	site.redis.kill()
	time.sleep(site.dice.uniform(0.2, 2))
	site.redis.start()


@fault
def redis_emptied(site):
	site.redis.ask("FLUSHALL")


@fault
def redis_paused(site):
	site.redis.pause()
	time.sleep(site.dice.uniform(1.5, 3))
	site.redis.resume()


@fault
def node_paused(site):
	"""For longer than its lease: the others have swept it when it goes on."""
	node = site.nodes.nodes[site.dice.randrange(3)]
	node.signal(signal.SIGSTOP)
	time.sleep(6)
	node.signal(signal.SIGCONT)


@fault
def connections_cut(site):
	site.redis.ask("CLIENT", "KILL", "TYPE", "pubsub")
	site.redis.ask("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")


# ---- packets: one node, and nobody else

def spoil(site, port, percent, seconds):
	node = site.some()
	with network.Wire(port, node.address) as wires:
		wires.lose(percent)
		if percent == 100 and not until(lambda: not is_ready(node), seconds):
			site.faults.append(f"{node.settings['core']['node']} is cut off, and says that it is ready")
		time.sleep(seconds)
		print(f"    {wires.lost()} packets were lost")
		if not wires.lost():
			site.faults.append("no packet was lost")


@fault_if(network.can_lose)
def redis_cut_off(site):
	"""For longer than its lease, so that the others have swept it when it is back."""
	spoil(site, site.redis.port, 100, site.dice.uniform(5, 7))


@fault_if(network.can_lose)
def redis_packets_lost(site):
	spoil(site, site.redis.port, site.dice.randint(10, 30), 6)


@fault_if(network.can_lose)
def mariadb_cut_off(site):
	spoil(site, storage.servers[0].port, 100, site.dice.uniform(3, 6))


@fault_if(network.can_lose)
def mariadb_packets_lost(site):
	spoil(site, storage.servers[0].port, site.dice.randint(10, 30), 6)


# ---- clocks

def set_clock(node, seconds):
	"""Of a node that runs with FAKETIME_TIMESTAMP_FILE, which is read once a second."""
	path = os.path.join(node.folder, "clock")
	with open(path + ".new", "w") as file:
		file.write(f"{seconds:+d}\n")
	os.chmod(path + ".new", 0o644)
	os.rename(path + ".new", path)
	return path


def clock_ahead(node):
	text = wire.http(node.port, "GET", "/metrics", timeout=5).body.decode()
	return next(float(line.split()[1]) for line in text.splitlines()
		if line.startswith("nuncio_bus_redis_clock_ahead_seconds "))


def live_with_clock(site, node, seconds):
	"""Traffic, presence and the numbers while the clock is so."""
	set_clock(node, seconds)
	if not until(lambda: abs(clock_ahead(node) - seconds) <= 2, 15):
		site.faults.append(f"the clock is {seconds} s ahead, and is said to be {clock_ahead(node)}")
	if not until(lambda: is_presence_right(site, site.here, []), PRESENCE_S):
		site.faults.append(f"presence is not right with a clock that is {seconds} s ahead")


def is_sanitized():
	"""A sanitizer wants to be the first library that is loaded, and so does libfaketime."""
	with open(build.program, "rb") as file:
		program = file.read()
	return b"libasan.so" in program or b"libtsan.so" in program


@fault_if(lambda: FAKETIME)
def clock_wrong(site):
	"""Of one node: ahead from its start, then in one step behind, then right, all in traffic; and a start after it."""
	node = site.some()
	node.stop()
	node.variables = {"LD_PRELOAD": FAKETIME[0], "FAKETIME_DONT_FAKE_MONOTONIC": "1",
		"FAKETIME_TIMESTAMP_FILE": set_clock(node, CLOCK_S), "FAKETIME_CACHE_DURATION": "1"}
	node.start()
	for seconds in (CLOCK_S, -CLOCK_S, 0):
		live_with_clock(site, node, seconds)
	node.stop()
	node.variables = {}
	node.start()
	for words in ("s ahead of Redis'", "agrees with Redis' again"):
		if words not in node.log_text():
			site.faults.append(f"the log does not have: {words}")


# ---- looking

def until(condition, seconds):
	deadline = time.monotonic() + seconds * wire.SLOW
	while time.monotonic() < deadline:
		if condition():
			return True
		time.sleep(0.1)
	return False


def is_ready(node):
	try:
		return wire.http(node.port, "GET", "/readyz", timeout=2).status == 200
	except ENDS:
		return False


def presence_of(node, names):
	client = node.client("watcher")
	packet = client.call("presence.query", {"users": names})
	client.say_close()
	return {row["user"]: row["status"] for row in packet["data"]["users"]}


def is_presence_right(site, here, gone):
	want = {**{name: "online" for name in here}, **{name: "offline" for name in gone}}
	try:
		return all(presence_of(node, list(want)) == want for node in site.nodes.nodes)
	except ENDS:
		return False


class Round:
	def __init__(self, site, senders, receivers):
		self.site, self.senders, self.receivers = site, senders, receivers
		self.faults = []

	def play(self, name, function):
		for thread in self.senders + self.receivers:
			thread.start()
		time.sleep(0.7)
		self.site.faults = self.faults
		self.site.here = [receiver.name for receiver in self.receivers]
		begin = time.monotonic()
		function(self.site)
		ready = until(lambda: all(map(is_ready, self.site.nodes.nodes)), 30)
		took = time.monotonic() - begin
		if not ready:
			self.faults.append("not every node is ready after 30 s")
		gone = [self.site.ghost_name] if self.site.ghost_name else []
		here = self.site.here
		healed = time.monotonic()
		if not until(lambda: is_presence_right(self.site, here, gone), PRESENCE_S):
			self.faults.append("presence is not right after 30 s: " + ", ".join(
				f"{node.settings['core']['node']} {presence_of(node, here + gone)}" for node in self.site.nodes.nodes))
		presence = time.monotonic() - healed
		self.site.ghost = self.site.ghost_name = None
		time.sleep(0.5)
		self.end()
		self.look(name, took, presence)

	def end(self):
		for sender in self.senders:
			sender.ending = True
		for sender in self.senders:
			sender.join(30 * wire.SLOW)
			if sender.is_alive():
				self.faults.append(f"{sender.name} has {len(sender.open)} messages without an answer")
				sender.stopping = True
		for receiver in self.receivers:
			receiver.stopping = True
		for receiver in self.receivers:
			receiver.join(30)

	def look(self, name, took, presence):
		server = self.site.nodes
		look = Look(server, self.senders, self.receivers)
		self.faults += look.faults
		check_receivers(server, self.receivers, look, self.faults)
		sent = sum(len(sender.said) for sender in self.senders)
		acked = sum(len(sender.acked) for sender in self.senders)
		if look.found != sent:
			self.faults.append(f"{sent} messages sent, {look.found} found")
		print(f"{'FAIL' if self.faults else 'ok  '} {name}: sent {sent}, acknowledged {acked}, found {look.found}, "
			f"duplicates {look.duplicates}, lost {look.lost}; ready again after {took:.1f} s, presence right after "
			f"{presence:.1f} s more; live {sum(r.live for r in self.receivers)}, resyncs "
			f"{sum(getattr(r, 'resyncs', 0) for r in self.receivers)}", flush=True)
		for words in self.faults[:10]:
			print(f"    {words}", flush=True)


def successors(threads):
	heirs = []
	for thread in threads:
		if isinstance(thread, Listener):
			heir = Listener(thread.server, thread.name)
			names = ("high", "events", "cursor", "faults", "live", "holes")
		else:
			heir = StubbornSender(thread.server, thread.name, thread.peers, 0, thread.pace)
			names = ("random", "count", "said", "acked", "refused", "open")
		for name in names:
			setattr(heir, name, getattr(thread, name))
		heirs.append(heir)
	return heirs


def main():
	global build
	parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
	parser.add_argument("--build", required=True)
	parser.add_argument("--only", action="append", default=[], help="only faults with this text in their name")
	parser.add_argument("--rounds", type=int, default=1)
	parser.add_argument("--seed", type=int, default=None)
	args = parser.parse_args()
	seed = args.seed if args.seed is not None else int.from_bytes(os.urandom(4), "big")
	network.enter()
	if network.is_own():
		storage.options.append("--bind-address=0.0.0.0")
	print(f"cluster_faults: seed {seed}, {args.rounds} rounds", flush=True)
	build = Build(args.build)
	site = Site(build, seed)
	names = [f"r{i}" for i in range(RECEIVERS)]
	receivers = [Listener(site.nodes, name) for name in names]
	senders = [StubbornSender(site.nodes, f"s{i}", names + [f"s{(i + 1) % SENDERS}"], site.dice.random(), 0.02)
		for i in range(SENDERS)]
	for receiver in receivers:
		receiver.sync(site.nodes.client(receiver.name, device="r"))
	played = failed = skipped = 0
	for _ in range(args.rounds):
		for name, function, possible in FAULTS:
			if args.only and not any(word in name for word in args.only) or name == "clock_wrong" and is_sanitized():
				continue
			if not possible():
				print(f"skip {name}: no network of our own, no nft (package nftables), or no faketime")
				skipped += 1
				continue
			turn = Round(site, senders, receivers)
			turn.play(name, function)
			played += 1
			failed += bool(turn.faults)
			senders, receivers = successors(senders), successors(receivers)
	# Lines that say what of MariaDB failed are wanted.
	troubles = [line for line in site.close() if " failed: " not in line]
	for trouble in troubles:
		print(f"    {trouble}")
	build.close()
	failed += bool(troubles)
	print(f"{played + 1 - failed} passed, {failed} failed, {skipped} skipped")
	return 1 if failed else 0


if __name__ == "__main__":
	sys.exit(main())
