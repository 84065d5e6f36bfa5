#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Breaks MariaDB under a nunciod in traffic, in every way that we know of, and looks for what was lost or doubled.

Usage: mysql_faults.py --build DIR [--only WORD]... [--rounds N] [--seed N]

Two MariaDB servers, four shards, and every fault hits one of them ("kill_all": both). After each:
  1. every acknowledged message is in history exactly once, with the seq and id of its answer; whatever was not
     acknowledged was said again with its client_id until it was; seq runs 1, 2, 3 ...;
  2. each receiver has every event of its conversations, live and synced together, exactly once and in order;
  3. /readyz said 503 while the server was away and 200 after it, by itself, within the time that README.md promises;
  4. conversations on the other server never waited longer than one time-out.
It runs in a network namespace of its own, where nothing but loopback is, so that packets can be lost (nftables) and no
port is taken; without the right to make one (it needs root) those faults are skipped. The last line is the count.
"""
import argparse
import os
import random
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from lib import control, network, wire  # noqa: E402
from lib.server import Build, Server  # noqa: E402
from lib.traffic import Look, StubbornReceiver, StubbornSender, check_receivers  # noqa: E402

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import mariadb  # noqa: E402
import mysql_proxy  # noqa: E402

TIMEOUT_S = 1
SENDERS, RECEIVERS = 8, 4
FAULTS = []


class Site:
	"""Two database servers and a nunciod on them."""

	def __init__(self, build, seed):
		self.servers, self.proxy, self.nunciod = [], None, None
		try:
			for i in range(2):
				server = mariadb.MariaDB()
				self.servers.append(server)
				server.start()
				server.query("CREATE DATABASE nuncio; CREATE DATABASE other;"
					"CREATE USER nuncio@'%' IDENTIFIED BY 'secret'; GRANT ALL ON nuncio.* TO nuncio@'%';"
					"CREATE TABLE other.heavy (x INT PRIMARY KEY AUTO_INCREMENT, y INT)")
			self.hit = self.servers[1]
			self.proxy = mysql_proxy.Proxy(self.hit.port, seed)
			self.nunciod = self.make(build)
		except BaseException:
			self.close()
			raise

	def make(self, build):
		servers = ", ".join(f"nuncio:secret@127.0.0.1:{server.port}/nuncio" for server in self.servers)
		return Server(build, "store_mysql auth_jwt direct history".split(), {
			"core": {"store": "store_mysql", "retry_after": "1s"},
			"store_mysql": {"servers": servers, "shards": "4", "writers": "1", "timeout": f"{TIMEOUT_S}s"}})

	def through(self, port):
		"""Another way to the server that is hit; everybody else stays where they are."""
		self.nunciod.stop()
		first = self.nunciod.settings["store_mysql"]["servers"].split(", ")[0]
		self.nunciod.settings["store_mysql"]["servers"] = f"{first}, nuncio:secret@127.0.0.1:{port}/nuncio"
		self.nunciod.start()

	def ready(self):
		try:
			return wire.http(self.nunciod.port, "GET", "/readyz", timeout=5).status == 200
		except (OSError, wire.Closed, wire.Silence):
			return None

	def metric(self, name):
		text = wire.http(self.nunciod.port, "GET", "/metrics", timeout=5).body.decode()
		return sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith(name))

	def connections(self):
		return self.hit.query("SELECT id FROM information_schema.processlist WHERE user='nuncio'").stdout.split()

	def kill_connections(self):
		"""One may have gone by itself meanwhile."""
		ids = self.connections()
		for number in ids:
			self.hit.query(f"KILL {number}", check=False)
		return len(ids)

	def heads(self, server):
		"""Conversations whose log lies on a server: {id: (table, number)}."""
		tables = server.query("SELECT table_name FROM information_schema.tables WHERE table_schema='nuncio'"
			" AND table_name LIKE 'head\\_%'").stdout.split()
		found = {}
		for table in sorted(tables):
			rows = server.query(f"SELECT number,id FROM nuncio.{table} WHERE last_seq>0").stdout.splitlines()
			for number, name in (row.split("\t") for row in rows):
				found[name] = table, int(number)
		return found

	def close(self):
		if self.nunciod:
			self.nunciod.kill()
			self.nunciod.remove()
		if self.proxy:
			self.proxy.close()
		for server in self.servers:
			server.stop()


class Fault:
	"""turns: whether /readyz must become 503; everywhere: no server is spared; within: seconds to be well again."""

	def __init__(self, function, turns, everywhere, within, network):
		self.function, self.name = function, function.__name__
		self.turns, self.everywhere, self.within, self.network = turns, everywhere, within, network


def fault(turns=None, everywhere=False, within=6.0, network=False):
	"""A generator: breaks something, yields for how many seconds, mends it."""
	def add(function):
		FAULTS.append(Fault(function, turns, everywhere, within, network))
		return function
	return add


# ---- what can go wrong

@fault(turns=True)
def kill(site):
	site.hit.kill()
	yield 2
	site.hit.start()


@fault(turns=True, everywhere=True)
def kill_all(site):
	for server in site.servers:
		server.kill()
	yield 1
	for server in site.servers:
		server.start()


@fault(turns=True)
def stop_and_start(site):
	"""As an upgrade of the server does."""
	site.hit.process.terminate()
	site.hit.process.wait(30)
	yield 1
	site.hit.start()


@fault(turns=True)
def hang(site):
	"""SIGSTOP, for longer than every time-out."""
	site.hit.pause()
	yield 2 * TIMEOUT_S + 2
	site.hit.resume()


@fault(turns=False)
def hang_shortly(site):
	"""Shorter than a time-out: nobody notices more than a delay."""
	site.hit.pause()
	yield 0.5 * TIMEOUT_S
	site.hit.resume()


@fault()
def kill_connections(site):
	"""By the server's operator, in the middle of anything."""
	killed = 0
	for _ in range(10):
		killed += site.kill_connections()
		yield 0.2
	assert killed > 20, f"only {killed} connections were killed"


@fault(turns=True)
def too_many_connections(site):
	"""Others have taken all that the server gives."""
	site.hit.query("CREATE USER IF NOT EXISTS greedy@localhost IDENTIFIED BY ''")
	others = [subprocess.Popen([mariadb.find("mariadb", "mysql"), "--no-defaults", "-ugreedy",
		f"--socket={site.hit.socket}", "-e", "SELECT SLEEP(60)"], stdout=subprocess.DEVNULL,
		stderr=subprocess.DEVNULL) for _ in range(12)]
	# Somebody who is in already can set the limit up again.
	operator = subprocess.Popen([mariadb.find("mariadb", "mysql"), "--no-defaults", "-uroot", "--unbuffered",
		f"--socket={site.hit.socket}"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
	try:
		until = time.monotonic() + 5
		while int(site.hit.query("SELECT COUNT(*) FROM information_schema.processlist WHERE user='greedy'").stdout) < 12:
			assert time.monotonic() < until, "the others do not come in"
			time.sleep(0.02)
		operator.stdin.write("SET GLOBAL max_connections=10;\n" + "".join(
			f"KILL {number};\n" for number in site.connections()))
		operator.stdin.flush()
		yield 2
		operator.stdin.write("SET GLOBAL max_connections=200;\n")
		operator.stdin.close()
		assert operator.wait(10) == 0
		assert site.nunciod.log_has("Too many connections")
	finally:
		for process in (operator, *others):
			process.kill()
			process.wait()


@fault(turns=True)
def password_changed(site):
	site.hit.query("ALTER USER nuncio@'%' IDENTIFIED BY 'another'")
	site.kill_connections()
	yield 2
	site.hit.query("ALTER USER nuncio@'%' IDENTIFIED BY 'secret'")
	assert site.nunciod.log_has("Access denied for user")


@fault(turns=True)
def read_only(site):
	"""As the old primary after a failover."""
	site.hit.query("SET GLOBAL read_only=1")
	yield 2
	site.hit.query("SET GLOBAL read_only=0")


@fault()
def dead_lock(site):
	"""Somebody locks heads in the other order than we do, and has more to lose, so that ours is the victim."""
	heads = sorted(site.heads(site.hit).values())
	assert len(heads) > 1, "too few conversations here"
	lock = "".join(f"SELECT number FROM nuncio.{table} WHERE number={number} FOR UPDATE; DO SLEEP(0.02);"
		for table, number in reversed(heads))
	weight = "INSERT INTO other.heavy (y) SELECT seq FROM seq_1_to_500;"
	before = site.hit.query("SHOW GLOBAL STATUS LIKE 'Innodb_deadlocks'").stdout.split()[1]
	repeats = site.metric("nuncio_store_mysql_repeats_total")
	other = subprocess.Popen([mariadb.find("mariadb", "mysql"), "--no-defaults", "-uroot", f"--socket={site.hit.socket}",
		"--force", "other", "-e", f"BEGIN; {weight} {lock} ROLLBACK;" * 12], stdout=subprocess.DEVNULL,
		stderr=subprocess.DEVNULL)
	try:
		yield 3
	finally:
		other.kill()
		other.wait()
	after = site.hit.query("SHOW GLOBAL STATUS LIKE 'Innodb_deadlocks'").stdout.split()[1]
	assert int(after) > int(before), "there was no dead-lock"
	assert site.metric("nuncio_store_mysql_repeats_total") > repeats, "none of them was ours"


@fault()
def locked(site):
	"""Somebody holds the locks of all logs for longer than we wait."""
	lock = "".join(f"SELECT number FROM nuncio.{table} WHERE number={number} FOR UPDATE;"
		for table, number in sorted(site.heads(site.hit).values()))
	hold = 2 * TIMEOUT_S + 2
	other = subprocess.Popen([mariadb.find("mariadb", "mysql"), "--no-defaults", "-uroot", f"--socket={site.hit.socket}",
		"-e", f"BEGIN; {lock} DO SLEEP({hold}); ROLLBACK"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
	yield hold
	assert other.wait(10) == 0, "the locks were not had"


@fault()
def lost_in_commit(site):
	"""Connections that break while COMMIT is under way; what became of it is in the database."""
	site.through(site.proxy.port)
	yield 0.5
	before = dict(site.proxy.cuts)
	site.proxy.share = 0.25
	yield 4
	site.proxy.share = 0.0
	cuts = {moment: count - before[moment] for moment, count in site.proxy.cuts.items()}
	print(f"    cut: {cuts}")
	yield 0.5
	site.through(site.hit.port)
	assert all(cuts.values()), f"not every moment was met: {cuts}"


@fault(network=True, within=10.0)
def packet_loss(site):
	with network.Wire(site.hit.port) as wires:
		wires.lose(15)
		yield 4


@fault(network=True, turns=True, within=12.0)
def partition(site):
	"""No packet goes through; both sides keep what they believe to be connections."""
	with network.Wire(site.hit.port) as wires:
		wires.lose(100)
		yield 2 * TIMEOUT_S + 3


# ---- one of them, in traffic

class Crowd:
	"""Who talks during one fault: people of its own, so that logs stay short."""

	def __init__(self, site, name, seed):
		dice = random.Random(seed)
		peers = [f"{name}-r{i}" for i in range(RECEIVERS)]
		self.receivers = [StubbornReceiver(site.nunciod, peer) for peer in peers]
		self.senders = [StubbornSender(site.nunciod, f"{name}-s{i}", [peers[i % RECEIVERS]], dice.random())
			for i in range(SENDERS)]

	def start(self):
		for receiver in self.receivers:
			receiver.sync(receiver.server.client(receiver.name, device="r"))
		for thread in self.receivers + self.senders:
			thread.start()
		self.wait(0.0, 10, 10)

	def wait(self, since, count, seconds):
		"""Until each has been acknowledged so many messages since then; how long that took."""
		begin = time.monotonic()
		while not all(sum(t >= since for t in s.answered[-count:]) >= count for s in self.senders):
			if time.monotonic() - begin > seconds * wire.SLOW:
				slow = [s.name for s in self.senders if sum(t >= since for t in s.answered[-count:]) < count]
				raise AssertionError(f"after {seconds} s not well yet: {' '.join(slow)}")
			time.sleep(0.02)
		return time.monotonic() - begin

	def end(self):
		for sender in self.senders:
			sender.ending = True
		for sender in self.senders:
			sender.join(30 * wire.SLOW)
			sender.stopping = True
		for receiver in self.receivers:
			receiver.stopping = True
		for thread in self.receivers + self.senders:
			thread.join(30)
			assert not thread.is_alive(), f"{thread.name} does not end"

	def longest(self, senders, begin, end):
		"""The longest time without an answer."""
		worst = 0.0
		for sender in senders:
			times = [begin, *(t for t in list(sender.answered) if begin < t < end), end]
			worst = max(worst, *(b - a for a, b in zip(times, times[1:])))
		return worst


class Story:
	"""What was seen of one fault."""

	def __init__(self, site, what, seed):
		self.site, self.what, self.faults = site, what, []
		self.crowd = Crowd(site, f"{what.name}{seed % 1000}", seed)
		self.turned = self.well = self.patience = None

	def hold(self, seconds):
		until = time.monotonic() + seconds
		while time.monotonic() < until:
			if self.site.ready() is False and self.turned is None:
				self.turned = time.monotonic() - self.broken
			time.sleep(0.02)

	def run(self):
		crowd, site = self.crowd, self.site
		crowd.start()
		spared = set(site.heads(site.servers[0]))
		safe = [s for s in crowd.senders if s.conversations & spared]
		assert 0 < len(safe) < SENDERS, "the senders must be on both servers"
		self.broken = time.monotonic()
		restarts = site.nunciod.process
		for seconds in self.what.function(site):
			self.hold(seconds)
		mended = time.monotonic()
		self.wait_ready(mended)
		crowd.wait(mended, 3, self.what.within)
		self.well = time.monotonic() - mended
		if not self.what.everywhere and site.nunciod.process is restarts:
			self.patience = crowd.longest(safe, self.broken, mended)
			if self.patience > (TIMEOUT_S + 0.5) * wire.SLOW:
				self.faults.append(f"the other server's conversations waited {self.patience:.1f} s")
		crowd.end()
		self.check()

	def wait_ready(self, mended):
		while self.site.ready() is not True:
			if time.monotonic() - mended > self.what.within * wire.SLOW:
				raise AssertionError(f"/readyz is not 200 after {self.what.within} s")
			time.sleep(0.02)
		if self.what.turns is True and self.turned is None:
			self.faults.append("/readyz did not turn")
		if self.what.turns is False and self.turned is not None:
			self.faults.append("/readyz turned")

	def check(self):
		crowd = self.crowd
		self.look = Look(self.site.nunciod, crowd.senders, crowd.receivers)
		check_receivers(self.site.nunciod, crowd.receivers, self.look, self.faults)
		self.faults += self.look.faults
		sent = sum(len(s.said) for s in crowd.senders)
		if self.look.found != sent:
			self.faults.append(f"{sent} messages sent, {self.look.found} found")

	def line(self):
		crowd, look = self.crowd, getattr(self, "look", None)
		codes = sum((s.codes for s in crowd.senders), start=crowd.senders[0].codes.__class__())
		def seconds(value):
			return "-" if value is None else f"{value:.2f} s"
		return (f"{self.what.name}: sent {sum(len(s.said) for s in crowd.senders)}, "
			f"acknowledged {sum(len(s.acked) for s in crowd.senders)}, found {look.found if look else '?'}, "
			f"duplicates {look.duplicates if look else '?'}, lost {look.lost if look else '?'}; "
			f"refused {dict(sorted(codes.items()))}, connections lost {sum(s.losses for s in crowd.senders)}, "
			f"holes filled {sum(r.holes for r in crowd.receivers)}; 503 after {seconds(self.turned)}, "
			f"well after {seconds(self.well)}, others waited {seconds(self.patience)}")


def tell(site, what, seed):
	"""True: all was well."""
	story = Story(site, what, seed)
	try:
		story.run()
	except (AssertionError, mariadb.Broken, *(wire.Closed, wire.Silence, wire.Refused, OSError)) as error:
		story.faults.append(f"{type(error).__name__}: {error}")
	for thread in story.crowd.senders + story.crowd.receivers:
		thread.stopping = True
	print(f"{'FAIL' if story.faults else 'ok  '} {story.line()}", flush=True)
	for line in story.faults[:10]:
		print(f"    {line}", flush=True)
	return not story.faults


def main():
	parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
	parser.add_argument("--build", required=True)
	parser.add_argument("--only", action="append", default=[])
	parser.add_argument("--rounds", type=int, default=1)
	parser.add_argument("--seed", type=int, default=None)
	args = parser.parse_args()
	network.enter()
	seed = args.seed if args.seed is not None else int.from_bytes(os.urandom(4), "big")
	print(f"mysql_faults: seed {seed}", flush=True)
	build = Build(args.build)
	passed = failed = skipped = 0
	site = Site(build, seed)
	try:
		site.nunciod.start()
		for number in range(args.rounds):
			for what in FAULTS:
				if args.only and not any(word in what.name for word in args.only):
					continue
				if what.network and not network.can_lose():
					print(f"skip {what.name}: no network of our own, or no nft (package nftables)")
					skipped += 1
					continue
				good = tell(site, what, seed + number)
				passed += good
				failed += not good
		status = control.ctl(site.nunciod, "status").status
		site.nunciod.stop()
		# Lines that say what failed are wanted; anything else is not.
		troubles = [line for line in site.nunciod.verdict() if " failed: " not in line]
		for trouble in troubles:
			print(f"    {trouble}")
		passed += not troubles and status == 0
		failed += bool(troubles) or status != 0
	finally:
		if failed:
			print(f"mysql_faults: play it again with --seed {seed}")
			print("    " + "\n    ".join(site.nunciod.log_text().splitlines()[-30:]))
		site.close()
		build.close()
	print(f"{passed} passed, {failed} failed, {skipped} skipped")
	return 1 if failed else 0


if __name__ == "__main__":
	sys.exit(main())
