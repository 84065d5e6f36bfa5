# SPDX-License-Identifier: MIT
"""What happens to the database from outside, and the same client_id from everywhere at once."""
import os
import shutil
import sqlite3

from lib.cases import case
from lib.server import CODES, Server


def name_of(packet):
	return CODES[packet["code"]]


def ask_to_send(client, client_id, body):
	return client.send("message.send", {"to": {"user": "bob"}, "client_id": client_id, "body": body})


# The store waits five seconds for the lock, with every batch: on a slow machine the sends are more than one.
@case("another program locks the database: pings and reads go on, sends fail plainly, and all heals", bystanders=False,
	settings={"core": {"request_timeout": "60s"}})
def locked(t):
	ann, bob = t.client("ann"), t.client("bob")
	assert ann.answer(ask_to_send(ann, "before", "x"))["code"] == 0
	lock = sqlite3.connect(os.path.join(t.server.data_dir, "nuncio.db"), isolation_level=None)
	lock.execute("BEGIN EXCLUSIVE")
	t.server.announce("database is locked")
	seqs = [ask_to_send(ann, f"during-{n}", "x") for n in range(20)]
	assert ann.call("ping", timeout=1)["code"] == 0
	assert t.server.http("GET", "/api/v1/conversations", user="bob", timeout=1).status == 200
	answers = [ann.answer(seq, timeout=30) for seq in seqs]
	assert {name_of(answer) for answer in answers} == {"store_failed"}, answers
	assert not any("/" in answer["message"] for answer in answers), answers
	lock.execute("ROLLBACK")
	lock.close()
	seqs = [ask_to_send(ann, f"during-{n}", "x") for n in range(20)]
	answers = [ann.answer(seq)["data"] for seq in seqs]
	assert [data["seq"] for data in answers] == list(range(2, 22)), answers
	assert not any(data.get("duplicate") for data in answers), "stored, although it was answered store_failed"
	for seq in range(1, 22):
		assert bob.expect("message.new")["data"]["seq"] == seq


def journal_end(path):
	"""Where its frames end: behind them there may be room, or frames of an earlier round."""
	with open(path, "rb") as file:
		data = file.read()
	page = int.from_bytes(data[8:12], "big")
	end = 32
	while data[end + 8:end + 16] == data[16:24]:
		end += 24 + page
	return end


def look_at_copy(t, number, cut, acked):
	"""A server on a copy whose journal has lost its last bytes: it starts, and has a prefix of what was."""
	folder = os.path.join(t.server.folder, f"copy{number}")
	shutil.copytree(t.server.data_dir, folder, ignore=shutil.ignore_patterns("*.ctl"))
	journal = os.path.join(folder, "nuncio.db-wal")
	os.truncate(journal, max(0, journal_end(journal) - cut))
	server = Server(t.build, data_dir=folder)
	try:
		server.start()
		client = server.client("ann")
		packet = client.call("history.query", {"conversation": acked[0]["conversation"], "after": 0, "limit": 100})
		events = packet["data"]["events"] if packet["code"] == 0 else []
		assert [(one["seq"], one["id"]) for one in events] == [(one["seq"], one["id"])
			for one in acked[:len(events)]], f"cut {cut}"
		data = client.answer(ask_to_send(client, "after", "x"))["data"]
		assert data["seq"] == len(events) + 1 and int(data["id"]) > int(acked[-1]["id"]), data
		client.say_close()
		server.stop()
		assert not server.verdict(), server.verdict()
		return len(events)
	finally:
		server.kill()
		server.remove()


@case("a journal that lost its end: the server starts, has a prefix without holes, and gives no id again", bystanders=False)
def cut_journal(t):
	ann = t.client("ann")
	acked = [ann.answer(ask_to_send(ann, f"c{n}", "x" * 200))["data"] for n in range(60)]
	t.server.kill()
	size = journal_end(os.path.join(t.server.data_dir, "nuncio.db-wal"))
	left = [look_at_copy(t, n, cut, acked) for n, cut in enumerate((0, 1, 4096, size // 2, size - 40, size))]
	assert left[0] == 60 and left == sorted(left, reverse=True), left
	assert left[1] == left[2] == 59, f"one cut byte took more than the last commit: {left}"
	t.server.start()


def same_id(t):
	devices = [t.client("ann", device=f"d{n}") for n in range(4)]
	bob = t.client("bob")
	for turn in range(1, 41):
		seqs = [(one, ask_to_send(one, f"r{turn}", "same")) for one in devices for _ in range(3)]
		answers = [one.answer(seq) for one, seq in seqs]
		assert all(answer["code"] == 0 for answer in answers), answers
		assert {answer["data"]["seq"] for answer in answers} == {turn}, answers
		assert sum(not answer["data"].get("duplicate") for answer in answers) == 1, answers
		seqs = [(one, ask_to_send(one, f"r{turn}", "other")) for one in devices]
		assert {name_of(one.answer(seq)) for one, seq in seqs} == {"client_id_conflict"}
	for seq in range(1, 41):
		assert bob.expect("message.new")["data"]["seq"] == seq
	assert not bob.quiet(0.1, "message.new"), "something came twice"


for threads in ("0", "3"):
	case(f"one client_id twelve times at once from four devices, {threads} I/O threads: one message",
		settings={"core": {"io_threads": threads}})(same_id)
