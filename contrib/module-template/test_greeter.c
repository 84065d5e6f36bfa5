/* SPDX-License-Identifier: MIT */
/* What greeter.c promises, shown on a server without sockets; see <nuncio/test.h>. */
#include <string.h>

#include <nuncio/test.h>

static void greets(struct nuncio_test *t)
{
	nuncio_sid ann = nuncio_test_login(t, "ann", NULL);
	nuncio_test_call(t, ann, "greeter.hello", "{'name':'Bob'}");
	nuncio_test_expect(t, ann, "{'code':0,'data':{'hello':'Bob'}}");
	nuncio_test_expect_log(t, NUNCIO_INFO, "greeting Bob");
}

static void refuses_what_is_no_name(struct nuncio_test *t)
{
	nuncio_sid ann = nuncio_test_login(t, "ann", NULL);
	nuncio_test_call(t, ann, "greeter.hello", "{'name':7}");
	nuncio_test_expect(t, ann, "{'code':1002,'message':'name: must be a string'}");
}

static void greets_again_after_a_pause(struct nuncio_test *t)
{
	nuncio_sid ann = nuncio_test_login(t, "ann", "phone");
	nuncio_sid other = nuncio_test_login(t, "ann", "tablet");
	nuncio_test_call(t, ann, "greeter.hello", NULL);
	nuncio_test_expect(t, ann, "{'code':0,'data':{'hello':'ann'}}");
	nuncio_test_advance(t, 4999);
	nuncio_test_call(t, ann, "greeter.hello", NULL);
	nuncio_test_expect(t, ann, "{'message':'you were greeted just now'}");
	nuncio_test_call(t, other, "greeter.hello", NULL);
	nuncio_test_expect(t, other, "{'code':0}");
	nuncio_test_advance(t, 1);
	nuncio_test_call(t, ann, "greeter.hello", NULL);
	nuncio_test_expect(t, ann, "{'code':0}");
}

static void pause_can_be_reloaded(struct nuncio_test *t)
{
	nuncio_sid ann = nuncio_test_login(t, "ann", NULL);
	const char *report = nuncio_test_reload(t, "[greeter]\npause = 0s\n");
	NUNCIO_TEST_CHECK(t, strstr(report, "[greeter] 1 changed"));
	for (int i = 0; i < 2; i++) {
		nuncio_test_call(t, ann, "greeter.hello", NULL);
		nuncio_test_expect(t, ann, "{'code':0}");
	}
}

static void nobody_shouts(struct nuncio_test *t)
{
	nuncio_sid ann = nuncio_test_login(t, "ann", NULL);
	nuncio_sid bob = nuncio_test_login(t, "bob", NULL);
	nuncio_test_call(
		t, ann, "message.send", "{'to':{'user':'bob'},'client_id':'1','body':'HELLO!!!'}");
	nuncio_test_expect(t, ann, "{'type':'response','message':'please do not shout'}");
	nuncio_test_expect_nothing(t, bob);
	nuncio_test_call(
		t, ann, "message.send", "{'to':{'user':'bob'},'client_id':'2','body':'hello!'}");
	nuncio_test_expect(t, ann, "{'type':'response','code':0,'data':{'seq':1}}");
	nuncio_test_expect(t, bob, "{'op':'message.new','data':{'from':'ann','body':'hello!'}}");
}

static const struct nuncio_test_case cases[] = {
	{ "greets who is named", greets, NULL, NULL },
	{ "refuses what is no name", refuses_what_is_no_name, NULL, NULL },
	{ "greets each client again after the pause", greets_again_after_a_pause, NULL, NULL },
	{ "a reload changes the pause", pause_can_be_reloaded, NULL, NULL },
	{ "nobody shouts", nobody_shouts, NULL, NULL },
	{ "a pause without a unit is no configuration", NULL, "[greeter]\npause = 5\n",
		"[greeter] pause" },
	{ 0 },
};

NUNCIO_TEST_SUITE(.modules = "store_memory direct greeter", .config = "[greeter]\npause = 5s\n",
	.cases = cases)
