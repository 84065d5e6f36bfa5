/* SPDX-License-Identifier: MIT */
/* Every way in which a case can fail; run_harness.py knows with which words. No case passes. */
#include <stdlib.h>

#include <nuncio/test.h>

static nuncio_sid ann(struct nuncio_test *t)
{
	return nuncio_test_login(t, "ann", NULL);
}

static void other_value(struct nuncio_test *t)
{
	nuncio_sid client = ann(t);
	nuncio_test_call(t, client, "guest.echo", "{'a':{'b':1}}");
	nuncio_test_expect(t, client, "{'data':{'a':{'b':2}}}");
}

static void nothing_comes(struct nuncio_test *t)
{
	nuncio_test_expect(t, ann(t), "{'op':'message.new'}");
}

static void something_comes(struct nuncio_test *t)
{
	nuncio_sid client = ann(t);
	nuncio_test_call(t, client, "guest.echo", NULL);
	nuncio_test_expect_nothing(t, client);
}

static void refused_login(struct nuncio_test *t)
{
	nuncio_test_login(t, "mallory", NULL);
}

static void wrong_json(struct nuncio_test *t)
{
	nuncio_test_call(t, ann(t), "guest.echo", "{'a':}");
}

static void no_client(struct nuncio_test *t)
{
	nuncio_test_call(t, ann(t) + 77, "guest.echo", NULL);
}

static void client_has_left(struct nuncio_test *t)
{
	nuncio_sid client = ann(t);
	nuncio_test_leave(t, client);
	nuncio_test_call(t, client, "guest.echo", NULL);
}

static void unexpected_warning(struct nuncio_test *t)
{
	nuncio_test_call(t, ann(t), "guest.warn", NULL);
}

static void expected_warning(struct nuncio_test *t)
{
	(void)t;
	nuncio_test_expect_log(t, NUNCIO_WARN, "as asked");
}

static void wrong_level(struct nuncio_test *t)
{
	nuncio_test_call(t, ann(t), "guest.warn", NULL);
	nuncio_test_expect_log(t, NUNCIO_INFO, "as asked");
}

static void forgotten_ticket(struct nuncio_test *t)
{
	nuncio_test_call(t, ann(t), "guest.forget", NULL);
}

static void answered_twice(struct nuncio_test *t)
{
	nuncio_test_call(t, ann(t), "guest.twice", NULL);
}

static void module_exits(struct nuncio_test *t)
{
	nuncio_test_call(t, ann(t), "guest.exit", NULL);
}

static void work_that_does_not_end(struct nuncio_test *t)
{
	nuncio_sid client = ann(t);
	nuncio_test_call(t, client, "guest.stuck", NULL);
	nuncio_test_expect_nothing(t, client);
}

static void work_at_the_end(struct nuncio_test *t)
{
	nuncio_test_call(t, ann(t), "guest.stuck", NULL);
}

static void no_such_metric(struct nuncio_test *t)
{
	nuncio_test_metric(t, "nuncio_guest_calls_total");
}

static void checked(struct nuncio_test *t)
{
	NUNCIO_TEST_CHECK(t, 1 + 1 == 3);
}

static void after_the_stop(struct nuncio_test *t)
{
	nuncio_test_stop(t);
	nuncio_test_login(t, "ann", NULL);
}

static const struct nuncio_test_case cases[] = {
	{ "other value", other_value, NULL, NULL },
	{ "nothing comes", nothing_comes, NULL, NULL },
	{ "something comes", something_comes, NULL, NULL },
	{ "refused login", refused_login, NULL, NULL },
	{ "wrong json", wrong_json, NULL, NULL },
	{ "no client", no_client, NULL, NULL },
	{ "client has left", client_has_left, NULL, NULL },
	{ "unexpected warning", unexpected_warning, NULL, NULL },
	{ "expected warning", expected_warning, NULL, NULL },
	{ "wrong level", wrong_level, NULL, NULL },
	{ "forgotten ticket", forgotten_ticket, NULL, NULL },
	{ "answered twice", answered_twice, NULL, NULL },
	{ "module exits", module_exits, NULL, NULL },
	{ "work that does not end", work_that_does_not_end, NULL, NULL },
	{ "work at the end", work_at_the_end, NULL, NULL },
	{ "no such metric", no_such_metric, NULL, NULL },
	{ "checked", checked, NULL, NULL },
	{ "after the stop", after_the_stop, NULL, NULL },
	{ "does not start", checked, "[guest]\nfail = on\n", NULL },
	{ "starts", NULL, NULL, "module guest" },
	{ "refused for another reason", NULL, "[guest]\nfail = on\n", "module guest: init" },
	{ 0 },
};

NUNCIO_TEST_SUITE(.modules = "store_memory direct guest", .cases = cases)
