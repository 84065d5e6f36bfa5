/* SPDX-License-Identifier: MIT */
/* Search: what is found, and by whom. */
#include "store_case.h"

#include <time.h>

enum { WAIT_MS = 5000, PAUSE_NS = 5000000 };

static struct nuncio_search_query ask(const char *user, const char *text)
{
	return (struct nuncio_search_query){ .size = sizeof(struct nuncio_search_query),
		.limit = 100,
		.user = text_of(user),
		.text = text_of(text) };
}

/* "g:1#3 g:1#1 +", the newest first. */
static void put_found(const struct nuncio_search_query *q, char *text, size_t size)
{
	struct nuncio_job job = read_job(NUNCIO_JOB_SEARCH, q);
	nuncio_id last = UINT64_MAX;
	size_t used = 0;
	assert_int_equal(job.status, 0);
	text[0] = '\0';
	for (size_t i = 0; i < job.event_count; i++) {
		assert_true(job.events[i].id < last);
		last = job.events[i].id;
		used += (size_t)snprintf(text + used, size - used, "%s%s#%llu", i ? " " : "",
			job.events[i].conversation.p, (unsigned long long)job.events[i].seq);
	}
	snprintf(text + used, size - used, "%s", job.cursor.n ? " +" : "");
	store_host_job_fini(&job);
}

/* A store may index a little later; while it does, it is idle now and then. */
static void check_query(const struct nuncio_search_query *q, const char *expected)
{
	const struct timespec pause = { 0, PAUSE_NS };
	char text[2000];
	for (int waited_ms = 0; waited_ms < WAIT_MS; waited_ms += PAUSE_NS / 1000000) {
		put_found(q, text, sizeof(text));
		if (strcmp(text, expected) == 0)
			return;
		store_host_idle(the.host);
		nanosleep(&pause, NULL);
	}
	assert_string_equal(text, expected);
}

static void check_found(const char *user, const char *words, const char *expected)
{
	struct nuncio_search_query q = ask(user, words);
	check_query(&q, expected);
}

static void words_are_found(void **state)
{
	(void)state;
	append("g:1", "alice", "", "\"Hello World\"");
	append("g:1", "bob", "", "\"hello, you\"");
	append("g:1", "bob", "", "\"nothing\"");
	append("g:2", "bob", "", "\"The WORLD is big; hello\"");
	check_found("alice", "hello", "g:2#1 g:1#2 g:1#1");
	check_found("alice", "HELLO", "g:2#1 g:1#2 g:1#1");
	check_found("alice", "world hello", "g:2#1 g:1#1");
	check_found("alice", "hello big world", "g:2#1");
	check_found("alice", "hello hello", "g:2#1 g:1#2 g:1#1");
	check_found("alice", "hell", "");
	check_found("alice", "helloworld", "");
	check_found("alice", "hello absent", "");
	check_found("bob", "big", "g:2#1");
	check_found("carol", "hello", "");
}

/* What other engines take for operators is nothing here. */
static void signs_are_no_operators(void **state)
{
	static const char *const queries[] = { "\"red\" fish", "red AND fish", "red OR blue",
		"NOT fish", "red -fish", "+red +fish", "(red) fish", "re*", "fish NEAR red",
		"body:fish", "'; DROP TABLE event; --", "red^2", "~red", "red @4", "%", "fish\\" };
	(void)state;
	append("g:1", "alice", "", "\"red fish\"");
	append("g:1", "alice", "", "\"blue bird\"");
	check_found("alice", "red", "g:1#1");
	for (size_t i = 0; i < COUNT_OF(queries); i++) {
		struct nuncio_search_query q = ask("alice", queries[i]);
		struct nuncio_job job = read_job(NUNCIO_JOB_SEARCH, &q);
		bool has_all = i == 0 || i == 4 || i == 5 || i == 6 || i == 12 || i == 15;
		if (job.status != (i == 14 ? NUNCIO_E_INVAL : 0) || job.event_count != has_all)
			fail_msg("%s: status %d, %zu found", queries[i], job.status,
				job.event_count);
		store_host_job_fini(&job);
	}
	append("g:1", "alice", "", "\"red and not fish or near body 2\"");
	check_found("alice", "red AND fish", "g:1#3");
	check_found("alice", "red OR fish NOT near", "g:1#3");
	check_found("alice", "body:fish", "g:1#3");
}

static void chinese_japanese_korean_are_found(void **state)
{
	(void)state;
	append("g:1", "alice", "", "\"今天天气很好，我们去公园\"");
	append("g:1", "bob", "", "\"天気がいいですね\"");
	append("g:1", "bob", "", "\"오늘 날씨가 좋네요\"");
	append("g:1", "bob", "", "\"iPhone手机坏了\"");
	append("g:1", "bob", "", "\"公\"");
	check_found("alice", "天气", "g:1#1");
	check_found("alice", "很好", "g:1#1"); /* at the end of a run */
	check_found("alice", "我们去公园", "g:1#1");
	check_found("alice", "公园 天气", "g:1#1");
	check_found("alice", "好我", "");
	check_found("alice", "气天", "");
	check_found("alice", "天", "g:1#2 g:1#1");
	check_found("alice", "园", "g:1#1"); /* the last one */
	check_found("alice", "公", "g:1#5 g:1#1");
	check_found("alice", "天気", "g:1#2");
	check_found("alice", "날씨", "g:1#3");
	check_found("alice", "手机", "g:1#4");
	check_found("alice", "iphone 手机", "g:1#4");
	check_found("alice", "IPHONE", "g:1#4");
	check_found("alice", "\xf0\xa0\x80\x80", "");
}

static void other_letters_are_found(void **state)
{
	(void)state;
	append("g:1", "alice", "", "\"Größe ÜBER alles\"");
	append("g:1", "alice", "", "\"Привет, мир\"");
	append("g:1", "alice", "", "\"\\u00e9t\\u00e9 2026\"");
	check_found("alice", "über", "g:1#1");
	check_found("alice", "GRÖSSE", "");
	check_found("alice", "größe", "g:1#1");
	check_found("alice", "ПРИВЕТ", "g:1#2");
	check_found("alice", "été", "g:1#3");
	check_found("alice", "2026", "g:1#3");
}

static void filters_narrow(void **state)
{
	int64_t at[4];
	(void)state;
	for (int i = 1; i < 4; i++) {
		append("g:1", i == 2 ? "bob" : "alice", "", "\"word\"");
		at[i] = 1795000000000 + (int64_t)the.last_id;
	}
	append("g:2", "bob", "", "\"word\"");
	struct nuncio_search_query q = ask("alice", "word");
	q.conversation = S("g:1");
	check_query(&q, "g:1#3 g:1#2 g:1#1");
	q.from = S("bob");
	check_query(&q, "g:1#2");
	q.conversation = S("");
	check_query(&q, "g:2#1 g:1#2");
	q.from = S("nobody");
	check_query(&q, "");
	q.from = S("");
	q.from_ms = at[2]; /* both ends are included */
	check_query(&q, "g:2#1 g:1#3 g:1#2");
	q.to_ms = at[3];
	check_query(&q, "g:1#3 g:1#2");
	q.from_ms = 0;
	check_query(&q, "g:1#3 g:1#2 g:1#1");
	q.to_ms = at[3] - 1;
	check_query(&q, "g:1#2 g:1#1");
	q.conversation = S("g:none");
	check_query(&q, "");
}

static void only_what_one_sees(void **state)
{
	struct nuncio_member_change dave =
		make_change(NUNCIO_MEMBER_ADD, "dave", -1, NUNCIO_MEMBER_ALL_HISTORY);
	(void)state;
	append("g:1", "alice", "", "\"word\"");
	add_member("g:1", "carol");
	append("g:1", "alice", "", "\"word\"");
	assert_int_equal(change_members("g:1", &dave, 1), 0);
	remove_member("g:1", "bob");
	append("g:1", "alice", "", "\"word\"");
	check_found("alice", "word", "g:1#6 g:1#3 g:1#1");
	check_found("bob", "word", "g:1#3 g:1#1");
	check_found("carol", "word", "g:1#6 g:1#3");
	check_found("dave", "word", "g:1#6 g:1#3 g:1#1");
	check_found("erin", "word", "");
	struct nuncio_search_query q = ask("erin", "word");
	q.conversation = S("g:1"); /* asking for it does not help */
	check_query(&q, "");
	q.user = S("bob");
	check_query(&q, "g:1#3 g:1#1");
	add_member("g:1", "bob");
	append("g:1", "alice", "", "\"word\"");
	check_found("bob", "word", "g:1#8");
}

static void only_texts_of_messages(void **state)
{
	(void)state;
	append("g:1", "alice", "",
		"{\"url\":\"https://x.example/blue\",\"caption\":\"A red fish\",\"width\":7,"
		"\"deep\":{\"x\":\"green\"}}");
	append("g:1", "alice", "", "[\"yellow\",\"bird\"]");
	append("g:1", "alice", "", "7");
	append_with(&(struct event_args){ .conversation = "g:1",
			    .from = "alice",
			    .body = "\"red\"",
			    .type = "reaction" },
		NULL);
	append_with(&(struct event_args){ .conversation = "g:1",
			    .from = "alice",
			    .body = "\"x\"",
			    .extra = "\"note\":\"purple\"",
			    .client_id = "violet" },
		NULL);
	check_found("alice", "red fish", "g:1#1");
	check_found("alice", "blue example", "g:1#1");
	check_found("alice", "bird yellow", "g:1#2");
	check_found("alice", "green", "");
	check_found("alice", "caption", ""); /* a key is nobody's word */
	check_found("alice", "7", "");
	check_found("alice", "purple", "");
	check_found("alice", "violet", "");
	check_found("alice", "alice", "");
}

static void changes_and_recalls_are_honoured(void **state)
{
	(void)state;
	append("g:1", "alice", "", "\"teh word\"");
	append("g:1", "alice", "", "\"other word\"");
	check_found("bob", "teh", "g:1#1");
	amend("g:1", 1, "\"the word\"", "\"edited\":\"marker\"");
	check_found("bob", "teh", "");
	check_found("bob", "the", "g:1#1");
	check_found("bob", "marker", "");
	check_found("bob", "word", "g:1#2 g:1#1");
	amend("g:1", 1, NULL, "\"pinned\":1");
	check_found("bob", "the", "g:1#1");
	struct nuncio_search_query q = ask("bob", "the");
	struct nuncio_job job = read_job(NUNCIO_JOB_SEARCH, &q);
	assert_str(job.events[0].body, "\"the word\"");
	assert_str(job.events[0].state, "\"pinned\":1");
	assert_int_equal(job.events[0].changed, 4);
	assert_int_equal(job.events[0].sent_at_ms, 1795000001007);
	store_host_job_fini(&job);
	recall("g:1", 1);
	check_found("bob", "the", "");
	check_found("bob", "word", "g:1#2");
	/* VOID is enough, whatever stands in the body. */
	struct nuncio_job_append in = make_amend("g:1", 2, "\"still word\"", NULL);
	in.target_flags = NUNCIO_EVENT_VOID;
	assert_int_equal(append_job(&in, NULL), 0);
	check_found("bob", "word", "");
	check_found("bob", "still", "");
	amend("g:1", 2, "\"word again\"", NULL);
	check_found("bob", "again", "");
}

static void pages_go_back_in_time(void **state)
{
	char seen[400] = "", next[300] = "";
	size_t used = 0;
	(void)state;
	for (int i = 0; i < 25; i++)
		append(i % 3 ? "g:1" : "g:2", "alice", "", i % 5 == 4 ? "\"no\"" : "\"word\"");
	check_found("bob", "no", "g:2#9 g:1#13 g:1#10 g:2#4 g:1#3");
	struct nuncio_search_query q = ask("bob", "word");
	q.limit = 3;
	for (int pages = 0; pages == 0 || next[0]; pages++) {
		q.after = text_of(next);
		struct nuncio_job job = read_job(NUNCIO_JOB_SEARCH, &q);
		assert_int_equal(job.status, 0);
		assert_int_equal(job.event_count, pages == 6 ? 2 : 3);
		for (size_t i = 0; i < job.event_count; i++)
			used += (size_t)snprintf(seen + used, sizeof(seen) - used, "%c#%llu ",
				job.events[i].conversation.p[2],
				(unsigned long long)job.events[i].seq);
		snprintf(next, sizeof(next), "%s", job.cursor.n ? job.cursor.p : "");
		store_host_job_fini(&job);
		append("g:1", "alice", "", "\"word\""); /* newer ones do not disturb */
	}
	assert_string_equal(seen,
		"1#16 1#15 2#8 1#14 2#7 1#12 1#11 2#6 1#9 2#5 1#8 1#7 1#6 1#5 2#3 1#4 2#2 1#2 1#1 2#1 ");
}

static void pages_obey_bytes(void **state)
{
	struct nuncio_search_query q = ask("bob", "word");
	(void)state;
	for (int i = 0; i < 5; i++)
		append("g:1", "alice", "", "\"word 0123456789\""); /* 3 + 7 + 5 + 4 + 17 */
	check_found("bob", "word", "g:1#5 g:1#4 g:1#3 g:1#2 g:1#1");
	q.max_bytes = 2 * 36;
	check_query(&q, "g:1#5 g:1#4 +");
	q.max_bytes--;
	check_query(&q, "g:1#5 +");
	q.max_bytes = 1;
	check_query(&q, "g:1#5 +");
	q.max_bytes = 5 * 36;
	check_query(&q, "g:1#5 g:1#4 g:1#3 g:1#2 g:1#1");
}

static void bad_questions_are_refused(void **state)
{
	static const char *const afters[] = { "x", "1' OR 1=1", "-1", "99999999999999999999999999",
		"1 2" };
	(void)state;
	append("g:1", "alice", "", "\"word\"");
	struct nuncio_search_query q = ask("alice", "?!");
	struct nuncio_job job = read_job(NUNCIO_JOB_SEARCH, &q);
	assert_int_equal(job.status, NUNCIO_E_INVAL);
	assert_int_equal(job.event_count, 0);
	store_host_job_fini(&job);
	q = ask("alice", "word");
	for (size_t i = 0; i < COUNT_OF(afters); i++) {
		q.after = text_of(afters[i]);
		job = read_job(NUNCIO_JOB_SEARCH, &q);
		assert_int_equal(job.status, NUNCIO_E_INVAL);
		store_host_job_fini(&job);
	}
}

static void long_texts_and_many_words(void **state)
{
	static char body[60000];
	char query[256];
	size_t used = 1;
	(void)state;
	body[0] = '"';
	for (int i = 0; used < sizeof(body) - 20; i++)
		used += (size_t)snprintf(body + used, sizeof(body) - used, "w%d ", i);
	strcpy(body + used, "the end\"");
	append("g:1", "alice", "", body);
	check_found("bob", "end", "g:1#1");
	used = 0;
	for (int i = 0; used < sizeof(query) - 8; i++)
		used += (size_t)snprintf(query + used, sizeof(query) - used, "w%d ", i * 17);
	check_found("bob", query, "g:1#1");
	snprintf(query + used, sizeof(query) - used, "no");
	check_found("bob", query, "");
}

static void what_was_found_is_durable(void **state)
{
	(void)state;
	append("g:1", "alice", "", "\"word one\"");
	append("g:1", "alice", "", "\"word two\"");
	append("g:1", "alice", "", "\"word three\"");
	amend("g:1", 2, "\"changed\"", NULL);
	recall("g:1", 3);
	if (!the.is_durable)
		return;
	case_close();
	case_open();
	check_found("bob", "word", "g:1#1");
	check_found("bob", "changed", "g:1#2");
	check_found("bob", "two", "");
	check_found("bob", "three", "");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		CASE(words_are_found),
		CASE(signs_are_no_operators),
		CASE(chinese_japanese_korean_are_found),
		CASE(other_letters_are_found),
		CASE(filters_narrow),
		CASE(only_what_one_sees),
		CASE(only_texts_of_messages),
		CASE(changes_and_recalls_are_honoured),
		CASE(pages_go_back_in_time),
		CASE(pages_obey_bytes),
		CASE(bad_questions_are_refused),
		CASE(long_texts_and_many_words),
		CASE(what_was_found_is_durable),
	};
	return case_run("search", tests, COUNT_OF(tests), CASE_SEARCH_STORES);
}
