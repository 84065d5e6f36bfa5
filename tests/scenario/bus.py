#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""bus_redis and presence_redis against real Redis servers: how they start, what they refuse, what they do when Redis
goes and comes back.

  bus.py --build DIR [-k TEXT]

Each case has nodes and a Redis of its own. A message of somebody on one node to somebody on another is how it is seen
that the bus works: each node has a store of its own here. The last line is the count.
"""
import argparse
import os
import re
import subprocess
import sys
import time
import traceback

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from lib import wire  # noqa: E402
from lib.nodes import Nodes, redis  # noqa: E402
from lib.server import Build, Server, Trouble  # noqa: E402

MODULES = "store_memory auth_jwt direct bus_redis".split()
CASES = []


def case(title, **how):
	def add(function):
		CASES.append((title, function, how))
		return function
	return add


def until(condition, seconds=10, what="it"):
	deadline = time.monotonic() + seconds * wire.SLOW
	while True:
		value = condition()
		if value:
			return value
		assert time.monotonic() < deadline, f"{what} did not come true in {seconds} s"
		time.sleep(0.05)


class Test:
	def __init__(self, build):
		self.build = build
		self.servers, self.stores = [], []
		self.count = 0

	def redis(self, *args, **how):
		self.stores.append(redis.Redis(*args, **how))
		return self.stores[-1].start()

	def nodes(self, store, count=2, more=(), **how):
		nodes = Nodes(self.build, MODULES[:3] + list(more), count, own=store, alone=True)
		for node in nodes.nodes:
			for module in ("bus_redis", "presence_redis"):
				node.settings.setdefault(module, {}).update(
					{"timeout": "500ms", "retry": "50ms", "retry_most": "400ms", **how})
			node.settings["core"]["retry_after"] = "1s"
		self.servers += nodes.nodes
		return nodes

	def one(self, name="node1", number=1, **bus):
		"""One node, not started."""
		server = Server(self.build, MODULES, {"core": {"node": name, "node_number": str(number)}, "bus_redis": bus})
		self.servers.append(server)
		return server

	def pair(self, nodes):
		pair = nodes.nodes[0].client("alice"), nodes.nodes[1].client("bob")
		time.sleep(0.1)  # until each node knows where the other one is
		return pair

	def say(self, alice, bob, must=True, seconds=5.0):
		"""True: bob has heard alice."""
		self.count += 1
		body = f"word {self.count}"
		packet = alice.call("message.send", {"to": {"user": "bob"}, "client_id": body, "body": body})
		assert packet["code"] == 0, packet
		try:
			while bob.expect("message.new", seconds)["data"]["body"] != body:
				pass
			return True
		except wire.Silence:
			assert not must, f"bob did not hear {body}"
			return False

	def close(self):
		troubles = []
		for server in self.servers:
			if server.process:
				server.stop()
			troubles += server.verdict()
		if troubles:
			troubles += [f"| {line[:300]}" for server in self.servers for line in server.log_text().splitlines()[-6:]]
		for server in self.servers:
			server.remove()
		for store in self.stores:
			store.stop()
		return troubles


def metric(server, name):
	answer = wire.http(server.port, "GET", "/metrics")
	found = re.search(rf"^nuncio_bus_redis_{name} (\d+)$", answer.body.decode(), re.M)
	assert found, f"no metric {name}"
	return int(found.group(1))


def readiness(server):
	answer = wire.http(server.port, "GET", "/readyz")
	return answer.status, answer.body.decode()


def refused_start(server, words):
	server.write_config()
	done = subprocess.run(server.command(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
		text=True, timeout=30 * wire.SLOW, check=False)
	assert done.returncode not in (0, None), "it started"
	assert re.search(words, done.stdout), f"no {words} in {done.stdout[-600:]}"


# ---- the bus

@case("a message goes to the node where its audience is, and to no other")
def routing(t):
	store = t.redis()
	nodes = t.nodes(store, 3).start()
	third = nodes.nodes[2].client("carol")
	alice, bob = t.pair(nodes)
	before = metric(nodes.nodes[2], "frames_received_total")
	for _ in range(20):
		t.say(alice, bob)
		assert bob.call("message.send", {"to": {"user": "alice"}, "client_id": f"b{_}", "body": "x"})["code"] == 0
		alice.expect("message.new")
	assert metric(nodes.nodes[2], "frames_received_total") == before
	assert metric(nodes.nodes[1], "frames_received_total") >= 20
	lookups, hits = metric(nodes.nodes[0], "route_lookups_total"), metric(nodes.nodes[0], "route_hits_total")
	assert lookups <= 4 and hits >= 30, f"{lookups} lookups, {hits} hits"
	third.say_close()


@case("who comes to another node is found there, also after nobody was")
def moving(t):
	nodes = t.nodes(t.redis(), 3).start()
	alice, bob = t.pair(nodes)
	t.say(alice, bob)
	bob.say_close()
	until(lambda: metric(nodes.nodes[1], "topics") == 0, what="that bob is gone")
	time.sleep(0.1)
	assert alice.call("message.send", {"to": {"user": "bob"}, "client_id": "gone", "body": "?"})["code"] == 0
	bob = nodes.nodes[2].client("bob")
	until(lambda: metric(nodes.nodes[2], "topics") == 1)
	time.sleep(0.05)
	t.say(alice, bob)


@case("many frames of one turn are few messages to Redis")
def batching(t):
	nodes = t.nodes(t.redis()).start()
	alice, bob = t.pair(nodes)
	t.say(alice, bob)
	before = metric(nodes.nodes[0], "publishes_total")
	alice = nodes.nodes[0].client("alice", protocol="nuncio.frame.v1")
	calls = [("message.send", {"to": {"user": "bob"}, "client_id": f"c{i}", "body": f"b{i}"}) for i in range(50)]
	for seq in alice.send_several(calls):
		assert alice.answer(seq)["code"] == 0
	got = [bob.expect("message.new")["data"]["body"] for _ in range(50)]
	assert got == [f"b{i}" for i in range(50)], got
	spent = metric(nodes.nodes[0], "publishes_total") - before
	assert spent <= 25, f"{spent} messages for 50 frames"


# ---- start

@case("without Redis a start is refused, if so configured")
def start_fail(t):
	refused_start(t.one(server=f"127.0.0.1:{redis.free_port()}", start_without="fail"),
		r"module bus_redis: start: Redis: 127\.0\.0\.1:\d+: Connection refused \(start_without = wait would go on trying\)")


@case("or the node starts, is not ready and keeps trying")
def start_wait(t):
	port = redis.free_port()
	node = t.one(server=f"127.0.0.1:{port}", retry_most="300ms")
	node.start(wait=False)
	until(lambda: node.log_has("not ready"), what="a log line")
	status, body = until(lambda: readiness(node), what="an answer")
	assert status == 503 and "Connection refused" in body, (status, body)
	t.redis(port=port)
	until(lambda: readiness(node)[0] == 200, what="readiness")


@case("a host that does not exist is named")
def no_host(t):
	refused_start(t.one(server="no-such-host.invalid", start_without="fail"), r"no-such-host\.invalid:6379: ")


@case("two nodes of one name: the second is refused, until the first has gone")
def names(t):
	store = t.redis()
	first = t.one("twin", server=store.address()).start()
	refused_start(t.one("twin", server=store.address(), start_without="fail"), r"another node is called twin, too")
	waits = t.one("twin", server=store.address())
	waits.announce("another node is called twin")
	waits.start(wait=False)
	assert waits.log_has("another node is called twin", 10)
	assert readiness(waits)[0] == 503
	assert readiness(first)[0] == 200
	first.kill()
	until(lambda: readiness(waits)[0] == 200, 10, "that the name changes hands")
	t.servers.remove(first)


@case("two nodes of one number: their events would have the same ids, so the second is refused")
def numbers(t):
	store = t.redis()
	first = t.one("left", 7, server=store.address()).start()
	refused_start(t.one("right", 7, server=store.address(), start_without="fail"),
		r"another node has the number 7, too \(\[core\] node_number; its id is ")
	waits = t.one("right", 7, server=store.address())
	waits.announce("another node has the number 7")
	waits.start(wait=False)
	assert waits.log_has("another node has the number 7", 10)
	assert (readiness(waits)[0], readiness(first)[0]) == (503, 200)
	first.kill()
	until(lambda: readiness(waits)[0] == 200, 10, "that the number changes hands")
	t.servers.remove(first)


@case("names are free at once after a stop and after kill -9")
def names_again(t):
	store = t.redis()
	node = t.one("again", server=store.address(), start_without="fail").start()
	node.stop()
	node.start()
	node.kill()
	node.start()


@case("wrong and right passwords")
def passwords(t):
	store = t.redis(password="sesame")
	refused_start(t.one(server=store.address(), start_without="fail"), "NOAUTH")
	refused_start(t.one(server=store.address(), password="wrong", start_without="fail"), "WRONGPASS|invalid")
	refused_start(t.one(server=store.address(), password_file="/nowhere/to/be/found", start_without="fail"),
		"password_file: /nowhere/to/be/found: No such file")
	good = t.one(server=store.address(), start_without="fail", db="3")
	path = os.path.join(good.folder, "password")
	with open(path, "w") as file:
		file.write("sesame\n")
	os.chmod(path, 0o644)
	good.settings["bus_redis"]["password_file"] = path
	good.start()
	user = t.one("node2", server=store.address(), user="default", password="sesame", start_without="fail")
	user.start()
	assert "sesame" not in good.log_text() + user.log_text()


@case("options that exclude each other")
def options(t):
	for words, more in (("several only with cluster", {"server": "a:1, b:2"}),
			("exclude each other", {"sentinels": "a", "cluster": "on"}),
			("no db but 0", {"cluster": "on", "db": "1"}),
			("is not host:port", {"server": "a:b"}),
			("user without password", {"user": "x"}),
			("exclude each other", {"password": "a", "password_file": "b"})):
		refused_start(t.one(**more), words)


# ---- loss

def loss(t, hurt, heal, lasts=0.0):
	nodes = t.nodes(t.redis()).start()
	alice, bob = t.pair(nodes)
	t.say(alice, bob)
	hurt(t.stores[0])
	if lasts:
		until(lambda: all(readiness(node)[0] == 503 for node in nodes.nodes), 10, "that nobody is ready")
		t.say(alice, bob, must=False, seconds=0.2)
	time.sleep(lasts)
	heal(t.stores[0])
	until(lambda: all(readiness(node)[0] == 200 for node in nodes.nodes), 15, "readiness")
	alice.expect("session.resync", 10)
	bob.expect("session.resync", 10)
	until(lambda: t.say(alice, bob, must=False, seconds=0.5), 10, "that the bus works again")
	return nodes


@case("Redis is killed and comes back")
def redis_killed(t):
	nodes = loss(t, lambda store: store.kill(), lambda store: store.start(), 0.3)
	assert metric(nodes.nodes[0], "frames_lost_total") > 0


@case("Redis hangs and goes on")
def redis_paused(t):
	loss(t, lambda store: store.pause(), lambda store: store.resume(), 0.3)


@case("Redis is emptied")
def redis_flushed(t):
	loss(t, lambda store: store.ask("FLUSHALL"), lambda store: None)


@case("Redis is slow: who came meanwhile is asked to sync")
def redis_slow(t):
	nodes = t.nodes(t.redis(), timeout="3s").start()
	t.stores[0].pause()
	bob = nodes.nodes[1].client("bob")
	time.sleep(0.6)
	t.stores[0].resume()
	bob.expect("session.resync", 10)
	assert metric(nodes.nodes[1], "losses_total") == 0


@case("only the connection that hears is cut")
def hears_cut(t):
	loss(t, lambda store: store.ask("CLIENT", "KILL", "TYPE", "pubsub"), lambda store: None)


@case("a node that is killed is swept when its lease has run out")
def node_killed(t):
	store = t.redis()
	nodes = t.nodes(store, 3).start()
	alice, bob = t.pair(nodes)
	t.say(alice, bob)
	assert len(store.ask("SMEMBERS", "nuncio:bus:topic:u:bob")) == 1
	nodes.nodes[1].kill()
	until(lambda: not store.ask("SMEMBERS", "nuncio:bus:topic:u:bob"), 12, "the sweep")
	until(lambda: len(store.ask("SMEMBERS", "nuncio:bus:nodes")) == 2)
	bob = nodes.nodes[2].client("bob")
	time.sleep(0.1)
	t.say(alice, bob)
	t.servers.remove(nodes.nodes[1])


@case("a stopped node leaves nothing behind")
def node_stopped(t):
	store = t.redis()
	nodes = t.nodes(store).start()
	alice, bob = t.pair(nodes)
	t.say(alice, bob)
	nodes.nodes[1].stop()
	until(lambda: len(store.ask("KEYS", "*")) == 6, 8, "that only one node's keys are there")
	assert sorted(key.split(":")[2] for key in store.ask("KEYS", "*")) == ["name", "node", "nodes", "number", "topic", "topics"]


# ---- presence

SOCIAL = ("presence", "devices")


def social(t, count=3, **how):
	nodes = t.nodes(t.redis(), count, SOCIAL, **how)
	return nodes, nodes.start().nodes


def ask(client, op, **data):
	packet = client.call(op, data)
	assert packet["code"] == 0, packet
	return packet["data"]


def status(client, user):
	return ask(client, "presence.query", users=[user])["users"][0]["status"]


def told(client, user, state, seconds=5.0):
	data = client.expect("presence.changed", seconds)["data"]
	assert (data["user"], data["status"]) == (user, state), data
	return data


def is_open(client):
	try:
		return client.call("ping")["code"] == 0
	except wire.Closed:
		return False


@case("who is online elsewhere is seen, and followed")
def online_elsewhere(t):
	_, nodes = social(t)
	alice, carol = nodes[0].client("alice"), nodes[2].client("carol")
	time.sleep(0.2)  # until each node has written who is there
	assert ask(alice, "presence.subscribe", users=["bob", "carol"])["users"][1]["status"] == "online"
	assert status(carol, "alice") == "online" and status(carol, "bob") == "offline"
	bob = nodes[1].client("bob")
	told(alice, "bob", "online")
	assert status(carol, "bob") == "online"
	ask(bob, "presence.set", status="away")
	told(alice, "bob", "away")
	phone = nodes[2].client("bob")
	told(alice, "bob", "online")
	bob.say_close()
	assert not alice.quiet(0.6, "presence.changed"), "the phone is still there"
	ask(phone, "presence.set", dnd=True)
	told(alice, "bob", "dnd")
	phone.say_close()
	assert told(alice, "bob", "offline")["last_seen"]
	assert status(carol, "bob") == "offline"


@case("a node that is killed takes its users along when its lease has run out")
def users_of_killed(t):
	_, nodes = social(t)
	alice = nodes[0].client("alice")
	ask(alice, "presence.subscribe", users=["bob", "carol"])
	bob = nodes[1].client("bob")
	told(alice, "bob", "online")
	carol = nodes[2].client("carol")
	told(alice, "carol", "online")
	nodes[1].kill()
	t.servers.remove(nodes[1])
	told(alice, "bob", "offline", 10)
	until(lambda: t.stores[0].ask("EXISTS", "nuncio:presence:user:bob") == 0, 5, "the sweep")
	assert status(alice, "carol") == "online"
	bob.pipe.close()
	carol.say_close()


@case("Redis emptied, killed, paused: presence goes on, and is right again")
def presence_redis_lost(t):
	_, nodes = social(t, 2)
	store = t.stores[0]
	alice, bob = nodes[0].client("alice"), nodes[1].client("bob")
	until(lambda: status(alice, "bob") == "online", what="that each node knows the other's")
	ask(alice, "presence.subscribe", users=["bob"])
	time.sleep(0.5)
	def kill():
		store.kill()
		until(lambda: readiness(nodes[0])[0] == 503, 5, "that it is noticed")
		store.start()
	def pause():
		store.pause()
		until(lambda: readiness(nodes[0])[0] == 503, 5, "that it is noticed")
		assert "presence_redis" in readiness(nodes[0])[1]
		store.resume()
	for hurt in (lambda: store.ask("FLUSHALL"), kill, pause):
		hurt()
		assert status(alice, "bob") == "online"
		until(lambda: store.ask("HLEN", "nuncio:presence:user:bob") >= 2, 15, "that bob is written again")
		until(lambda: all(readiness(node)[0] == 200 for node in nodes), 15, "readiness")
		assert status(alice, "bob") == "online"
	assert not alice.quiet(0.5, "presence.changed"), "bob did not go"
	bob.say_close()
	told(alice, "bob", "offline", 10)


@case("devices on all nodes: listed, signed out from afar")
def devices(t):
	_, nodes = social(t)
	desk = nodes[0].client("alice", "web-1")
	time.sleep(0.2)  # otherwise they come at the same moment
	phone = nodes[1].client("alice", "phone-1")
	time.sleep(0.2)
	listed = ask(desk, "device.list")["devices"]
	assert [(row["device"], row["node"], row["type"]) for row in listed] == [
		("web-1", "node1", "web"), ("phone-1", "node2", "phone")], listed
	assert listed == ask(phone, "device.list")["devices"]
	# A session of the same number on another node is not meant.
	assert listed[0]["session"] == listed[1]["session"]
	ask(desk, "device.close", session=listed[1]["session"], node="node2")
	end = phone.wait_closed(5)
	assert end.code == 4002, end
	until(lambda: len(ask(desk, "device.list")["devices"]) == 1)


@case("the newest device stays, wherever the others are")
def newest(t):
	nodes, three = social(t)
	for node in three:
		node.settings["devices"] = {"policy": "newest"}
	nodes.reload()
	for round_ in range(6):
		first = three[round_ % 3].client("alice", f"a{round_}")
		time.sleep(0.2)  # otherwise they come at the same moment
		second = three[(round_ + 1) % 3].client("alice", f"b{round_}")
		assert first.wait_closed(5).code == 4002
		assert ask(second, "device.list")["devices"][-1]["device"] == f"b{round_}"
		second.say_close()
	# At the same moment: one of them stays, never none.
	for round_ in range(6):
		clients = [node.client("carol", f"c{number}") for number, node in enumerate(three)]
		time.sleep(0.4)
		there = [client for client in clients if is_open(client)]
		assert len(there) == 1, f"{len(there)} are left"
		there[0].say_close()


# ---- TLS, Sentinel, Cluster

def make_certificates(folder):
	def openssl(*words):
		subprocess.run(["openssl", *words], cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
	for name in ("ca", "other"):
		openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{name}.key",
			"-out", f"{name}.pem", "-subj", f"/CN={name}", "-days", "2")
	with open(os.path.join(folder, "names"), "w") as file:
		file.write("subjectAltName=IP:127.0.0.1\n")
	openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "redis.key", "-out",
		"redis.csr", "-subj", "/CN=redis")
	openssl("x509", "-req", "-in", "redis.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out", "redis.pem",
		"-extfile", "names", "-days", "2")
	os.chmod(folder, 0o755)
	for name in ("ca.pem", "other.pem"):
		os.chmod(os.path.join(folder, name), 0o644)


@case("TLS, and a certificate that proves nothing")
def tls(t):
	store = redis.Redis()
	t.stores.append(store)
	make_certificates(store.folder)
	port = redis.free_port()
	store.options += [("tls-port", port), ("tls-cert-file", f"{store.folder}/redis.pem"),
		("tls-key-file", f"{store.folder}/redis.key"), ("tls-auth-clients", "no")]
	store.start()
	where = {"server": f"127.0.0.1:{port}", "tls": "on"}
	refused_start(t.one(**where, tls_ca=f"{store.folder}/other.pem", start_without="fail"), "TLS: .*certificate")
	refused_start(t.one(**where, tls_ca=f"{store.folder}/nothing.pem"), "tls_ca: ")
	refused_start(t.one(**{**where, "server": f"localhost:{port}"}, tls_ca=f"{store.folder}/ca.pem", start_without="fail"),
		"TLS: .*hostname mismatch")
	nodes = t.nodes(store, **where, tls_ca=f"{store.folder}/ca.pem").start()
	alice, bob = t.pair(nodes)
	for _ in range(3):
		t.say(alice, bob)


@case("Sentinels name the master, also a new one")
def sentinels(t):
	first = t.redis()
	second = t.redis(options=[("replicaof", f"127.0.0.1 {first.port}")])
	until(lambda: second.ask("ROLE")[3] == "connected", what="replication")
	sentinel = t.redis(sentinel=True, options=[("sentinel", f"monitor main 127.0.0.1 {first.port} 1"),
		("sentinel", "down-after-milliseconds main 500"), ("sentinel", "failover-timeout main 2000")])
	until(lambda: sentinel.ask("SENTINEL", "REPLICAS", "main"), what="that the Sentinel knows the replica")
	where = {"sentinels": f"127.0.0.1:{redis.free_port()}, {sentinel.address()}", "master": "main"}
	refused_start(t.one(**{**where, "master": "other", "sentinels": sentinel.address()}, start_without="fail"),
		"knows no master other")
	nodes = t.nodes(first, **where).start()
	alice, bob = t.pair(nodes)
	t.say(alice, bob)
	first.kill()
	until(lambda: second.ask("ROLE")[0] == "master", 20, "a new master")
	until(lambda: all(readiness(node)[0] == 200 for node in nodes.nodes), 20, "readiness")
	until(lambda: t.say(alice, bob, must=False, seconds=0.5), 10, "that the bus works again")
	assert second.ask("SMEMBERS", "nuncio:bus:topic:u:bob")


@case("a Redis Cluster, also while slots move")
def cluster(t):
	stores = [t.redis(options=[("cluster-enabled", "yes"), ("cluster-node-timeout", "2000")]) for _ in range(3)]
	for number, store in enumerate(stores):
		first, last = number * 16384 // 3, (number + 1) * 16384 // 3 - 1
		store.ask("CLUSTER", "ADDSLOTSRANGE", first, last)
		store.ask("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
		if number:
			store.ask("CLUSTER", "MEET", "127.0.0.1", stores[0].port)
	until(lambda: all("cluster_state:ok" in store.ask("CLUSTER", "INFO") for store in stores), 20, "the cluster")
	until(lambda: all(len(store.ask("CLUSTER", "SLOTS")) == 3 for store in stores), 20, "that all know all")
	where = f"{stores[2].address()}, {stores[0].address()}"
	refused_start(t.one(server=stores[0].address(), start_without="fail"), "cluster = on is missing")
	nodes = t.nodes(stores[0], cluster="on", server=where).start()
	alice, bob = t.pair(nodes)
	t.say(alice, bob)
	# Bob's topic moves to another master: first ASK, then MOVED.
	slot = stores[0].ask("CLUSTER", "KEYSLOT", "nuncio:bus:topic:u:carol")
	source = stores[slot * 3 // 16384]
	target = stores[(stores.index(source) + 1) % 3]
	source_id, target_id = source.ask("CLUSTER", "MYID"), target.ask("CLUSTER", "MYID")
	target.ask("CLUSTER", "SETSLOT", slot, "IMPORTING", source_id)
	source.ask("CLUSTER", "SETSLOT", slot, "MIGRATING", target_id)
	carol = nodes.nodes[1].client("carol")
	until(lambda: metric(nodes.nodes[1], "topics") == 2)
	time.sleep(0.2)
	assert alice.call("message.send", {"to": {"user": "carol"}, "client_id": "k1", "body": "ask"})["code"] == 0
	assert carol.expect("message.new")["data"]["body"] == "ask"
	for store in (target, source, stores[0], stores[1], stores[2]):
		store.ask("CLUSTER", "SETSLOT", slot, "NODE", target_id)
	carol.say_close()
	until(lambda: metric(nodes.nodes[1], "topics") == 1)
	carol = nodes.nodes[0].client("carol")
	until(lambda: metric(nodes.nodes[0], "topics") == 2)
	time.sleep(0.2)
	assert bob.call("message.send", {"to": {"user": "carol"}, "client_id": "k2", "body": "moved"})["code"] == 0
	assert carol.expect("message.new")["data"]["body"] == "moved"
	assert metric(nodes.nodes[0], "losses_total") == 0


# ---- running

def main():
	parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
	parser.add_argument("--build", required=True)
	parser.add_argument("-k", default="", help="only cases with this text in their title")
	args = parser.parse_args()
	build = Build(args.build)
	chosen = [entry for entry in CASES if args.k in entry[0]]
	failed = 0
	for title, function, how in chosen:
		begin = time.monotonic()
		test, troubles = Test(build), []
		try:
			function(test, **how)
		except (AssertionError, wire.Silence, wire.Closed, Trouble, redis.Broken, OSError, subprocess.SubprocessError) as error:
			at = next(f for f in reversed(traceback.extract_tb(error.__traceback__)) if f.filename == os.path.abspath(__file__))
			troubles.append(f"line {at.lineno}: {type(error).__name__}: {error}")
		troubles += test.close()
		print(f"{'FAIL' if troubles else 'ok  '} {title} ({time.monotonic() - begin:.1f} s)", flush=True)
		for trouble in troubles:
			print(f"    {trouble}")
		failed += bool(troubles)
	build.close()
	print(f"{len(chosen) - failed} passed, {failed} failed, 0 skipped")
	return 1 if failed or not chosen else 0


if __name__ == "__main__":
	sys.exit(main())
