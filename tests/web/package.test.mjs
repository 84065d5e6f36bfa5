// SPDX-License-Identifier: MIT
/* The package as it would be published: nothing that its files import is left out, nothing of the page is in it. */

import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';

const web = fileURLToPath(new URL('../../contrib/web/', import.meta.url));
const { files, exports } = JSON.parse(readFileSync(join(web, 'package.json'), 'utf8'));

test('the listed files alone can be imported, and export what the sources do', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'nuncio-package-'));
  try {
    for (const name of [...files, 'package.json']) cpSync(join(web, name), join(folder, name));
    const packed = await import(pathToFileURL(join(folder, exports['.'].default)));
    const source = await import(pathToFileURL(join(web, 'nuncio.js')));
    assert.deepEqual(Object.keys(packed), Object.keys(source));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('each listed file is imported by another, or is the door', () => {
  const scripts = files.filter((name) => name.endsWith('.js'));
  const imported = scripts.flatMap((name) =>
    [...readFileSync(join(web, name), 'utf8').matchAll(/from '\.\/([^']+)'/g)].map((match) => match[1]),
  );
  for (const name of scripts) assert.ok(name === 'nuncio.js' || imported.includes(name), name);
});
