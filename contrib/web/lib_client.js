// SPDX-License-Identifier: MIT
/* One user's live connection. */

import { CatchUp } from './lib_catch_up.js';
import { NuncioError, closeCodes, codes, local, localTransient, tokenCodes } from './lib_errors.js';
import { KeepAlive } from './lib_keep_alive.js';
import { Operations } from './lib_operations.js';
import { Outbox } from './lib_outbox.js';
import { Progress } from './lib_progress.js';
import { Requests } from './lib_requests.js';
import { memoryStorage } from './lib_storage.js';
import { backoff } from './lib_tools.js';

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

/* Between repetitions of what came too fast. */
const turns = { base: 50, cap: 1000 };

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
export class Client extends Operations {
  #options;
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
  #requests = new Requests();
  #keepAlive;
  #catchUp;
  #outbox;
  #progress;
  #watched = [];
  #presence = 'online';
  #timers = { retry: 0, open: 0, stable: 0 };
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
    this.#build(this.#options.storage ?? memoryStorage());
  }

  /* The parts, and what each may know of the connection. */
  #build(storage) {
    const isReady = () => this.#state === 'ready';
    const request = (op, data) => this.request(op, data);
    const emit = (type, data) => this._emit(type, data);
    const pause = (attempt, error) => this.#pause(attempt, error);
    const failed = (error) => this.#quiet(error);
    this.#keepAlive = new KeepAlive(this.#options, {
      request: (op, data, options) => this.request(op, data, options),
      hasSession: () => this.#session !== null,
      dead: (why) => this.#drop(why),
      failed,
    });
    this.#catchUp = new CatchUp(this.#options, storage, {
      isReady,
      request,
      emit,
      pause,
      failed,
      pageLimit: () => this.#session?.limits?.page ?? 100,
      own: (event) => this.#own(event),
      arrived: ({ conversation, seq }) => {
        if (this.#options.autoConfirm) this.confirm(conversation, seq);
      },
    });
    this.#outbox = new Outbox(storage, {
      isReady,
      request,
      user: () => this.user,
      pause,
      emit,
      stored: (message, ack) => this.#stored(message, ack),
    });
    this.#progress = new Progress(this.#options.confirmDelay, {
      isReady,
      request,
      failed,
    });
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
    return this.#session?.user ?? this.#catchUp.user;
  }
  /** When `waiting`: time of the next attempt, in milliseconds since 1970. */
  get retryAt() {
    return this.#state === 'waiting' ? this.#retryAt : 0;
  }
  /** Messages that the server has not stored yet, oldest first. */
  get outbox() {
    return this.#outbox.entries;
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
    await this.#catchUp.saveNow();
  }

  /** After a sign-out: closes, and removes outbox and cursor from the storage. */
  async forget() {
    await this.close();
    this.#progress.clear();
    await this.#outbox.clear(local('closed', 'the outbox was cleared'));
    await this.#catchUp.forget();
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
      this.#keepAlive.ping();
    }
  }

  /**
   * Sends a request and waits for its answer. Fails at once when not connected. What the server
   * refuses because it came too fast was not done, so it is repeated while the time lasts.
   * @param {string} op
   * @param {object} [data]
   * @param {{timeout?: number}} [options]
   * @returns {Promise<any>} the `data` of the answer
   */
  async request(op, data = {}, { timeout = this.#options.requestTimeout } = {}) {
    const end = Date.now() + timeout;
    for (let attempt = 0; ; attempt++) {
      if (!this.#session || !this.#ws) throw local('offline', 'not connected');
      try {
        return await this.#request(op, data, Math.max(1, end - Date.now()));
      } catch (error) {
        const pause = this.#turn(attempt, error);
        if (error.code !== codes.rate_limited || Date.now() + pause >= end) throw error;
        await new Promise((resolve) => setTimeout(resolve, pause));
      }
    }
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
    return this.#outbox.add(to, body, options);
  }

  /**
   * Takes a message out of the outbox. It may have been stored all the same if it was under way.
   */
  discard(client_id) {
    this.#outbox.discard(client_id);
  }

  /**
   * Everything up to seq has arrived. Called by the library itself unless `autoConfirm` is false;
   * calls are gathered and only the highest seq travels. Works offline: sent after the next
   * connect.
   */
  confirm(conversation, seq) {
    this.#progress.advance(conversation, 'confirm', seq);
  }

  /** Everything up to seq has been read (implies confirm). Gathered like `confirm`. */
  read(conversation, seq) {
    this.#progress.advance(conversation, 'read', seq);
  }

  /** Tells the others that one is writing. Say it again every few seconds. Never fails. */
  typing(conversation, on = true) {
    if (this.#session) this.request('typing', { conversation, on }).catch(() => {});
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
    this.#keepAlive.renewLater(token);
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
    this.#keepAlive.heard();
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
    const limit = this.#session?.limits?.packet_bytes ?? 65_535;
    return this.#requests.ask(this.#ws, op, data, timeout, limit);
  }

  #answered(packet) {
    const code = this.#requests.answered(packet);
    if (!this.#session || !tokenCodes.has(code)) return;
    const ws = this.#ws;
    this.#closed(closeCodes.token, packet.message);
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
        this.#catchUp.syncAgain().catch((error) => this.#quiet(error));
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
        if (data.event && data.conversation && data.seq > 0) this.#catchUp.take(data, false);
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
    const known = this.#catchUp.user;
    if (known && known !== session.user) await this.#forgetStranger();
    this.#session = session;
    this.#catchUp.user = session.user;
    this.#catchUp.begin();
    this.#tokenRefused = false;
    this.#tokenFailures = 0;
    this.#closing = null;
    this.#keepAlive.start(session.heartbeat_ms ?? 30_000);
    this.#timers.stable = setTimeout(() => {
      this.#attempt = 0;
    }, this.#options.stableAfter);
    this.#setState('syncing');
    this.#subscribe().catch((error) => this.#quiet(error));
    if (this.#presence !== 'online')
      this.setPresence(this.#presence).catch((error) => this.#quiet(error));
    for (let attempt = 0; ; attempt++) {
      try {
        await this.#catchUp.sync();
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
    this.#progress.flush();
    this.#catchUp.repairAll();
    this.#outbox.pump();
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
    clearTimeout(this.#timers.open);
    clearTimeout(this.#timers.stable);
    this.#keepAlive.stop();
    this.#progress.pause();
    this.#requests.failAll();
  }

  #pause(attempt, error) {
    return (
      (error?.data?.retry_after_ms ?? 0) +
      backoff(attempt, this.#options.backoff, this.#options.random)
    );
  }

  /* The server has said when; only those who wait together are to come apart: seldom far. */
  #turn(attempt, error) {
    return (error.data?.retry_after_ms ?? 0) + backoff(attempt, turns, this.#options.random);
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

  #own(event) {
    this.#outbox.seen(event.client_id, {
      conversation: event.conversation,
      seq: event.seq,
      id: event.id,
      sent_at: event.sent_at,
      durability: 'stored',
      duplicate: true,
    });
  }

  /* The sending connection gets no message.new for it: the answer stands for the event. */
  #stored({ to, ...message }, ack) {
    this.#catchUp.take(
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

  async #load() {
    await this.#catchUp.load();
    await this.#outbox.restore(this.#catchUp.user);
  }

  /* The storage belonged to someone else: their messages must not leave under this name. */
  async #forgetStranger() {
    this.#outbox.failAll(local('signed_out', 'written by another user'));
    await this.#catchUp.forget();
  }
}
