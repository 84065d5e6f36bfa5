# SPDX-License-Identifier: MIT
"""Which figures there are, what they are compared with, and the table.

A sample is one line of one program, as a dict of numbers. Ratios and differences to a floor are
taken round by round, between neighbours in time, and then the median: the machine's speed may
change between rounds, but it is much the same within one.
"""
import statistics

# What store_sqlite writes for one message that is alone in its commit, at the pace of the load `latency`: three
# pages with the headers of the log, over room that is there.
COMMIT_FLOOR = ["floor_fsync", "-s", str(3 * (4096 + 24)), "-g", "2", "-o"]

# Kinds of target: ratio_least, ratio_most (value / floor), over_most (value - floor), least, most.
# A "goal" is what must be reached, an "aim" what would be good.
# (name, load, field, floor, floor's field, kind, target, what is asked)
FIGURES = [
	("idle memory at 5,000, B", "idle", "private_5000", None, None, "most", 2048, "goal"),
	("idle memory at 15,000, B", "idle", "private_15000", None, None, "most", 2048, "goal"),
	("idle memory at 15,000, B", "idle", "private_15000", None, None, "most", 1024, "aim"),
	("  after one ping each, B", "idle", "private_touched", None, None, "most", 2048, "aim"),
	("ping depth 1, /s", "ping", "per_s", "echo", "per_s", "ratio_least", 0.6, "goal"),
	("  server CPU each, us", "ping", "server_us", "echo", "server_us", "ratio_most", 2, "aim"),
	("ping depth 16, /s", "ping16", "per_s", "echo16", "per_s", None, None, None),
	("  server CPU each, us", "ping16", "server_us", "echo16", "server_us", None, None, None),
	("pairs, messages/s", "pairs", "per_s", "sqlite", "per_s", "ratio_least", 0.4, "goal"),
	("  beside echo depth 1", "pairs", "per_s", "echo", "per_s", "ratio_least", 0.33, "aim"),
	("  server CPU each, us", "pairs", "server_us", "echo", "server_us", None, None, None),
	("acknowledged p50, us", "latency", "ack_p50_us", "fsync", "p50_us", "over_most", 500, "goal"),
	("  beside its commit's fsync", "latency", "ack_p50_us", "commit", "p50_us", "over_most", 500, "aim"),
	("acknowledged p99, us", "latency", "ack_p99_us", "fsync", "p99_us", None, None, None),
	("delivered p50, us", "latency", "delivery_p50_us", "fsync", "p50_us", None, None, None),
	("delivered p99, us", "latency", "delivery_p99_us", "fsync", "p99_us", None, None, None),
	("  with webhook, p50, us", "hooked", "ack_p50_us", "latency", "ack_p50_us", None, None, None),
	("  with webhook, p99, us", "hooked", "ack_p99_us", "latency", "ack_p99_us", "ratio_most", 1.2, "goal"),
	("hook, nobody listens, ns", "hook", "empty_ns", "hook", "test_ns", "ratio_most", 1.5, "goal"),
	("hook, one handler, ns", "hook", "handler_ns", "hook", "clock_ns", "most", 100, "goal"),
	("  one more in a row, ns", "hook", "row_each_ns", "hook", "clock_ns", None, None, None),
	("token logins, /s", "login", "per_s", None, None, "least", 7000, "goal"),
	("  server CPU each, us", "login", "server_us", None, None, None, None, None),
	*(row for name, asked in (("100", None), ("1k", "goal"), ("10k", "goal")) for row in (
		(f"delivered to {name}, /s", f"fanout{name}", "alone_per_s", f"send{name}", "alone_per_s",
			asked and "ratio_least", 0.7, asked),
		("  server CPU each, us", f"fanout{name}", "server_us", f"send{name}", "alone_server_us", None, None, None),
		("  four under way, /s", f"fanout{name}", "per_s", f"send{name}", "per_s", asked and "ratio_least", 0.7, asked),
		("  ten in one burst, gain", f"fanout{name}", "burst_gain", None, None, asked and "least", 4, asked),
	)),
	*(row for name, online in (("1k", "100"), ("100k", "1k")) for row in (
		(f"acknowledged in {name}, us", f"crowd{name}", "ack_p50_us", f"crowd{name}", "two_ack_p50_us",
			"ratio_most", 1.5, "goal"),
		(f"  at {online} online, us more", f"crowd{name}", "fan_out_us", f"send{online}", "alone_round_us",
			"ratio_most", 1.5, "aim"),
		("  memory grown, B", f"crowd{name}", "grown_bytes", None, None, "most", 1000000, "goal"),
	)),
	("on MariaDB, messages/s", "mysql", "per_s", "rows_mysql", "per_s", "ratio_least", 0.4, "goal"),
	("  server CPU each, us", "mysql", "server_us", None, None, None, None, None),
	("page from memory, us", "pages", "cached_us", "pages", "stored_us", "ratio_most", 0.7, "aim"),
	("sync of 10,000 missed, us", "sync", "sync_us", "sync", "rows_us", "ratio_most", 3, "goal"),
	("  with nothing new, us", "sync", "nothing_us", None, None, None, None, None),
]
# What has no server behind it, and so the same figures whatever io_threads is.
ALONE = {"sync", "hook"}
# What is compared with another load, of the same variant, and not with a floor.
BESIDE_LOADS = {"latency"}
SAID = {"ratio_least": ">= {:g}x", "ratio_most": "<= {:g}x", "over_most": "<= +{:g}", "least": ">= {:g}",
	"most": "<= {:,}"}


def pairs_of(rounds, variant, load, field, floor, floor_field):
	"""(value, floor or None) of every round that has both."""
	found = []
	for samples in rounds:
		value = samples.get((load, None if load in ALONE else variant), {}).get(field)
		beside = variant if (floor == load and load not in ALONE) or floor in BESIDE_LOADS else None
		base = samples.get((floor, beside), {}).get(floor_field) if floor else None
		if value is not None and (floor is None or base):
			found.append((value, base))
	return found


def is_reached(kind, target, value, ratio, over):
	return {"ratio_least": lambda: ratio >= target, "ratio_most": lambda: ratio <= target,
		"over_most": lambda: over <= target, "least": lambda: value >= target,
		"most": lambda: value <= target}[kind]()


def figure(rounds, variant, name, load, field, floor, floor_field, kind, target, asked):
	found = pairs_of(rounds, variant, load, field, floor, floor_field)
	if not found:
		return None
	values = [value for value, _ in found]
	row = {"figure": name.strip(), "indent": name.startswith(" "), "load": load, "field": field,
		"io_threads": variant, "value": statistics.median(values), "least": min(values),
		"most": max(values), "floor_name": floor, "floor": None, "ratio": None, "over": None,
		"kind": kind, "target": target, "asked": asked, "verdict": ""}
	if floor:
		row["floor"] = statistics.median(base for _, base in found)
		row["ratio"] = statistics.median(value / base for value, base in found)
		row["over"] = statistics.median(value - base for value, base in found)
	if kind:
		reached = is_reached(kind, target, row["value"], row["ratio"], row["over"])
		row["verdict"] = "ok" if reached else "below"
	return row


def figures(rounds, variants):
	rows = [figure(rounds, variant, *each) for variant in variants for each in FIGURES]
	return [row for row in rows if row]


def number(value):
	if value is None:
		return ""
	return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2f}"


def beside(row):
	if row["kind"] == "over_most":
		return f"{row['over']:+,.0f}"
	return f"{row['ratio']:.2f}" if row["ratio"] is not None else ""


def table(rows):
	head = ("figure", "value", "[least..most]", "floor", "", "beside", "target", "")
	lines, variant = [], object()
	for row in rows:
		if row["io_threads"] != variant:
			variant = row["io_threads"]
			lines.append((f"-- io_threads = {variant}",) + ("",) * 7)
		verdict = f"{row['verdict']} ({row['asked']})" if row["verdict"] else ""
		lines.append((("  " if row["indent"] else "") + row["figure"], number(row["value"]),
			f"[{number(row['least'])}..{number(row['most'])}]", number(row["floor"]),
			row["floor_name"] or "", beside(row),
			SAID[row["kind"]].format(row["target"]) if row["kind"] else "", verdict))
	widths = [max(len(line[i]) for line in [head] + lines) for i in range(len(head))]
	left = (0, 4, 7)
	return "\n".join("  ".join(text.ljust(width) if i in left else text.rjust(width)
		for i, (text, width) in enumerate(zip(line, widths))).rstrip() for line in [head] + lines)
