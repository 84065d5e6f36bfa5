// SPDX-License-Identifier: MIT
/*
 * What the page knows: chats, their events, who is online. Pure data, no page and no network, so
 * that it can be tested in Node.
 *
 * A chat's `events` are always one unbroken run of seqs: the library hands events out in order,
 * older pages are put in front, and a reset empties them.
 */

const typingFor = 6000;
const later = (a, b) => (!b || (a && a > b) ? a : b);

export class Chats {
  #chats =
    new Map(); /* key -> chat; a direct chat has its peer's key, and can begin without a message */
  #keys = new Map(); /* conversation -> key */

  /** @param {string} me user id */
  constructor(me) {
    this.me = me;
    this.presence = new Map();
    this.names = new Map();
    this.groups = new Map(); /* conversation -> group object, as group.info gives it */
    this.listed = false;
  }

  /** The chat with a person; made when there is none yet. */
  withUser(user) {
    return (
      this.#chats.get(`u:${user}`) ?? this.#add({ key: `u:${user}`, peer: user, kind: 'direct' })
    );
  }

  byKey(key) {
    return this.#chats.get(key) ?? null;
  }

  byConversation(conversation) {
    return this.#chats.get(this.#keys.get(conversation)) ?? null;
  }

  /** A list from the server. With `fresh` what was loaded is forgotten: there may be a hole. */
  merge(conversations, fresh) {
    this.listed = true;
    for (const item of conversations) {
      /* A group of two has another one too, but is not a chat with them. */
      const peer = item.kind === 'direct' ? (item.peer ?? null) : null;
      const key = peer ? `u:${peer}` : `c:${item.conversation}`;
      const chat = this.#chats.get(key) ?? this.#add({ key, peer, kind: item.kind });
      this.#bind(chat, item.conversation);
      chat.settings = item.settings ?? {};
      chat.mentions = item.mentions ?? 0;
      chat.members = item.member_count ?? 0;
      chat.read = Math.max(chat.read, item.read);
      chat.peerDelivered = Math.max(
        chat.peerDelivered,
        item.peer_delivered ?? 0,
        item.peer_read ?? 0,
      );
      chat.peerRead = Math.max(chat.peerRead, item.peer_read ?? 0);
      if (item.last_seq >= chat.lastSeq) {
        chat.unread = item.read >= chat.read ? item.unread : 0;
        chat.lastSeq = item.last_seq;
        if (item.last) this.#latest(chat, item.last);
      }
    }
    if (!fresh) return;
    for (const chat of this.#chats.values())
      Object.assign(chat, { events: [], more: true, loaded: false });
  }

  /** An event that has just come. @returns the chat, or null when its conversation is not known */
  add(event) {
    let chat = this.byConversation(event.conversation);
    if (!chat) return null;
    const end = chat.events.at(-1);
    if (end && event.seq <= end.seq) return chat;
    chat.events.push(event);
    this.#begun(chat);
    chat.pending = chat.pending.filter(
      (entry) => !(event.from === this.me && entry.client_id === event.client_id),
    );
    if (event.target) this.change(chat, event);
    if (event.seq > chat.lastSeq) {
      chat.lastSeq = event.seq;
      if (event.from === this.me) this.markRead(chat, event.seq);
      else if (event.event === 'message') {
        chat.unread++;
        if (this.callsMe(event)) chat.mentions++;
      } else if (chat.unread === 0) this.markRead(chat, event.seq);
    }
    chat.typing.delete(event.from);
    /* Who writes has seen what stands above. */
    if (event.from === chat.peer)
      this.receipt({ ...event, user: event.from, delivered: event.seq, read: event.seq });
    this.#latest(chat, event);
    return chat;
  }

  /** An event that changes another: the message is from now on as it says, if it was not hidden. */
  change(chat, { message, target }) {
    if (!message) return;
    const at = chat.events.findIndex((event) => event.seq === target);
    const isHidden = (event) => event?.event === 'hidden';
    if (
      at >= 0 &&
      !isHidden(chat.events[at]) &&
      !((chat.events[at].changed ?? 0) > (message.changed ?? 0))
    )
      chat.events[at] = message;
    if (chat.last?.seq === target && !isHidden(chat.last)) chat.last = message;
  }

  /** What one has hidden from oneself is empty from now on, and waits for nobody to read it. */
  hide(chat, { upto, seqs }) {
    const hidden = new Set(seqs);
    const goes = (event) => event && (event.seq <= upto || hidden.has(event.seq));
    const unread = (event) =>
      event.event === 'message' && event.from !== this.me && event.seq > chat.read;
    const gone = chat.events.filter((event) => goes(event) && unread(event));
    chat.unread = Math.max(0, chat.unread - gone.length);
    const empty = (event) =>
      goes(event) ? { ...event, event: 'hidden', body: null, message: undefined } : event;
    chat.events = chat.events.map(empty);
    chat.last = empty(chat.last);
  }

  /** The event calls me, by name or because it calls everybody. */
  callsMe(event) {
    return Boolean(event.mention_all) || (event.mentions ?? []).includes(this.me);
  }

  /** Who is writing: kept for a while, as it is said again and again. */
  typing(chat, user, on, now = Date.now()) {
    if (on) chat.typing.set(user, now + typingFor);
    else chat.typing.delete(user);
  }

  /** @returns {string[]} users who are writing now */
  typists(chat, now = Date.now()) {
    for (const [user, until] of chat.typing) if (until <= now) chat.typing.delete(user);
    return [...chat.typing.keys()];
  }

  /** An older page, asked for with `before` = seq of the first event that is here. */
  addOlder(chat, { events, more }) {
    const first = chat.events[0]?.seq ?? Infinity;
    chat.events.unshift(...events.filter((event) => event.seq < first));
    chat.more = more;
    chat.loaded = true;
    this.#begun(chat);
    chat.lastSeq = Math.max(chat.lastSeq, chat.events.at(-1)?.seq ?? 0);
    const stored = new Set(
      events.filter((event) => event.from === this.me).map((event) => event.client_id),
    );
    chat.pending = chat.pending.filter((entry) => !stored.has(entry.client_id));
  }

  /** Progress of a message of mine. @returns the chat */
  outgoing(entry) {
    const chat = entry.to.user
      ? this.withUser(entry.to.user)
      : this.byConversation(entry.to.conversation);
    if (!chat) return null;
    if (entry.ack) this.#bind(chat, entry.ack.conversation);
    const at = chat.pending.findIndex((other) => other.client_id === entry.client_id);
    if (entry.state === 'stored') {
      /* The event itself follows; until then the entry stands for it. */
      if (
        chat.events.some((event) => event.from === this.me && event.client_id === entry.client_id)
      ) {
        if (at >= 0) chat.pending.splice(at, 1);
        return chat;
      }
    }
    if (at >= 0) chat.pending[at] = entry;
    else chat.pending.push(entry);
    chat.active = later(entry.created_at, chat.active);
    return chat;
  }

  /** Takes a failed message off the page. */
  dropPending(chat, client_id) {
    chat.pending = chat.pending.filter((entry) => entry.client_id !== client_id);
  }

  /** Somebody's progress. @returns the chat or null */
  receipt({ conversation, user, delivered, read }) {
    const chat = this.byConversation(conversation);
    if (!chat) return null;
    if (user === this.me) {
      this.markRead(chat, read); /* another device of mine */
    } else {
      chat.peerRead = Math.max(chat.peerRead, read ?? 0);
      chat.peerDelivered = Math.max(chat.peerDelivered, delivered ?? 0, chat.peerRead);
    }
    return chat;
  }

  /** I have read up to seq. @returns whether that is news */
  markRead(chat, seq) {
    if (!(seq > chat.read)) return false;
    chat.read = seq;
    if (seq >= chat.lastSeq) Object.assign(chat, { unread: 0, mentions: 0 });
    return true;
  }

  /** Chats with anything in them: pinned ones, then the latest first. */
  list({ archived = false } = {}) {
    const pinned = (chat) => (chat.settings.pinned ? 1 : 0);
    return [...this.#chats.values()]
      .filter((chat) => chat.active && Boolean(chat.settings.archived) === archived)
      .sort(
        (a, b) =>
          pinned(b) - pinned(a) ||
          (a.active < b.active ? 1 : a.active > b.active ? -1 : a.key < b.key ? -1 : 1),
      );
  }

  all() {
    return [...this.#chats.values()];
  }

  /** Unread messages in all chats that are not muted. */
  get unread() {
    return this.all().reduce((sum, chat) => sum + (chat.settings.muted ? 0 : chat.unread), 0);
  }

  nameOf(user) {
    return this.names.get(user) || user;
  }

  /** What a chat is called. */
  title(chat) {
    if (chat.peer) return this.nameOf(chat.peer);
    return this.groups.get(chat.conversation)?.name || chat.conversation.replace(/^g:/, '');
  }

  #add({ key, peer, kind }) {
    const chat = {
      key,
      peer,
      kind,
      conversation: null,
      events: [],
      pending: [],
      more: true,
      loaded: false,
      loading: false,
      failed: false,
      lastSeq: 0,
      read: 0,
      peerDelivered: 0,
      peerRead: 0,
      unread: 0,
      mentions: 0,
      members: 0,
      settings: {},
      typing: new Map(),
      last: null,
      active: null,
      draft: '',
      newFrom: 0,
    };
    this.#chats.set(key, chat);
    return chat;
  }

  #bind(chat, conversation) {
    chat.conversation = conversation;
    this.#keys.set(conversation, chat.key);
  }

  /* Nothing stands before seq 1. */
  #begun(chat) {
    if (chat.events[0]?.seq === 1) Object.assign(chat, { more: false, loaded: true });
  }

  /* A change of an old message is no news of the chat. */
  #latest(chat, event) {
    if (chat.last && (chat.last.seq > event.seq || event.target)) return;
    chat.last = event.message ?? event;
    chat.active = later(event.sent_at, chat.active);
  }
}

/** How far a message of mine has come. */
export function statusOf(chat, message) {
  if (message.state === 'failed') return 'failed';
  const seq = message.seq ?? message.ack?.seq;
  if (seq === undefined) return 'sending';
  if (chat.peer && seq <= chat.peerRead) return 'read';
  return chat.peer && seq <= chat.peerDelivered ? 'delivered' : 'stored';
}

const groupGap = 5 * 60_000;

/**
 * The chat as a list to draw: day separators, the line above what is new, and messages. Messages of
 * one person within five minutes form a group; `first` and `last` tell its ends.
 */
export function timeline(chat, me) {
  const items = [];
  let before = null;
  let hasNew = false;
  const waiting = chat.pending.map((entry) => ({
    ...entry,
    from: me,
    sent_at: entry.ack?.sent_at ?? entry.created_at,
  }));
  for (const message of [...chat.events, ...waiting]) {
    if (message.target || message.event === 'hidden') continue;
    const date = new Date(message.sent_at);
    const mine = message.from === me;
    const newDay = !before || before.date.toDateString() !== date.toDateString();
    const newLine = chat.newFrom > 0 && !hasNew && !mine && message.seq >= chat.newFrom;
    hasNew ||= newLine;
    if (newDay)
      items.push({
        type: 'day',
        key: `day:${date.toDateString()}:${message.seq ?? message.client_id}`,
        date,
      });
    if (newLine) items.push({ type: 'new', key: 'new' });
    if (message.event && message.event !== 'message') {
      items.push({ type: 'system', key: `s:${message.seq}`, message, date });
      before = { date, from: null };
      continue;
    }
    const first =
      newDay || newLine || before.from !== message.from || date - before.date > groupGap;
    const item = {
      type: 'message',
      key: mine && message.client_id ? `c:${message.client_id}` : `s:${message.seq}`,
      message,
      mine,
      date,
      first,
      last: true,
      from: message.from,
      status: mine ? statusOf(chat, message) : null,
    };
    if (before && !first) before.last = false;
    items.push(item);
    before = item;
  }
  return items;
}
