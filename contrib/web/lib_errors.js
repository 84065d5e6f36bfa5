// SPDX-License-Identifier: MIT
/* What can go wrong: the server's codes, and the library's own words. */

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

export const local = (reason, message) => new NuncioError(0, message, { reason });

/*
 * Codes after which the same request may succeed later. Those in `doubtful` only get a few
 * attempts.
 */
export const transient = new Set([
  codes.request_timeout,
  codes.rate_limited,
  codes.internal,
  codes.busy,
  codes.unavailable,
  codes.timeout,
  codes.store_failed,
  codes.stopping,
]);
export const doubtful = new Set([codes.internal, codes.unavailable]);
export const doubtfulAttempts = 5;
export const tokenCodes = new Set([codes.auth_required, codes.token_invalid, codes.token_expired]);
export const localTransient = new Set(['offline', 'disconnected', 'no_answer']);
