// SPDX-License-Identifier: MIT
/* What keeps one connection alive: a heartbeat, and a fresh token before the old one ends. */

const pingTimeout = 10_000;
const timerMost = 2 ** 31 - 1; /* milliseconds; a longer one would fire at once */

/* When a token ends, in milliseconds since 1970; NaN when it does not say so in a way we can read. */
function tokenEnd(token) {
  try {
    const payload = token.split('.')[1].replaceAll('-', '+').replaceAll('_', '/');
    return JSON.parse(atob(payload)).exp * 1000;
  } catch {
    return NaN;
  }
}

export class KeepAlive {
  #options;
  #with;
  #life = 0; /* a late answer of an earlier connection is told by its number */
  #lastHeard = 0;
  #beating = 0;
  #renewing = 0;

  /**
   * @param {{renewBefore: number, requestTimeout: number, openTimeout: number, token: (ask: {refused:
   *   boolean}) => Promise<string>}} options
   * @param {{request: (op: string, data: object, options: {timeout: number}) => Promise<any>,
   *   hasSession: () => boolean, dead: (why: string) => void, failed: (error: Error) => void}} connection
   */
  constructor(options, connection) {
    this.#options = options;
    this.#with = connection;
  }

  /** Browsers answer pings by themselves but do not tell when none come any more. */
  start(interval) {
    this.heard();
    const beat = () => {
      const quiet = Date.now() - this.#lastHeard;
      if (quiet >= interval) this.ping();
      this.#beating = setTimeout(beat, Math.max(interval - quiet, interval / 4));
    };
    this.#beating = setTimeout(beat, interval);
  }

  /** The connection is over. */
  stop() {
    this.#life++;
    clearTimeout(this.#beating);
    clearTimeout(this.#renewing);
  }

  /** The server has said something. */
  heard() {
    this.#lastHeard = Date.now();
  }

  ping() {
    const life = this.#life;
    const timeout = Math.min(pingTimeout, this.#options.requestTimeout);
    this.#with.request('ping', {}, { timeout }).catch((error) => {
      if (error.reason === 'no_answer' && this.#life === life) this.#with.dead('no answer to ping');
    });
  }

  /** A session ends with its token unless a fresh one comes before. */
  renewLater(token) {
    clearTimeout(this.#renewing);
    const left = tokenEnd(token) - this.#options.renewBefore - Date.now();
    if (left <= timerMost)
      this.#renewing = setTimeout(() => this.#renew(token), Math.max(left, 1000));
  }

  /* When it fails the server will end the session in time, and the next connection asks anew. */
  async #renew(old) {
    const life = this.#life;
    try {
      const token = await this.#options.token({ refused: false });
      if (!token || token === old || this.#life !== life || !this.#with.hasSession()) return;
      await this.#with.request('session.open', { token }, { timeout: this.#options.openTimeout });
      if (this.#life === life) this.renewLater(token);
    } catch (error) {
      this.#with.failed(error);
    }
  }
}
