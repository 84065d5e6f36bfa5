/* SPDX-License-Identifier: MIT */
#include "accounts.h"

/*
 * Families of refresh tokens: one record (accounts.refresh, user, family) for one sign-in and all
 * that was renewed from it. A user has at most sign_ins_per_user of them, or whoever knows one
 * password could fill the store: the write of a new one ends those that were used longest ago. Two
 * sign-ins at the same moment may each leave one too many, until the next one.
 */

#include <string.h>

static void put_text(struct nuncio_json *json, const char *key, const char *text)
{
	nuncio_json_key(json, key);
	nuncio_json_put_text(json, nuncio_text(text));
}

/* ---- writing ---- */

static void on_family_saved(int status, void *user)
{
	struct flow *f = user;
	if (status < 0 && status != NUNCIO_E_EXISTS && status != NUNCIO_E_CONFLICT)
		flow_fail(f, status);
	else
		f->next_status(f, status);
}

static void family_write(const struct flow *f, struct nuncio_json *out)
{
	nuncio_json_object_begin(out);
	put_text(out, "hash", f->made.hash);
	put_text(out, "device", f->device);
	nuncio_json_key(out, "used_at_ms");
	nuncio_json_put_int(out, nuncio_wall_ms());
	nuncio_json_key(out, "epoch");
	nuncio_json_put_int(out, f->account.epoch);
	nuncio_json_object_end(out);
}

static struct nuncio_record_write ending(const struct flow *f, const char *family)
{
	return (struct nuncio_record_write){ .size = sizeof(struct nuncio_record_write),
		.space = nuncio_text(SPACE_REFRESH),
		.owner = nuncio_text(f->id),
		.key = nuncio_text(family) };
}

void family_save(struct flow *f, int64_t expect, flow_status_fn *next)
{
	struct nuncio_json *family = nuncio_json_new(), *account = nuncio_json_new();
	struct nuncio_str owner = nuncio_text(f->account.id);
	family_write(f, family);
	if (f->new_hash[0])
		memcpy(f->account.hash, f->new_hash, sizeof f->account.hash);
	account_write(&f->account, account);
	struct nuncio_record_write writes[2 + FAMILY_ENDS_MAX] = {
		{ .size = sizeof writes[0],
			.flags = f->new_hash[0] ? 0 : NUNCIO_WRITE_CHECK,
			.space = nuncio_text(SPACE_ACCOUNT),
			.owner = owner,
			.key = { "", 0 },
			.value = nuncio_json_str(account),
			.expect = (int64_t)f->account.version },
		{ .size = sizeof writes[0],
			.space = nuncio_text(SPACE_REFRESH),
			.owner = owner,
			.key = nuncio_text(f->made.family),
			.value = nuncio_json_str(family),
			.expect = expect,
			.expires_at_ms = nuncio_wall_ms() + f->a->refresh_ttl_ms },
	};
	for (size_t i = 0; i < f->end_count; i++)
		writes[2 + i] = ending(f, f->ends[i].family);
	f->next_status = next;
	int rc = nuncio_store_write(f->a->self, writes, 2 + f->end_count, on_family_saved, f);
	nuncio_json_free(&family);
	nuncio_json_free(&account);
	if (rc < 0)
		flow_fail(f, rc);
}

void family_end(struct flow *f, nuncio_written_fn *done)
{
	struct nuncio_record_write write = ending(f, f->refresh.family);
	int rc = nuncio_store_write(f->a->self, &write, 1, done, f);
	if (rc < 0)
		flow_fail(f, rc);
}

/* ---- which ones end ---- */

/* What does not say when it was used is from before that was written down. */
static int64_t used_at_ms(const struct nuncio_record *row)
{
	struct nuncio_str number;
	int64_t used_at_ms = 0;
	if (nuncio_json_check(row->value, NULL) < 0 ||
		nuncio_json_get(row->value, "used_at_ms", &number) != 1 ||
		nuncio_json_int(number, &used_at_ms) < 0)
		return 0;
	return used_at_ms;
}

/* Keeps the `most` oldest, the oldest first. */
static void note_end(struct flow *f, const struct nuncio_record *row, size_t most)
{
	struct family_ending one = { .used_at_ms = used_at_ms(row) };
	size_t at = f->end_count;
	if (nuncio_text_copy(row->key, one.family, sizeof one.family) < 0)
		return;
	if (at == most && f->ends[--at].used_at_ms <= one.used_at_ms)
		return;
	for (; at > 0 && f->ends[at - 1].used_at_ms > one.used_at_ms; at--)
		f->ends[at] = f->ends[at - 1];
	f->ends[at] = one;
	if (f->end_count < most)
		f->end_count++;
}

static void on_families(
	int status, const struct nuncio_record *rows, size_t n, int more, void *user)
{
	struct flow *f = user;
	size_t most = n < f->a->sign_ins ? 0 : n - f->a->sign_ins + 1;
	(void)more;
	if (status < 0) {
		flow_fail(f, status);
		return;
	}
	if (most > FAMILY_ENDS_MAX)
		most = FAMILY_ENDS_MAX;
	f->end_count = 0;
	for (size_t i = 0; most > 0 && i < n; i++)
		note_end(f, &rows[i], most);
	f->next(f);
}

void family_choose(struct flow *f, flow_fn *next)
{
	const struct nuncio_records_query query = { .size = sizeof query,
		.space = nuncio_text(SPACE_REFRESH),
		.owner = nuncio_text(f->id),
		.limit = f->a->sign_ins + FAMILY_ENDS_MAX - 1 };
	f->next = next;
	int rc = nuncio_store_list(f->a->self, &query, on_families, f);
	if (rc < 0)
		flow_fail(f, rc);
}
