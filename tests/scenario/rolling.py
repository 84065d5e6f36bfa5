#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""All nodes are restarted, one after the other, while people write: nothing acknowledged is lost, everybody comes back, and not
all at once.

Usage: rolling.py --build DIR [--nodes N] [--idle N] [--rounds N]

A MariaDB, a Redis and the nodes, of its own. Who only listens is what a large node has most of: those clients do what
PROTOCOL.md tells them, come back after the time that they were told, on another node. The last line is the count of checks.
"""
import argparse
import os
import random
import shutil
import socket
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from lib import wire  # noqa: E402
from lib.server import Build, Server, free_port  # noqa: E402
from lib.traffic import ENDS, Look, StubbornReceiver, StubbornSender, check_receivers  # noqa: E402

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import mariadb  # noqa: E402

AFTER_MS, SPREAD_MS = 200, 4000
SENDERS, RECEIVERS, BUCKETS = 6, 3, 8


class Site:
	"""What nodes have in common, and the nodes."""

	def __init__(self, build, count):
		self.redis, self.nodes = None, []
		self.mariadb = mariadb.MariaDB()
		try:
			self.mariadb.start()
			self.mariadb.query("CREATE DATABASE nuncio")
			self.redis_port = free_port()
			# The server is in redis-tools under another name.
			self.redis = subprocess.Popen(["redis-server", "--bind", "127.0.0.1", "--port", str(self.redis_port), "--save", ""],
				executable=shutil.which("redis-check-rdb"), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
			self.wait_redis()
			for number in range(count):
				self.nodes.append(self.make(build, number))
		except BaseException:
			self.close()
			raise

	def wait_redis(self):
		until = time.monotonic() + 10
		while True:
			try:
				socket.create_connection(("127.0.0.1", self.redis_port), 1).close()
				return
			except OSError:
				assert time.monotonic() < until, "Redis does not come up"
				time.sleep(0.05)

	def make(self, build, number):
		redis = [name for name in ("bus_redis", "presence_redis") if name in build.modules]
		node = Server(build, "store_mysql auth_jwt direct history presence".split() + redis, {
			"core": {"store": "store_mysql", "node": f"node{number + 1}", "node_number": str(number),
				"retry_after": f"{AFTER_MS}ms", "retry_spread": f"{SPREAD_MS}ms", "drain_timeout": "5s"},
			"store_mysql": {"servers": self.mariadb.address("nuncio", tcp=True), "shards": "4"},
			**{name: {"server": f"127.0.0.1:{self.redis_port}"} for name in redis}})
		if self.nodes:
			node.keys = self.nodes[0].keys
			node.settings["auth_jwt"]["keys"] = node.keys.option()
		return node

	def start(self):
		for node in self.nodes:
			node.start()

	def stop(self):
		"""What was wrong with any of them."""
		for node in self.nodes:
			node.stop()
		return [f"{node.settings['core']['node']}: {trouble}" for node in self.nodes for trouble in node.verdict()]

	def close(self):
		for node in self.nodes:
			node.kill()
			node.remove()
		if self.redis:
			self.redis.terminate()
			self.redis.wait()
		self.mariadb.stop()


class Door:
	"""One address for all nodes: each client goes to the next one that lets it in."""

	def __init__(self, nodes):
		self.nodes = nodes
		self.lock = threading.Lock()
		self.turn = 0

	def client(self, user, **how):
		with self.lock:
			self.turn += 1
			first = self.turn
		error = OSError("no node")
		for i in range(len(self.nodes)):
			node = self.nodes[(first + i) % len(self.nodes)]
			try:
				return node.client(user, **how)
			except ENDS as reason:
				error = reason
		raise error


class Idle(threading.Thread):
	"""Listens; notes what it was told at the end of each connection, and when it was back."""

	def __init__(self, door, name):
		super().__init__(daemon=True)
		self.door, self.name = door, name
		self.stopping, self.client = False, None
		self.told = []   # (retry_after_ms, seconds until it was back)
		self.wrong = []

	def run(self):
		self.client = self.door.client(self.name)
		while not self.stopping:
			try:
				self.client.pump(0.5)
			except wire.Silence:
				pass
			except wire.Closed as end:
				self.come_back(end)

	def come_back(self, end):
		begin = time.monotonic()
		closing = [packet["data"] for packet in self.client.notifies if packet["op"] == "session.closing"]
		if end.code != 1001 or len(closing) != 1:
			self.wrong.append(f"{self.name}: closed with {end.code}, {len(closing)} session.closing")
		wait_ms = closing[0]["retry_after_ms"] if closing else 0
		time.sleep(wait_ms / 1000)
		while not self.stopping:
			try:
				self.client = self.door.client(self.name)
				break
			except ENDS:
				time.sleep(0.1)
		self.told.append((wait_ms, time.monotonic() - begin))


def spread_of(idle, faults):
	"""Each part of the window gets its share of those who come back."""
	told = [one for client in idle for one in client.told]
	buckets = [0] * BUCKETS
	for wait_ms, back in told:
		if not AFTER_MS <= wait_ms <= AFTER_MS + SPREAD_MS:
			faults.append(f"told {wait_ms} ms, outside of {AFTER_MS} to {AFTER_MS + SPREAD_MS}")
			continue
		buckets[min(int((wait_ms - AFTER_MS) * BUCKETS / SPREAD_MS), BUCKETS - 1)] += 1
		if back > wait_ms / 1000 + 2 * wire.SLOW:
			faults.append(f"was told {wait_ms} ms, was back after {back:.1f} s")
	expected = len(told) / BUCKETS
	# Five standard deviations of chance.
	if any(abs(count - expected) > 5 * expected ** 0.5 for count in buckets):
		faults.append(f"not evenly spread: {buckets}, {expected:.0f} each are expected")
	return told, buckets


def roll(nodes, faults):
	for node in nodes:
		before = time.monotonic()
		node.restart()
		print(f"    {node.settings['core']['node']}: away for {time.monotonic() - before:.2f} s", flush=True)
		if node.troubles:
			faults += node.troubles
			node.troubles = []
		time.sleep(1)


def main():
	parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
	parser.add_argument("--build", required=True)
	parser.add_argument("--nodes", type=int, default=3)
	parser.add_argument("--idle", type=int, default=240)
	parser.add_argument("--rounds", type=int, default=1)
	args = parser.parse_args()
	build = Build(args.build)
	if "bus_redis" not in build.modules:
		print("built without bus_redis (libhiredis-dev)\n0 passed, 1 failed, 0 skipped")
		return 1
	site = Site(build, args.nodes)
	faults = []
	try:
		site.start()
		door = Door(site.nodes)
		dice = random.Random(1)
		names = [f"r{i}" for i in range(RECEIVERS)]
		receivers = [StubbornReceiver(door, name) for name in names]
		senders = [StubbornSender(door, f"s{i}", names, dice.random(), pace=0.02) for i in range(SENDERS)]
		idle = [Idle(door, f"idle{i}") for i in range(args.idle)]
		for receiver in receivers:
			receiver.sync(door.client(receiver.name, device="r"))
		for thread in receivers + senders + idle:
			thread.start()
		time.sleep(1)
		for _ in range(args.rounds):
			roll(site.nodes, faults)
		time.sleep((AFTER_MS + SPREAD_MS) / 1000 + 1)
		for sender in senders:
			sender.ending = True
		for sender in senders:
			sender.join(30 * wire.SLOW)
			if sender.is_alive():
				faults.append(f"{sender.name} has not been answered")
			sender.stopping = True
		for thread in receivers + idle:
			thread.stopping = True
		for thread in receivers + idle:
			thread.join(10)
		look = Look(door, senders, receivers)
		check_receivers(door, receivers, look, faults)
		faults += look.faults
		sent, acked = (sum(len(getattr(s, what)) for s in senders) for what in ("said", "acked"))
		told, buckets = spread_of(idle, faults)
		lost = [client.name for client in idle if not client.client or client.client.closed]
		if lost:
			faults.append(f"did not come back: {lost[:10]}")
		if len(told) < args.idle * args.rounds:
			faults.append(f"only {len(told)} reconnects of {args.idle} clients, who all have been sent away")
		for client in idle:
			faults += client.wrong
		if look.found != sent:
			faults.append(f"{sent} messages sent, {look.found} found")
		print(f"sent {sent}, acknowledged {acked}, found {look.found}, duplicates {look.duplicates}, lost {look.lost}; "
			f"reconnects of {args.idle} idle clients {len(told)}, in eighths of {SPREAD_MS} ms: {buckets}; latest after "
			f"{max((back for _, back in told), default=0):.2f} s; holes filled {sum(r.holes for r in receivers)}")
		faults += site.stop()
	finally:
		if faults:
			print("\n".join(f"    {fault}" for fault in faults[:20]))
		site.close()
		build.close()
	print(f"{int(not faults)} passed, {int(bool(faults))} failed, 0 skipped")
	return 1 if faults else 0


if __name__ == "__main__":
	sys.exit(main())
