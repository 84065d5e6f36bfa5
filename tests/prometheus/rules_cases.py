# SPDX-License-Identifier: MIT
"""For each alert: a history at whose end it fires, with these labels, and one just short of that.

Values are promtool's: a sample a minute, "0+5x20" is 0, 5, 10 ... 100. A label of the alert that is empty here is
only there to be named in its words.
"""
SERVER = {"job": "nuncio", "instance": "a:8800"}
CASES = {}


def series(name, values, **labels):
	inside = ",".join(f'{key}="{value}"' for key, value in {**SERVER, **labels}.items())
	return f"{name}{{{inside}}}", values


def case(alert, at, fires, quiet, **labels):
	assert alert not in CASES
	CASES[alert] = {"at": at, "fires": fires, "quiet": quiet, "labels": labels}


def slow(name, share, over="1", **labels):
	"""A histogram where `share` of a hundred a minute take longer than `over` seconds."""
	return [series(f"{name}_bucket", f"0+{100 - share}x20", le="0.05", **labels),
		series(f"{name}_bucket", f"0+{100 - share}x20", le=over, **labels),
		series(f"{name}_bucket", "0+100x20", le="+Inf", **labels)]


case("NuncioDown", "5m", [series("up", "1 0x10")], [series("up", "0 1x10")])
case("NuncioNotReady", "5m", [series("nuncio_ready", "1 0x10")], [series("nuncio_ready", "1x3 0x1 1x10")])
case("NuncioModuleNotReady", "5m", [series("nuncio_module_ready", "0x10", module="store_mysql")],
	[series("nuncio_module_ready", "1x10", module="store_mysql")], module="store_mysql")
case("NuncioRestarts", "10m", [series("process_start_time_seconds", "1 1 2 2 3 3 4x10")],
	[series("process_start_time_seconds", "1 1 2 2 3 3 3x10")])
case("NuncioRequestsFail", "15m",
	[series("nuncio_answers_total", "0+2x20", result="failed"), series("nuncio_answers_total", "0+98x20", result="ok")],
	[series("nuncio_answers_total", "0+1x20", result="failed"), series("nuncio_answers_total", "0+99x20", result="ok")])
case("NuncioStoreFails", "8m", [series("nuncio_store_job_errors_total", "0x4 1x20", kind="append")],
	[series("nuncio_store_job_errors_total", "7x20", kind="append")], kind="append")
case("NuncioCommitsSlow", "15m", slow("nuncio_store_batch_seconds", 2, access="write"),
	slow("nuncio_store_batch_seconds", 0, access="write") + slow("nuncio_store_batch_seconds", 50, access="read"))
case("NuncioQueueNearLimit", "5m",
	[series("nuncio_queue_depth", "81x10", queue="store_write", thread="store0"),
		series("nuncio_queue_limit", "100x10", queue="store_write", thread="store0")],
	[series("nuncio_queue_depth", "80x10", queue="store_write", thread="store0"),
		series("nuncio_queue_limit", "100x10", queue="store_write", thread="store0"),
		series("nuncio_queue_depth", "1000x10", queue="requests")], queue="store_write", thread="store0")
case("NuncioQueueRefuses", "5m", [series("nuncio_queue_refused_total", "0x3 1x10", queue="work", thread="work0")],
	[series("nuncio_queue_refused_total", "5x10", queue="work", thread="work0")], queue="work", thread="work0")
case("NuncioReadingStops", "15m", [series("nuncio_io_stalls_total", "0+90x20", thread="io-0")],
	[series("nuncio_io_stalls_total", "0+30x20", thread="io-0")], thread="io-0")
case("NuncioLoopLags", "15m", slow("nuncio_loop_lag_seconds", 2, thread="logic"),
	slow("nuncio_loop_lag_seconds", 0, thread="logic"), thread="logic")
case("NuncioLogicBusy", "20m", [series("nuncio_thread_cpu_seconds_total", "0+57x30", thread="logic")],
	[series("nuncio_thread_cpu_seconds_total", "0+50x30", thread="logic"),
		series("nuncio_thread_cpu_seconds_total", "0+59x30", thread="io-0")], thread="logic")
case("NuncioCallbacksSlow", "20m",
	[series("nuncio_callback_slow_total", "0+4x30", module="m", kind="hook", callback="may_send"),
		series("nuncio_callback_slow_total", "0+4x30", module="m", kind="op", callback="m.x")],
	[series("nuncio_callback_slow_total", "0+4x30", module="m", kind="op", callback="m.x")], module="m")
case("NuncioCallbacksLate", "5m",
	[series("nuncio_callback_timeouts_total", "0x2 1x10", module="m", kind="hook", callback="may_send")],
	[series("nuncio_callback_timeouts_total", "3x10", module="m", kind="hook", callback="may_send")], module="m")
case("NuncioQuestionsSlow", "15m", slow("nuncio_question_seconds", 2, over="4.294967296", hook="may_send"),
	slow("nuncio_question_seconds", 0, over="4.294967296", hook="may_send"), hook="may_send")
case("NuncioCallbackErrors", "5m",
	[series("nuncio_callback_errors_total", "0x2 1x10", module="m", kind="hook", callback="may_send")],
	[series("nuncio_callback_errors_total", "3x10", module="m", kind="hook", callback="may_send")], module="m")
case("NuncioDescriptorsNearLimit", "10m",
	[series("process_open_fds", "950x20"), series("process_max_fds", "1000x20")],
	[series("process_open_fds", "950x20"), series("process_max_fds", "-1x20")])
case("NuncioConnectionsNearLimit", "10m",
	[series("nuncio_io_connections", "500x20", state="open", thread="io-0"),
		series("nuncio_io_connections", "410x20", state="open", thread="io-1"), series("nuncio_io_connections_limit", "1000x20")],
	[series("nuncio_io_connections", "500x20", state="open", thread="io-0"),
		series("nuncio_io_connections", "400x20", state="open", thread="io-1"), series("nuncio_io_connections_limit", "1000x20")])
case("NuncioAcceptFails", "5m", [series("nuncio_io_accept_errors_total", "0x2 1x10")],
	[series("nuncio_io_accept_errors_total", "1x10")])
case("NuncioSlowClients", "20m",
	[series("nuncio_io_closed_total", "0+70x30", reason="slow", thread="io-0")],
	[series("nuncio_io_closed_total", "0+50x30", reason="slow", thread="io-0"),
		series("nuncio_io_closed_total", "0+70x30", reason="silent", thread="io-0")])
case("NuncioLogDropped", "5m", [series("nuncio_log_dropped_total", "0x2 9x10")], [series("nuncio_log_dropped_total", "9x10")])
case("NuncioLogErrors", "5m", [series("nuncio_log_lines_total", "0x2 1x10", level="error")],
	[series("nuncio_log_lines_total", "0+9x10", level="warn")])
case("NuncioClockWrong", "5m", [series("nuncio_bus_redis_clock_ahead_seconds", "-3x10")],
	[series("nuncio_bus_redis_clock_ahead_seconds", "2x10")])
case("NuncioWebhookGivesUp", "5m", [series("nuncio_webhook_dead_total", "0x2 4x10")],
	[series("nuncio_webhook_dead_total", "4x10")])
case("NuncioWebhookBehind", "20m", [series("nuncio_webhook_pending", "10001x30")],
	[series("nuncio_webhook_pending", "10000x30")])
