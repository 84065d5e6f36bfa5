// SPDX-License-Identifier: MIT
/* The order of events within a conversation. */

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
