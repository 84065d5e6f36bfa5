# SPDX-License-Identifier: MIT
# Run by hand or by tests/run: node tests/web/run.mjs
EXTRA_DIST += %D%/run.mjs %D%/fake.mjs %D%/client.test.mjs %D%/outbox.test.mjs %D%/page.test.mjs \
	%D%/rest.test.mjs %D%/types.test.mjs %D%/consumer.mts
