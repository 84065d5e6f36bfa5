// SPDX-License-Identifier: MIT
/* What one asks of the server: each method is one op, or pages of one, and needs no state of its own. */

import { checkDestination } from './lib_outbox.js';
import { Emitter, newClientId } from './lib_tools.js';

/** The ops of PROTOCOL.md as methods; Client, which extends it, has `request`. */
export class Operations extends Emitter {
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
    const events = [];
    for (let after = 0; after !== null;) {
      const page = await this.request('message.pinned', { conversation, after });
      events.push(...page.events);
      after = page.next ?? null;
    }
    return events;
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

  /** Who is online, once. @param {string[]} users at most 100 */
  async presence(users) {
    return (await this.request('presence.query', { users })).users;
  }

  /**
   * Not to be disturbed: for all devices of the user, until one says false. The server keeps it, so
   * it is not repeated; the user's own presence tells of it.
   * @param {boolean} on
   */
  async setDoNotDisturb(on) {
    await this.request('presence.set', { dnd: on });
  }
}
