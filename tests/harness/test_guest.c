/* SPDX-License-Identifier: MIT */
/* Every function of <nuncio/test.h>, used as it is meant. All cases pass. */
#include <stdlib.h>
#include <string.h>

#include <nuncio/test.h>
#include <nuncio/timer.h>

static void ops_and_clients(struct nuncio_test *t)
{
	nuncio_sid ann = nuncio_test_login(t, "ann", "phone"),
		   bob = nuncio_test_login(t, "bob", NULL);
	NUNCIO_TEST_CHECK(t, ann != bob);
	NUNCIO_TEST_CHECK(t, nuncio_test_call(t, ann, "guest.echo", "{'a':[1,2]}") == 1);
	nuncio_test_expect_nothing(t, bob);
	const char *all = nuncio_test_expect(t, ann, "{'seq':1,'code':0,'data':{'a':[1,'*']}}");
	NUNCIO_TEST_CHECK(t, strstr(all, "\"a\":[1,2]") != NULL);
	NUNCIO_TEST_CHECK(t, nuncio_test_call(t, ann, "guest.echo", NULL) == 2);
	nuncio_test_forget(t, ann);
	nuncio_test_expect_nothing(t, ann);
	NUNCIO_TEST_CHECK(t, nuncio_test_metric(t, "nuncio_guest_calls_total{op=\"echo\"}") == 2);
	nuncio_test_leave(t, bob);
	nuncio_test_expect_log(t, NUNCIO_INFO, "left: bob");
}

static void tokens(struct nuncio_test *t)
{
	nuncio_sid late = nuncio_test_connect(t, NULL);
	nuncio_test_expect_nothing(t, late);
	nuncio_test_call(t, late, "session.open", "{'token':'cid:tv'}");
	nuncio_test_expect(t, late, "{'type':'response','code':0}");
	nuncio_test_expect(t, late, "{'op':'session.ready','data':{'user':'cid','device':'tv'}}");
	nuncio_sid mallory = nuncio_test_connect(t, "mallory");
	nuncio_test_expect(t, mallory, "{'type':'refused','code':3000,'message':'not you'}");
	nuncio_test_expect_nothing(t, mallory);
	nuncio_sid silent = nuncio_test_connect(t, NULL);
	nuncio_test_advance(t, 12000); /* auth_timeout is 10 s */
	nuncio_test_expect(t, silent, "{'op':'session.closing'}");
	nuncio_test_expect(t, silent, "{'type':'closed','close_code':4001}");
}

static void http(struct nuncio_test *t)
{
	nuncio_sid post = nuncio_test_http(t, "ann", "POST", "/m/guest/echo?x=1", "{'b':true}");
	nuncio_test_expect(t, post,
		"{'type':'answer','status':200,'headers':{'x-guest':'yes'},'body':{'data':{'b':true}}}");
	nuncio_sid nobody = nuncio_test_http(t, NULL, "POST", "/m/guest/echo", "{}");
	nuncio_test_expect(t, nobody, "{'status':401,'body':{'code':2000}}");
	nuncio_sid plain = nuncio_test_http(t, NULL, "GET", "/m/guest/plain", NULL);
	nuncio_test_expect(t, plain,
		"{\"headers\":{\"content-type\":\"text/plain\"},\"body\":\"plain \\\"text\\\"\"}");
}

static void the_operator(struct nuncio_test *t)
{
	nuncio_sid count = nuncio_test_control(t, "guest.count", "{'n':7}");
	nuncio_test_expect(t, count, "{'code':0,'data':{'n':7}}");
	nuncio_test_expect_nothing(t, count);
	count = nuncio_test_control(t, "guest.nothing", NULL);
	nuncio_test_expect(t, count, "{'code':1003}");
}

static void answers_from_elsewhere(struct nuncio_test *t)
{
	nuncio_sid ann = nuncio_test_login(t, "ann", NULL);
	nuncio_test_call(t, ann, "guest.thread", NULL);
	nuncio_test_expect(t, ann, "{'seq':1,'code':0}");
	nuncio_test_call(t, ann, "guest.work", NULL);
	nuncio_test_expect(t, ann, "{'seq':2,'code':0}");
}

static void time_passes_here_only(struct nuncio_test *t)
{
	nuncio_sid ann = nuncio_test_login(t, "ann", NULL);
	int64_t wall_ms = nuncio_wall_ms(), mono_ms = nuncio_mono_ms();
	NUNCIO_TEST_CHECK(t, wall_ms == INT64_C(1767225600000));
	nuncio_test_call(t, ann, "guest.remind", "{'in':60000}");
	nuncio_test_expect(t, ann, "{'code':0}");
	nuncio_test_advance(t, 59999);
	nuncio_test_expect_nothing(t, ann);
	nuncio_test_advance(t, 1);
	nuncio_test_expect(t, ann, "{'op':'guest.reminder'}");
	NUNCIO_TEST_CHECK(t, nuncio_wall_ms() == wall_ms + 60000);
	NUNCIO_TEST_CHECK(t, nuncio_mono_ms() == mono_ms + 60000);
	nuncio_test_advance(t, INT64_C(48) * 3600000); /* days, and the session still lives */
	nuncio_test_call(t, ann, "guest.echo", NULL);
	nuncio_test_expect(t, ann, "{'code':0}");
}

static void deadlines(struct nuncio_test *t)
{
	nuncio_sid ann = nuncio_test_login(t, "ann", NULL);
	nuncio_test_call(t, ann, "guest.silent", NULL);
	nuncio_test_expect_nothing(t, ann);
	nuncio_test_advance(t, 3000); /* request_timeout is 2 s here */
	nuncio_test_expect(t, ann, "{'code':5003}");
	nuncio_test_expect_log(t, NUNCIO_WARN, "no answer to guest.silent within request_timeout");
}

static void closed_by_the_module(struct nuncio_test *t)
{
	nuncio_sid ann = nuncio_test_login(t, "ann", NULL);
	nuncio_test_call(t, ann, "guest.close", NULL);
	nuncio_test_expect(t, ann, "{'type':'response','code':0}");
	nuncio_test_expect(t, ann, "{'op':'session.closing','data':{'code':3000}}");
	nuncio_test_expect(t, ann, "{'type':'closed','close_code':4002}");
	nuncio_test_expect_log(t, NUNCIO_INFO, "left: ann");
}

static void refused_at_the_door(struct nuncio_test *t)
{
	nuncio_sid ann = nuncio_test_connect(t, "ann");
	nuncio_test_expect(t, ann, "{'type':'refused','message':'closed today'}");
}

static void warnings_that_are_expected(struct nuncio_test *t)
{
	nuncio_sid ann = nuncio_test_login(t, "ann", NULL);
	nuncio_test_call(t, ann, "guest.warn", NULL);
	nuncio_test_call(t, ann, "guest.warn", NULL);
	nuncio_test_expect_log(t, NUNCIO_WARN, "as asked");
	nuncio_test_expect_log(t, NUNCIO_WARN, "as asked");
}

static void the_stop(struct nuncio_test *t)
{
	nuncio_sid ann = nuncio_test_login(t, "ann", NULL);
	nuncio_test_call(t, ann, "guest.forget", NULL);
	nuncio_test_advance(t, 1500);
	nuncio_test_expect(t, ann, "{'code':5003}");
	nuncio_test_expect_log(t, NUNCIO_WARN, "may_call: no answer within 1000 ms");
	nuncio_test_stop(t);
	nuncio_test_expect(t, ann, "{'op':'session.closing','data':{'code':5005}}");
	nuncio_test_expect(t, ann, "{'type':'closed','close_code':1001}");
	nuncio_test_expect_log(t, NUNCIO_WARN, "a ticket of may_call was never given back");
}

static void reload(struct nuncio_test *t)
{
	const char *said = nuncio_test_reload(t, "[guest]\nrefuse = on\n");
	NUNCIO_TEST_CHECK(
		t, strcmp(said, "[guest] refuse: cannot change while the server runs\n") == 0);
	said = nuncio_test_reload(t, "[guest]\nrefuse = perhaps\n");
	NUNCIO_TEST_CHECK(t, strstr(said, "[guest] refuse: \"perhaps\" cannot be read"));
	said = nuncio_test_reload(t, "no section");
	NUNCIO_TEST_CHECK(t, strstr(said, "test.ini:") != NULL);
	NUNCIO_TEST_CHECK(t, nuncio_test_reload(t, "")[0] == '\0');
}

static const struct nuncio_test_case cases[] = {
	{ "ops and clients", ops_and_clients, NULL, NULL },
	{ "tokens", tokens, NULL, NULL },
	{ "http", http, NULL, NULL },
	{ "the operator", the_operator, NULL, NULL },
	{ "answers from elsewhere", answers_from_elsewhere, NULL, NULL },
	{ "time passes here only", time_passes_here_only, NULL, NULL },
	{ "deadlines", deadlines, NULL, NULL },
	{ "closed by the module", closed_by_the_module, NULL, NULL },
	{ "refused at the door", refused_at_the_door, "[guest]\nrefuse = on\n", NULL },
	{ "warnings that are expected", warnings_that_are_expected, NULL, NULL },
	{ "the stop", the_stop, NULL, NULL },
	{ "reload", reload, NULL, NULL },
	{ "a start that fails", NULL, "[guest]\nfail = on\n", "module guest: start: as asked" },
	{ "wrong options", NULL, "[guest]\nfails = on\n", "[guest] fails: unknown key" },
	{ 0 },
};

NUNCIO_TEST_SUITE(.modules = "store_memory direct guest", .core = "request_timeout = 2s",
	.cases = cases)
