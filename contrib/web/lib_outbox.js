// SPDX-License-Identifier: MIT
/* What one has said and the server has not stored yet. */

import { doubtful, doubtfulAttempts, local, localTransient, tokenCodes, transient } from './lib_errors.js';
import { newClientId } from './lib_tools.js';

/* Messages to one destination wait for each other; destinations do not. */
const destination = (to) =>
  to.conversation ? `c:${to.conversation}` : to.group ? `g:${to.group}` : `u:${to.user}`;

export function checkDestination(to) {
  const named = ['user', 'group', 'conversation'].filter(
    (key) => typeof to?.[key] === 'string' && to[key] !== '',
  );
  if (named.length !== 1) throw new TypeError('to: exactly one of user, group, conversation');
  return { [named[0]]: to[named[0]] };
}

function publicEntry({ message, created_at, state, attempts, ack, error }) {
  return { ...message, created_at, state, attempts, ack, error };
}

/**
 * Keeps each message, in memory and in the storage, until the server has stored or refused it; one
 * message to each destination is under way at a time, in the order of the calls.
 *
 * It knows no connection: it asks `isReady`, sends with `request`, waits for `pause` milliseconds
 * after a failure, and is told by `pump` that there is a connection again.
 */
export class Outbox {
  #entries = new Map(); /* client_id -> entry */
  #queues = new Map(); /* destination -> entries in order */
  #order = 0;
  #storage;
  #with;

  /**
   * @param {object} storage
   * @param {{isReady: () => boolean, request: (op: string, data: object) => Promise<any>, user: () =>
   *   string|null, pause: (attempt: number, error: Error) => number, emit: (type: string, data: any)
   *   => void, stored: (message: object, ack: object) => void}} connection `stored` is called after
   *   the entry has gone, with the message that the server has stored
   */
  constructor(storage, connection) {
    this.#storage = storage;
    this.#with = connection;
  }

  get entries() {
    return [...this.#entries.values()].map(publicEntry);
  }

  add(to, body, { kind = 'text', client_id = newClientId(), reply_to, mentions, mention_all }) {
    const message = { to: checkDestination(to), client_id, kind, body };
    if (reply_to !== undefined) message.reply_to = reply_to;
    if (mentions?.length > 0) message.mentions = mentions;
    if (mention_all) message.mention_all = true;
    if (this.#entries.has(client_id))
      throw new TypeError(`client_id ${client_id} is in the outbox already`);
    const entry = this.#enqueue({
      message,
      created_at: new Date().toISOString(),
      order: this.#nextOrder(),
    });
    this.#tell(entry, 'queued');
    this.#persist(entry);
    return entry.promise;
  }

  discard(client_id) {
    const entry = this.#entries.get(client_id);
    if (entry) this.#fail(entry, local('closed', 'discarded'));
  }

  /** The event of one of these has come before its answer. */
  seen(client_id, ack) {
    const entry = this.#entries.get(client_id);
    if (entry) this.#settle(entry, ack);
  }

  /** What an earlier life of the page has left; not what another user has. */
  async restore(user) {
    const stored = [];
    for (const key of await this.#storage.keys('outbox:'))
      stored.push(await this.#storage.get(key));
    stored.sort((a, b) => (a?.order ?? 0) - (b?.order ?? 0));
    for (const item of stored) {
      if (!item?.message?.client_id || this.#entries.has(item.message.client_id)) continue;
      if (item.user && user && item.user !== user) continue;
      const entry = this.#enqueue(item);
      entry.saved = true;
      this.#tell(entry, 'queued');
    }
  }

  /** Everything waits in vain. */
  failAll(error) {
    for (const entry of [...this.#entries.values()]) this.#fail(entry, error);
  }

  /** Forgets all of it, here and in the storage, without a word but to those who wait. */
  async clear(error) {
    for (const entry of this.#entries.values()) entry.reject(error);
    this.#entries.clear();
    this.#queues.clear();
    for (const key of await this.#storage.keys('outbox:')) await this.#storage.remove(key);
  }

  /** There is a connection: the first of each destination may go. */
  pump() {
    for (const key of this.#queues.keys()) this.#pumpOne(key);
  }

  /* Grows across reloads, so that restored messages keep their order and precede new ones. */
  #nextOrder() {
    this.#order = Math.max(this.#order + 1, Date.now() * 1000);
    return this.#order;
  }

  #enqueue({ message, created_at, order }) {
    const entry = {
      message,
      created_at,
      order,
      state: 'queued',
      attempts: 0,
      saved: false,
      timer: 0,
    };
    entry.promise = new Promise((resolve, reject) => Object.assign(entry, { resolve, reject }));
    entry.promise.catch(() => {}); /* whoever listens to `outgoing` only is no error */
    const key = destination(message.to);
    if (!this.#queues.has(key)) this.#queues.set(key, []);
    const queue = this.#queues.get(key);
    let at = queue.length;
    while (at > 0 && queue[at - 1].order > order) at--;
    queue.splice(at, 0, entry);
    this.#entries.set(message.client_id, entry);
    return entry;
  }

  async #persist(entry) {
    const { message, created_at, order } = entry;
    try {
      const writing = this.#storage.set(`outbox:${message.client_id}`, {
        message,
        created_at,
        order,
        user: this.#with.user(),
      });
      if (writing?.then) await writing;
    } catch (error) {
      this.#with.emit('error', error); /* full or forbidden: the message lives in memory only */
    }
    entry.saved = true;
    if (this.#entries.get(message.client_id) === entry) this.#pumpOne(destination(message.to));
    else await this.#storage.remove(`outbox:${message.client_id}`);
  }

  #pumpOne(key) {
    const entry = this.#queues.get(key)?.[0];
    if (
      !entry ||
      !entry.saved ||
      entry.state === 'sending' ||
      entry.timer ||
      !this.#with.isReady()
    )
      return;
    this.#transmit(entry);
  }

  async #transmit(entry) {
    entry.attempts++;
    this.#tell(entry, 'sending');
    let ack;
    try {
      ack = await this.#with.request('message.send', entry.message);
    } catch (error) {
      if (this.#entries.get(entry.message.client_id) === entry) this.#refused(entry, error);
      return;
    }
    if (this.#entries.get(entry.message.client_id) === entry) this.#settle(entry, ack);
    this.#with.stored(entry.message, ack);
  }

  #refused(entry, error) {
    const again =
      transient.has(error.code) || tokenCodes.has(error.code) || localTransient.has(error.reason);
    if (!again || (doubtful.has(error.code) && entry.attempts >= doubtfulAttempts)) {
      this.#fail(entry, error);
      return;
    }
    this.#tell(entry, 'queued');
    if (error.reason === 'disconnected' || error.reason === 'offline')
      return; /* the next `ready` pumps */
    entry.timer = setTimeout(
      () => {
        entry.timer = 0;
        this.#pumpOne(destination(entry.message.to));
      },
      this.#with.pause(entry.attempts - 1, error),
    );
  }

  #settle(entry, ack) {
    this.#drain(entry);
    entry.ack = ack;
    this.#tell(entry, 'stored');
    entry.resolve(ack);
    this.#pumpOne(destination(entry.message.to));
  }

  #fail(entry, error) {
    this.#drain(entry);
    entry.error = error;
    this.#tell(entry, 'failed');
    entry.reject(error);
    this.#pumpOne(destination(entry.message.to));
  }

  #drain(entry) {
    const key = destination(entry.message.to);
    const queue = this.#queues.get(key).filter((other) => other !== entry);
    if (queue.length > 0) this.#queues.set(key, queue);
    else this.#queues.delete(key);
    clearTimeout(entry.timer);
    this.#entries.delete(entry.message.client_id);
    if (entry.saved) this.#forget(entry);
  }

  async #forget(entry) {
    try {
      await this.#storage.remove(`outbox:${entry.message.client_id}`);
    } catch (error) {
      this.#with.emit('error', error);
    }
  }

  #tell(entry, state) {
    entry.state = state;
    this.#with.emit('outgoing', publicEntry(entry));
  }
}
