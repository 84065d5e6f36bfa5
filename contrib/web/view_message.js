// SPDX-License-Identifier: MIT
/* One line of a chat: a message with what belongs to it, or a word about the group. */

import { h, icon, avatar, linked, setAttribute, setText } from './dom.js';
import { t, locale, explain } from './i18n.js';
import { openMenu } from './dialog.js';
import { clock, day, isEmojiOnly } from './format.js';

const quick = ['👍', '❤️', '😂', '🎉', '😮', '🙏'];

/** What a row or a quote shows of a message. */
export function preview(event) {
  if (event.recalled_at) return t('recalled_short');
  if (event.event === 'hidden') return t('hidden_short');
  if (typeof event.body === 'string') return event.body.replace(/\s+/g, ' ').slice(0, 160);
  return t('not_text', { kind: event.kind });
}

/** A change of the group in words. */
export function groupWords(event, nameOf, me) {
  const who = (user) => (user === me ? t('you') : nameOf(user));
  const { body, kind } = event;
  const whom = (user) => (user === me ? t('you_object') : nameOf(user));
  const begins = ['joined', 'left', 'unmuted'].includes(kind) && body?.how !== 'add';
  const users = (body?.users ?? []).map(begins ? who : whom).join(', ');
  const how = body?.how === 'add' ? 'added' : kind;
  return t(`group_${how}`, { who: who(event.from), users, name: body?.name ?? '', body: body ?? {} });
}

/** Everything that a drawn line depends on, so that it is drawn again only when that changes. */
export function markOf(item, tail) {
  if (item.type !== 'message')
    return JSON.stringify([item.type, item.message?.seq, new Date().toDateString()]);
  const { message } = item;
  return JSON.stringify([
    item.first,
    item.last,
    item.status,
    message.seq,
    message.changed,
    message.reactions,
    message.edited_at,
    message.recalled_at,
    message.pinned_at,
    item.quote,
    item.name,
    item.origin,
    tail,
  ]);
}

export class MessageView {
  #app;
  #acts;

  /**
   * @param {object} app see app.js
   * @param {object} acts reply, edit, recall, hide, forward, jump (of the chat's view)
   */
  constructor(app, acts) {
    this.#app = app;
    this.#acts = acts;
  }

  /*
   * A message keeps its element while its status changes: a screen reader reads out what is added
   * to the log.
   */
  draw(item, node, tail, chat) {
    if (item.type === 'day') {
      const words = { today: t('today'), yesterday: t('yesterday') };
      return h('li', { class: 'day' }, h('span', {}, day(item.date, new Date(), locale(), words)));
    }
    if (item.type === 'new')
      return h('li', { class: 'new-line' }, h('span', {}, t('new_messages')));
    if (item.type === 'system') return this.#system(item);
    const element = node ?? this.#frame(item, chat);
    const { message, mine, status } = item;
    const classes = [
      'message',
      mine ? 'mine' : 'theirs',
      item.first && 'first',
      item.last && 'last',
      status && `is-${status}`,
      message.recalled_at && 'recalled',
      !mine && this.#app.chats.callsMe(message) && 'calls-me',
    ];
    element.className = classes.filter(Boolean).join(' ');
    setAttribute(element, 'data-seq', message.seq);
    this.#content(element, item, chat);
    this.#meta(element, item);
    this.#reactions(element, message, chat);
    const end = element.querySelector('.tail');
    if (end.dataset.mark !== tail) {
      end.dataset.mark = tail;
      end.replaceChildren(...this.#tail(tail, message, chat));
    }
    return element;
  }

  #system({ message }) {
    const { chats } = this.#app;
    const text =
      message.event === 'group'
        ? groupWords(message, (user) => chats.nameOf(user), chats.me)
        : t('not_text', { kind: message.event });
    return h('li', { class: 'system', 'data-seq': message.seq }, h('span', {}, text));
  }

  #frame({ message, mine, status }, chat) {
    const name = this.#app.chats.nameOf(message.from);
    return h(
      'li',
      {},
      h('span', { class: 'hidden' }, `${mine ? t('you') : name}: `),
      !mine && !chat.peer && h('span', { class: 'face', 'aria-hidden': 'true' }, avatar(message.from, name)),
      h(
        'div',
        { class: 'bubble', dir: 'auto' },
        h('div', { class: 'before', dir: 'ltr' }), /* the text alone says which way it is read */
        h('span', { class: 'body' }),
        h(
          'span',
          { class: 'meta' },
          h('span', { class: 'flags' }),
          h(
            'button',
            {
              type: 'button',
              class: 'act',
              tabindex: '-1', /* arrow keys in the log lead here: see view_chat.js */
              'aria-haspopup': 'menu',
              'aria-expanded': 'false',
              'aria-label': t('actions'),
              title: t('actions'),
            },
            icon('down'),
          ),
          h('time'),
          mine && icon(status),
          mine && h('span', { class: 'hidden' }),
        ),
      ),
      h('div', { class: 'reactions' }),
      h('div', { class: 'tail' }),
    );
  }

  /* Who speaks, what it answers, and the text; drawn again when a change has made it another. */
  #content(element, item, chat) {
    const { message, mine } = item;
    const text = typeof message.body === 'string';
    const emoji = text && message.kind === 'text' && isEmojiOnly(message.body);
    const mark = JSON.stringify([
      message.body,
      message.recalled_at,
      item.quote,
      item.name,
      item.origin,
    ]);
    const button = element.querySelector('.act');
    button.onclick = () => this.menu(button, item, chat);
    button.hidden = !(message.seq > 0) || Boolean(message.recalled_at);
    element.ondblclick = () => message.seq > 0 && !message.recalled_at && this.#acts.reply(message);
    if (element.dataset.content === mark) return;
    element.dataset.content = mark;
    element.querySelector('.bubble').classList.toggle('emoji', Boolean(emoji));
    element.querySelector('.before').replaceChildren(
      ...[
        item.name && h('span', { class: 'speaker', title: item.name }, item.name),
        item.origin &&
          h(
            'span',
            { class: 'forwarded' },
            icon('forward'),
            t('forwarded_from', { name: item.origin }),
          ),
        item.quote &&
          h(
            'button',
            { type: 'button', class: 'quote', onclick: () => this.#acts.jump(message.reply_to) },
            h('span', { class: 'quote-name' }, item.quote.name),
            h('span', { class: 'quote-text', dir: 'auto' }, item.quote.text),
          ),
      ].filter(Boolean),
    );
    const body = element.querySelector('.body');
    if (message.recalled_at)
      body.replaceChildren(
        t('recalled', { name: message.recalled_by === this.#app.chats.me ? t('you') : this.#app.chats.nameOf(message.recalled_by) }),
      );
    else if (text) body.replaceChildren(...linked(message.body));
    else body.replaceChildren(t('not_text', { kind: message.kind }));
    setAttribute(element, 'data-mine', mine ? '' : null);
  }

  #meta(element, { message, mine, status, date }) {
    const time = element.querySelector('time');
    setText(time, clock(date, locale()));
    setAttribute(time, 'datetime', message.sent_at);
    setAttribute(time, 'title', date.toLocaleString(locale()));
    const flags = element.querySelector('.flags');
    const mark = `${Boolean(message.pinned_at)}${Boolean(message.edited_at)}`;
    if (flags.dataset.mark !== mark) {
      flags.dataset.mark = mark;
      flags.replaceChildren(
        ...[
          message.pinned_at && icon('pin'),
          message.pinned_at && h('span', { class: 'hidden' }, t('pinned_one')),
          message.edited_at && h('span', {}, t('edited')),
        ].filter(Boolean),
      );
    }
    if (mine && element.dataset.status !== status) {
      element.dataset.status = status;
      element.querySelector('.meta > .icon').replaceWith(icon(status, `status-${status}`));
      setText(element.querySelector('.meta > .hidden'), t(`status_${status}`));
    }
  }

  #reactions(element, message, chat) {
    const box = element.querySelector('.reactions');
    const list = message.reactions ?? [];
    const mark = JSON.stringify(list);
    if (box.dataset.mark === mark) return;
    box.dataset.mark = mark;
    const { chats } = this.#app;
    box.replaceChildren(
      ...list.map(({ emoji, users }) => {
        const isMine = users.includes(chats.me);
        const names = users.map((user) => (user === chats.me ? t('you') : chats.nameOf(user)));
        return h(
          'button',
          {
            type: 'button',
            class: 'reaction',
            'aria-pressed': isMine ? 'true' : 'false',
            title: names.join(', '),
            'aria-label': t('reaction', { emoji, n: users.length, names: names.join(', ') }),
            onclick: () => this.#app.act(() => this.#app.client.react(chat.conversation, message.seq, emoji, isMine)),
          },
          h('span', {}, emoji),
          h('span', { class: 'count' }, String(users.length)),
        );
      }),
    );
  }

  /** The menu of a message. */
  menu(anchor, { message, mine }, chat) {
    const { client, chats } = this.#app;
    const text = typeof message.body === 'string';
    const role = chats.groups.get(chat.conversation)?.you?.role ?? 'member';
    const admin = role !== 'member';
    const act = (run) => this.#app.act(run);
    const reactions = h(
      'div',
      { class: 'quick', role: 'group', 'aria-label': t('react') },
      ...quick.map((emoji) => {
        const isMine = (message.reactions ?? []).some((one) => one.emoji === emoji && one.users.includes(chats.me));
        return h(
          'button',
          {
            type: 'button',
            class: 'quick-emoji',
            tabindex: '-1',
            role: 'menuitemcheckbox',
            'aria-label': t('react_with', { emoji }),
            'aria-checked': isMine ? 'true' : 'false',
            onclick: () => {
              close();
              act(() => client.react(chat.conversation, message.seq, emoji, isMine));
            },
          },
          emoji,
        );
      }),
    );
    const close = openMenu(
      anchor,
      [
        { icon: 'reply', text: t('reply'), run: () => this.#acts.reply(message) },
        text && {
          icon: 'copy',
          text: t('copy'),
          run: () => navigator.clipboard?.writeText(message.body).catch(() => {}),
        },
        mine && text && { icon: 'edit', text: t('edit'), run: () => this.#acts.edit(message) },
        { icon: 'forward', text: t('forward'), run: () => this.#acts.forward(message) },
        (chat.peer || admin) && {
          icon: 'pin',
          text: t(message.pinned_at ? 'unpin' : 'pin'),
          run: () => act(() => client.pin(chat.conversation, message.seq, !message.pinned_at)),
        },
        { icon: 'trash', text: t('hide'), run: () => this.#acts.hide(message) },
        (mine || admin) && {
          icon: 'recall',
          text: t('recall'),
          danger: true,
          run: () => this.#acts.recall(message),
        },
      ],
      [reactions],
    );
  }

  #tail(tail, message, chat) {
    if (tail === '') return [];
    if (tail !== 'failed') return [h('p', { class: 'receipt', 'aria-hidden': 'true' }, t(tail))];
    const button = (run, text) =>
      h('button', { type: 'button', class: 'link', onclick: run }, text);
    return [
      h(
        'p',
        { class: 'failed' },
        t('failed_why', { why: explain(message.error) }),
        ' ',
        button(() => this.#app.retry(chat, message), t('again')),
        ' ',
        button(() => this.#app.discard(chat, message), t('discard')),
      ),
    ];
  }
}
