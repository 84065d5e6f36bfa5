// SPDX-License-Identifier: MIT
/*
 * The parts of the chat page that need no page, and what library and page must have in common with
 * the server.
 */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { codes } from '../../contrib/web/nuncio.js';
import { Chats, statusOf, timeline } from '../../contrib/web/state.js';
import { ago, clock, day, daysBetween, isEmojiOnly, shortTime } from '../../contrib/web/format.js';
import { chooseLanguage, texts } from '../../contrib/web/i18n.js';

const event = (seq, from, more = {}) => ({
  event: 'message',
  conversation: 'c',
  seq,
  from,
  client_id: `${from}${seq}`,
  kind: 'text',
  body: `m${seq}`,
  sent_at: new Date(2026, 10, 23, 8, seq).toISOString(),
  ...more,
});
const item = (more = {}) => ({
  conversation: 'c',
  kind: 'direct',
  peer: 'bob',
  last_seq: 4,
  delivered: 4,
  read: 2,
  unread: 2,
  last: event(4, 'bob'),
  ...more,
});

function chatWithBob() {
  const chats = new Chats('alice');
  chats.merge([item()], true);
  return { chats, chat: chats.withUser('bob') };
}

describe('codes', () => {
  it('are those of the server', () => {
    const header = readFileSync(new URL('../../include/nuncio/codes.h', import.meta.url), 'utf8');
    const table = [...header.matchAll(/^\s*X\((\d+), (\w+),/gm)].map(([, number, name]) => [
      name,
      Number(number),
    ]);
    assert.ok(table.length > 20);
    assert.deepEqual({ ...codes }, Object.fromEntries(table));
  });
});

describe('chats', () => {
  it('shows what was hidden no more: not unread, and not when it is changed', () => {
    const { chats, chat } = chatWithBob();
    chats.add(event(5, 'bob'));
    chats.add(event(6, 'bob'));
    assert.equal(chat.unread, 4);
    chats.hide(chat, { upto: 0, seqs: [5] });
    assert.equal(chat.unread, 3);
    chats.hide(chat, { upto: 0, seqs: [5, 2] }); /* 5 once only; 2 was read, and is not here */
    assert.equal(chat.unread, 3);
    const message = event(5, 'bob', { body: 'back?', changed: 7 });
    chats.add(event(7, 'bob', { event: 'edit', kind: 'text', target: 5, message }));
    assert.equal(chat.events.find(({ seq }) => seq === 5).body, null);
    chats.hide(chat, { upto: 7, seqs: [] });
    const again = event(6, 'bob', { body: 'last?', changed: 8 });
    chats.add(event(8, 'bob', { event: 'edit', kind: 'text', target: 6, message: again }));
    assert.ok(chat.events.slice(0, -1).every(({ event: type }) => type === 'hidden'));
  });

  it('keeps events an unbroken run, older pages in front', () => {
    const { chats, chat } = chatWithBob();
    chats.add(event(5, 'bob'));
    chats.add(event(5, 'bob'));
    chats.addOlder(chat, { events: [1, 2, 3, 4, 5].map((seq) => event(seq, 'bob')), more: false });
    assert.deepEqual(
      chat.events.map(({ seq }) => seq),
      [1, 2, 3, 4, 5],
    );
    assert.equal(chat.more, false);
  });

  it('counts unread messages of others only', () => {
    const { chats, chat } = chatWithBob();
    chats.add(event(5, 'bob'));
    assert.equal(chats.unread, 3);
    chats.markRead(chat, 5);
    assert.equal(chats.unread, 0);
    chats.add(event(6, 'alice'));
    assert.equal(chats.unread, 0);
    assert.equal(chats.markRead(chat, 6), false);
  });

  it('does not count again what the list counted', () => {
    const { chats, chat } = chatWithBob();
    chats.merge([item({ last_seq: 5, unread: 3, last: event(5, 'bob') })], false);
    chats.add(event(5, 'bob'));
    assert.equal(chat.unread, 3);
  });

  it('follows a message of mine from sending to read', () => {
    const { chats, chat } = chatWithBob();
    const entry = {
      client_id: 'x',
      to: { user: 'bob' },
      body: 'hi',
      kind: 'text',
      created_at: new Date().toISOString(),
      state: 'queued',
    };
    const status = () => timeline(chat, 'alice').at(-1).status;
    chats.outgoing(entry);
    assert.equal(status(), 'sending');
    chats.outgoing({
      ...entry,
      state: 'stored',
      ack: { conversation: 'c', seq: 5, sent_at: entry.created_at },
    });
    assert.equal(status(), 'stored');
    chats.add(event(5, 'alice', { client_id: 'x' }));
    assert.equal(chat.pending.length, 0);
    assert.equal(status(), 'stored');
    chats.receipt({ conversation: 'c', user: 'bob', delivered: 5, read: 0 });
    assert.equal(status(), 'delivered');
    chats.receipt({ conversation: 'c', user: 'bob', delivered: 5, read: 5 });
    assert.equal(status(), 'read');
    chats.receipt({ conversation: 'c', user: 'bob', delivered: 1, read: 1 });
    assert.equal(status(), 'read');
  });

  it('binds a chat that began with me to its conversation', () => {
    const chats = new Chats('alice');
    chats.outgoing({
      client_id: 'x',
      to: { user: 'bob' },
      body: 'hi',
      created_at: 'now',
      state: 'stored',
      ack: { conversation: 'new', seq: 1 },
    });
    assert.equal(chats.byConversation('new'), chats.withUser('bob'));
  });

  it('shows a failed message as failed', () => {
    assert.equal(
      statusOf({ peer: 'bob', peerRead: 9, peerDelivered: 9 }, { state: 'failed' }),
      'failed',
    );
  });

  it('lists the latest first, and nobody to whom nothing was said', () => {
    const { chats } = chatWithBob();
    chats.withUser('carol');
    chats.merge(
      [
        item({
          conversation: 'd',
          peer: 'dave',
          last: event(4, 'dave', { conversation: 'd', sent_at: '2027-01-01T00:00:00.000Z' }),
        }),
      ],
      false,
    );
    assert.deepEqual(
      chats.list().map(({ peer }) => peer),
      ['dave', 'bob'],
    );
  });
});

describe('timeline', () => {
  it('separates days, marks what is new and groups by person and time', () => {
    const { chats, chat } = chatWithBob();
    const yesterday = new Date(2026, 10, 22, 23, 59).toISOString();
    chats.addOlder(chat, {
      more: false,
      events: [
        event(1, 'bob', { sent_at: yesterday }),
        event(2, 'bob'),
        event(3, 'bob'),
        event(4, 'alice'),
        event(20, 'alice'),
      ],
    });
    chat.newFrom = 3;
    const shape = timeline(chat, 'alice').map((one) =>
      one.type === 'message'
        ? `${one.message.seq}${one.first ? ' first' : ''}${one.last ? ' last' : ''}`
        : one.type,
    );
    assert.deepEqual(shape, [
      'day',
      '1 first last',
      'day',
      '2 first last',
      'new',
      '3 first last',
      '4 first last',
      '20 first last',
    ]);
  });

  it('keeps the key of a message of mine when it is stored', () => {
    const { chats, chat } = chatWithBob();
    chats.outgoing({
      client_id: 'x',
      to: { user: 'bob' },
      body: 'hi',
      created_at: new Date().toISOString(),
      state: 'sending',
    });
    const before = timeline(chat, 'alice').at(-1).key;
    chats.add(event(5, 'alice', { client_id: 'x' }));
    assert.equal(timeline(chat, 'alice').at(-1).key, before);
  });
});

describe('format', () => {
  const now = new Date(2026, 10, 23, 9, 0);
  const words = { today: 'Today', yesterday: 'Yesterday' };
  it('names days', () => {
    assert.equal(daysBetween(new Date(2026, 10, 22, 23, 59), new Date(2026, 10, 23, 0, 1)), 1);
    assert.equal(day(new Date(2026, 10, 23, 0, 1), now, 'en', words), 'Today');
    assert.equal(day(new Date(2026, 10, 22, 23, 0), now, 'en', words), 'Yesterday');
    assert.equal(day(new Date(2026, 10, 20), now, 'en', words), 'Friday, November 20');
    assert.match(day(new Date(2025, 0, 2), now, 'zh-CN', words), /2025年1月2日/);
  });

  it('shortens times', () => {
    assert.equal(clock(new Date(2026, 10, 23, 0, 5), 'en'), '00:05');
    assert.equal(shortTime(new Date(2026, 10, 20), now, 'en', words), 'Fri');
    assert.equal(shortTime(new Date(2026, 9, 2), now, 'en', words), 'Oct 2');
    assert.equal(ago(new Date(2026, 10, 23, 8, 55), now, 'en', 'just now'), '5 minutes ago');
    assert.equal(ago(new Date(2026, 10, 23, 9, 5), now, 'en', 'just now'), 'just now');
    assert.equal(ago(new Date(2026, 10, 22, 8), now, 'zh-CN', '刚刚'), '昨天');
  });

  it('knows emoji', () => {
    for (const text of ['👍', '❤️', '👩‍👩‍👧‍👧 🎉', '🇨🇳']) assert.equal(isEmojiOnly(text), true, text);
    for (const text of ['1', '123', 'ok 👍', '👍👍👍👍', '', '#'])
      assert.equal(isEmojiOnly(text), false, text);
  });
});

describe('languages', () => {
  it('are chosen by what was stored, then by the browser', () => {
    assert.equal(chooseLanguage(null, 'zh-TW'), 'zh');
    assert.equal(chooseLanguage('en', 'zh-CN'), 'en');
    assert.equal(chooseLanguage('xx', 'fr'), 'en');
  });

  it('say the same things', () => {
    assert.deepEqual(Object.keys(texts.zh), Object.keys(texts.en));
    for (const name of Object.keys(texts.en))
      assert.equal(typeof texts.zh[name], typeof texts.en[name], name);
  });
});
