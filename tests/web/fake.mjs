// SPDX-License-Identifier: MIT
/*
 * A WebSocket without a network, and the server behind it: a few conversations with their logs. A
 * test decides what the server answers by replacing `server.ops`, and when a connection breaks.
 */

/* Debian 12's Node 18 has Web Crypto, but not as a global. */
if (!globalThis.crypto) globalThis.crypto = (await import('node:crypto')).webcrypto;

export class FakeServer {
  constructor() {
    this.sockets = [];
    this.requests = []; /* every request of every connection, in order */
    this.tokens = []; /* every token that was shown */
    this.logs = new Map();
    this.journal = [];
    this.badTokens = new Set();
    this.refuse = false; /* connections fail, as without a network */
    this.user = 'alice';
    this.ops = {
      ping: () => ({ server_time: 'now' }),
      sync: (data) => this.#sync(data),
      'conversation.list': () => ({
        conversations: [...this.logs].map(([conversation, log]) => ({
          conversation,
          kind: 'direct',
          peer: 'bob',
          last_seq: log.length,
          delivered: 0,
          read: 0,
          unread: log.length,
          last: log.at(-1) ?? null,
        })),
        next: null,
      }),
      'history.query': ({ conversation, after = 0, limit = 50 }) => {
        const log = this.logs.get(conversation) ?? [];
        return { events: log.slice(after, after + limit), more: after + limit < log.length };
      },
      'message.send': (data) => this.#send(data),
      'message.confirm': () => ({}),
      'message.read': () => ({}),
      'presence.subscribe': ({ users }) => ({
        users: users.map((user) => ({ user, status: 'online', last_seen: null })),
      }),
      'presence.set': () => ({}),
    };
    const server = this;
    this.WebSocket = class extends FakeSocket {
      constructor(url, protocols) {
        super(server, url, protocols);
      }
    };
  }

  /** Writes an event to a log without telling anybody. */
  append(conversation, body, { from = 'bob', client_id = `${from}-${this.journal.length}` } = {}) {
    const log = this.logs.get(conversation) ?? [];
    this.logs.set(conversation, log);
    const event = {
      event: 'message',
      conversation,
      seq: log.length + 1,
      id: String(1000 + this.journal.length),
      from,
      client_id,
      kind: 'text',
      body,
      sent_at: '2026-11-23T08:42:00.123Z',
    };
    log.push(event);
    this.journal.push(event);
    return event;
  }

  /** Writes an event and sends it to the present connection. */
  push(conversation, body, options) {
    const event = this.append(conversation, body, options);
    this.notify('message.new', event);
    return event;
  }

  notify(op, data) {
    this.current?.deliver({ type: 'notify', op, data });
  }

  get current() {
    return this.sockets.at(-1);
  }

  /** Requests of one op, in order. */
  of(op) {
    return this.requests.filter((request) => request.op === op);
  }

  #sync({ cursor, limit = 100 }) {
    if (cursor === undefined)
      return { events: [], cursor: `${this.journal.length}`, more: false, gap: true };
    if (cursor === 'too old')
      return { events: [], cursor: `${this.journal.length}`, more: false, gap: true };
    const from = Number(cursor);
    const events = this.journal.slice(from, from + limit);
    return {
      events,
      cursor: String(from + events.length),
      more: from + events.length < this.journal.length,
      gap: false,
    };
  }

  #send({ to, client_id, body }) {
    const conversation = to.conversation ?? `with-${to.user}`;
    const known = this.logs
      .get(conversation)
      ?.find((event) => event.from === this.user && event.client_id === client_id);
    const { seq, id, sent_at } =
      known ?? this.append(conversation, body, { from: this.user, client_id });
    return {
      conversation,
      seq,
      id,
      sent_at,
      durability: 'stored',
      ...(known ? { duplicate: true } : {}),
    };
  }
}

class FakeSocket {
  constructor(server, url, protocols) {
    Object.assign(this, { server, url, protocols, open: false, ended: false });
    server.sockets.push(this);
    queueMicrotask(() => {
      if (server.refuse) this.fail(1006);
      else if (!this.ended) {
        this.open = true;
        this.onopen({});
      }
    });
  }

  send(text) {
    if (!this.open) throw new Error('not open');
    const request = JSON.parse(text);
    this.server.requests.push({ ...request, socket: this });
    if (request.op === 'session.open') this.#openSession(request);
    else queueMicrotask(() => this.#carryOut(request));
  }

  #openSession({ seq, data }) {
    this.server.tokens.push(data.token);
    if (this.server.badTokens.has(data.token)) {
      this.deliver({ type: 'response', seq, code: 2002, message: 'expired' });
      this.fail(4001);
      return;
    }
    this.deliver({ type: 'response', seq, code: 0, message: '', data: {} });
    if (this.isOpen) return; /* the session is prolonged */
    this.isOpen = true;
    this.deliver({
      type: 'notify',
      op: 'session.ready',
      data: {
        user: this.server.user,
        device: '',
        session: '1',
        node: 'n',
        heartbeat_ms: 30_000,
        limits: { packet_bytes: 65_535, body_bytes: 16_384, page: 100 },
        server_time: 'now',
      },
    });
  }

  /* An op may return data, throw {code}, or return undefined for no answer at all. */
  async #carryOut({ seq, op, data }) {
    let answer;
    try {
      const work = this.server.ops[op];
      if (!work) throw { code: 1003, message: 'unknown op' };
      const result = await work(data ?? {}, this);
      if (result === undefined) return;
      answer = { code: 0, message: '', data: result };
    } catch ({ code, message = '', data: more }) {
      answer = { code, message, data: more };
    }
    this.deliver({ type: 'response', seq, ...answer });
  }

  deliver(packet) {
    queueMicrotask(() => {
      if (this.open) this.onmessage?.({ data: JSON.stringify(packet) });
    });
  }

  /** The connection breaks from outside. */
  fail(code = 1006, reason = '') {
    queueMicrotask(() => {
      if (this.ended) return;
      this.open = false;
      this.ended = true;
      this.onclose?.({ code, reason });
    });
  }

  close() {
    this.closedByClient = true;
    this.fail(1005);
  }
}

/** Options with delays that suit a test. */
export const quick = {
  url: 'ws://test/ws',
  token: () => 'good',
  backoff: { base: 4, cap: 40 },
  confirmDelay: 5,
  repairDelay: 5,
  saveDelay: 1,
  stableAfter: 1000,
  wakeOnNetwork: false,
};

/** Waits for a condition; fails with its source text after five seconds. */
export async function until(condition) {
  const end = Date.now() + 5000;
  while (!condition()) {
    if (Date.now() > end) throw new Error(`did not happen: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** Lets all that is under way come to rest. */
export const settle = (ms = 30) => new Promise((resolve) => setTimeout(resolve, ms));
