# SPDX-License-Identifier: MIT
"""The control socket itself: who may, what is refused, and that nobody else notices."""
import os
import socket
import stat
import subprocess

from lib import control
from lib.cases import Skip, case
from lib.control import Line, asked, ctl, socket_path


@case("it belongs to the server's user alone, and goes with it", bystanders=False)
def place(t):
	status = os.stat(socket_path(t.server))
	assert stat.S_ISSOCK(status.st_mode) and status.st_mode & 0o777 == 0o600, oct(status.st_mode)
	t.server.stop()
	assert not os.path.exists(socket_path(t.server))
	t.server.start()


@case("another user is refused, by the file's rights and by who they are")
def strangers(t):
	if os.geteuid() != 0:
		raise Skip("needs root")
	path = socket_path(t.server)
	options = ["--socket", path]
	for user in ("root", t.server.settings["core"]["user"]):
		assert ctl(t.server, "status", options=options, user=user).status == 0
	result = ctl(t.server, "status", options=options, user=control.OTHER)
	assert result.status == 77 and "permission denied" in result.err, result
	os.chmod(path, 0o666)
	result = ctl(t.server, "status", options=options, user=control.OTHER)
	assert result.status == 1 and "only root and the server's own user may ask" in result.err, result
	t.server.log_has("refused: uid")


@case("a socket that a killed server left behind is replaced", bystanders=False)
def left_behind(t):
	t.server.kill()
	assert os.path.exists(socket_path(t.server))
	t.server.start()
	assert asked(t.server, "status")["state"] == "running"


def start_status(t):
	t.server.start(wait=False)
	status = t.server.process.wait(20)
	t.server.process = None
	return status


@case("what stands there and is no such socket is not touched", start=False)
def in_the_way(t):
	path = socket_path(t.server)
	with open(path, "w") as file:
		file.write("precious\n")
	assert start_status(t) == 1
	assert "[core] control: " in t.server.log_text() and "is there, and is no socket" in t.server.log_text()
	with open(path) as file:
		assert file.read() == "precious\n"
	os.unlink(path)
	listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
	listener.bind(path)
	listener.listen(1)
	os.chmod(path, 0o666)
	assert start_status(t) == 1
	assert "another server listens there" in t.server.log_text()
	assert os.path.exists(path)


@case("a name that is too long is refused with words; an empty one means no socket", start=False)
def names(t):
	t.server.settings["core"]["control"] = "/" + "x" * 106
	long = os.path.join(t.server.data_dir, "y" * 80)
	os.makedirs(long)
	t.server.settings["core"]["control"] = os.path.join("y" * 80, "z" * 20)
	assert start_status(t) == 1
	assert "may have; give a shorter one" in t.server.log_text(), t.server.log_text()
	t.server.settings["core"]["control"] = ""
	t.server.start()
	assert not os.path.exists(socket_path(t.server))
	result = ctl(t.server, "status")
	assert result.status == 69 and "[core] control is empty" in result.err, result


@case("lines come in any pieces, several at once, and are answered in order")
def pieces(t):
	line = Line(t.server)
	for byte in b'{"command":"log_level"}\n':
		line.send(bytes([byte]))
	assert line.answer()["data"] == {"level": "info"}
	line.send(b'{"command":"log_level"}\n{"command":"nix"}\n{"command":"status","args":{}}\n{"command":"hooks"}')
	assert line.answer()["code"] == 0
	answer = line.answer()
	assert answer["code"] == 1003 and '"nix"' in answer["message"] and len(answer["trace_id"]) == 32, answer
	assert line.answer()["data"]["state"] == "running"
	line.sock.shutdown(socket.SHUT_WR)  # the last line needs no newline
	assert line.answer()["data"]["hooks"]
	assert line.answer() is None


@case("what is no question is answered once, then the connection ends")
def nonsense(t):
	for text, words in ((b"\n", "byte 0"), (b"GET / HTTP/1.1\r\n", "byte 0"), (b'{"command":1}\n', "command: "),
			(b'{"command":"status","args":[]}\n', "args: "), (b'{"command":"status","command":"x"}\n', "already"),
			(b"[]\n", ""), (b"\xff\xfe\n", ""), (b'{"command":"' + b"x" * 65 + b'"}\n', "command: "),
			(b"x" * 70000, "longer than 64 KiB"), (b'{"command":"status"} {}\n', "")):
		line = Line(t.server)
		line.send(text)
		answer = line.answer()
		assert answer["code"] != 0 and words in answer["message"], (text[:40], answer)
		try:
			assert line.answer() is None
		except ConnectionResetError:
			pass
	line = Line(t.server)
	answer = line.ask("sessions", user=7)
	assert answer["code"] == 1002 and answer["message"] == "user: must be a string", answer
	assert line.ask("sessions", after="here")["code"] == 1002
	assert line.ask("status")["code"] == 0


@case("seventeen at once are one too many; the places come back")
def crowd(t):
	lines = [Line(t.server) for _ in range(16)]
	for line in lines:
		assert line.ask("log_level")["code"] == 0
	assert Line(t.server).answer()["code"] == 5001
	for line in lines:
		line.close()
	control.eventually(lambda: ctl(t.server, "log-level").status == 0)


@case("who asks and does not read stops only themselves")
def deaf(t):
	line = Line(t.server)
	question = b'{"command":"config"}\n' * 2000
	line.sock.setblocking(False)
	try:
		while line.sock.send(question):
			pass
	except BlockingIOError:
		pass
	assert asked(t.server, "status")["state"] == "running"
	line.close()


@case("thousands of questions later nothing has grown", bystanders=False)
def many(t):
	before = asked(t.server, "status")["memory_bytes"]
	line = Line(t.server)
	for _ in range(20):
		line.send(b'{"command":"status"}\n' * 200)
		for _ in range(200):
			assert line.answer()["code"] == 0
	line.close()
	for _ in range(200):
		one = Line(t.server)
		assert one.ask("log_level")["code"] == 0
		one.close()
	grown = asked(t.server, "status")["memory_bytes"] - before
	assert grown < 8 << 20 or os.environ.get("NUNCIO_TEST_SLOW"), grown
	fds = len(os.listdir(f"/proc/{t.server.process.pid}/fd"))
	assert fds < 60, subprocess.run(["ls", "-l", f"/proc/{t.server.process.pid}/fd"], capture_output=True, check=False)
