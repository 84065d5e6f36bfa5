# SPDX-License-Identifier: MIT
"""Groups in which several do something at the same moment."""
import os
import sqlite3
import time

from lib.cases import case
from lib.server import CHAT, CODES


def done(client, op, **data):
	answer = client.call(op, data)
	assert answer["code"] == 0, (op, data, answer)
	return answer["data"]


@case("two admins answer one request: one of them decides, and only that is told", modules=CHAT + ["group"])
def two_answers(t):
	owner, admin = t.client("owner"), t.client("admin")
	done(owner, "group.create", group="g", name="G", join="approval", members=["admin"])
	done(owner, "group.role", group="g", user="admin", role="admin")
	for n in range(12):
		name, client = f"user{n}", t.client(f"user{n}")
		done(client, "group.join", group="g")
		first, second = (owner, "group.approve"), (admin, "group.reject")
		if n % 2:
			first, second = second, first
		asked = [(who, op, who.send(op, {"group": "g", "user": name})) for who, op in (first, second)]
		said = {op: CODES[who.answer(seq)["code"]] for who, op, seq in asked}
		assert sorted(said.values()) == ["not_found", "ok"], said
		rejected = said["group.reject"] == "ok"
		assert len(client.quiet(0.15, "group.rejected")) == int(rejected), said
		members = [row["user"] for row in done(owner, "group.members", group="g")["members"]]
		assert (name not in members) == rejected, (said, members)


@case("more than a hundred mark at once: everybody's second device learns of it", bystanders=False,
	modules=CHAT + ["group", "receipts"], settings={"receipts": {"delay": "2s"}})
def many_marks(t):
	owner = t.client("owner")
	names = [f"user{n}" for n in range(110)]
	done(owner, "group.create", group="g", name="G", members=names[:50])
	for at in range(50, 110, 50):
		done(owner, "group.add", group="g", users=names[at:at + 50])
	pairs = [(t.client(name, device="one"), t.client(name, device="two")) for name in names]
	seq = done(owner, "message.send", to={"group": "g"}, client_id="1", body="x")["seq"]
	for one, _ in pairs:
		one.send("message.read", {"conversation": "g:g", "seq": seq})
	for name, (_, two) in zip(names, pairs):
		told = two.expect("receipt")["data"]["members"]
		assert told == [{"user": name, "delivered": seq, "read": seq}], told


@case("a node that has not heard of a mute: the store refuses what the muted one writes, not that they leave",
	bystanders=False, modules=CHAT + ["group"])
def unheard_mute(t):
	owner, ann = t.client("owner"), t.client("ann")
	done(owner, "group.create", group="g", name="G", members=["ann"])
	done(ann, "message.send", to={"group": "g"}, client_id="1", body="x")
	db = sqlite3.connect(os.path.join(t.server.data_dir, "nuncio.db"), timeout=10)
	with db:
		assert db.execute("UPDATE member SET muted_until_ms = ? WHERE user = 'ann'",
			((int(time.time()) + 60) * 1000,)).rowcount == 1
	db.close()
	answer = ann.call("message.send", {"to": {"group": "g"}, "client_id": "2", "body": "x"})
	assert CODES[answer["code"]] == "muted", answer
	assert done(ann, "message.send", to={"group": "g"}, client_id="1", body="x")["duplicate"]
	done(owner, "message.send", to={"group": "g"}, client_id="1", body="x")
	done(ann, "group.leave", group="g")
