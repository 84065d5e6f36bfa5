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
 * This file is the door; what is behind it: lib_client.js the connection, lib_keep_alive.js its
 * heartbeat and tokens, lib_requests.js what waits for an answer, lib_catch_up.js sync and gaps,
 * lib_outbox.js what is on its way, lib_progress.js receipts, lib_sequencer.js the order of events,
 * lib_rest.js accounts and tokens, lib_storage.js, lib_errors.js and lib_tools.js.
 *
 * Protocol: src/wire/PROTOCOL.md in the source of the server.
 * @module nuncio
 */

export { NuncioError, closeCodes, codes } from './lib_errors.js';
export { memoryStorage, webStorage } from './lib_storage.js';
export { backoff, newClientId } from './lib_tools.js';
export { Sequencer } from './lib_sequencer.js';
export { Client } from './lib_client.js';
export { Rest } from './lib_rest.js';
