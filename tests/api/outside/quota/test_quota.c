/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include <nuncio/test.h>

static void send(struct nuncio_test *t, nuncio_sid client, const char *pattern)
{
	static int count; /* a case is a process of its own */
	char data[100];
	snprintf(
		data, sizeof data, "{'to':{'user':'bob'},'client_id':'%d','body':'rö漢'}", ++count);
	nuncio_test_call(t, client, "message.send", data);
	nuncio_test_expect(t, client, pattern);
}

static void left_is(struct nuncio_test *t, nuncio_sid client, const char *pattern)
{
	nuncio_test_call(t, client, "quota.left", NULL);
	nuncio_test_expect(t, client, pattern);
}

/* Three characters each, whatever their bytes; the limit is 7. */
static void characters_count(struct nuncio_test *t)
{
	nuncio_sid ann = nuncio_test_login(t, "ann", NULL), bob = nuncio_test_login(t, "bob", NULL);
	left_is(t, ann, "{'data':{'left':7}}");
	send(t, ann, "{'type':'response','code':0}");
	send(t, ann, "{'type':'response','code':0}");
	nuncio_test_expect(t, bob, "{'op':'message.new','data':{'seq':1}}");
	nuncio_test_expect(t, bob, "{'op':'message.new','data':{'seq':2}}");
	send(t, ann, "{'code':4290,'message':'you have written enough for now'}");
	nuncio_test_expect_nothing(t, bob);
	left_is(t, ann, "{'data':{'left':1}}");
	left_is(t, bob, "{'data':{'left':7}}");
	NUNCIO_TEST_CHECK(t, nuncio_test_metric(t, "nuncio_quota_refused_total") == 1);
}

static void devices_share_it(struct nuncio_test *t)
{
	nuncio_sid phone = nuncio_test_login(t, "ann", "phone");
	nuncio_sid tablet = nuncio_test_login(t, "ann", "tablet");
	send(t, phone, "{'code':0}");
	nuncio_test_expect(t, tablet, "{'op':'message.new'}");
	left_is(t, tablet, "{'data':{'left':4}}");
	nuncio_sid http = nuncio_test_http(t, "ann", "GET", "/m/quota/left", NULL);
	nuncio_test_expect(t, http, "{'status':200,'body':{'data':{'left':4}}}");
	http = nuncio_test_http(t, NULL, "GET", "/m/quota/left", NULL);
	nuncio_test_expect(t, http, "{'status':401}");
}

static void time_heals(struct nuncio_test *t)
{
	nuncio_sid ann = nuncio_test_login(t, "ann", NULL);
	send(t, ann, "{'code':0}");
	nuncio_test_advance(t, 59999);
	left_is(t, ann, "{'data':{'left':4}}");
	nuncio_test_advance(t, 1);
	left_is(t, ann, "{'data':{'left':7}}");
}

static void limits_can_be_reloaded(struct nuncio_test *t)
{
	nuncio_sid ann = nuncio_test_login(t, "ann", NULL);
	NUNCIO_TEST_CHECK(
		t, strstr(nuncio_test_reload(t, "[quota]\ncharacters = 2\n"), "2 changed"));
	send(t, ann, "{'code':4290}");
	NUNCIO_TEST_CHECK(
		t, strstr(nuncio_test_reload(t, "[quota]\ncharacters = 0\n"), "1 to 1000000"));
	left_is(t, ann, "{'data':{'left':2}}");
}

/* The answer finds nobody: nothing is lost, nothing is left behind. */
static void the_sender_leaves(struct nuncio_test *t)
{
	nuncio_sid ann = nuncio_test_login(t, "ann", NULL);
	nuncio_test_call(
		t, ann, "message.send", "{'to':{'user':'bob'},'client_id':'1','body':'x'}");
	nuncio_test_leave(t, ann);
	nuncio_test_advance(t, 5000);
}

static const struct nuncio_test_case cases[] = {
	{ "characters count, not bytes", characters_count, NULL, NULL },
	{ "all devices of a user share it", devices_share_it, NULL, NULL },
	{ "it begins anew after a while", time_heals, NULL, NULL },
	{ "limits can be reloaded", limits_can_be_reloaded, NULL, NULL },
	{ "the sender leaves", the_sender_leaves, NULL, NULL },
	{ 0 },
};

NUNCIO_TEST_SUITE(.modules = "store_memory direct quota",
	.config = "[quota]\ncharacters = 7\nwhile = 1m\n", .cases = cases)
