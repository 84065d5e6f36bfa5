# SPDX-License-Identifier: MIT
"""Pages of history, sync and the list are as long as one packet allows, whatever the messages are."""
from lib.cases import CHAT, case


def all_pages(client, op, data, step):
	"""Asks on and on; step makes the next question from an answer, or None at the end."""
	pages = []
	while data is not None:
		answer = client.call(op, data)
		assert answer["code"] == 0, f"{op} {data}: {answer}"
		pages.append(answer["data"])
		assert len(pages) < 200, "it never ends"
		data = step(answer["data"])
	return pages


def fill(t):
	alice = t.client("alice")
	bob = t.client("bob", protocol="nuncio.frame.v1")
	cursor = bob.call("sync", {})["data"]["cursor"]
	bodies = ["x" * 50000] * 3 + ["short"] * 3 + ["\x01" * 9000] * 4 + [{"a": "é" * 20000}] * 2 + ["end"] * 40
	for number, body in enumerate(bodies):
		data = {"to": {"user": "bob"}, "client_id": chr(1 + number % 8) * 56 + str(number), "body": body}
		if not isinstance(body, str):
			data["kind"] = "app"
		answer = alice.call("message.send", data)
		assert answer["code"] == 0, answer
	return alice, bob, cursor, answer["data"]["conversation"], bodies


@case("pages of large messages fit into packets, and together have everything once")
def large(t):
	alice, bob, cursor, conversation, bodies = fill(t)
	seqs = list(range(1, len(bodies) + 1))
	for limit in (100, 50, 7, 1):
		question = {"conversation": conversation, "limit": limit}
		pages = all_pages(bob, "history.query", {**question, "after": 0},
			lambda page: {**question, "after": page["events"][-1]["seq"]} if page["more"] else None)
		events = [event for page in pages for event in page["events"]]
		assert [e["seq"] for e in events] == seqs and [e["body"] for e in events] == bodies, "forwards"
		pages = all_pages(bob, "history.query", dict(question),
			lambda page: {**question, "before": page["events"][0]["seq"]} if page["more"] else None)
		events = [event for page in reversed(pages) for event in page["events"]]
		assert [e["seq"] for e in events] == seqs, "backwards"
		pages = all_pages(bob, "sync", {"cursor": cursor, "limit": limit},
			lambda page: {"cursor": page["cursor"], "limit": limit} if page["more"] else None)
		assert [e["seq"] for page in pages for e in page["events"]] == seqs, "sync"
		assert not any(page["gap"] for page in pages)
	alice.say_close()
	bob.say_close()


@case("a list of conversations with large last messages")
def large_list(t):
	alice = t.client("alice")
	for number in range(12):
		answer = alice.call("message.send", {"to": {"user": f"u{number:02}"}, "client_id": "c", "body": "y" * 40000})
		assert answer["code"] == 0, answer
	pages = all_pages(alice, "conversation.list", {"limit": 100},
		lambda page: {"limit": 100, "after": page["next"]} if page["next"] else None)
	peers = [c["peer"] for page in pages for c in page["conversations"]]
	assert peers == [f"u{number:02}" for number in reversed(range(12))], peers
	alice.say_close()


@case("what was accepted can be delivered and read in one packet")
def largest(t):
	alice, bob = t.client("alice" * 12), t.client("bob" * 20, protocol="nuncio.frame.v1")
	for extra in range(0, 7000, 500):
		data = {"to": {"user": "bob" * 20}, "client_id": "\x02" * 60 + str(extra), "body": "z" * (57344 - 2),
			"mentions": [f"{n:060}" for n in range(extra // 65)]}
		answer = alice.call("message.send", data)
		if answer["code"] != 0:
			assert answer["code"] == 1004 and extra > 0, answer
			continue
		seq = answer["data"]["seq"]
		assert bob.expect("message.new")["data"]["seq"] == seq
		conversation = answer["data"]["conversation"]
		page = bob.call("history.query", {"conversation": conversation, "after": seq - 1})
		assert [e["seq"] for e in page["data"]["events"]] == [seq], page
		listed = bob.call("conversation.list")["data"]["conversations"]
		assert listed[0]["last"]["seq"] == seq
	alice.say_close()
	bob.say_close()


@case("an edited message may be as large as a sent one, and no larger", modules=[*CHAT, "messages"])
def largest_edit(t):
	alice, bob = t.client("alice"), t.client("bob", protocol="nuncio.frame.v1")
	sent = {"to": {"user": "bob"}, "mentions": [f"{n:060}" for n in range(50)]}
	conversation = alice.call("message.send", {**sent, "client_id": "1", "body": "x"})["data"]["conversation"]
	assert alice.call("message.send", {"to": {"user": "bob"}, "client_id": "2", "body": "x"})["code"] == 0
	room = 57344 - 50 * 63 - 100
	for seq, size, code in ((2, 57344 - 2, 0), (2, 57344 - 1, 1004), (1, room, 0), (1, room + 1000, 1004)):
		edit = {"conversation": conversation, "seq": seq, "body": "\x7f" * size}
		answer = alice.call("message.edit", edit)
		assert answer["code"] == code, (seq, size, answer["code"], answer["message"])
		if code == 0:
			assert len(bob.expect("message.changed")["data"]["message"]["body"]) == size
	page = bob.call("history.query", {"conversation": conversation, "after": 0, "limit": 1})
	assert len(page["data"]["events"][0]["body"]) == room, page["message"]
	alice.say_close()
	bob.say_close()


@case("a list cannot be gone on with at a place that was never given")
def odd_next(t):
	client = t.client("alice")
	for text in ("x", "-1", "99999999999999999999999", "1 ", "\u0000"):
		answer = client.call("conversation.list", {"after": text})
		assert answer["code"] == 1002, f"{text!r}: {answer}"
	client.say_close()
