# SPDX-License-Identifier: MIT
"""Wrong in one way each: refused, or contained, with one clear line and the right exit status."""
import json
import re
import urllib.error

from rig import ABORTED, CANNOT, CONFIG, case, control, expect, one_line, refused


@case
def no_descriptor(bench):
	refused(bench, ["bad_no_descriptor"], CONFIG, r"bad_no_descriptor\.so: is no nuncio module")


@case
def no_file(bench):
	refused(bench, ["gone"], CONFIG, r"nuncio\.ini:\d+: .*/gone\.so: there is no such module")


@case
def no_shared_object(bench):
	refused(bench, ["bad_file"], CONFIG, r"bad_file\.so: ")


@case
def other_major(bench):
	refused(bench, ["bad_major"], CONFIG, r"built for module ABI 2\.0, this server has 1\.\d+; build it")


@case
def newer_minor(bench):
	refused(bench, ["bad_minor"], CONFIG, r"needs module ABI 1\.\d+.*needs a newer server")


@case
def short_descriptor(bench):
	refused(bench, ["bad_size"], CONFIG, r"bad_size\.so: its descriptor has 16 bytes")


@case
def other_name(bench):
	refused(bench, ["bad_name"], CONFIG, r'bad_name\.so: calls itself "good_name"')


@case
def unresolved_symbol(bench):
	refused(bench, ["bad_symbol"], CONFIG, r"bad_symbol\.so: undefined symbol: nuncio_does_not_exist")


@case
def wrong_option_table(bench):
	refused(bench, ["bad_options"], CONFIG, r'option table of \[bad_options\]: the fallback of size: "11"')


@case
def unknown_option(bench):
	refused(bench, ["api_conf"], CONFIG, r"nuncio\.ini:\d+: \[api_conf\] color: unknown key; allowed: text, ",
		sections="[api_conf]\ncolor = red\n")


@case
def wrong_value(bench):
	refused(bench, ["api_conf"], CONFIG, r'\[api_conf\] count: "100" is out of range; allowed: a whole number, 1 to 99',
		sections="[api_conf]\ncount = 100\n")


@case
def unknown_section(bench):
	refused(bench, ["api_conf"], CONFIG, r"nuncio\.ini:\d+: \[api_cnof\]: unknown section; allowed: ",
		sections="[api_cnof]\ncount = 1\n")


@case
def unknown_core_key(bench):
	refused(bench, [], CONFIG, r"nuncio\.ini:\d+: \[core\] lisen: unknown key; allowed: listen, ", core="lisen = 1")


@case
def wrong_switch(bench):
	refused(bench, [], CONFIG, r'\[modules\] api_conf: "maybe" cannot be read; allowed: on or off',
		sections="api_conf = maybe\n")


@case
def missing_module(bench):
	refused(bench, ["bad_need"], CONFIG, r"module bad_need needs the module api_conf; switch it on in \[modules\]: api_conf = on")


@case
def missing_store(bench):
	refused(bench, ["bad_need_store"], CONFIG, r"module bad_need_store needs store, which no module .*; installed: .*store_bad_a")


@case
def missing_service(bench):
	refused(bench, ["bad_need_service"], CONFIG, r"module bad_need_service needs the service nothing\.v1")


@case
def need_circle(bench):
	refused(bench, ["bad_cycle_a", "bad_cycle_b"], CONFIG,
		r"in a circle: bad_cycle_a needs bad_cycle_b needs bad_cycle_a")


@case
def init_fails(bench):
	refused(bench, ["api_conf", "bad_init"], CONFIG, r"module bad_init: init: the moon is not full")


@case
def start_fails(bench):
	refused(bench, ["api_timer", "bad_start"], CANNOT, r"module bad_start: start: E_BUSY", options=())


@case
def start_fails_late(bench):
	"""Everything that it registered and began is undone; the ones before it are stopped."""
	refused(bench, ["api_timer", "bad_start_busy"], CANNOT,
		r"module bad_start_busy: start: no room for 3 elephants", options=())


@case
def reload_refused(bench):
	"""Named, with its old values, and nobody else is touched."""
	server = bench.load("bad_reload", "api_conf").start()

	def reload(word, text):
		server.write(f"[bad_reload]\nword = {word}\n[api_conf]\ntext = {text}\n")
		return control(server, "reload")["data"]["report"], json.loads(server.get("/m/bad_reload")[2])["data"]

	server.wait_for("ready: ")
	report, word = reload("bad", "two")
	expect(report, "[bad_reload] the module refuses the change: there is nothing good in bad" in report)
	expect(word, word == "good")
	server.wait_for("api: two 3")
	report, word = reload("worse", "three")
	expect(report, any("[bad_reload] the module refuses the change: E_CONFLICT" in line for line in report))
	expect(word, word == "good")
	server.wait_for("api: three 3")
	report, word = reload("fine", "four")
	expect(f"{report} {word}", word == "fine" and not any("refuses" in line for line in report))
	rows = control(server, "modules", module="bad_reload")["data"]["modules"]
	expect(rows, rows[0]["errors"] == 2)
	expect("exit status", server.stop() == 0)


@case
def doubled_op(bench):
	refused(bench, ["bad_op_a", "bad_op_b"], CONFIG, r"module bad_op_b: init: .*bad\.op.*bad_op_a")


@case
def unsized(bench):
	server = bench.load("bad_unsized").start("--check")
	expect("exit status", server.exit_status() == CONFIG)
	said = "\n".join(server.lines())
	for words in ("route GET /m/bad_unsized of module bad_unsized: no function, or its size is not given",
			"route GET /m/bad_unsized of module bad_unsized: field_size is not that of a field",
			"op bad.unsized of module bad_unsized: field_size is not that of a field"):
		expect(f"{words!r} in {said}", words in said)


@case
def doubled_service(bench):
	refused(bench, ["api_service", "bad_service"], CONFIG,
		r"module bad_service: init: the service api_test\.v1 is offered by the module api_service already")


@case
def doubled_store(bench):
	refused(bench, ["store_bad_a", "store_bad_b"], CONFIG,
		r"\[core\] store: several modules provide it \(store_bad_a, store_bad_b\); choose one")


@case
def unknown_store(bench):
	refused(bench, ["store_bad_a"], CONFIG, r"\[core\] store = gone: no module .*; there is: store_bad_a",
		core="store = gone")


@case
def store_does_not_open(bench):
	refused(bench, ["store_bad_a", "store_bad_b"], CANNOT, r"module store_bad_b: open: store_bad_b has no disk",
		core="store = store_bad_b", options=())


@case
def registers_after_init(bench):
	refused(bench, ["bad_late"], CANNOT, r"module bad_late: start: nuncio_hook_add was called outside of init",
		options=())


@case
def ticket_forgotten(bench):
	server = bench.load("bad_forgets").start()
	status, _, body = server.get("/m/bad_forgets")
	expect(f"answer {status} {body}", status == 503 and json.loads(body)["code"] == 5003)
	server.wait_for("no answer within")
	one_line(server, r'"module":"bad_forgets".*may_call: no answer within 30 ms; refused')
	expect("exit status", server.stop() == 0)
	last = server.troubles()[-1]
	expect(last, re.search(r'"module":"bad_forgets".*a ticket of may_call was never given back', last))


@case
def ticket_forgotten_fails_open(bench):
	"""The operator would rather go on; only for what they name."""
	for names, passes in (("may_call", 1), ("bad_forgets", 1), ("bad_forgets.may_call", 1), ("*", 1),
			("may_send, bad_forgets.may_send, other.may_call", 0)):
		server = bench.load("bad_forgets", core=f"fail_open = {names}").start()
		status, _, body = server.get("/m/bad_forgets")
		expect(f"{names}: {status} {body}", status == (200 if passes else 503))
		server.wait_for("no answer within")
		word = "passed" if passes else "refused"
		one_line(server, rf'"module":"bad_forgets".*may_call: no answer within 30 ms; {word}')
		rows = control(server, "callbacks", module="bad_forgets")["data"]["callbacks"]
		rows = [row["timeouts"] for row in rows if row["callback"] == "may_call"]
		expect(f"counted: {rows}", rows == [1])
		server.stop()
		server.end()
	for names, why in (("may_sned", "no such may_. hook"), ("x.did_store", "no such may_. hook"), ("a b", "each must be")):
		refused(bench, ["bad_forgets"], CONFIG, rf"\[core\] fail_open: .*{why}", core=f"fail_open = {names}")
		bench.server.end()


@case
def ticket_has_a_limit(bench):
	server = bench.load("bad_forgets", core="answer_timeout = 10ms").start()
	server.get("/m/bad_forgets")
	server.wait_for("may_call: no answer within 10 ms; refused")
	expect("exit status", server.stop() == 0)


@case
def question_ends_before_its_request(bench):
	why = r"\[core\] answer_timeout: .*must be less than request_timeout"
	refused(bench, ["bad_forgets"], CONFIG, why, core="request_timeout = 1s\nanswer_timeout = 1s")
	server = bench.load("bad_forgets", core="request_timeout = 1s",
		sections="[bad_forgets]\npatience = 60s").start()
	server.get("/m/bad_forgets")
	server.wait_for("may_call: no answer within 800 ms; refused")
	expect("exit status", server.stop() == 0)


@case
def ticket_given_twice(bench):
	server = bench.load("bad_twice").start()
	try:
		server.get("/m/bad_twice")
	except (urllib.error.URLError, OSError):
		pass
	expect("exit status", server.exit_status() == ABORTED)
	one_line(server, r"bad_twice answered a ticket of may_call twice")


@case
def callback_blocks(bench):
	server = bench.load("bad_blocks", core="slow_callback = 5ms").start()
	for _ in range(3):
		expect("answer", server.get("/m/bad_blocks")[0] == 200)
	expect("exit status", server.stop() == 0)
	found = sorted(server.troubles())
	expect(f"expected two lines, got {len(found)}", len(found) == 2)
	for line, callback in zip(found, ("may_call", "GET /m/bad_blocks")):
		pattern = rf'"module":"bad_blocks".*slow callback.*"callback":"{callback}"'
		expect(f"expected {pattern!r}", re.search(pattern, line))


@case
def request_without_answer(bench):
	server = bench.load("bad_blocks", core="request_timeout = 1s").start()
	status, _, body = server.get("/m/bad_blocks/silence")
	expect(f"answer {status} {body}", status == 503 and json.loads(body)["code"] == 5003)
	server.wait_for("no answer to")
	one_line(server, r'"module":"bad_blocks".*no answer to /m/bad_blocks/silence within request_timeout')
	expect("exit status", server.stop() == 0)
