/* SPDX-License-Identifier: MIT */
#include "store_case.h"

#include <dirent.h>
#include <limits.h>

struct store_case the;

/* is_full: members change, events change others, sync tells of all; has_search: it has an index. */
static const struct {
	const char *module, *option;
	bool is_durable, is_full, has_search;
} stores[] = {
	{ "store_memory", NULL, false, true, true }, { "store_sqlite", NULL, true, true, true },
	{ "store_sqlite", "readers=0", true, true, true }, /* reads on the write lane */
};

/*
 * The store that a script outside has prepared: NUNCIO_TEST_STORE is its module,
 * NUNCIO_TEST_STORE_OPTIONS its options, separated by |, and NUNCIO_TEST_STORE_WIPE a command that
 * empties it before each test.
 */
static int run_prepared(const char *name, const struct CMUnitTest *tests, size_t n)
{
	static char options[2048];
	const char *given = getenv("NUNCIO_TEST_STORE_OPTIONS");
	size_t count = 0;
	the = (struct store_case){ .so = case_so(getenv("NUNCIO_TEST_STORE")),
		.wipe = getenv("NUNCIO_TEST_STORE_WIPE"),
		.is_durable = true,
		.has_many_writers = true };
	snprintf(options, sizeof(options), "%s", given ? given : "");
	for (char *at = options, *next; at && *at && count + 1 < COUNT_OF(the.options); at = next) {
		next = strchr(at, '|');
		if (next)
			*next++ = '\0';
		the.options[count++] = at;
	}
	return _cmocka_run_group_tests(name, tests, n, NULL, NULL) != 0;
}

int case_run(const char *name, const struct CMUnitTest *tests, size_t n, enum case_stores which)
{
	int failed = 0;
	if (getenv("NUNCIO_TEST_STORE"))
		return run_prepared(name, tests, n);
	for (size_t i = 0; i < COUNT_OF(stores); i++) {
		char title[128];
		if ((which == CASE_FULL_STORES && !stores[i].is_full) ||
			(which == CASE_SEARCH_STORES && !stores[i].has_search))
			continue;
		the = (struct store_case){ .so = case_so(stores[i].module),
			.is_durable = stores[i].is_durable,
			.options = { stores[i].option } };
		snprintf(title, sizeof(title), "%s: %s%s%s", name, stores[i].module,
			stores[i].option ? " " : "", stores[i].option ? stores[i].option : "");
		failed += _cmocka_run_group_tests(title, tests, n, NULL, NULL);
	}
	return failed != 0;
}

const char *case_so(const char *module)
{
	static char path[PATH_MAX];
	const char *build = getenv("top_builddir");
	snprintf(path, sizeof(path), "%s/modules/%s/.libs/%s.so", build ? build : ".", module,
		module);
	return path;
}

void case_path(char *out, size_t size, const char *name)
{
	snprintf(out, size, "%s/%s", the.dir, name);
}

void case_open(void)
{
	struct nuncio_error err = { "" };
	the.host = store_host_open(the.so, the.dir, the.options, &err);
	if (!the.host)
		fail_msg("%s", err.text);
}

void case_close(void)
{
	store_host_close(&the.host);
}

int case_setup(void **state)
{
	(void)state;
	if (the.wipe && system(the.wipe) != 0)
		return -1;
	snprintf(the.dir, sizeof(the.dir), "/tmp/nuncio_store.XXXXXX");
	if (!mkdtemp(the.dir))
		return -1;
	the.last_id = 1000;
	store_host_set_wall_ms(0);
	case_open();
	return 0;
}

int case_teardown(void **state)
{
	char path[512];
	(void)state;
	case_close();
	DIR *dir = opendir(the.dir);
	for (struct dirent *e; dir && (e = readdir(dir));) {
		case_path(path, sizeof(path), e->d_name);
		if (e->d_name[0] != '.')
			unlink(path);
	}
	if (dir)
		closedir(dir);
	return rmdir(the.dir);
}

struct nuncio_str text_of(const char *s)
{
	return (struct nuncio_str){ s, s ? strlen(s) : 0 };
}

struct nuncio_job_append make_append(const struct event_args *args)
{
	static const struct nuncio_str founders[] = { { "alice", 5 }, { "bob", 3 } };
	the.last_id += 7;
	return (struct nuncio_job_append){ .size = sizeof(struct nuncio_job_append),
		.founders = founders,
		.founders_count = 2,
		.writes = args->writes,
		.writes_count = args->writes_count,
		.event = { .size = sizeof(struct nuncio_event),
			.conversation = text_of(args->conversation),
			.id = the.last_id,
			.sent_at_ms = 1795000000000 + (int64_t)the.last_id,
			.type = text_of(args->type ? args->type : "message"),
			.from = text_of(args->from),
			.client_id = text_of(args->client_id),
			.kind = text_of(args->kind ? args->kind : "text"),
			.body = text_of(args->body),
			.extra = text_of(args->extra) } };
}

int append_with(const struct event_args *args, struct nuncio_job *job_r)
{
	struct nuncio_job_append in = make_append(args);
	return append_job(&in, job_r);
}

int append_job(const struct nuncio_job_append *in, struct nuncio_job *job_r)
{
	struct nuncio_job job = { .kind = NUNCIO_JOB_APPEND, .input = in };
	store_host_run(the.host, &job, 1);
	job.input = NULL;
	int status = job.status;
	if (job_r)
		*job_r = job;
	else
		store_host_job_fini(&job);
	return status;
}

uint64_t append(const char *conversation, const char *from, const char *client_id, const char *body)
{
	struct nuncio_job job;
	int status = append_with(&(struct event_args){ .conversation = conversation,
					 .from = from,
					 .client_id = client_id,
					 .body = body },
		&job);
	assert_int_equal(status, 0);
	uint64_t seq = job.seq;
	store_host_job_fini(&job);
	return seq;
}

static int run_alone(uint32_t kind, const void *input)
{
	struct nuncio_job job = { .kind = kind, .input = input };
	store_host_run(the.host, &job, 1);
	int status = job.status;
	store_host_job_fini(&job);
	return status;
}

int mark(const char *conversation, const char *user, uint64_t delivered, uint64_t read)
{
	struct nuncio_job_mark in = { .size = sizeof(in),
		.conversation = text_of(conversation),
		.user = text_of(user),
		.delivered = delivered,
		.read = read,
		.id = ++the.last_id };
	struct nuncio_job job = { .kind = NUNCIO_JOB_MARK, .input = &in };
	store_host_run(the.host, &job, 1);
	int status = job.status == 0 ? (int)job.member_count : job.status;
	store_host_job_fini(&job);
	return status;
}

int write_records(const struct nuncio_record_write *writes, size_t n)
{
	struct nuncio_job_write in = {
		.size = sizeof(in), .writes = writes, .writes_count = n, .id = ++the.last_id
	};
	return run_alone(NUNCIO_JOB_WRITE, &in);
}

struct nuncio_record_write make_write(
	const char *space, const char *owner, const char *key, const char *value, int64_t expect)
{
	return (struct nuncio_record_write){ .size = sizeof(struct nuncio_record_write),
		.space = text_of(space),
		.owner = text_of(owner),
		.key = text_of(key),
		.value = text_of(value),
		.expect = expect };
}

struct nuncio_member_change make_change(uint32_t op, const char *user, int role, uint32_t fields)
{
	return (struct nuncio_member_change){ .size = sizeof(struct nuncio_member_change),
		.op = op,
		.user = text_of(user),
		.role = role < 0 ? 0 : (uint32_t)role,
		.fields = fields | (role < 0 ? 0 : NUNCIO_MEMBER_ROLE),
		.expect_role = -1 };
}

int change_members(const char *conversation, const struct nuncio_member_change *changes, size_t n)
{
	struct nuncio_job_append in = make_append(&(struct event_args){
		.conversation = conversation, .from = "alice", .body = "{}", .type = "group" });
	in.members = changes;
	in.members_count = n;
	return append_job(&in, NULL);
}

void add_member(const char *conversation, const char *user)
{
	struct nuncio_member_change change = make_change(NUNCIO_MEMBER_ADD, user, -1, 0);
	assert_int_equal(change_members(conversation, &change, 1), 0);
}

void remove_member(const char *conversation, const char *user)
{
	struct nuncio_member_change change = make_change(NUNCIO_MEMBER_REMOVE, user, -1, 0);
	assert_int_equal(change_members(conversation, &change, 1), 0);
}

struct nuncio_job_append make_amend(
	const char *conversation, uint64_t target, const char *body, const char *state)
{
	struct nuncio_job_append in = make_append(&(struct event_args){
		.conversation = conversation, .from = "alice", .body = "{}", .type = "change" });
	in.event.target = target;
	in.target_body = text_of(body);
	in.target_state = text_of(state);
	return in;
}

static uint64_t run_amend(struct nuncio_job_append *in)
{
	struct nuncio_events_query q = { .size = sizeof(q),
		.conversation = in->event.conversation,
		.after = in->event.target - 1,
		.limit = 1,
		.flags = NUNCIO_EVENTS_FORWARD };
	struct nuncio_job job = read_job(NUNCIO_JOB_EVENTS, &q);
	in->expect_changed = job.events[0].changed;
	store_host_job_fini(&job);
	assert_int_equal(append_job(in, &job), 0);
	uint64_t seq = job.seq;
	store_host_job_fini(&job);
	return seq;
}

uint64_t amend(const char *conversation, uint64_t target, const char *body, const char *state)
{
	struct nuncio_job_append in = make_amend(conversation, target, body, state);
	return run_amend(&in);
}

void recall(const char *conversation, uint64_t target)
{
	struct nuncio_job_append in = make_amend(conversation, target, "null", "\"recalled\":true");
	in.target_flags = NUNCIO_EVENT_VOID;
	run_amend(&in);
}

struct nuncio_job read_job(uint32_t kind, const void *query)
{
	struct nuncio_job job = { .kind = kind, .input = query };
	store_host_run(the.host, &job, 1);
	job.input = NULL;
	return job;
}

struct nuncio_job read_events(
	const char *conversation, uint64_t after, uint64_t before, uint32_t limit)
{
	struct nuncio_events_query q = { .size = sizeof(q),
		.conversation = text_of(conversation),
		.after = after,
		.before = before,
		.limit = limit };
	return read_job(NUNCIO_JOB_EVENTS, &q);
}

struct nuncio_job read_sync(const char *user, struct nuncio_str cursor, uint32_t limit)
{
	struct nuncio_sync_query q = {
		.size = sizeof(q), .user = text_of(user), .cursor = cursor, .limit = limit
	};
	return read_job(NUNCIO_JOB_SYNC, &q);
}

struct nuncio_job read_conversations(const char *user, const char *after, uint32_t limit)
{
	struct nuncio_job_conversations q = {
		.size = sizeof(q), .limit = limit, .user = text_of(user), .after = text_of(after)
	};
	return read_job(NUNCIO_JOB_CONVERSATIONS, &q);
}

struct nuncio_job read_members(const char *conversation, const char *after, uint32_t limit)
{
	struct nuncio_job_members q = { .size = sizeof(q),
		.limit = limit,
		.conversation = text_of(conversation),
		.after = text_of(after) };
	return read_job(NUNCIO_JOB_MEMBERS, &q);
}

struct nuncio_job read_member(const char *conversation, const char *user)
{
	struct nuncio_job_member q = {
		.size = sizeof(q), .conversation = text_of(conversation), .user = text_of(user)
	};
	return read_job(NUNCIO_JOB_MEMBER, &q);
}

struct nuncio_job read_record(const char *space, const char *owner, const char *key)
{
	struct nuncio_record q = { .size = sizeof(q),
		.space = text_of(space),
		.owner = text_of(owner),
		.key = text_of(key) };
	return read_job(NUNCIO_JOB_GET, &q);
}

struct nuncio_job read_list(const struct nuncio_records_query *query)
{
	return read_job(NUNCIO_JOB_LIST, query);
}

uint64_t check_log(const char *conversation)
{
	uint64_t seq = 0;
	nuncio_id id = 0;
	for (int more = 1; more;) {
		struct nuncio_job job = read_events(conversation, seq, seq ? 0 : 2, 500);
		assert_int_equal(job.status, 0);
		for (size_t i = 0; i < job.event_count; i++) {
			assert_int_equal(job.events[i].seq, ++seq);
			assert_true(job.events[i].id > id);
			id = job.events[i].id;
		}
		/* The first page is the one event below 2; from there forward. */
		more = seq == 1 && job.event_count == 1 ? 1 : job.more;
		store_host_job_fini(&job);
	}
	return seq;
}

void check_record_of(const char *owner, const char *key, const char *value, uint64_t version)
{
	struct nuncio_job job = read_record("s", owner, key);
	assert_int_equal(job.status, value ? 0 : NUNCIO_E_NOTFOUND);
	assert_int_equal(job.record_count, value ? 1 : 0);
	if (value) {
		assert_str(job.records[0].space, "s");
		assert_str(job.records[0].owner, owner);
		assert_str(job.records[0].key, key);
		assert_str(job.records[0].value, value);
		assert_int_equal(job.records[0].version, version);
	}
	store_host_job_fini(&job);
}

int change_one(uint32_t op, const char *user, int role, uint32_t fields, int32_t expect_role)
{
	struct nuncio_member_change change = make_change(op, user, role, fields);
	change.expect_role = expect_role;
	return change_members("g:1", &change, 1);
}

const char *member_text(const char *conversation, const char *user)
{
	static char text[400];
	struct nuncio_job job = read_member(conversation, user);
	snprintf(text, sizeof(text), "none");
	if (job.status == 0) {
		const struct nuncio_member *m = &job.members[0];
		assert_int_equal(job.member_count, 1);
		assert_str(m->user, user);
		assert_str(m->conversation, conversation);
		snprintf(text, sizeof(text),
			"role %u sees %llu-%llu at %llu/%llu muted %lld {%s} of %u in %llu",
			m->role, (unsigned long long)m->since, (unsigned long long)m->until,
			(unsigned long long)m->delivered, (unsigned long long)m->read,
			(long long)m->muted_until_ms, m->extra.p, m->member_count,
			(unsigned long long)m->last_seq);
	} else {
		assert_int_equal(job.status, NUNCIO_E_NOTFOUND);
		assert_int_equal(job.member_count, 0);
	}
	store_host_job_fini(&job);
	return text;
}

const char *names_text(struct nuncio_job job)
{
	static char text[400];
	size_t used = 0;
	assert_int_equal(job.status, 0);
	text[0] = '\0';
	for (size_t i = 0; i < job.member_count; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s", i ? " " : "",
			job.members[i].user.p);
	snprintf(text + used, sizeof(text) - used, "%s", job.more ? " +" : "");
	store_host_job_fini(&job);
	return text;
}
