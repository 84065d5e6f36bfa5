# SPDX-License-Identifier: MIT
"""The parts of tests/run: what each needs, how it runs, how its count is read.

A part is a function that returns a Count. Two parts run at a time; builds take both cores by
themselves, so they do not run beside each other. A part that crashed, timed out or printed no count
has failed. Everything that a part prints goes to BUILD/logs/PART.log; failures show its end.
"""
import argparse
import concurrent.futures
import glob
import os
import re
import shutil
import subprocess
import sys
import threading
import time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
COUNT = re.compile(r"^(\d+) passed, (\d+) failed, (\d+) skipped$", re.M)
PARTS = {}


class Count:
	def __init__(self, passed=0, failed=0, skipped=0):
		self.passed, self.failed, self.skipped = passed, failed, skipped

	def add(self, other):
		self.passed += other.passed
		self.failed += other.failed
		self.skipped += other.skipped

	def __str__(self):
		return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


class Broken(Exception):
	"""The part could not come to an end."""


def part(name, needs=(), fast=True, minutes=10, serves=False):
	"""serves: starts servers and measures time a little, so it runs with more patience."""
	def add(function):
		PARTS[name] = (function, tuple(needs), fast, minutes, serves)
		return function
	return add


class Run:
	"""One part at work: its log, its time, its environment."""

	def __init__(self, name, build):
		_, _, _, self.minutes, serves = PARTS[name]
		self.name, self.build = name, build
		self.deadline = time.monotonic() + self.minutes * 60
		self.log_path = os.path.join(build, "logs", f"{name}.log")
		self.log = open(self.log_path, "w")
		self.env = dict(os.environ, LC_ALL="C.UTF-8", top_srcdir=TOP)
		if serves:
			self.env["NUNCIO_TEST_SLOW"] = "2"

	def tree(self, kind):
		return os.path.join(self.build, kind)

	def call(self, command, cwd=TOP, check=True, minutes=None):
		"""Runs a command; its output goes to the log and is returned."""
		self.log.write(f"$ {' '.join(command)}   (in {cwd})\n")
		self.log.flush()
		left = self.deadline - time.monotonic()
		if minutes:
			left = min(left, minutes * 60)
		begin = self.log.tell() if self.log.seekable() else 0
		process = subprocess.Popen(command, cwd=cwd, env=self.env, stdin=subprocess.DEVNULL,
			stdout=self.log, stderr=subprocess.STDOUT, start_new_session=True)
		try:
			status = process.wait(max(left, 1))
		except subprocess.TimeoutExpired:
			os.killpg(process.pid, 9)
			process.wait()
			raise Broken(f"{command[0]} took longer than {self.minutes} minutes") from None
		self.log.flush()
		with open(self.log_path, errors="replace") as file:
			file.seek(begin)
			said = file.read()
		self.log.seek(0, os.SEEK_END)
		if check and status != 0:
			raise Broken(f"{' '.join(command[:3])} ended with {status}")
		return status, said

	def count(self, command, cwd=TOP, **how):
		"""A command that prints its own count as the last one of that form."""
		status, said = self.call(command, cwd, check=False, **how)
		found = COUNT.findall(said)
		if not found:
			raise Broken(f"{command[0]} ended with {status} and printed no count")
		count = Count(*map(int, found[-1]))
		if status != 0 and count.failed == 0:
			raise Broken(f"{command[0]} ended with {status}, but counts no failure")
		return count


# ---- builds

def cc(name):
	return f"ccache {name}" if shutil.which("ccache") else name


def build_tree(run, kind, compiler, *options, targets=("all",)):
	tree = run.tree(kind)
	os.makedirs(tree, exist_ok=True)
	wanted = " ".join((compiler, *options))
	stamp = os.path.join(tree, "configured-as")
	fresh = os.path.join(TOP, "configure")
	if not (os.path.exists(stamp) and open(stamp).read() == wanted
			and os.path.getmtime(stamp) > os.path.getmtime(fresh)):
		run.call([fresh, "-C", "--enable-werror", f"CC={cc(compiler)}", *options], tree)
		with open(stamp, "w") as file:
			file.write(wanted)
	run.call(["make", "-j2", *targets], tree)
	return Count()


@part("autogen", minutes=5)
def autogen(run):
	inputs = [os.path.join(TOP, "configure.ac"), *glob.glob(os.path.join(TOP, "**", "*.mk"), recursive=True),
		os.path.join(TOP, "Makefile.am")]
	outputs = [os.path.join(TOP, name) for name in ("configure", "Makefile.in")]
	if not all(map(os.path.exists, outputs)) or \
			max(map(os.path.getmtime, inputs)) > min(map(os.path.getmtime, outputs)):
		run.call(["./autogen.sh"])
	return Count()


@part("build", ["autogen"], minutes=10)
def build(run):
	return build_tree(run, "plain", "gcc")


@part("build_asan", ["autogen"], fast=False, minutes=10)
def build_asan(run):
	return build_tree(run, "asan", "gcc", "--enable-sanitize=address,undefined")


@part("build_tsan", ["autogen"], fast=False, minutes=10)
def build_tsan(run):
	return build_tree(run, "tsan", "gcc", "--enable-sanitize=thread")


@part("build_fuzz", ["autogen"], fast=False, minutes=10)
def build_fuzz(run):
	return build_tree(run, "fuzz", "clang-14", "--enable-fuzz", targets=("fuzz",))


# ---- unit, API, conformance: make check

def read_program(trs, count):
	"""One test program of make check: cmocka's counts, its own line, or just its result."""
	with open(trs) as file:
		result = re.search(r":test-result: (\w+)", file.read()).group(1)
	with open(trs[:-4] + ".log", errors="replace") as file:
		said = file.read()
	good = re.findall(r"\[  PASSED  \] (\d+) test", said)
	bad = re.findall(r"\[  FAILED  \](?: tests:)? (\d+) test", said)
	skipped = re.findall(r"\[  SKIPPED \](?: tests:)? (\d+) test", said)
	own = COUNT.findall(said)
	mine = Count(sum(map(int, good)), sum(map(int, bad)), sum(map(int, skipped)))
	if own:
		mine = Count(*map(int, own[-1]))
	elif not (good or bad or skipped):
		mine = Count(passed=result == "PASS", skipped=result == "SKIP")
	if result not in ("PASS", "SKIP", "XFAIL") and mine.failed == 0:
		mine.failed = 1
	count.add(mine)
	return f"{result} {mine} {os.path.relpath(trs)[:-4]}" if mine.failed else None


def make_check(run, kind):
	tree = run.tree(kind)
	for old in glob.glob(os.path.join(tree, "**", "*.trs"), recursive=True):
		os.unlink(old)
	status, _ = run.call(["make", "-k", "-j2", "check"], tree, check=False)
	count = Count()
	programs = sorted(glob.glob(os.path.join(tree, "**", "*.trs"), recursive=True))
	for trs in programs:
		failure = read_program(trs, count)
		if failure:
			run.log.write(failure + "\n")
			with open(trs[:-4] + ".log", errors="replace") as file:
				run.log.write(file.read()[-4000:])
	run.log.write(f"{len(programs)} test programs\n")
	if not programs or status != 0 and count.failed == 0:
		raise Broken(f"make check ended with {status} after {len(programs)} programs")
	return count


@part("check", ["build"])
def check(run):
	return make_check(run, "plain")


@part("check_asan", ["build_asan"], fast=False, minutes=15)
def check_asan(run):
	return make_check(run, "asan")


@part("check_tsan", ["build_tsan"], fast=False, minutes=15)
def check_tsan(run):
	return make_check(run, "tsan")


# ---- a built server

def script(run, kind, name, *more, **how):
	command = ["/usr/bin/python3", "-B", os.path.join(TOP, "tests", "scenario", name),
		"--build", run.tree(kind), *more]
	if kind == "tsan":
		run.env["NUNCIO_TEST_SLOW"] = "4"
		command = [*steady(), *command]
	elif kind == "asan":
		run.env["NUNCIO_TEST_SLOW"] = "3"
	return run.count(command, **how)


def steady():
	"""ThreadSanitizer of gcc 12 dislikes some random address layouts; without them it always starts."""
	prefix = ["setarch", os.uname().machine, "-R"]
	works = subprocess.run([*prefix, "true"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
	return prefix if works.returncode == 0 else []


@part("scenario", ["build"], serves=True)
def scenario(run):
	return script(run, "plain", "run_scenarios.py")


@part("scenario_memory", ["build"], serves=True)
def scenario_memory(run):
	return script(run, "plain", "run_scenarios.py", "--store", "store_memory")


@part("scenario_one_loop", ["build"], serves=True)
def scenario_one_loop(run):
	run.env["NUNCIO_TEST_IO_THREADS"] = "0"
	return script(run, "plain", "run_scenarios.py")


@part("store_mysql", ["check"], minutes=12, serves=True)
def store_mysql(run):
	"""What every store must do, and its own tests, on real servers."""
	return run.count([os.path.join(TOP, "tests", "store", "run_mysql.py"), "--build", run.tree("plain")])


@part("scenario_mysql", ["build"], serves=True)
def scenario_mysql(run):
	run.env["NUNCIO_TEST_STORE"] = "store_mysql:1:1"
	return script(run, "plain", "run_scenarios.py")


@part("scenario_mysql_spread", ["build"], serves=True)
def scenario_mysql_spread(run):
	run.env["NUNCIO_TEST_STORE"] = "store_mysql:16:2"
	return script(run, "plain", "run_scenarios.py")


@part("mysql_faults", ["build"], serves=True)
def mysql_faults(run):
	"""MariaDB killed, paused, cut off and refusing; nuncio killed on it; TLS; and how it all starts."""
	count = script(run, "plain", "mysql_start.py")
	count.add(script(run, "plain", "mysql_faults.py", "--seed", "1"))
	run.env["NUNCIO_TEST_STORE"] = "store_mysql:2:1"
	count.add(script(run, "plain", "kill9.py", "--rounds", "4"))
	return count


@part("store_copy", ["build"], serves=True)
def store_copy(run):
	"""From SQLite to MariaDB while people write."""
	return script(run, "plain", "store_copy.py")


@part("cluster_try", ["build"], serves=True)
def cluster_try(run):
	"""contrib/cluster/run: three nodes, and a chat between two of them."""
	return script(run, "plain", "cluster_try.py")


@part("rolling", ["build"], serves=True)
def rolling(run):
	"""All nodes restarted one after the other under traffic; who comes back when."""
	return script(run, "plain", "rolling.py")


@part("deploy", ["build"], serves=True)
def deploy(run):
	"""contrib/cluster: the proxies carry a chat, the manifests fit schemas, each other and the server."""
	packages = os.path.join(run.build, "kubernetes-validate")
	if not os.path.exists(os.path.join(packages, "bin")):
		run.call(["python3", "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-cache-dir", "--root-user-action=ignore",
			"--target", packages, "kubernetes-validate==1.37.0"])
	return run.count([os.path.join(TOP, "tests", "deploy", "run_deploy.py"), "--build", run.tree("plain"),
		"--packages", packages])


@part("bad_input", ["build"], serves=True)
def bad_input(run):
	return script(run, "plain", "bad/run_bad.py")


@part("operate", ["build"], serves=True)
def operate(run):
	return script(run, "plain", "operate/run_operate.py")


@part("operate_asan", ["build_asan"], fast=False, serves=True)
def operate_asan(run):
	return script(run, "asan", "operate/run_operate.py")


@part("prometheus", ["build"], serves=True, minutes=5)
def prometheus(run):
	"""Alerts and dashboard of contrib in a real Prometheus."""
	return run.count([os.path.join(TOP, "tests", "prometheus", "run_prometheus.py"), "--build", run.tree("plain")])


@part("abi", ["build"], serves=True, minutes=5)
def abi(run):
	"""What the recorded headers promised is kept, and a module built with them still works."""
	return run.count([os.path.join(TOP, "tests", "abi", "run_abi.py"), "--build", run.tree("plain")])


@part("package", ["build"], fast=False, serves=True, minutes=30)
def package(run):
	"""From make deb to purge, in a Debian of its own."""
	return run.count([os.path.join(TOP, "tests", "package", "run_package.py"), "--build", run.tree("plain")])


@part("kill9", ["build"], serves=True)
def kill9(run):
	return script(run, "plain", "kill9.py", "--rounds", "20")


@part("model", ["build"], serves=True)
def model(run):
	"""Random runs against a reference model; always the same seeds, longer ones are for a free evening."""
	return script(run, "plain", "model.py", "--seed", "1", "--seeds", "6", "--steps", "250")


@part("group_race", ["build"], serves=True)
def group_race(run):
	"""Eight people change one group at once; always the same seeds."""
	return script(run, "plain", "group_race.py", "--rounds", "8")


@part("model_asan", ["build_asan"], fast=False, serves=True)
def model_asan(run):
	return script(run, "asan", "model.py", "--seed", "7", "--steps", "250")


@part("webhook", ["build"], serves=True)
def webhook(run):
	return script(run, "plain", "webhook.py")


@part("webhook_nodes", ["build"], serves=True)
def webhook_nodes(run):
	"""Three nodes, one of which delivers."""
	return script(run, "plain", "webhook_nodes.py")


@part("recent", ["build"], serves=True)
def recent(run):
	"""History from memory and Redis on two nodes: what one changes the other shows, whatever Redis does."""
	return script(run, "plain", "recent.py")


@part("bus", ["build"], serves=True)
def bus(run):
	"""bus_redis and presence_redis on real Redis servers: start, loss, TLS, Sentinel, Redis Cluster; with garbage in them."""
	count = script(run, "plain", "bus.py")
	count.add(script(run, "plain", "bus_garbage.py"))
	return count


@part("scenario_nodes", ["build"], serves=True)
def scenario_nodes(run):
	"""Scripts with their clients spread over three nodes."""
	run.env["NUNCIO_TEST_STORE"] = "store_mysql"
	run.env["NUNCIO_TEST_NODES"] = "3"
	return script(run, "plain", "run_scenarios.py")


@part("cluster_faults", ["build"], serves=True)
def cluster_faults(run):
	"""Nodes and Redis killed, paused, emptied, cut off, packets lost, a clock wrong, in traffic on three nodes."""
	return script(run, "plain", "cluster_faults.py", "--seed", "1")


@part("cluster_asan", ["build_asan"], fast=False, serves=True)
def cluster_asan(run):
	"""What comes from Redis and from other nodes."""
	count = script(run, "asan", "bus_garbage.py", "--seed", "2")
	count.add(script(run, "asan", "cluster_faults.py", "--seed", "2"))
	return count


@part("webhook_asan", ["build_asan"], fast=False, serves=True)
def webhook_asan(run):
	count = script(run, "asan", "webhook.py", "--rounds", "2")
	count.add(script(run, "asan", "webhook_nodes.py"))
	return count


@part("scenario_asan", ["build_asan"], fast=False, serves=True)
def scenario_asan(run):
	return script(run, "asan", "run_scenarios.py")


@part("bad_input_asan", ["build_asan"], fast=False, serves=True)
def bad_input_asan(run):
	return script(run, "asan", "bad/run_bad.py")


@part("kill9_asan", ["build_asan"], fast=False, serves=True)
def kill9_asan(run):
	return script(run, "asan", "kill9.py", "--rounds", "4")


@part("webhook_tsan", ["build_tsan"], fast=False, serves=True)
def webhook_tsan(run):
	"""A thread of its own speaks HTTP."""
	return script(run, "tsan", "webhook.py", "--rounds", "2")


@part("scenario_tsan", ["build_tsan"], fast=False, serves=True, minutes=15)
def scenario_tsan(run):
	return script(run, "tsan", "run_scenarios.py")


@part("bus_tsan", ["build_tsan"], fast=False, serves=True)
def bus_tsan(run):
	return script(run, "tsan", "bus.py")


# ---- the rest

@part("lint", ["autogen"], minutes=20)
def lint(run):
	count = Count()
	scripts = sorted(glob.glob(os.path.join(TOP, "tests", "lint", "check_*.sh")))
	shells = [path for path in (os.path.join(TOP, name) for name in (
		"tests/run", "contrib/quickstart", "contrib/cluster/run", "contrib/completion/nuncioctl", ".ci/run", "autogen.sh", *map(
			lambda p: os.path.relpath(p, TOP), scripts))) if os.path.exists(path)]
	for command in [[path] for path in scripts] + [["shellcheck", *shells]]:
		status, _ = run.call(command, check=False)
		count.add(Count(passed=status == 0, skipped=status == 77, failed=status not in (0, 77)))
	return count


@part("quickstart", ["build"], serves=True)
def quickstart(run):
	return script(run, "plain", "quickstart.py")


@part("web", minutes=5)
def web(run):
	return run.count(["node", os.path.join(TOP, "tests", "web", "run.mjs")])


def runner_in(folder):
	"""The program of a test folder that runs it: run, run.sh, run_*.py ..."""
	for pattern in ("run", "run.sh", "run_*.py", "run*.py", "run*.mjs", "test*.sh"):
		found = sorted(glob.glob(os.path.join(TOP, "tests", folder, pattern)))
		if found:
			return found[0]
	return None


@part("browser", ["build"], serves=True)
def browser(run):
	path = runner_in("browser")
	if not path:
		raise Broken("no runner in tests/browser")
	return run.count([path, "--build", run.tree("plain")])


@part("openapi", ["build"], minutes=6, serves=True)
def openapi(run):
	"""The API document is valid, and the server does what it says, whatever schemathesis asks."""
	return run.count([os.path.join(TOP, "tests", "openapi", "run_openapi.py"), "--build", run.tree("plain")])


@part("docs", ["build"], serves=True)
def docs(run):
	"""The README's conversation, the guide's modules built outside of the tree, options as they are documented."""
	count = Count()
	for name in ("readme.py", "out_of_tree.py", "config_docs.py"):
		count.add(run.count([os.path.join(TOP, "tests", "api", name), "--build", run.tree("plain")]))
	return count


@part("bench_smoke", ["build"], serves=True)
def bench_smoke(run):
	"""Only what must be right whatever the speed: no login refused, no message lost or doubled."""
	run.call(["make", "-j2", "bench-programs"], run.tree("plain"))
	run.call([os.path.join(TOP, "tests", "bench", "run"), "--build", run.tree("plain"), "--rounds", "1",
		"--seconds", "1", "--only", "ping,pairs,latency,login,fanout100,crowd1k,pages", "--io-threads", "0,1"], run.tree("plain"))
	return Count(passed=1)


# A search that is always the same: what CI finds, a change brought in. A slow machine gets as far as the time lets it.
FUZZ_SEARCH = ["-seed=1", "-runs=50000", "-max_total_time=60", "-reload=0", "-max_len=8192"]
FUZZ_LIMITS = ["-timeout=10", "-rss_limit_mb=1024"]


def fuzz_inputs(tree, name):
	"""Seeds and dictionary below the tree, named from there; found/ is empty."""
	home = os.path.join("fuzzing", name)
	shutil.rmtree(os.path.join(tree, home), ignore_errors=True)
	shutil.copytree(os.path.join(TOP, "tests", "fuzz", "corpus", name), os.path.join(tree, home, "seeds"))
	os.makedirs(os.path.join(tree, home, "found"))
	seeds = ",".join(os.path.join(home, "seeds", seed) for seed in
		sorted(os.listdir(os.path.join(tree, home, "seeds"))))
	options = [f"-artifact_prefix={home}/found/", f"-seed_inputs={seeds}"]
	words = os.path.join(TOP, "tests", "fuzz", f"{name}.dict")
	if os.path.exists(words):
		shutil.copy(words, os.path.join(tree, home, "dict"))
		options.append(f"-dict={home}/dict")
	return home, options


def fuzz_target(run, tree, name):
	"""libFuzzer mixes addresses that it saw compared into its inputs, so the layout must be the same as well: no
	random addresses, the same environment and arguments, seeds in the same order."""
	home, options = fuzz_inputs(tree, name)
	program = os.path.join("tests", "fuzz", name)
	prefix = [*steady(), "env", "-i", "LC_ALL=C", "PATH=/usr/bin:/bin"]
	replay, _ = run.call([program, *FUZZ_LIMITS, f"-artifact_prefix={home}/found/", "-runs=0",
		os.path.join(home, "seeds")], tree, check=False, minutes=2)
	search, _ = run.call([*prefix, program, *FUZZ_LIMITS, *FUZZ_SEARCH, *options,
		os.path.join(home, "found")], tree, check=False, minutes=2)
	if replay != 0 or search != 0:
		run.log.write(f"FAIL {name}: see {os.path.join(tree, home, 'found')}\n")
	return replay == 0 and search == 0


@part("fuzz", ["build_fuzz"], fast=False, minutes=12)
def fuzz(run):
	"""Replays each corpus, then searches a little from it. Long random searches are `make fuzz-run`."""
	tree = run.tree("fuzz")
	targets = sorted(path for path in glob.glob(os.path.join(tree, "tests", "fuzz", "fuzz_*"))
		if os.access(path, os.X_OK) and "." not in os.path.basename(path))
	if not targets:
		raise Broken("no fuzz targets were built")
	count = Count()
	for target in targets:
		good = fuzz_target(run, tree, os.path.basename(target))
		count.add(Count(passed=good, failed=not good))
	return count


# ---- the order

class Plan:
	def __init__(self, names, build):
		self.names, self.build = names, build
		self.done = {}
		self.change = threading.Condition()
		self.building = threading.Lock()
		self.total = Count()

	def wait_for(self, needs):
		with self.change:
			self.change.wait_for(lambda: all(name in self.done for name in needs))
		return [name for name in needs if not self.done[name]]

	def work(self, name):
		function, needs, _, _, _ = PARTS[name]
		begin, count, reason = time.monotonic(), Count(failed=1), ""
		missing = self.wait_for(needs)
		log = os.path.join(self.build, "logs", f"{name}.log")
		if missing:
			reason = f"needs {', '.join(missing)}"
		else:
			run = Run(name, self.build)
			try:
				count = function(run)
			except Broken as error:
				reason = str(error)
			except Exception as error:
				reason = f"{type(error).__name__}: {error}"
			run.log.write(f"{reason}\n{count}\n")
			run.log.close()
		with self.change:
			self.done[name] = not reason and not count.failed
			self.total.add(count)
			self.report(name, count, reason, time.monotonic() - begin, log)
			self.change.notify_all()

	def report(self, name, count, reason, took, log):
		word = "FAIL" if count.failed else "ok  "
		print(f"{word} {name}: {count} ({took:.0f} s){' ' + reason if reason else ''}", flush=True)
		if count.failed and os.path.exists(log) and not reason.startswith("needs"):
			with open(log, errors="replace") as file:
				text = file.read()
			wrong = [line for line in text.splitlines() if re.match(r"\s*(FAIL|not ok|.*error:|.*\[  FAILED)", line)]
			for line in wrong[:15] + ["..."] + text.splitlines()[-12:]:
				print(f"    {line[:300]}")
			print(f"    all of it: {log}", flush=True)

	def run(self):
		"""Two at a time, in the order of the table; a part waits for what it needs."""
		with concurrent.futures.ThreadPoolExecutor(2) as pool:
			for job in [pool.submit(self.work, name) for name in self.names]:
				job.result()


# One a line, so that two changes do not meet.
ORDER = """
	autogen
	build
	lint
	check
	scenario
	bad_input
	operate
	prometheus
	abi
	package
	kill9
	model
	group_race
	webhook
	webhook_nodes
	bus
	recent
	scenario_nodes
	cluster_faults
	web
	scenario_one_loop
	scenario_memory
	store_mysql
	scenario_mysql
	scenario_mysql_spread
	mysql_faults
	store_copy
	deploy
	cluster_try
	rolling
	browser
	openapi
	build_asan
	quickstart
	docs
	bench_smoke
	check_asan
	scenario_asan
	bad_input_asan
	operate_asan
	build_tsan
	kill9_asan
	model_asan
	webhook_asan
	webhook_tsan
	cluster_asan
	check_tsan
	scenario_tsan
	bus_tsan
	build_fuzz
	fuzz
""".split()


def chosen(only, fast):
	names = [name for name in ORDER if not only and (not fast or PARTS[name][2])]
	for name in only:
		if name not in PARTS:
			raise SystemExit(f"no part {name}; there are: {' '.join(ORDER)}")
		names.append(name)
	while True:
		needed = [need for name in names for need in PARTS[name][1] if need not in names]
		if not needed:
			return [name for name in ORDER if name in names]
		names += needed


def main():
	parser = argparse.ArgumentParser(prog="tests/run", description="Runs the tests of nuncio.")
	parser.add_argument("--fast", action="store_true", help="only what the plain build needs")
	parser.add_argument("--only", action="append", default=[], metavar="NAME", help="this part and what it needs")
	parser.add_argument("--build", default=f"/tmp/nuncio-tests-{os.getuid()}", metavar="DIR", help="where to build")
	parser.add_argument("--list", action="store_true", help="names of the parts")
	args = parser.parse_args()
	if args.list:
		print("\n".join(ORDER))
		return 0
	assert set(ORDER) == set(PARTS)
	build = os.path.abspath(args.build)
	os.makedirs(os.path.join(build, "logs"), exist_ok=True)
	plan = Plan(chosen(args.only, args.fast), build)
	plan.run()
	print(plan.total)
	return 1 if plan.total.failed else 0


if __name__ == "__main__":
	sys.exit(main())
