#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The alerts and the dashboard of contrib, in a real Prometheus that scrapes a real server.

Usage: run_prometheus.py --build DIR

Prometheus comes out of Debian's package, without its daemon (tests/scenario/lib/promtool.py). The server is
under a little traffic for a quarter of a minute. What must hold: promtool finds nothing wrong; every alert fires
when it should and not before (rules_cases.py), none on a server that is well; every query of alerts and dashboard is
understood, names only metrics that there are, and those of the dashboard have data. The last line is the count.
"""
import argparse
import json
import math
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [HERE, os.path.join(TOP, "tests", "scenario"), os.path.join(TOP, "tests", "lib")]
import redis  # noqa: E402
from lib import promtool, wire  # noqa: E402
from lib.server import CHAT, Build, Server, Trouble, free_port  # noqa: E402
from rules_cases import CASES, SERVER  # noqa: E402

RULES = os.path.join(TOP, "contrib", "prometheus", "nuncio.rules.yml")
DASHBOARD = os.path.join(TOP, "contrib", "grafana", "nuncio.json")
TRAFFIC_S = 12  # that Prometheus must have seen
ENDS = (wire.Closed, wire.Silence, wire.Refused, Trouble, OSError)


class Checks:
	def __init__(self):
		self.passed = self.failed = 0

	def that(self, what, good, detail=""):
		self.passed += bool(good)
		self.failed += not good
		print(f"{'ok  ' if good else 'FAIL'} {what}{'' if good else ': ' + str(detail)[:1500]}", flush=True)


# ---- Prometheus

class Prometheus:
	def __init__(self, build, target):
		self.build = build.folder
		self.folder = tempfile.mkdtemp(prefix="nuncio-prometheus-run-")
		self.port = free_port()
		config = os.path.join(self.folder, "prometheus.yml")
		with open(config, "w", encoding="utf-8") as file:
			json.dump({"global": {"scrape_interval": "1s", "evaluation_interval": "1s"}, "rule_files": [RULES],
				"scrape_configs": [{"job_name": "nuncio", "static_configs": [{"targets": [target]}]}]}, file)
		self.log = open(os.path.join(self.folder, "log"), "w", encoding="utf-8")
		self.process = subprocess.Popen([promtool.program(self.build, "prometheus"), f"--config.file={config}",
			f"--storage.tsdb.path={self.folder}/data", f"--web.listen-address=127.0.0.1:{self.port}", "--log.level=warn"],
			stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)

	def ask(self, path, **query):
		url = f"http://127.0.0.1:{self.port}/{path}?{urllib.parse.urlencode(query)}"
		try:
			with urllib.request.urlopen(url, timeout=10) as answer:
				return json.loads(answer.read())
		except urllib.error.HTTPError as error:
			return json.loads(error.read())

	def query(self, expression):
		return self.ask("api/v1/query", query=expression)

	def wait_ready(self):
		deadline = time.monotonic() + 30 * wire.SLOW
		while time.monotonic() < deadline:
			try:
				if self.query("up")["data"]["result"]:
					return True
			except (OSError, ValueError, KeyError):
				pass
			time.sleep(0.1)
		return False

	def close(self):
		self.process.terminate()
		try:
			self.process.wait(10)
		except subprocess.TimeoutExpired:
			self.process.kill()
			self.process.wait()
		self.log.close()
		shutil.rmtree(self.folder, ignore_errors=True)


# ---- traffic: ops, routes, reads and writes of the store

class Traffic(threading.Thread):
	def __init__(self, server):
		super().__init__(daemon=True)
		self.server, self.stopping, self.rounds, self.fault = server, threading.Event(), 0, None

	def run(self):
		try:
			alice, bob = self.server.client("alice"), self.server.client("bob")
			while not self.stopping.wait(0.05):
				self.rounds += 1
				sent = alice.call("message.send", {"to": {"user": "bob"}, "client_id": str(self.rounds), "body": "x"})
				assert sent["code"] == 0, sent
				bob.expect("message.new")
				bob.call("history.query", {"conversation": "d:5:alice:bob", "limit": 5})
				assert self.server.http("GET", "/api/v1/conversations", user="alice").status == 200
			alice.say_close()
			bob.say_close()
		except (*ENDS, AssertionError) as error:
			self.fault = f"{type(error).__name__}: {error}"


# ---- what is checked

def promtool_says(checks, prometheus, what, *arguments):
	said = subprocess.run([promtool.program(prometheus.build, "promtool"), *arguments], capture_output=True, text=True, check=False)
	checks.that(what, said.returncode == 0, said.stdout + said.stderr)


def expand(text, labels):
	return re.sub(r"\{\{ \$labels\.(\w+) \}\}", lambda found: labels[found.group(1)], text)


def rule_tests(alerts):
	"""What `promtool test rules` reads: each alert where it fires, and where it does not yet."""
	tests = []
	for name, case in CASES.items():
		rule = alerts[name]
		labels = dict(SERVER, **case["labels"])
		expected = {"exp_labels": {**{key: value for key, value in labels.items() if value}, **rule["labels"]},
			"exp_annotations": {key: expand(text, labels) for key, text in rule["annotations"].items()}}
		for series, found in ((case["fires"], [expected]), (case["quiet"], [])):
			tests.append({"interval": "1m", "input_series": [{"series": one, "values": values} for one, values in series],
				"alert_rule_test": [{"eval_time": case["at"], "alertname": name, "exp_alerts": found}]})
	return {"rule_files": [RULES], "evaluation_interval": "1m", "tests": tests}


def check_rules(checks, prometheus):
	promtool_says(checks, prometheus, "promtool check rules", "check", "rules", RULES)
	groups = prometheus.ask("api/v1/rules")["data"]["groups"]
	alerts = {rule["name"]: rule for group in groups for rule in group["rules"]}
	checks.that("every alert has its case", set(alerts) == set(CASES), set(alerts) ^ set(CASES))
	path = os.path.join(prometheus.folder, "rules_test.json")
	with open(path, "w", encoding="utf-8") as file:
		json.dump(rule_tests(alerts), file)
	promtool_says(checks, prometheus,
		f"promtool test rules: {len(CASES)} alerts fire when they should, and not before", "test", "rules", path)
	for name, rule in alerts.items():
		# Pending is no fault: a slow machine may lag for a moment.
		firing = [alert for alert in rule["alerts"] if alert["state"] == "firing"]
		checks.that(f"{name}: is understood, and silent", rule["health"] == "ok" and not firing,
			(rule.get("lastError"), firing))
	return [rule["query"] for rule in alerts.values()]


def dashboard_queries():
	"""(title, query) with Grafana's variables replaced."""
	with open(DASHBOARD, encoding="utf-8") as file:
		panels = json.load(file)["panels"]
	found = []
	for panel in panels:
		for target in panel.get("targets", ()):
			query = target["expr"].replace("$instance", ".*").replace("$__rate_interval", "10s")
			assert "$" not in query, f"a variable that this test does not know: {query}"
			found.append((f"{panel['title']} {target['refId']}", query))
	return found


def has_data(answer):
	rows = answer.get("data", {}).get("result", [])
	return answer["status"] == "success" and not answer.get("warnings") and \
		any(not math.isnan(float(row["value"][1])) for row in rows)


def check_dashboard(checks, prometheus):
	queries = dashboard_queries()
	checks.that("the dashboard has queries", len(queries) > 40, len(queries))
	for title, query in queries:
		answer = prometheus.query(query)
		checks.that(f"{title}: has data", has_data(answer), (query, answer))
	return [query for _, query in queries]


def check_names(checks, prometheus, queries):
	"""A query for what is not there answers nothing, and is a slip of the pen."""
	known = set(prometheus.ask("api/v1/label/__name__/values")["data"])
	# Histograms begin with the first observation, so their families count.
	known |= {re.sub("_(bucket|sum|count)$", "", name) for name in known}
	used = {name for query in queries for name in re.findall(r"\b(?:nuncio|process)_\w+", query)}
	checks.that("every metric that is asked for is there", used <= known, used - known)


def main():
	parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
	parser.add_argument("--build", required=True)
	args = parser.parse_args()
	build, checks, prometheus = Build(args.build), Checks(), None
	# webhook without an address: its metrics are there, it does nothing. A bus with nobody else on it.
	bus = redis.Redis().start()
	server = Server(build, [*CHAT, "rate_limit", "webhook", "bus_redis"], {
		"rate_limit": {"rate": "1000", "address_rate": "1000"}, "bus_redis": {"server": bus.address()}})
	traffic = Traffic(server)
	try:
		server.start()
		traffic.start()
		prometheus = Prometheus(build, f"127.0.0.1:{server.port}")
		checks.that("Prometheus scrapes the server", prometheus.wait_ready())
		time.sleep(TRAFFIC_S)
		queries = check_rules(checks, prometheus) + check_dashboard(checks, prometheus)
		check_names(checks, prometheus, queries)
		checks.that("the server scraped is up", has_data(prometheus.query('up{job="nuncio"} == 1')))
	except (*ENDS, AssertionError, KeyError, subprocess.SubprocessError) as error:
		checks.that("the test comes to its end", False, f"{type(error).__name__}: {error}")
	finally:
		traffic.stopping.set()
		if traffic.is_alive():
			traffic.join(10)
		if prometheus:
			prometheus.close()
		server.stop()
		bus.stop()
	checks.that(f"{traffic.rounds} rounds of traffic", traffic.rounds > 20 and not traffic.fault, traffic.fault)
	checks.that("the server did well", not server.verdict(), server.verdict())
	server.remove()
	build.close()
	print(f"{checks.passed} passed, {checks.failed} failed, 0 skipped")
	return 1 if checks.failed else 0


if __name__ == "__main__":
	sys.exit(main())
