# Unit tests of modules/, where they can be tested without a server: see local.mk.

# auth_jwt
UNIT_TESTS += tests/unit/test_base64url tests/unit/test_key tests/unit/test_token \
	tests/unit/test_token_cache
AUTH_JWT_TEST = tests/lib/unit.h tests/unit/token_forge.c tests/unit/token_forge.h $(AUTH_JWT_PURE)
AUTH_JWT_TEST_CPPFLAGS = $(AM_CPPFLAGS) -iquote $(top_srcdir)/modules/auth_jwt
AUTH_JWT_TEST_LDADD = src/libbase.a $(CMOCKA_LIBS) $(AUTH_JWT_LIBS) $(BASE_LIBS)
tests_unit_test_base64url_SOURCES = %D%/test_base64url.c $(AUTH_JWT_TEST)
tests_unit_test_base64url_CPPFLAGS = $(AUTH_JWT_TEST_CPPFLAGS)
tests_unit_test_base64url_LDADD = $(AUTH_JWT_TEST_LDADD)
tests_unit_test_key_SOURCES = %D%/test_key.c $(AUTH_JWT_TEST)
tests_unit_test_key_CPPFLAGS = $(AUTH_JWT_TEST_CPPFLAGS)
tests_unit_test_key_LDADD = $(AUTH_JWT_TEST_LDADD)
tests_unit_test_token_SOURCES = %D%/test_token.c $(AUTH_JWT_TEST)
tests_unit_test_token_CPPFLAGS = $(AUTH_JWT_TEST_CPPFLAGS)
tests_unit_test_token_LDADD = $(AUTH_JWT_TEST_LDADD)
tests_unit_test_token_cache_SOURCES = %D%/test_token_cache.c $(AUTH_JWT_TEST)
tests_unit_test_token_cache_CPPFLAGS = $(AUTH_JWT_TEST_CPPFLAGS)
tests_unit_test_token_cache_LDADD = $(AUTH_JWT_TEST_LDADD)

# direct, presence, rate_limit, web: their pure parts
UNIT_TESTS += tests/unit/test_bucket tests/unit/test_conditions tests/unit/test_direct_id \
	tests/unit/test_files tests/unit/test_peers tests/unit/test_people tests/unit/test_spent
tests_unit_test_bucket_SOURCES = %D%/test_bucket.c modules/rate_limit/bucket.c tests/lib/unit.h
tests_unit_test_bucket_LDADD = $(CMOCKA_LIBS)
tests_unit_test_conditions_SOURCES = %D%/test_conditions.c modules/web/conditions.c tests/lib/unit.h
tests_unit_test_conditions_LDADD = $(CMOCKA_LIBS)
tests_unit_test_direct_id_SOURCES = %D%/test_direct_id.c modules/direct/direct_id.c tests/lib/unit.h
tests_unit_test_direct_id_LDADD = $(CMOCKA_LIBS)
tests_unit_test_files_SOURCES = %D%/test_files.c modules/web/files.c tests/lib/unit.h
tests_unit_test_files_LDADD = src/libbase.a $(CMOCKA_LIBS) $(ZLIB_LIBS) $(BASE_LIBS)
tests_unit_test_peers_SOURCES = %D%/test_peers.c modules/rate_limit/peers.c tests/lib/unit.h
tests_unit_test_spent_SOURCES = %D%/test_spent.c modules/rate_limit/spent.c tests/lib/unit.h
tests_unit_test_spent_LDADD = $(CMOCKA_LIBS)
tests_unit_test_peers_LDADD = $(CMOCKA_LIBS)
tests_unit_test_people_SOURCES = %D%/test_people.c modules/presence/people.c tests/lib/unit.h
tests_unit_test_people_LDADD = $(CMOCKA_LIBS)

# accounts
UNIT_TESTS += tests/unit/test_account_text tests/unit/test_gone tests/unit/test_refresh \
	tests/unit/test_throttle
ACCOUNTS_TEST_CPPFLAGS = $(AM_CPPFLAGS) -iquote $(top_srcdir)/modules/accounts
ACCOUNTS_TEST = tests/lib/unit.h modules/accounts/accounts.h modules/accounts/text.c
ACCOUNTS_TEST_LDADD = $(CMOCKA_LIBS) $(SODIUM_LIBS)
tests_unit_test_account_text_SOURCES = %D%/test_account_text.c $(ACCOUNTS_TEST)
tests_unit_test_account_text_CPPFLAGS = $(ACCOUNTS_TEST_CPPFLAGS)
tests_unit_test_account_text_LDADD = $(ACCOUNTS_TEST_LDADD)
tests_unit_test_gone_SOURCES = %D%/test_gone.c modules/accounts/gone.c $(ACCOUNTS_TEST)
tests_unit_test_gone_CPPFLAGS = $(ACCOUNTS_TEST_CPPFLAGS)
tests_unit_test_gone_LDADD = $(ACCOUNTS_TEST_LDADD)
tests_unit_test_refresh_SOURCES = %D%/test_refresh.c modules/accounts/refresh.c $(ACCOUNTS_TEST)
tests_unit_test_refresh_CPPFLAGS = $(ACCOUNTS_TEST_CPPFLAGS)
tests_unit_test_refresh_LDADD = $(ACCOUNTS_TEST_LDADD)
tests_unit_test_throttle_SOURCES = %D%/test_throttle.c modules/accounts/throttle.c $(ACCOUNTS_TEST)
tests_unit_test_throttle_CPPFLAGS = $(ACCOUNTS_TEST_CPPFLAGS)
tests_unit_test_throttle_LDADD = $(ACCOUNTS_TEST_LDADD)

# word_filter: its pure parts
UNIT_TESTS += tests/unit/test_words
tests_unit_test_words_SOURCES = %D%/test_words.c modules/word_filter/fold.c modules/word_filter/mask.c \
	modules/word_filter/words.c modules/word_filter/word_filter.h tests/lib/unit.h
tests_unit_test_words_LDADD = src/libmodule.a src/libwire.a src/libbase.a $(CMOCKA_LIBS) \
	$(BASE_LIBS) $(DL_LIBS)

# webhook: its pure parts
UNIT_TESTS += tests/unit/test_backoff
tests_unit_test_backoff_SOURCES = %D%/test_backoff.c modules/webhook/backoff.c modules/webhook/webhook.h \
	tests/lib/unit.h
tests_unit_test_backoff_LDADD = $(CMOCKA_LIBS)
# messages: its pure parts
UNIT_TESTS += tests/unit/test_reactions
tests_unit_test_reactions_SOURCES = %D%/test_reactions.c modules/messages/reactions.c \
	modules/messages/state.c modules/messages/messages.h tests/lib/unit.h
tests_unit_test_reactions_LDADD = src/libmodule.a src/libwire.a src/libbase.a $(CMOCKA_LIBS) \
	$(BASE_LIBS) $(DL_LIBS)

# history: its pure parts
UNIT_TESTS += tests/unit/test_hidden
tests_unit_test_hidden_SOURCES = %D%/test_hidden.c modules/history/hidden.c modules/history/text.c \
	modules/history/history.h tests/lib/unit.h
tests_unit_test_hidden_LDADD = src/libmodule.a src/libwire.a src/libbase.a $(CMOCKA_LIBS) \
	$(BASE_LIBS) $(DL_LIBS)
UNIT_TESTS += tests/unit/test_cache tests/unit/test_known tests/unit/test_pack
tests_unit_test_cache_SOURCES = %D%/test_cache.c modules/history/cache.c modules/history/cache.h \
	tests/lib/unit.h
tests_unit_test_cache_LDADD = $(CMOCKA_LIBS)
tests_unit_test_known_SOURCES = %D%/test_known.c modules/history/known.c modules/history/known.h \
	tests/lib/unit.h
tests_unit_test_known_LDADD = $(CMOCKA_LIBS)
tests_unit_test_pack_SOURCES = %D%/test_pack.c modules/history/pack.c modules/history/pack.h \
	tests/lib/unit.h
tests_unit_test_pack_LDADD = $(CMOCKA_LIBS)
# group
UNIT_TESTS += tests/unit/test_group_id tests/unit/test_group_news tests/unit/test_group_record \
	tests/unit/test_group_rules tests/unit/test_group_table
GROUP_TEST = tests/lib/unit.h $(GROUP_PURE)
tests_unit_test_group_id_SOURCES = %D%/test_group_id.c modules/group/group_id.c tests/lib/unit.h
tests_unit_test_group_id_LDADD = $(CMOCKA_LIBS)
tests_unit_test_group_news_SOURCES = %D%/test_group_news.c $(GROUP_TEST)
tests_unit_test_group_news_LDADD = $(MODULE_TEST_LIBS)
tests_unit_test_group_record_SOURCES = %D%/test_group_record.c $(GROUP_TEST)
tests_unit_test_group_record_LDADD = $(MODULE_TEST_LIBS)
tests_unit_test_group_rules_SOURCES = %D%/test_group_rules.c $(GROUP_TEST)
tests_unit_test_group_rules_LDADD = $(MODULE_TEST_LIBS)
tests_unit_test_group_table_SOURCES = %D%/test_group_table.c modules/group/table.c \
	modules/group/table.h tests/lib/unit.h
tests_unit_test_group_table_LDADD = $(CMOCKA_LIBS)

# receipts
UNIT_TESTS += tests/unit/test_pending
tests_unit_test_pending_SOURCES = %D%/test_pending.c modules/receipts/pending.c \
	modules/receipts/pending.h tests/lib/unit.h
tests_unit_test_pending_LDADD = $(CMOCKA_LIBS)

# devices: its pure part
UNIT_TESTS += tests/unit/test_device_policy
tests_unit_test_device_policy_SOURCES = %D%/test_device_policy.c modules/devices/policy.c \
	modules/devices/devices.h tests/lib/unit.h
tests_unit_test_device_policy_LDADD = $(CMOCKA_LIBS)

# presence_redis: its pure part
UNIT_TESTS += tests/unit/test_roster_entry
tests_unit_test_roster_entry_SOURCES = %D%/test_roster_entry.c modules/presence_redis/entry.c $(REDIS_TEST)
tests_unit_test_roster_entry_CPPFLAGS = $(REDIS_TEST_CPPFLAGS)
tests_unit_test_roster_entry_LDADD = $(MODULE_TEST_LIBS)

# redis: its pure parts
UNIT_TESTS += tests/unit/test_redis_address tests/unit/test_redis_backoff tests/unit/test_redis_map
REDIS_TEST = tests/lib/unit.h $(REDIS_PURE)
REDIS_TEST_CPPFLAGS = $(AM_CPPFLAGS) -iquote $(top_srcdir)/modules
tests_unit_test_redis_address_SOURCES = %D%/test_redis_address.c $(REDIS_TEST)
tests_unit_test_redis_address_CPPFLAGS = $(REDIS_TEST_CPPFLAGS)
tests_unit_test_redis_address_LDADD = $(CMOCKA_LIBS)
tests_unit_test_redis_backoff_SOURCES = %D%/test_redis_backoff.c $(REDIS_TEST)
tests_unit_test_redis_backoff_CPPFLAGS = $(REDIS_TEST_CPPFLAGS)
tests_unit_test_redis_backoff_LDADD = $(CMOCKA_LIBS)
tests_unit_test_redis_map_SOURCES = %D%/test_redis_map.c $(REDIS_TEST)
tests_unit_test_redis_map_CPPFLAGS = $(REDIS_TEST_CPPFLAGS)
tests_unit_test_redis_map_LDADD = $(CMOCKA_LIBS)
