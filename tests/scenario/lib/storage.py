# SPDX-License-Identifier: MIT
"""Other stores under the same scripts: NUNCIO_TEST_STORE=store_mysql[:SHARDS[:SERVERS]] gives each server of a script
databases of its own instead of a file, on MariaDB servers that are started with the first one and end with the script.

Databases are emptied and used again, because making the tables takes longer than most scripts.
"""
import atexit
import os
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "lib"))
import mariadb  # noqa: E402

lock = threading.Lock()
servers, free = [], []
# Some hundreds of tables each: what a server keeps open of them is its own matter.
options = ["--table-open-cache=4000"]
made = 0


def wanted():
	"""(shards, servers), or None for the store that is always there."""
	words = os.environ.get("NUNCIO_TEST_STORE", "store_sqlite").split(":")
	if words[0] != "store_mysql":
		return None
	return (int(words[1]) if len(words) > 1 else 1), (int(words[2]) if len(words) > 2 else 1)


def start(count):
	while len(servers) < count:
		server = mariadb.MariaDB(*options)
		if not servers:
			atexit.register(stop)
		servers.append(server)
		server.start()
		server.script(mariadb.WIPE)


def stop():
	while servers:
		servers.pop().stop()


def take():
	"""An address list for the option `servers`."""
	global made
	with lock:
		start(wanted()[1])
		if free:
			name = free.pop()
			for server in servers:
				server.query(f"CALL nuncio_tools.wipe('{name}')")
		else:
			made += 1
			name = f"nuncio_{made}"
			for server in servers:
				server.query(f"CREATE DATABASE {name}")
	# Over TCP: the server changes its user, who may not be let into another's folder.
	return name, ", ".join(server.address(name, tcp=True) for server in servers)


def give(name):
	with lock:
		free.append(name)


def apply(server, share=None):
	"""Exchanges the store of a Server that is being made; keeps the name of what it took in server.database. With
	`share` it is the database of that Server, who gives it back."""
	server.database = None
	if not wanted() or "store_sqlite" not in server.modules:
		return
	server.modules[server.modules.index("store_sqlite")] = "store_mysql"
	if share:
		addresses = share.settings["store_mysql"]["servers"]
	else:
		server.database, addresses = take()
	server.settings["core"]["store"] = "store_mysql"
	server.settings["store_mysql"] = {"servers": addresses, "shards": str(wanted()[0]), "start_without": "fail"}


def remove(server):
	if server.database:
		give(server.database)
		server.database = None
