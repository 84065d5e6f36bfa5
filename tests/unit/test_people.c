/* SPDX-License-Identifier: MIT */
#include "modules/presence/people.h"
#include "tests/lib/unit.h"

enum { DELAY = 200 };

static struct nuncio_str s(const char *text)
{
	return (struct nuncio_str){ text, strlen(text) };
}

static int set_up(void **state)
{
	struct people *people = malloc(sizeof *people);
	people_init(people, DELAY, 3);
	*state = people;
	return 0;
}

static int tear_down(void **state)
{
	people_fini(*state);
	free(*state);
	return 0;
}

/* Settles all that is due; returns how many changes were news. */
static int settle(struct people *people, int64_t now_ms)
{
	struct person *person;
	int64_t wait_ms;
	int is_news, count = 0;
	while ((person = people_next_due(people, now_ms, &is_news, &wait_ms))) {
		count += is_news;
		people_settled(people, person);
	}
	return count;
}

static void write_all(struct people *people)
{
	struct person *person;
	while ((person = people_next_dirty(people)))
		people_written(people, person);
}

static enum nuncio_presence_status status(const struct people *people, const char *user)
{
	return person_status(people_find(people, s(user)));
}

static void leave(struct people *people, const char *user, int64_t now_ms)
{
	struct follower *none = NULL;
	people_logout(people, s(user), &none, now_ms, 1000 + now_ms);
}

static size_t watch_count(const struct people *people, const char *user)
{
	const struct person *person = people_find(people, s(user));
	size_t count = 0;
	if (!person)
		return 0;
	for (const struct link *at = person->watches.next; at != &person->watches; at = at->next)
		count++;
	return count;
}

static void coming_shows_at_once_and_is_told_later(void **state)
{
	struct people *people = *state;
	int64_t wait_ms;
	int is_news;
	assert_int_equal(status(people, "bob"), NUNCIO_PRESENCE_OFFLINE);
	people_login(people, s("bob"), 1000);
	assert_int_equal(status(people, "bob"), NUNCIO_PRESENCE_ONLINE);
	assert_null(people_next_due(people, 1000 + DELAY - 1, &is_news, &wait_ms));
	assert_int_equal(wait_ms, 1);
	struct person *person = people_next_due(people, 1000 + DELAY, &is_news, &wait_ms);
	assert_true(person && is_news);
	assert_int_equal(person->told, NUNCIO_PRESENCE_ONLINE);
	people_settled(people, person);
	assert_null(people_next_due(people, 9000, &is_news, &wait_ms));
	assert_int_equal(wait_ms, -1);
}

static void a_reconnect_is_not_seen(void **state)
{
	struct people *people = *state;
	people_login(people, s("bob"), 0);
	assert_int_equal(settle(people, DELAY), 1);
	leave(people, "bob", 1000);
	assert_int_equal(status(people, "bob"), NUNCIO_PRESENCE_ONLINE);
	people_login(people, s("bob"), 1000 + DELAY - 1);
	assert_int_equal(settle(people, 1000 + DELAY), 0);
	assert_int_equal(settle(people, 5000), 0);
	assert_null(people_next_dirty(people));
	leave(people, "bob", 6000);
	assert_int_equal(settle(people, 6000 + DELAY), 1);
	assert_int_equal(status(people, "bob"), NUNCIO_PRESENCE_OFFLINE);
	assert_ptr_equal(people_next_dirty(people), people_find(people, s("bob")));
	assert_int_equal(people_find(people, s("bob"))->last_seen_ms, 7000);
}

static void offline_with_the_last_session(void **state)
{
	struct people *people = *state;
	people_login(people, s("bob"), 0);
	people_login(people, s("bob"), 0);
	settle(people, DELAY);
	leave(people, "bob", 1000);
	assert_int_equal(settle(people, 5000), 0);
	leave(people, "bob", 6000);
	assert_int_equal(settle(people, 9000), 1);
	leave(people, "bob", 9500); /* one too many changes nothing */
	assert_int_equal(settle(people, 12000), 0);
}

static void away_only_if_all_are(void **state)
{
	struct people *people = *state;
	struct follower *phone = NULL, *laptop = NULL;
	people_login(people, s("bob"), 0);
	people_login(people, s("bob"), 0);
	people_set_away(people, s("bob"), &phone, 1, 1, 0);
	assert_int_equal(status(people, "bob"), NUNCIO_PRESENCE_ONLINE);
	people_set_away(people, s("bob"), &laptop, 2, 1, 0);
	people_set_away(people, s("bob"), &laptop, 2, 1, 0);
	assert_int_equal(status(people, "bob"), NUNCIO_PRESENCE_AWAY);
	people_set_away(people, s("bob"), &phone, 1, 0, 0);
	assert_int_equal(status(people, "bob"), NUNCIO_PRESENCE_ONLINE);
	people_logout(people, s("bob"), &phone, 0, 0);
	assert_null(phone);
	assert_int_equal(status(people, "bob"), NUNCIO_PRESENCE_AWAY);
	people_logout(people, s("bob"), &laptop, 0, 0);
	settle(people, 5000);
	assert_int_equal(status(people, "bob"), NUNCIO_PRESENCE_OFFLINE);
	people_login(people, s("bob"), 6000);
	assert_int_equal(status(people, "bob"), NUNCIO_PRESENCE_ONLINE);
}

static void a_list_replaces_the_former(void **state)
{
	struct people *people = *state;
	struct follower *alice = NULL;
	const struct nuncio_str first[] = { s("bob"), s("carol"), s("bob"), s("bob") };
	const struct nuncio_str second[] = { s("carol"), s("dave") };
	people_follow(people, &alice, 7, NULL, 0);
	assert_null(alice);
	people_follow(people, &alice, 7, first, COUNT_OF(first));
	assert_int_equal(watch_count(people, "bob"), 1);
	assert_int_equal(alice->count, 2);
	people_follow(people, &alice, 7, second, COUNT_OF(second));
	assert_int_equal(watch_count(people, "bob"), 0);
	assert_int_equal(watch_count(people, "carol"), 1);
	assert_int_equal(watch_count(people, "dave"), 1);
	people_follow(people, &alice, 7, NULL, 0);
	assert_int_equal(watch_count(people, "carol"), 0);
}

/*
 * Whoever follows somebody who has just come is told so in the answer, and has to learn of a quick
 * leave.
 */
static void a_new_follower_starts_from_the_truth(void **state)
{
	struct people *people = *state;
	struct follower *alice = NULL;
	const struct nuncio_str bob = s("bob");
	people_login(people, bob, 0);
	assert_int_equal(people_show(people_find(people, bob)), 1);
	assert_int_equal(people_show(people_find(people, bob)), 0);
	people_follow(people, &alice, 7, &bob, 1);
	leave(people, "bob", 10);
	assert_int_equal(status(people, "bob"), NUNCIO_PRESENCE_ONLINE);
	assert_int_equal(settle(people, 10 + DELAY), 1);
	assert_int_equal(status(people, "bob"), NUNCIO_PRESENCE_OFFLINE);
}

static void followers_go_with_their_session(void **state)
{
	struct people *people = *state;
	struct follower *alice = NULL, *eve = NULL;
	const struct nuncio_str bob[] = { s("bob"), s("alice") };
	people_login(people, s("alice"), 0);
	people_follow(people, &alice, 7, bob, 2);
	people_follow(people, &eve, 8, bob, 1);
	assert_int_equal(watch_count(people, "bob"), 2);
	people_logout(people, s("alice"), &alice, 10, 10);
	assert_null(alice);
	assert_int_equal(watch_count(people, "bob"), 1);
	assert_int_equal(watch_count(people, "alice"), 0);
	settle(people, 5000);
}

/* Idle people are a bounded memory; those who are followed, online or not yet written stay. */
static void forgets_the_oldest_of_the_idle(void **state)
{
	struct people *people = *state;
	struct follower *alice = NULL;
	const struct nuncio_str kept = s("kept");
	people_follow(people, &alice, 7, &kept, 1);
	people_login(people, s("online"), 0);
	settle(people, DELAY);
	for (int i = 0; i < 10; i++) {
		char name[16];
		snprintf(name, sizeof name, "u%d", i);
		people_remember(people, s(name), 100 + i);
	}
	assert_int_equal(people->count, 5);
	assert_null(people_find(people, s("u6")));
	assert_int_equal(people_find(people, s("u9"))->last_seen_ms, 109);
	assert_non_null(people_find(people, s("kept")));
	leave(people, "online", 1000);
	settle(people, 2000);
	assert_int_equal(people->count, 5);
	write_all(people);
	assert_int_equal(people->count, 4);
	assert_non_null(people_find(people, s("online")));
	people_follow(people, &alice, 7, NULL, 0);
	assert_int_equal(people->count, 3);
}

static void what_happened_here_beats_the_store(void **state)
{
	struct people *people = *state;
	people_login(people, s("bob"), 0);
	leave(people, "bob", 1000);
	people_remember(people, s("bob"), 5);
	assert_int_equal(people_find(people, s("bob"))->last_seen_ms, 2000);
	settle(people, 5000);
	write_all(people);
	people_remember(people, s("bob"), 6);
	assert_int_equal(people_find(people, s("bob"))->last_seen_ms, 2000);
}

static void remembers_nobody_when_told_so(void **state)
{
	struct people *people = *state;
	people->remember = 0;
	people_remember(people, s("u"), 5);
	assert_int_equal(people->count, 0);
	people_login(people, s("bob"), 0);
	leave(people, "bob", 0);
	settle(people, 1000);
	write_all(people);
	assert_int_equal(people->count, 0);
}

static void all_are_seen_when_the_server_stops(void **state)
{
	struct people *people = *state;
	struct follower *away = NULL;
	people_login(people, s("a"), 0);
	people_login(people, s("b"), 0);
	people_set_away(people, s("b"), &away, 4, 1, 0);
	people_leave_all(people, 77);
	assert_int_equal(people_find(people, s("b"))->last_seen_ms, 77);
	write_all(people);
	assert_int_equal(status(people, "a"), NUNCIO_PRESENCE_OFFLINE);
	people_logout(people, s("b"), &away, 0, 99);
	assert_int_equal(people_find(people, s("b"))->last_seen_ms, 77);
}

static void many_are_found(void **state)
{
	struct people *people = *state;
	char name[16];
	for (int i = 0; i < 5000; i++) {
		snprintf(name, sizeof name, "user%d", i);
		people_login(people, s(name), i);
	}
	assert_int_equal(people->count, 5000);
	for (int i = 0; i < 5000; i++) {
		snprintf(name, sizeof name, "user%d", i);
		assert_int_equal(status(people, name), NUNCIO_PRESENCE_ONLINE);
		leave(people, name, 10000);
	}
	settle(people, 20000);
	write_all(people);
	assert_int_equal(people->count, 3);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

static void not_to_be_disturbed_wins_and_stays(void **state)
{
	struct people *people = *state;
	struct follower *none = NULL;
	people_set_dnd(people, s("bob"), 1, 0); /* nobody knows him: nothing to keep */
	assert_null(people_find(people, s("bob")));
	people_login(people, s("bob"), 0);
	settle(people, DELAY);
	people_set_dnd(people, s("bob"), 1, 1000);
	assert_int_equal(status(people, "bob"), NUNCIO_PRESENCE_DND);
	assert_int_equal(settle(people, 1000 + DELAY), 1);
	people_set_away(people, s("bob"), &none, 1, 1, 2000);
	assert_int_equal(settle(people, 2000 + DELAY), 0);
	people_logout(people, s("bob"), &none, 3000, 3000);
	assert_int_equal(settle(people, 3000 + DELAY), 1);
	assert_int_equal(status(people, "bob"), NUNCIO_PRESENCE_OFFLINE);
	write_all(people);
	people_login(people, s("bob"), 4000);
	assert_int_equal(status(people, "bob"), NUNCIO_PRESENCE_DND);
	people_set_dnd(people, s("bob"), 0, 4000);
	assert_int_equal(status(people, "bob"), NUNCIO_PRESENCE_ONLINE);
}

static void who_follows_sees_when_let(void **state)
{
	struct people *people = *state;
	struct follower *follower = NULL;
	const struct nuncio_str names[] = { s("bob"), s("carol"), s("bob") };
	people_follow(people, &follower, 7, names, 3);
	assert_int_equal(follower->watches[0].may_see, 0);
	assert_int_equal(people_let_see(people, follower, s("carol"), 1), 1);
	assert_int_equal(people_let_see(people, follower, s("carol"), 1), 0);
	assert_int_equal(follower->watches[0].may_see, 0);
	assert_int_equal(follower->watches[1].may_see, 1);
	assert_int_equal(people_let_see(people, follower, s("carol"), 0), 1);
	assert_int_equal(people_let_see(people, follower, s("dave"), 1), 0);
	people_logout(people, s("nobody"), &follower, 0, 0);
}

/* ---- other nodes ---- */

static int interest_count;

static void on_interest(struct nuncio_str user, int on, void *context)
{
	(void)user, (void)context;
	interest_count += on ? 1 : -1;
}

static void elsewhere(
	struct people *people, const char *user, enum nuncio_presence_status state, int64_t now_ms)
{
	people_set_elsewhere(people, s(user), state, now_ms, 1000 + now_ms);
}

static void who_is_of_interest_is_told(void **state)
{
	struct people *people = *state;
	struct follower *follower = NULL;
	const struct nuncio_str names[] = { s("bob"), s("carol") };
	interest_count = 0;
	people->interest = on_interest;
	people_follow(people, &follower, 7, names, 2);
	assert_int_equal(interest_count, 2);
	people_login(people, s("bob"), 0);
	people_follow(people, &follower, 7, &names[1], 1);
	assert_int_equal(interest_count, 2);
	people_follow(people, &follower, 7, &names[1], 1);
	assert_int_equal(interest_count, 2);
	settle(people, DELAY);
	leave(people, "bob", 1000);
	assert_int_equal(interest_count, 2); /* until it is told that they went */
	settle(people, 1000 + DELAY);
	assert_int_equal(interest_count, 1);
	people_logout(people, s("nobody"), &follower, 0, 0);
	assert_int_equal(interest_count, 0);
}

static void sessions_elsewhere_count(void **state)
{
	struct people *people = *state;
	people->interest = on_interest;
	elsewhere(people, "bob", NUNCIO_PRESENCE_ONLINE, 0);
	assert_null(people_find(people, s("bob")));
	people_login(people, s("bob"), 0);
	/* Who was there already is no news. */
	elsewhere(people, "bob", NUNCIO_PRESENCE_AWAY, 0);
	assert_int_equal(people_find(people, s("bob"))->told, NUNCIO_PRESENCE_AWAY);
	assert_int_equal(status(people, "bob"), NUNCIO_PRESENCE_ONLINE);
	assert_int_equal(settle(people, DELAY), 1);
	elsewhere(people, "bob", NUNCIO_PRESENCE_ONLINE, 1000);
	leave(people, "bob", 1000);
	assert_int_equal(settle(people, 1000 + DELAY), 0);
	/* It is remembered no more what they are elsewhere: nobody here cares. */
	assert_int_equal(status(people, "bob"), NUNCIO_PRESENCE_OFFLINE);
	assert_false(people_is_sure(people, people_find(people, s("bob"))));
}

static void going_elsewhere_is_going(void **state)
{
	struct people *people = *state;
	struct follower *follower = NULL;
	const struct nuncio_str names[] = { s("bob") };
	people->interest = on_interest;
	people_follow(people, &follower, 7, names, 1);
	elsewhere(people, "bob", NUNCIO_PRESENCE_ONLINE, 0);
	assert_int_equal(settle(people, DELAY), 0);
	assert_true(people_is_sure(people, people_find(people, s("bob"))));
	elsewhere(people, "bob", NUNCIO_PRESENCE_OFFLINE, 5000);
	assert_int_equal(status(people, "bob"), NUNCIO_PRESENCE_ONLINE); /* not yet told */
	assert_int_equal(settle(people, 5000 + DELAY), 1);
	assert_int_equal(status(people, "bob"), NUNCIO_PRESENCE_OFFLINE);
	assert_int_equal(people_find(people, s("bob"))->last_seen_ms, 6000);
	assert_null(people_next_dirty(people)); /* the other node writes it */
	people_logout(people, s("nobody"), &follower, 0, 0);
}

static void not_to_be_disturbed_on_every_node(void **state)
{
	struct people *people = *state;
	people->interest = on_interest;
	people_login(people, s("bob"), 0);
	elsewhere(people, "bob", NUNCIO_PRESENCE_DND, 0);
	assert_int_equal(status(people, "bob"), NUNCIO_PRESENCE_DND);
	assert_int_equal(
		status_join(NUNCIO_PRESENCE_AWAY, NUNCIO_PRESENCE_OFFLINE), NUNCIO_PRESENCE_AWAY);
	assert_int_equal(
		status_join(NUNCIO_PRESENCE_AWAY, NUNCIO_PRESENCE_ONLINE), NUNCIO_PRESENCE_ONLINE);
}

/* Nobody is told that somebody is online who turns out not to want to be disturbed. */
static void what_the_store_says_is_waited_for(void **state)
{
	struct people *people = *state;
	people->is_dnd_stored = 1;
	people_login(people, s("bob"), 0);
	assert_true(people_wants_dnd(people, people_find(people, s("bob"))));
	assert_int_equal(settle(people, 10 * DELAY), 0);
	people_read_dnd(people, s("bob"), 1, 1, 3000);
	assert_false(people_wants_dnd(people, people_find(people, s("bob"))));
	assert_int_equal(settle(people, 3000 + DELAY), 1);
	assert_int_equal(people_find(people, s("bob"))->told, NUNCIO_PRESENCE_DND);
	people_login(people, s("carol"), 0);
	people_go_without_dnd(people, s("carol"), 4000); /* it could not be read */
	assert_int_equal(settle(people, 4000 + DELAY), 1);
	assert_int_equal(people_find(people, s("carol"))->told, NUNCIO_PRESENCE_ONLINE);
	assert_true(people_wants_dnd(people, people_find(people, s("carol"))));
}

static void what_was_read_later_holds(void **state)
{
	struct people *people = *state;
	people->is_dnd_stored = 1;
	people_login(people, s("bob"), 0);
	people_read_dnd(people, s("bob"), 0, 2, 0);
	people_read_dnd(people, s("bob"), 1, 1, 0);
	assert_int_equal(status(people, "bob"), NUNCIO_PRESENCE_ONLINE);
	people_read_dnd(people, s("bob"), 1, 3, 0);
	assert_int_equal(status(people, "bob"), NUNCIO_PRESENCE_DND);
}

/* Only nodes where somebody has sessions are told of what they say. */
static void who_was_elsewhere_is_read_anew(void **state)
{
	struct people *people = *state;
	people->is_dnd_stored = 1;
	people->interest = on_interest;
	people_login(people, s("bob"), 0);
	people_read_dnd(people, s("bob"), 0, 1, 0);
	leave(people, "bob", 1000);
	people_login(people, s("bob"), 1001);
	assert_true(people_wants_dnd(people, people_find(people, s("bob"))));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(coming_shows_at_once_and_is_told_later),
		TEST(a_reconnect_is_not_seen),
		TEST(offline_with_the_last_session),
		TEST(away_only_if_all_are),
		TEST(a_list_replaces_the_former),
		TEST(a_new_follower_starts_from_the_truth),
		TEST(followers_go_with_their_session),
		TEST(forgets_the_oldest_of_the_idle),
		TEST(what_happened_here_beats_the_store),
		TEST(remembers_nobody_when_told_so),
		TEST(all_are_seen_when_the_server_stops),
		TEST(many_are_found),
		TEST(not_to_be_disturbed_wins_and_stays),
		TEST(who_follows_sees_when_let),
		TEST(who_is_of_interest_is_told),
		TEST(sessions_elsewhere_count),
		TEST(going_elsewhere_is_going),
		TEST(not_to_be_disturbed_on_every_node),
		TEST(what_the_store_says_is_waited_for),
		TEST(what_was_read_later_holds),
		TEST(who_was_elsewhere_is_read_anew),
	};
	return cmocka_run_group_tests_name("people", tests, NULL, NULL);
}
