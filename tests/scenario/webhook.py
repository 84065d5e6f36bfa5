#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The module webhook against real endpoints: good ones, bad ones, and servers that are killed.

Usage: webhook.py --build DIR [--rounds N]

What must hold: every stored event arrives at least once, the events of a conversation in order, with a
signature that is right; an endpoint that fails, hangs or answers nonsense changes nothing for those who
chat; kill -9 of the server loses nothing. The last line is the count of checks.
"""
import argparse
import hashlib
import hmac
import http.server
import json
import os
import random
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from bad.bad_disk import Mount  # noqa: E402
from lib import wire  # noqa: E402
from lib.cases import Skip  # noqa: E402
from lib.control import asked  # noqa: E402
from lib.server import CHAT, Build, Server  # noqa: E402

SLOW = float(os.environ.get("NUNCIO_TEST_SLOW", "1"))
ENDS = (wire.Closed, wire.Silence, wire.Refused, OSError, ValueError)


class Endpoint(http.server.ThreadingHTTPServer):
	"""Answers as `mood` says, and keeps what came."""
	daemon_threads = True

	def __init__(self, keys):
		super().__init__(("127.0.0.1", 0), Handler)
		self.keys, self.mood, self.lock = keys, "good", threading.Lock()
		self.accepted, self.posts, self.faults, self.asked, self.questions = [], 0, [], 0, []
		self.wake = threading.Event()
		self.random = random.Random(7)
		threading.Thread(target=self.serve_forever, daemon=True).start()

	@property
	def url(self):
		return f"http://127.0.0.1:{self.server_port}"

	def handle_error(self, request, client_address):
		pass  # the other side goes away at will here

	def judge(self, signature, body):
		parts = [part.split("=", 1) for part in signature.split(",")]
		when = [value for name, value in parts if name == "t"]
		macs = [value for name, value in parts if name == "v1"]
		wanted = [hmac.new(key, when[0].encode() + b"." + body, hashlib.sha256).hexdigest() for key in self.keys]
		if macs != wanted or abs(int(when[0]) - time.time()) > 60:
			self.faults.append(f"wrong signature {signature}")

	def seqs(self, conversation):
		with self.lock:
			return [event["seq"] for event in self.accepted if event["conversation"] == conversation]


class Handler(http.server.BaseHTTPRequestHandler):
	protocol_version = "HTTP/1.1"

	def log_message(self, *args):
		pass

	def answer(self, status, body=b""):
		self.send_response(status)
		self.send_header("Content-Length", str(len(body)))
		self.end_headers()
		self.wfile.write(body)

	def do_POST(self):
		body = self.rfile.read(int(self.headers["Content-Length"]))
		end, mood = self.server, self.server.mood
		end.judge(self.headers["Nuncio-Signature"], body)
		with end.lock:
			end.posts += 1
		if mood == "mixed":
			mood = end.random.choice(("good", "good", "fails", "nonsense", "drops"))
		if self.path == "/ask":
			return self.do_ask(json.loads(body), mood)
		if mood == "hangs":
			end.wake.wait(20)
			return None
		if mood == "fails":
			return self.answer(503, b"no")
		if mood == "drops":
			self.close_connection = True
			return self.connection.close()
		if mood == "nonsense":
			self.close_connection = True
			return self.wfile.write(b"\x00\x01 not http at all\r\n\r\n")
		if mood == "moves":
			return self.answer(302)
		if mood == "breaks":
			self.close_connection = True
			return self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
		with end.lock:
			end.accepted += json.loads(body)["events"]
		if mood == "chatty":
			return self.answer(200, b"x" * 1000000)
		return self.answer(204)

	def do_ask(self, question, mood):
		self.server.asked += 1
		self.server.questions.append(question)
		if mood == "hangs":
			self.server.wake.wait(20)
			return None
		if mood == "fails":
			return self.answer(500)
		if mood == "nonsense":
			return self.answer(200, b'{"allow":"perhaps"}')
		text = question["event"]["body"]
		if "evil" in text:
			return self.answer(200, b'{"allow":false,"message":"not this"}')
		if "shout" in text:
			return self.answer(200, json.dumps({"allow": True, "body": text.upper()}).encode())
		return self.answer(200, b'{"allow":true}')


class Checks:
	def __init__(self):
		self.passed = self.failed = 0

	def that(self, what, good, detail=""):
		self.passed += bool(good)
		self.failed += not good
		print(f"{'ok  ' if good else 'FAIL'} {what}{'' if good else ': ' + str(detail)[:600]}", flush=True)


def until(condition, seconds=15):
	deadline = time.monotonic() + seconds * SLOW
	while not condition():
		if time.monotonic() > deadline:
			return False
		time.sleep(0.02)
	return True


def make_server(build, endpoint, **settings):
	server = Server(build, [*CHAT, "messages", "webhook"])
	paths = []
	for number, key in enumerate(endpoint.keys):
		path = os.path.join(server.keys.folder, f"hook{number}.key")
		with open(path, "wb") as file:
			file.write(key)
		paths.append(path)
	server.settings["webhook"] = {"url": endpoint.url + "/events", "keys": ", ".join(paths),
		"backoff_min": "50ms", "backoff_max": "200ms", "timeout": "1s", **settings}
	return server


def send(client, peer, client_id, body, timeout=5):
	return client.call("message.send", {"to": {"user": peer}, "client_id": client_id, "body": body}, timeout=timeout)


def firsts(seqs):
	"""Each seq where it came first: what is delivered again counts once."""
	return list(dict.fromkeys(seqs))


def delivers(build, checks):
	endpoint = Endpoint([b"first key 0123456789", b"second key 987654321"])
	server = make_server(build, endpoint)
	server.start()
	alice = server.client("alice")
	conversation = None
	for number in range(120):
		conversation = send(alice, "bob", f"d{number}", f"text {number}")["data"]["conversation"]
	edited = alice.call("message.edit", {"conversation": conversation, "seq": 3, "body": "new"})
	checks.that("an edit is stored", edited["code"] == 0, edited)
	checks.that("all events arrive", until(lambda: len(set(endpoint.seqs(conversation))) == 121), endpoint.seqs(conversation))
	checks.that("in order", firsts(endpoint.seqs(conversation)) == list(range(1, 122)), endpoint.seqs(conversation))
	checks.that("with their bodies", endpoint.accepted[0]["body"] == "text 0" and endpoint.accepted[0]["from"] == "alice",
		endpoint.accepted[:1])
	checks.that("the change names its target", endpoint.accepted[-1]["event"] == "edit"
		and endpoint.accepted[-1]["target"] == 3, endpoint.accepted[-1])
	checks.that("signed with every key", not endpoint.faults, endpoint.faults[:3])
	checks.that("their records go", until(lambda: metric(server, "nuncio_webhook_pending") == 0))
	# A commit for each would be one more for the disk between those of the people who chat.
	removals = metric(server, 'nuncio_store_job_seconds_count{kind="write"}')
	checks.that("many at a time", 1 <= removals < 30, removals)
	send(alice, "bob", "last", "just before the end")
	checks.that("one more", until(lambda: 122 in endpoint.seqs(conversation)))
	posts = endpoint.posts
	server.restart()
	time.sleep(0.5)
	checks.that("what was delivered is not delivered again after a restart", endpoint.posts == posts, (posts, endpoint.posts))
	finish(server, endpoint, checks, "a good endpoint")


def stops_whole(build, checks):
	"""Much that was just taken in one conversation: at the end all of its records go, not only as many as one write takes."""
	endpoint = Endpoint([b"first key 0123456789"])
	endpoint.mood = "fails"
	server = make_server(build, endpoint, attempts="100000")
	server.start()
	alice = server.client("alice")
	for number in range(2500):
		send(alice, "bob", f"w{number}", "x")
	endpoint.mood = "good"
	checks.that("2500 of one conversation arrive", until(lambda: len(endpoint.accepted) >= 2500), len(endpoint.accepted))
	server.restart()
	time.sleep(0.5)
	checks.that("none of them again after a restart", len(endpoint.accepted) == 2500, len(endpoint.accepted))
	finish(server, endpoint, checks, "a whole stop")


def finish(server, endpoint, checks, what):
	endpoint.wake.set()
	server.stop()
	troubles = server.verdict()
	checks.that(f"{what}: the server did well", not troubles, troubles[:3])
	if not troubles:
		server.remove()
	endpoint.shutdown()
	endpoint.server_close()


def bad_endpoints(build, checks):
	for mood in ("fails", "hangs", "nonsense", "drops", "moves", "breaks"):
		endpoint = Endpoint([b"first key 0123456789"])
		endpoint.mood = mood
		server = make_server(build, endpoint)
		server.start()
		alice = server.client("alice")
		begin, conversation = time.monotonic(), None
		for number in range(20):
			conversation = send(alice, f"peer{number % 4}", f"b{number}", "x")["data"]["conversation"]
		took = time.monotonic() - begin
		checks.that(f"{mood}: chat does not wait", took < 2 * SLOW, took)
		checks.that(f"{mood}: it is tried again", until(lambda e=endpoint: e.posts > 6), endpoint.posts)
		endpoint.mood = "good"
		endpoint.wake.set()
		checks.that(f"{mood}: all arrive once it is well", until(lambda c=conversation, e=endpoint: len(set(e.seqs(c))) == 5
			and len({(a["conversation"], a["seq"]) for a in e.accepted}) == 20), endpoint.seqs(conversation))
		checks.that(f"{mood}: in order", firsts(endpoint.seqs(conversation)) == [1, 2, 3, 4, 5], endpoint.seqs(conversation))
		finish(server, endpoint, checks, mood)


def chatty(build, checks):
	"""What an endpoint says beside 2xx is its own business."""
	endpoint = Endpoint([b"first key 0123456789"])
	endpoint.mood = "chatty"
	server = make_server(build, endpoint)
	server.start()
	alice = server.client("alice")
	for number in range(5):
		conversation = send(alice, "bob", f"c{number}", "x")["data"]["conversation"]
	checks.that("a long answer is one", until(lambda: len(set(endpoint.seqs(conversation))) == 5), endpoint.seqs(conversation))
	checks.that("and each event comes once", endpoint.seqs(conversation) == [1, 2, 3, 4, 5]
		and metric(server, "nuncio_webhook_failures_total") == 0, endpoint.seqs(conversation))
	finish(server, endpoint, checks, "a chatty endpoint")


def reloads(build, checks):
	"""Options and keys change in the middle of it all."""
	endpoint = Endpoint([b"first key 0123456789"])
	endpoint.mood = "mixed"
	server = make_server(build, endpoint, attempts="100000")
	server.start()
	talkers = [Talker(server, f"t{number}") for number in range(4)]
	for talker in talkers:
		talker.start()
	for number in range(8):
		server.settings["webhook"].update({"backoff_min": f"{20 + number}ms", "max_pending": str(100 + number),
			"timeout": f"{800 + number}ms"})
		server.reload()
		time.sleep(0.1)
	for talker in talkers:
		talker.stopping = True
		talker.join()
	acked = set().union(*(talker.acked for talker in talkers))
	endpoint.mood = "good"
	def missing():
		with endpoint.lock:
			return acked - {(a["conversation"], a["seq"]) for a in endpoint.accepted}
	until(lambda: not missing(), 30)
	checks.that(f"reloads: all {len(acked)} acknowledged events arrive", acked and not missing(), len(missing()))
	wrong = [c for c in {c for c, _ in acked} if firsts(endpoint.seqs(c)) != sorted(set(endpoint.seqs(c)))]
	checks.that("reloads: in order of each conversation", not wrong, [(c, endpoint.seqs(c)[:50]) for c in wrong[:2]])
	endpoint.keys = [b"second key 987654321"]
	with open(os.path.join(server.keys.folder, "hook0.key"), "wb") as file:
		file.write(endpoint.keys[0])
	server.reload()
	alice, before = server.client("alice"), len(endpoint.accepted)
	send(alice, "bob", "key", "x")
	checks.that("reloads: another key in the file is used", until(lambda: len(endpoint.accepted) > before)
		and not endpoint.faults, endpoint.faults[:2])
	finish(server, endpoint, checks, "reloads")


def full_disk(build, checks):
	"""The endpoint takes everything, but there is no room to write down that it did."""
	try:
		disk = Mount("2m")
	except Skip as reason:
		print(f"skip full_disk: {reason}")
		return
	endpoint = Endpoint([b"first key 0123456789"])
	endpoint.mood = "fails"
	server = make_server(build, endpoint, attempts="100000")
	server.data_dir = server.settings["core"]["data_dir"] = disk.folder
	server.announce("full")
	try:
		server.start()
		alice, sent = server.client("alice"), 0
		while send(alice, "bob", f"f{sent}", "x" * 10000, 20)["code"] == 0:
			sent += 1
		endpoint.mood = "good"
		conversation = "d:5:alice:bob"
		checks.that(f"a full disk: all {sent} stored events arrive", sent and until(
			lambda: set(endpoint.seqs(conversation)) >= set(range(1, sent + 1)), 30), endpoint.seqs(conversation)[-5:])
		checks.that("in order", firsts(endpoint.seqs(conversation)) == sorted(set(endpoint.seqs(conversation))))
		time.sleep(1.5)  # in which removing may be tried, and fail
		checks.that("those who are there are served", alice.call("ping", timeout=5)["code"] == 0)
		disk.change("size=20m")
		checks.that("with room again messages are stored", until(lambda: send(alice, "bob", "g", "x", 20)["code"] == 0, 30))
		checks.that("and what was taken is removed", until(lambda: metric(server, "nuncio_webhook_pending") == 0, 30),
			metric(server, "nuncio_webhook_pending"))
		count = len(endpoint.accepted)
		server.restart()
		time.sleep(0.5)
		checks.that("so that nothing comes again", len(endpoint.accepted) == count, (count, len(endpoint.accepted)))
		finish(server, endpoint, checks, "a full disk")
	finally:
		server.kill()
		disk.end()


def metric(server, name):
	text = server.http("GET", "/metrics").body.decode()
	return next(float(line.split()[1]) for line in text.splitlines() if line.startswith(name + " "))


def dead_letters(build, checks):
	endpoint = Endpoint([b"first key 0123456789"])
	endpoint.mood = "fails"
	server = make_server(build, endpoint, attempts="3")
	server.announce("given up after 3 attempts")
	server.start()
	alice = server.client("alice")
	conversation = send(alice, "bob", "x1", "one")["data"]["conversation"]
	checks.that("after too many attempts it is put aside", until(lambda: server.log_has("given up after 3 attempts")))
	endpoint.mood = "good"
	send(alice, "bob", "x2", "two")
	checks.that("the conversation goes on", until(lambda: endpoint.seqs(conversation) == [2]), endpoint.seqs(conversation))
	endpoint.mood = "fails"
	server.announced.clear()
	server.announce("given up after 3 attempts")
	send(alice, "carol", "x3", "three")
	checks.that("another is put aside", until(lambda: metric(server, "nuncio_webhook_dead_total") == 2))
	endpoint.mood = "good"
	checks.that("the operator has all tried again", asked(server, "webhook", "replay") == {"replayed": 2})
	checks.that("they arrive", until(lambda: sorted(event["body"] for event in endpoint.accepted) == ["one", "three", "two"]),
		endpoint.accepted)
	checks.that("and only once", asked(server, "webhook", "replay") == {"replayed": 0})
	send(alice, "bob", "x4", "four")
	checks.that("then it goes on as before", until(lambda: endpoint.seqs(conversation) == [2, 1, 3]), endpoint.seqs(conversation))
	finish(server, endpoint, checks, "dead letters")


def overflow(build, checks):
	"""More than memory keeps: the rest waits in the store."""
	endpoint = Endpoint([b"first key 0123456789"])
	endpoint.mood = "fails"
	server = make_server(build, endpoint, max_pending="100", attempts="100000")
	server.start()
	alice = server.client("alice")
	conversations = set()
	for number in range(400):
		conversations.add(send(alice, f"peer{number % 7}", f"o{number}", "x")["data"]["conversation"])
	endpoint.mood = "good"
	whole = until(lambda: len({(a["conversation"], a["seq"]) for a in endpoint.accepted}) == 400, 30)
	checks.that("none is lost when there are more than memory keeps", whole, len(endpoint.accepted))
	wrong = [c for c in conversations if firsts(endpoint.seqs(c)) != list(range(1, len(firsts(endpoint.seqs(c))) + 1))]
	checks.that("and each conversation is in order", not wrong, wrong)
	finish(server, endpoint, checks, "overflow")


class Talker(threading.Thread):
	def __init__(self, server, name):
		super().__init__(daemon=True)
		self.server, self.name, self.count, self.acked, self.stopping = server, name, 0, set(), False

	def run(self):
		try:
			client = self.server.client(self.name)
			while not self.stopping:
				self.count += 1
				packet = send(client, "bob", f"{self.name}-{self.count}", "y" * 100)
				if packet["code"] == 0:
					self.acked.add((packet["data"]["conversation"], packet["data"]["seq"]))
		except ENDS:
			pass


def killed(build, checks, rounds):
	endpoint = Endpoint([b"first key 0123456789"])
	endpoint.mood = "mixed"
	server = make_server(build, endpoint, attempts="100000")
	server.start()
	acked, counts, rand = set(), {}, random.Random(11)
	for _ in range(rounds):
		talkers = [Talker(server, f"t{number}") for number in range(4)]
		for talker in talkers:
			talker.count = counts.get(talker.name, 0)
			talker.start()
		time.sleep(rand.uniform(0.3, 1.0))
		server.kill()
		for talker in talkers:
			talker.stopping = True
			talker.join()
			acked |= talker.acked
			counts[talker.name] = talker.count
		server.start()
	endpoint.mood = "good"
	def missing():
		with endpoint.lock:
			return acked - {(a["conversation"], a["seq"]) for a in endpoint.accepted}
	until(lambda: not missing(), 30)
	checks.that(f"kill -9 {rounds} times: all {len(acked)} acknowledged events arrive", acked and not missing(), len(missing()))
	wrong = [c for c in {c for c, _ in acked} if firsts(endpoint.seqs(c)) != sorted(set(endpoint.seqs(c)))]
	checks.that("in order of each conversation", not wrong, [(c, endpoint.seqs(c)[:50]) for c in wrong[:2]])
	checks.that("with right signatures", not endpoint.faults, endpoint.faults[:2])
	finish(server, endpoint, checks, "kill -9")


def asks(build, checks):
	endpoint = Endpoint([b"first key 0123456789"])
	server = make_server(build, endpoint, url="", ask_url=endpoint.url + "/ask", ask_timeout="300ms",
		breaker_failures="3", breaker_pause="1s")
	server.start()
	alice, bob = server.client("alice"), server.client("bob")
	checks.that("a message is let through", send(alice, "bob", "q1", "hi")["code"] == 0)
	refused = send(alice, "bob", "q2", "evil plan")
	checks.that("another is refused with the endpoint's words", refused["code"] == 3000 and refused["message"] == "not this", refused)
	send(alice, "bob", "q3", "please shout")
	bob.expect("message.new")
	checks.that("a third is changed", bob.expect("message.new")["data"]["body"] == "PLEASE SHOUT")
	sent = send(alice, "bob", "e1", "fine")["data"]
	def edit(body):
		return alice.call("message.edit", {"conversation": sent["conversation"], "seq": sent["seq"], "body": body})
	refused = edit("evil after all")
	checks.that("an edit is asked about, and refused", refused["code"] == 3000 and refused["message"] == "not this", refused)
	checks.that("or changed", edit("shout")["data"]["message"]["body"] == "SHOUT")
	checks.that("the endpoint is told what it is asked about", endpoint.questions[-1]["ask"] == "may_edit"
		and endpoint.questions[-1]["event"]["seq"] == sent["seq"], endpoint.questions[-1])
	for mood in ("fails", "nonsense", "hangs"):
		endpoint.mood = mood
		answer = send(alice, "bob", f"q-{mood}", "hi")
		checks.that(f"{mood}: refused, the message can be sent later", answer["code"] == 5002, answer)
	asked = endpoint.asked
	begin = time.monotonic()
	answer = send(alice, "bob", "q5", "hi")
	checks.that("after three failures it is not asked", endpoint.asked == asked and answer["code"] == 5002
		and time.monotonic() - begin < 0.25 * SLOW, (asked, endpoint.asked, answer))
	endpoint.mood = "good"
	endpoint.wake.set()
	checks.that("after the pause it is asked again", until(lambda: send(alice, "bob", "q6", "hi")["code"] == 0, 5))
	server.settings["webhook"]["ask_failure"] = "allow"
	server.reload()
	endpoint.mood = "fails"
	checks.that("ask_failure = allow lets messages pass", until(lambda: send(alice, "bob", "q7", "hi")["code"] == 0, 5))
	endpoint.mood, endpoint.wake = "hangs", threading.Event()
	parked = alice.send("message.send", {"to": {"user": "bob"}, "client_id": "q8", "body": "hi"})
	begin = time.monotonic()
	checks.that("who sends nothing does not wait", bob.call("ping", timeout=0.25 * SLOW)["code"] == 0)
	alice.answer(parked)
	checks.that("nor longer than the deadline", time.monotonic() - begin < 2 * SLOW, time.monotonic() - begin)
	finish(server, endpoint, checks, "asking")


def deadlines(build, checks):
	"""A question that the core would cut off before ask_failure has its say is a mistake in the configuration."""
	endpoint = Endpoint([b"first key 0123456789"])
	server = make_server(build, endpoint, url="", ask_url=endpoint.url + "/ask", ask_timeout="3s")
	server.settings["core"]["answer_timeout"] = "3s"
	server.write_config()
	done = subprocess.run(server.command(), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30 * SLOW,
		check=False)
	checks.that("ask_timeout beyond answer_timeout: it does not start, and says why", done.returncode != 0
		and "must be less than [core] answer_timeout, which is 3000 ms" in done.stdout + done.stderr, done)
	server.settings["webhook"]["ask_timeout"] = "300ms"
	server.start()
	alice = server.client("alice")
	server.settings["core"]["answer_timeout"] = "200ms"
	server.announce("must be less than [core] answer_timeout, which is 200 ms")
	server.reload()
	checks.that("a reload says so, too", server.log_has("which is 200 ms"))
	checks.that("and the server goes on", send(alice, "bob", "t1", "hi")["code"] == 0)
	finish(server, endpoint, checks, "deadlines")


def main():
	parser = argparse.ArgumentParser()
	parser.add_argument("--build", required=True)
	parser.add_argument("--rounds", type=int, default=6)
	parser.add_argument("--only", default="")
	args = parser.parse_args()
	build, checks = Build(args.build), Checks()
	for name, test in (("delivers", delivers), ("stops", stops_whole), ("bad", bad_endpoints),
			("dead", dead_letters), ("chatty", chatty), ("reloads", reloads), ("full", full_disk), ("overflow", overflow),
			("asks", asks), ("deadlines", deadlines), ("killed", lambda b, c: killed(b, c, args.rounds))):
		if args.only and args.only != name:
			continue
		try:
			test(build, checks)
		except Exception as error:
			checks.that(f"{name} comes to its end", False, f"{type(error).__name__}: {error}")
	build.close()
	print(f"{checks.passed} passed, {checks.failed} failed, 0 skipped")
	return 1 if checks.failed else 0


if __name__ == "__main__":
	sys.exit(main())
