# SPDX-License-Identifier: MIT
"""Many at once: passwords, refresh tokens, keys. Each request gets one answer, and nobody else waits."""
import concurrent.futures
import os
import sqlite3
import time

from lib import wire
from lib.cases import case
from lib.server import CODES

CHEAP = {"hash_ops": "1", "hash_memory": "8K", "failures_per_user": "0", "failures_per_address": "0",
	"hashes_per_user": "0", "hashes_per_address": "0"}
SLOW = {"hash_ops": "6", "hash_memory": "32M", "hash_threads": "1"}


def name_of(answer):
	return CODES[answer.json()["code"]]


def sign_up(t, user, password="correct horse"):
	answer = t.server.http("POST", "/api/v1/users", {"id": user, "password": password})
	assert answer.status == 201, answer.body
	return sign_in(t, user, password)


def sign_in(t, user, password="correct horse"):
	answer = t.server.http("POST", "/api/v1/auth/login", {"user": user, "password": password})
	assert answer.status == 200, answer.body
	return answer.json()["data"]


def refresh(t, token):
	return t.server.http("POST", "/api/v1/auth/refresh", {"refresh_token": token})


def look(t, token):
	return t.server.http("GET", "/api/v1/conversations", token=token)


def at_once(count, function):
	with concurrent.futures.ThreadPoolExecutor(count) as pool:
		return list(pool.map(function, range(count)))


@case("one refresh token used ten times at once: at most one renewal, then the family is dead", settings={"accounts": CHEAP})
def refresh_race(t):
	first = sign_up(t, "ann")
	other = sign_in(t, "ann")
	for _ in range(5):
		answers = at_once(10, lambda _: refresh(t, first["refresh_token"]))
		good = [a.json()["data"] for a in answers if a.status == 200]
		assert len(good) <= 1, f"{len(good)} renewals by one token"
		assert all(name_of(a) == "refresh_invalid" for a in answers if a.status != 200), [a.body for a in answers]
		for data in good + [first]:
			assert name_of(refresh(t, data["refresh_token"])) == "refresh_invalid"
		first = sign_in(t, "ann")
	assert refresh(t, other["refresh_token"]).status == 200, "another sign-in was touched"


@case("one id taken ten times at once: one account", settings={"accounts": CHEAP})
def registration_race(t):
	answers = at_once(10, lambda n: t.server.http("POST", "/api/v1/users",
		{"id": "ann", "password": f"password {n}", "name": f"Name {n}"}))
	assert sorted(a.status for a in answers) == [201] + [409] * 9, [a.body for a in answers]
	winner = next(n for n, a in enumerate(answers) if a.status == 201)
	data = sign_in(t, "ann", f"password {winner}")
	found = t.server.http("GET", "/api/v1/users?query=name", token=data["access_token"]).json()["data"]["users"]
	assert [one["name"] for one in found] == [f"Name {winner}"], found


@case("a password changed while others sign in and renew: what began with the old one ends with it", settings={"accounts": CHEAP})
def password_race(t):
	data = sign_up(t, "ann")
	tokens = [sign_in(t, "ann")["refresh_token"] for _ in range(6)]

	def act(n):
		if n == 3:
			return t.server.http("PUT", "/api/v1/users/ann", {"password": "new password",
				"current_password": "correct horse"}, token=data["access_token"])
		if n % 2:
			return refresh(t, tokens[n % 6])
		return t.server.http("POST", "/api/v1/auth/login", {"user": "ann", "password": "correct horse"})

	answers = at_once(12, act)
	assert answers[3].status == 200, answers[3].body
	made = [a.json()["data"] for n, a in enumerate(answers) if n != 3 and a.status == 200]
	for token in [one["refresh_token"] for one in made] + tokens:
		assert name_of(refresh(t, token)) == "refresh_invalid"
	for one in made:
		assert name_of(look(t, one["access_token"])) == "token_invalid"
	assert look(t, sign_in(t, "ann", "new password")["access_token"]).status == 200


@case("a sign-in that is being checked while its password changes, or its account ends, fails", bystanders=False, settings={
	"accounts": {**CHEAP, "hash_ops": "8", "hash_memory": "64M", "hash_threads": "1"}})
def password_race_in_flight(t):
	data = sign_up(t, "ann")

	def act(n, method, body, password):
		if n == 0:
			return t.server.http(method, "/api/v1/users/ann", body, token=data["access_token"], timeout=30)
		time.sleep(0.05)
		return t.server.http("POST", "/api/v1/auth/login", {"user": "ann", "password": password}, timeout=30)

	for method, body, password, status in (
			("PUT", {"password": "new password", "current_password": "correct horse"}, "correct horse", 200),
			("DELETE", {"password": "new password"}, "new password", 204)):
		change, login = at_once(2, lambda n: act(n, method, body, password))
		assert change.status == status, change.body
		assert name_of(login) == "login_failed", login.body
		if method == "PUT":
			data = sign_in(t, "ann", "new password")


def forget_voids(t):
	"""The state that GONE_KEEP_MS brings: what was voided is in the accounts only."""
	t.server.stop()
	with sqlite3.connect(os.path.join(t.server.data_dir, "nuncio.db")) as db:
		assert db.execute("DELETE FROM record WHERE space = 'accounts.void'").rowcount > 0
	db.close()
	t.server.start()


@case("tokens that live for years stay void after the voiding has been forgotten", bystanders=False, settings={"accounts": CHEAP})
def old_tokens(t):
	for user in ("ann", "bob", "zoe"):
		sign_up(t, user)
	old = {user: t.server.token(user, iat=-3 * 86400, exp=3650 * 86400)
		for user in ("ann", "bob", "zoe", "stranger")}
	mute = {user: t.server.token(user, iat=None, exp=3650 * 86400) for user in ("ann", "bob", "zoe")}
	for token in list(old.values()) + list(mute.values()):
		assert look(t, token).status == 200
	answer = t.server.http("PUT", "/api/v1/users/ann", {"password": "new password", "current_password": "correct horse"},
		token=old["ann"])
	assert answer.status == 200, answer.body
	assert t.server.http("DELETE", "/api/v1/users/bob", {"password": "correct horse"}, token=old["bob"]).status == 204
	for forgotten in (False, True):
		if forgotten:
			forget_voids(t)
		for token in (old["ann"], old["bob"], mute["ann"], mute["bob"]):
			assert name_of(look(t, token)) == "token_invalid", forgotten
			try:
				wire.Client(t.server.port, token=token)
				raise AssertionError("a void token opened a session")
			except wire.Refused as refused:
				assert refused.response.status == 401, refused
		for token in (old["zoe"], mute["zoe"], old["stranger"]):
			assert look(t, token).status == 200
			wire.Client(t.server.port, token=token)
	assert look(t, sign_in(t, "ann", "new password")["access_token"]).status == 200


@case("more passwords than the queue takes: the rest is busy, chat goes on", settings={
	"accounts": {**CHEAP, **SLOW, "hash_queue": "2"}})
def hash_queue(t):
	sign_up(t, "ann")
	answers = at_once(12, lambda n: t.server.http("POST", "/api/v1/auth/login",
		{"user": "ann" if n % 2 else "nobody", "password": "correct horse"}, timeout=30))
	names = [name_of(a) for a in answers]
	assert set(names) <= {"ok", "login_failed", "busy"} and "busy" in names, names
	assert names.count("busy") < 12, names
	sign_in(t, "ann")


@case("who is told busy has not guessed", bystanders=False, settings={
	"accounts": {**CHEAP, **SLOW, "hash_queue": "1", "failures_per_user": "30", "failures_per_address": "30"}})
def busy_is_no_guess(t):
	sign_up(t, "ann")
	for _ in range(4):
		answers = at_once(12, lambda n: t.server.http("POST", "/api/v1/auth/login",
			{"user": "ann", "password": "correct horse"}, timeout=30))
		names = [name_of(a) for a in answers]
		assert "busy" in names and set(names) <= {"ok", "busy"}, names
	sign_in(t, "ann")


@case("who knows one password, from one address, takes a few places only", bystanders=False, settings={
	"accounts": {**CHEAP, **SLOW, "hashes_per_user": "2"}})
def places(t):
	def try_one(user):
		answer = t.server.http("POST", "/api/v1/auth/login", {"user": user, "password": "correct horse"}, timeout=30)
		return user, name_of(answer)

	def try_all(users):
		with concurrent.futures.ThreadPoolExecutor(len(users)) as pool:
			return sorted(pool.map(try_one, users))

	for user in ("ann", "bob"):
		sign_up(t, user)
	answers = try_all(["ann"] * 12 + ["bob"])
	assert ("bob", "ok") in answers and ("ann", "ok") in answers and ("ann", "rate_limited") in answers, answers
	assert {name for _, name in answers} == {"ok", "rate_limited"}, answers
	t.server.settings["accounts"].update(hashes_per_user="0", hashes_per_address="3")
	t.server.reload()
	names = [name for _, name in try_all([f"u{n}" for n in range(12)])]
	assert set(names) == {"login_failed", "rate_limited"} and names.count("login_failed") >= 3, names
	assert try_one("ann") == ("ann", "ok")


@case("a user has so many sign-ins and no more: the one used longest ago ends", bystanders=False, settings={
	"accounts": {**CHEAP, "sign_ins_per_user": "3"}})
def sign_ins(t):
	sign_up(t, "bob")
	tokens = [sign_up(t, "ann")["refresh_token"]]
	for _ in range(2):
		time.sleep(0.01)
		tokens.append(sign_in(t, "ann")["refresh_token"])
	time.sleep(0.01)
	tokens[0] = refresh(t, tokens[0]).json()["data"]["refresh_token"]
	sign_in(t, "ann")
	assert name_of(refresh(t, tokens[1])) == "refresh_invalid"
	tokens = [refresh(t, tokens[n]).json()["data"]["refresh_token"] for n in (0, 2)]
	t.server.settings["accounts"]["sign_ins_per_user"] = "1"
	t.server.reload()
	last = sign_in(t, "ann")["refresh_token"]
	assert [name_of(refresh(t, token)) for token in tokens] == ["refresh_invalid"] * 2
	assert refresh(t, last).status == 200


@case("clients that leave, and a stop, while passwords are hashed", bystanders=False, settings={
	"accounts": {**CHEAP, "hash_ops": "4", "hash_memory": "32M", "hash_threads": "1", "hash_queue": "50"}})
def leave_while_hashing(t):
	pipes = []
	for n in range(20):
		body = f'{{"id":"user{n}","password":"correct horse"}}'
		pipe = t.pipe()
		pipe.send(f"POST /api/v1/users HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
			f"Content-Length: {len(body)}\r\n\r\n{body}".encode())
		pipes.append(pipe)
	for pipe in pipes[:10]:
		pipe.close()
	time.sleep(0.05)
	t.server.stop()
	for pipe in pipes[10:]:
		pipe.close()


@case("a storm of ES256 tokens, good and bad, while keys are exchanged: each gets its own answer", settings={
	"auth_jwt": {"cache": "8"}})
def token_storm(t):
	good = [t.server.token(f"user{n}", alg="ES256", kid="es") for n in range(40)]
	bad = [t.server.token(f"user{n}", alg="ES256", kid="es", tamper="body") for n in range(40)]

	def ask(n):
		wrong = n % 3 == 0
		answer = t.server.http("GET", f"/api/v1/users/user{n % 40}", token=(bad if wrong else good)[n % 40])
		return wrong, name_of(answer)

	with concurrent.futures.ThreadPoolExecutor(8) as pool:
		jobs = [pool.submit(ask, n) for n in range(600)]
		for _ in range(3):
			t.server.reload()
		answers = [job.result() for job in jobs]
	assert {a for a in answers} == {(True, "token_invalid"), (False, "not_found")}, set(answers)
