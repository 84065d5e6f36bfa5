// SPDX-License-Identifier: MIT
/*
 * The chat page: joins the library (nuncio.js), what is known (state.js) and what is seen
 * (view_*.js).
 *
 * Signed in, one Client lives until sign-out. Its cursor is kept in memory only, because the page
 * keeps no messages over a reload: each load starts from the list of conversations. The outbox is
 * in localStorage and survives.
 */

import { Client, Rest, memoryStorage, newClientId, webStorage } from './nuncio.js';
import { Chats } from './state.js';
import { explain, initLanguage, t } from './i18n.js';
import { h, setText } from './dom.js';
import { showAuth } from './view_auth.js';
import { ListView } from './view_list.js';
import { openMenu, confirmed } from './dialog.js';
import { Groups } from './groups.js';
import { Incoming } from './incoming.js';
import { forwardDialog, settingsDialog } from './view_dialogs.js';
import { ChatView } from './view_chat.js';

const root = document.getElementById('app');
const pageSize = 40;
const awayAfter = 5 * 60_000;
const rest = new Rest({ storage: webStorage('nuncio:'), device: deviceName() });

function deviceName() {
  const key = 'nuncio:device';
  const name = localStorage.getItem(key) ?? `web-${newClientId().slice(0, 8)}`;
  localStorage.setItem(key, name);
  return name;
}

/* Only the outbox lasts. */
function pageStorage(user) {
  const lasting = webStorage(`nuncio:${user}:`);
  const passing = memoryStorage();
  const of = (key) => (key.startsWith('outbox:') ? lasting : passing);
  return {
    get: (key) => of(key).get(key),
    set: (key, value) => of(key).set(key, value),
    remove: (key) => of(key).remove(key),
    keys: (prefix) => of(prefix).keys(prefix),
  };
}

function showSignIn(notice = '', form) {
  document.title = 'nuncio';
  showAuth(
    root,
    {
      rest,
      notice,
      redraw: (kept) => showSignIn('', kept),
      done: (user) => new Page(user).start(),
    },
    form,
  );
}

class Page {
  #names = new Map(); /* user -> promise, so that each is asked for once */
  #drawing = false;
  #watched = '';
  #away = 0;
  #saysAway = false;
  #shownSince = 0; /* since when the connection is missing */
  #wasReady = false;
  #ended = null;
  #takeOff = [];

  constructor(user) {
    this.me = user;
    this.chats = new Chats(user.id);
    this.chats.names.set(user.id, user.name);
    this.groups = new Groups(this);
    this.incoming = new Incoming(this);
    this.open = null;
    this.cutOff = false; /* the connection has been missing long enough to say so */
    const url = new URL('ws', location.href.split('#')[0]);
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    url.search = '';
    this.client = new Client({
      url: url.href,
      token: rest.token,
      storage: pageStorage(user.id),
      device: deviceName(),
    });
  }

  start() {
    this.#listen();
    this.redraw();
    this.client.connect().catch((error) => this.announce(String(error)));
    this.#follow(location.hash);
  }

  /** Builds the page anew, in the present language. */
  redraw() {
    this.list = new ListView(this);
    this.view = new ChatView(this);
    root.className = 'chat-page';
    this.bannerText = h('span', { class: 'banner-text' });
    this.bannerButton = h('button', {
      type: 'button',
      class: 'link',
      onclick: () => this.#tryNow(),
    });
    this.banner = h('div', { class: 'banner', hidden: true }, this.bannerText, this.bannerButton);
    root.replaceChildren(this.banner, this.list.element, this.view.element);
    this.view.show(this.open);
    root.dataset.screen = this.open ? 'chat' : 'list';
    this.#drawNow();
  }

  /** Asks for a drawing; many in one turn make one. */
  draw() {
    if (this.#drawing) return;
    this.#drawing = true;
    queueMicrotask(() => {
      this.#drawing = false;
      this.#drawNow();
    });
  }

  #drawNow() {
    this.cutOff =
      this.client.state !== 'ready' && this.#shownSince > 0 && Date.now() - this.#shownSince > 1200;
    this.list.update();
    this.view.update();
    this.#drawBanner();
    const { unread } = this.chats;
    const count = unread > 0 ? `(${unread}) ` : '';
    const name = this.open ? `${this.chats.title(this.open)} · ` : '';
    document.title = `${count}${name}nuncio`;
    this.#watch();
  }

  announce(text) {
    setText(document.getElementById('announce'), text);
  }

  openChat(chat, fromHistory = false) {
    if (this.open === chat) {
      this.view.focus();
      return;
    }
    const replace = this.open !== null;
    this.open = chat;
    chat.newFrom = chat.unread > 0 ? chat.read + 1 : 0;
    root.dataset.screen = 'chat';
    if (!fromHistory) {
      const hash = chat.peer
        ? `#/user/${encodeURIComponent(chat.peer)}`
        : `#/conversation/${encodeURIComponent(chat.conversation)}`;
      history[replace ? 'replaceState' : 'pushState']({ chat: chat.key }, '', hash);
    }
    if (chat.peer) this.nameOf(chat.peer);
    else this.groups.load(chat);
    if (chat.settings.marked_unread) this.set(chat, { marked_unread: false });
    this.view.show(chat);
    this.draw();
    this.view.focus();
    if (!chat.loaded) this.loadOlder(chat);
    this.seen(chat);
  }

  closeChat(fromHistory = false) {
    const chat = this.open;
    if (!chat) return;
    if (!fromHistory && history.state?.chat) {
      history.back(); /* popstate comes back here */
      return;
    }
    if (!fromHistory) history.replaceState(null, '', location.pathname);
    this.open = null;
    chat.newFrom = 0;
    root.dataset.screen = 'list';
    this.view.show(null);
    this.#drawNow();
    this.list.focus(chat.key);
  }

  async loadOlder(chat, limit = pageSize) {
    if (chat.loading || !chat.more || !chat.conversation || this.client.state !== 'ready') return;
    chat.loading = true;
    chat.failed = false;
    this.draw();
    try {
      const before = chat.events[0]?.seq;
      const page = await this.client.history(
        chat.conversation,
        before ? { before, limit } : { limit },
      );
      this.chats.addOlder(chat, page);
    } catch (error) {
      chat.failed = error.reason !== 'disconnected';
    }
    chat.loading = false;
    this.#drawNow();
    if (this.open !== chat || chat.failed) return;
    if (chat.newFrom) this.view.showNew();
    this.seen(chat);
    this.view.fill();
  }

  send(chat, text, options = {}) {
    chat.newFrom = 0;
    const to = chat.peer ? { user: chat.peer } : { conversation: chat.conversation };
    this.client.send(to, text, options);
  }

  /** Does something that may fail, and says so. @returns whether it went well */
  async act(run) {
    try {
      await run();
      this.draw();
      return true;
    } catch (error) {
      this.say(explain(error));
      return false;
    }
  }

  /** A word at the foot of the page, for a while. */
  say(text) {
    this.announce(text);
    const toast = h('div', { class: 'toast' }, text);
    document.body.append(toast);
    setTimeout(() => toast.remove(), 4000);
  }

  /** One's own settings of a chat. */
  set(chat, what) {
    return this.act(async () => {
      const { settings } = await this.client.setConversation(chat.conversation, what);
      chat.settings = settings;
    });
  }

  /** What can be done with a chat. */
  chatMenu(chat, anchor) {
    const { muted, pinned, archived } = chat.settings;
    const known = Boolean(chat.conversation);
    openMenu(anchor, [
      !chat.peer && { icon: 'info', text: t('group_info'), run: () => this.groups.info(chat) },
      known && { icon: 'pin', text: t('pinned_list'), run: () => this.groups.pinned(chat) },
      known && {
        icon: 'mute',
        text: t(muted ? 'unmute' : 'mute'),
        run: () => this.set(chat, { muted: !muted }),
      },
      known && {
        icon: 'stored',
        text: t(pinned ? 'not_on_top' : 'put_on_top'),
        run: () => this.set(chat, { pinned: !pinned }),
      },
      known && {
        icon: 'archive',
        text: t(archived ? 'unarchive' : 'archive'),
        run: () => this.set(chat, { archived: !archived }),
      },
      known && {
        icon: 'sending',
        text: t('mark_unread'),
        run: async () => {
          await this.set(chat, { marked_unread: true });
          this.closeChat();
        },
      },
      known && { icon: 'trash', text: t('clear'), run: () => this.#clear(chat) },
      chat.peer && { icon: 'failed', text: t('block'), danger: true, run: () => this.#block(chat) },
    ]);
  }

  async #clear(chat) {
    if (!(await confirmed(t('clear'), t('clear_sure'), t('clear')))) return;
    this.act(async () => {
      const { hidden } = await this.client.clear(chat.conversation, chat.lastSeq);
      this.chats.hide(chat, hidden);
    });
  }

  async #block(chat) {
    const name = this.chats.title(chat);
    if (!(await confirmed(t('block'), t('block_sure', { name }), t('block')))) return;
    if (await this.act(() => this.client.request('block.add', { user: chat.peer })))
      this.say(t('blocked', { name }));
  }

  forward(chat, message) {
    forwardDialog(this, async (target) => {
      const to = target.peer ? { user: target.peer } : { conversation: target.conversation };
      if (await this.act(() => this.client.forward(chat.conversation, message.seq, to)))
        this.openChat(target);
    });
  }

  /** Opens a conversation that may have come into being just now. */
  async openConversation(conversation) {
    if (!this.chats.byConversation(conversation)) await this.incoming.refresh(false);
    const chat = this.chats.byConversation(conversation);
    if (chat) this.openChat(chat);
  }

  newGroup() {
    this.groups.create();
  }

  settings() {
    settingsDialog(this);
  }

  /** People who can be called in a chat. */
  membersOf(chat) {
    return this.groups.members(chat);
  }

  /** What stands below the name of a group. */
  groupLine(chat) {
    const n = this.chats.groups.get(chat.conversation)?.members ?? chat.members;
    return n > 0 ? t('members_n', { n }) : '';
  }

  /** Opens the chat of a message and shows it there. */
  async openMessage(message) {
    const chat = this.chats.byConversation(message.conversation);
    if (!chat) return;
    this.openChat(chat);
    if (!chat.loaded && !chat.loading) await this.loadOlder(chat);
    for (let i = 0; chat.loading && i < 100; i++)
      await new Promise((resolve) => setTimeout(resolve, 50));
    if (!(await this.view.jump(message.seq))) this.say(t('not_found_any_more'));
  }

  retry(chat, message) {
    this.chats.dropPending(chat, message.client_id);
    this.client.send(message.to, message.body, { kind: message.kind });
  }

  discard(chat, message) {
    this.chats.dropPending(chat, message.client_id);
    this.draw();
  }

  /** Who is online, as far as that can be known: nothing while the connection is missing. */
  presenceOf(user) {
    return this.cutOff ? null : (this.chats.presence.get(user) ?? null);
  }

  /** As others see it: this device's own word until the server has told. */
  get ownStatus() {
    const told = this.chats.presence.get(this.me.id)?.status;
    return told && told !== 'offline' ? told : (this.status ?? 'online');
  }

  /** What one says of oneself: `dnd` on all devices, `away` here, until one says `online`. */
  setStatus(status) {
    this.#saysAway = status === 'away';
    this.client
      .setDoNotDisturb(status === 'dnd')
      .catch((error) => this.say(explain(error)));
    this.#setPresence(status === 'away' ? 'away' : 'online');
  }

  /** The end of the chat is in sight: it has been read, if somebody looks. */
  seen(chat) {
    if (document.hidden || this.open !== chat || !this.view.atEnd || !chat.conversation) return;
    if (this.chats.markRead(chat, chat.lastSeq)) {
      this.client.read(chat.conversation, chat.lastSeq);
      this.draw();
    }
  }

  async find(query, signal) {
    const { users } = await rest.findUsers(query, { signal });
    const others = users.filter((user) => user.id !== this.me.id);
    for (const user of others) if (user.name) this.chats.names.set(user.id, user.name);
    if (others.length > 0 && this.client.state === 'ready') {
      const known = await this.client.presence(others.map((user) => user.id)).catch(() => []);
      for (const one of known) this.chats.presence.set(one.user, one);
    }
    return { users: others, messages: await this.#findMessages(query) };
  }

  /** Only people, for dialogs. */
  async findPeople(query, signal) {
    const { users } = await rest.findUsers(query, { signal });
    for (const user of users) if (user.name) this.chats.names.set(user.id, user.name);
    return users.filter((user) => user.id !== this.me.id);
  }

  /* A server without a search is no error here. */
  async #findMessages(query) {
    if (this.client.state !== 'ready') return [];
    try {
      const { found } = await this.client.search(query, { limit: 20 });
      for (const { message } of found) this.nameOf(message.from);
      return found;
    } catch {
      return [];
    }
  }

  async signOut() {
    await this.#leave();
    await this.client.forget();
    await rest.logout();
    showSignIn();
  }

  #listen() {
    const { client } = this;
    this.incoming.listen();
    client.on('state', () => this.#connection());
    client.on('ready', () => this.#ready());
    client.on('closed', (how) => this.#closed(how));
    client.on('error', (error) => console.warn(error));
    this.#on(window, 'popstate', () => this.#follow(location.hash));
    this.#on(window, 'focus', () => this.open && this.seen(this.open));
    this.#on(document, 'visibilitychange', () => this.#visibility());
    this.#on(window, 'storage', (event) => {
      if (event.key === 'nuncio:auth' && event.newValue === null)
        this.#expired(''); /* signed out in another tab */
    });
    /* Seconds matter while the connection is missing; else only "5 minutes ago" grows old. */
    let seconds = 0;
    const tick = setInterval(() => {
      if (this.client.state !== 'ready' || ++seconds % 20 === 0) this.draw();
    }, 1000);
    this.#takeOff.push(() => clearInterval(tick));
  }

  #on(target, type, listener) {
    target.addEventListener(type, listener);
    this.#takeOff.push(() => target.removeEventListener(type, listener));
  }

  #connection() {
    const missing = this.client.state !== 'ready';
    if (!missing) this.#shownSince = 0;
    else if (!this.#shownSince) this.#shownSince = Date.now();
    if (this.client.state === 'waiting' || !missing) this.draw();
  }

  #ready() {
    if (this.#wasReady) {
      this.announce(t('back_online'));
      this.incoming.refresh(false);
    }
    this.#wasReady = true;
    for (const chat of this.chats.all()) chat.failed = false;
    if (this.open && !this.open.loaded) this.loadOlder(this.open);
    this.draw();
  }

  #closed({ code, final }) {
    if (!final) return;
    if (code === 4001) this.#expired(t('signed_out_why'));
    else this.#ended = t('replaced');
    this.draw();
  }

  async #expired(notice) {
    await this.#leave();
    await this.client.close();
    showSignIn(notice);
  }

  async #leave() {
    for (const takeOff of this.#takeOff) takeOff();
    this.draw = () => {};
    clearTimeout(this.#away);
    history.replaceState(null, '', location.pathname);
  }

  #visibility() {
    clearTimeout(this.#away);
    if (document.hidden) {
      this.#away = setTimeout(() => this.#setPresence('away'), awayAfter);
      return;
    }
    this.client.wake();
    this.#setPresence('online');
    if (this.open) this.seen(this.open);
  }

  #setPresence(status) {
    if (this.#saysAway) status = 'away';
    if (this.status === status || (!this.status && status === 'online')) return;
    this.status = status;
    this.client.setPresence(status).catch(() => {});
  }

  /* The address names the chat, so that the back button and a reload do what people expect. */
  #follow(hash) {
    const [, sort, id] = /^#\/(user|conversation)\/(.+)$/.exec(hash) ?? [];
    let name;
    try {
      name = id && decodeURIComponent(id);
    } catch {
      name = null; /* not an address of ours */
    }
    if (sort === 'user' && name && name !== this.me.id)
      this.openChat(this.chats.withUser(name), true);
    else if (sort === 'conversation' && this.chats.byConversation(name))
      this.openChat(this.chats.byConversation(name), true);
    else this.closeChat(true);
  }

  /** Learns what a user is called. */
  nameOf(user) {
    if (!user || this.chats.names.has(user) || this.#names.has(user)) return;
    const asking = rest
      .getUser(user)
      .then((found) => {
        this.chats.names.set(user, found.name ?? '');
        this.draw();
      })
      .catch(() => {
        this.#names.delete(user);
      });
    this.#names.set(user, asking);
  }

  #watch() {
    const peers = this.chats
      .list()
      .map((chat) => chat.peer)
      .filter(Boolean);
    if (this.open?.peer && !peers.includes(this.open.peer)) peers.unshift(this.open.peer);
    if (!peers.includes(this.me.id)) peers.unshift(this.me.id);
    const wanted = peers.slice(0, 500);
    const mark = [...wanted].sort().join('\n');
    if (mark === this.#watched) return;
    this.#watched = mark;
    this.client.watch(wanted).catch(() => {});
  }

  #drawBanner() {
    const { banner, client } = this;
    let text = '';
    if (this.#ended) text = this.#ended;
    else if (this.cutOff) text = this.#connectionText();
    if (text && banner.hidden)
      this.announce(text); /* once: the seconds that follow are only to be seen */
    banner.hidden = text === '';
    const waiting = client.outbox.length;
    const more = text && waiting > 0 ? t('outbox', { n: waiting }) : '';
    const button = this.#ended ? 'resume' : client.state === 'waiting' ? 'try_now' : '';
    setText(this.bannerText, more ? `${text} ${more}` : text);
    this.bannerButton.hidden = button === '';
    if (button) setText(this.bannerButton, t(button));
  }

  #connectionText() {
    const { client } = this;
    if (client.state === 'waiting')
      return t('waiting', { s: Math.max(0, Math.round((client.retryAt - Date.now()) / 1000)) });
    return client.state === 'syncing'
      ? t('syncing')
      : this.#wasReady
        ? t('waiting', { s: 0 })
        : t('connecting');
  }

  #tryNow() {
    if (!this.#ended) {
      this.client.wake();
      return;
    }
    this.#ended = null;
    this.client.connect();
  }
}

initLanguage();
const user = await rest.user();
if (user) new Page(user).start();
else showSignIn();
