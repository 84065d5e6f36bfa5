# SPDX-License-Identifier: MIT
"""Modules on several nodes."""
import os
import re
import shutil
import tempfile
import time

from rig import CONFIG, SECONDS, case, data_of, expect, refused


@case
def outbox(bench):
	server = bench.load("auth_api", "store_memory", "direct", "api_notice").start()
	ann = server.client("ann")
	message = {"to": {"user": "ben"}, "client_id": "1", "body": "now"}
	where = data_of(ann.call("message.send", message))["conversation"]
	expect("again", data_of(ann.call("message.send", message))["duplicate"] is True)
	data_of(ann.call("message.send", dict(message, client_id="2", body="later")))
	seen = data_of(ann.call("notice.outbox", {"conversation": where}))
	expect(seen, seen == ["1", "2", "l"])
	expect("exit status", server.stop() == 0)


def bus_told(client, line):
	"""Whether this node's modules were told this, soon."""
	deadline = time.monotonic() + SECONDS
	while True:
		seen = data_of(client.call("bus.told"))
		if line in seen:
			return True
		if time.monotonic() > deadline:
			print(seen)
			return False
		time.sleep(0.01)


@case
def groups_on_two_nodes(bench):
	"""Each node has a store of its own here, so b knows of the group only what the bus brings, and nothing any more when
	it looks."""
	folder = tempfile.mkdtemp(prefix="nuncio-bus-")
	os.chmod(folder, 0o777)
	modules = ("auth_api", "store_memory", "direct", "group", "receipts", "api_bus")
	a, b = (bench.load(*modules, core=f"node = {name}\nnode_number = {number}\nretry_after = 100ms",
		sections=f"[api_bus]\nfolder = {folder}\n[receipts]\ndelay = 10ms\n").start()
		for name, number in (("a", 1), ("b", 2)))
	ann, ben, phone, carl = a.client("ann"), b.client("ben"), a.client("ben", "phone"), b.client("carl")

	def send(text):
		data_of(ann.call("message.send", {"to": {"group": "g"}, "client_id": text, "body": text}))

	def hears(client, text, patience=SECONDS):
		return client.expect("message.new", patience)["data"]["body"] == text

	data_of(ann.call("group.create", {"group": "g", "name": "G", "members": ["ben", "carl"]}))
	for client in (ben, phone, carl):
		expect("created", client.expect("group.changed")["data"]["kind"] == "created")
	send("1")
	for client in (ben, phone, carl):
		expect("both nodes", hears(client, "1"))
	data_of(phone.call("message.read", {"conversation": "g:g", "seq": 2}))
	for client in (ann, phone, ben, carl):
		expect("a receipt", client.expect("receipt")["data"]["members"] == [{"user": "ben", "delivered": 2, "read": 2}])
	data_of(ann.call("group.invite", {"group": "g", "users": ["dora"]}))
	data_of(ann.call("group.remove", {"group": "g", "user": "ben"}))
	expect("removed", ben.expect("group.changed")["data"]["kind"] == "removed")
	send("2")
	expect("carl stays", hears(carl, "2"))
	expect("ben left on both", not ben.quiet(0.2, "message.new") and not phone.quiet(0.1, "message.new"))

	dora = b.client("dora")
	data_of(ann.call("group.add", {"group": "g", "users": ["ben", "dora"]}))
	for client in (ben, dora):
		expect("added", client.expect("group.changed")["data"]["kind"] == "joined")
	send("3")
	for client in (ben, dora, carl, phone):
		expect("added on b", hears(client, "3"))

	# what is lost is looked up: behind a hole, and when the bus says so
	data_of(carl.call("bus.deaf"))
	send("4")
	data_of(carl.call("bus.deaf"))
	send("5")
	expect("until it is seen", hears(carl, "5"))
	deadline = time.monotonic() + SECONDS
	while "nuncio_group_live_members 0" not in b.get("/metrics")[2].splitlines() and time.monotonic() < deadline:
		time.sleep(0.05)
	expect("looked up", "nuncio_group_live_members 0" in b.get("/metrics")[2].splitlines())
	send("6")
	expect("nobody on b", not carl.quiet(0.2, "message.new"))
	data_of(ann.call("group.add", {"group": "g", "users": ["erin"]}))
	erin = a.client("erin")
	send("7")
	expect("erin on a", hears(erin, "7"))
	data_of(ann.call("bus.recover"))
	send("8")
	expect("a's own store knows", hears(erin, "8"))
	expect("exit status", (a.stop(), b.stop()) == (0, 0))
	shutil.rmtree(folder, ignore_errors=True)


@case
def two_nodes(bench):
	folder = tempfile.mkdtemp(prefix="nuncio-bus-")
	os.chmod(folder, 0o777)
	modules = ("auth_api", "store_memory", "direct", "api_live", "api_bus")
	a, b = (bench.load(*modules, core=f"node = {name}\nnode_number = {number}\nretry_after = 100ms",
		sections=f"[api_bus]\nfolder = {folder}\n").start() for name, number in (("a", 1), ("b", 2)))
	ann, ben, phone = a.client("ann"), b.client("ben"), a.client("ben", "phone")
	watch = b.client("watch")
	expect("there is a bus", data_of(watch.call("bus.recover")) is True)
	for client in (ben, watch):
		client.expect("session.resync")
	expect("junk was counted", "nuncio_bus_malformed_total 1" in b.get("/metrics")[2].splitlines())

	where = data_of(ann.call("message.send", {"to": {"user": "ben"}, "client_id": "1", "body": "hello"}))
	for client in (ben, phone):
		expect("a message", client.expect("message.new")["data"]["body"] == "hello")
	expect("b hears of it", bus_told(ben, 'event "hello" 1'))
	expect("a hears of it", bus_told(ann, 'event "hello" 0'))
	data_of(phone.call("message.confirm", {"conversation": where["conversation"], "seq": 1}))
	for client in (ann, ben):
		expect("a receipt", client.expect("receipt")["data"]["delivered"] == 1)
	expect("b hears of the cursor", bus_told(ben, "mark ben 1 1"))

	data_of(ann.call("message.send", {"to": {"room": "lobby"}, "client_id": "2", "body": "all"}))
	for client in (ben, phone, watch):
		expect("live on both nodes", client.expect("message.new")["data"]["body"] == "all")
	data_of(ann.call("bus.tell", {"to": "nobody"}))
	data_of(ann.call("bus.tell", {"to": "ben"}))
	expect("a module's message", bus_told(ben, "peer hello"))
	expect("once", data_of(ben.call("bus.told")).count("peer hello") == 1)

	data_of(ann.call("message.send", {"to": {"user": "carl"}, "client_id": "3", "body": "carl?"}))
	expect("carl is nowhere", bus_told(ann, "miss carl"))
	expect("ben is somewhere", "miss ben" not in data_of(ann.call("bus.told")))
	phone.say_close()
	ben.say_close()
	deadline = time.monotonic() + SECONDS
	number = 4
	while "miss ben" not in data_of(ann.call("bus.told")) and time.monotonic() < deadline:
		data_of(ann.call("message.send", {"to": {"user": "ben"}, "client_id": f"{number}", "body": "ben?"}))
		number += 1
	expect("ben has gone from both", bus_told(ann, "miss ben"))
	expect("exit status", (a.stop(), b.stop()) == (0, 0))
	shutil.rmtree(folder, ignore_errors=True)


@case
def blocks_after_a_gap_of_the_bus(bench):
	"""What a node remembers of its users, it asks the store again when it may have missed a change."""
	folder = tempfile.mkdtemp(prefix="nuncio-bus-")
	os.chmod(folder, 0o777)
	server = bench.load("auth_api", "store_memory", "direct", "contacts", "api_bus", core="retry_after = 100ms",
		sections=f"[api_bus]\nfolder = {folder}\n").start()
	ann, ben = server.client("ann"), server.client("ben")

	def gets():
		data_of(ann.call("message.send", {"to": {"user": "ben"}, "client_id": f"{time.monotonic_ns()}", "body": "hi"}))
		ben.expect("message.new")
		return int(re.search(r'nuncio_store_job_seconds_count\{kind="get"\} (\d+)', server.get("/metrics")[2])[1])

	first, second = gets(), gets()
	expect(f"remembered: {first}, {second}", second == first)
	data_of(ann.call("bus.recover"))
	ben.expect("session.resync")
	expect("asked again", gets() > second)
	expect("exit status", server.stop() == 0)
	shutil.rmtree(folder, ignore_errors=True)


@case
def unknown_bus(bench):
	refused(bench, ["api_conf"], CONFIG, r"\[core\] bus = gone: no module .*; there is none", core="bus = gone")
