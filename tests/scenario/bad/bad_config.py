# SPDX-License-Identifier: MIT
"""Each kind of wrong line in the INI file: refused with status 78 and 'file:line: ...' that names the cause."""
import json
import os
import re
import subprocess

from lib import wire
from lib.cases import case


def refuse(t, text, pattern, line, at_start=False):
	"""Both --check and a start refuse `text` (at_start: only a start, with 1: files are not opened by --check);
	a line of stderr has FILE:LINE: and behind it what fits pattern."""
	path = t.server.config
	data = text if isinstance(text, bytes) else text.encode()
	with open(path, "wb") as file:
		file.write(data)
	os.chmod(path, 0o644)
	for more in ([[]] if at_start else (["--check"], [])):
		done = subprocess.run(t.server.command(*more), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
			stderr=subprocess.PIPE, timeout=20 * wire.SLOW, env=t.server.environment(), check=False)
		said = done.stderr.decode("utf-8", "replace")
		what = f"{data[-120:]!r} {more}"
		assert done.returncode == (1 if at_start else 78), f"{what}: status {done.returncode}: {said[-500:]}"
		start = f"{path}:{line}: "
		lines = [one for one in said.splitlines() if start in one]
		assert lines, f"{what}: no line has {start}: {said[-500:]}"
		assert re.search(pattern, lines[0].split(start, 1)[1]), f"{what}: {pattern!r} is not in {lines[0]!r}"


def numbered(t):
	"""A good file, and the number of its last line."""
	t.server.write_config()
	with open(t.server.config) as file:
		text = file.read().rstrip("\n") + "\n"
	return text, text.count("\n")


# section, line, what the message must have (the line's own place is checked always)
LINES = [
	("core", "nonsense = 1", "nonsense"),
	("core", "heartbeet = 30s", "heartbeet"),
	("core", "listen", "listen"),
	("core", "= 5", "."),
	("core", "io_threads = many", "io_threads"),
	("core", "io_threads = -1", "io_threads"),
	("core", "io_threads = 100000", "io_threads"),
	("core", "io_threads = 1.5", "io_threads"),
	("core", "io_threads =", "io_threads"),
	("core", "heartbeat = soon", "heartbeat"),
	("core", "heartbeat = 30 parsecs", "heartbeat"),
	("core", "heartbeat = -5s", "heartbeat"),
	("core", "heartbeat = 0", "heartbeat"),
	("core", "heartbeat = 99999999999999999999s", "heartbeat"),
	("core", "auth_timeout = ten", "auth_timeout"),
	("core", "log_level = loud", "log_level"),
	("core", "listen = 127.0.0.1:99999", "listen"),
	("core", "listen = 127.0.0.1:0x50", "listen"),
	("core", "listen = nowhere.invalid:80", "listen"),
	("core", "listen = 300.1.1.1:80", "listen"),
	("core", "listen = 127.0.0.1", "listen"),
	("modules", "echo = maybe", "echo"),
	("modules", "echo =", "echo"),
	("modules", "no_such_module = on", "no_such_module"),
	("modules", "../../../tmp/evil = on", "."),
	("auth_jwt", "keys = hs", "keys"),
	("auth_jwt", "keys = hs:HS999:/dev/null", "HS999"),
	("auth_jwt", "keys = hs:none:/dev/null", "none"),
	("auth_jwt", "keys =", "keys"),
	("auth_jwt", "sign_with = nobody", "nobody"),
	("accounts", "registration = maybe", "registration"),
	("accounts", "registration = ", "registration"),
]


@case("every kind of wrong line: file, line, key", start=False)
def wrong_lines(t):
	good, _ = numbered(t)
	for section, wrong, pattern in LINES:
		key = wrong.split("=")[0].strip()
		lines = [line for line in good.split("\n") if not (key and line.split("=")[0].strip() == key)]
		lines.insert(lines.index(f"[{section}]") + 1, wrong)
		refuse(t, "\n".join(lines), pattern, lines.index(wrong) + 1)


@case("wrong shapes: unknown sections, repeated keys and sections, keys before any section, broken text", start=False)
def wrong_shapes(t):
	good, last = numbered(t)
	refuse(t, good + "[no_such_section]\nx = 1\n", "no_such_section", last + 1)
	refuse(t, good + "[core\nx = 1\n", ".", last + 1)
	refuse(t, good + "[core]\nnode_x = 1\n", "core", last + 1)
	refuse(t, "listen = 127.0.0.1:1\n" + good, ".", 1)
	refuse(t, good + "hello, I am not an INI file\n", ".", last + 1)
	refuse(t, good + "echo = on\n", "echo", last + 1)
	refuse(t, good.encode() + b"; \xff\xfe\n", "UTF-8", last + 1)
	refuse(t, good.encode() + b"x = a\0b\n", "NUL", last + 1)
	refuse(t, good + "; " + "x" * 10000 + "\n", "long", last + 1)


@case("weak and broken keys are refused at start, with the line of [auth_jwt] keys", start=False)
def keys(t):
	server = t.server
	for name, data, pattern in (("short", b"x" * 31, "32"), ("empty", b"", "."), ("rsa1024", None, "2048")):
		if data is None:
			from cryptography.hazmat.primitives.asymmetric import rsa
			from lib.tokens import pem
			data = pem(rsa.generate_private_key(public_exponent=65537, key_size=1024), False)
		server.keys.write(f"{name}.key", data)
		alg = "RS256" if name == "rsa1024" else "HS256"
		server.settings["auth_jwt"]["keys"] = f"{name}:{alg}:{server.keys.path(name + '.key')}"
		server.settings["auth_jwt"]["sign_with"] = None
		server.modules = ["store_sqlite", "auth_jwt"]
		text, _ = numbered(t)
		line = next(i for i, one in enumerate(text.split("\n"), 1) if one.startswith("keys"))
		refuse(t, text, pattern, line, at_start=True)
	server.settings["auth_jwt"]["keys"] = "a:HS256:/nonexistent/hs.key"
	text, _ = numbered(t)
	line = next(i for i, one in enumerate(text.split("\n"), 1) if one.startswith("keys"))
	refuse(t, text, "/nonexistent/hs.key", line, at_start=True)
	for value, pattern, at_start in ((f"a:RS256:{server.keys.path('hs.key')}", "hs.key", True),
			(f"a:ES256:{server.keys.path('rs.pem')}", "rs.pem", True), (f"a:HS256:{server.keys.path('rs.pem')}", ".", True),
			(f"a:HS256:{server.keys.path('hs.key')}, a:HS256:{server.keys.path('hs.key')}", "a", False)):
		server.settings["auth_jwt"]["keys"] = value
		text, _ = numbered(t)
		line = next(i for i, one in enumerate(text.split("\n"), 1) if one.startswith("keys"))
		refuse(t, text, pattern, line, at_start)


@case("a file that is not there, a directory, no --config: said plainly", start=False)
def no_file(t):
	for args in (["--config", "/nonexistent/nuncio.ini"], ["--config", "/"], ["--config"], ["--nonsense"]):
		done = subprocess.run([t.build.program, *args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
			stderr=subprocess.PIPE, timeout=20 * wire.SLOW, env=t.server.environment(), check=False)
		said = done.stderr.decode()
		assert done.returncode in (64, 78), f"{args}: {done.returncode} {said}"
		assert args[-1] in said or "usage" in said.lower(), f"{args}: {said}"
		assert done.returncode == 78 or "see --help" in said, f"{args}: {said}"


@case("the commands that only look: --check, --show-config, --show-hooks, --show-openapi, --help-config, --version", start=False)
def looking(t):
	t.server.write_config()
	def run(*args):
		done = subprocess.run(t.server.command(*args), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
			stderr=subprocess.PIPE, timeout=20 * wire.SLOW, env=t.server.environment(), check=False)
		assert done.returncode == 0, f"{args}: {done.returncode} {done.stderr.decode()[-500:]}"
		return done.stdout.decode()
	run("--check")
	shown = run("--show-config")
	assert "heartbeat" in shown and str(t.port) in shown
	for kid in t.server.keys.hmac.values():
		assert kid.decode() not in shown, "a secret is shown"
	assert re.search(r"^did_login +\S+ +presence$", run("--show-hooks"), re.M)
	assert "/api/v1/users/{id}/presence" in json.loads(run("--show-openapi"))["paths"]
	helped = run("--help-config")
	assert "heartbeat" in helped and "registration" in helped
	assert re.search(r"nuncio\S* \d+\.\d+", run("--version"))
