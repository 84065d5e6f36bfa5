// SPDX-License-Identifier: MIT
/* Requests of one connection that wait for their answers. */

import { NuncioError, local } from './lib_errors.js';

export class Requests {
  #waiting = new Map(); /* seq -> {resolve, reject, timer} */
  #seq = 0;

  /**
   * Sends one.
   * @param {WebSocket} ws
   * @param {number} limit bytes that a packet may have
   * @returns {Promise<any>} the `data` of the answer
   */
  ask(ws, op, data, timeout, limit) {
    this.#seq = this.#seq >= 0xffffffff ? 1 : this.#seq + 1;
    const seq = this.#seq;
    const text = JSON.stringify({ type: 'request', seq, op, data });
    if (text.length * 3 > limit && new TextEncoder().encode(text).length > limit) {
      return Promise.reject(local('too_large', `a packet has at most ${limit} bytes`));
    }
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(seq);
        reject(local('no_answer', `${op}: no answer in ${timeout} ms`));
      }, timeout);
      this.#waiting.set(seq, { resolve, reject, timer });
      try {
        ws.send(text);
      } catch (error) {
        this.#waiting.delete(seq);
        clearTimeout(timer);
        reject(local('disconnected', String(error?.message ?? error)));
      }
    });
  }

  /**
   * Settles the one that the answer is for, if it has not timed out.
   * @returns {number} the answer's code, 0 also when nobody waits
   */
  answered({ seq, code, message, data }) {
    const waiting = this.#waiting.get(seq);
    if (!waiting) return 0;
    this.#waiting.delete(seq);
    clearTimeout(waiting.timer);
    if (code === 0) waiting.resolve(data ?? {});
    else waiting.reject(new NuncioError(code, message, { data }));
    return code;
  }

  /** The connection has ended. */
  failAll() {
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { reject, timer } of waiting) {
      clearTimeout(timer);
      reject(local('disconnected', 'the connection has ended'));
    }
  }
}
