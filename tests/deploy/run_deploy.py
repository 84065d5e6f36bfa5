#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The examples in contrib/cluster, as far as one machine can try them: HAProxy and nginx really stand before a node and carry
a chat; the Kubernetes manifests fit their schemas, each other, and the server.

Usage: run_deploy.py --build DIR [--only WORD]... [--packages DIR]

--packages: where kubernetes-validate was put (pip install --target); without it that check fails. The last line is the
count of tests.
"""
import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback

import yaml

sys.dont_write_bytecode = True
TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tests", "scenario"))
sys.path.insert(0, os.path.join(TOP, "tests", "lib"))
import certificates  # noqa: E402
from lib import wire  # noqa: E402
from lib.server import USER, Build, Server, free_port  # noqa: E402

CLUSTER = os.path.join(TOP, "contrib", "cluster")
MANIFESTS = os.path.join(CLUSTER, "kubernetes")
TESTS = []


def test(function):
	TESTS.append(function)
	return function


def read(*names):
	with open(os.path.join(CLUSTER, *names)) as file:
		return file.read()


def found(name):
	path = shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/bin")
	if not path:
		raise AssertionError(f"{name} is not installed")
	return path


class Proxy:
	"""A proxy on the example's configuration: other ports, shorter time-outs, nothing else changed."""

	def __init__(self, text, ports, command, check):
		self.folder = tempfile.mkdtemp(prefix="nuncio-proxy-")
		self.port = free_port()
		for old, new in zip((8811, 8812, 8813), ports):
			assert text.count(f"127.0.0.1:{old}") == 1
			text = text.replace(f"127.0.0.1:{old}", f"127.0.0.1:{new}")
		assert text.count("127.0.0.1:8800") == 1
		self.text = text.replace("127.0.0.1:8800", f"127.0.0.1:{self.port}")
		self.command, self.check_command = command, check
		self.process = None

	def file(self):
		path = os.path.join(self.folder, "proxy.conf")
		with open(path, "w") as file:
			file.write(self.text)
		return path

	def check(self):
		done = subprocess.run(self.check_command(self.file(), self.folder), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
			text=True, check=False)
		assert done.returncode == 0, done.stdout
		return done.stdout

	def start(self):
		self.process = subprocess.Popen(self.command(self.file(), self.folder), stdin=subprocess.DEVNULL,
			stdout=subprocess.DEVNULL, stderr=open(os.path.join(self.folder, "err"), "w"))
		until = time.monotonic() + 10 * wire.SLOW
		while True:
			try:
				if wire.http(self.port, "GET", "/api/v1/nothing", timeout=2).status in (401, 404):
					return self
			except (OSError, wire.Closed, wire.Silence):
				pass
			assert time.monotonic() < until and self.process.poll() is None, open(os.path.join(self.folder, "err")).read()
			time.sleep(0.1)

	def stop(self):
		if self.process and self.process.poll() is None:
			self.process.send_signal(signal.SIGTERM)
			try:
				self.process.wait(10)
			except subprocess.TimeoutExpired:
				self.process.kill()
				self.process.wait()
		shutil.rmtree(self.folder, ignore_errors=True)


def haproxy(ports):
	program = found("haproxy")
	text = read("haproxy.cfg")
	assert "maxconn 100000\n" in text and "maxconn 50000\n" in text
	# As many descriptors as a test may have.
	text = text.replace("maxconn 100000\n", "maxconn 1000\n").replace("maxconn 50000\n", "maxconn 500\n")
	return Proxy(text, ports, lambda path, _: [program, "-db", "-f", path],
		lambda path, _: [program, "-c", "-f", path])


def nginx(ports):
	program = found("nginx")
	proxy = Proxy(read("nginx.conf"), ports,
		lambda path, folder: [program, "-p", folder, "-c", path, "-e", "err.log", "-g", f"daemon off; pid {folder}/pid;"],
		lambda path, folder: [program, "-t", "-p", folder, "-c", path, "-e", "err.log", "-g", f"pid {folder}/pid;"])
	assert "/var/log/nginx/nuncio.log" in proxy.text
	proxy.text = proxy.text.replace("/var/log/nginx/nuncio.log", os.path.join(proxy.folder, "access.log"))
	return proxy


def node(build, **core):
	return Server(build, "store_sqlite auth_jwt direct history presence".split(), {"core": {"heartbeat": "500ms", **core}})


def chat_through(server, proxy):
	"""WebSocket both ways, REST, history; over the proxy's port."""
	ann = wire.Client(proxy.port, token=server.token("ann"))
	bob = wire.Client(proxy.port, query=server.token("bob"), protocol="nuncio.frame.v1")
	sent = ann.call("message.send", {"to": {"user": "bob"}, "client_id": "1", "body": "through the proxy \u4f60\u597d" + "x" * 40000})
	assert sent["code"] == 0, sent
	assert bob.expect("message.new")["data"]["seq"] == 1
	answer = wire.http(proxy.port, "POST", "/api/v1/messages", token=server.token("bob"),
		body={"to": {"user": "ann"}, "client_id": "2", "body": "by REST"})
	assert answer.status == 201, answer.body
	assert ann.expect("message.new")["data"]["body"] == "by REST"
	return ann, bob


def origins(server, proxy):
	"""A page of the proxy's own address may connect, another may not: Host has to arrive as it was sent."""
	wire.Client(proxy.port, token=server.token("ann"), headers={"Origin": f"http://127.0.0.1:{proxy.port}"}).say_close()
	try:
		wire.Client(proxy.port, token=server.token("ann"), headers={"Origin": "http://elsewhere.example"})
	except wire.Refused as refused:
		assert refused.response.code() == 3002, refused
	else:
		raise AssertionError("a page from elsewhere may connect")


def inside_only(proxy):
	for path in ("/metrics", "/readyz", "/healthz"):
		assert wire.http(proxy.port, "GET", path).status == 403, path


def stays_open(client):
	"""Silent for longer than the proxy's time-outs, but for the node's pings."""
	assert not client.quiet(4)
	assert client.pings >= 3 and client.call("ping")["code"] == 0


def carries_a_chat(build, make, short):
	"""One node is there, two are not."""
	server = node(build, drain_timeout="2s").start()
	proxy = make((free_port(), server.port, free_port()))
	try:
		proxy.check()
		for old, new in short:
			assert old in proxy.text, old
			proxy.text = proxy.text.replace(old, new)
		proxy.check()
		proxy.start()
		ann, bob = chat_through(server, proxy)
		origins(server, proxy)
		inside_only(proxy)
		stays_open(ann)
		bob.say_close()
		log = os.path.join(proxy.folder, "access.log")
		if os.path.exists(log):
			with open(log) as file:
				said = file.read()
			assert "/ws" in said and "access_token" not in said and "eyJ" not in said, said
		# The node goes: its sessions hear it through the proxy, and when to come back.
		server.signal(signal.SIGTERM)
		closing = ann.expect("session.closing")["data"]
		assert closing["retry_after_ms"] > 0 and ann.wait_closed().code == 1001, closing
		server.wait_stopped()
		server.process = None
		server.start()
		proxy_again(server, proxy)
		server.stop()
		troubles = server.verdict()
		assert not troubles, troubles
	finally:
		proxy.stop()
		server.kill()
		server.remove()


def proxy_again(server, proxy):
	"""The node is back, and found by itself."""
	until = time.monotonic() + 15 * wire.SLOW
	while True:
		try:
			ann = wire.Client(proxy.port, token=server.token("ann"))
			assert ann.call("ping")["code"] == 0
			ann.say_close()
			return
		except (wire.Refused, wire.Closed, wire.Silence, OSError, AssertionError):
			assert time.monotonic() < until, "the node is not found again"
			time.sleep(0.2)


@test
def haproxy_carries_a_chat(args):
	carries_a_chat(args.built, haproxy, (("timeout tunnel 90s", "timeout tunnel 2s"), ("timeout client 65s", "timeout client 2s"),
		("timeout server 65s", "timeout server 2s"), ("inter 2s", "inter 500ms")))


@test
def nginx_carries_a_chat(args):
	carries_a_chat(args.built, nginx, (("proxy_read_timeout 90s", "proxy_read_timeout 2s"),
		("proxy_send_timeout 90s", "proxy_send_timeout 2s"), ("fail_timeout=5s", "fail_timeout=1s")))


@test
def haproxy_speaks_tls(args):
	"""The line for TLS, which the example has as a comment."""
	server = node(args.built).start()
	proxy = haproxy((server.port, free_port(), free_port()))
	try:
		certificate, key = certificates.Authority(proxy.folder, "our CA").sign("chat", "127.0.0.1")
		pem = os.path.join(proxy.folder, "both.pem")
		with open(pem, "w") as file:
			file.write(open(certificate).read() + open(key).read())
		port = free_port()
		line = "# bind :443 ssl crt /etc/haproxy/chat.pem alpn http/1.1"
		assert line in proxy.text
		proxy.text = proxy.text.replace(line, f"bind 127.0.0.1:{port} ssl crt {pem} alpn http/1.1")
		proxy.check()
		proxy.start()
		done = subprocess.run(["curl", "-sS", "--cacert", os.path.join(proxy.folder, "ca.pem"), "-H",
			f"Authorization: Bearer {server.token('ann')}", f"https://127.0.0.1:{port}/api/v1/conversations"],
			stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
		assert done.returncode == 0 and '"code":0' in done.stdout, done.stdout
		server.stop()
	finally:
		proxy.stop()
		server.kill()
		server.remove()


@test
def haproxy_leaves_out_who_is_not_ready(args):
	"""/readyz decides, not whether the port is open: two nodes, the first one says 503."""
	servers = [node(args.built).start() for _ in range(2)]
	proxy = haproxy((servers[0].port, servers[1].port, free_port()))
	try:
		proxy.text = proxy.text.replace("inter 2s", "inter 200ms").replace("GET uri /readyz", "GET uri /readyz-of-nobody", 1)
		assert "readyz-of-nobody" in proxy.text
		proxy.process = subprocess.Popen(proxy.command(proxy.file(), proxy.folder), stdin=subprocess.DEVNULL,
			stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
		until = time.monotonic() + 10 * wire.SLOW
		status = None
		while status != 503 and time.monotonic() < until:
			try:
				status = wire.http(proxy.port, "GET", "/api/v1/nothing", timeout=2).status
			except (OSError, wire.Closed, wire.Silence):
				pass
			time.sleep(0.1)
		assert status == 503, f"nodes that are not ready are asked: {status}"
		for server in servers:
			server.stop()
	finally:
		proxy.stop()
		for server in servers:
			server.kill()
			server.remove()


# ---- Kubernetes

def documents(*names):
	return [one for name in (names or sorted(os.listdir(MANIFESTS))) for one in yaml.safe_load_all(read("kubernetes", name)) if one]


def of_kind(kind, *names):
	return [one for one in documents(*names) if one["kind"] == kind]


@test
def manifests_fit_their_schemas(args):
	"""Strictly: a member that Kubernetes does not know is an error. KEDA's kinds have no schema there."""
	if not args.packages:
		raise AssertionError("kubernetes-validate is not here (--packages)")
	env = dict(os.environ, PYTHONPATH=args.packages)
	for name in sorted(os.listdir(MANIFESTS)):
		done = subprocess.run([sys.executable, "-m", "kubernetes_validate", "--strict", "-k", "1.32",
			os.path.join(MANIFESTS, name)], env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
		unknown = "ScaledObject" in done.stdout
		assert done.returncode == 0 or unknown and "ERROR" not in done.stdout, done.stdout
		assert "passed" in done.stdout or unknown, done.stdout


@test
def manifests_fit_each_other(args):
	"""Selectors find pods, ports have names, a stop has the time it needs, the canary differs in what it must."""
	stable, = of_kind("StatefulSet", "nuncio.yaml")
	canary, = of_kind("StatefulSet", "canary.yaml")
	names = {(one["kind"], one["metadata"]["name"]) for one in documents()}
	for one in (stable, canary):
		spec = one["spec"]["template"]["spec"]
		labels = one["spec"]["template"]["metadata"]["labels"]
		container, = spec["containers"]
		ports = {port["name"] for port in container["ports"]}
		assert one["spec"]["selector"]["matchLabels"].items() <= labels.items()
		assert ("Service", one["spec"]["serviceName"]) in names
		for other in of_kind("Service") + of_kind("PodDisruptionBudget"):
			selector = other["spec"]["selector"]
			assert selector.get("matchLabels", selector).items() <= labels.items(), other["metadata"]["name"]
		for probe, path in (("startupProbe", "/healthz"), ("livenessProbe", "/healthz"), ("readinessProbe", "/readyz")):
			assert container[probe]["httpGet"]["path"] == path and container[probe]["httpGet"]["port"] in ports
		volumes = {volume["name"]: volume for volume in spec["volumes"]}
		assert {mount["name"] for mount in container["volumeMounts"]} == volumes.keys()
		assert ("Secret", volumes["config"]["secret"]["secretName"]) in names
		sleep = int(container["lifecycle"]["preStop"]["exec"]["command"][1])
		drain = int(re.search(r"drain_timeout = (\d+)s", ini()).group(1))
		assert sleep + drain + 3 < spec["terminationGracePeriodSeconds"]
	for service in of_kind("Service"):
		assert all(port["targetPort"] == "http" for port in service["spec"]["ports"])
	for rule in of_kind("Ingress")[0]["spec"]["rules"]:
		for path in rule["http"]["paths"]:
			assert ("Service", path["backend"]["service"]["name"]) in names
			assert not path["path"].startswith(("/metrics", "/readyz", "/healthz"))
	assert stable["spec"]["selector"] != canary["spec"]["selector"]
	ours, theirs = (one["spec"]["template"]["spec"]["containers"][0] for one in (stable, canary))
	assert {key for key in ours if ours[key] != theirs.get(key)} == {"image", "env"} and ours.keys() == theirs.keys()
	assert int(theirs["env"][0]["value"]) + canary["spec"]["replicas"] <= 1024
	assert int(theirs["env"][0]["value"]) > of_kind("ScaledObject")[0]["spec"]["maxReplicaCount"]


def ini():
	secret, = of_kind("Secret", "nuncio.yaml")
	return secret["stringData"]["nuncio.ini"]


@test
def manifests_fit_the_server(args):
	"""The command of the container is run, and nunciod takes the configuration that it makes."""
	stable, = of_kind("StatefulSet", "nuncio.yaml")
	container, = stable["spec"]["template"]["spec"]["containers"]
	text = ini()
	missing = [name for name in re.findall(r"^    ?(\w+) = on|^(\w+) = on", text, re.M) for name in name
		if name and not os.path.isdir(os.path.join(TOP, "modules", name)) and name not in ("metrics", "cluster")]
	if missing:
		raise AssertionError(f"not built here: {' '.join(missing)}")
	folder = tempfile.mkdtemp(prefix="nuncio-pod-")
	try:
		for place in ("etc", "var"):
			os.makedirs(os.path.join(folder, place))
		key = of_kind("Secret", "nuncio.yaml")[0]["stringData"]["token.key"]
		with open(os.path.join(folder, "etc", "token.key"), "w") as file:
			file.write(key)
		os.chmod(os.path.join(folder, "etc", "token.key"), 0o600)
		modules = re.findall(r"^(\w+) = on$", text, re.M)
		others = "\n".join(f"{name} = off" for name in sorted(args.built.modules) if name not in modules)
		with open(os.path.join(folder, "etc", "nuncio.ini"), "w") as file:
			# The pod is nobody special; a test may be root, who has to become somebody.
			own = f"[core]\nmodule_path = {args.built.plugs}" + (f"\nuser = {USER}" if os.geteuid() == 0 else "")
			file.write(text.replace("[core]", own).replace("[modules]", f"[modules]\n{others}"))
		script = container["args"][0].replace("/etc/nuncio", f"{folder}/etc").replace("/var/lib/nuncio", f"{folder}/var")
		assert script.count("exec nunciod") == 1
		script = script.replace("exec nunciod", f"exec {args.built.program} --check")
		with open(os.path.join(folder, "etc", "nuncio.ini")) as file:
			made = file.read().replace("/etc/nuncio", f"{folder}/etc").replace("/var/lib/nuncio", f"{folder}/var")
		with open(os.path.join(folder, "etc", "nuncio.ini"), "w") as file:
			file.write(made)
		done = subprocess.run([*container["command"], script], env=dict(os.environ, HOSTNAME="nuncio-2", NUMBER_BASE="0"),
			stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
		assert done.returncode == 0, done.stdout
		with open(os.path.join(folder, "var", "nuncio.ini")) as file:
			made = file.read()
		assert "node = nuncio-2\n" in made and "node_number = 2\n" in made and "@" not in made.replace("nuncio:secret@", "")
	finally:
		shutil.rmtree(folder, ignore_errors=True)


@test
def scaling_looks_at_what_there_is(args):
	"""Metrics that are asked for are metrics that a node has."""
	server = node(args.built).start()
	try:
		said = wire.http(server.port, "GET", "/metrics").body.decode()
		scaled, = of_kind("ScaledObject")
		target = scaled["spec"]["scaleTargetRef"]
		assert (target["kind"], target["name"]) in {(one["kind"], one["metadata"]["name"]) for one in documents("nuncio.yaml")}
		asked = re.findall(r"nuncio_\w+", " ".join(trigger["metadata"]["query"] for trigger in scaled["spec"]["triggers"]))
		assert asked
		for name in asked:
			assert re.search(rf"^{name}[ {{]", said, re.M), name
		server.stop()
	finally:
		server.kill()
		server.remove()


def main():
	parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
	parser.add_argument("--build", required=True)
	parser.add_argument("--only", action="append", default=[])
	parser.add_argument("--packages")
	args = parser.parse_args()
	args.built = Build(args.build)
	passed = failed = 0
	try:
		for function in TESTS:
			if args.only and not any(word in function.__name__ for word in args.only):
				continue
			try:
				function(args)
				passed += 1
				print(f"ok   {function.__name__}", flush=True)
			except Exception:
				failed += 1
				print(f"FAIL {function.__name__}\n{traceback.format_exc()}", flush=True)
	finally:
		args.built.close()
	print(f"{passed} passed, {failed} failed, 0 skipped")
	return 1 if failed else 0


if __name__ == "__main__":
	sys.exit(main())
