# SPDX-License-Identifier: MIT
"""backup and fsck: a copy that is whole, made while people write; damage that is found and named."""
import os
import shutil
import sqlite3
import threading

from lib.cases import Skip, case
from lib.control import asked, ctl, done, eventually
from lib.server import Server, give_to_user


class Writer(threading.Thread):
	"""Sends as fast as it is answered; knows what was acknowledged."""

	def __init__(self, t, name):
		super().__init__(daemon=True)
		self.client = t.client(name)
		self.name, self.acked, self.stopping = name, [], threading.Event()

	def run(self):
		while not self.stopping.is_set():
			client_id = f"{self.name}-{len(self.acked)}"
			packet = self.client.call("message.send", {"to": {"user": "reader"}, "client_id": client_id,
				"body": client_id + " " + "x" * 500}, timeout=20)
			assert packet["code"] == 0, packet
			self.acked.append(client_id)

	def end(self):
		self.stopping.set()
		self.join(30)
		self.client.say_close()


def rows(path, sql):
	with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as db:
		return db.execute(sql).fetchall()


def is_prefix(path, writers, before):
	"""Everything acknowledged before the backup began is in it, and nothing has a hole."""
	assert rows(path, "PRAGMA integrity_check") == [("ok",)]
	for writer, count in zip(writers, before):
		have = [row[0] for row in rows(path,
			f"SELECT client_id FROM event WHERE sender = '{writer.name}' ORDER BY id")]
		assert have == [f"{writer.name}-{i}" for i in range(len(have))], have[:20]
		assert count <= len(have), (writer.name, count, len(have))
	holes = rows(path, "SELECT conversation FROM event GROUP BY conversation HAVING max(seq) <> count(*) OR min(seq) <> 1")
	assert not holes, holes


@case("a backup under load is a whole moment of the store, and starts a server", bystanders=False)
def under_load(t):
	writers = [Writer(t, f"w{i}") for i in range(4)]
	for writer in writers:
		writer.start()
	eventually(lambda: all(len(writer.acked) > 50 for writer in writers))
	copies = []
	for i in range(5):
		before = [len(writer.acked) for writer in writers]
		data = asked(t.server, "backup", f"copy{i}.db")
		copies.append((data["file"], before))
		assert data["file"] == os.path.join(t.server.data_dir, f"copy{i}.db"), data
		assert data["size_bytes"] == os.path.getsize(data["file"]), data
	for writer in writers:
		writer.end()
	for path, before in copies:
		is_prefix(path, writers, before)
		assert os.stat(path).st_mode & 0o777 == 0o600
		assert not os.path.exists(path + "-wal") and not os.path.exists(path + ".part")
		assert asked(t.server, "fsck", path)["ok"] is True
	restored = os.path.join(t.server.folder, "restored")
	os.mkdir(restored)
	shutil.copy(copies[-1][0], os.path.join(restored, "nuncio.db"))
	give_to_user(restored)
	other = Server(t.build, data_dir=restored)
	try:
		other.start()
		reader = other.client("reader")
		have = len(rows(copies[-1][0], "SELECT 1 FROM event WHERE sender = 'w0'"))
		packet = reader.call("history.query", {"conversation": "d:6:reader:w0", "limit": 1})
		assert packet["data"]["events"][-1]["seq"] == have, (packet, have)
		packet = other.client("w0").call("message.send", {"to": {"user": "reader"}, "client_id": "again", "body": "b"})
		assert packet["data"]["seq"] == have + 1, packet
	finally:
		other.stop()
	troubles = other.verdict()
	assert not troubles, troubles
	other.remove()


@case("the name, the folder, what is there already")
def names(t):
	first = done(t.server, "backup").out
	folder = os.path.join(t.server.data_dir, "backups")
	assert folder in first and len(os.listdir(folder)) == 1 and os.stat(folder).st_mode & 0o777 == 0o700, first
	done(t.server, "backup", "x.db")
	result = ctl(t.server, "backup", "x.db")
	assert result.status == 1 and "is there already" in result.err, result
	with open(os.path.join(t.server.data_dir, "x.db.part"), "w") as file:
		file.write("left over")
	done(t.server, "backup", "x.db", "--overwrite")
	for path, why in (("/nowhere/at/all/x.db", "No such file"), ("/proc/x.db", ""), ("y" * 300, "too long")):
		result = ctl(t.server, "backup", path)
		assert result.status == 1 and why in result.err, result
	assert not [name for name in os.listdir(t.server.data_dir) if name.endswith(".part")]


@case("no disk space: it fails with words, leaves nothing, and chat goes on")
def full(t):
	if os.geteuid() != 0:
		raise Skip("needs root")
	place = os.path.join(t.server.folder, "small")
	os.mkdir(place)
	assert os.system(f"mount -t tmpfs -o size=32k tmpfs {place}") == 0
	try:
		os.chmod(place, 0o777)
		result = ctl(t.server, "backup", os.path.join(place, "x.db"))
		assert result.status == 1 and "full" in result.err, result
		assert os.listdir(place) == []
	finally:
		os.system(f"umount {place}")


# kind, statement; $n is the number of the conversation of ann and ben
DAMAGE = (
	("hole", "DELETE FROM event WHERE conversation = $n AND seq = 2"),
	("order", "UPDATE event SET seq = seq + 100 WHERE conversation = $n;"
		"UPDATE event SET seq = 105 - seq WHERE conversation = $n"),
	("head", "UPDATE head SET last_seq = last_seq + 1 WHERE number = $n"),
	("head", "UPDATE head SET member_count = 7 WHERE number = $n"),
	("cursor", "UPDATE member SET read = 99 WHERE conversation = $n AND user = 'ann'"),
	("cursor", "UPDATE member SET since = 99 WHERE conversation = $n AND user = 'ann'"),
	("cursor", "INSERT INTO past VALUES ($n, 'eve', 0, 0, 0, 99, 1, 0, 0, 0, '')"),
	("change", "UPDATE event SET target = 3 WHERE conversation = $n AND seq = 3"),
	("change", "UPDATE event SET changed = 3 WHERE conversation = $n AND seq = 1"),
	("reference", "INSERT INTO past SELECT conversation, user, 0, 0, 0, 1, 1, 0, 0, 0, '' FROM member"
		" WHERE conversation = $n"),
	("reference", "UPDATE event SET conversation = 77 WHERE conversation = $n"),
	("reference", "UPDATE member SET id = 'other' WHERE conversation = $n"),
	("reference", "DELETE FROM head WHERE number = $n"),
	("reference", "DELETE FROM conversation WHERE number = $n"),
	("reference", "INSERT INTO mention VALUES ($n, 'ben', 99, 'ann')"),
	("reference", "INSERT INTO once VALUES (1, 1)"),
)


@case("fsck finds each kind of damage, names it, and exits with 1")
def damage(t):
	ann = t.client("ann")
	for i in range(3):
		assert ann.call("message.send", {"to": {"user": "ben"}, "client_id": f"{i}", "body": "b"})["code"] == 0
	assert ann.call("message.send", {"to": {"user": "cem"}, "client_id": "c", "body": "b"})["code"] == 0
	data = asked(t.server, "fsck")
	assert data["ok"] is True and data["problems"] == [] and data["conversations"] >= 2 and data["events"] >= 4, data
	whole = asked(t.server, "backup", "whole.db")["file"]
	number = rows(whole, "SELECT number FROM conversation WHERE id = 'd:3:ann:ben'")[0][0]
	for i, (kind, sql) in enumerate(DAMAGE):
		path = os.path.join(t.server.data_dir, f"damaged{i}.db")
		shutil.copy(whole, path)
		with sqlite3.connect(path) as db:
			db.executescript(sql.replace("$n", str(number)))
		db.close()
		give_to_user(path)
		result = ctl(t.server, "--json", "fsck", path, options=["--config", t.server.config])
		assert result.status == 1, (sql, str(result))
		found = result.json()
		assert found["ok"] is False and found["problem_count"] == len(found["problems"]), (sql, found)
		assert kind in {row["kind"] for row in found["problems"]}, (sql, found)
		os.unlink(path)
	path = os.path.join(t.server.data_dir, "page.db")
	shutil.copy(whole, path)
	with open(path, "r+b") as file:
		size = os.path.getsize(path)
		for at in range(4096 * 2 + 8, size, 4096):
			file.seek(at)
			file.write(os.urandom(64))
	give_to_user(path)
	result = ctl(t.server, "fsck", path)
	assert result.status == 1 and ("page" in result.out or "malformed" in result.err), result
	old = os.path.join(t.server.data_dir, "old.db")
	shutil.copy(whole, old)
	with sqlite3.connect(old) as db:
		db.execute("PRAGMA user_version = 2")
	db.close()
	give_to_user(old)
	for name, why in (("old.db", "has schema version 2"), ("nowhere.db", "unable to open"), ("nuncio.ini", ""), ("nunciod.lock", "")):
		result = ctl(t.server, "fsck", name)
		assert result.status == 1 and why in result.err, result
	ann.say_close()


@case("one at a time; a server that stops does not wait for them", bystanders=False)
def cut_off(t):
	db = sqlite3.connect(os.path.join(t.server.data_dir, "nuncio.db"))
	db.execute("PRAGMA journal_mode = WAL")
	t.server.stop()
	db.execute("BEGIN")
	db.execute("INSERT INTO conversation (number, id) VALUES (1000000, 'd:9:big')")
	db.execute("INSERT INTO head (number, last_seq, last_id) VALUES (1000000, 600000, 600000)")
	db.execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 600000)"
		" INSERT INTO event (id, conversation, seq, sent_at_ms, sender, client_id, type, kind, body, extra)"
		" SELECT i, 1000000, i, 0, 'x', '', 'message', 'text', '\"" + "b" * 300 + "\"', '' FROM n")
	db.execute("COMMIT")
	db.close()
	give_to_user(t.server.data_dir)
	t.server.start()
	results = []
	askers = [threading.Thread(target=lambda: results.append(ctl(t.server, "backup", "big.db")))]
	askers[0].start()
	part = os.path.join(t.server.data_dir, "big.db.part")
	eventually(lambda: os.path.exists(part) and os.path.getsize(part) > 0)
	result = ctl(t.server, "fsck")
	assert result.status == 1 and "another backup or fsck is under way" in result.err, result
	t.server.stop(5)
	askers[0].join(10)
	assert results[0].status in (1, 75), results[0]
	assert not os.path.exists(part) and not os.path.exists(os.path.join(t.server.data_dir, "big.db"))
	t.server.start()
