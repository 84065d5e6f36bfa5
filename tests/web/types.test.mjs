// SPDX-License-Identifier: MIT
/* nuncio.d.ts says what nuncio.js has: the same names, and types that a strict program can use. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, it } from 'node:test';
import * as library from '../../contrib/web/nuncio.js';

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const declared = readFileSync(here('../../contrib/web/nuncio.d.ts'), 'utf8');

/* Names of the members in the braces behind `export class NAME`. */
function members(name) {
  const body = new RegExp(`export class ${name}[^{]*\\{\\n([\\s\\S]*?)\\n\\}`).exec(declared)[1];
  const found = body.matchAll(/^ {2}(?:readonly |static |get )*([a-zA-Z_]\w*)[?]?[(<:]/gm);
  return new Set([...found].map(([, member]) => member));
}

describe('nuncio.d.ts', () => {
  it('exports what nuncio.js exports', () => {
    const names = [...declared.matchAll(/^export (?:class|function|const) (\w+)/gm)].map(([, n]) => n);
    assert.deepEqual(new Set(names), new Set(Object.keys(library)));
  });

  it('has the members of each class, and no others', () => {
    for (const name of ['Client', 'Rest', 'Sequencer']) {
      const real = Object.getOwnPropertyNames(library[name].prototype).filter((one) => !one.startsWith('_'));
      const fields = members(name);
      for (const one of real) assert.ok(fields.has(one), `${name}.${one} is not declared`);
      const instance = name === 'Client' ? new library.Client({ url: 'ws://x/', token: () => 't', WebSocket: class {} }) : new library[name]({});
      for (const one of fields) assert.ok(one in instance, `${name}.${one} is declared and not there`);
    }
  });

  it('compiles, strictly', () => {
    const options = ['--noEmit', '--strict', '--target', 'es2022', '--module', 'nodenext', '--lib', 'es2022,dom'];
    const done = spawnSync('tsc', [...options, here('consumer.mts')], { encoding: 'utf8' });
    assert.equal(done.error, undefined, 'tsc (Debian: node-typescript)');
    assert.equal(done.status, 0, done.stdout);
  });
});
