# SPDX-License-Identifier: MIT
"""Groups in which several do something at the same moment."""
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
