// SPDX-License-Identifier: MIT
/* An app in TypeScript: never run, but tsc --strict must take all of it, and refuse what is marked. */

import {
  backoff,
  Client,
  closeCodes,
  codes,
  memoryStorage,
  newClientId,
  NuncioError,
  Rest,
  Sequencer,
  webStorage,
  type Destination,
  type MessageEvent,
  type Presence,
} from '../../contrib/web/nuncio.js';

export async function chat(): Promise<void> {
  const rest = new Rest({ storage: webStorage('chat:') });
  await rest.login('alice', 'correct horse battery');
  const client = new Client({
    url: 'ws://127.0.0.1:8800/ws',
    token: rest.token,
    storage: memoryStorage(),
  });
  const off: () => void = client.on('message', (event: MessageEvent) => {
    const seq: number = event.seq;
    void seq;
  });
  client.on('presence', (one: Presence) => {
    if (one.status === 'dnd') off();
  });
  client.on('state', ({ state }) => void state);
  await client.connect();
  const to: Destination = { user: 'bob' };
  const { seq, conversation } = await client.send(to, 'Hello', { client_id: newClientId() });
  await client.edit(conversation, seq, 'Hello, Bob');
  await client.react(conversation, seq, '👍', true);
  const { events, more } = await client.history(conversation, { before: seq, limit: 10 });
  void events.map(({ body }) => body);
  void (more === true);
  await client.setPresence('away');
  await client.setDoNotDisturb(true);
  await client.watch(['bob']);
  const known: Presence[] = await client.presence(['bob']);
  void known;
  try {
    await client.request('group.info', { group: 'g' });
  } catch (error) {
    if (error instanceof NuncioError && error.code === codes.not_found) void error.reason;
  }
  void [closeCodes.policy, backoff(1, { base: 100, cap: 1000 }), new Sequencer()];
  // @ts-expect-error: dnd is not a device's
  await client.setPresence('dnd');
  // @ts-expect-error: one destination
  await client.send({ nobody: 'bob' }, 'Hello');
  // @ts-expect-error: a number
  await client.edit(conversation, 'first', 'x');
}
