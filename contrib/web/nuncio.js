// SPDX-License-Identifier: MIT
/**
 * nuncio.js: client library for the nuncio instant-messaging server, for browsers and Node >= 20.
 * No dependencies.
 *
 * What it promises to the application:
 * - `message` events come in seq order within a conversation, each once, however often the
 *   connection breaks.
 * - A message handed to `send()` is kept in the outbox, and in the storage, until the server has
 *   stored it or refused it. It is repeated with the same client_id, so it is stored once. One
 *   message per destination is under way at a time, so messages to one destination are stored in
 *   the order of the `send()` calls.
 * What it does not promise: a page that dies between an event and the next write of the storage (at
 * most `saveDelay` ms) sees that event again. Order between different conversations is not kept.
 *
 * Protocol: src/wire/PROTOCOL.md in the source of the server.
 * @module nuncio
 */

/** Answer codes of the server by name; the same table as include/nuncio/codes.h. */
export const codes = Object.freeze({
  ok: 0,
  bad_request: 1000,
  bad_json: 1001,
  invalid_field: 1002,
  unknown_op: 1003,
  too_large: 1004,
  unsupported_media: 1005,
  method_not_allowed: 1006,
  not_found: 1007,
  uri_too_long: 1008,
  head_too_large: 1009,
  request_timeout: 1010,
  not_implemented: 1011,
  http_version: 1012,
  upgrade_required: 1013,
  auth_required: 2000,
  token_invalid: 2001,
  token_expired: 2002,
  login_failed: 2003,
  session_open: 2004,
  password_required: 2005,
  refresh_invalid: 2006,
  session_limit: 2007,
  denied: 3000,
  not_member: 3001,
  origin_refused: 3002,
  registration_closed: 3003,
  muted: 3100,
  read_only: 3101,
  invite_only: 3102,
  owner_stays: 3103,
  not_accepted: 3200,
  you_blocked: 3201,
  conflict: 4000,
  exists: 4001,
  client_id_conflict: 4002,
  already_member: 4100,
  group_full: 4101,
  group_limit: 4102,
  rate_limited: 4290,
  internal: 5000,
  busy: 5001,
  unavailable: 5002,
  timeout: 5003,
  store_failed: 5004,
  stopping: 5005,
});

const codeNames = new Map(Object.entries(codes).map(([name, number]) => [number, name]));

/** WebSocket close codes with a meaning of their own. */
export const closeCodes = Object.freeze({
  goingAway: 1001,
  internal: 1011,
  token: 4001,
  replaced: 4002,
  tooSlow: 4003,
  silent: 4004,
  policy: 4005,
});

/**
 * Anything that went wrong, told by the server or found here.
 *
 * `code` is the server's number, 0 when the error arose in this library. `reason` is a stable word:
 * the name of the code, or `offline`, `disconnected`, `no_answer`, `closed`, `too_large`,
 * `network`, `bad_answer`, `signed_out`.
 */
export class NuncioError extends Error {
  /**
   * @param {number} code
   * @param {string} message
   * @param {{reason?: string, data?: any, status?: number, traceId?: string}} [more]
   */
  constructor(code, message, { reason, data, status, traceId } = {}) {
    const word = reason ?? codeNames.get(code) ?? `code_${code}`;
    super(message || word);
    this.name = 'NuncioError';
    this.code = code;
    this.reason = word;
    this.data = data;
    this.status = status;
    this.traceId = traceId;
  }
}

const local = (reason, message) => new NuncioError(0, message, { reason });

/*
 * Codes after which the same request may succeed later. Those in `doubtful` only get a few
 * attempts.
 */
const transient = new Set([
  codes.request_timeout,
  codes.rate_limited,
  codes.internal,
  codes.busy,
  codes.unavailable,
  codes.timeout,
  codes.store_failed,
  codes.stopping,
]);
const doubtful = new Set([codes.internal, codes.unavailable]);
const doubtfulAttempts = 5;
const tokenCodes = new Set([codes.auth_required, codes.token_invalid, codes.token_expired]);
const localTransient = new Set(['offline', 'disconnected', 'no_answer']);

/**
 * Storage in memory: nothing outlives the process.
 * @returns {import('./nuncio.js').Storage}
 */
export function memoryStorage() {
  const map = new Map();
  return {
    get: (key) => (map.has(key) ? JSON.parse(map.get(key)) : undefined),
    set: (key, value) => {
      map.set(key, JSON.stringify(value));
    },
    remove: (key) => {
      map.delete(key);
    },
    keys: (prefix) => [...map.keys()].filter((key) => key.startsWith(prefix)),
  };
}

/**
 * Storage in `localStorage` (or anything with its interface). Use one prefix per user, so that two
 * people on one machine never share an outbox.
 * @param {string} prefix for instance `nuncio:alice:`
 * @param {globalThis.Storage} [area]
 * @returns {import('./nuncio.js').Storage}
 */
export function webStorage(prefix, area = globalThis.localStorage) {
  return {
    get(key) {
      const text = area.getItem(prefix + key);
      if (text === null) return undefined;
      try {
        return JSON.parse(text);
      } catch {
        return undefined; /* not ours, or cut off: as good as absent */
      }
    },
    set: (key, value) => {
      area.setItem(prefix + key, JSON.stringify(value));
    },
    remove: (key) => {
      area.removeItem(prefix + key);
    },
    keys(wanted) {
      const found = [];
      for (let i = 0; i < area.length; i++) {
        const key = area.key(i);
        if (key.startsWith(prefix + wanted)) found.push(key.slice(prefix.length));
      }
      return found;
    },
  };
}

/**
 * A minimal event emitter. A listener that throws is reported as `error` and disturbs nobody else.
 */
class Emitter {
  #listeners = new Map();

  /**
   * @param {string} type
   * @param {(data: any) => void} listener
   * @returns {() => void} takes the listener off again
   */
  on(type, listener) {
    if (!this.#listeners.has(type)) this.#listeners.set(type, new Set());
    this.#listeners.get(type).add(listener);
    return () => this.off(type, listener);
  }

  /** Takes a listener off. */
  off(type, listener) {
    this.#listeners.get(type)?.delete(listener);
  }

  /** @protected */
  _emit(type, data) {
    for (const listener of [...(this.#listeners.get(type) ?? [])]) {
      try {
        listener(data);
      } catch (error) {
        if (type !== 'error') this._emit('error', error);
        else globalThis.console?.error(error);
      }
    }
  }
}

/**
 * Exponential back-off with full jitter: a random time between 0 and min(cap, base * 2^attempt).
 * @param {number} attempt 0 for the first
 * @param {{base: number, cap: number}} limits
 * @param {() => number} [random]
 * @returns {number} milliseconds
 */
export function backoff(attempt, { base, cap }, random = Math.random) {
  return Math.floor(random() * Math.min(cap, base * 2 ** Math.min(attempt, 30)));
}

/**
 * A client_id: 128 random bits, also where `crypto.randomUUID` is missing (plain http on a LAN).
 */
export function newClientId() {
  const bytes = globalThis.crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/**
 * Puts the events of all conversations in order and drops what was seen. Pure: no clock, no
 * network.
 *
 * Per conversation it knows `seen`, the highest seq of an unbroken run, and holds what came too
 * early. A conversation that it does not know begins at seq 1, or wherever a `sync` page lets it
 * begin (a member who joined later).
 */
export class Sequencer {
  #logs = new Map();
  #maxHeld;

  /**
   * @param {number} [maxHeld] events kept per conversation while a hole is open; history brings
   * what is dropped
   */
  constructor(maxHeld = 1000) {
    this.#maxHeld = maxHeld;
  }

  /** Highest seq up to which the conversation is complete; undefined when it is not known. */
  seen(conversation) {
    return this.#logs.get(conversation)?.seen;
  }

  /**
   * Declares everything up to seq as seen. Never goes back. @returns {object[]} events that this
   * sets free
   */
  base(conversation, seq) {
    const log = this.#log(conversation);
    if (log.seen === undefined || log.seen < seq) log.seen = seq;
    return this.#drain(log);
  }

  /**
   * Takes one event.
   * @param {object} event
   * @param {boolean} [mayBegin] an unknown conversation may begin with this event, whatever its seq
   * @returns {object[]} events that are now in order, ready to be shown
   */
  offer(event, mayBegin = false) {
    const log = this.#log(event.conversation);
    if (log.seen === undefined && (mayBegin || event.seq === 1)) log.seen = event.seq - 1;
    if (log.seen !== undefined && event.seq <= log.seen) return [];
    if (log.held.size < this.#maxHeld || event.seq === log.seen + 1) log.held.set(event.seq, event);
    return this.#drain(log);
  }

  /**
   * What is missing before the first held event.
   * @returns {{after: number|undefined, before: number}|null} `after` is undefined when the
   *   conversation is not known
   */
  hole(conversation) {
    const log = this.#logs.get(conversation);
    if (!log || log.held.size === 0) return null;
    return { after: log.seen, before: Math.min(...log.held.keys()) };
  }

  /** Conversations with a hole. */
  holes() {
    return [...this.#logs.keys()].filter((conversation) => this.hole(conversation));
  }

  /** Forgets what was seen (not what is held). */
  clear() {
    for (const [conversation, log] of this.#logs) {
      if (log.held.size === 0) this.#logs.delete(conversation);
      else log.seen = undefined;
    }
  }

  /** @returns {Record<string, number>} seen by conversation, to be stored */
  save() {
    const seqs = {};
    for (const [conversation, log] of this.#logs)
      if (log.seen !== undefined) seqs[conversation] = log.seen;
    return seqs;
  }

  /** @param {Record<string, number>} seqs from `save()` */
  load(seqs) {
    for (const [conversation, seq] of Object.entries(seqs)) this.base(conversation, seq);
  }

  #log(conversation) {
    let log = this.#logs.get(conversation);
    if (!log) this.#logs.set(conversation, (log = { seen: undefined, held: new Map() }));
    return log;
  }

  #drain(log) {
    const ready = [];
    if (log.seen === undefined || log.held.size === 0) return ready;
    for (const seq of log.held.keys()) if (seq <= log.seen) log.held.delete(seq);
    for (let event; (event = log.held.get(log.seen + 1)) !== undefined;) {
      log.held.delete(event.seq);
      log.seen = event.seq;
      ready.push(event);
    }
    return ready;
  }
}

/* Messages to one destination wait for each other; destinations do not. */
const destination = (to) =>
  to.conversation ? `c:${to.conversation}` : to.group ? `g:${to.group}` : `u:${to.user}`;

function checkDestination(to) {
  const named = ['user', 'group', 'conversation'].filter(
    (key) => typeof to?.[key] === 'string' && to[key] !== '',
  );
  if (named.length !== 1) throw new TypeError('to: exactly one of user, group, conversation');
  return { [named[0]]: to[named[0]] };
}

/* When a token ends, in milliseconds since 1970; NaN when it does not say so in a way we can read. */
function tokenEnd(token) {
  try {
    const payload = token.split('.')[1].replaceAll('-', '+').replaceAll('_', '/');
    return JSON.parse(atob(payload)).exp * 1000;
  } catch {
    return NaN;
  }
}

const defaults = {
  url: undefined,
  token: undefined,
  device: undefined,
  storage: undefined,
  WebSocket: undefined,
  requestTimeout: 15_000,
  openTimeout: 15_000,
  backoff: { base: 500, cap: 30_000 },
  random: Math.random,
  autoConfirm: true,
  confirmDelay: 250,
  repairDelay: 150,
  saveDelay: 250,
  renewBefore: 25_000,
  stableAfter: 5_000,
  syncLimit: 100,
  syncEvery: 500,
  maxHeld: 1000,
  wakeOnNetwork: true,
};

/**
 * One user's live connection.
 *
 * States: `stopped` -> `connecting` -> `syncing` -> `ready`; `waiting` between attempts.
 *
 * Events: `state` {state, retryAt?}, `ready` session, `reset` {reason, conversations}, `message`
 * event, `changed` event (it has changed another one: `message` is that one as it is now), `event`
 * event (of any sort), `outgoing` entry (its `state` has changed), `receipt`, `record` {space, key,
 * value} (what sync brought of the user's own), `typing`, `presence`, `gap` {conversation, after,
 * before}, `closed` {code, reason, final, delay}, `notify` {op, data} (all of them), `error` Error.
 */
export class Client extends Emitter {
  #options;
  #storage;
  #sequencer;
  #ws = null;
  #generation = 0; /* a late answer of an earlier connection is told by its number */
  #state = 'stopped';
  #session = null;
  #retryAt = 0;
  #attempt = 0;
  #tokenRefused = false;
  #tokenFailures = 0;
  #closing = null; /* the last session.closing */
  #loaded = null;
  #savedUser = null;
  #cursor = null;
  #canSync = true;
  #toldLive = false;
  #syncing = null;
  #sinceSync = 0;
  #requests = new Map();
  #requestSeq = 0;
  #outbox = new Map(); /* client_id -> entry */
  #queues = new Map(); /* destination -> entries in order */
  #order = 0;
  #progress = new Map(); /* conversation -> {confirm, read, confirmed, readDone} */
  #repairing = new Set();
  #watched = [];
  #presence = 'online';
  #lastHeard = 0;
  #timers = { retry: 0, open: 0, heartbeat: 0, confirm: 0, save: 0, stable: 0, renew: 0 };
  #wake = () => this.wake();

  /** @param {import('./nuncio.js').ClientOptions} options */
  constructor(options) {
    super();
    this.#options = {
      ...defaults,
      ...options,
      backoff: { ...defaults.backoff, ...options.backoff },
    };
    this.#options.WebSocket ??= globalThis.WebSocket;
    if (!this.#options.WebSocket)
      throw new TypeError('options.WebSocket: this runtime has none of its own');
    if (!this.#options.url) throw new TypeError('options.url: missing');
    if (typeof this.#options.token !== 'function')
      throw new TypeError('options.token: must be a function');
    this.#storage = this.#options.storage ?? memoryStorage();
    this.#sequencer = new Sequencer(this.#options.maxHeld);
  }

  /** `stopped`, `connecting`, `syncing`, `ready` or `waiting`. */
  get state() {
    return this.#state;
  }
  /** The data of the last `session.ready`, or null. */
  get session() {
    return this.#session;
  }
  /** The user id, known from the first `session.ready` on. */
  get user() {
    return this.#session?.user ?? this.#savedUser;
  }
  /** When `waiting`: time of the next attempt, in milliseconds since 1970. */
  get retryAt() {
    return this.#state === 'waiting' ? this.#retryAt : 0;
  }
  /** Messages that the server has not stored yet, oldest first. */
  get outbox() {
    return [...this.#outbox.values()].map(publicEntry);
  }

  /**
   * Begins to connect, and stays connected until `close()`. Returns when the storage has been
   * read.
   */
  async connect() {
    if (this.#state !== 'stopped') return;
    this.#setState('connecting');
    const generation = ++this.#generation;
    this.#attempt = 0;
    this.#tokenFailures = 0;
    if (this.#options.wakeOnNetwork) globalThis.addEventListener?.('online', this.#wake);
    try {
      await (this.#loaded ??= this.#load());
    } catch (error) {
      this.#loaded = null;
      this.#stop();
      throw error;
    }
    if (generation === this.#generation) this.#open();
  }

  /** Ends the connection. What is in the outbox stays there, and in the storage. */
  async close() {
    const ws = this.#ws;
    this.#stop();
    ws?.close(1000);
    await this.#saveNow();
  }

  /** After a sign-out: closes, and removes outbox and cursor from the storage. */
  async forget() {
    await this.close();
    for (const entry of this.#outbox.values())
      entry.reject(local('closed', 'the outbox was cleared'));
    this.#outbox.clear();
    this.#queues.clear();
    this.#progress.clear();
    this.#cursor = null;
    this.#sequencer = new Sequencer(this.#options.maxHeld);
    for (const key of await this.#storage.keys('outbox:')) await this.#storage.remove(key);
    await this.#storage.remove('state');
  }

  /**
   * The network may be back, or the machine has slept: try now instead of waiting; when connected,
   * make sure of it.
   */
  wake() {
    if (this.#state === 'waiting') {
      clearTimeout(this.#timers.retry);
      this.#open();
    } else if (this.#state === 'ready') {
      this.#ping();
    }
  }

  /**
   * Sends a request and waits for its answer. Fails at once when not connected.
   * @param {string} op
   * @param {object} [data]
   * @param {{timeout?: number}} [options]
   * @returns {Promise<any>} the `data` of the answer
   */
  request(op, data = {}, { timeout = this.#options.requestTimeout } = {}) {
    if (!this.#session || !this.#ws) return Promise.reject(local('offline', 'not connected'));
    return this.#request(op, data, timeout);
  }

  /**
   * Sends a message. It may be called at any time; what cannot leave now waits in the outbox.
   * @param {{user: string}|{group: string}|{conversation: string}} to name a destination in one way
   *   only: order is kept by it
   * @param {any} body text for the kind `text`, else any JSON
   * @param {import('./nuncio.js').SendOptions} [options]
   * @returns {Promise<import('./nuncio.js').Ack>} settled when the server has stored or refused the
   *   message
   */
  send(to, body, options = {}) {
    const { kind = 'text', client_id = newClientId(), reply_to, mentions, mention_all } = options;
    const message = { to: checkDestination(to), client_id, kind, body };
    if (reply_to !== undefined) message.reply_to = reply_to;
    if (mentions?.length > 0) message.mentions = mentions;
    if (mention_all) message.mention_all = true;
    if (this.#outbox.has(client_id))
      throw new TypeError(`client_id ${client_id} is in the outbox already`);
    const entry = this.#enqueue({
      message,
      created_at: new Date().toISOString(),
      order: this.#nextOrder(),
    });
    this.#emitOutgoing(entry, 'queued');
    this.#persist(entry);
    return entry.promise;
  }

  /**
   * Takes a message out of the outbox. It may have been stored all the same if it was under way.
   */
  discard(client_id) {
    const entry = this.#outbox.get(client_id);
    if (entry) this.#fail(entry, local('closed', 'discarded'));
  }

  /**
   * Everything up to seq has arrived. Called by the library itself unless `autoConfirm` is false;
   * calls are gathered and only the highest seq travels. Works offline: sent after the next
   * connect.
   */
  confirm(conversation, seq) {
    this.#advance(conversation, 'confirm', seq);
  }

  /** Everything up to seq has been read (implies confirm). Gathered like `confirm`. */
  read(conversation, seq) {
    this.#advance(conversation, 'read', seq);
  }

  /**
   * A page of history. Does not touch the order of `message` events.
   * @param {string} conversation
   * @param {{before?: number, after?: number, around?: number, date?: string, limit?: number}} [page]
   * @returns {Promise<{events: object[], more: boolean}>} seq rising
   */
  history(conversation, page = {}) {
    return this.request('history.query', { conversation, ...page });
  }

  /** @param {{after?: string, limit?: number}} [page] */
  conversations(page = {}) {
    return this.request('conversation.list', page);
  }

  /**
   * Changes to messages. Each is answered with the message as it is then, and told to everybody,
   * also here, by a `changed` event. Each may be repeated.
   */
  edit(conversation, seq, body) {
    return this.request('message.edit', { conversation, seq, body });
  }
  recall(conversation, seq) {
    return this.request('message.recall', { conversation, seq });
  }
  /** @param {boolean} [remove] take the reaction back */
  react(conversation, seq, emoji, remove = false) {
    return this.request('message.react', { conversation, seq, emoji, remove });
  }
  /** @param {boolean} [on] false: not pinned any more */
  pin(conversation, seq, on = true) {
    return this.request(on ? 'message.pin' : 'message.unpin', { conversation, seq });
  }
  async pinned(conversation) {
    return (await this.request('message.pinned', { conversation })).events;
  }
  /** Sends a message on, with who said it first. @returns {Promise<import('./nuncio.js').Ack>} */
  forward(conversation, seq, to, client_id = newClientId()) {
    return this.request('message.forward', {
      conversation,
      seq,
      to: checkDestination(to),
      client_id,
    });
  }
  /** Hides events from oneself, on all devices. @param {number[]} seqs at most 100 */
  hide(conversation, seqs) {
    return this.request('message.hide', { conversation, seqs });
  }
  /** Hides everything up to seq from oneself. */
  clear(conversation, seq) {
    return this.request('conversation.clear', { conversation, seq });
  }

  /**
   * Searches messages, the newest first.
   * @param {string} text words; all must be there
   * @param {{conversation?: string, from?: string, after?: string, limit?: number}} [where]
   * @returns {Promise<{found: {message: object, marks: number[][]}[], next: string|null}>}
   */
  search(text, where = {}) {
    return this.request('history.search', { text, ...where });
  }

  /** @param {{muted?: boolean, pinned?: boolean, archived?: boolean, marked_unread?: boolean}} what */
  setConversation(conversation, what) {
    return this.request('conversation.update', { conversation, ...what });
  }

  /** Tells the others that one is writing. Say it again every few seconds. Never fails. */
  typing(conversation, on = true) {
    if (this.#session) this.request('typing', { conversation, on }).catch(() => {});
  }

  /** Who is online, once. @param {string[]} users at most 100 */
  async presence(users) {
    return (await this.request('presence.query', { users })).users;
  }

  /**
   * From now on tell me when these users come and go; replaces the former list, and is repeated
   * after each connect. The present state of each comes as a `presence` event too.
   * @param {string[]} users at most 500
   */
  async watch(users) {
    this.#watched = [...new Set(users)].slice(0, 500);
    if (this.#session) await this.#subscribe();
  }

  /** @param {'online'|'away'} status repeated after each connect */
  async setPresence(status) {
    this.#presence = status;
    if (this.#session) await this.request('presence.set', { status });
  }

  #setState(state) {
    if (this.#state === state) return;
    this.#state = state;
    this._emit('state', state === 'waiting' ? { state, retryAt: this.#retryAt } : { state });
  }

  async #open() {
    const generation = ++this.#generation;
    this.#setState('connecting');
    let token;
    try {
      token = await this.#options.token({ refused: this.#tokenRefused });
    } catch (error) {
      if (generation !== this.#generation) return;
      this._emit('error', error);
      if (error?.final || error?.code === codes.refresh_invalid)
        this.#finish(closeCodes.token, error.message);
      else this.#retry(1006, 'no token');
      return;
    }
    if (generation !== this.#generation) return;
    if (!token) {
      this.#finish(closeCodes.token, 'no token');
      return;
    }
    this.#dial(generation, token);
  }

  #dial(generation, token) {
    let ws;
    try {
      ws = new this.#options.WebSocket(this.#options.url, ['nuncio.json.v1']);
    } catch (error) {
      this._emit('error', error);
      this.#retry(1006, String(error?.message ?? error));
      return;
    }
    this.#ws = ws;
    const mine = (handle) => (event) => {
      if (this.#ws === ws && generation === this.#generation) handle(event);
    };
    ws.onopen = mine(() => this.#greet(token));
    ws.onmessage = mine((event) => this.#receive(event.data));
    ws.onclose = mine((event) => this.#closed(event.code, event.reason));
    ws.onerror = () => {}; /* close follows, and says more */
    this.#timers.open = setTimeout(
      mine(() => this.#drop('no session in time')),
      this.#options.openTimeout,
    );
  }

  async #greet(token) {
    this.#renewLater(token);
    const data = this.#options.device ? { token, device: this.#options.device } : { token };
    const ws = this.#ws;
    try {
      await this.#request('session.open', data, this.#options.openTimeout);
    } catch (error) {
      if (this.#ws !== ws) return; /* closed meanwhile: already dealt with */
      this.#closed(tokenCodes.has(error.code) ? closeCodes.token : 1006, error.message);
      ws.close(1000);
    }
  }

  #receive(text) {
    this.#lastHeard = Date.now();
    let packet;
    try {
      packet = JSON.parse(text);
    } catch {
      this.#drop('an answer that is not JSON');
      return;
    }
    if (packet.type === 'response') this.#answered(packet);
    else if (packet.type === 'notify') this.#notified(packet.op, packet.data ?? {});
  }

  #request(op, data, timeout) {
    this.#requestSeq = this.#requestSeq >= 0xffffffff ? 1 : this.#requestSeq + 1;
    const seq = this.#requestSeq;
    const text = JSON.stringify({ type: 'request', seq, op, data });
    const limit = this.#session?.limits?.packet_bytes ?? 65_535;
    if (text.length * 3 > limit && new TextEncoder().encode(text).length > limit) {
      return Promise.reject(local('too_large', `a packet has at most ${limit} bytes`));
    }
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#requests.delete(seq);
        reject(local('no_answer', `${op}: no answer in ${timeout} ms`));
      }, timeout);
      this.#requests.set(seq, { resolve, reject, timer });
      try {
        this.#ws.send(text);
      } catch (error) {
        this.#requests.delete(seq);
        clearTimeout(timer);
        reject(local('disconnected', String(error?.message ?? error)));
      }
    });
  }

  #answered({ seq, code, message, data }) {
    const waiting = this.#requests.get(seq);
    if (!waiting) return; /* it had timed out */
    this.#requests.delete(seq);
    clearTimeout(waiting.timer);
    if (code === 0) {
      waiting.resolve(data ?? {});
      return;
    }
    waiting.reject(new NuncioError(code, message, { data }));
    if (!this.#session || !tokenCodes.has(code)) return;
    const ws = this.#ws;
    this.#closed(closeCodes.token, message);
    ws.close(1000);
  }

  #notified(op, data) {
    switch (op) {
      case 'session.ready':
        this.#opened(data);
        break;
      case 'session.closing':
        this.#closing = data;
        break;
      case 'session.resync':
        this.#syncAgain().catch((error) => this.#quiet(error));
        break;
      case 'receipt':
        this.#receipts(data);
        break;
      case 'typing':
        this._emit('typing', data);
        break;
      case 'presence.changed':
        this._emit('presence', data);
        break;
      case 'error':
        this._emit('error', new NuncioError(data.code, data.message));
        break;
      default:
        /* message.new, message.changed, group.changed ...: whatever has a place in a log */
        if (data.event && data.conversation && data.seq > 0) this.#take(data, false);
        break;
    }
    this._emit('notify', { op, data });
  }

  /* One member's, or those of several in one notify. */
  #receipts({ members, ...data }) {
    for (const one of members ?? [data])
      this._emit('receipt', { conversation: data.conversation, ...one });
  }

  async #opened(session) {
    const generation = this.#generation;
    clearTimeout(this.#timers.open);
    if (this.#savedUser && this.#savedUser !== session.user) await this.#forgetStranger();
    this.#session = session;
    this.#savedUser = session.user;
    this.#tokenRefused = false;
    this.#tokenFailures = 0;
    this.#closing = null;
    this.#canSync = true;
    this.#startHeartbeat(session.heartbeat_ms ?? 30_000);
    this.#timers.stable = setTimeout(() => {
      this.#attempt = 0;
    }, this.#options.stableAfter);
    this.#setState('syncing');
    this.#subscribe().catch((error) => this.#quiet(error));
    if (this.#presence !== 'online')
      this.setPresence(this.#presence).catch((error) => this.#quiet(error));
    for (let attempt = 0; ; attempt++) {
      try {
        await this.#sync();
        break;
      } catch (error) {
        if (generation !== this.#generation || !this.#session) return;
        this._emit('error', error);
        await new Promise((resolve) => setTimeout(resolve, this.#pause(attempt, error)));
        if (generation !== this.#generation || !this.#session) return;
      }
    }
    if (generation !== this.#generation || !this.#session) return;
    this.#setState('ready');
    this._emit('ready', session);
    this.#flushProgress();
    for (const conversation of this.#sequencer.holes()) this.#repairSoon(conversation);
    for (const key of this.#queues.keys()) this.#pump(key);
  }

  /* The connection is over, by whichever side. */
  #closed(code, reason) {
    const closing = this.#closing;
    this.#hangUp();
    if (code === closeCodes.replaced) {
      this.#finish(code, closing?.reason ?? reason);
      return;
    }
    if (code === closeCodes.token) this.#tokenRefused = true;
    this.#retry(code, closing?.reason ?? reason, closing?.retry_after_ms ?? 0);
  }

  #retry(code, reason, retryAfter = 0) {
    this.#hangUp();
    const first = code === closeCodes.token && this.#tokenFailures++ === 0;
    const least = Math.max(retryAfter, code === closeCodes.policy ? 1000 : 0);
    const delay = first
      ? 0
      : least + backoff(this.#attempt++, this.#options.backoff, this.#options.random);
    this.#retryAt = Date.now() + delay;
    this.#timers.retry = setTimeout(() => this.#open(), delay);
    this.#setState('waiting');
    this._emit('closed', { code, reason, final: false, delay });
  }

  #finish(code, reason) {
    this.#stop();
    this._emit('closed', { code, reason, final: true, delay: 0 });
  }

  #stop() {
    this.#generation++;
    this.#hangUp();
    clearTimeout(this.#timers.retry);
    globalThis.removeEventListener?.('online', this.#wake);
    this.#setState('stopped');
  }

  /* A connection that is dead although nobody said so; its close handshake could take minutes. */
  #drop(reason) {
    const ws = this.#ws;
    this.#closed(1006, reason);
    ws?.close();
  }

  #hangUp() {
    this.#ws = null;
    this.#session = null;
    this.#closing = null;
    for (const name of ['open', 'heartbeat', 'confirm', 'stable', 'renew'])
      clearTimeout(this.#timers[name]);
    const waiting = [...this.#requests.values()];
    this.#requests.clear();
    for (const { reject, timer } of waiting) {
      clearTimeout(timer);
      reject(local('disconnected', 'the connection has ended'));
    }
  }

  /* A session ends with its token unless a fresh one comes before. */
  #renewLater(token) {
    clearTimeout(this.#timers.renew);
    const left = tokenEnd(token) - this.#options.renewBefore - Date.now();
    /* A timer longer than 2^31 ms would fire at once. */
    if (left < 2 ** 31) this.#timers.renew = setTimeout(() => this.#renew(token), Math.max(left, 1000));
  }

  /* When it fails the server will end the session in time, and the next connection asks anew. */
  async #renew(old) {
    const ws = this.#ws;
    try {
      const token = await this.#options.token({ refused: false });
      if (!token || token === old || this.#ws !== ws || !this.#session) return;
      await this.#request('session.open', { token }, this.#options.openTimeout);
      if (this.#ws === ws) this.#renewLater(token);
    } catch (error) {
      this.#quiet(error);
    }
  }

  /* Browsers answer pings by themselves but do not tell when none come any more. */
  #startHeartbeat(interval) {
    this.#lastHeard = Date.now();
    const beat = () => {
      const quiet = Date.now() - this.#lastHeard;
      if (quiet >= interval) this.#ping();
      this.#timers.heartbeat = setTimeout(beat, Math.max(interval - quiet, interval / 4));
    };
    this.#timers.heartbeat = setTimeout(beat, interval);
  }

  #ping() {
    const ws = this.#ws;
    this.request('ping', {}, { timeout: Math.min(10_000, this.#options.requestTimeout) }).catch(
      (error) => {
        if (error.reason === 'no_answer' && this.#ws === ws) this.#drop('no answer to ping');
      },
    );
  }

  #pause(attempt, error) {
    return (
      (error?.data?.retry_after_ms ?? 0) +
      backoff(attempt, this.#options.backoff, this.#options.random)
    );
  }

  /* Modules may be switched off, and connections end: no reason to alarm the application. */
  #quiet(error) {
    if (error.code !== codes.unknown_op && !localTransient.has(error.reason))
      this._emit('error', error);
  }

  async #subscribe() {
    if (this.#watched.length === 0) return;
    const { users } = await this.request('presence.subscribe', { users: this.#watched });
    for (const user of users ?? []) this._emit('presence', user);
  }

  /* Brings what happened while we were away. Calls while one runs share it. */
  #sync() {
    this.#syncing ??= this.#syncPages().finally(() => {
      this.#syncing = null;
    });
    return this.#syncing;
  }

  /* What is missing now is not certain to be in an answer that is on its way. */
  async #syncAgain() {
    await this.#syncing?.catch(() => {});
    if (this.#state === 'ready') await this.#sync();
  }

  async #syncPages() {
    if (!this.#canSync) return;
    this.#sinceSync = 0;
    for (let more = true; more;) {
      const ask = { limit: Math.min(this.#options.syncLimit, this.#session?.limits?.page ?? 100) };
      if (this.#cursor) ask.cursor = this.#cursor;
      let page;
      try {
        page = await this.request('sync', ask);
      } catch (error) {
        if (error.code !== codes.unknown_op && error.code !== codes.unavailable) throw error;
        this.#canSync = false; /* no history module, or no store: live only, until the next connect */
        if (!this.#cursor && !this.#toldLive) {
          this.#toldLive = true;
          this._emit('reset', { reason: 'first', conversations: [] });
        }
        return;
      }
      if (page.gap) {
        await this.#reset(page.cursor ?? null, this.#cursor ? 'gap' : 'first');
        return;
      }
      for (const event of page.events) this.#take(event, true);
      for (const receipt of page.receipts ?? []) this._emit('receipt', receipt);
      for (const record of page.records ?? []) this._emit('record', record);
      this.#cursor = page.cursor;
      this.#saveSoon();
      more = page.more;
    }
    this.#beginUnknown();
  }

  /*
   * No cursor, or one that the server cannot follow: the application starts from the list of
   * conversations.
   */
  async #reset(cursor, reason) {
    cursor ??= (await this.request('sync', {})).cursor;
    const conversations = [];
    const limit = this.#session?.limits?.page ?? 100;
    for (let next; next !== null;) {
      const page = await this.request(
        'conversation.list',
        next ? { after: next, limit } : { limit },
      );
      conversations.push(...page.conversations);
      next = page.next ?? null;
    }
    this.#sequencer.clear();
    this.#cursor = cursor;
    const freed = conversations.flatMap((item) =>
      this.#sequencer.base(item.conversation, item.last_seq),
    );
    this._emit('reset', { reason, conversations });
    for (const event of freed) this.#deliver(event);
    this.#beginUnknown();
    this.#saveSoon();
  }

  /* Sync has told all it knows. What still has no beginning begins with what is here. */
  #beginUnknown() {
    for (const conversation of this.#sequencer.holes()) {
      const { after, before } = this.#sequencer.hole(conversation);
      if (after !== undefined) continue;
      for (const event of this.#sequencer.base(conversation, before - 1)) this.#deliver(event);
    }
  }

  #take(event, fromSync) {
    if (event.from === this.user && this.#outbox.has(event.client_id)) {
      this.#settle(this.#outbox.get(event.client_id), {
        conversation: event.conversation,
        seq: event.seq,
        id: event.id,
        sent_at: event.sent_at,
        durability: 'stored',
        duplicate: true,
      });
    }
    const ready = this.#sequencer.offer(event, fromSync || !this.#canSync);
    for (const one of ready) this.#deliver(one);
    if (!fromSync && this.#sequencer.hole(event.conversation)) this.#repairSoon(event.conversation);
    if (!fromSync && ++this.#sinceSync >= this.#options.syncEvery && this.#state === 'ready') {
      this.#sync().catch((error) =>
        this.#quiet(error),
      ); /* moves the cursor: a later start has less to skip */
    }
  }

  #deliver(event) {
    this._emit('event', event);
    if (event.event === 'message') this._emit('message', event);
    if (event.target) this._emit('changed', event);
    if (this.#options.autoConfirm && event.from !== this.user)
      this.confirm(event.conversation, event.seq);
    this.#saveSoon();
  }

  /* What is missing is often already on its way; give it a moment. */
  #repairSoon(conversation) {
    if (this.#repairing.has(conversation) || this.#state !== 'ready') return;
    this.#repairing.add(conversation);
    setTimeout(async () => {
      for (
        let attempt = 0;
        this.#state === 'ready' && this.#sequencer.hole(conversation);
        attempt++
      ) {
        try {
          await this.#repair(conversation);
          attempt = 0;
        } catch (error) {
          if (!transient.has(error.code) && !localTransient.has(error.reason))
            this.#skip(conversation);
          else await new Promise((resolve) => setTimeout(resolve, this.#pause(attempt, error)));
        }
      }
      this.#repairing.delete(conversation);
    }, this.#options.repairDelay);
  }

  async #repair(conversation) {
    const { after, before } = this.#sequencer.hole(conversation);
    if (after === undefined) {
      await this.#sync();
      this.#beginUnknown();
      return;
    }
    const most = this.#session?.limits?.page ?? 100;
    const page = await this.history(conversation, {
      after,
      limit: Math.min(most, Math.max(1, before - after - 1)),
    });
    const first = page.events[0]?.seq;
    if (first === undefined || first > after + 1) this.#skip(conversation, first);
    for (const event of page.events) this.#take(event, false);
  }

  /* The server does not have it (any more): say so and go on. */
  #skip(conversation, first) {
    const hole = this.#sequencer.hole(conversation);
    if (!hole) return;
    const before = Math.min(hole.before, first ?? hole.before);
    this._emit('gap', { conversation, after: hole.after, before });
    for (const event of this.#sequencer.base(conversation, before - 1)) this.#deliver(event);
  }

  #advance(conversation, what, seq) {
    if (!(seq > 0)) return;
    const log = this.#progress.get(conversation) ?? {
      confirm: 0,
      read: 0,
      confirmed: 0,
      readDone: 0,
    };
    this.#progress.set(conversation, log);
    if (seq <= log[what]) return;
    log[what] = seq;
    if (this.#timers.confirm || this.#state !== 'ready') return;
    this.#timers.confirm = setTimeout(() => this.#flushProgress(), this.#options.confirmDelay);
  }

  #flushProgress() {
    clearTimeout(this.#timers.confirm);
    this.#timers.confirm = 0;
    for (const [conversation, log] of this.#progress) {
      if (log.read > log.readDone)
        this.#report('message.read', conversation, log, 'readDone', log.read);
      if (log.confirm > Math.max(log.confirmed, log.read)) {
        this.#report('message.confirm', conversation, log, 'confirmed', log.confirm);
      }
    }
  }

  async #report(op, conversation, log, done, seq) {
    const before = log[done];
    log[done] = seq;
    try {
      await this.request(op, { conversation, seq });
    } catch (error) {
      /* One who is no member any more has nothing to report. */
      if (error.code === codes.not_member || error.code === codes.not_found) return;
      if (log[done] === seq)
        log[done] = before; /* goes with the next flush, at the latest after a reconnect */
      this.#quiet(error);
    }
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
    this.#outbox.set(message.client_id, entry);
    return entry;
  }

  async #persist(entry) {
    const { message, created_at, order } = entry;
    try {
      const writing = this.#storage.set(`outbox:${message.client_id}`, {
        message,
        created_at,
        order,
        user: this.user,
      });
      if (writing?.then) await writing;
    } catch (error) {
      this._emit('error', error); /* storage full or forbidden: the message lives in memory only */
    }
    entry.saved = true;
    if (this.#outbox.get(message.client_id) === entry) this.#pump(destination(message.to));
    else await this.#storage.remove(`outbox:${message.client_id}`);
  }

  #pump(key) {
    const entry = this.#queues.get(key)?.[0];
    if (
      !entry ||
      !entry.saved ||
      entry.state === 'sending' ||
      entry.timer ||
      this.#state !== 'ready'
    )
      return;
    this.#transmit(entry);
  }

  async #transmit(entry) {
    entry.attempts++;
    this.#emitOutgoing(entry, 'sending');
    let ack;
    try {
      ack = await this.request('message.send', entry.message);
    } catch (error) {
      if (this.#outbox.get(entry.message.client_id) === entry) this.#refused(entry, error);
      return;
    }
    const { to, ...message } = entry.message;
    if (this.#outbox.get(entry.message.client_id) === entry) this.#settle(entry, ack);
    /* The sending connection gets no message.new for it: the answer stands for the event. */
    this.#take(
      {
        event: 'message',
        conversation: ack.conversation,
        seq: ack.seq,
        id: ack.id,
        from: this.user,
        ...message,
        sent_at: ack.sent_at,
      },
      false,
    );
  }

  #refused(entry, error) {
    const again =
      transient.has(error.code) || tokenCodes.has(error.code) || localTransient.has(error.reason);
    if (!again || (doubtful.has(error.code) && entry.attempts >= doubtfulAttempts)) {
      this.#fail(entry, error);
      return;
    }
    this.#emitOutgoing(entry, 'queued');
    if (error.reason === 'disconnected' || error.reason === 'offline')
      return; /* the next `ready` pumps */
    entry.timer = setTimeout(
      () => {
        entry.timer = 0;
        this.#pump(destination(entry.message.to));
      },
      this.#pause(entry.attempts - 1, error),
    );
  }

  #settle(entry, ack) {
    this.#drain(entry);
    entry.ack = ack;
    this.#emitOutgoing(entry, 'stored');
    entry.resolve(ack);
    this.#pump(destination(entry.message.to));
  }

  #fail(entry, error) {
    this.#drain(entry);
    entry.error = error;
    this.#emitOutgoing(entry, 'failed');
    entry.reject(error);
    this.#pump(destination(entry.message.to));
  }

  #drain(entry) {
    const key = destination(entry.message.to);
    const queue = this.#queues.get(key).filter((other) => other !== entry);
    if (queue.length > 0) this.#queues.set(key, queue);
    else this.#queues.delete(key);
    clearTimeout(entry.timer);
    this.#outbox.delete(entry.message.client_id);
    if (entry.saved) this.#guard(() => this.#storage.remove(`outbox:${entry.message.client_id}`));
  }

  #emitOutgoing(entry, state) {
    entry.state = state;
    this._emit('outgoing', publicEntry(entry));
  }

  async #load() {
    const state = await this.#storage.get('state');
    if (state?.user) {
      this.#savedUser = state.user;
      this.#cursor = state.cursor ?? null;
      if (this.#cursor) this.#sequencer.load(state.seqs ?? {});
    }
    const stored = [];
    for (const key of await this.#storage.keys('outbox:'))
      stored.push(await this.#storage.get(key));
    stored.sort((a, b) => (a?.order ?? 0) - (b?.order ?? 0));
    for (const item of stored) {
      if (!item?.message?.client_id || this.#outbox.has(item.message.client_id)) continue;
      if (item.user && this.#savedUser && item.user !== this.#savedUser) continue;
      const entry = this.#enqueue(item);
      entry.saved = true;
      this.#emitOutgoing(entry, 'queued');
    }
  }

  /* The storage belonged to someone else: their messages must not leave under this name. */
  async #forgetStranger() {
    this.#cursor = null;
    this.#sequencer = new Sequencer(this.#options.maxHeld);
    for (const entry of [...this.#outbox.values()])
      this.#fail(entry, local('signed_out', 'written by another user'));
    await this.#storage.remove('state');
  }

  #saveSoon() {
    this.#timers.save ||= setTimeout(() => this.#saveNow(), this.#options.saveDelay);
  }

  async #saveNow() {
    clearTimeout(this.#timers.save);
    this.#timers.save = 0;
    if (!this.#cursor || !this.#savedUser) return;
    const state = { user: this.#savedUser, cursor: this.#cursor, seqs: this.#sequencer.save() };
    await this.#guard(() => this.#storage.set('state', state));
  }

  async #guard(write) {
    try {
      await write();
    } catch (error) {
      this._emit('error', error);
    }
  }
}

function publicEntry({ message, created_at, state, attempts, ack, error }) {
  return { ...message, created_at, state, attempts, ack, error };
}

/**
 * Accounts and tokens over REST (module `accounts`). Keeps the tokens in a storage and renews them
 * when needed; its `token` is made to be the token provider of `Client`.
 *
 * A refresh token works once, and using it twice signs the user out everywhere. So refreshing is
 * single-flight, and where the browser has Web Locks (https, localhost) also across tabs.
 *
 * Events: `signedin` user, `signedout`.
 */
export class Rest extends Emitter {
  #base;
  #fetch;
  #storage;
  #device;
  #lock;
  #refreshing = null;

  /** @param {import('./nuncio.js').RestOptions} [options] */
  constructor({
    base = '',
    fetch = globalThis.fetch,
    storage = memoryStorage(),
    device,
    lock,
  } = {}) {
    super();
    this.#base = base.replace(/\/$/, '');
    this.#fetch = fetch;
    this.#storage = storage;
    this.#device = device;
    const locks = globalThis.navigator?.locks;
    this.#lock = lock ?? ((work) => (locks ? locks.request('nuncio-refresh', work) : work()));
    this.token = this.token.bind(this);
  }

  /** The signed-in user `{id, name}`, or null. */
  async user() {
    return (await this.#storage.get('auth'))?.user ?? null;
  }

  /**
   * Makes an account. Does not sign in.
   * @param {{id: string, password: string, name?: string}} account
   */
  register({ id, password, name }) {
    return this.call('POST', '/users', {
      body: name ? { id, password, name } : { id, password },
      auth: false,
    });
  }

  /** Signs in and keeps the tokens. @returns the user */
  async login(user, password) {
    const body = this.#device ? { user, password, device: this.#device } : { user, password };
    const answer = await this.call('POST', '/auth/login', { body, auth: false });
    const auth = await this.#keep(answer, { id: user });
    this._emit('signedin', auth.user);
    return auth.user;
  }

  /** Gets a new access token; calls at the same time share one request. */
  refresh() {
    this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = null;
    });
    return this.#refreshing;
  }

  async #refresh() {
    const before = await this.#storage.get('auth');
    return this.#lock(async () => {
      const auth = await this.#storage.get('auth');
      if (!auth) throw local('signed_out', 'not signed in');
      if (auth.access_token !== before?.access_token)
        return auth.access_token; /* another tab was first */
      try {
        const body = { refresh_token: auth.refresh_token };
        const answer = await this.call('POST', '/auth/refresh', { body, auth: false });
        return (await this.#keep(answer, auth.user)).access_token;
      } catch (error) {
        if (error.code !== codes.refresh_invalid) throw error;
        error.final = true;
        await this.#clear();
        throw error;
      }
    });
  }

  /**
   * A token that is good now: the stored one, or a new one when it ends within half a minute or was
   * refused.
   * @param {{refused?: boolean}} [why]
   * @returns {Promise<string|null>} null: not signed in
   */
  async token({ refused = false } = {}) {
    const auth = await this.#storage.get('auth');
    if (!auth) return null;
    return refused || auth.expires_at - Date.now() < 30_000 ? this.refresh() : auth.access_token;
  }

  /**
   * Signs out here. The server's word is asked for but not waited for when it cannot be reached.
   */
  async logout() {
    const auth = await this.#storage.get('auth');
    await this.#clear();
    if (!auth) return;
    const body = { refresh_token: auth.refresh_token };
    await this.call('POST', '/auth/logout', { body, auth: false }).catch(() => {});
  }

  /**
   * Users whose id or name starts with the query.
   * @param {string} query
   * @param {{after?: string, limit?: number, signal?: AbortSignal}} [page]
   * @returns {Promise<{users: {id: string, name?: string}[], next: string|null}>}
   */
  findUsers(query, { after, limit = 20, signal } = {}) {
    return this.call('GET', '/users', { query: { query, after, limit }, signal });
  }

  /** One user by id. */
  getUser(id) {
    return this.call('GET', `/users/${encodeURIComponent(id)}`);
  }

  /**
   * Any other call.
   * @param {string} method
   * @param {string} path below /api/v1
   * @param {{query?: object, body?: object, auth?: boolean, signal?: AbortSignal}} [options]
   * @returns {Promise<any>} the `data` of the answer
   */
  async call(method, path, { query = {}, body, auth = true, signal } = {}) {
    const params = new URLSearchParams(
      Object.entries(query).filter(([, value]) => value !== undefined),
    );
    const url = `${this.#base}/api/v1${path}${params.size ? `?${params}` : ''}`;
    for (let attempt = 0; ; attempt++) {
      const headers = {};
      if (body !== undefined) headers['Content-Type'] = 'application/json';
      if (auth) {
        const token = await this.token({ refused: attempt > 0 });
        if (!token) throw local('signed_out', 'not signed in');
        headers.Authorization = `Bearer ${token}`;
      }
      try {
        return await this.#once(url, {
          method,
          headers,
          body: body && JSON.stringify(body),
          signal,
        });
      } catch (error) {
        const expired = error.code === codes.token_expired || error.code === codes.token_invalid;
        if (!auth || attempt > 0 || !expired) throw error;
      }
    }
  }

  async #once(url, init) {
    let response;
    let answer;
    try {
      response = await this.#fetch.call(globalThis, url, {
        ...init,
        credentials: 'omit',
        cache: 'no-store',
      });
      if (response.status === 204) return null;
      answer = await response.json();
    } catch (error) {
      if (error?.name === 'AbortError') throw error;
      if (!response) throw local('network', String(error?.message ?? error));
    }
    if (typeof answer?.code !== 'number') {
      throw new NuncioError(0, `HTTP ${response.status}`, {
        reason: 'bad_answer',
        status: response.status,
      });
    }
    if (answer.code === 0) return answer.data;
    const { code, message, data, trace_id: traceId } = answer;
    throw new NuncioError(code, message, { data, status: response.status, traceId });
  }

  async #keep(answer, known) {
    const user =
      typeof answer.user === 'string'
        ? { ...known, id: answer.user }
        : { ...known, ...answer.user };
    const auth = {
      access_token: answer.access_token,
      refresh_token: answer.refresh_token,
      expires_at: Date.now() + (answer.expires_in ?? 900) * 1000,
      user,
    };
    await this.#storage.set('auth', auth);
    return auth;
  }

  async #clear() {
    if ((await this.#storage.get('auth')) === undefined) return;
    await this.#storage.remove('auth');
    this._emit('signedout');
  }
}
