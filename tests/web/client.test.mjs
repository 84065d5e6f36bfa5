// SPDX-License-Identifier: MIT
/* Connecting, coming back, and receiving each event once and in order. */

import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import {
  Client,
  NuncioError,
  Sequencer,
  backoff,
  memoryStorage,
} from '../../contrib/web/nuncio.js';
import { FakeServer, quick, settle, until } from './fake.mjs';

const clients = [];
afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
});

function make(server, options = {}) {
  const client = new Client({ ...quick, WebSocket: server.WebSocket, ...options });
  client.got = [];
  client.on('message', (event) => client.got.push(`${event.conversation}/${event.seq}`));
  client.closings = [];
  client.on('closed', (how) => client.closings.push(how));
  clients.push(client);
  return client;
}

async function ready(client) {
  await client.connect();
  await until(() => client.state === 'ready');
  return client;
}

async function comeBack(server, client) {
  const before = server.sockets.length;
  server.current.fail(1006);
  await until(() => server.sockets.length > before && client.state === 'ready');
}

const runOf = (conversation, from, to) =>
  Array.from({ length: to - from + 1 }, (_, i) => `${conversation}/${from + i}`);

describe('back-off', () => {
  it('is full jitter: between nothing and a growing, capped limit', () => {
    const limits = { base: 100, cap: 1000 };
    assert.deepEqual(
      [0, 1, 2, 3, 4, 50].map((n) => backoff(n, limits, () => 0.9999999)),
      [99, 199, 399, 799, 999, 999],
    );
    assert.equal(
      backoff(9, limits, () => 0),
      0,
    );
  });
});

/* Only its end is read by the client. */
const tokenUntil = (ms) => `x.${btoa(JSON.stringify({ exp: ms / 1000 }))}.${Math.random()}`;

describe('connecting', () => {
  it('prolongs the session with a fresh token before the old one ends', async () => {
    const server = new FakeServer();
    const ends = [Date.now() + 1500, Date.now() + 3_600_000];
    const client = make(server, {
      token: () => tokenUntil(ends.length > 1 ? ends.shift() : ends[0]),
      renewBefore: 400,
    });
    await ready(client);
    assert.equal(server.tokens.length, 1);
    await until(() => server.tokens.length === 2);
    await settle();
    assert.notEqual(server.tokens[1], server.tokens[0]);
    assert.equal(server.sockets.length, 1, 'on the same connection');
    assert.equal(client.state, 'ready');
    assert.deepEqual(client.closings, []);
  });

  it('shows the token in session.open, never in the address, and syncs', async () => {
    const server = new FakeServer();
    const client = await ready(make(server, { device: 'phone' }));
    assert.deepEqual(server.requests[0].data, { token: 'good', device: 'phone' });
    assert.equal(server.current.url, 'ws://test/ws');
    assert.deepEqual(server.current.protocols, ['nuncio.json.v1']);
    assert.equal(server.of('sync').length, 1);
    assert.equal(client.user, 'alice');
  });

  it('tells its states in order', async () => {
    const server = new FakeServer();
    const client = make(server);
    const states = [];
    client.on('state', ({ state }) => states.push(state));
    await ready(client);
    await comeBack(server, client);
    await client.close();
    assert.deepEqual(states, [
      'connecting',
      'syncing',
      'ready',
      'waiting',
      'connecting',
      'syncing',
      'ready',
      'stopped',
    ]);
  });

  it('backs off further with each failure and starts over after a stable session', async () => {
    const server = new FakeServer();
    server.refuse = true;
    const client = make(server, {
      random: () => 0.5,
      backoff: { base: 4, cap: 20 },
      stableAfter: 10,
    });
    await client.connect();
    await until(() => client.closings.length >= 5);
    assert.deepEqual(
      client.closings.slice(0, 5).map(({ delay }) => delay),
      [2, 4, 8, 10, 10],
    );
    server.refuse = false;
    await until(() => client.state === 'ready');
    await settle(20);
    server.current.fail(1006);
    await until(() => client.state === 'waiting');
    assert.equal(client.closings.at(-1).delay, 2);
  });

  it('honours retry_after_ms', async () => {
    const server = new FakeServer();
    const client = await ready(make(server, { random: () => 0 }));
    server.notify('session.closing', { code: 1001, reason: 'drain', retry_after_ms: 60 });
    server.current.fail(1001);
    await until(() => client.state === 'waiting');
    assert.deepEqual(client.closings[0], { code: 1001, reason: 'drain', final: false, delay: 60 });
    await until(() => client.state === 'ready');
  });

  it('stays away after 4002', async () => {
    const server = new FakeServer();
    const client = await ready(make(server));
    server.current.fail(4002, 'replaced');
    await until(() => client.state === 'stopped');
    await settle();
    assert.equal(server.sockets.length, 1);
    assert.equal(client.closings[0].final, true);
  });

  it('gets a new token after 4001, at once', async () => {
    const server = new FakeServer();
    const asked = [];
    const token = async ({ refused }) => {
      asked.push(refused);
      return refused ? 'new' : 'old';
    };
    server.badTokens.add('old');
    const client = await ready(make(server, { token, backoff: { base: 10_000, cap: 10_000 } }));
    assert.deepEqual(asked, [false, true]);
    assert.deepEqual(server.tokens, ['old', 'new']);
    assert.equal(client.closings[0].delay, 0);
  });

  it('does not hammer a server that refuses every token', async () => {
    const server = new FakeServer();
    server.badTokens.add('good');
    const client = make(server, { random: () => 0.5, backoff: { base: 4, cap: 1000 } });
    await client.connect();
    await until(() => client.closings.length >= 4);
    assert.deepEqual(
      client.closings.slice(0, 4).map(({ delay }) => delay),
      [0, 2, 4, 8],
    );
  });

  it('gets a new token when a request is answered token_expired', async () => {
    const server = new FakeServer();
    let given = 0;
    const client = await ready(make(server, { token: () => `t${given++}` }));
    server.ops.echo = () => {
      throw { code: 2002 };
    };
    await assert.rejects(client.request('echo'), { code: 2002, reason: 'token_expired' });
    await until(() => client.state === 'ready');
    assert.deepEqual(server.tokens, ['t0', 't1']);
    assert.equal(server.sockets[0].closedByClient, true);
  });

  it('ends when there is no token, and tries again when it could not be fetched', async () => {
    const server = new FakeServer();
    const signedOut = make(server, { token: async () => null });
    await signedOut.connect();
    await until(() => signedOut.state === 'stopped');
    assert.equal(signedOut.closings[0].final, true);
    let attempts = 0;
    const flaky = make(server, {
      token: async () => {
        if (++attempts < 3) throw new TypeError('fetch failed');
        return 'good';
      },
    });
    await ready(flaky);
    assert.equal(attempts, 3);
  });

  it('fails requests that were under way when the connection ends', async () => {
    const server = new FakeServer();
    const client = await ready(make(server));
    server.ops.echo = () => undefined;
    const request = client.request('echo');
    server.current.fail(1006);
    await assert.rejects(request, { reason: 'disconnected' });
    await assert.rejects(client.request('echo'), { reason: 'offline' });
  });

  it('gives up a request after its time', async () => {
    const server = new FakeServer();
    const client = await ready(make(server));
    server.ops.echo = () => undefined;
    await assert.rejects(client.request('echo', {}, { timeout: 10 }), { reason: 'no_answer' });
  });

  it('repeats what came too fast, while the time lasts', async () => {
    const server = new FakeServer();
    const client = await ready(make(server));
    let refusals = 3;
    server.ops.echo = ({ text }) => {
      if (refusals-- > 0) throw { code: 4290 };
      return { text };
    };
    assert.deepEqual(await client.request('echo', { text: 'a' }), { text: 'a' });
    assert.equal(server.of('echo').length, 4);
    refusals = Infinity;
    await assert.rejects(client.request('echo', {}, { timeout: 30 }), { reason: 'rate_limited' });
  });

  it('repeats what came too fast often enough to be done in its time', async () => {
    const server = new FakeServer();
    const client = await ready(
      make(server, { random: () => 0.9, backoff: { base: 10_000, cap: 10_000 } }),
    );
    const from = Date.now();
    server.ops.echo = () => {
      if (Date.now() - from < 300) throw { code: 4290, data: { retry_after_ms: 5 } };
      return {};
    };
    await client.request('echo', {}, { timeout: 2000 });
  });

  it('does not send a packet that is over the limit', async () => {
    const server = new FakeServer();
    const client = await ready(make(server));
    await assert.rejects(client.request('echo', { text: 'x'.repeat(70_000) }), {
      reason: 'too_large',
    });
    assert.equal(server.of('echo').length, 0);
  });

  it('keeps on when a listener throws', async () => {
    const server = new FakeServer();
    const client = make(server);
    const errors = [];
    client.on('error', (error) => errors.push(error.message));
    client.on('message', () => {
      throw new Error('mine');
    });
    await ready(client);
    server.push('c', 'one');
    server.push('c', 'two');
    await until(() => client.got.length === 2);
    assert.deepEqual(errors, ['mine', 'mine']);
  });
});

describe('receiving', () => {
  it('starts from the list when there is no cursor', async () => {
    const server = new FakeServer();
    for (let i = 0; i < 3; i++) server.append('c', `old ${i}`);
    const client = make(server);
    const resets = [];
    client.on('reset', (reset) => resets.push(reset));
    await ready(client);
    server.push('c', 'new');
    await until(() => client.got.length === 1);
    assert.deepEqual(client.got, ['c/4']);
    assert.equal(resets[0].reason, 'first');
    assert.equal(resets[0].conversations[0].last_seq, 3);
  });

  it('brings what was missed, in pages, once', async () => {
    const server = new FakeServer();
    const client = await ready(make(server, { syncLimit: 3 }));
    server.push('c', 'live');
    await until(() => client.got.length === 1);
    for (let i = 0; i < 10; i++) server.append('c', `missed ${i}`);
    await comeBack(server, client);
    assert.deepEqual(client.got, runOf('c', 1, 11));
  });

  it('drops what sync and live both bring', async () => {
    const server = new FakeServer();
    const client = await ready(make(server));
    const sync = server.ops.sync;
    server.ops.sync = async (data) => {
      for (const event of server.journal) server.notify('message.new', event);
      await settle(2);
      return sync(data);
    };
    for (let i = 0; i < 5; i++) server.append('c', `m ${i}`);
    await comeBack(server, client);
    await settle();
    assert.deepEqual(client.got, runOf('c', 1, 5));
  });

  it('repairs a hole from history and keeps the order', async () => {
    const server = new FakeServer();
    const client = await ready(make(server));
    server.push('c', '1');
    for (let i = 2; i <= 150; i++) server.append('c', String(i));
    server.push('c', '151');
    await until(() => client.got.length === 151);
    assert.deepEqual(client.got, runOf('c', 1, 151));
    assert.equal(server.of('history.query')[0].data.after, 1);
  });

  it('waits a moment before it asks, for what is already on its way', async () => {
    const server = new FakeServer();
    const client = await ready(make(server, { repairDelay: 20 }));
    const [a, b, c] = ['a', 'b', 'c'].map((body) => server.append('c', body));
    for (const event of [a, c, b, c]) server.notify('message.new', event);
    await until(() => client.got.length === 3);
    await settle(40);
    assert.deepEqual(client.got, runOf('c', 1, 3));
    assert.equal(server.of('history.query').length, 0);
  });

  it('tells of a hole that nobody can fill, and goes on', async () => {
    const server = new FakeServer();
    const client = await ready(make(server));
    const gaps = [];
    client.on('gap', (gap) => gaps.push(gap));
    server.push('c', '1');
    for (let i = 2; i <= 6; i++) server.append('c', String(i));
    server.ops['history.query'] = ({ after }) => ({
      events: server.logs.get('c').filter((e) => e.seq > Math.max(after, 4)),
      more: false,
    });
    server.push('c', '7');
    await until(() => client.got.includes('c/7'));
    assert.deepEqual(client.got, ['c/1', 'c/5', 'c/6', 'c/7']);
    assert.deepEqual(gaps, [{ conversation: 'c', after: 1, before: 5 }]);
  });

  it('asks again when history is busy', async () => {
    const server = new FakeServer();
    const client = await ready(make(server));
    const history = server.ops['history.query'];
    let attempts = 0;
    server.ops['history.query'] = (data) => {
      if (++attempts < 3) throw { code: 5001 };
      return history(data);
    };
    server.push('c', '1');
    server.append('c', '2');
    server.push('c', '3');
    await until(() => client.got.length === 3);
    assert.deepEqual(client.got, runOf('c', 1, 3));
    assert.equal(attempts, 3);
  });

  it('brings the beginning of a new conversation whose first notify was lost', async () => {
    const server = new FakeServer();
    const client = await ready(make(server));
    server.append('new', '1');
    server.append('new', '2');
    server.push('new', '3');
    await until(() => client.got.length === 3);
    assert.deepEqual(client.got, runOf('new', 1, 3));
  });

  it('lets a member who joined later begin where sync begins', async () => {
    const server = new FakeServer();
    const client = await ready(make(server));
    server.logs.set(
      'big',
      Array.from({ length: 5000 }, () => ({})),
    );
    server.append('big', 'welcome');
    await comeBack(server, client);
    server.push('big', 'next');
    await until(() => client.got.length === 2);
    assert.deepEqual(client.got, ['big/5001', 'big/5002']);
    assert.equal(server.of('history.query').length, 0);
  });

  it('keeps conversations apart', async () => {
    const server = new FakeServer();
    const client = await ready(make(server));
    server.push('a', '1');
    server.append('a', '2');
    server.push('a', '3');
    server.push('b', '1');
    await until(() => client.got.length === 4);
    assert.equal(client.got.indexOf('b/1') < client.got.indexOf('a/3'), true);
    assert.deepEqual(
      client.got.filter((key) => key.startsWith('a')),
      runOf('a', 1, 3),
    );
  });

  it('goes on after a reload of the page where it was', async () => {
    const server = new FakeServer();
    const storage = memoryStorage();
    const first = await ready(make(server, { storage }));
    server.push('c', '1');
    server.push('c', '2');
    await until(() => first.got.length === 2);
    await first.close();
    server.append('c', '3');
    server.append('d', '1');
    const second = make(server, { storage });
    second.on('reset', () => assert.fail('the cursor is good'));
    await ready(second);
    assert.deepEqual(second.got, ['c/3', 'd/1']);
  });

  it('starts anew when the server does not know the cursor', async () => {
    const server = new FakeServer();
    const storage = memoryStorage();
    storage.set('state', { user: 'alice', cursor: 'too old', seqs: { c: 90 } });
    server.append('c', '1');
    const client = make(server, { storage });
    const resets = [];
    client.on('reset', ({ reason }) => resets.push(reason));
    await ready(client);
    server.push('c', '2');
    await until(() => client.got.length === 1);
    assert.deepEqual(resets, ['gap']);
    assert.deepEqual(client.got, ['c/2']);
  });

  it("does not use another user's cursor", async () => {
    const server = new FakeServer();
    const storage = memoryStorage();
    storage.set('state', { user: 'mallory', cursor: '7', seqs: { c: 90 } });
    const client = await ready(make(server, { storage }));
    assert.equal(server.of('sync')[0].data.cursor, undefined);
    assert.equal(client.user, 'alice');
  });

  it('moves the cursor on after many live events', async () => {
    const server = new FakeServer();
    const client = await ready(make(server, { syncEvery: 10 }));
    for (let i = 0; i < 25; i++) server.push('c', String(i));
    await until(() => client.got.length === 25);
    await settle();
    assert.deepEqual(client.got, runOf('c', 1, 25));
    assert.ok(server.of('sync').length >= 2);
  });

  it('syncs when the server asks for it', async () => {
    const server = new FakeServer();
    const client = await ready(make(server));
    server.push('c', 'seen');
    await until(() => client.got.length === 1);
    server.append('c', 'lost on the way between two nodes');
    server.notify('session.resync', {});
    await until(() => client.got.length === 2);
    assert.deepEqual(client.got, runOf('c', 1, 2));
  });

  it('works without the history module', async () => {
    const server = new FakeServer();
    delete server.ops.sync;
    delete server.ops['conversation.list'];
    const client = await ready(make(server));
    server.notify('message.new', {
      event: 'message',
      conversation: 'c',
      seq: 41,
      from: 'bob',
      body: 'x',
    });
    await until(() => client.got.length === 1);
    assert.deepEqual(client.got, ['c/41']);
  });

  it('is ready without a store, and catches up when there is one again', async () => {
    const server = new FakeServer();
    const client = await ready(make(server));
    server.push('c', '1');
    await until(() => client.got.length === 1);
    const { sync } = server.ops;
    server.ops.sync = () => {
      throw { code: 5002 };
    };
    client.on('reset', () => assert.fail('the cursor is still good'));
    await comeBack(server, client);
    server.append('c', '2');
    server.ops.sync = sync;
    await comeBack(server, client);
    assert.deepEqual(client.got, ['c/1', 'c/2']);
  });

  it('tries sync again on the same connection when the server is busy', async () => {
    const server = new FakeServer();
    const sync = server.ops.sync;
    let attempts = 0;
    server.ops.sync = (data) => {
      if (++attempts < 3) throw { code: 5001 };
      return sync(data);
    };
    await ready(make(server));
    assert.equal(server.sockets.length, 1);
  });
});

describe('telling progress', () => {
  it('confirms many events with one request, the highest seq', async () => {
    const server = new FakeServer();
    const client = await ready(make(server));
    for (let i = 0; i < 20; i++) server.push('c', String(i));
    await until(() => server.of('message.confirm').length > 0);
    await settle();
    assert.equal(client.got.length, 20);
    assert.deepEqual(
      server.of('message.confirm').map(({ data }) => data),
      [{ conversation: 'c', seq: 20 }],
    );
  });

  it('sends what was read offline after the next connect; read implies confirm', async () => {
    const server = new FakeServer();
    const client = await ready(make(server, { autoConfirm: false }));
    server.current.fail(1006);
    await until(() => client.state === 'waiting');
    client.confirm('c', 4);
    client.read('c', 3);
    client.read('c', 5);
    client.read('c', 2);
    await until(() => server.of('message.read').length > 0);
    await settle();
    assert.deepEqual(
      server.of('message.read').map(({ data }) => data.seq),
      [5],
    );
    assert.equal(server.of('message.confirm').length, 0);
  });

  it('repeats a confirm that failed after the next connect', async () => {
    const server = new FakeServer();
    const client = await ready(make(server));
    server.ops['message.confirm'] = () => undefined;
    server.push('c', '1');
    await until(() => server.of('message.confirm').length === 1);
    await comeBack(server, client);
    await until(() => server.of('message.confirm').length === 2);
    assert.equal(server.of('message.confirm')[1].data.seq, 1);
  });

  it('reports again, without a complaint, what came too fast', async () => {
    const server = new FakeServer();
    const client = await ready(make(server, { requestTimeout: 20 }));
    const errors = [];
    client.on('error', (error) => errors.push(error));
    const from = Date.now();
    server.ops['message.confirm'] = () => {
      if (Date.now() - from < 150) throw { code: 4290, data: { retry_after_ms: 5 } };
      return {};
    };
    server.push('c', '1');
    await until(() => Date.now() - from > 150 && server.of('message.confirm').length > 1);
    await settle();
    assert.deepEqual(errors, []);
    assert.equal(server.of('message.confirm').at(-1).data.seq, 1);
  });

  it('subscribes to presence again after each connect', async () => {
    const server = new FakeServer();
    const client = await ready(make(server));
    const seen = [];
    client.on('presence', ({ user, status }) => seen.push(`${user} ${status}`));
    await client.watch(['bob', 'bob', 'carol']);
    await client.setPresence('away');
    await client.setDoNotDisturb(true); /* kept by the server: said once */
    await comeBack(server, client);
    assert.deepEqual(
      server.of('presence.subscribe').map(({ data }) => data.users),
      [
        ['bob', 'carol'],
        ['bob', 'carol'],
      ],
    );
    assert.deepEqual(
      server.of('presence.set').map(({ data }) => data),
      [{ status: 'away' }, { dnd: true }, { status: 'away' }],
    );
    assert.deepEqual(seen, ['bob online', 'carol online', 'bob online', 'carol online']);
  });
});

describe('sequencer', () => {
  it('gives any shuffle of a log with repeats back in order, once', () => {
    let random = 12345;
    const next = () => (random = (random * 1103515245 + 12345) % 2 ** 31) / 2 ** 31;
    for (let round = 0; round < 50; round++) {
      const events = Array.from({ length: 60 }, (_, i) => ({
        conversation: 'c',
        seq: (i % 40) + 1,
      }));
      const shuffled = events
        .map((event) => [next(), event])
        .sort((a, b) => a[0] - b[0])
        .map(([, event]) => event);
      const sequencer = new Sequencer();
      const out = shuffled.flatMap((event) => sequencer.offer(event)).map(({ seq }) => seq);
      assert.deepEqual(
        out,
        Array.from({ length: 40 }, (_, i) => i + 1),
      );
      assert.equal(sequencer.hole('c'), null);
    }
  });

  it('holds no more than it may, and still gets there', () => {
    const sequencer = new Sequencer(5);
    for (let seq = 2; seq <= 100; seq++)
      assert.deepEqual(sequencer.offer({ conversation: 'c', seq }), []);
    assert.deepEqual(sequencer.hole('c'), { after: undefined, before: 2 });
    assert.equal(sequencer.offer({ conversation: 'c', seq: 1 }).length, 6);
    assert.equal(sequencer.seen('c'), 6);
  });

  it('never goes back', () => {
    const sequencer = new Sequencer();
    sequencer.base('c', 10);
    sequencer.base('c', 3);
    assert.equal(sequencer.seen('c'), 10);
    assert.deepEqual(sequencer.offer({ conversation: 'c', seq: 10 }, true), []);
  });
});

describe('errors', () => {
  it('have a stable reason', () => {
    assert.equal(new NuncioError(4290, '').reason, 'rate_limited');
    assert.equal(new NuncioError(9999, 'x').reason, 'code_9999');
  });
});
