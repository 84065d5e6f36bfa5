// SPDX-License-Identifier: MIT
/*
 * The right pane: one chat. Keeps the place when older messages come in front, and stays at the
 * end when one is there.
 */

import { h, icon, avatar, arches, linked, reconcile, setAttribute, setText } from './dom.js';
import { t, locale, explain } from './i18n.js';
import { timeline } from './state.js';
import { ago, bytes, clock, day, isEmojiOnly } from './format.js';

const nearEnd = 60;
const nearStart = 240;

export class ChatView {
  #app;
  #chat = null;
  #nodes = new Map();
  #atEnd = true;

  /**
   * @param {object} app see app.js: chats, client, closeChat, loadOlder, send, retry, discard,
   * seen
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
        onscroll: () => this.#scrolled(),
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
          this.input.focus();
        },
      },
      icon('down'),
    );
    this.input = h('textarea', {
      class: 'input',
      id: 'input',
      rows: '1',
      dir: 'auto',
      enterkeyhint: 'send',
      'aria-describedby': 'keys input-note',
      onkeydown: (event) => this.#key(event),
      oninput: () => this.#typed(),
    });
    this.note = h('p', { class: 'input-note', id: 'input-note', role: 'status' });
    this.sendButton = h(
      'button',
      { type: 'submit', class: 'send', 'aria-label': t('send'), title: t('send') },
      icon('send'),
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
      ),
      h('div', { class: 'log-box' }, this.log, this.toEnd),
      h(
        'form',
        {
          class: 'composer',
          onsubmit: (event) => {
            event.preventDefault();
            this.#send();
          },
        },
        h('span', { class: 'hidden', id: 'keys' }, t('keys')),
        h('div', { class: 'input-box' }, this.input, this.sendButton),
        this.note,
      ),
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
      app.closeChat();
    });
    new ResizeObserver(() => {
      if (this.#atEnd) this.#scrollToEnd();
    }).observe(this.log);
  }

  /** Shows another chat, or none. */
  show(chat) {
    if (this.#chat) this.#chat.draft = this.input.value;
    this.#chat = chat;
    this.room.hidden = !chat;
    this.nothing.hidden = Boolean(chat);
    this.#nodes.clear();
    this.list.replaceChildren();
    if (!chat) return;
    this.input.value = chat.draft;
    this.#fit();
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
    line.scrollIntoView({ block: 'start' });
    this.#scrolled();
  }

  focus() {
    /* On a touch screen the keyboard would cover half the chat. */
    (matchMedia('(pointer: coarse)').matches ? this.title : this.input).focus({
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
    setAttribute(this.input, 'aria-label', t('write', { name }));
    setAttribute(this.input, 'placeholder', t('write_short'));
    this.#drawPresence(chat, name);
    this.#drawTop(chat, name);
    const ready = client.state === 'ready';
    const items = timeline(chat, chats.me);
    const lastMine = items.findLast((item) => item.mine)?.key;
    const older = this.#keepPlace();
    reconcile(
      this.list,
      items,
      this.#nodes,
      (item, node) =>
        this.#draw(item, node, item.type === 'message' ? this.#tailOf(item, lastMine, ready) : ''),
      (item) =>
        JSON.stringify(
          item.type === 'message'
            ? [
                item.first,
                item.last,
                item.status,
                item.message.seq,
                this.#tailOf(item, lastMine, ready),
              ]
            : [new Date().toDateString()],
        ),
    );
    older();
    if (chat.loaded)
      requestAnimationFrame(() =>
        this.log.setAttribute('aria-busy', chat.loading ? 'true' : 'false'),
      );
  }

  /** Called after older messages were asked for, so that a tall window is filled. */
  fill() {
    if (this.#chat && this.log.scrollTop < nearStart) this.#app.loadOlder(this.#chat);
  }

  #drawPresence(chat, name) {
    const id = chat.peer ?? chat.conversation;
    const presence = this.#app.presenceOf(chat.peer);
    const status = presence?.status ?? 'offline';
    const mark = `${id}\n${name}\n${status}`;
    if (this.face.dataset.mark !== mark) {
      this.face.dataset.mark = mark;
      this.face.replaceChildren(
        avatar(id, name),
        h('span', { class: 'dot', 'data-status': status }),
      );
    }
    let text = chat.peer && presence ? t(status) : '';
    if (status === 'offline' && presence?.last_seen) {
      text = t('last_seen', {
        when: ago(new Date(presence.last_seen), new Date(), locale(), t('just_now')),
      });
    }
    setText(this.sub, text);
    setAttribute(this.sub, 'data-status', status);
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
    else if (state === 'begin') this.top.replaceChildren(h('span', {}, t('begin', { name })));
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

  /*
   * A message keeps its element while its status changes: a screen reader reads out what is added
   * to the log.
   */
  #draw(item, node, tail) {
    if (item.type === 'day') {
      const words = { today: t('today'), yesterday: t('yesterday') };
      return h('li', { class: 'day' }, h('span', {}, day(item.date, new Date(), locale(), words)));
    }
    if (item.type === 'new')
      return h('li', { class: 'new-line' }, h('span', {}, t('new_messages')));
    const element = node ?? this.#build(item);
    const { message, mine, status, date } = item;
    const classes = [
      'message',
      mine ? 'mine' : 'theirs',
      item.first && 'first',
      item.last && 'last',
      status && `is-${status}`,
    ];
    element.className = classes.filter(Boolean).join(' ');
    setAttribute(element, 'data-seq', message.seq);
    const time = element.querySelector('time');
    setText(time, clock(date, locale()));
    setAttribute(time, 'datetime', message.sent_at);
    setAttribute(time, 'title', date.toLocaleString(locale()));
    if (mine && element.dataset.status !== status) {
      element.dataset.status = status;
      element.querySelector('.meta .icon').replaceWith(icon(status, `status-${status}`));
      setText(element.querySelector('.meta .hidden'), t(`status_${status}`));
    }
    const end = element.querySelector('.tail');
    if (end.dataset.mark !== tail) {
      end.dataset.mark = tail;
      end.replaceChildren(...this.#drawTail(tail, message));
    }
    return element;
  }

  #build({ message, mine, status }) {
    const text = typeof message.body === 'string';
    const emoji = text && message.kind === 'text' && isEmojiOnly(message.body);
    return h(
      'li',
      {},
      h('span', { class: 'hidden' }, `${mine ? t('you') : this.#app.chats.nameOf(message.from)}: `),
      h(
        'div',
        { class: `bubble${emoji ? ' emoji' : ''}`, dir: 'auto' },
        h(
          'span',
          { class: 'body' },
          text ? linked(message.body) : t('not_text', { kind: message.kind }),
        ),
        h(
          'span',
          { class: 'meta' },
          h('time'),
          mine && icon(status),
          mine && h('span', { class: 'hidden' }),
        ),
      ),
      h('div', { class: 'tail' }),
    );
  }

  /* What stands below a message: nothing, the status of the newest of mine, or what went wrong. */
  #tailOf(item, lastMine, ready) {
    if (item.status === 'failed') return 'failed';
    if (item.key !== lastMine) return '';
    return item.status === 'sending' && !ready ? 'status_waiting' : `status_${item.status}`;
  }

  #drawTail(tail, message) {
    if (tail === '') return [];
    if (tail !== 'failed') return [h('p', { class: 'receipt', 'aria-hidden': 'true' }, t(tail))];
    const chat = this.#chat;
    return [
      h(
        'p',
        { class: 'failed' },
        t('failed_why', { why: explain(message.error) }),
        ' ',
        h(
          'button',
          { type: 'button', class: 'link', onclick: () => this.#app.retry(chat, message) },
          t('again'),
        ),
        ' ',
        h(
          'button',
          { type: 'button', class: 'link', onclick: () => this.#app.discard(chat, message) },
          t('discard'),
        ),
      ),
    ];
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

  #key(event) {
    /* While an input method composes, Enter chooses a word. */
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing || event.keyCode === 229)
      return;
    event.preventDefault();
    this.#send();
  }

  #typed() {
    this.#fit();
    const limit = this.#app.client.session?.limits?.body_bytes;
    const over = limit ? bytes(JSON.stringify(this.input.value)) - limit : 0;
    setText(this.note, over > 0 ? t('too_long', { n: over }) : '');
    setAttribute(this.input, 'aria-invalid', over > 0 ? 'true' : null);
  }

  #fit() {
    this.input.style.height = 'auto';
    this.input.style.height = `${Math.min(this.input.scrollHeight, 168)}px`;
    setAttribute(this.sendButton, 'data-idle', this.input.value.trim() === '' ? '' : null);
  }

  #send() {
    const text = this.input.value.trim();
    if (text === '' || this.input.getAttribute('aria-invalid')) return;
    this.input.value = '';
    this.#typed();
    this.#atEnd = true;
    this.#app.send(this.#chat, text);
    this.input.focus();
  }
}
