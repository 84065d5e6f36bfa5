// SPDX-License-Identifier: MIT
/* Sending: stored once, in order, across broken connections and reloads. */

import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { Client, memoryStorage } from '../../contrib/web/nuncio.js';
import { FakeServer, quick, settle, until } from './fake.mjs';

const clients = [];
afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
});

function make(server, options = {}) {
  const client = new Client({ ...quick, WebSocket: server.WebSocket, ...options });
  client.states = [];
  client.on('outgoing', ({ body, state }) => client.states.push(`${body} ${state}`));
  client.got = [];
  client.on('message', ({ body }) => client.got.push(body));
  clients.push(client);
  return client;
}

async function ready(client) {
  await client.connect();
  await until(() => client.state === 'ready');
  return client;
}

const bodies = (server, conversation) =>
  (server.logs.get(conversation) ?? []).map(({ body }) => body);
const bob = { user: 'bob' };

describe('sending', () => {
  it('resolves when stored, and hands the message out as an event', async () => {
    const server = new FakeServer();
    const client = await ready(make(server));
    const ack = await client.send(bob, 'hello', { reply_to: 3, mentions: ['bob'] });
    assert.equal(ack.seq, 1);
    assert.deepEqual(client.states, ['hello queued', 'hello sending', 'hello stored']);
    await until(() => client.got.length === 1);
    const { data } = server.of('message.send')[0];
    assert.deepEqual([data.to, data.kind, data.reply_to, data.mentions], [bob, 'text', 3, ['bob']]);
    assert.match(data.client_id, /^[0-9a-f]{32}$/);
    assert.deepEqual(client.outbox, []);
  });

  it('keeps the order within a destination; destinations do not wait for each other', async () => {
    const server = new FakeServer();
    const client = await ready(make(server));
    const send = server.ops['message.send'];
    let release;
    const carolIsServed = new Promise((resolve) => (release = resolve));
    server.ops['message.send'] = async (data) => {
      if (data.to.user === 'bob') await carolIsServed;
      return send(data);
    };
    const toBob = [];
    const toCarol = [];
    for (let i = 0; i < 5; i++) {
      toBob.push(client.send(bob, `b${i}`));
      toCarol.push(client.send({ user: 'carol' }, `c${i}`));
    }
    await Promise.all(toCarol);
    assert.deepEqual(bodies(server, 'with-bob'), []);
    release();
    await Promise.all(toBob);
    assert.deepEqual(bodies(server, 'with-bob'), ['b0', 'b1', 'b2', 'b3', 'b4']);
    assert.deepEqual(bodies(server, 'with-carol'), ['c0', 'c1', 'c2', 'c3', 'c4']);
  });

  it('waits in the outbox while there is no connection', async () => {
    const server = new FakeServer();
    const client = make(server);
    const acks = [client.send(bob, 'early'), client.send(bob, 'later')];
    assert.deepEqual(
      client.outbox.map(({ body, state }) => [body, state]),
      [
        ['early', 'queued'],
        ['later', 'queued'],
      ],
    );
    await ready(client);
    await Promise.all(acks);
    assert.deepEqual(bodies(server, 'with-bob'), ['early', 'later']);
  });

  it('repeats what was not acknowledged with the same client_id: stored once', async () => {
    const server = new FakeServer();
    const client = await ready(make(server));
    const send = server.ops['message.send'];
    /* Stored, but the connection breaks before the answer. */
    server.ops['message.send'] = (data, socket) => {
      send(data);
      socket.fail(1006);
      server.ops['message.send'] = send;
      server.ops.sync = () => ({ events: [], cursor: '0', more: false, gap: false });
      return undefined;
    };
    const ack = await client.send(bob, 'one');
    assert.equal(ack.duplicate, true);
    await client.send(bob, 'two');
    assert.deepEqual(bodies(server, 'with-bob'), ['one', 'two']);
    const [first, again] = server.of('message.send');
    assert.equal(first.data.client_id, again.data.client_id);
    assert.notEqual(first.socket, again.socket);
    await until(() => client.got.length === 2);
    assert.deepEqual(client.got, ['one', 'two']);
  });

  it('does not repeat what sync shows to be stored', async () => {
    const server = new FakeServer();
    const client = await ready(make(server));
    const send = server.ops['message.send'];
    server.ops['message.send'] = (data, socket) => {
      send(data);
      socket.fail(1006);
      return undefined;
    };
    const ack = await client.send(bob, 'one');
    assert.equal(ack.seq, 1);
    await until(() => client.state === 'ready');
    await settle();
    assert.equal(server.of('message.send').length, 1);
    assert.deepEqual(client.got, ['one']);
  });

  it('keeps the order when the connection breaks in the middle, again and again', async () => {
    const server = new FakeServer();
    const client = await ready(make(server));
    const send = server.ops['message.send'];
    let calls = 0;
    server.ops['message.send'] = (data, socket) => {
      calls++;
      if (calls % 3 === 1) {
        socket.fail(1006); /* lost before it was stored */
        return undefined;
      }
      const ack = send(data);
      if (calls % 3 === 2) return ack;
      socket.fail(1006); /* lost after */
      return undefined;
    };
    const wanted = Array.from({ length: 12 }, (_, i) => `m${i}`);
    await Promise.all(wanted.map((body) => client.send(bob, body)));
    assert.deepEqual(bodies(server, 'with-bob'), wanted);
    await until(() => client.got.length === wanted.length);
    assert.deepEqual(client.got, wanted);
  });

  it('tries again after the time that the server asks for, and lets nothing overtake', async () => {
    const server = new FakeServer();
    const client = await ready(make(server, { random: () => 0 }));
    const send = server.ops['message.send'];
    const times = [];
    server.ops['message.send'] = (data) => {
      times.push(Date.now());
      if (times.length === 1) throw { code: 4290, data: { retry_after_ms: 40 } };
      return send(data);
    };
    await Promise.all([client.send(bob, 'one'), client.send(bob, 'two')]);
    assert.ok(times[1] - times[0] >= 35, `${times[1] - times[0]} ms`);
    assert.deepEqual(bodies(server, 'with-bob'), ['one', 'two']);
  });

  it('fails for good what the server refuses, and goes on with the next', async () => {
    const server = new FakeServer();
    const client = await ready(make(server));
    const send = server.ops['message.send'];
    server.ops['message.send'] = (data) => {
      if (data.body === 'bad') throw { code: 1007, message: 'no such user' };
      return send(data);
    };
    const bad = client.send(bob, 'bad');
    const good = client.send(bob, 'good');
    await assert.rejects(bad, { code: 1007, reason: 'not_found', message: 'no such user' });
    await good;
    assert.deepEqual(
      client.states.filter((state) => state.startsWith('bad')),
      ['bad queued', 'bad sending', 'bad failed'],
    );
  });

  it('gives up after a few internal errors', async () => {
    const server = new FakeServer();
    const client = await ready(make(server));
    server.ops['message.send'] = () => {
      throw { code: 5000 };
    };
    await assert.rejects(client.send(bob, 'x'), { code: 5000 });
    assert.equal(server.of('message.send').length, 5);
  });

  it('does not lose a message when no answer comes', async () => {
    const server = new FakeServer();
    const client = await ready(make(server, { requestTimeout: 15 }));
    const send = server.ops['message.send'];
    server.ops['message.send'] = (data) => {
      server.ops['message.send'] = send;
      send(data);
      return undefined;
    };
    await client.send(bob, 'x');
    assert.deepEqual(bodies(server, 'with-bob'), ['x']);
    await until(() => client.got.length === 1);
  });

  it('repairs the hole that its own answer shows', async () => {
    const server = new FakeServer();
    const client = await ready(make(server));
    await client.send(bob, 'one');
    server.append('with-bob', 'lost on the way');
    await client.send(bob, 'two');
    await until(() => client.got.length === 3);
    assert.deepEqual(client.got, ['one', 'lost on the way', 'two']);
  });

  it('refuses a destination that is none', async () => {
    const client = make(new FakeServer());
    assert.throws(() => client.send({ user: 'a', group: 'b' }, 'x'), TypeError);
    assert.throws(() => client.send({}, 'x'), TypeError);
    assert.throws(() => client.send({ user: '' }, 'x'), TypeError);
  });

  it('can take a message back while it waits', async () => {
    const client = make(new FakeServer());
    const sent = client.send(bob, 'x', { client_id: 'mine' });
    client.discard('mine');
    await assert.rejects(sent, { reason: 'closed' });
    assert.deepEqual(client.outbox, []);
  });
});

describe('the outbox in the storage', () => {
  it('survives a reload, in order, before what is new', async () => {
    const server = new FakeServer();
    const storage = memoryStorage();
    const before = make(server, { storage });
    for (const body of ['one', 'two', 'three']) before.send(bob, body);
    await settle(5);
    await before.close();
    const after = make(server, { storage });
    const last = after.send(bob, 'four'); /* before the storage was read */
    await after.connect();
    await last;
    assert.deepEqual(bodies(server, 'with-bob'), ['one', 'two', 'three', 'four']);
    assert.ok(after.states.includes('one queued'));
    await settle();
    assert.deepEqual(storage.keys('outbox:'), []);
  });

  it('is not repeated under another name', async () => {
    const server = new FakeServer();
    const storage = memoryStorage();
    const alice = await ready(make(server, { storage }));
    server.refuse = true;
    server.current.fail(1006);
    await until(() => alice.state === 'waiting');
    alice.send(bob, 'from alice');
    await alice.close();
    server.refuse = false;
    server.user = 'mallory';
    await ready(make(server, { storage }));
    await settle();
    assert.equal(server.of('message.send').length, 0);
  });

  it('may be asynchronous', async () => {
    const server = new FakeServer();
    const inner = memoryStorage();
    const slow =
      (name) =>
      async (...args) => {
        await settle(2);
        return inner[name](...args);
      };
    const storage = {
      get: slow('get'),
      set: slow('set'),
      remove: slow('remove'),
      keys: slow('keys'),
    };
    const client = await ready(make(server, { storage }));
    await Promise.all(['one', 'two', 'three'].map((body) => client.send(bob, body)));
    assert.deepEqual(bodies(server, 'with-bob'), ['one', 'two', 'three']);
    await settle();
    assert.deepEqual(inner.keys('outbox:'), []);
  });

  it('is written before the message leaves', async () => {
    const server = new FakeServer();
    const storage = memoryStorage();
    const client = await ready(make(server, { storage }));
    const send = server.ops['message.send'];
    let kept = null;
    server.ops['message.send'] = (data) => {
      kept = storage.get(`outbox:${data.client_id}`);
      return send(data);
    };
    await client.send(bob, 'x');
    assert.equal(kept.message.body, 'x');
  });

  it('does without when the storage is full', async () => {
    const server = new FakeServer();
    const storage = {
      ...memoryStorage(),
      set: () => {
        throw new Error('quota');
      },
    };
    const client = make(server, { storage });
    const errors = [];
    client.on('error', ({ message }) => errors.push(message));
    await ready(client);
    await client.send(bob, 'x');
    assert.deepEqual(bodies(server, 'with-bob'), ['x']);
    assert.ok(errors.includes('quota'));
  });

  it('is emptied by forget()', async () => {
    const storage = memoryStorage();
    const client = make(new FakeServer(), { storage });
    const sent = client.send(bob, 'x');
    await client.forget();
    await assert.rejects(sent, { reason: 'closed' });
    assert.deepEqual(storage.keys(''), []);
  });
});
