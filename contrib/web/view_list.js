// SPDX-License-Identifier: MIT
/* The left pane: search, conversations or found people, and oneself. */

import { h, icon, seal, avatar, marked, reconcile, roving, setAttribute, setText } from './dom.js';
import { t, locale, explain } from './i18n.js';
import { openMenu } from './dialog.js';
import { statusOf } from './state.js';
import { shortTime } from './format.js';
import { languageSwitch } from './view_language.js';
import { groupWords, preview } from './view_message.js';

export class ListView {
  #app;
  #rows = new Map();
  #people = null; /* found users while searching, else null */
  #messages = []; /* found messages */
  #archived = false; /* the archived ones are shown */
  #peopleError = null;
  #searching = null;
  #timer = 0;
  #day = ''; /* of the times that are shown */

  /** @param {object} app see app.js: chats, me, openChat, find, signOut, redraw, announce */
  constructor(app) {
    this.#app = app;
    this.search = h('input', {
      type: 'search',
      class: 'search',
      id: 'search',
      placeholder: t('find'),
      'aria-label': t('find'),
      autocomplete: 'off',
      autocapitalize: 'none',
      spellcheck: 'false',
      'aria-controls': 'rows',
      enterkeyhint: 'search',
      oninput: () => this.#typed(),
      onkeydown: (event) => this.#searchKey(event),
    });
    this.clear = h(
      'button',
      {
        type: 'button',
        class: 'icon-button search-clear',
        hidden: true,
        'aria-label': t('find_clear'),
        onclick: () => {
          this.stopSearch();
          this.search.focus();
        },
      },
      icon('close'),
    );
    this.heading = h('h2', { class: 'list-heading', id: 'list-heading' });
    this.rows = h('ul', {
      class: 'rows',
      id: 'rows',
      'aria-labelledby': 'list-heading',
      onkeydown: (event) => this.#rowsKey(event),
    });
    this.empty = h('div', { class: 'empty-list' });
    this.archive = h('button', {
      type: 'button',
      class: 'link archive',
      hidden: true,
      onclick: () => {
        this.#archived = !this.#archived;
        this.update();
      },
    });
    const me = app.me;
    this.element = h(
      'aside',
      { class: 'pane pane-list', 'aria-label': t('chats') },
      h(
        'header',
        { class: 'list-top' },
        h('h1', { class: 'brand' }, seal(), h('span', {}, 'nuncio')),
        h(
          'button',
          {
            type: 'button',
            class: 'icon-button',
            id: 'new-group',
            'aria-label': t('new_group'),
            title: t('new_group'),
            onclick: () => app.newGroup(),
          },
          icon('group'),
        ),
        languageSwitch(() => app.redraw()),
      ),
      h(
        'div',
        { class: 'search-box', role: 'search' },
        icon('search', 'search-icon'),
        this.search,
        this.clear,
      ),
      (this.scroll = h(
        'nav',
        { class: 'list-scroll', 'aria-labelledby': 'list-heading' },
        this.heading,
        this.rows,
        this.empty,
        this.archive,
      )),
      h(
        'footer',
        { class: 'me' },
        (this.status = h(
          'button',
          {
            type: 'button',
            class: 'me-status',
            id: 'status',
            'aria-haspopup': 'menu',
            'aria-expanded': 'false',
            onclick: () => this.#statusMenu(),
          },
          h(
            'span',
            { class: 'avatar-box' },
            avatar(me.id, me.name),
            (this.dot = h('span', { class: 'dot' })),
          ),
          h(
            'span',
            { class: 'me-names' },
            h('span', { class: 'me-name' }, me.name || me.id),
            h('span', { class: 'me-id' }, me.name && me.name !== me.id ? `@${me.id}` : ''),
          ),
        )),
        h(
          'button',
          {
            type: 'button',
            class: 'icon-button',
            'aria-label': t('settings'),
            title: t('settings'),
            id: 'settings',
            onclick: () => app.settings(),
          },
          icon('settings'),
        ),
        h(
          'button',
          {
            type: 'button',
            class: 'icon-button',
            'aria-label': t('sign_out'),
            title: t('sign_out'),
            id: 'sign-out',
            onclick: () => app.signOut(),
          },
          icon('out'),
        ),
      ),
    );
  }

  /** Draws what has changed. */
  update() {
    const { chats, open, me } = this.#app;
    this.#day = new Date().toDateString();
    const status = this.#app.client.state === 'ready' ? this.#app.ownStatus : 'offline';
    setAttribute(this.dot, 'data-status', status);
    setAttribute(
      this.status,
      'aria-label',
      `${me.name || me.id}, ${t('my_status')}: ${t(status)}`,
    );
    this.clear.hidden = this.search.value === '';
    if (this.#people) {
      setText(this.heading, t('people'));
      this.archive.hidden = true;
      this.#draw([
        ...this.#people.map((user) => ({ key: `p:${user.id}`, user })),
        ...this.#messages.map((found) => ({
          key: `m:${found.message.conversation}:${found.message.seq}`,
          found,
        })),
      ]);
      this.#say(
        this.#peopleError
          ? [explain(this.#peopleError)]
          : this.#people.length === 0 && this.#messages.length === 0
            ? [t('nobody'), t('nobody_hint')]
            : null,
      );
      return;
    }
    const archived = chats.list({ archived: true });
    if (archived.length === 0) this.#archived = false;
    setText(this.heading, t(this.#archived ? 'archived' : 'chats'));
    this.archive.hidden = archived.length === 0;
    setText(
      this.archive,
      this.#archived ? t('archive_back') : t('archive_show', { n: archived.length }),
    );
    const items = chats
      .list({ archived: this.#archived })
      .map((chat) => ({ key: chat.key, chat, open: open === chat }));
    this.#draw(items);
    this.#say(
      items.length > 0
        ? null
        : chats.listed
          ? [t('no_chats'), t('no_chats_hint')]
          : [t('loading_chats')],
    );
  }

  /** Puts the keyboard on a chat's row, else on the search. */
  focus(key) {
    const button = this.#rows.get(key)?.node.querySelector('button') ?? this.search;
    button.focus();
  }

  stopSearch() {
    clearTimeout(this.#timer);
    if (this.#people) this.scroll.scrollTop = 0;
    this.#searching?.abort();
    this.search.value = '';
    this.#people = null;
    this.#messages = [];
    this.#peopleError = null;
    this.update();
  }

  #say(lines) {
    this.empty.hidden = !lines;
    if (lines) this.empty.replaceChildren(...lines.map((line) => h('p', {}, line)));
  }

  #draw(items) {
    reconcile(
      this.rows,
      items,
      this.#rows,
      (item, node) =>
        item.chat
          ? this.#chatRow(item, node)
          : item.found
            ? this.#foundRow(item, node)
            : this.#personRow(item, node),
      (item) =>
        item.chat ? this.#chatMark(item) : item.found ? item.key : this.#personMark(item),
    );
    const buttons = [...this.rows.querySelectorAll('button.row')];
    const entry =
      buttons.find((button) => button === document.activeElement) ??
      buttons.find((button) => button.getAttribute('aria-current')) ??
      buttons[0];
    for (const button of buttons) {
      const index = button === entry ? 0 : -1;
      if (button.tabIndex !== index) button.tabIndex = index;
    }
  }

  #statusMenu() {
    const icons = { online: 'smile', away: 'sending', dnd: 'mute' };
    openMenu(
      this.status,
      Object.entries(icons).map(([status, name]) => ({
        icon: name,
        text: t(status),
        checked: this.#app.ownStatus === status,
        run: () => this.#app.setStatus(status),
      })),
    );
  }

  #status(user) {
    return this.#app.presenceOf(user)?.status ?? 'offline';
  }

  #personMark({ user }) {
    return [user.name, this.#status(user.id)].join('\n');
  }

  #personRow({ user }, node) {
    const name = user.name || user.id;
    return this.#row(node, {
      id: user.id,
      name,
      status: this.#status(user.id),
      second: [h('span', { class: 'row-text' }, `@${user.id}`)],
      onclick: () => {
        this.stopSearch();
        this.#app.openChat(this.#app.chats.withUser(user.id));
      },
    });
  }

  #foundRow({ found: { message, marks } }, node) {
    const { chats } = this.#app;
    const chat = chats.byConversation(message.conversation);
    const name = message.from === chats.me ? t('you') : chats.nameOf(message.from);
    const begin = Math.max(0, (marks[0]?.[0] ?? 0) - 12);
    const shown = [...preview(message)].slice(begin).join('');
    const words = { today: t('today'), yesterday: t('yesterday') };
    return this.#row(node, {
      id: message.conversation,
      name: chat ? chats.title(chat) : name,
      second: [
        h(
          'span',
          { class: 'row-text', dir: 'auto' },
          `${name}: ${begin > 0 ? '…' : ''}`,
          ...marked(shown, marks.map(([from, to]) => [from - begin, to - begin])),
        ),
      ],
      time: shortTime(new Date(message.sent_at), new Date(), locale(), words),
      onclick: () => {
        this.stopSearch();
        this.#app.openMessage(message);
      },
    });
  }

  #chatMark({ chat, open }) {
    const { chats } = this.#app;
    const last = this.#lastOf(chat);
    return JSON.stringify([
      this.#day,
      chats.title(chat),
      chat.peer && this.#status(chat.peer),
      open,
      chat.unread,
      chat.mentions,
      chat.settings,
      chat.active,
      chats.typists(chat),
      last && this.#preview(last),
      last && last.from === chats.me && statusOf(chat, last),
      open ? '' : chat.draft,
      this.#app.client.state === 'ready',
    ]);
  }

  #preview(event) {
    const { chats } = this.#app;
    if (event.event === 'group') return groupWords(event, (user) => chats.nameOf(user), chats.me);
    return preview(event);
  }

  #lastOf(chat) {
    const pending = chat.pending.at(-1);
    return pending ? { ...pending, from: this.#app.chats.me } : chat.last;
  }

  #chatRow({ chat, open }, node) {
    const { chats } = this.#app;
    const last = this.#lastOf(chat);
    const mine = last && last.from === chats.me;
    const status = mine ? statusOf(chat, last) : null;
    const second = [];
    if (status)
      second.push(
        icon(status, `status-${status}`),
        h('span', { class: 'hidden' }, `${t(`status_${status}`)}. ${t('you')}: `),
      );
    const typists = chats.typists(chat);
    const speaker =
      last && !chat.peer && !mine && last.event === 'message'
        ? `${chats.nameOf(last.from)}: `
        : '';
    second.push(
      typists.length > 0
        ? h('span', { class: 'row-text typing' }, t('typing'))
        : h(
            'span',
            { class: 'row-text', dir: 'auto' },
            last ? `${speaker}${this.#preview(last)}` : '',
          ),
    );
    if (chat.settings.muted) second.push(icon('mute'), h('span', { class: 'hidden' }, t('muted')));
    if (chat.settings.pinned) second.push(icon('pin'), h('span', { class: 'hidden' }, t('on_top')));
    if (chat.mentions > 0)
      second.push(
        h(
          'span',
          { class: 'badge calls' },
          h('span', { 'aria-hidden': 'true' }, '@'),
          h('span', { class: 'hidden' }, t('calls_you')),
        ),
      );
    if (chat.unread > 0 || chat.settings.marked_unread) {
      second.push(
        h(
          'span',
          { class: `badge${chat.settings.muted ? ' quiet' : ''}` },
          h(
            'span',
            { 'aria-hidden': 'true' },
            chat.unread > 99 ? '99+' : chat.unread === 0 ? '•' : String(chat.unread),
          ),
          h('span', { class: 'hidden' }, t('unread', { n: chat.unread })),
        ),
      );
    }
    const words = { today: t('today'), yesterday: t('yesterday') };
    return this.#row(node, {
      id: chat.peer ?? chat.conversation,
      name: chats.title(chat),
      status: chat.peer && this.#status(chat.peer),
      second,
      time: chat.active && shortTime(new Date(chat.active), new Date(), locale(), words),
      current: open,
      unread: chat.unread > 0,
      onclick: () => this.#app.openChat(chat),
    });
  }

  #row(node, { id, name, status, second, time, current, unread, onclick }) {
    const row = node ?? h('li', {}, h('button', { type: 'button', class: 'row' }));
    const button = row.firstElementChild;
    button.onclick = onclick;
    setAttribute(button, 'aria-current', current ? 'true' : null);
    setAttribute(button, 'data-unread', unread ? '' : null);
    setAttribute(button, 'data-id', id);
    if (!node) button.tabIndex = -1;
    button.replaceChildren(
      h(
        'span',
        { class: 'avatar-box' },
        avatar(id, name),
        status && h('span', { class: 'dot', 'data-status': status }),
        status && status !== 'offline' && h('span', { class: 'hidden' }, t(status)),
      ),
      h(
        'span',
        { class: 'row-main' },
        h(
          'span',
          { class: 'row-line' },
          h('span', { class: 'row-name', dir: 'auto' }, name),
          time && h('span', { class: 'row-time' }, time),
        ),
        h('span', { class: 'row-line' }, ...second),
      ),
    );
    return row;
  }

  #typed() {
    clearTimeout(this.#timer);
    const query = this.search.value.trim();
    if (query === '') {
      this.stopSearch();
      return;
    }
    this.#timer = setTimeout(() => this.#find(query), 180);
    this.clear.hidden = false;
  }

  async #find(query) {
    this.#searching?.abort();
    const { signal } = (this.#searching = new AbortController());
    try {
      const { users, messages } = await this.#app.find(query, signal);
      if (signal.aborted) return;
      this.scroll.scrollTop = 0; /* what is found begins above */
      this.#people = users;
      this.#messages = messages;
      this.#peopleError = null;
      this.#app.announce(t('found', { n: users.length + messages.length }));
    } catch (error) {
      if (signal.aborted) return;
      this.#people = [];
      this.#messages = [];
      this.#peopleError = error;
    }
    this.update();
  }

  #searchKey(event) {
    if (event.isComposing) return;
    if (event.key === 'Escape') {
      event.preventDefault();
      this.stopSearch();
    } else if (event.key === 'ArrowDown') {
      event.preventDefault();
      this.rows.querySelector('button.row')?.focus();
    } else if (event.key === 'Enter' && this.#people) {
      event.preventDefault();
      this.rows.querySelector('button.row')?.click();
    }
  }

  #rowsKey(event) {
    const first = this.rows.querySelector('button.row');
    if (event.key === 'ArrowUp' && document.activeElement === first) {
      event.preventDefault();
      this.search.focus();
    } else if (event.key === 'Escape' && this.#people) {
      event.preventDefault();
      this.stopSearch();
      this.search.focus();
    } else {
      roving(event, this.rows);
    }
  }
}
