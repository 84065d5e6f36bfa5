// SPDX-License-Identifier: MIT
/* How far messages have arrived and were read, told to the server. */

import { codes } from './lib_errors.js';

/**
 * Cumulative, gathered for a moment, and kept while there is no connection: `flush` sends what has
 * not been told yet.
 */
export class Progress {
  #logs = new Map(); /* conversation -> {confirm, read, confirmed, readDone} */
  #timer = 0;
  #delay;
  #with;

  /**
   * @param {number} delay milliseconds for which calls are gathered
   * @param {{isReady: () => boolean, request: (op: string, data: object) => Promise<any>, failed:
   *   (error: Error) => void}} connection
   */
  constructor(delay, connection) {
    this.#delay = delay;
    this.#with = connection;
  }

  /** @param {'confirm'|'read'} what */
  advance(conversation, what, seq) {
    if (!(seq > 0)) return;
    const log = this.#logs.get(conversation) ?? { confirm: 0, read: 0, confirmed: 0, readDone: 0 };
    this.#logs.set(conversation, log);
    if (seq <= log[what]) return;
    log[what] = seq;
    this.#later();
  }

  #later() {
    if (this.#timer || !this.#with.isReady()) return;
    this.#timer = setTimeout(() => this.flush(), this.#delay);
  }

  flush() {
    this.pause();
    for (const [conversation, log] of this.#logs) {
      if (log.read > log.readDone)
        this.#report('message.read', conversation, log, 'readDone', log.read);
      if (log.confirm > Math.max(log.confirmed, log.read)) {
        this.#report('message.confirm', conversation, log, 'confirmed', log.confirm);
      }
    }
  }

  /** No connection: the next `flush` tells. */
  pause() {
    clearTimeout(this.#timer);
    this.#timer = 0;
  }

  clear() {
    this.pause();
    this.#logs.clear();
  }

  async #report(op, conversation, log, done, seq) {
    const before = log[done];
    log[done] = seq;
    try {
      await this.#with.request(op, { conversation, seq });
    } catch (error) {
      /* One who is no member any more has nothing to report. */
      if (error.code === codes.not_member || error.code === codes.not_found) return;
      if (log[done] === seq)
        log[done] = before; /* goes with the next flush, at the latest after a reconnect */
      if (error.code === codes.rate_limited) this.#later();
      else this.#with.failed(error);
    }
  }
}
