# SPDX-License-Identifier: MIT
"""GET /metrics: every queue, hook, op, route, store job, thread and connection state, with the right numbers."""
import os
import re
import subprocess
import time

from lib import promtool
from lib.cases import case
from lib.control import eventually
from lib.server import SOURCE

README = os.path.join(SOURCE, "contrib", "prometheus", "README.md")
SAMPLE = re.compile(r'^(\w+)(?:\{(.*)\})? (\S+)$')
LABEL = re.compile(r'(\w+)="((?:[^"\\\\]|\\\\.)*)"')


class Scrape:
	def __init__(self, server):
		answer = server.http("GET", "/metrics")
		assert answer.status == 200, answer.status
		self.text = answer.body.decode()
		self.samples = {}
		for line in self.text.splitlines():
			if line.startswith("#"):
				continue
			found = SAMPLE.match(line)
			assert found, f"not a sample: {line}"
			name, labels, value = found.groups()
			key = (name, frozenset(LABEL.findall(labels or "")))
			assert key not in self.samples, f"twice: {line}"
			self.samples[key] = float(value)

	def get(self, name, **labels):
		return self.samples[name, frozenset(labels.items())]

	def values(self, name, label):
		"""The values of a label in a family."""
		return {dict(labels)[label] for key, labels in self.samples if key == name and label in dict(labels)}


def checked(t, scrape):
	said = subprocess.run([promtool.program(t.build.folder, "promtool"), "check", "metrics"], input=scrape.text, text=True,
		capture_output=True, check=False)
	assert said.returncode == 0 and not said.stdout and not said.stderr, said


@case("what was done stands there: ops, routes, messages, the store, connections", bystanders=False,
	modules=["store_sqlite", "auth_jwt", "direct", "history", "echo", "rate_limit"])
def traffic(t):
	alice, bob = t.client("alice"), t.client("bob")
	for number in range(5):
		assert alice.call("message.send", {"to": {"user": "bob"}, "client_id": str(number), "body": "x"})["code"] == 0
	assert alice.call("message.send", {"to": {"user": "bob"}, "client_id": "0", "body": "x"})["code"] == 0
	assert alice.call("message.send", {"to": {"user": "bob"}, "client_id": "0", "body": "y"})["code"] == 4002
	assert alice.call("message.send", {"body": "y"})["code"] == 1002
	assert alice.call("no.such.op")["code"] == 1003
	assert bob.call("history.query", {"conversation": "d:5:alice:bob"})["code"] == 0
	assert t.server.http("GET", "/api/v1/conversations").status == 401
	assert t.server.http("GET", "/api/v1/conversations", user="alice").status == 200
	assert t.server.http("GET", "/nowhere").status == 404
	first = Scrape(t.server)
	checked(t, first)
	for labels, value in (({"result": "ok"}, 6), ({"result": "conflict"}, 1), ({"result": "invalid"}, 1),
			({"result": "failed"}, 0)):
		assert first.get("nuncio_op_calls_total", op="message.send", **labels) == value, labels
	assert first.get("nuncio_op_seconds_count", op="message.send") == 8
	assert 0 < first.get("nuncio_op_seconds_sum", op="message.send") < 8
	assert first.get("nuncio_op_seconds_bucket", op="message.send", le="+Inf") == 8
	route = "GET /api/v1/conversations"
	assert first.get("nuncio_route_calls_total", route=route, result="unauthenticated") == 1
	assert first.get("nuncio_route_calls_total", route=route, result="ok") == 1
	assert first.get("nuncio_route_seconds_count", route=route) == 2
	assert first.get("nuncio_events_total") == 5 and first.get("nuncio_events_duplicate_total") == 1
	assert first.get("nuncio_requests_total", via="websocket") == 10
	# of clients without a session: readyz asked at the start, these three, and this scrape
	assert first.get("nuncio_requests_total", via="http") >= 5
	assert first.get("nuncio_answers_total", result="unauthenticated") == 1
	assert first.get("nuncio_store_job_seconds_count", kind="append") == 7
	assert first.get("nuncio_store_job_errors_total", kind="append") == 0
	assert first.get("nuncio_store_job_seconds_count", kind="events") >= 1
	assert first.get("nuncio_store_batch_jobs_sum", access="write") >= 7
	assert first.get("nuncio_store_batch_seconds_count", access="write") >= 1
	assert first.get("nuncio_callback_seconds_count", module="rate_limit", kind="hook", callback="may_call") >= 8
	assert first.get("nuncio_sessions") == 2 == first.get("nuncio_users")
	threads = first.values("nuncio_io_connections", "thread")
	assert sum(first.get("nuncio_io_connections", state="open", thread=thread) for thread in threads) == 2
	# The one that asks.
	assert sum(first.get("nuncio_io_connections", state="waiting", thread=thread) for thread in threads) == 1
	assert first.values("nuncio_io_connections", "state") == {"http", "waiting", "admitting", "open", "closing", "ending"}
	alice.drop()
	eventually(lambda: Scrape(t.server).get("nuncio_sessions") == 1)


@case("who this is, and how the process fares")
def process(t):
	scrape = Scrape(t.server)
	assert scrape.get("nuncio_build_info", version="0.1.0", abi=abi()) == 1
	assert scrape.get("nuncio_ready") == 1
	assert abs(scrape.get("process_start_time_seconds") - time.time()) < 60
	assert scrape.get("process_cpu_seconds_total") > 0
	assert scrape.get("process_virtual_memory_bytes") >= scrape.get("process_resident_memory_bytes") > 1 << 20
	pid = t.server.process.pid
	with open(f"/proc/{pid}/limits") as file:
		limit = re.search(r"Max open files\s+(\d+)", file.read()).group(1)
	assert scrape.get("process_max_fds") == int(limit)
	real = len(os.listdir(f"/proc/{pid}/fd"))
	assert abs(scrape.get("process_open_fds") - real) <= 4, (scrape.get("process_open_fds"), real)
	assert scrape.get("nuncio_log_lines_total", level="info") > 0 == scrape.get("nuncio_log_lines_total", level="error")
	assert scrape.get("nuncio_log_dropped_total") == 0
	assert scrape.get("nuncio_log_queue_limit_bytes") >= scrape.get("nuncio_log_queue_bytes")


def abi():
	with open(os.path.join(SOURCE, "include", "nuncio", "module.h")) as file:
		return ".".join(re.findall(r"#define NUNCIO_ABI_M\w+ (\d+)", file.read()))


@case("every thread has its time, every loop its lag", settings={"core": {"io_threads": "2", "workers": "2"}})
def threads(t):
	scrape = Scrape(t.server)
	names = scrape.values("nuncio_thread_cpu_seconds_total", "thread")
	assert {"logic", "io-0", "io-1", "work0", "work1"} <= names, names
	assert any(name.startswith("store") for name in names) or "store_memory" in t.server.modules, names
	assert scrape.get("nuncio_thread_cpu_seconds_total", thread="logic") > 0
	assert sum(scrape.get("nuncio_thread_cpu_seconds_total", thread=name) for name in names) <= \
		scrape.get("process_cpu_seconds_total") + 0.1
	assert {"logic"} < scrape.values("nuncio_loop_lag_seconds_count", "thread") <= {"logic", "io-0", "io-1"}
	assert scrape.get("nuncio_loop_lag_seconds_count", thread="logic") > 0
	assert scrape.values("nuncio_io_connections", "thread") == {"io-0", "io-1"}


@case("with one loop for all, it is the logic thread that serves sockets", settings={"core": {"io_threads": "0"}})
def one_loop(t):
	scrape = Scrape(t.server)
	assert scrape.values("nuncio_io_connections", "thread") == {"logic"}
	assert scrape.values("nuncio_loop_lag_seconds_count", "thread") == {"logic"}
	assert not any(name.startswith("io") for name in scrape.values("nuncio_thread_cpu_seconds_total", "thread"))
	assert ("nuncio_queue_depth", frozenset({("queue", "io_inbox"), ("thread", "logic")})) in scrape.samples


@case("every queue says how full it is and how often it was full", settings={"core": {
	"store_queue": "777", "mailbox_limit": "4321", "mailbox_bytes": "5M", "queue_limit": "128K", "http_memory": "3M", "workers": "1"}})
def queues(t):
	scrape = Scrape(t.server)
	names = scrape.values("nuncio_queue_depth", "queue")
	assert {"logic_inbox", "logic_calls", "requests", "module_requests", "tickets", "marks", "misses", "io_inbox",
		"work"} <= names, names
	assert scrape.get("nuncio_queue_limit", queue="logic_inbox") == 4321
	assert scrape.get("nuncio_queue_limit_bytes", queue="logic_inbox") == 5 << 20
	assert scrape.get("nuncio_queue_bytes", queue="logic_inbox") > 0  # this request
	assert scrape.get("nuncio_io_http_limit_bytes") == 3 << 20
	assert scrape.get("nuncio_io_output_queue_limit_bytes") == 128 << 10
	writes = [key for key in scrape.samples if key[0] == "nuncio_queue_limit" and ("queue", "store_write") in key[1]]
	assert writes and all(scrape.samples[key] == 777 for key in writes), writes
	assert scrape.get("nuncio_queue_refused_total", queue="work", thread="work0") == 0
	# A depth for each limit, a limit for each refusal.
	for name, labels in scrape.samples:
		if name == "nuncio_queue_refused_total":
			assert ("nuncio_queue_limit", labels) in scrape.samples, labels
		if name == "nuncio_queue_limit":
			assert ("nuncio_queue_depth", labels) in scrape.samples, labels


def families(scrape):
	"""name -> (type, labels)."""
	types = dict(re.findall(r"^# TYPE (\w+) (\w+)$", scrape.text, re.M))
	found = {name: set() for name in types}
	for name, labels in scrape.samples:
		family = name if name in types else re.sub("_(bucket|sum|count)$", "", name)
		found[family] |= {label for label, _ in labels} - {"le"}
	return {name: (types[name], ", ".join(sorted(labels))) for name, labels in found.items()}


def documented():
	with open(README, encoding="utf-8") as file:
		rows = re.findall(r"^\| `(\w+)` \| (\w+) \|([\w, ]*)\| .+ \|$", file.read(), re.M)
	assert len(rows) == len({name for name, _, _ in rows}), "a family twice"
	return {name: (kind, labels.strip()) for name, kind, labels in rows}


@case("every module that is part of nuncio has metrics that promtool likes and that are documented", bystanders=False, modules=[
	"store_memory", "auth_jwt", "accounts", "direct", "group", "presence", "history", "messages", "receipts", "typing",
	"contacts", "conversations", "devices", "rate_limit", "web", "word_filter", "webhook", "echo"])
def modules(t):
	alice = t.client("alice")
	assert alice.call("message.send", {"to": {"user": "bob"}, "client_id": "1", "body": "x"})["code"] == 0
	assert alice.call("history.query", {"conversation": "d:5:alice:bob"})["code"] == 0
	assert t.server.http("GET", "/nowhere").status == 404
	scrape = Scrape(t.server)
	checked(t, scrape)
	shown, core = families(scrape), {}
	for name in shown:
		owner = next((module for module in t.server.modules if name.startswith(f"nuncio_{module}_")), None)
		if not owner:
			core[name] = shown[name]
			continue
		with open(os.path.join(SOURCE, "modules", owner, "README.md"), encoding="utf-8") as file:
			assert f"`{name}" in file.read(), f"{name} is not in the README of {owner}"
	for name, (_, labels) in shown.items():
		assert not {"job", "instance"} & set(labels.split(", ")), f"{name}: Prometheus has labels of these names itself"
	table = documented()
	assert set(core) == set(table), f"not documented: {set(core) - set(table)}; gone: {set(table) - set(core)}"
	for name, (kind, labels) in core.items():
		assert table[name] == (kind, labels), f"{name}: {kind} [{labels}], documented as {table[name]}"
	assert scrape.values("nuncio_module_ready", "module") == set(t.server.modules)
