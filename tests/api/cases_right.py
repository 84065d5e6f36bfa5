# SPDX-License-Identifier: MIT
"""What the public header promises, function group by function group."""
import json
import os
import re
import signal
import socket
import time

from rig import CONFIG, SECONDS, Wrong, case, control, expect, one_line, refused


def says_ok(bench, *modules):
	"""The first module tells how it went."""
	server = bench.load(*modules).start()
	match = server.wait_for(rf'"module":"{modules[0]}".*api: ([^"]*)')
	expect(f"says {match.group(1)}", match.group(1) == "ok")
	expect("exit status", server.stop() == 0)
	return server


@case
def timers_and_work(bench):
	expect("troubles", not says_ok(bench, "api_timer").troubles())


@case
def watched_descriptors(bench):
	expect("troubles", not says_ok(bench, "api_watch").troubles())


@case
def services(bench):
	expect("troubles", not says_ok(bench, "api_service_user", "api_service", "api_conf").troubles())


@case
def records(bench):
	if not bench.has("store_memory"):
		raise Wrong("store_memory is not built")
	server = says_ok(bench, "api_store", "store_memory")
	one_line(server, r"records of the space .*api_stored")


@case
def appends(bench):
	if not bench.has("store_memory"):
		raise Wrong("store_memory is not built")
	server = says_ok(bench, "api_append", "store_memory")
	one_line(server, r"records of the space .*others")


@case
def options_and_reload(bench):
	first = "[api_conf]\ntext = abc\ncount = 4\nkey = hidden\nmode = fast\nfast = yes\n"
	server = bench.load("api_conf", sections=first).start()
	server.wait_for(r"api: abc 4 1 1 30000 65536 2a 6 fast")
	server.wait_for(r"api: node here")
	server.write("[api_conf]\ntext = xyz\ncount = 5\nfixed = 7\nkey = hidden\nmode = fast\nfast = yes\n")
	server.process.send_signal(signal.SIGHUP)
	server.wait_for(r"api: xyz 5 1 1 30000")
	server.wait_for(r"\[api_conf\] fixed: cannot change while the server runs")
	server.write("[api_conf]\ncount = 13\n")
	server.process.send_signal(signal.SIGHUP)
	server.wait_for(r"13 brings bad luck")
	server.write("[api_conf]\ncount = 0\n")
	server.process.send_signal(signal.SIGHUP)
	server.wait_for(r'count: \\"0\\" is out of range')
	server.core += "fail_open = may_sned\n"
	server.switches += "api_hook = onn\n"
	server.write("[api_conf]\ncount = 4\n")
	report = control(server, "reload")["data"]
	expect(report, not report["reloaded"] and any("[core] fail_open: there is no such may_* hook" in line
		for line in report["report"]) and any("[modules] api_hook" in line for line in report["report"]))
	expect("exit status", server.stop() == 0)
	expect("secret in the log", not any("hidden" in line for line in server.lines()))


@case
def shown_config(bench):
	server = bench.load("api_conf", sections="[api_conf]\nkey = hunter2\n").start("--show-config")
	expect("exit status", server.exit_status() == 0)
	text = "\n".join(server.lines())
	expect(text, re.search(r"key = \(hidden\)  # .*nuncio\.ini:\d+", text) and "hunter2" not in text)
	expect(text, "count = 3  # default" in text and "api_conf = on" in text)


@case
def shown_hooks(bench):
	server = bench.load("api_hook").start("--show-hooks")
	expect("exit status", server.exit_status() == 0)
	expect("order", server.lines()[-2:] == ["may_call        -500  api_hook", "may_call        1000  api_hook"])
	server = bench.load("api_notice").start("--show-hooks")
	expect("exit status", server.exit_status() == 0)
	shown = [line.split()[0] for line in server.lines()]
	expect(shown, shown == ["may_send", "may_join", "did_event", "did_miss", "did_presence", "did_request", "did_drain"])


@case
def hooks_and_routes(bench):
	server = bench.load("api_hook").start()
	for path in ("now", "later"):
		status, headers, body = server.get(f"/m/api_hook/{path}")
		expect(f"{path}: {status} {body}", status == 200 and json.loads(body)["data"] == {"hello": True})
		expect("the middleware's header", headers["X-Api"] == "seen")
	status, headers, body = server.get("/m/api_hook/no")
	expect(f"{status} {body}", status == 403 and json.loads(body)["message"] == "not this one")
	status, _, body = server.get("/metrics")
	expect("counter", 'nuncio_api_hook_calls_total{kind="get"} 2' in body)
	expect("exit status", server.stop() == 0)
	one_line(server, r"metric Bad name: its name or labels are not valid")


@case
def tokens(bench):
	server = bench.load("auth_api").start()
	for token, status, user in (("alice", 200, "alice"), ("slow-bob", 200, "bob"), ("expired", 401, None),
			("slow-expired", 401, None), ("x" * 65, 401, None), (None, 401, None)):
		answer = server.get("/m/auth_api/me", token)
		expect(f"{token}: {answer[0]} {answer[2]}", answer[0] == status)
		expect(f"{token}: {answer[2]}", json.loads(answer[2]).get("data") == user)
	expect("exit status", server.stop() == 0)
	expect("troubles", not server.troubles())


@case
def control_commands(bench):
	server = bench.load("api_control", core="request_timeout = 1s").start()
	server.wait_for("ready: ")
	answer = control(server, "api_control.now", word="abc")
	expect(answer, answer["code"] == 0 and answer["data"] == {"word": "three letters"})
	answer = control(server, "api_control.now", word="abcd")
	expect(answer, answer["code"] == 4000 and answer["message"] == "word: has not three letters")
	answer = control(server, "api_control.now")
	expect(answer, answer["code"] == 1002 and answer["message"] == "word: is missing")
	answer = control(server, "api_control.later")
	expect(answer, answer["code"] == 5001)
	answer = control(server, "api_control.slow")
	expect(answer, answer["code"] == 0 and answer["data"] == {"took": "its time"})
	answer = control(server, "api_control.never")
	expect(answer, answer["code"] == 5003)
	names = [row["command"] for row in control(server, "commands")["data"]["commands"] if row["module"] == "api_control"]
	expect(names, names == ["api_control.later", "api_control.never", "api_control.now", "api_control.slow"])
	metrics = server.get("/metrics")[2]
	expect("metric", 'nuncio_control_calls_total{command="api_control.now"} 2' in metrics)
	expect("exit status", server.stop() == 0)
	server.wait_for(r'"module":"api_control".*control: api_control.now by uid \d+, pid')
	one_line(server, r'"module":"api_control".*no answer to api_control.never within request_timeout')


@case
def control_cut_off(bench):
	"""Who asks a slow command and leaves, and a server that stops meanwhile."""
	server = bench.load("api_control", core="log_level = debug").start()
	server.wait_for("ready: ")
	lines = []
	for _ in range(3):
		line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
		line.settimeout(SECONDS)
		line.connect(os.path.join(server.folder, "nunciod.ctl"))
		line.sendall(b'{"command":"api_control.slow"}\n')
		lines.append(line)
	while sum("control: api_control.slow by" in line for line in server.lines()) < 3:
		time.sleep(0.01)
	lines[0].close()
	expect("exit status", server.stop() == 0)
	for line in lines[1:]:
		answer = line.makefile().readline()
		expect(answer, json.loads(answer)["code"] == 5005)
		line.close()
	expect("troubles", not server.troubles())


@case
def undeclared_shape(bench):
	refused(bench, ["bad_answer"], CONFIG, r"route GET /m/bad_answer of module bad_answer: "
		r"no module that is switched on declares this shape: \"thing\"")


@case
def doubled_shape(bench):
	refused(bench, ["bad_shape"], CONFIG, r"module bad_shape: init: the shape thing is declared by two modules: "
		r"bad_shape and bad_shape")


@case
def doubled_control(bench):
	refused(bench, ["api_control", "bad_control"], CONFIG, r"module bad_control: init: control: op api_control\.now "
		r"is offered by two modules: api_control and bad_control")


@case
def readiness(bench):
	"""/readyz names who does what; reasons only for those who may read /metrics."""
	server = bench.load("api_ready", "auth_api").start()

	def ready():
		status, _, body = server.get("/readyz")
		return status, json.loads(body)

	auth = {"auth": {"module": "auth_api", "ready": True}}
	status, body = ready()
	expect(f"{status} {body}", status == 503 and body["code"] == 5002
		and body["message"] == "api_ready is not ready")
	expect(body, body["data"] == {"status": "not_ready", "providers": auth,
		"modules": {"api_ready": {"ready": False, "why": "still looking for the disk"}}})
	server.get("/m/api_ready/yes")
	status, body = ready()
	expect(f"{status} {body}", status == 200 and body["data"] == {"status": "ready", "providers": auth,
		"modules": {"api_ready": {"ready": True}}})
	server.get("/m/api_ready/no")
	server.get("/m/api_ready/no")
	expect(ready(), ready()[1]["data"]["modules"] == {"api_ready": {"ready": False, "why": "the disk is away"}})
	metrics = server.get("/metrics")[2]
	expect("metric", 'nuncio_module_ready{module="api_ready"} 0' in metrics
		and 'nuncio_module_ready{module="auth_api"} 1' in metrics)
	expect("exit status", server.stop() == 0)
	said = [json.loads(line)["message"] for line in server.lines() if '"module":"api_ready"' in line]
	expect(said, said == ["not ready: still looking for the disk", "ready", "not ready: the disk is away"])
	server.end()
	server = bench.load("api_ready", core="metrics = off").start()
	status, body = ready()
	expect(f"{status} {body}", status == 503 and body["data"]["modules"] == {"api_ready": {"ready": False}})
	expect("exit status", server.stop() == 0)
