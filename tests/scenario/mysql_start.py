#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""How store_mysql starts, and how it says that it does not: servers that are away, refuse, or speak TLS; `nuncioctl mysql fsck`.

Usage: mysql_start.py --build DIR [--only WORD]...

MariaDB servers of its own, one with TLS. The last line is the count of tests.
"""
import argparse
import os
import subprocess
import sys
import time
import traceback

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from lib import control, wire  # noqa: E402
from lib.server import Build, Server  # noqa: E402

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import certificates  # noqa: E402
import mariadb  # noqa: E402

TESTS = []
USER = ("CREATE OR REPLACE USER nuncio@'%' IDENTIFIED BY 'secret'; GRANT ALL ON nuncio.* TO nuncio@'%';"
	"DROP DATABASE IF EXISTS nuncio; CREATE DATABASE nuncio")


def test(function):
	TESTS.append(function)
	return function


class Site:
	def __init__(self, build):
		self.build = build
		self.plain = mariadb.MariaDB()
		self.folder = os.path.join(self.plain.folder, "certificates")
		self.ours = certificates.Authority(os.path.join(self.folder, "ours"), "our CA")
		self.others = certificates.Authority(os.path.join(self.folder, "others"), "another CA")
		certificate, key = self.ours.sign("server", "127.0.0.1")
		self.tls = mariadb.MariaDB("--bind-address=127.0.0.1,127.0.0.2", f"--ssl-ca={self.ours.ca}", f"--ssl-cert={certificate}", f"--ssl-key={key}")
		for server in (self.plain, self.tls):
			server.start()

	def close(self):
		for server in (self.plain, self.tls):
			server.stop()

	def nunciod(self, server=None, address="nuncio:secret@127.0.0.1:%d/nuncio", **options):
		server = server or self.plain
		return Server(self.build, "store_mysql auth_jwt direct history".split(), {
			"core": {"store": "store_mysql"},
			"store_mysql": {"servers": address % server.port if "%d" in address else address, "shards": "1",
				"timeout": "1s", "start_without": "fail", **options}})


def ends(nunciod, *words, seconds=10):
	"""It does not start, soon, and its log says why."""
	nunciod.start(wait=False)
	try:
		status = nunciod.process.wait(seconds * wire.SLOW)
		said = nunciod.log_text()
		assert status not in (0, None) and status > 0, f"ended with {status}"
		for word in words:
			assert word in said, f"{word!r} is not in: {said[-1500:]}"
	finally:
		nunciod.kill()
		nunciod.remove()


def works(nunciod):
	"""It starts, and a message is stored."""
	try:
		nunciod.start()
		ann = nunciod.client("ann")
		answer = ann.call("message.send", {"to": {"user": "bob"}, "client_id": "1", "body": "x"})
		assert answer["code"] == 0, answer
		ann.say_close()
		nunciod.stop()
		troubles = nunciod.verdict()
		assert not troubles, troubles
	finally:
		nunciod.kill()
		nunciod.remove()


# ---- not there

@test
def down_and_fail(site):
	"""start_without = fail: it ends and names the server."""
	port = mariadb.free_port()
	ends(site.nunciod(address=f"nuncio:secret@127.0.0.1:{port}/nuncio"), f"127.0.0.1:{port}/nuncio", "Can't connect")


@test
def down_and_wait(site):
	"""start_without = wait: it says what it waits for, serves nobody, and goes on when the server is there."""
	site.plain.query(USER)
	site.plain.kill()
	nunciod = site.nunciod(start_without="wait")
	try:
		nunciod.start(wait=False)
		assert nunciod.log_has("trying again", 5)
		assert "Can't connect" in nunciod.log_text() and nunciod.is_running()
		try:
			wire.http(nunciod.port, "GET", "/readyz", timeout=0.5)
			raise AssertionError("somebody is served")
		except (OSError, wire.Silence):
			pass
		site.plain.start()
		nunciod.wait_ready(10)
	finally:
		if site.plain.process.poll() is not None:
			site.plain.start()
		nunciod.stop()
		troubles = nunciod.verdict()
		nunciod.remove()
	assert not troubles, troubles


@test
def down_and_told_to_stop(site):
	"""SIGTERM ends the waiting."""
	nunciod = site.nunciod(address=f"nuncio:secret@127.0.0.1:{mariadb.free_port()}/nuncio", start_without="wait")
	try:
		nunciod.start(wait=False)
		assert nunciod.log_has("trying again", 5)
		begin = time.monotonic()
		nunciod.process.terminate()
		nunciod.process.wait(5 * wire.SLOW)
		assert time.monotonic() - begin < 3 * wire.SLOW
	finally:
		nunciod.kill()
		nunciod.remove()


# ---- there, and not what it should be

@test
def wrong_password(site):
	site.plain.query(USER)
	ends(site.nunciod(address="nuncio:wrong@127.0.0.1:%d/nuncio"), "Access denied for user 'nuncio'@")


@test
def secret_is_kept(site):
	"""A password is in no log line and in no output."""
	site.plain.query(USER)
	nunciod = site.nunciod(address="nuncio:hush-hush@127.0.0.1:%d/nuncio")
	nunciod.write_config()
	shown = subprocess.run(nunciod.command("--show-config"), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
		check=False).stdout
	assert "servers" in shown and "hush-hush" not in shown, shown
	nunciod.start(wait=False)
	nunciod.process.wait(10 * wire.SLOW)
	said = nunciod.log_text()
	nunciod.remove()
	assert "Access denied" in said and "hush-hush" not in said, said


@test
def unknown_database(site):
	site.plain.query(USER + "; GRANT ALL ON *.* TO nuncio@'%'")
	ends(site.nunciod(address="nuncio:secret@127.0.0.1:%d/elsewhere"), "Unknown database 'elsewhere'")


@test
def foreign_tables(site):
	"""No waiting: it will not get better."""
	site.plain.query(USER + "; CREATE TABLE nuncio.shop (x INT)")
	ends(site.nunciod(start_without="wait"), "tables of another program")


@test
def other_shards(site):
	site.plain.query(USER)
	works(site.nunciod())
	ends(site.nunciod(start_without="wait", shards="4"), "shards or servers are not those the database was made with")


@test
def newer_tables(site):
	site.plain.query(USER)
	works(site.nunciod())
	site.plain.query("UPDATE nuncio.meta SET value='999' WHERE name='version'")
	ends(site.nunciod(start_without="wait"), "schema version 999", "use a newer nunciod")


@test
def not_durable(site):
	"""Only said, since it is the operator's database."""
	site.plain.query(USER)
	site.plain.query("SET GLOBAL innodb_flush_log_at_trx_commit=2")
	nunciod = site.nunciod()
	try:
		nunciod.start()
		assert nunciod.log_has("innodb_flush_log_at_trx_commit is 2")
		nunciod.stop()
	finally:
		site.plain.query("SET GLOBAL innodb_flush_log_at_trx_commit=1")
		nunciod.kill()
		nunciod.remove()


# ---- TLS

def tls(site, **options):
	return site.nunciod(site.tls, **{"tls": "on", "tls_ca": site.ours.ca, **options})


@test
def tls_good(site):
	"""The user may only come with TLS, so that they come shows that it is spoken."""
	site.tls.query(USER + "; ALTER USER nuncio@'%' REQUIRE SSL")
	works(tls(site))


@test
def tls_off_and_wanted(site):
	site.tls.query(USER + "; ALTER USER nuncio@'%' REQUIRE SSL")
	ends(site.nunciod(site.tls), "Access denied for user 'nuncio'@")


@test
def tls_wrong_ca(site):
	site.tls.query(USER)
	ends(tls(site, tls_ca=site.others.ca), "TLS/SSL error", "certificate")


@test
def tls_wrong_name(site):
	"""A good certificate, of somebody else."""
	site.tls.query(USER)
	address = f"nuncio:secret@127.0.0.2:{site.tls.port}/nuncio"
	ends(site.nunciod(site.tls, address, tls="on", tls_ca=site.ours.ca), "TLS/SSL error", "certificate")


@test
def tls_unverified(site):
	"""tls_verify = off: enciphered, whoever it is."""
	site.tls.query(USER + "; ALTER USER nuncio@'%' REQUIRE SSL")
	works(site.nunciod(site.tls, f"nuncio:secret@127.0.0.2:{site.tls.port}/nuncio", tls="on", tls_verify="off"))


@test
def tls_not_offered(site):
	"""A server without TLS gets no password."""
	site.plain.query(USER)
	ends(site.nunciod(tls="on", tls_ca=site.ours.ca), "TLS/SSL error")


@test
def tls_client_certificate(site):
	site.tls.query(USER + "; ALTER USER nuncio@'%' REQUIRE X509")
	certificate, key = site.ours.sign("client")
	works(tls(site, tls_cert=certificate, tls_key=key))
	ends(tls(site), "Access denied for user 'nuncio'@")


@test
def tls_options(site):
	"""What cannot be meant is refused before anything is opened, by --check too."""
	certificate, _ = site.ours.sign("lonely")
	for options, words in (({"tls": "off"}, "tls_ca means nothing with tls = off"),
			({"tls_ca": "/nowhere/ca.pem"}, "tls_ca = /nowhere/ca.pem: No such file"),
			({"tls_cert": certificate}, "tls_cert and tls_key belong together")):
		nunciod = tls(site, **options)
		nunciod.write_config()
		done = subprocess.run(nunciod.command("--check"), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
			check=False)
		nunciod.remove()
		assert done.returncode != 0 and words in done.stdout, done.stdout


# ---- is it whole

# What is broken, and what has to be said of it. The shard has d:3:ann:bob with two messages, the other one nothing.
DAMAGE = {
	"UPDATE message_00 SET seq=3 WHERE seq=2": ("hole", "2 events, seq 1 to 3"),
	"UPDATE head_00 SET last_seq=7 WHERE last_seq=2": ("head", "the head says seq 7, the log ends with 2"),
	"UPDATE head_00 SET members=5 WHERE last_seq=2": ("head", "the head counts 5 members, there are 2"),
	"UPDATE member_00 SET read_=9 WHERE user='bob'": ("cursor", "bob has delivered 0, read 9"),
	"UPDATE message_00 SET target=2 WHERE seq=1": ("change", "seq 1 changes seq 2, which is not before it"),
	"UPDATE message_00 SET changed=2 WHERE seq=1": ("change", "seq 1 was changed by seq 2, which says otherwise"),
	"INSERT INTO mention_00 SELECT number,'bob',99 FROM head_00 WHERE last_seq=2":
		("reference", '"bob" is called in seq 99, which is not there'),
	"UPDATE message_00 SET conversation=9999": ("reference", "2 events of no conversation"),
	"UPDATE member_00 SET conversation=9999": ("reference", "ann is a member of no conversation"),
}


def whole(nunciod):
	done = control.ctl(nunciod, "--json", "mysql", "fsck")
	return done.status, done.json() if done.out else str(done), done


@test
def fsck(site):
	"""What is whole is called so, in parts, too; each kind of damage is named; nothing is mended."""
	site.plain.query(USER)
	nunciod = site.nunciod(shards="2")
	try:
		nunciod.start()
		ann = nunciod.client("ann")
		for i in range(2):
			assert ann.call("message.send", {"to": {"user": "bob"}, "client_id": str(i), "body": "x"})["code"] == 0
		ann.say_close()
		shard = site.plain.query("SELECT COUNT(*) FROM nuncio.message_00").stdout.strip()
		name = "00" if shard == "2" else "01"
		many = "INSERT INTO nuncio.head_%s (id) SELECT CONCAT('x:',seq) FROM nuncio_seq.seq_1_to_1200"
		site.plain.query("CREATE DATABASE IF NOT EXISTS nuncio_seq;" + many % name)
		status, answer, done = whole(nunciod)
		assert status == 0 and answer["ok"] and answer["problems"] == [], done
		assert (answer["conversations"], answer["events"], answer["members"]) == (1, 2, 2), done
		for harm, (kind, words) in DAMAGE.items():
			copy = [f"CREATE TABLE kept_{table} AS SELECT * FROM {table}_{name}" for table in ("head", "message", "member", "mention")]
			site.plain.query("USE nuncio;" + ";".join(copy) + ";" + harm.replace("_00", "_" + name))
			status, answer, done = whole(nunciod)
			found = [problem for problem in answer["problems"] if problem["kind"] == kind and words in problem["what"]]
			assert status == 1 and not answer["ok"] and found and answer["problem_count"] >= 1, (harm, str(done))
			back = [f"DELETE FROM {table}_{name};INSERT INTO {table}_{name} SELECT * FROM kept_{table};DROP TABLE kept_{table}"
				for table in ("head", "message", "member", "mention")]
			site.plain.query("USE nuncio;" + ";".join(back))
		assert whole(nunciod)[0] == 0
		site.plain.pause()
		try:
			done = control.ctl(nunciod, "mysql", "fsck")
			assert done.status == 1 and "127.0.0.1" in done.err, done
		finally:
			site.plain.resume()
		nunciod.stop()
	finally:
		nunciod.kill()
		nunciod.remove()


def main():
	parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
	parser.add_argument("--build", required=True)
	parser.add_argument("--only", action="append", default=[])
	args = parser.parse_args()
	build = Build(args.build)
	site = Site(build)
	passed = failed = 0
	try:
		for function in TESTS:
			if args.only and not any(word in function.__name__ for word in args.only):
				continue
			try:
				function(site)
				passed += 1
				print(f"ok   {function.__name__}", flush=True)
			except Exception:
				failed += 1
				print(f"FAIL {function.__name__}\n{traceback.format_exc()}", flush=True)
	finally:
		site.close()
		build.close()
	print(f"{passed} passed, {failed} failed, 0 skipped")
	return 1 if failed else 0


if __name__ == "__main__":
	sys.exit(main())
