/* SPDX-License-Identifier: MIT */
/*
 * How far people have got, as one reader may know it: their own cursors, and in conversations whose
 * members they may know by name those of the others. The readers of a channel may not: there the
 * service group.v1 is asked, once per conversation, mostly answered from memory.
 */
#include "history.h"

#include <nuncio/service.h>
#include <nuncio/services/group.h>

#include <stdlib.h>

struct mark {
	char conversation[CONVERSATION_BYTES + 1], user[USER_BYTES + 1];
	uint64_t delivered, read;
};

struct screening {
	struct marks *marks;
	const struct nuncio_group_v1 *group; /* NULL: there are none */
	void *impl;
	char who[USER_BYTES + 1];
	size_t at, kept; /* those before `at` have been looked at, `kept` of them stay */
	records_fn *done;
	void *user;
};

void marks_fini(struct marks *marks)
{
	free(marks->all);
	marks->all = NULL;
	marks->count = 0;
}

static void take(struct marks *marks, const struct nuncio_member *rows, size_t n)
{
	marks_fini(marks);
	marks->all = nuncio_alloc((n + 1) * sizeof *marks->all);
	for (size_t i = 0; i < n; i++) {
		struct mark *mark = &marks->all[marks->count];
		mark->delivered = rows[i].delivered;
		mark->read = rows[i].read;
		marks->count += nuncio_text_copy(rows[i].conversation, mark->conversation,
					sizeof mark->conversation) >= 0 &&
				nuncio_text_copy(rows[i].user, mark->user, sizeof mark->user) >= 0;
	}
}

static void end(struct screening *screening, int status)
{
	screening->marks->count = status < 0 ? 0 : screening->kept;
	screening->done(status, screening->user);
	free(screening);
}

static bool is_same(const char *a, const char *b)
{
	return nuncio_text_same(nuncio_text(a), nuncio_text(b));
}

/* Keeps of the conversation at `at` what may be known, and goes on to the next one. */
static void keep(struct screening *screening, bool sees)
{
	struct mark *all = screening->marks->all;
	size_t first = screening->at;
	for (; screening->at < screening->marks->count &&
		is_same(all[screening->at].conversation, all[first].conversation);
		screening->at++)
		if (sees || is_same(all[screening->at].user, screening->who))
			all[screening->kept++] = all[screening->at];
}

static void go_on(struct screening *screening);

/* Answers from memory come at once: as deep as a page has conversations, which are few. */
static void on_standing(int status, const struct nuncio_group_standing *standing, void *user)
{
	struct screening *screening = user;
	if (status < 0) {
		end(screening, status);
		return;
	}
	keep(screening, standing->sees_members);
	go_on(screening);
}

static void go_on(struct screening *screening)
{
	const struct marks *marks = screening->marks;
	while (screening->at < marks->count) {
		const struct mark *mark = &marks->all[screening->at];
		const struct nuncio_str conversation = nuncio_text(mark->conversation);
		bool is_own = is_same(mark->user, screening->who);
		if (!is_own && screening->group &&
			screening->group->is_group(screening->impl, conversation)) {
			int rc = screening->group->standing(screening->impl, conversation,
				nuncio_text(screening->who), on_standing, screening);
			if (rc < 0)
				end(screening, rc);
			return;
		}
		screening->marks->all[screening->kept++] = *mark;
		screening->at++;
	}
	end(screening, 0);
}

void marks_screen(struct nuncio_module *self, struct marks *marks, struct nuncio_str who,
	const struct nuncio_member *rows, size_t n, records_fn *done, void *user)
{
	struct screening *screening = nuncio_alloc(sizeof *screening);
	const struct nuncio_group_v1 *group =
		nuncio_service_find(self, NUNCIO_GROUP_V1, &screening->impl);
	take(marks, rows, n);
	screening->marks = marks;
	screening->group = group;
	screening->done = done;
	screening->user = user;
	nuncio_text_copy(who, screening->who, sizeof screening->who);
	go_on(screening);
}

void marks_write(const struct marks *marks, struct nuncio_json *json)
{
	nuncio_json_key(json, "receipts");
	nuncio_json_array_begin(json);
	for (size_t i = 0; i < marks->count; i++) {
		const struct mark *mark = &marks->all[i];
		nuncio_json_object_begin(json);
		nuncio_json_key(json, "conversation");
		nuncio_json_put_text(json, nuncio_text(mark->conversation));
		nuncio_json_key(json, "user");
		nuncio_json_put_text(json, nuncio_text(mark->user));
		write_number(json, "delivered", mark->delivered);
		write_number(json, "read", mark->read);
		nuncio_json_object_end(json);
	}
	nuncio_json_array_end(json);
}
