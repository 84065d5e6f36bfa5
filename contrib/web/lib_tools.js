// SPDX-License-Identifier: MIT
/* Events, waiting, and ids. */

/**
 * A minimal event emitter. A listener that throws is reported as `error` and disturbs nobody else.
 */
export class Emitter {
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
