# SPDX-License-Identifier: MIT
"""What modules do to conversations, groups and questions."""
import re
import signal
import time

from rig import SECONDS, case, data_of, expect, told
from lib import wire


@case
def live_sides(bench):
	server = bench.load("auth_api", "store_memory", "api_live").start()
	ann, ben, phone = server.client("ann"), server.client("ben"), server.client("ben", "phone")
	seen = data_of(ben.call("live.ask"))
	expect(f"three logins, two users: {seen}", seen == {"count": 2, "has": 1, "logins": 3,
		"absent": -8, "set": "E_NOTFOUND", "count_of_none": 0})
	message = {"to": {"room": "lobby"}, "client_id": "1", "body": "hello"}
	data_of(ann.call("message.send", message))
	for client in (ben, phone):
		expect("a message", client.expect("message.new")["data"]["body"] == "hello")
	data_of(ben.call("live.leave"))
	data_of(ann.call("message.send", dict(message, client_id="2")))
	for client in (ben, phone):
		expect("nothing more", client.quiet(0.1) == [])
	phone.say_close()
	ann.say_close()
	deadline = time.monotonic() + SECONDS
	while data_of(ben.call("live.ask"))["count"] and time.monotonic() < deadline:
		time.sleep(0.01)
	seen = data_of(ben.call("live.ask"))
	expect(f"nobody, but what was kept: {seen}", (seen["count"], seen["has"], seen["logins"]) == (0, 0, 3))
	numbers = server.get("/metrics")[2]
	for line in ("nuncio_live_conversations 1", "nuncio_live_members 0", "nuncio_api_live_freed_total 0"):
		expect(line, line in numbers.splitlines())
	expect("exit status", server.stop() == 0)


@case
def refusal_to_read(bench):
	"""What a module says to a reader is what the reader hears, whichever module was asked."""
	server = bench.load("auth_api", "store_memory", "direct", "history", "messages", "conversations", "receipts",
		"api_query").start()
	ann = server.client("ann")
	where = data_of(ann.call("message.send", {"to": {"user": "ben"}, "client_id": "1", "body": "a"}))["conversation"]
	for op, data in (("history.query", {}), ("message.pinned", {}), ("message.hide", {"seq": 1}),
			("conversation.clear", {"seq": 1}), ("conversation.update", {"muted": True}),
			("message.receipts", {"seq": 1})):
		answer = ann.call(op, {"conversation": where, **data})
		expect(f"{op}: {answer}", (answer["code"], answer["message"]) == (4290, "read more slowly"))
	for op in ("message.confirm", "message.read"):
		expect(f"{op} reads nothing", ann.call(op, {"conversation": where, "seq": 1})["code"] == 0)
	expect("exit status", server.stop() == 0)


@case
def notices(bench):
	server = bench.load("auth_api", "store_memory", "direct", "presence", "api_notice",
		core="drain_timeout = 3s", sections="[presence]\ndelay = 0\n").start()
	ann, ben = server.client("ann"), server.client("ben")
	data_of(ann.call("message.send", {"to": {"user": "ben"}, "client_id": "1", "body": "hello"}))
	data_of(ann.call("message.send", {"to": {"user": "carl"}, "client_id": "2", "body": "hello",
		"mentions": ["carl", "dora"]}))
	expect("an error", ann.call("no.such.op")["code"] == 1003)
	seen = told(server, "event", 2)
	expect(seen, seen == ["event message 0"] * 2)
	seen = told(server, "miss", 1)
	expect(seen, seen == ["miss carl 1"])  # ben is here, dora is no member
	seen = told(server, "request", 4)
	expect(seen, seen[:4] == ["request ann message.send 0 0 1"] * 2 + ["request ann  1003 0 1",
		"request  GET /m/api_notice 0 200 0"])
	ben.say_close()
	seen = told(server, "presence", 3)
	expect(seen, sorted(seen) == ["presence ann 0 1", "presence ben 0 1", "presence ben 1 0"])
	expect("exit status", server.stop() == 0)
	expect("drain", any("drain within 3000 ms" in line for line in server.lines()))


@case
def joining(bench):
	server = bench.load("auth_api", "api_notice").start()
	ann = server.client("ann")
	for user, answer in (("ben", (0, 0, "")), ("slow", (0, 0, "")), ("evil", (-5, 3001, "not this one"))):
		data = data_of(ann.call("notice.join", {"user": user}))
		expect(data, (data["status"], data["code"], data["text"]) == answer)
	seen = told(server, "join", 3)
	expect(seen, seen == [f"join {user} ann g:1 7" for user in ("ben", "slow", "evil")])
	expect("exit status", server.stop() == 0)


def ask_tickets(port, count):
	"""Many calls at once, each on a connection of its own; nobody reads yet."""
	pipes = []
	for n in range(count):
		pipe = wire.Pipe(port)
		pipe.send(f"GET /m/api_ticket/{n} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n".encode())
		pipes.append(pipe)
	return pipes


@case
def tickets_under_stress(bench):
	"""Clients leave, deadlines pass, the server reloads and at last stops, all while tickets are out."""
	server = bench.load("api_ticket", core="drain_timeout = 300ms").start()
	port = server.port()
	pipes = ask_tickets(port, 240)
	for pipe in pipes[::7]:
		pipe.close()
	for _ in range(5):
		server.process.send_signal(signal.SIGHUP)
		time.sleep(0.02)
	for n, pipe in enumerate(pipes):
		if n % 7 == 0:
			continue
		answer = wire.read_response(pipe, timeout=SECONDS)
		code = answer.json()["code"]
		expect(f"call {n}: {answer.status} {code}",
			(answer.status, code) == ((200, 0), (403, 3100), (503, 5003))[n % 3])
	server.wait_for('"reloaded"')
	pipes = ask_tickets(port, 240)
	server.process.send_signal(signal.SIGTERM)
	expect("exit status", server.exit_status() == 0)
	for pipe in pipes:
		pipe.close()
	allowed = r"no answer within 30 ms; refused|drain_timeout: 0 sessions and [0-9]+ requests are cut off"
	for line in server.troubles():
		expect(f"expected no {line}", re.search(allowed, line))


@case
def groups_by_service(bench):
	server = bench.load("auth_api", "store_memory", "direct", "group", "api_group").start()
	ann, ben, zoe = (server.client(name) for name in ("ann", "ben", "zoe"))

	def standing(user, group="g"):
		return ann.call("groupapi.standing", {"conversation": f"g:{group}", "user": user})

	made = data_of(ann.call("group.create", {"group": "g", "name": "G", "members": ["ben", "carl", "zoe"]}))
	expect(f"zoe is refused: {made}", [u["result"] for u in made["users"]] == ["added", "added", "refused"])
	expect("the owner", data_of(standing("ann")) == {"is_member": 1, "role": 2, "may_write": 1, "since": 0, "until": 0})
	expect("a member here", data_of(standing("ben"))["may_write"] == 1)
	expect("a member elsewhere", data_of(standing("carl")) == {"is_member": 1, "role": 0, "may_write": 1, "since": 0,
		"until": 0})
	expect("no member", data_of(standing("zoe"))["is_member"] == 0)
	expect("no group", data_of(standing("ann", "none"))["is_member"] == 0)
	expect("no id", standing("ann", "a b")["code"] == 1000)
	for user in ("ben", "carl"):
		data_of(ann.call("group.mute", {"group": "g", "user": user, "seconds": 60}))
		expect("muted", data_of(standing(user))["may_write"] == 0)
	data_of(ann.call("group.remove", {"group": "g", "user": "ben"}))
	gone = data_of(standing("ben"))
	expect(f"gone: {gone}", gone["is_member"] == 0 and gone["until"] == 4)
	info = data_of(ann.call("groupapi.info", {"conversation": "g:g"}))
	expect(f"info: {info}", info == {"name": "G", "owner": "ann", "is_channel": 0, "is_muted": 0})
	expect("no info", ann.call("groupapi.info", {"conversation": "g:none"})["code"] == 1007)

	data_of(ann.call("group.update", {"group": "g", "join": "open"}))
	expect("zoe may not join", zoe.call("group.join", {"group": "g"})["message"] == "zoe stays out")
	expect("zoe may not be invited", data_of(ann.call("group.invite", {"group": "g", "users": ["zoe"]}))["users"][0]
		== {"user": "zoe", "result": "refused"})
	data_of(ann.call("group.update", {"group": "g", "join": "approval"}))
	data_of(zoe.call("group.join", {"group": "g"}))
	expect("zoe is not let in", ann.call("group.approve", {"group": "g", "user": "zoe"})["code"] == 3000)
	expect("zoe makes none", zoe.call("group.create", {"name": "Z"})["code"] == 3000)
	expect("exit status", server.stop() == 0)
