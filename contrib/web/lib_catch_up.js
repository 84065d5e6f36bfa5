// SPDX-License-Identifier: MIT
/* What was missed is brought, and events are told in order: sync, holes, the state that is kept. */

import { codes, localTransient, transient } from './lib_errors.js';
import { Sequencer } from './lib_sequencer.js';

/**
 * Where a client stands in all its conversations. Its cursor and the seqs that it has seen are in
 * the storage, so that the next start goes on from there.
 */
export class CatchUp {
  /** The user whose state this is; null: not known yet. */
  user = null;
  #options;
  #storage;
  #with;
  #sequencer;
  #cursor = null;
  #canSync = true;
  #toldLive = false;
  #syncing = null;
  #sinceSync = 0;
  #repairing = new Set();
  #saveTimer = 0;

  /**
   * @param {{maxHeld: number, syncLimit: number, syncEvery: number, repairDelay: number, saveDelay:
   *   number}} options
   * @param {import('./nuncio.js').Storage} storage
   * @param {{request: (op: string, data: object) => Promise<any>, emit: (type: string, data: any) =>
   *   void, isReady: () => boolean, pageLimit: () => number, pause: (attempt: number, error: Error) =>
   *   number, failed: (error: Error) => void, own: (event: object) => void, arrived: (event: object)
   *   => void}} connection `own`: an event of the user has come; `arrived`: one of somebody else
   */
  constructor(options, storage, connection) {
    this.#options = options;
    this.#storage = storage;
    this.#with = connection;
    this.#sequencer = new Sequencer(options.maxHeld);
  }

  /** A connection is there: what the last one's server could not do, this one's may. */
  begin() {
    this.#canSync = true;
  }

  /** Brings what happened while we were away. Calls while one runs share it. */
  sync() {
    this.#syncing ??= this.#syncPages().finally(() => {
      this.#syncing = null;
    });
    return this.#syncing;
  }

  /** What is missing now is not certain to be in an answer that is on its way. */
  async syncAgain() {
    await this.#syncing?.catch(() => {});
    if (this.#with.isReady()) await this.sync();
  }

  /** Holes that are open; whoever is ready again begins to fill them. */
  repairAll() {
    for (const conversation of this.#sequencer.holes()) this.#repairSoon(conversation);
  }

  /** An event has come, by sync or live. */
  take(event, fromSync) {
    if (event.from === this.user) this.#with.own(event);
    const ready = this.#sequencer.offer(event, fromSync || !this.#canSync);
    for (const one of ready) this.#deliver(one);
    if (!fromSync && this.#sequencer.hole(event.conversation)) this.#repairSoon(event.conversation);
    if (!fromSync && ++this.#sinceSync >= this.#options.syncEvery && this.#with.isReady()) {
      this.sync().catch((error) =>
        this.#with.failed(error),
      ); /* moves the cursor: a later start has less to skip */
    }
  }

  async load() {
    const state = await this.#storage.get('state');
    if (!state?.user) return;
    this.user = state.user;
    this.#cursor = state.cursor ?? null;
    if (this.#cursor) this.#sequencer.load(state.seqs ?? {});
  }

  async saveNow() {
    clearTimeout(this.#saveTimer);
    this.#saveTimer = 0;
    if (!this.#cursor || !this.user) return;
    const state = { user: this.user, cursor: this.#cursor, seqs: this.#sequencer.save() };
    try {
      await this.#storage.set('state', state);
    } catch (error) {
      this.#with.emit('error', error);
    }
  }

  async forget() {
    this.#cursor = null;
    this.#sequencer = new Sequencer(this.#options.maxHeld);
    await this.#storage.remove('state');
  }

  async #syncPages() {
    if (!this.#canSync) return;
    this.#sinceSync = 0;
    for (let more = true; more;) {
      const ask = { limit: Math.min(this.#options.syncLimit, this.#with.pageLimit()) };
      if (this.#cursor) ask.cursor = this.#cursor;
      let page;
      try {
        page = await this.#with.request('sync', ask);
      } catch (error) {
        if (error.code !== codes.unknown_op && error.code !== codes.unavailable) throw error;
        this.#goLive();
        return;
      }
      if (page.gap) {
        await this.#reset(page.cursor ?? null, this.#cursor ? 'gap' : 'first');
        return;
      }
      for (const event of page.events) this.take(event, true);
      for (const receipt of page.receipts ?? []) this.#with.emit('receipt', receipt);
      for (const record of page.records ?? []) this.#with.emit('record', record);
      this.#cursor = page.cursor;
      this.#saveSoon();
      more = page.more;
    }
    this.#beginUnknown();
  }

  /* No history module, or no store: only what comes by itself, until the next connect. */
  #goLive() {
    this.#canSync = false;
    if (this.#cursor || this.#toldLive) return;
    this.#toldLive = true;
    this.#with.emit('reset', { reason: 'first', conversations: [] });
  }

  /*
   * No cursor, or one that the server cannot follow: the application starts from the list of
   * conversations.
   */
  async #reset(cursor, reason) {
    cursor ??= (await this.#with.request('sync', {})).cursor;
    const conversations = [];
    const limit = this.#with.pageLimit();
    for (let next; next !== null;) {
      const page = await this.#with.request(
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
    this.#with.emit('reset', { reason, conversations });
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

  #deliver(event) {
    this.#with.emit('event', event);
    if (event.event === 'message') this.#with.emit('message', event);
    if (event.target) this.#with.emit('changed', event);
    if (event.from !== this.user) this.#with.arrived(event);
    this.#saveSoon();
  }

  /* What is missing is often already on its way; give it a moment. */
  #repairSoon(conversation) {
    if (this.#repairing.has(conversation) || !this.#with.isReady()) return;
    this.#repairing.add(conversation);
    setTimeout(async () => {
      for (
        let attempt = 0;
        this.#with.isReady() && this.#sequencer.hole(conversation);
        attempt++
      ) {
        try {
          await this.#repair(conversation);
          attempt = 0;
        } catch (error) {
          if (!transient.has(error.code) && !localTransient.has(error.reason))
            this.#skip(conversation);
          else
            await new Promise((resolve) => setTimeout(resolve, this.#with.pause(attempt, error)));
        }
      }
      this.#repairing.delete(conversation);
    }, this.#options.repairDelay);
  }

  async #repair(conversation) {
    const { after, before } = this.#sequencer.hole(conversation);
    if (after === undefined) {
      await this.sync();
      this.#beginUnknown();
      return;
    }
    const page = await this.#with.request('history.query', {
      conversation,
      after,
      limit: Math.min(this.#with.pageLimit(), Math.max(1, before - after - 1)),
    });
    const first = page.events[0]?.seq;
    if (first === undefined || first > after + 1) this.#skip(conversation, first);
    for (const event of page.events) this.take(event, false);
  }

  /* The server does not have it (any more): say so and go on. */
  #skip(conversation, first) {
    const hole = this.#sequencer.hole(conversation);
    if (!hole) return;
    const before = Math.min(hole.before, first ?? hole.before);
    this.#with.emit('gap', { conversation, after: hole.after, before });
    for (const event of this.#sequencer.base(conversation, before - 1)) this.#deliver(event);
  }

  #saveSoon() {
    this.#saveTimer ||= setTimeout(() => this.saveNow(), this.#options.saveDelay);
  }
}
