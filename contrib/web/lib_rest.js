// SPDX-License-Identifier: MIT
/* Accounts and tokens over REST. */

import { NuncioError, codes, local } from './lib_errors.js';
import { memoryStorage } from './lib_storage.js';
import { Emitter } from './lib_tools.js';

/**
 * Accounts and tokens over REST (module `accounts`). Keeps the tokens in a storage and renews them
 * when needed; its `token` is made to be the token provider of `Client`.
 *
 * A refresh token works once, and using it twice signs the user out everywhere. So refreshing is
 * single-flight, and where the browser has Web Locks (https, localhost) also across tabs.
 *
 * Events: `signedin` user, `signedout`.
 */
export class Rest extends Emitter {
  #base;
  #fetch;
  #storage;
  #device;
  #lock;
  #refreshing = null;

  /** @param {import('./nuncio.js').RestOptions} [options] */
  constructor({
    base = '',
    fetch = globalThis.fetch,
    storage = memoryStorage(),
    device,
    lock,
  } = {}) {
    super();
    this.#base = base.replace(/\/$/, '');
    this.#fetch = fetch;
    this.#storage = storage;
    this.#device = device;
    const locks = globalThis.navigator?.locks;
    this.#lock = lock ?? ((work) => (locks ? locks.request('nuncio-refresh', work) : work()));
    this.token = this.token.bind(this);
  }

  /** The signed-in user `{id, name}`, or null. */
  async user() {
    return (await this.#storage.get('auth'))?.user ?? null;
  }

  /**
   * Makes an account. Does not sign in.
   * @param {{id: string, password: string, name?: string}} account
   */
  register({ id, password, name }) {
    return this.call('POST', '/users', {
      body: name ? { id, password, name } : { id, password },
      auth: false,
    });
  }

  /** Signs in and keeps the tokens. @returns the user */
  async login(user, password) {
    const body = this.#device ? { user, password, device: this.#device } : { user, password };
    const answer = await this.call('POST', '/auth/login', { body, auth: false });
    const auth = await this.#keep(answer, { id: user });
    this._emit('signedin', auth.user);
    return auth.user;
  }

  /** Gets a new access token; calls at the same time share one request. */
  refresh() {
    this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = null;
    });
    return this.#refreshing;
  }

  async #refresh() {
    const before = await this.#storage.get('auth');
    return this.#lock(async () => {
      const auth = await this.#storage.get('auth');
      if (!auth) throw local('signed_out', 'not signed in');
      if (auth.access_token !== before?.access_token)
        return auth.access_token; /* another tab was first */
      try {
        const body = { refresh_token: auth.refresh_token };
        const answer = await this.call('POST', '/auth/refresh', { body, auth: false });
        return (await this.#keep(answer, auth.user)).access_token;
      } catch (error) {
        if (error.code !== codes.refresh_invalid) throw error;
        error.final = true;
        await this.#clear();
        throw error;
      }
    });
  }

  /**
   * A token that is good now: the stored one, or a new one when it ends within half a minute or was
   * refused.
   * @param {{refused?: boolean}} [why]
   * @returns {Promise<string|null>} null: not signed in
   */
  async token({ refused = false } = {}) {
    const auth = await this.#storage.get('auth');
    if (!auth) return null;
    return refused || auth.expires_at - Date.now() < 30_000 ? this.refresh() : auth.access_token;
  }

  /**
   * Signs out here. The server's word is asked for but not waited for when it cannot be reached.
   */
  async logout() {
    const auth = await this.#storage.get('auth');
    await this.#clear();
    if (!auth) return;
    const body = { refresh_token: auth.refresh_token };
    await this.call('POST', '/auth/logout', { body, auth: false }).catch(() => {});
  }

  /**
   * Users whose id or name starts with the query.
   * @param {string} query
   * @param {{after?: string, limit?: number, signal?: AbortSignal}} [page]
   * @returns {Promise<{users: {id: string, name?: string}[], next: string|null}>}
   */
  findUsers(query, { after, limit = 20, signal } = {}) {
    return this.call('GET', '/users', { query: { query, after, limit }, signal });
  }

  /** One user by id. */
  getUser(id) {
    return this.call('GET', `/users/${encodeURIComponent(id)}`);
  }

  /**
   * Any other call.
   * @param {string} method
   * @param {string} path below /api/v1
   * @param {{query?: object, body?: object, auth?: boolean, signal?: AbortSignal}} [options]
   * @returns {Promise<any>} the `data` of the answer
   */
  async call(method, path, { query = {}, body, auth = true, signal } = {}) {
    const params = new URLSearchParams(
      Object.entries(query).filter(([, value]) => value !== undefined),
    );
    const url = `${this.#base}/api/v1${path}${params.size ? `?${params}` : ''}`;
    for (let attempt = 0; ; attempt++) {
      const headers = {};
      if (body !== undefined) headers['Content-Type'] = 'application/json';
      if (auth) {
        const token = await this.token({ refused: attempt > 0 });
        if (!token) throw local('signed_out', 'not signed in');
        headers.Authorization = `Bearer ${token}`;
      }
      try {
        return await this.#once(url, {
          method,
          headers,
          body: body && JSON.stringify(body),
          signal,
        });
      } catch (error) {
        const expired = error.code === codes.token_expired || error.code === codes.token_invalid;
        if (!auth || attempt > 0 || !expired) throw error;
      }
    }
  }

  async #once(url, init) {
    let response;
    let answer;
    try {
      response = await this.#fetch.call(globalThis, url, {
        ...init,
        credentials: 'omit',
        cache: 'no-store',
      });
      if (response.status === 204) return null;
      answer = await response.json();
    } catch (error) {
      if (error?.name === 'AbortError') throw error;
      if (!response) throw local('network', String(error?.message ?? error));
    }
    if (typeof answer?.code !== 'number') {
      throw new NuncioError(0, `HTTP ${response.status}`, {
        reason: 'bad_answer',
        status: response.status,
      });
    }
    if (answer.code === 0) return answer.data;
    const { code, message, data, trace_id: traceId } = answer;
    throw new NuncioError(code, message, { data, status: response.status, traceId });
  }

  async #keep(answer, known) {
    const user =
      typeof answer.user === 'string'
        ? { ...known, id: answer.user }
        : { ...known, ...answer.user };
    const auth = {
      access_token: answer.access_token,
      refresh_token: answer.refresh_token,
      expires_at: Date.now() + (answer.expires_in ?? 900) * 1000,
      user,
    };
    await this.#storage.set('auth', auth);
    return auth;
  }

  async #clear() {
    if ((await this.#storage.get('auth')) === undefined) return;
    await this.#storage.remove('auth');
    this._emit('signedout');
  }
}
