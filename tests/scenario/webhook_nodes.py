#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The module webhook on three nodes with one store: one of them delivers, whoever wrote; when it dies, another does.

Usage: webhook_nodes.py --build DIR

What must hold: every stored event arrives at least once, each conversation's in order where they come first, also
when several nodes write to it; nodes that are killed, stopped or held up take nothing with them. The last line is
the count of checks.
"""
import argparse
import os
import signal
import sys
import threading

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
os.environ["NUNCIO_TEST_STORE"] = "store_mysql:4:2"
from lib import storage  # noqa: E402
from lib.control import asked  # noqa: E402
from lib.nodes import Nodes  # noqa: E402
from lib.server import CHAT, Build  # noqa: E402
from webhook import Checks, Endpoint, firsts, metric, send, until  # noqa: E402

KEY = b"first key 0123456789"
PATIENCE_S = 60


class Site:
	"""An endpoint and three nodes that know it."""

	def __init__(self, build, **settings):
		self.endpoint = Endpoint([KEY])
		self.nodes = Nodes(build, [*CHAT, "messages", "webhook"], 3)
		path = os.path.join(self.nodes.keys.folder, "hook.key")
		with open(path, "wb") as file:
			file.write(KEY)
		self.nodes.settings["webhook"] = {"url": self.endpoint.url + "/events", "keys": path, "backoff_min": "50ms",
			"backoff_max": "200ms", "timeout": "1s", "attempts": "100000", "lease": "2s", **settings}
		self.nodes.start()
		self.acked = set()

	@property
	def running(self):
		return [node for node in self.nodes.nodes if node.is_running()]

	def deliverers(self):
		return [node for node in self.running if metric(node, "nuncio_webhook_delivering") == 1]

	def deliverer(self):
		assert until(lambda: len(self.deliverers()) == 1, PATIENCE_S), "no node delivers, or more than one"
		return self.deliverers()[0]

	def write(self, round_, count, pairs=4):
		"""Both of each pair write at once, each on a node of its own."""
		acked, lock = self.acked, threading.Lock()

		def one(number, node, name, peer):
			client = node.client(name)
			for at in range(count):
				packet = send(client, peer, f"{round_}-{name}-{at}", f"{round_} {at}", timeout=30)
				if packet["code"] == 0:
					with lock:
						acked.add((packet["data"]["conversation"], packet["data"]["seq"]))
		threads = []
		for number in range(pairs):
			a, b = f"a{number}", f"b{number}"
			nodes = self.running
			for at, (name, peer) in enumerate(((a, b), (b, a))):
				threads.append(threading.Thread(target=one, args=(number, nodes[(number + at) % len(nodes)], name, peer)))
		for thread in threads:
			thread.start()
		for thread in threads:
			thread.join()

	def missing(self):
		with self.endpoint.lock:
			return self.acked - {(event["conversation"], event["seq"]) for event in self.endpoint.accepted}

	def check(self, checks, what, written):
		checks.that(f"{what}: what was sent is stored", len(self.acked) == written, (len(self.acked), written))
		until(lambda: not self.missing(), PATIENCE_S)
		checks.that(f"{what}: all arrive", not self.missing(), len(self.missing()))
		wrong = {c: firsts(self.endpoint.seqs(c)) for c in {c for c, _ in self.acked}
			if firsts(self.endpoint.seqs(c)) != sorted(set(self.endpoint.seqs(c)))}
		checks.that(f"{what}: in order of each conversation", not wrong, list(wrong.items())[:1])
		checks.that(f"{what}: signed", not self.endpoint.faults, self.endpoint.faults[:1])

	def close(self, checks, what):
		self.endpoint.wake.set()
		self.nodes.stop()
		troubles = self.nodes.verdict()
		checks.that(f"{what}: the nodes did well", not troubles, troubles[:3])
		self.nodes.remove()
		self.endpoint.shutdown()
		self.endpoint.server_close()


def together(site, checks):
	site.deliverer()
	site.write("t", 60)
	site.check(checks, "three nodes write", 480)
	posts = len(site.endpoint.accepted)
	changed = "another node delivers" in site.nodes.log_text()  # a store too slow for the lease
	checks.that("three nodes write: each event is delivered once", posts == 480 or changed, posts)


def deliverer_dies(site, checks):
	site.endpoint.mood = "fails"
	first = site.deliverer()
	site.write("k", 15)
	first.kill()
	site.write("l", 15)
	site.endpoint.mood = "good"
	site.check(checks, "the one that delivers is killed", 240)
	checks.that("the one that delivers is killed: another has taken over", site.deliverer() is not first)
	first.start()
	site.write("m", 5)
	site.check(checks, "it comes back", 280)


def other_dies(site, checks):
	site.endpoint.mood = "hangs"
	first = site.deliverer()
	site.write("o", 15)
	next(node for node in site.running if node is not first).kill()
	site.endpoint.mood = "good"
	site.endpoint.wake.set()
	site.check(checks, "one that wrote is killed", 120)
	checks.that("one that wrote is killed: the same node delivers", site.deliverer() is first)


def crowded(site, checks):
	"""More than memory may keep, of all nodes: the rest waits in the store."""
	site.endpoint.mood = "fails"
	site.deliverer()
	site.write("c", 60)
	site.endpoint.mood = "mixed"
	site.write("d", 10)
	site.endpoint.mood = "good"
	site.check(checks, "more than memory keeps", 560)


def stopped(site, checks):
	first = site.deliverer()
	site.endpoint.mood = "fails"
	site.write("s", 10)
	first.stop()
	site.endpoint.mood = "good"
	site.check(checks, "the one that delivers is stopped", 80)
	checks.that("the one that delivers is stopped: the lease was given up", "another node" not in first.log_text())


def held_up(site, checks):
	"""Longer than the lease, in the middle of work: then two may believe that they deliver."""
	site.endpoint.mood = "mixed"
	first = site.deliverer()
	site.write("h", 10)
	first.signal(signal.SIGSTOP)
	try:
		others = [node for node in site.running if node is not first]
		checks.that("one that is held up: another takes over",
			until(lambda: any(metric(node, "nuncio_webhook_delivering") == 1 for node in others), PATIENCE_S))
	finally:
		first.signal(signal.SIGCONT)
	site.write("i", 10)
	site.endpoint.mood = "good"
	site.check(checks, "one that is held up", 160)
	site.deliverer()


def store_away(site, checks):
	"""Nobody can hold the lease, nor take it, while the database is held up; then somebody does."""
	site.endpoint.mood = "mixed"
	first = site.deliverer()
	site.write("v", 10)
	for server in storage.servers:
		server.pause()
	try:
		# Asked over and over by its own loop: after the lease's time it knows that it may not go on.
		checks.that("a store that is away: nobody delivers", until(lambda: not site.deliverers(), PATIENCE_S))
	finally:
		for server in storage.servers:
			server.resume()
	site.deliverer()
	site.write("w", 10)
	site.endpoint.mood = "good"
	site.check(checks, "a store that is away", 160)
	checks.that("a store that is away: no node has ended", first.is_running() and len(site.running) == 3)


def replayed(site, checks):
	"""On a node that does not deliver, while people write in the same conversations."""
	site.nodes.announce("given up after 3 attempts")
	site.endpoint.mood = "fails"
	first = site.deliverer()
	site.write("r", 5)
	checks.that("replay: all is given up", until(
		lambda: sum(metric(node, "nuncio_webhook_dead_total") for node in site.running) >= 40, PATIENCE_S))
	site.endpoint.mood = "good"
	writer = threading.Thread(target=site.write, args=("x", 40))
	writer.start()
	other = next(node for node in site.running if node is not first)
	checks.that("replay: another node has them tried again", asked(other, "webhook", "replay") == {"replayed": 40})
	writer.join()
	checks.that("replay: they arrive", until(lambda: not site.missing(), PATIENCE_S) and len(site.acked) == 360,
		len(site.missing()))


def main():
	parser = argparse.ArgumentParser()
	parser.add_argument("--build", required=True)
	parser.add_argument("--only", default="")
	args = parser.parse_args()
	build, checks = Build(args.build), Checks()
	for test, settings in ((together, {}), (deliverer_dies, {}), (other_dies, {}), (crowded, {"max_pending": "100"}),
			(stopped, {}), (held_up, {}), (store_away, {}),
			(replayed, {"attempts": "3"})):
		if args.only and args.only != test.__name__:
			continue
		site = None
		try:
			site = Site(build, **settings)
			test(site, checks)
		except Exception as error:
			checks.that(f"{test.__name__} comes to its end", False, f"{type(error).__name__}: {error}")
		if site:
			site.close(checks, test.__name__)
	build.close()
	print(f"{checks.passed} passed, {checks.failed} failed, 0 skipped")
	return 1 if checks.failed else 0


if __name__ == "__main__":
	sys.exit(main())
