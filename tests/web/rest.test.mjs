// SPDX-License-Identifier: MIT
/* Accounts and tokens over REST. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Rest, memoryStorage, webStorage } from '../../contrib/web/nuncio.js';

function json(status, code, data, message = '') {
  return new Response(JSON.stringify({ code, message, data, trace_id: 'f'.repeat(32) }), {
    status,
  });
}

/* A server whose refresh tokens work once. */
function make(options = {}) {
  const calls = [];
  let serial = 0;
  let refreshToken = '';
  const tokens = () => ({
    access_token: `a${++serial}`,
    refresh_token: (refreshToken = `r${serial}`),
    token_type: 'Bearer',
    expires_in: options.expires ?? 900,
    user: { id: 'alice', name: 'Alice' },
  });
  const fetch = async (url, { method, headers, body }) => {
    calls.push({ url, method, headers, body: body && JSON.parse(body) });
    await new Promise((resolve) => setTimeout(resolve, 2));
    if (options.down) throw new TypeError('fetch failed');
    if (url.endsWith('/auth/login')) return json(200, 0, tokens());
    if (url.endsWith('/auth/refresh')) {
      return JSON.parse(body).refresh_token === refreshToken
        ? json(200, 0, tokens())
        : json(401, 2006, null, 'used');
    }
    if (url.endsWith('/auth/logout')) return new Response(null, { status: 204 });
    if (headers.Authorization === 'Bearer a1' && options.firstExpires)
      return json(401, 2002, null, 'expired');
    if (url.includes('/users?')) return json(200, 0, { users: [{ id: 'bob' }], next: null });
    if (method === 'POST') return json(201, 0, { id: 'alice' });
    if (url.endsWith('/html')) return new Response('<html>', { status: 502 });
    return json(404, 1007, null, 'no');
  };
  const storage = options.storage ?? memoryStorage();
  return {
    rest: new Rest({ base: 'http://h/', fetch, storage, lock: options.lock }),
    calls,
    options,
    storage,
  };
}

describe('rest', () => {
  it('registers, signs in and keeps the tokens', async () => {
    const { rest, calls } = make();
    await rest.register({ id: 'alice', password: 'pw', name: 'Alice' });
    assert.deepEqual(calls[0].body, { id: 'alice', password: 'pw', name: 'Alice' });
    assert.equal(calls[0].headers['Content-Type'], 'application/json');
    assert.deepEqual(await rest.login('alice', 'pw'), { id: 'alice', name: 'Alice' });
    assert.equal(await rest.token(), 'a1');
    assert.deepEqual(await rest.user(), { id: 'alice', name: 'Alice' });
  });

  it('renews a token that is about to end, once for many callers', async () => {
    const { rest, calls } = make({ expires: 10 });
    await rest.login('alice', 'pw');
    const tokens = await Promise.all([rest.token(), rest.token(), rest.token({ refused: true })]);
    assert.deepEqual(tokens, ['a2', 'a2', 'a2']);
    assert.equal(calls.filter(({ url }) => url.endsWith('refresh')).length, 1);
  });

  it('uses the token that another tab has fetched meanwhile', async () => {
    let free = Promise.resolve();
    const lock = (work) => (free = free.then(work, work));
    const one = make({ lock });
    const two = new Rest({
      base: 'http://h',
      storage: one.storage,
      lock,
      fetch: () => assert.fail('would use the token twice'),
    });
    await one.rest.login('alice', 'pw');
    assert.deepEqual(await Promise.all([one.rest.refresh(), two.refresh()]), ['a2', 'a2']);
  });

  it('repeats a call once with a new token', async () => {
    const { rest, calls } = make({ firstExpires: true });
    await rest.login('alice', 'pw');
    assert.deepEqual(await rest.findUsers('b o', { limit: 5 }), {
      users: [{ id: 'bob' }],
      next: null,
    });
    assert.equal(calls.at(-1).url, 'http://h/api/v1/users?query=b+o&limit=5');
    assert.equal(calls.at(-1).headers.Authorization, 'Bearer a2');
  });

  it('signs out when the refresh token is dead, not when the server is away', async () => {
    const { rest, options, storage } = make();
    let out = 0;
    rest.on('signedout', () => out++);
    await rest.login('alice', 'pw');
    options.down = true;
    await assert.rejects(rest.refresh(), { reason: 'network', code: 0 });
    assert.equal(out, 0);
    options.down = false;
    storage.set('auth', { ...storage.get('auth'), refresh_token: 'stolen' });
    await assert.rejects(rest.token({ refused: true }), { code: 2006, final: true });
    assert.equal(out, 1);
    assert.equal(await rest.token(), null);
  });

  it('signs out here even when the server is away', async () => {
    const { rest, options } = make();
    await rest.login('alice', 'pw');
    options.down = true;
    await rest.logout();
    assert.equal(await rest.user(), null);
  });

  it('explains failures', async () => {
    const { rest } = make();
    await assert.rejects(rest.getUser('x'), { reason: 'signed_out' });
    await rest.login('alice', 'pw');
    await assert.rejects(rest.getUser('a/b'), { code: 1007, status: 404, traceId: 'f'.repeat(32) });
    await assert.rejects(rest.call('GET', '/html'), { reason: 'bad_answer', status: 502 });
  });
});

describe('web storage', () => {
  it('keeps to its prefix and survives foreign data', () => {
    const map = new Map([
      ['other:x', '1'],
      ['n:broken', '{'],
    ]);
    const area = {
      getItem: (key) => map.get(key) ?? null,
      setItem: (key, value) => map.set(key, value),
      removeItem: (key) => map.delete(key),
      key: (i) => [...map.keys()][i],
      get length() {
        return map.size;
      },
    };
    const storage = webStorage('n:', area);
    storage.set('outbox:1', { a: 1 });
    assert.deepEqual(storage.keys('outbox:'), ['outbox:1']);
    assert.deepEqual(storage.get('outbox:1'), { a: 1 });
    assert.equal(storage.get('broken'), undefined);
    assert.equal(storage.get('x'), undefined);
    storage.remove('outbox:1');
    assert.deepEqual(storage.keys('outbox:'), []);
  });
});
