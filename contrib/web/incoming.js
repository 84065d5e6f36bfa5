// SPDX-License-Identifier: MIT
/* What comes from the server goes into what is known (state.js), and the page is drawn. */

import { t } from './i18n.js';
import { preview } from './view_message.js';

const typingLasts = 6100; /* milliseconds, a little more than state.js believes it */

export class Incoming {
  #page;
  #unknown = new Map(); /* events of conversations that are asked for, by conversation */

  constructor(page) {
    this.#page = page;
  }

  listen() {
    const { client, chats } = this.#page;
    const drawn = (take) => (data) => {
      take(data);
      this.#page.draw();
    };
    client.on('reset', ({ conversations }) => this.#reset(conversations));
    client.on('event', (event) => this.#event(event));
    client.on('notify', ({ op, data }) => this.#notified(op, data));
    client.on('record', (record) => this.#record(record));
    client.on('typing', (typing) => this.#typing(typing));
    client.on('gap', () => this.refresh(true));
    client.on('outgoing', drawn((entry) => chats.outgoing(entry)));
    client.on('receipt', drawn((receipt) => chats.receipt(receipt)));
    client.on('presence', drawn((one) => chats.presence.set(one.user, one)));
  }

  /** Receipts are not kept for those who are away: the list has them. */
  async refresh(fresh) {
    const page = this.#page;
    try {
      const { conversations } = await page.client.conversations({ limit: 100 });
      page.chats.merge(conversations, fresh);
      for (const item of conversations) this.#learn(item);
      if (fresh && page.open) page.loadOlder(page.open);
      page.draw();
    } catch (error) {
      console.warn(error);
    }
  }

  #reset(conversations) {
    const page = this.#page;
    page.chats.merge(conversations, true);
    for (const item of conversations) {
      this.#learn(item);
      if (item.last_seq > item.delivered) page.client.confirm(item.conversation, item.last_seq);
    }
    page.draw();
  }

  #learn({ peer, last, conversation, kind }) {
    const page = this.#page;
    if (peer) page.nameOf(peer);
    if (last?.from) page.nameOf(last.from);
    if (kind === 'group') page.groups.load(page.chats.byConversation(conversation));
  }

  #typing({ conversation, user, on }) {
    const page = this.#page;
    const chat = page.chats.byConversation(conversation);
    if (!chat || user === page.me.id) return;
    page.nameOf(user);
    page.chats.typing(chat, user, on);
    page.draw();
    if (on) setTimeout(() => page.draw(), typingLasts);
  }

  /* One's own settings, changed on another device. */
  #notified(op, data) {
    const { chats, groups } = this.#page;
    const chat = data.conversation && chats.byConversation(data.conversation);
    if (op === 'conversation.changed' && chat) chat.settings = data.settings;
    else if (op === 'message.hidden' && chat) chats.hide(chat, data.hidden);
    else if (op === 'group.invited') groups.invited(data);
    else return;
    this.#page.draw();
  }

  /* The same, from a time when this device was away. */
  #record({ space, key, value }) {
    const { chats } = this.#page;
    const chat = chats.byConversation(key);
    if (!chat) return;
    if (space === 'conversations') chat.settings = value ?? {};
    if (space === 'history.hidden' && value) chats.hide(chat, value);
    this.#page.draw();
  }

  #event(event) {
    const waiting = this.#unknown.get(event.conversation);
    if (waiting) waiting.push(event);
    else if (this.#page.chats.byConversation(event.conversation)) this.#take(event);
    else this.#meet(event);
  }

  /* Somebody new, or written on another device. What comes meanwhile waits, so that it keeps its order. */
  async #meet(event) {
    const waiting = [event];
    this.#unknown.set(event.conversation, waiting);
    await this.refresh(false);
    this.#unknown.delete(event.conversation);
    for (const one of waiting) this.#take(one);
  }

  #take(event) {
    const page = this.#page;
    const chat = page.chats.add(event);
    if (!chat) return;
    page.nameOf(event.from);
    page.nameOf(event.forwarded?.from);
    if (event.event === 'group') page.groups.changed(chat, event);
    if (event.event === 'message') this.#message(chat, event);
    else page.seen(chat);
    page.draw();
  }

  #message(chat, event) {
    const page = this.#page;
    const mine = event.from === page.me.id;
    if (mine) page.client.read(event.conversation, event.seq);
    else if (chat === page.open && !document.hidden && page.view.atEnd) chat.newFrom = 0;
    else if (chat === page.open && !chat.newFrom) chat.newFrom = event.seq;
    page.seen(chat);
    if (!mine && chat !== page.open && !chat.settings.muted && page.ownStatus !== 'dnd') {
      page.announce(t('said', { name: page.chats.nameOf(event.from), text: preview(event) }));
    }
  }
}
