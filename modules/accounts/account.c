/* SPDX-License-Identifier: MIT */
#include "accounts.h"

/*
 * An account is one record (accounts, id, ""), so that everything about it changes in one write.
 * What is deleted stays as a record without name and password: the id is never given to somebody
 * else, who would inherit the conversations.
 */

#include <string.h>

static int text_get(struct nuncio_str value, const char *key, char *out, size_t size)
{
	struct nuncio_str text;
	out[0] = '\0';
	return nuncio_json_get(value, key, &text) == 1 ? nuncio_json_text(text, out, size) : 0;
}

static int int_get(struct nuncio_str value, const char *key, int64_t *number_r)
{
	struct nuncio_str text;
	*number_r = 0;
	return nuncio_json_get(value, key, &text) == 1 ? nuncio_json_int(text, number_r) : 0;
}

int account_read(const struct nuncio_record *row, struct account *account_r)
{
	struct account *a = account_r;
	memset(a, 0, sizeof *a);
	if (nuncio_json_check(row->value, NULL) < 0 ||
		nuncio_text_copy(row->owner, a->id, sizeof a->id) < 0 ||
		text_get(row->value, "name", a->name, sizeof a->name) < 0 ||
		text_get(row->value, "password", a->hash, sizeof a->hash) < 0 ||
		int_get(row->value, "epoch", &a->epoch) < 0 ||
		int_get(row->value, "tokens_from_ms", &a->tokens_from_ms) < 0 ||
		int_get(row->value, "created_at_ms", &a->created_at_ms) < 0 ||
		int_get(row->value, "deleted_at_ms", &a->deleted_at_ms) < 0)
		return NUNCIO_E_FAIL;
	a->version = row->version;
	return 0;
}

static void put_text(struct nuncio_json *out, const char *key, const char *text)
{
	nuncio_json_key(out, key);
	nuncio_json_put_text(out, nuncio_text(text));
}

static void put_int(struct nuncio_json *out, const char *key, int64_t number)
{
	nuncio_json_key(out, key);
	nuncio_json_put_int(out, number);
}

enum gone_why account_why(const struct account *account, int64_t issued_ms)
{
	if (account->deleted_at_ms)
		return GONE_DELETED;
	return issued_ms < account->tokens_from_ms ? GONE_PASSWORD : GONE_NOT;
}

void account_write(const struct account *account, struct nuncio_json *out)
{
	nuncio_json_object_begin(out);
	if (account->deleted_at_ms) {
		put_int(out, "deleted_at_ms", account->deleted_at_ms);
	} else {
		put_text(out, "name", account->name);
		put_text(out, "password", account->hash);
	}
	put_int(out, "epoch", account->epoch);
	put_int(out, "tokens_from_ms", account->tokens_from_ms);
	put_int(out, "created_at_ms", account->created_at_ms);
	nuncio_json_object_end(out);
}

void account_show(const struct account *account, struct nuncio_json *out)
{
	nuncio_json_object_begin(out);
	put_text(out, "id", account->id);
	put_text(out, "name", account->name);
	nuncio_json_key(out, "created_at");
	nuncio_json_put_time(out, account->created_at_ms);
	nuncio_json_object_end(out);
}
