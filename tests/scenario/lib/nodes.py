# SPDX-License-Identifier: MIT
"""Several nodes under the same scripts: NUNCIO_TEST_NODES=3 gives a script three servers on one store_mysql and one
Redis, and puts its clients and requests on them one after the other. What the script does to "the server" is done to
all of them.

A script that starts with one node only, and why, is in EXCLUDED.
"""
import atexit
import os
import sys
import threading
import time

from . import storage
from .server import Server, Trouble

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "lib"))
import redis  # noqa: E402

lock = threading.Lock()
servers = []
made = 0

# Each with its reason.
EXCLUDED = {
	"01_hello.chat": "tells sessions apart by their id, which is a node's own",
	"07_origin.chat": "names the port of one node as the origin",
	"115_group_memory.chat": "is about store_memory, which no two nodes share",
	"116_group_receipts.chat": "what two members read at one moment is one notify of one node only",
	"31_last_seen.chat": "when somebody left another node has from the store, a moment later",
	"38_devices.chat": "names no node, so it means the own one; bus.py has devices on several",
	"49_search.chat": "is about store_memory",
	"72_no_store.chat": "has no store",
	"73_store_memory.chat": "is about store_memory",
	"74_history_cache.chat": "reads the counters of one node",
}


def wanted():
	return int(os.environ.get("NUNCIO_TEST_NODES", "1"))


def settle():
	"""What one node was told the others know a moment later: people are not faster than that, scripts are."""
	if wanted() > 1:
		time.sleep(0.01)


def shared_redis():
	"""One for all scripts; each has a prefix of its own."""
	global made
	with lock:
		if not servers:
			atexit.register(stop)
			servers.append(redis.Redis().start())
		made += 1
		return servers[0], f"t{os.getpid()}-{made}:"


def stop():
	while servers:
		servers.pop().stop()


class Nodes:
	"""Looks like one Server."""

	def __init__(self, build, modules, count=None, settings=None, own=None, lease="4s", alone=False):
		"""own: a Redis instead of the one for all; alone: each node has a store of its own."""
		self.redis, own_prefix = (own, "nuncio:") if own else shared_redis()
		modules = list(modules) + ["bus_redis"] + ["presence_redis"] * ("presence" in modules or "devices" in modules)
		first = Server(build, modules, settings)
		if "store_mysql" not in first.modules and not alone:
			raise Trouble("nodes share a store only with NUNCIO_TEST_STORE=store_mysql")
		self.nodes = [first]
		for _ in range(1, count or wanted()):
			self.nodes.append(Server(build, modules, settings, share=first))
		for number, node in enumerate(self.nodes):
			node.settings["core"].update({"node": f"node{number + 1}", "node_number": str(number + 1)})
			for name in ("bus_redis", "presence_redis"):
				if name in modules:
					node.settings[name] = {"server": self.redis.address(), "prefix": own_prefix, "lease": lease}
		self.turn = 0

	def next(self):
		self.turn += 1
		return self.nodes[(self.turn - 1) % len(self.nodes)]

	# What a script asks of its server.

	@property
	def port(self):
		return self.next().port

	@property
	def modules(self):
		return self.nodes[0].modules

	@modules.setter
	def modules(self, modules):
		for node in self.nodes:
			node.modules = list(modules)

	@property
	def settings(self):
		return self.nodes[0].settings

	def spread(self):
		"""What was set for the first is set for all, but what is each one's own."""
		for node in self.nodes[1:]:
			for section, values in self.settings.items():
				own = node.settings.setdefault(section, {})
				for key, value in values.items():
					if section != "core" or key not in ("listen", "data_dir", "node", "node_number"):
						own[key] = value

	def start(self):
		# A node that somebody was not on learns when they left from the store.
		self.settings.setdefault("presence", {}).setdefault("write_delay", "0ms")
		self.spread()
		for node in self.nodes:
			node.start(wait=False)
		for node in self.nodes:
			node.wait_ready(30)
		return self

	def stop(self):
		for node in self.nodes:
			if node.is_running():
				node.process.terminate()
		for node in self.nodes:
			if node.process:
				node.wait_stopped()
				node.process = None

	def kill(self):
		for node in self.nodes:
			node.kill()

	def restart(self):
		self.stop()
		self.start()

	def reload(self):
		self.spread()
		for node in self.nodes:
			node.reload()

	def signal(self, number):
		for node in self.nodes:
			node.signal(number)

	def announce(self, text):
		self.nodes[0].announce(text)

	def log_text(self):
		return "".join(node.log_text() for node in self.nodes)

	def log_has(self, text, seconds=2.0):
		return self.nodes[0].log_has(text, seconds) or any(text in node.log_text() for node in self.nodes)

	def verdict(self):
		announced = self.nodes[0].announced
		everything = self.log_text()
		troubles = [f"the log does not have: {words}" for words in announced if words not in everything]
		for node in self.nodes:
			node.announced = announced
			name = node.settings["core"]["node"]
			troubles += [f"{name}: {text}" for text in node.verdict() if not text.startswith("the log does not have")]
		return troubles

	def remove(self):
		for node in self.nodes[1:] + self.nodes[:1]:
			node.remove()

	def token(self, user, **how):
		return self.nodes[0].token(user, **how)

	def client(self, user, device=None, **how):
		return self.next().client(user, device, **how)

	def http(self, *args, **how):
		return self.next().http(*args, **how)

	def __getattr__(self, name):
		return getattr(self.nodes[0], name)


def make(build, modules):
	return Nodes(build, modules) if wanted() > 1 else Server(build, modules)
