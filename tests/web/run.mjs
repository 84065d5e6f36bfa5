#!/usr/bin/env node
// SPDX-License-Identifier: MIT
/* Runs the tests of contrib/web in Node. Last line: N passed, N failed, N skipped. */

import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { run } from 'node:test';

const folder = fileURLToPath(new URL('.', import.meta.url));
const files = readdirSync(folder)
  .filter((name) => name.endsWith('.test.mjs'))
  .map((name) => join(folder, name));
const count = { passed: 0, failed: 0, skipped: 0 };
const isCase = ({ details, name }) => details?.type !== 'suite' && !files.includes(name);

const stream = run({ files, concurrency: 1, timeout: 60_000 });
stream.on('test:pass', (test) => {
  if (!isCase(test)) return;
  if (test.skip || test.todo) count.skipped++;
  else count.passed++;
});
stream.on('test:fail', (test) => {
  const cause = test.details?.error?.cause;
  if (!isCase(test) && cause === undefined) return;
  if (cause?.code === 'ERR_TEST_FAILURE' || /subtests? failed/.test(String(cause))) return;
  count.failed++;
  console.log(`FAIL ${test.name}: ${cause?.stack ?? cause ?? test.details?.error}`);
});
stream.on('test:stderr', ({ message }) => process.stderr.write(message));
for await (const event of stream) void event;
console.log(`${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`);
process.exitCode = count.failed > 0 || count.passed === 0 ? 1 : 0;
