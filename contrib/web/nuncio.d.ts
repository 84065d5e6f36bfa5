// SPDX-License-Identifier: MIT
/** Types of nuncio.js. */

export const codes: Readonly<Record<string, number>>;

export const closeCodes: Readonly<{
  goingAway: 1001;
  internal: 1011;
  token: 4001;
  replaced: 4002;
  tooSlow: 4003;
  silent: 4004;
  policy: 4005;
}>;

/** A reason of the library's own; any other word is the name of a server code. */
export type LocalReason =
  | 'offline'
  | 'disconnected'
  | 'no_answer'
  | 'closed'
  | 'too_large'
  | 'network'
  | 'bad_answer'
  | 'signed_out';

export class NuncioError extends Error {
  constructor(
    code: number,
    message: string,
    more?: { reason?: string; data?: unknown; status?: number; traceId?: string },
  );
  /** The server's number, or 0 when the error arose in the library. */
  readonly code: number;
  readonly reason: LocalReason | string;
  readonly data?: unknown;
  readonly status?: number;
  readonly traceId?: string;
  /** Set on errors after which a token provider cannot recover by itself. */
  final?: boolean;
}

type Awaitable<T> = T | Promise<T>;

/** Where outbox, cursor and tokens are kept. Values are plain JSON. */
export interface Storage {
  get(key: string): Awaitable<any>;
  set(key: string, value: unknown): Awaitable<void>;
  remove(key: string): Awaitable<void>;
  /** Keys that begin with prefix. */
  keys(prefix: string): Awaitable<string[]>;
}

export function memoryStorage(): Storage;
export function webStorage(prefix: string, area?: globalThis.Storage): Storage;
export function backoff(
  attempt: number,
  limits: { base: number; cap: number },
  random?: () => number,
): number;
export function newClientId(): string;

export type Destination = { user: string } | { group: string } | { conversation: string };

export interface MessageEvent {
  event: string;
  conversation: string;
  seq: number;
  id: string;
  from: string;
  client_id?: string;
  kind: string;
  body: any;
  reply_to?: number;
  mentions?: string[];
  mention_all?: boolean;
  /** Who said it first, and when. */
  forwarded?: { from: string; sent_at: string };
  /** RFC 3339, UTC, milliseconds. */
  sent_at: string;
  /** seq of the event that this one changes; `message` is that one as it is now, if one sees it. */
  target?: number;
  message?: MessageEvent;
  /** seq of the last event that changed this one, and what the changes made of it. */
  changed?: number;
  edited_at?: string;
  recalled_at?: string;
  recalled_by?: string;
  pinned_at?: string;
  pinned_by?: string;
  reactions?: { emoji: string; users: string[] }[];
}

export interface SendOptions {
  kind?: string;
  client_id?: string;
  reply_to?: number;
  mentions?: string[];
  /** Calls everybody. */
  mention_all?: boolean;
}

/** The answer to a change: the event that tells of it (missing when it was so already). */
export interface Changed {
  conversation: string;
  seq?: number;
  id?: string;
  sent_at?: string;
  message: MessageEvent;
}

export interface Settings {
  muted?: boolean;
  pinned?: boolean;
  archived?: boolean;
  marked_unread?: boolean;
}

export interface Hidden {
  conversation: string;
  hidden: { upto: number; seqs: number[] };
}

export interface Found {
  message: MessageEvent;
  /** Where the words stand in a text body: [begin, end) in characters (code points). */
  marks: [number, number][];
}

export interface Ack {
  conversation: string;
  seq: number;
  id: string;
  sent_at: string;
  durability: string;
  duplicate?: boolean;
}

export interface Outgoing {
  client_id: string;
  to: Destination;
  kind: string;
  body: any;
  reply_to?: number;
  mentions?: string[];
  created_at: string;
  state: 'queued' | 'sending' | 'stored' | 'failed';
  attempts: number;
  ack?: Ack;
  error?: NuncioError;
}

export interface Conversation {
  conversation: string;
  kind: string;
  peer?: string;
  last_seq: number;
  delivered: number;
  read: number;
  peer_delivered?: number;
  peer_read?: number;
  unread: number;
  /** Unread messages that call this user. */
  mentions: number;
  since: number;
  role: number;
  member_count: number;
  settings: Settings;
  last: MessageEvent | null;
}

export interface Presence {
  user: string;
  status: 'online' | 'away' | 'dnd' | 'offline';
  last_seen: string | null;
}

export interface Receipt {
  conversation: string;
  user: string;
  delivered: number;
  read: number;
}

export interface Session {
  user: string;
  device: string;
  session: string;
  node: string;
  heartbeat_ms: number;
  limits: { packet_bytes: number; body_bytes: number; page: number };
  server_time: string;
}

export type State = 'stopped' | 'connecting' | 'syncing' | 'ready' | 'waiting';

export interface ClientOptions {
  /** `ws://host/ws` or `wss://host/ws`. */
  url: string;
  /**
   * Gives an access token. Called before each connect; `refused` is true when the last one was
   * turned down. Null, or an error with `final`, ends the client; any other error is tried again.
   */
  token(why: { refused: boolean }): Awaitable<string | null>;
  device?: string;
  /** Default: memory, so nothing outlives the process. */
  storage?: Storage;
  /** For runtimes without a WebSocket of their own (Node 20: the package `ws`). */
  WebSocket?: new (url: string, protocols?: string[]) => any;
  /** Milliseconds; default 15000. */
  requestTimeout?: number;
  /** Milliseconds until a session must stand; default 15000. */
  openTimeout?: number;
  /** Milliseconds; default base 500, cap 30000. */
  backoff?: { base?: number; cap?: number };
  random?: () => number;
  /** Confirm events of others when they were handed out; default true. */
  autoConfirm?: boolean;
  confirmDelay?: number;
  repairDelay?: number;
  saveDelay?: number;
  /** A fresh token is asked for and shown this long before the present one ends; default 25000. */
  renewBefore?: number;
  /** A session that stood this long resets the back-off; default 5000. */
  stableAfter?: number;
  /** Events a page of `sync`, at most what the server allows; default 100. */
  syncLimit?: number;
  /** Live events after which the cursor is moved on; default 500. */
  syncEvery?: number;
  maxHeld?: number;
  /** Reconnect at once on the browser's `online` event; default true. */
  wakeOnNetwork?: boolean;
}

export interface ClientEvents {
  state: { state: State; retryAt?: number };
  ready: Session;
  /** Start from this list: first connect with this storage, or a gap that cannot be bridged. */
  reset: { reason: 'first' | 'gap'; conversations: Conversation[] };
  message: MessageEvent;
  event: MessageEvent;
  /** An event that has changed another one; `message` is that one as it is now. */
  changed: MessageEvent;
  outgoing: Outgoing;
  receipt: Receipt;
  /** What sync brought of the user's own: settings, contacts ... `value` null: it is gone. */
  record: { space: string; key: string; value: any };
  typing: { conversation: string; user: string; on: boolean };
  presence: Presence;
  /** The server no longer has the events between `after` and `before` (both exclusive). */
  gap: { conversation: string; after?: number; before: number };
  closed: { code: number; reason: string; final: boolean; delay: number };
  notify: { op: string; data: any };
  error: Error;
}

export class Client {
  constructor(options: ClientOptions);
  readonly state: State;
  readonly session: Session | null;
  readonly user: string | null;
  readonly retryAt: number;
  readonly outbox: Outgoing[];
  on<K extends keyof ClientEvents>(type: K, listener: (data: ClientEvents[K]) => void): () => void;
  off<K extends keyof ClientEvents>(type: K, listener: (data: ClientEvents[K]) => void): void;
  connect(): Promise<void>;
  close(): Promise<void>;
  forget(): Promise<void>;
  wake(): void;
  request(op: string, data?: object, options?: { timeout?: number }): Promise<any>;
  send(
    to: Destination,
    body: any,
    options?: SendOptions,
  ): Promise<Ack>;
  edit(conversation: string, seq: number, body: any): Promise<Changed>;
  recall(conversation: string, seq: number): Promise<Changed>;
  react(conversation: string, seq: number, emoji: string, remove?: boolean): Promise<Changed>;
  pin(conversation: string, seq: number, on?: boolean): Promise<Changed>;
  pinned(conversation: string): Promise<MessageEvent[]>;
  forward(conversation: string, seq: number, to: Destination, client_id?: string): Promise<Ack>;
  hide(conversation: string, seqs: number[]): Promise<Hidden>;
  clear(conversation: string, seq: number): Promise<Hidden>;
  search(
    text: string,
    where?: { conversation?: string; from?: string; after?: string; limit?: number },
  ): Promise<{ found: Found[]; next: string | null }>;
  setConversation(
    conversation: string,
    what: Settings,
  ): Promise<{ conversation: string; settings: Settings }>;
  typing(conversation: string, on?: boolean): void;
  discard(client_id: string): void;
  confirm(conversation: string, seq: number): void;
  read(conversation: string, seq: number): void;
  history(
    conversation: string,
    page?: { before?: number; after?: number; around?: number; date?: string; limit?: number },
  ): Promise<{ events: MessageEvent[]; more: boolean }>;
  conversations(page?: {
    after?: string;
    limit?: number;
  }): Promise<{ conversations: Conversation[]; next: string | null }>;
  presence(users: string[]): Promise<Presence[]>;
  watch(users: string[]): Promise<void>;
  setPresence(status: 'online' | 'away'): Promise<void>;
  /** For all devices of the user, until one says false. */
  setDoNotDisturb(on: boolean): Promise<void>;
}

/** The ordering rule by itself, for tests and for other transports. */
export class Sequencer {
  constructor(maxHeld?: number);
  seen(conversation: string): number | undefined;
  base(conversation: string, seq: number): MessageEvent[];
  offer(event: MessageEvent, mayBegin?: boolean): MessageEvent[];
  hole(conversation: string): { after: number | undefined; before: number } | null;
  holes(): string[];
  clear(): void;
  save(): Record<string, number>;
  load(seqs: Record<string, number>): void;
}

export interface User {
  id: string;
  name?: string;
  created_at?: string;
}

export interface RestOptions {
  /** Address of the server without `/api/v1`; default: the page's own. */
  base?: string;
  fetch?: typeof fetch;
  storage?: Storage;
  device?: string;
  /**
   * Runs the work while nobody else who shares the storage does; default: Web Locks where there
   * are any.
   */
  lock?: <T>(work: () => Promise<T>) => Promise<T>;
}

export class Rest {
  constructor(options?: RestOptions);
  on(type: 'signedin', listener: (user: User) => void): () => void;
  on(type: 'signedout', listener: () => void): () => void;
  off(type: string, listener: (data: any) => void): void;
  user(): Promise<User | null>;
  register(account: { id: string; password: string; name?: string }): Promise<User>;
  login(user: string, password: string): Promise<User>;
  refresh(): Promise<string>;
  /** Bound: hand it to `Client` as it is. */
  token(why?: { refused?: boolean }): Promise<string | null>;
  logout(): Promise<void>;
  findUsers(
    query: string,
    page?: { after?: string; limit?: number; signal?: AbortSignal },
  ): Promise<{ users: User[]; next: string | null }>;
  getUser(id: string): Promise<User>;
  call(
    method: string,
    path: string,
    options?: { query?: object; body?: object; auth?: boolean; signal?: AbortSignal },
  ): Promise<any>;
}
