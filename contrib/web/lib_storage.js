// SPDX-License-Identifier: MIT
/* Where outbox, cursor and tokens are kept. */

/**
 * Storage in memory: nothing outlives the process.
 * @returns {import('./nuncio.js').Storage}
 */
export function memoryStorage() {
  const map = new Map();
  return {
    get: (key) => (map.has(key) ? JSON.parse(map.get(key)) : undefined),
    set: (key, value) => {
      map.set(key, JSON.stringify(value));
    },
    remove: (key) => {
      map.delete(key);
    },
    keys: (prefix) => [...map.keys()].filter((key) => key.startsWith(prefix)),
  };
}

/**
 * Storage in `localStorage` (or anything with its interface). Use one prefix per user, so that two
 * people on one machine never share an outbox.
 * @param {string} prefix for instance `nuncio:alice:`
 * @param {globalThis.Storage} [area]
 * @returns {import('./nuncio.js').Storage}
 */
export function webStorage(prefix, area = globalThis.localStorage) {
  return {
    get(key) {
      const text = area.getItem(prefix + key);
      if (text === null) return undefined;
      try {
        return JSON.parse(text);
      } catch {
        return undefined; /* not ours, or cut off: as good as absent */
      }
    },
    set: (key, value) => {
      area.setItem(prefix + key, JSON.stringify(value));
    },
    remove: (key) => {
      area.removeItem(prefix + key);
    },
    keys(wanted) {
      const found = [];
      for (let i = 0; i < area.length; i++) {
        const key = area.key(i);
        if (key.startsWith(prefix + wanted)) found.push(key.slice(prefix.length));
      }
      return found;
    },
  };
}
