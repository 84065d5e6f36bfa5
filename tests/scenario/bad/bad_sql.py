# SPDX-License-Identifier: MIT
"""SQL, formats and markup in every field that takes text: it is text, comes back as text, and does nothing."""
import urllib.parse

from lib.cases import case
from lib.server import CODES

TEXTS = (
	"'; DROP TABLE users; --", "\" OR 1=1 --", "' OR ''='", "x'); DELETE FROM events; --", "1; ATTACH DATABASE '/tmp/x' AS y",
	"' UNION SELECT * FROM users --", "%s%s%n%d", "%", "_", "\\", "`", "${jndi:ldap://x}", "<script>alert(1)</script>",
	"../../etc/passwd", "robert'); --\u00e9 你", "NULL", "-- ", "/* */",
)


def quote(text):
	return urllib.parse.quote(text, safe="")


@case("SQL in ids, bodies, kinds, client_ids, devices, cursors: stored and given back letter by letter")
def in_ops(t):
	for number, text in enumerate(TEXTS):
		sender = t.client(text, device=quote(text))
		assert sender.ready["user"] == text and sender.ready["device"] == text, sender.ready
		receiver = t.client(f"to {text}"[:64])
		data = {"to": {"user": f"to {text}"[:64]}, "client_id": text, "body": text, "mentions": [text]}
		packet = sender.call("message.send", data)
		assert packet["code"] == 0, f"{text!r}: {packet}"
		conversation = packet["data"]["conversation"]
		event = receiver.expect("message.new")["data"]
		assert (event["from"], event["client_id"], event["body"], event["mentions"]) == (text, text, text, [text])
		again = sender.call("message.send", data)["data"]
		assert again["duplicate"] and again["seq"] == packet["data"]["seq"]
		events = receiver.call("history.query", {"conversation": conversation})["data"]["events"]
		assert [e["body"] for e in events] == [text], events
		assert receiver.call("message.read", {"conversation": conversation, "seq": 1})["code"] == 0
		listed = receiver.call("conversation.list")["data"]["conversations"]
		assert [c["peer"] for c in listed] == [text] and listed[0]["unread"] == 0
		for op, data in (("history.query", {"conversation": text}), ("message.confirm", {"conversation": text, "seq": 1}),
				("message.send", {"to": {"conversation": text}, "client_id": "c", "body": "x"}),
				("message.send", {"to": {"user": "bob"}, "client_id": f"k{number}", "kind": text, "body": "x"}),
				("sync", {"cursor": text}), ("conversation.list", {"after": text}),
				("presence.query", {"users": [text]}), ("presence.set", {"status": text}), (text, {})):
			name = CODES[receiver.call(op, data)["code"]]
			assert name in ("ok", "not_found", "not_member", "invalid_field", "unknown_op") or op == text, f"{op} {text!r}: {name}"
		sender.say_close()
		receiver.say_close()
	everybody = t.client("to " + TEXTS[0])
	assert len(everybody.call("conversation.list")["data"]["conversations"]) == 1, "tables were touched"


@case("SQL in accounts, searches, paths and queries of REST")
def in_rest(t):
	def id_of(text):
		return text.replace("/", ":")  # an id with a slash has no path, so it is refused

	for text in TEXTS:
		account = {"id": text, "password": text + " long enough", "name": text}
		if "/" in text:
			assert t.server.http("POST", "/api/v1/users", account).status == 422, text
		answer = t.server.http("POST", "/api/v1/users", {**account, "id": id_of(text)})
		assert answer.status == 201, f"{text!r}: {answer.status} {answer.body}"
	for text in TEXTS:
		user_id, password = id_of(text), text + " long enough"
		login = t.server.http("POST", "/api/v1/auth/login", {"user": user_id, "password": password, "device": text})
		assert login.status == 200, f"{text!r}: {login.body}"
		token = login.json()["data"]["access_token"]
		bad = t.server.http("POST", "/api/v1/auth/login", {"user": user_id, "password": "' OR ''='' --xxxx"})
		assert bad.status == 401, bad.body
		bad = t.server.http("POST", "/api/v1/auth/refresh", {"refresh_token": text})
		assert bad.status == 401, bad.body
		user = t.server.http("GET", f"/api/v1/users/{quote(user_id)}", token=token)
		assert user.status == 200 and user.json()["data"]["name"] == text, user.body
		for query in (user_id, text):
			found = t.server.http("GET", f"/api/v1/users?query={quote(query)}", token=token).json()["data"]["users"]
			fitting = sorted(id_of(one) for one in TEXTS
				if one.lower().startswith(query.lower()) or id_of(one).lower().startswith(query.lower()))
			assert sorted(one["id"] for one in found) == fitting, f"{query!r}: {found}"
		for path in (f"/api/v1/conversations/{quote(text)}/messages", f"/api/v1/users/{quote(text + 'x')}"):
			status = t.server.http("GET", path, token=token).status
			assert status == 400 if "/" in text else status in (403, 404), f"{path}: {status}"
		for name in ("limit", "after", "before"):
			status = t.server.http("GET", f"/api/v1/conversations/x/messages?{name}={quote(text)}", token=token).status
			assert status in (404, 422), f"{name}={text!r}: {status}"
	count = len(t.server.http("GET", "/api/v1/users?limit=100", user="x").json()["data"]["users"])
	assert count == len(TEXTS), f"{count} users of {len(TEXTS)}"
