/* SPDX-License-Identifier: MIT */
/*
 * `nuncioctl store copy`, `store progress`, `store release`: the way to another store while people
 * write (provide/store_copy.c does it). Logic thread only.
 */
#include "admin/commands.h"

#include <nuncio/control.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/slice.h"
#include "logic/logic.h"
#include "logic/request_input.h"
#include "provide/store.h"
#include "provide/store_copy.h"
#include "wire/json_out.h"

struct copying {
	struct nuncio_request *rq; /* owned until the end of the copy */
	int64_t begun_ms;
	bool is_final;
};

static void write_copied(struct json_out *out, const struct nuncio_store_counts *counts,
	const struct copying *copying)
{
	json_out_object_begin(out);
	json_out_key_uint(out, "conversations", counts->conversations);
	json_out_key_uint(out, "events", counts->events);
	json_out_key_uint(out, "members", counts->members);
	json_out_key_uint(out, "records", counts->records);
	json_out_key_int(out, "took_ms", clock_mono_ms() - copying->begun_ms);
	json_out_key_bool(out, "writes_refused", copying->is_final);
	json_out_key_cstr(out, "hint",
		copying->is_final ? "the copy is whole; set [core] store to it, and restart"
				  : "the copy was whole a moment ago; nothing else has changed");
	json_out_object_end(out);
}

static void on_copied(int status, const char *why, const struct store_copy_progress *progress,
	const struct nuncio_store_counts *counts, void *user)
{
	struct copying *copying = user;
	struct buf data = { 0 };
	struct json_out out;
	log_write(status < 0 ? LOG_LEVEL_WARN : LOG_LEVEL_INFO, "store", NULL,
		"copy: %s after %lld ms and %u rounds",
		status < 0 ? why : "everything is there, counted on both sides",
		(long long)(clock_mono_ms() - copying->begun_ms), progress->round);
	if (status < 0) {
		request_error(&copying->rq, NUNCIO_CODE_store_failed, "%s", why);
	} else {
		json_out_init(&out, &data);
		write_copied(&out, counts, copying);
		request_reply(&copying->rq, 200, buf_str(&data));
	}
	buf_fini(&data);
	alloc_free(copying);
}

static void on_copy(struct nuncio_request *rq, void *user)
{
	int rehearses = 0;
	struct copying *copying = ALLOC_NEW(struct copying);
	(void)user;
	request_bool(rq, "rehearsal", &rehearses);
	*copying =
		(struct copying){ .rq = rq, .begun_ms = clock_mono_ms(), .is_final = !rehearses };
	int rc = store_copy_start(rq->logic->parts.store, copying->is_final, on_copied, copying);
	if (rc == 0)
		return;
	alloc_free(copying);
	if (rc == NUNCIO_E_UNSUPPORTED)
		request_error(&rq, NUNCIO_CODE_unavailable,
			"no store to copy to: set [core] copy_to, switch that module on, restart; "
			"or the log says why it is not there");
	else if (rc == NUNCIO_E_EXISTS)
		request_error(&rq, NUNCIO_CODE_exists,
			"a copy is under way, or was the last word (store release takes it back)");
	else
		request_status(&rq, rc);
}

static void on_progress(struct nuncio_request *rq, void *user)
{
	struct store_copy_progress progress;
	struct json_out out;
	struct buf *to = &rq->logic->scratch;
	bool is_going_on = store_copy_look(rq->logic->parts.store, &progress);
	(void)user;
	buf_reset(to);
	json_out_init(&out, to);
	json_out_object_begin(&out);
	json_out_key_cstr(&out, "phase", is_going_on ? progress.phase : "none");
	if (is_going_on) {
		json_out_key_uint(&out, "conversations", progress.conversations);
		json_out_key_uint(&out, "events", progress.events);
		json_out_key_uint(&out, "members", progress.members);
		json_out_key_uint(&out, "records", progress.records);
		json_out_key_uint(&out, "waiting", progress.waiting);
		json_out_key_uint(&out, "round", progress.round);
	}
	json_out_object_end(&out);
	request_reply(&rq, 200, buf_str(to));
}

static void on_release(struct nuncio_request *rq, void *user)
{
	(void)user;
	if (store_release(rq->logic->parts.store))
		request_reply(&rq, 200, STR("{\"writes_refused\":false}"));
	else
		request_error(&rq, NUNCIO_CODE_conflict, "writes are not refused");
}

static const struct nuncio_field copy_fields[] = {
	{ "rehearsal", NUNCIO_FIELD_BOOL, 0, 0, 0,
		"only to see that it works and how long it takes: writes go on" },
	{ 0 },
};

const struct nuncio_command copying_commands[] = {
	COMMAND("store.copy", "Copies everything into [core] copy_to; then writes are refused.",
		copy_fields, NUNCIO_CONTROL_SLOW | NUNCIO_CONTROL_CHANGES, on_copy),
	COMMAND("store.progress", "How far a copy is.", NULL, 0, on_progress),
	COMMAND("store.release", "Takes writes again after a copy: the copy is no use then.", NULL,
		NUNCIO_CONTROL_CHANGES, on_release),
	{ 0 },
};
