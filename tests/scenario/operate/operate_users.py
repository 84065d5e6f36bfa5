# SPDX-License-Identifier: MIT
"""Accounts and tokens by the operator."""
import os
import pty
import subprocess

from lib import wire
from lib.cases import case
from lib.control import asked, ctl, done, eventually, program


def login(t, user, password):
	return t.server.http("POST", "/api/v1/auth/login", {"user": user, "password": password}).status


@case("user add, list, passwd, delete; the password comes by standard input", settings={"accounts":
	{"registration": "closed"}})
def users(t):
	data = asked(t.server, "user", "add", "zoe", "Zoe Q", text="correct horse\n")
	assert data["id"] == "zoe" and data["name"] == "Zoe Q" and data["created_at"].endswith("Z"), data
	done(t.server, "user", "add", "id=yan", text="battery staple\n")
	assert login(t, "zoe", "correct horse") == 200
	assert [row["id"] for row in asked(t.server, "user", "list")["users"]] == ["yan", "zoe"]
	assert [row["id"] for row in asked(t.server, "user", "list", "Zo")["users"]] == ["zoe"]
	result = ctl(t.server, "user", "add", "zoe", text="correct horse\n")
	assert result.status == 1 and "id: is taken" in result.err, result
	done(t.server, "user", "passwd", "zoe", text="another horse\n")
	assert login(t, "zoe", "correct horse") == 401 and login(t, "zoe", "another horse") == 200
	client = t.client("zoe")
	done(t.server, "user", "delete", "zoe")
	try:
		while True:
			client.expect("nothing", timeout=5)
	except wire.Closed as end:
		assert end.code == 4002, end
	assert login(t, "zoe", "another horse") == 401
	assert [row["id"] for row in asked(t.server, "user", "list")["users"]] == ["yan"]
	for words, text, why in ((["user", "add", "zoe"], "correct horse\n", "is taken"),
			(["user", "add", "a/b"], "correct horse\n", "id: must be"), (["user", "add", "x"], "short\n", "password: "),
			(["user", "passwd", "nobody"], "correct horse\n", "no such user"),
			(["user", "delete", "nobody"], "", "no such user")):
		result = ctl(t.server, *words, text=text)
		assert result.status == 1 and why in result.err, (words, result)
	for words, text, why in ((["user", "add", "x", "password=12345678"], "", "must not stand on the command line"),
			(["user", "add", "x"], "", "missing on standard input"), (["user", "add"], "", "id is missing")):
		result = ctl(t.server, *words, text=text)
		assert result.status == 64 and why in result.err, (words, result)
	log = t.server.log_text()
	assert "control: user.add by uid" in log and "horse" not in log and "staple" not in log


@case("hundreds of accounts are listed in pages", settings={"accounts": {"hash_ops": "1", "hash_memory": "8K"}},
	bystanders=False)
def many(t):
	for i in range(230):
		answer = t.server.http("POST", "/api/v1/users", {"id": f"u{i:03}", "password": "correct horse"})
		assert answer.status in (201, 429), answer.status
		if answer.status == 429:
			done(t.server, "user", "add", f"u{i:03}", text="correct horse\n")
	ids = [row["id"] for row in asked(t.server, "user", "list")["users"]]
	assert ids == [f"u{i:03}" for i in range(230)], len(ids)
	assert len(done(t.server, "user", "list").out.splitlines()) == 231


@case("at a terminal the password is asked for twice, without echo")
def terminal(t):
	def typed(*lines):
		master, slave = pty.openpty()
		process = subprocess.Popen([program(t.server), "--config", t.server.config, "user", "add", "tty"], stdin=slave,
			stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=t.server.environment(), start_new_session=True)
		os.close(slave)
		shown = b""
		for count, line in enumerate(lines, 1):
			while shown.count(b": ") < count:
				shown += os.read(process.stderr.fileno(), 1000)
			os.write(master, line.encode() + b"\n")
		out, err = process.communicate(timeout=30 * wire.SLOW)
		os.set_blocking(master, False)
		try:
			echoed = os.read(master, 1000)
		except OSError:
			echoed = b""
		os.close(master)
		assert b"horse" not in echoed + shown + out + err, (echoed, out, err)
		return process.returncode, (shown + err).decode()
	status, said = typed("correct horse", "other horse")
	assert status == 64 and "are not the same" in said, said
	status, said = typed("correct horse", "correct horse")
	assert status == 0 and "password: " in said and "password again: " in said, said
	assert login(t, "tty", "correct horse") == 200


@case("token: good for a session, for as long as asked")
def tokens(t):
	token = done(t.server, "token", "bot").out.strip()
	client = wire.Client(t.port, token=token)
	assert client.ready["user"] == "bot" if hasattr(client, "ready") else client.call("ping")["code"] == 0
	client.say_close()
	token = asked(t.server, "token", "bot", "seconds=1", "device=cli")["token"]
	client = wire.Client(t.port, token=token)
	eventually(lambda: t.server.http("GET", "/api/v1/conversations", token=token).status == 401, 60)
	client.drop()
	for words, why in ((["token", ""], "user: "), (["token", "x", "seconds=0"], "seconds: "), (["token", "x" * 65], "user: ")):
		result = ctl(t.server, *words)
		assert result.status == 1 and why in result.err, result
	assert ctl(t.server, "token").status == 64


@case("token without a key to sign with says so", settings={"auth_jwt": {"sign_with": None}},
	modules=["store_sqlite", "auth_jwt", "direct", "echo"])
def no_key(t):
	result = ctl(t.server, "token", "bot")
	assert result.status == 1 and "sign_with names no key" in result.err, result
