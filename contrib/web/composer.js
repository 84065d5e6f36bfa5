// SPDX-License-Identifier: MIT
/*
 * Where one writes: the text, what it answers or corrects, and completion of names behind an @.
 */

import { h, icon, avatar, setAttribute, setText } from './dom.js';
import { t } from './i18n.js';
import { bytes } from './format.js';
import { preview } from './view_message.js';

const typingEvery = 3000;

export class Composer {
  #app;
  #chat = null;
  #reply = null; /* the message that is answered */
  #edit = null; /* the message that is corrected */
  #people = []; /* of the completion that is open */
  #at = 0; /* the one that is chosen */
  #called = new Map(); /* what stands in the text -> user */
  #typedAt = 0;

  /** @param {object} app see app.js @param {() => void} sent */
  constructor(app, sent) {
    this.#app = app;
    this.sent = sent;
    this.input = h('textarea', {
      class: 'input',
      id: 'input',
      rows: '1',
      dir: 'auto',
      enterkeyhint: 'send',
      'aria-describedby': 'keys input-note',
      'aria-controls': 'completion',
      'aria-autocomplete': 'list',
      onkeydown: (event) => this.#key(event),
      oninput: () => this.#typed(),
      onblur: () => setTimeout(() => this.#closeCompletion(), 150),
    });
    this.note = h('p', { class: 'input-note', id: 'input-note', role: 'status' });
    this.sendButton = h(
      'button',
      { type: 'submit', class: 'send', 'aria-label': t('send'), title: t('send') },
      icon('send'),
    );
    this.above = h('div', { class: 'above', hidden: true });
    this.completion = h('ul', {
      class: 'completion',
      id: 'completion',
      role: 'listbox',
      'aria-label': t('mention'),
      hidden: true,
    });
    this.element = h(
      'form',
      {
        class: 'composer',
        onsubmit: (event) => {
          event.preventDefault();
          this.send();
        },
      },
      h('span', { class: 'hidden', id: 'keys' }, t('keys')),
      this.completion,
      this.above,
      h('div', { class: 'input-box' }, this.input, this.sendButton),
      this.note,
    );
  }

  /** Another chat, or none; what was written stays with its chat. */
  show(chat) {
    if (this.#chat && !this.#edit) this.#chat.draft = this.input.value;
    this.#chat = chat;
    this.#reply = this.#edit = null;
    this.#called.clear();
    this.#drawAbove();
    this.input.value = chat?.draft ?? '';
    this.#closeCompletion();
    this.#fit();
  }

  reply(message) {
    this.#leaveEdit();
    this.#reply = message;
    this.#drawAbove();
    this.input.focus();
  }

  edit(message) {
    if (!this.#edit) this.#chat.draft = this.input.value;
    this.#reply = null;
    this.#edit = message;
    this.#drawAbove();
    this.input.value = message.body;
    this.#fit();
    this.input.focus();
  }

  /** Escape: first what stands above the text goes. @returns whether there was something */
  back() {
    if (!this.completion.hidden) {
      this.#closeCompletion();
      return true;
    }
    if (!this.#reply && !this.#edit) return false;
    this.#leaveEdit();
    this.#reply = null;
    this.#drawAbove();
    return true;
  }

  #leaveEdit() {
    if (!this.#edit) return;
    this.#edit = null;
    this.input.value = this.#chat.draft;
    this.#fit();
  }

  #drawAbove() {
    const message = this.#edit ?? this.#reply;
    this.above.hidden = !message;
    if (!message) return;
    const { chats } = this.#app;
    const name = message.from === chats.me ? t('you') : chats.nameOf(message.from);
    this.above.replaceChildren(
      icon(this.#edit ? 'edit' : 'reply'),
      h(
        'span',
        { class: 'above-text' },
        h('span', { class: 'quote-name' }, this.#edit ? t('editing') : t('replying', { name })),
        h('span', { class: 'quote-text' }, preview(message)),
      ),
      h(
        'button',
        {
          type: 'button',
          class: 'icon-button',
          'aria-label': t('cancel'),
          onclick: () => {
            this.back();
            this.input.focus();
          },
        },
        icon('close'),
      ),
    );
  }

  #key(event) {
    /* While an input method composes, Enter chooses a word. */
    if (event.isComposing || event.keyCode === 229) return;
    if (!this.completion.hidden && this.#completionKey(event)) return;
    if (event.key === 'ArrowUp' && this.input.value === '' && !this.#edit) {
      const last = this.#chat.events.findLast(
        (one) => one.from === this.#app.me.id && one.event === 'message' && typeof one.body === 'string',
      );
      if (last) {
        event.preventDefault();
        this.edit(last);
      }
      return;
    }
    if (event.key !== 'Enter' || event.shiftKey) return;
    event.preventDefault();
    this.send();
  }

  #typed() {
    this.#fit();
    const limit = this.#app.client.session?.limits?.body_bytes;
    const over = limit ? bytes(JSON.stringify(this.input.value)) - limit : 0;
    setText(this.note, over > 0 ? t('too_long', { n: over }) : '');
    setAttribute(this.input, 'aria-invalid', over > 0 ? 'true' : null);
    this.#complete();
    const now = Date.now();
    if (this.#edit || !this.#chat?.conversation || now - this.#typedAt < typingEvery) return;
    this.#typedAt = now;
    this.#app.client.typing(this.#chat.conversation, this.input.value !== '');
  }

  #fit() {
    this.input.style.height = 'auto';
    this.input.style.height = `${Math.min(this.input.scrollHeight, 168)}px`;
    setAttribute(this.sendButton, 'data-idle', this.input.value.trim() === '' ? '' : null);
  }

  send() {
    const text = this.input.value.trim();
    const chat = this.#chat;
    if (text === '' || this.input.getAttribute('aria-invalid')) return;
    const edited = this.#edit;
    const options = {};
    if (this.#reply) options.reply_to = this.#reply.seq;
    const { users, all } = this.#calls(text);
    if (users.length > 0) options.mentions = users;
    if (all) options.mention_all = true;
    this.#reply = this.#edit = null;
    this.#typedAt = 0;
    this.#called.clear();
    this.#drawAbove();
    this.input.value = edited ? chat.draft : '';
    this.#typed();
    this.#typedAt = 0;
    if (edited)
      this.#app.act(() => this.#app.client.edit(chat.conversation, edited.seq, text));
    else {
      this.#app.send(chat, text, options);
      this.sent();
    }
    this.input.focus();
  }

  /* ---- names behind an @ ---- */

  #calls(text) {
    const users = [];
    let all = false;
    for (const [word, user] of this.#called) {
      if (!text.includes(word)) continue;
      if (user === null) all = true;
      else users.push(user);
    }
    return { users, all };
  }

  /* The word at the cursor, when it begins with @. */
  #word() {
    const before = this.input.value.slice(0, this.input.selectionStart);
    return /(?:^|\s)@([^\s@]{0,40})$/u.exec(before)?.[1];
  }

  #complete() {
    const word = this.#chat?.peer ? undefined : this.#word();
    if (word === undefined) {
      this.#closeCompletion();
      return;
    }
    const begin = word.toLowerCase();
    const everybody = { user: null, name: t('everybody') };
    this.#people = [everybody, ...this.#app.membersOf(this.#chat)]
      .filter(
        ({ user, name }) =>
          user !== this.#app.me.id &&
          (name.toLowerCase().startsWith(begin) || (user ?? '').toLowerCase().startsWith(begin)),
      )
      .slice(0, 8);
    this.#at = 0;
    this.#drawCompletion();
  }

  #drawCompletion() {
    this.completion.hidden = this.#people.length === 0;
    this.completion.replaceChildren(
      ...this.#people.map(({ user, name }, at) =>
        h(
          'li',
          {
            role: 'option',
            id: `completion-${at}`,
            'aria-selected': at === this.#at ? 'true' : 'false',
            onmousedown: (event) => {
              event.preventDefault();
              this.#at = at;
              this.#take();
            },
          },
          avatar(user ?? '@', name),
          h('span', {}, name),
          user && user !== name && h('span', { class: 'soft' }, `@${user}`),
        ),
      ),
    );
    setAttribute(
      this.input,
      'aria-activedescendant',
      this.completion.hidden ? null : `completion-${this.#at}`,
    );
  }

  #completionKey(event) {
    const count = this.#people.length;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) this.#at = (this.#at + step + count) % count;
    else if (event.key === 'Enter' || event.key === 'Tab') this.#take();
    else return false;
    event.preventDefault();
    if (step) this.#drawCompletion();
    return true;
  }

  #take() {
    const { user, name } = this.#people[this.#at];
    const { selectionStart: end } = this.input;
    const begin = end - this.#word().length - 1;
    const word = `@${name}`;
    this.#called.set(word, user);
    this.input.setRangeText(`${word} `, begin, end, 'end');
    this.#closeCompletion();
    this.input.dispatchEvent(new Event('input'));
    this.input.focus();
  }

  #closeCompletion() {
    this.#people = [];
    this.#drawCompletion();
  }
}
