#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Does a module of yesterday still load and work? Usage: run_abi.py --build DIR

record/ has the headers as they were when they were recorded (record.py). What they promise to a compiled module must
be kept by the headers of today, unless the major number was raised; and veteran.c, compiled with the recorded
headers, must do its work in the server of today. The judge itself is tried on mini.h. The last line is the count.
"""
import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [HERE, os.path.join(TOP, "tests", "scenario")]
import layout  # noqa: E402
import record  # noqa: E402
from lib.control import asked  # noqa: E402
from lib.server import CHAT, Build, Server, Trouble  # noqa: E402

# (what, old text in mini.h, new text, words of the fault; None: it is allowed)
CHANGES = (
	("a function loses a parameter", "nuncio_told_fn *fn, void *user);", "nuncio_told_fn *fn);", "function nuncio_go was"),
	("a function is gone", "int nuncio_stay(enum nuncio_word word);", "", "function nuncio_stay was"),
	("a function takes a narrower number", "nuncio_stay(enum nuncio_word word)", "nuncio_stay(uint16_t word)", "nuncio_stay was"),
	("a callback answers otherwise", "typedef int nuncio_told_fn", "typedef void nuncio_told_fn", "callback nuncio_told_fn was"),
	("a member gets another type", "	uint64_t one;\n	uint32_t two, res", "	uint32_t one;\n	uint32_t two, res", "nuncio_facts: one"),
	("two members change places", "two, reserved;", "reserved, two;", "struct nuncio_facts: two"),
	("a member is gone", "	const struct nuncio_row *rows;\n", "", "struct nuncio_facts: rows"),
	("a member comes in before others", "	const struct nuncio_row *rows;", "	uint64_t a;\n	const struct nuncio_row *rows;",
		"struct nuncio_facts: rows"),
	("a member lies in what was padding", "	uint32_t two;\n", "	uint32_t two, three;\n", "three lies within"),
	("a final struct grows", "reserved[2];", "reserved[2], more;", "is final"),
	("an enumerator gets another number", "NUNCIO_WORD_B = 2", "NUNCIO_WORD_B = 3", "NUNCIO_WORD_B was 2"),
	("a flag gets another bit", "NUNCIO_FLAG 1u", "NUNCIO_FLAG 2u", "NUNCIO_FLAG was 1u"),
	("a struct grows at its end", "	const struct nuncio_row *rows;\n", "	const struct nuncio_row *rows;\n	uint64_t more;\n", None),
	("what was reserved is used", "two, reserved;", "two, three;", None),
	("a part of what was reserved is used", "reserved[2];", "three, reserved[1];", None),
	("an enumerator is added", "NUNCIO_WORD_B = 2 }", "NUNCIO_WORD_B = 2, NUNCIO_WORD_C = 3 }", None),
	("a function is added", "int nuncio_stay", "int nuncio_more(void);\nint nuncio_stay", None),
)


class Checks:
	def __init__(self):
		self.passed = self.failed = 0

	def that(self, what, good, detail=""):
		self.passed += bool(good)
		self.failed += not good
		print(f"{'ok  ' if good else 'FAIL'} {what}{'' if good else ': ' + str(detail)[:3000]}", flush=True)


# ---- the judge

def mini(work, text, stem):
	folder = os.path.join(work, stem)
	os.makedirs(os.path.join(folder, "nuncio"))
	with open(os.path.join(folder, "nuncio", "mini.h"), "w", encoding="utf-8") as file:
		file.write(text)
	functions = [name for name in ("nuncio_go", "nuncio_stay", "nuncio_more") if f"{name}(" in text]
	return layout.Headers(folder, functions).compile(os.path.join(folder, "anchor"))


def check_judge(checks, work):
	with open(os.path.join(HERE, "mini.h"), encoding="utf-8") as file:
		text = file.read()
	old = mini(work, text, "mini")
	checks.that("the same is the same", not list(layout.faults(old, old)) and not list(layout.additions(old, old)))
	for number, (what, before, after, words) in enumerate(CHANGES):
		assert text.count(before) == 1, what
		new = mini(work, text.replace(before, after), f"mini{number}")
		found = list(layout.faults(old, new))
		if words:
			checks.that(f"{what}: noticed", any(words in fault for fault in found), found)
		else:
			checks.that(f"{what}: allowed", not found and list(layout.additions(old, new)), found)


# ---- the headers of today

def check_headers(checks, work):
	recorded, today = record.recorded(), record.today()
	old, new = recorded.compile(os.path.join(work, "recorded")), today.compile(os.path.join(work, "today"))
	was, now = record.version(recorded), record.version(today)
	finals = today.finals()
	checks.that("what lies within other structs is final", layout.must_be_final(new) <= finals,
		layout.must_be_final(new) - finals)
	checks.that("what was final is", recorded.finals() <= finals, recorded.finals() - finals)
	checks.that(f"ABI {now} is not below the recorded {was}", now >= was, (was, now))
	found, added = list(layout.faults(old, new)), list(layout.additions(old, new))
	if now[0] > was[0]:
		checks.that("a new major: tests/abi/record.py records it", False, "not recorded yet")
	else:
		checks.that(f"everything that ABI {was} promised is kept", not found, "\n    ".join(["", *found, *words_of(work)]))
	for addition in added:
		print(f"    new since the record: {addition}")
	if record.is_released():
		checks.that("what is new has a new minor number", not added or now > was, added)


def words_of(work):
	"""The same in abidiff's words, which show where."""
	said = subprocess.run(["abidiff", os.path.join(work, "recorded.so"), os.path.join(work, "today.so")], capture_output=True,
		text=True, check=False)
	return said.stdout.splitlines()


# ---- a module of yesterday

def check_veteran(checks, build, work):
	headers = record.recorded().folder
	module = os.path.join(work, "veteran.so")
	said = subprocess.run(["gcc", "-std=c11", "-O2", "-g", "-Wall", "-Wextra", "-Wno-missing-field-initializers", "-Werror", "-fvisibility=hidden", "-fPIC", "-shared",
		f"-I{headers}", "-o", module, os.path.join(HERE, "veteran.c")], capture_output=True, text=True, check=False)
	checks.that("veteran.c builds with the recorded headers", said.returncode == 0, said.stderr)
	if said.returncode != 0:
		return
	shutil.copy(module, os.path.join(build.plugs, "veteran.so"))
	os.chmod(os.path.join(build.plugs, "veteran.so"), 0o755)
	server = Server(build, [*CHAT, "veteran"], {"veteran": {"greeting": "Salve", "tick": "50ms", "words": "a, b, c"}})
	try:
		server.start()
		work_with(checks, server)
	except (OSError, Trouble, AssertionError, KeyError) as error:
		checks.that("the veteran comes to its end", False, f"{type(error).__name__}: {error}")
	server.stop()
	checks.that("the server with it did well", not server.verdict(), server.verdict())
	server.remove()


def work_with(checks, server):
	alice, bob = server.client("alice"), server.client("bob")

	def call(op, **data):
		packet = alice.call(f"veteran.{op}", data)
		return packet["data"] if packet["code"] == 0 else packet["code"]

	checks.that("options", call("hello", name="Bob") == {"text": "Salve, Bob", "words": 3}, call("hello", name="Bob"))
	checks.that("fields", call("hello", name="x" * 65) == 1002, call("hello", name="x" * 65))
	checks.that("a slot of the session", [call("count"), call("count")] == [{"count": 3}, {"count": 4}], call("count"))
	kept = call("keep", value={"a": 1})
	checks.that("records, written, read and listed", kept == {"rows": [{"key": "one", "version": 1, "value": {"a": 1}},
		{"key": "two", "version": 1, "value": 2}]}, kept)
	for number, body in enumerate(("hi", "later", "please shout")):
		sent = alice.call("message.send", {"to": {"user": "bob"}, "client_id": str(number), "body": body})
		checks.that(f"a message is let through: {body}", sent["code"] == 0, sent)
	refused = alice.call("message.send", {"to": {"user": "bob"}, "client_id": "r", "body": "rude"})
	checks.that("another is refused", (refused["code"], refused["message"]) == (3000, "be kind"), refused)
	log = call("log", conversation="d:5:alice:bob")
	checks.that("rows of events, members and conversations", log == {"events": ["1:alice:\"hi\"", "2:alice:\"later\"",
		"3:alice:\"PLEASE SHOUT\""], "members": ["alice", "bob"], "conversations": ["d:5:alice:bob:3"]}, log)
	answer = server.http("GET", "/m/veteran/hello/Eve?loud=1", user="alice")
	checks.that("a route with a parameter and a query", answer.json()["data"] == {"text": "Salve, Eve!", "words": 3}, answer.body)
	checks.that("a command of the operator", asked(server, "veteran", "status")["stored"] == 3, asked(server, "veteran", "status"))
	time.sleep(0.2)
	text = server.http("GET", "/metrics").body.decode()
	for line in ("nuncio_veteran_refused_total 1", "nuncio_veteran_sessions 2", 'nuncio_veteran_seconds_count{op="count"} 3'):
		checks.that(f"metric {line}", f"\n{line}\n" in text)
	ticks = asked(server, "veteran", "status")["ticks"]
	checks.that("a timer", ticks >= 2, ticks)
	bob.drop()
	alice.say_close()


def main():
	parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
	parser.add_argument("--build", required=True)
	args = parser.parse_args()
	build, checks, work = Build(args.build), Checks(), tempfile.mkdtemp(prefix="nuncio-abi-")
	try:
		check_judge(checks, work)
		check_headers(checks, work)
		check_veteran(checks, build, work)
	except (AssertionError, OSError) as error:
		checks.that("the test comes to its end", False, f"{type(error).__name__}: {error}")
	shutil.rmtree(work, ignore_errors=True)
	build.close()
	print(f"{checks.passed} passed, {checks.failed} failed, 0 skipped")
	return 1 if checks.failed else 0


if __name__ == "__main__":
	sys.exit(main())
