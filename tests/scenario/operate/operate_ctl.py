# SPDX-License-Identifier: MIT
"""nuncioctl: each command as a person and as a program uses it, and its exit statuses."""
import os
import signal
import subprocess

from lib import wire
from lib.cases import case
from lib.control import asked, ctl, done, eventually, program
from lib.server import SOURCE


@case("status, as lines and as JSON")
def status(t):
	alice = t.client("alice")
	data = asked(t.server, "status")
	assert data["state"] == "running" and data["ready"] is True and data["version"] == "0.1.0", data
	assert data["pid"] == t.server.process.pid and data["config"] == t.server.config, data
	assert data["listen"] == f"127.0.0.1:{t.port}" and data["sessions"] == 3 == data["connections_open"], data
	assert data["uptime_ms"] >= 0 and data["memory_bytes"] > 1 << 20 and data["requests_waiting"] >= 0, data
	lines = dict(line.split("  ", 1) for line in done(t.server, "status").out.splitlines())
	assert lines["state"].strip() == "running" and lines["memory"].strip().endswith("iB"), lines
	alice.say_close()


@case("modules and hooks show who does what, and what it costs", modules=["store_sqlite", "auth_jwt", "accounts",
	"direct", "echo", "presence"])
def modules(t):
	rows = {row["module"]: row for row in asked(t.server, "modules")["modules"]}
	assert list(rows) == t.server.modules, rows
	assert rows["presence"]["calls"] >= 2 and rows["presence"]["stage"] == "running", rows
	assert [row["module"] for row in asked(t.server, "modules", "echo")["modules"]] == ["echo"]
	table = done(t.server, "modules").table()
	assert [row["MODULE"] for row in table] == t.server.modules and table[0]["READY"] == "yes", table
	hooks = asked(t.server, "hooks")["hooks"]
	assert {"may_login", "may_call", "did_login"} <= {row["hook"] for row in hooks}, hooks
	shown = subprocess.run(t.server.command("--show-hooks"), capture_output=True, text=True, check=True).stdout
	assert [line.split() for line in shown.splitlines()] == [[row["hook"], str(row["priority"]), row["module"]]
		for row in hooks]


@case("sessions: all, of one user, by pages; close: by id, by user")
def sessions(t):
	people = [t.client("alice", device="phone"), t.client("alice", device="desk"), t.client("李小龙"), t.client("eve")]
	rows = asked(t.server, "sessions")["sessions"]
	assert sorted((row["user"], row["device"]) for row in rows if "bystander" not in row["user"]) == [
		("alice", "desk"), ("alice", "phone"), ("eve", ""), ("李小龙", "")], rows
	assert all(row["state"] == "ready" and row["address"] == "127.0.0.1" and row["since"].endswith("Z") for row in rows)
	alice = {row["device"]: row["session"] for row in asked(t.server, "sessions", "alice")["sessions"]}
	assert set(alice) == {"phone", "desk"}, alice
	assert "李小龙" in done(t.server, "sessions").out
	assert asked(t.server, "close", alice["phone"], "--reason", "bye") == {"closed": 1}
	notify = people[0].expect("session.closing")
	assert notify["data"]["code"] == 3000 and notify["data"]["reason"] == "bye", notify
	assert closed_with(people[0]) == 4002
	assert asked(t.server, "close", "--user=alice") == {"closed": 1}
	assert closed_with(people[1]) == 4002
	eventually(lambda: not asked(t.server, "sessions", "alice")["sessions"])
	assert asked(t.server, "close", "user=alice") == {"closed": 0}
	for words, reason in ((["close"], "either session or user"), (["close", "1", "--user", "eve"], "either session or user"),
			(["close", alice["phone"]], "no such session"), (["close", "x"], "no such session")):
		result = ctl(t.server, *words)
		assert result.status == 1 and reason in result.err, result
	assert people[3].call("ping")["code"] == 0


def closed_with(client):
	try:
		while True:
			client.expect("nothing", timeout=5)
	except wire.Closed as end:
		return end.code


@case("hundreds of sessions come in pages, once each", bystanders=False)
def pages(t):
	people = [t.client(f"u{i}") for i in range(700)]
	rows = asked(t.server, "sessions")["sessions"]
	assert sorted(row["user"] for row in rows) == sorted(f"u{i}" for i in range(700)), len(rows)
	lines = done(t.server, "sessions").out.splitlines()
	assert len(lines) == 701 and len({line.split()[0] for line in lines}) == 701
	for client in people:
		client.drop()


@case("reload: what changed, what cannot, and what is wrong")
def reload(t):
	assert asked(t.server, "reload") == {"reloaded": True, "report": []}
	t.server.settings["core"].update({"slow_callback": "7ms", "workers": "3"})
	t.server.write_config()
	result = done(t.server, "reload")
	assert "reloaded  yes" in result.out and "restart for: workers" in result.out, result
	rows = {row["key"]: row for row in asked(t.server, "config", "core")["options"]}
	assert rows["slow_callback"]["value"] == "7ms" and rows["workers"]["value"] == "2", rows
	assert rows["slow_callback"]["origin"].startswith(t.server.config) and rows["slow_callback"]["live"] is True
	t.server.settings["core"]["slow_callback"] = "soon"
	t.server.write_config()
	t.server.announce("reload refused, nothing was changed")
	t.server.announce("slow_callback: ")
	result = ctl(t.server, "reload")
	assert result.status == 1 and "nothing was changed" in result.err and "slow_callback: " in result.err, result
	t.server.settings["core"]["slow_callback"] = "7ms"
	t.server.write_config()
	done(t.server, "reload")


@case("config hides secrets, and says where a value comes from")
def config(t):
	rows = asked(t.server, "config")["options"]
	assert {row["section"] for row in rows} >= {"core", "modules", "auth_jwt", "store_sqlite"}, rows
	assert all(row["origin"] == "default" or row["origin"].startswith(t.server.config) for row in rows)
	assert {row["key"] for row in rows if row["section"] == "modules" and row["value"] == "on"} == set(t.server.modules)


@case("log-level changes at once, until the next reload")
def log_level(t):
	assert done(t.server, "log-level").out == "info\n"
	assert done(t.server, "log-level", "debug").out == "debug\n"
	done(t.server, "status")
	assert t.server.log_has("control: status by uid "), "not said at debug"
	assert done(t.server, "log-level", "level=error").out == "error\n"
	assert ctl(t.server, "log-level", "loud").status == 1
	done(t.server, "reload")
	assert done(t.server, "log-level").out == "info\n"
	assert t.server.log_has('"message":"control: log_level by uid ')


@case("drain sends everybody away, and --wait waits until the server has gone", bystanders=False)
def drain(t):
	alice = t.client("alice")
	result = done(t.server, "drain", "--wait")
	assert result.out == "sessions  1\n", result
	notify = alice.expect("session.closing")
	assert notify["data"]["code"] == 5005 and closed_with(alice) == 1001, notify
	assert t.server.process.wait(5) == 0
	t.server.process = None
	result = ctl(t.server, "status")
	assert result.status == 69 and "no server is running here" in result.err and t.server.data_dir in result.err, result


@case("help comes from the server; what it does not know is refused before it is asked")
def usage(t):
	text = done(t.server, "help").out
	assert "log-level [LEVEL]" in text and "close [SESSION] [USER] [REASON]" in text and "AFTER" not in text, text
	assert "session: the id of one" in done(t.server, "help", "close").out
	for words, reason in ((["nix"], 'no command "nix"'), (["status", "now"], "one argument too many"),
			(["sessions", "--nobody"], "no argument nobody"), (["sessions", "nobody=1"], "no argument nobody"),
			(["sessions", "--user"], "value is missing"), (["sessions", "a", "user=b"], "given twice"),
			(["--bad", "status"], "unrecognized option"), (["--bad", "status"], "see nuncioctl --help"),
			(["-z"], "see nuncioctl --help"), (["--timeout"], "see nuncioctl --help"), ([], "which command?"), (["--timeout", "0", "status"], "1 to 1000000"),
			(["help", "nix"], 'no command "nix"')):
		result = ctl(t.server, *words)
		assert result.status == 64 and reason in result.err, (words, result)
	assert done(t.server, "--version").out.startswith("nuncioctl 0.")
	assert "Exit status" in done(t.server, "--help").out


@case("each way in which there is no server has its own words and status", bystanders=False)
def nobody(t):
	folder = t.server.folder
	missing = os.path.join(folder, "missing.ini")
	result = ctl(t.server, "status", options=["--config", missing])
	assert result.status == 78 and "missing.ini" in result.err, result
	broken = os.path.join(folder, "broken.ini")
	with open(broken, "w") as file:
		file.write("listen = 1\n")
	result = ctl(t.server, "status", options=["--config", broken])
	assert result.status == 78 and "broken.ini:1" in result.err, result
	result = ctl(t.server, "status", options=["--socket", "/" + "x" * 200])
	assert result.status == 64 and "too long" in result.err, result
	result = ctl(t.server, "status", options=["--socket", folder])
	assert result.status == 69, result
	result = ctl(t.server, "status", options=["--socket", "/nowhere/x.ctl"])
	assert result.status == 69 and "no server is running here" in result.err, result
	t.server.signal(signal.SIGSTOP)
	result = ctl(t.server, "--timeout", "1", "status")
	t.server.signal(signal.SIGCONT)
	assert result.status == 75 and "no answer in time" in result.err, result


@case("a reader that has gone is no crash")
def broken_pipe(t):
	command = f"{program(t.server)} --config {t.server.config} config | head -n 1"
	result = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
	assert result.out.startswith("SECTION") if hasattr(result, "out") else result.stdout.startswith("SECTION"), result


def completed(t, *words):
	"""What bash offers for the last word."""
	script = """source "$1"; shift; COMP_WORDS=(nuncioctl "$@"); COMP_CWORD=$#; _nuncioctl; printf '%s\n' "${COMPREPLY[@]}" """
	file = os.path.join(SOURCE, "contrib", "completion", "nuncioctl")
	path = os.path.dirname(program(t.server)) + ":" + os.environ["PATH"]
	result = subprocess.run(["bash", "-c", script, "bash", file, *words], capture_output=True, text=True,
		env=dict(t.server.environment(), PATH=path), check=True)
	return sorted(result.stdout.split())


@case("bash completes commands and arguments, from the server if there is one")
def completion(t):
	config = ["--config", t.server.config]
	assert completed(t, *config, "se") == ["sessions"]
	assert {"status", "log-level", "drain", "help"} <= set(completed(t, *config, ""))
	assert completed(t, *config, "close", "--u") == ["--user"]
	assert completed(t, *config, "close", "--session", "1", "--r") == ["--reason"]
	assert completed(t, "--js") == ["--json"]
	assert completed(t, "--socket", "/nowhere/x", "st") == ["status"]
