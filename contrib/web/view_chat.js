// SPDX-License-Identifier: MIT
/*
 * The right pane: one chat. Keeps the place when older messages come in front, and stays at the
 * end when one is there.
 */

import { h, icon, avatar, arches, reconcile, setAttribute, setText } from './dom.js';
import { t, locale } from './i18n.js';
import { timeline } from './state.js';
import { ago } from './format.js';
import { Composer } from './composer.js';
import { MessageView, markOf, preview } from './view_message.js';
import { confirmed } from './dialog.js';

const nearEnd = 60;
const nearStart = 240;

export class ChatView {
  #app;
  #chat = null;
  #nodes = new Map();
  #atEnd = true;

  /**
   * @param {object} app see app.js: chats, client, act, closeChat, loadOlder, send, retry, discard,
   * seen, forward, chatMenu
   */
  constructor(app) {
    this.#app = app;
    this.title = h('h2', { class: 'chat-title', id: 'chat-title', tabindex: '-1', dir: 'auto' });
    this.sub = h('p', { class: 'chat-sub', role: 'status' });
    this.face = h('span', { class: 'avatar-box' });
    this.top = h('div', { class: 'log-top' });
    this.list = h('ol', { class: 'messages' });
    this.log = h(
      'div',
      {
        class: 'log',
        role: 'log',
        'aria-live': 'polite',
        'aria-relevant': 'additions',
        tabindex: '0',
        'aria-describedby': 'log-keys',
        onscroll: () => this.#scrolled(),
        onkeydown: (event) => this.#logKey(event),
      },
      this.top,
      this.list,
    );
    this.toEnd = h(
      'button',
      {
        type: 'button',
        class: 'to-end',
        hidden: true,
        'aria-label': t('newest'),
        title: t('newest'),
        onclick: () => {
          this.#scrollToEnd();
          this.composer.input.focus();
        },
      },
      icon('down'),
    );
    this.composer = new Composer(app, () => {
      this.#atEnd = true;
    });
    this.messages = new MessageView(app, {
      reply: (message) => this.composer.reply(message),
      edit: (message) => this.composer.edit(message),
      recall: (message) => this.#recall(message),
      hide: (message) => this.#hide(message),
      forward: (message) => app.forward(this.#chat, message),
      jump: (seq) => this.jump(seq),
    });
    this.menuButton = h(
      'button',
      {
        type: 'button',
        class: 'icon-button',
        id: 'chat-menu',
        'aria-haspopup': 'menu',
        'aria-expanded': 'false',
        'aria-label': t('chat_menu'),
        title: t('chat_menu'),
        onclick: () => app.chatMenu(this.#chat, this.menuButton),
      },
      icon('more'),
    );
    this.room = h(
      'div',
      { class: 'room', hidden: true },
      h(
        'header',
        { class: 'chat-top' },
        h(
          'button',
          {
            type: 'button',
            class: 'icon-button back',
            'aria-label': t('back'),
            onclick: () => app.closeChat(),
          },
          icon('back'),
        ),
        this.face,
        h('div', { class: 'chat-names' }, this.title, this.sub),
        this.menuButton,
      ),
      h(
        'div',
        { class: 'log-box' },
        h('span', { class: 'hidden', id: 'log-keys' }, t('log_keys')),
        this.log,
        this.toEnd,
      ),
      this.composer.element,
    );
    this.nothing = h(
      'div',
      { class: 'nothing' },
      arches(),
      h('p', { class: 'nothing-title' }, t('pick')),
      h('p', {}, t('pick_hint')),
    );
    this.element = h('main', { class: 'pane pane-chat' }, this.nothing, this.room);
    this.element.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape' || event.isComposing || !this.#chat) return;
      event.preventDefault();
      if (!this.composer.back()) app.closeChat();
    });
    new ResizeObserver(() => {
      if (this.#atEnd) this.#scrollToEnd();
    }).observe(this.log);
  }

  /** Shows another chat, or none. */
  show(chat) {
    this.composer.show(chat);
    this.#chat = chat;
    this.room.hidden = !chat;
    this.nothing.hidden = Boolean(chat);
    this.#nodes.clear();
    this.list.replaceChildren();
    if (!chat) return;
    this.#atEnd = true;
    this.log.setAttribute('aria-busy', 'true'); /* what was said before is not read out */
    this.update();
    this.showNew();
  }

  /** Brings the line above what is new into sight, or the end when there is none. */
  showNew() {
    const line = this.list.querySelector('.new-line');
    if (!line) {
      this.#scrollToEnd();
      return;
    }
    this.#atEnd = false;
    this.#reveal(line, 12);
    this.#scrolled();
  }

  /** Brings a message into sight, loading what lies between. @returns whether it is there */
  async jump(seq) {
    const chat = this.#chat;
    const find = () => this.list.querySelector(`[data-seq="${seq}"]`);
    for (let pages = 0; !find() && chat.more && pages < 50 && this.#chat === chat; pages++) {
      const first = chat.events[0]?.seq ?? Infinity;
      await this.#app.loadOlder(chat, 100);
      if ((chat.events[0]?.seq ?? Infinity) >= first) break;
    }
    const node = find();
    if (!node || this.#chat !== chat) return false;
    this.#atEnd = false;
    this.#reveal(node, (this.log.clientHeight - node.offsetHeight) / 2);
    node.classList.add('found');
    setTimeout(() => node.classList.remove('found'), 2500);
    this.#scrolled();
    return true;
  }

  focus() {
    /* On a touch screen the keyboard would cover half the chat. */
    (matchMedia('(pointer: coarse)').matches ? this.title : this.composer.input).focus({
      preventScroll: true,
    });
  }

  /** Whether the newest message is in sight. */
  get atEnd() {
    return this.#atEnd;
  }

  update() {
    const chat = this.#chat;
    if (!chat) return;
    const { chats, client } = this.#app;
    const name = chats.title(chat);
    setText(this.title, name);
    setAttribute(this.log, 'aria-label', t('messages_with', { name }));
    setAttribute(this.composer.input, 'aria-label', t('write', { name }));
    setAttribute(this.composer.input, 'placeholder', t('write_short'));
    this.#drawPresence(chat, name);
    this.#drawTop(chat, name);
    const ready = client.state === 'ready';
    const items = timeline(chat, chats.me);
    for (const item of items) if (item.type === 'message') this.#complete(item, chat);
    const lastMine = items.findLast((item) => item.mine)?.key;
    const older = this.#keepPlace();
    reconcile(
      this.list,
      items,
      this.#nodes,
      (item, node) => this.messages.draw(item, node, this.#tailOf(item, lastMine, ready), chat),
      (item) => markOf(item, this.#tailOf(item, lastMine, ready)),
    );
    older();
    if (chat.loaded)
      requestAnimationFrame(() =>
        this.log.setAttribute('aria-busy', chat.loading ? 'true' : 'false'),
      );
  }

  /* What a line shows of others: who speaks, and the beginning of what is answered. */
  #complete(item, chat) {
    const { chats } = this.#app;
    const { message, mine, first } = item;
    if (!mine && !chat.peer && first) item.name = chats.nameOf(message.from);
    if (message.forwarded) item.origin = chats.nameOf(message.forwarded.from);
    if (!message.reply_to) return;
    const answered = chat.events.find((event) => event.seq === message.reply_to);
    item.quote = {
      name: !answered ? '' : answered.from === chats.me ? t('you') : chats.nameOf(answered.from),
      text: answered ? preview(answered) : t('earlier_message'),
    };
  }

  /** Called after older messages were asked for, so that a tall window is filled. */
  fill() {
    if (this.#chat && this.log.scrollTop < nearStart) this.#app.loadOlder(this.#chat);
  }

  async #recall(message) {
    const chat = this.#chat;
    if (await confirmed(t('recall'), t('recall_sure'), t('recall')))
      this.#app.act(() => this.#app.client.recall(chat.conversation, message.seq));
  }

  async #hide(message) {
    const chat = this.#chat;
    if (!(await confirmed(t('hide'), t('hide_sure'), t('hide')))) return;
    this.#app.act(async () => {
      const { hidden } = await this.#app.client.hide(chat.conversation, [message.seq]);
      this.#app.chats.hide(chat, hidden);
    });
  }

  #drawPresence(chat, name) {
    const id = chat.peer ?? chat.conversation;
    const presence = this.#app.presenceOf(chat.peer);
    const status = presence?.status ?? 'offline';
    const mark = `${id}\n${name}\n${status}`;
    if (this.face.dataset.mark !== mark) {
      this.face.dataset.mark = mark;
      this.face.replaceChildren(
        ...[
          avatar(id, name),
          chat.peer && h('span', { class: 'dot', 'data-status': status }),
        ].filter(Boolean),
      );
    }
    const typists = this.#app.chats.typists(chat);
    let text = chat.peer && presence ? t(status) : '';
    if (typists.length > 0)
      text = chat.peer
        ? t('typing')
        : t('typing_who', { names: typists.map((user) => this.#app.chats.nameOf(user)).join(', ') });
    else if (!chat.peer) text = this.#app.groupLine(chat);
    else if (status === 'offline' && presence?.last_seen) {
      text = t('last_seen', {
        when: ago(new Date(presence.last_seen), new Date(), locale(), t('just_now')),
      });
    }
    setText(this.sub, text);
    setAttribute(this.sub, 'data-status', typists.length > 0 ? 'online' : status);
  }

  #drawTop(chat, name) {
    const state = chat.loading
      ? 'loading'
      : chat.failed
        ? 'failed'
        : chat.more && chat.conversation
          ? 'more'
          : 'begin';
    const mark = `${state}\n${name}`;
    if (this.top.dataset.mark === mark) return;
    this.top.dataset.mark = mark;
    if (state === 'loading')
      this.top.replaceChildren(h('span', { class: 'spinner' }), h('span', {}, t('loading_older')));
    else if (state === 'begin')
      this.top.replaceChildren(h('span', {}, t(chat.peer ? 'begin' : 'begin_group', { name })));
    else if (state === 'more') this.top.replaceChildren();
    else {
      this.top.replaceChildren(
        h('span', {}, t('load_failed')),
        h(
          'button',
          { type: 'button', class: 'link', onclick: () => this.#app.loadOlder(chat) },
          t('again'),
        ),
      );
    }
  }

  /* What stands below a message: nothing, the status of the newest of mine, or what went wrong. */
  #tailOf(item, lastMine, ready) {
    if (item.type !== 'message') return '';
    if (item.status === 'failed') return 'failed';
    if (item.key !== lastMine || item.message.recalled_at) return '';
    return item.status === 'sending' && !ready ? 'status_waiting' : `status_${item.status}`;
  }

  /* One stop for Tab, however many messages; arrow keys go from one to the next. */
  #logKey(event) {
    const steps = { ArrowUp: -1, ArrowDown: 1 };
    const buttons = [...this.list.querySelectorAll('.act:not([hidden])')];
    const at = buttons.indexOf(document.activeElement);
    if (!steps[event.key] || buttons.length === 0) return;
    event.preventDefault();
    const next = at < 0 ? buttons.length - 1 : at + steps[event.key];
    buttons[Math.max(0, Math.min(buttons.length - 1, next))].focus();
  }

  /* Remembers a message in sight; the function that it returns puts it back where it was. */
  #keepPlace() {
    if (this.#atEnd) return () => this.#scrollToEnd();
    const box = this.log.getBoundingClientRect();
    const anchor = [...this.list.children].find(
      (node) => node.getBoundingClientRect().bottom > box.top,
    );
    const top = anchor?.getBoundingClientRect().top;
    const key = [...this.#nodes].find(([, entry]) => entry.node === anchor)?.[0];
    return () => {
      const node = this.#nodes.get(key)?.node;
      if (node) this.log.scrollTop += node.getBoundingClientRect().top - top;
    };
  }

  /* scrollIntoView would scroll whatever lies around the log, too. */
  #reveal(node, fromTop) {
    const top = this.log.getBoundingClientRect().top + Math.max(0, fromTop);
    this.log.scrollTop += node.getBoundingClientRect().top - top;
  }

  #scrollToEnd() {
    this.log.scrollTop = this.log.scrollHeight;
    this.#atEnd = true;
    this.toEnd.hidden = true;
  }

  #scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = this.log;
    this.#atEnd = scrollHeight - scrollTop - clientHeight < nearEnd;
    this.toEnd.hidden = this.#atEnd;
    if (!this.#chat) return;
    if (this.#atEnd) this.#app.seen(this.#chat);
    if (scrollTop < nearStart) this.#app.loadOlder(this.#chat);
  }
}
