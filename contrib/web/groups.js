// SPDX-License-Identifier: MIT
/* Groups and channels: what is known of them, and the dialogs that make and change them. */

import { h, icon, avatar } from './dom.js';
import { t, explain, locale } from './i18n.js';
import { confirmed, openDialog, openMenu } from './dialog.js';
import { peoplePicker } from './view_dialogs.js';
import { preview } from './view_message.js';
import { shortTime } from './format.js';

const shown = 100; /* members that are loaded */

export class Groups {
  #app;
  #loading = new Set();
  #members = new Map(); /* conversation -> [{user, role}] */

  constructor(app) {
    this.#app = app;
  }

  /** Asks for what a group is; once, and again after a change. */
  async load(chat, again = false) {
    const { chats, client } = this.#app;
    if (!chat || chat.peer || this.#loading.has(chat.conversation)) return;
    if (!again && chats.groups.has(chat.conversation) && this.#members.has(chat.conversation))
      return;
    const group = chat.conversation.replace(/^g:/, '');
    this.#loading.add(chat.conversation);
    try {
      chats.groups.set(chat.conversation, await client.request('group.info', { group }));
      this.#app.draw();
      const { members } = await client.request('group.members', { group, limit: shown });
      this.#members.set(chat.conversation, members);
      for (const { user } of members) this.#app.nameOf(user);
    } catch {
      /* a reader of a channel sees no members; one who has left sees nothing */
    }
    this.#loading.delete(chat.conversation);
    this.#app.draw();
  }

  /** People who can be called by name. */
  members(chat) {
    const { chats } = this.#app;
    return (this.#members.get(chat.conversation) ?? []).map(({ user }) => ({
      user,
      name: chats.nameOf(user),
    }));
  }

  /** Something about the group has changed. */
  changed(chat, event) {
    for (const user of event.body?.users ?? []) this.#app.nameOf(user);
    this.load(chat, true);
  }

  invited({ conversation, name, by }) {
    const { chats } = this.#app;
    this.#app.nameOf(by);
    this.#app.say(t('invited', { name: name || conversation, by: chats.nameOf(by) }));
  }

  /** The dialog for a new one. */
  create() {
    const app = this.#app;
    const dialog = openDialog(t('new_group'));
    const name = h('input', {
      class: 'entry',
      id: 'group-name',
      required: true,
      maxlength: '60',
      autocomplete: 'off',
      placeholder: t('group_name'),
      'aria-label': t('group_name'),
    });
    const channel = h('input', { type: 'checkbox', id: 'group-channel' });
    const people = peoplePicker(app);
    const form = h(
      'form',
      {
        class: 'dialog-form',
        onsubmit: async (event) => {
          event.preventDefault();
          try {
            const group = await app.client.request('group.create', {
              name: name.value.trim(),
              kind: channel.checked ? 'channel' : 'group',
              members: people.chosen(),
            });
            app.chats.groups.set(group.conversation, group);
            dialog.close();
            await app.openConversation(group.conversation);
          } catch (error) {
            dialog.fail(explain(error));
          }
        },
      },
      name,
      people.element,
      h('label', { class: 'check' }, channel, h('span', {}, t('group_channel'))),
      h(
        'div',
        { class: 'dialog-buttons' },
        h('button', { type: 'submit', class: 'button' }, t('create')),
      ),
    );
    dialog.body.append(form);
    name.focus();
  }

  /** Everything about a group, and what one may change. */
  async info(chat) {
    const app = this.#app;
    await this.load(chat, true);
    const group = app.chats.groups.get(chat.conversation);
    if (!group) {
      app.say(t('error_not_member'));
      return;
    }
    const dialog = openDialog(group.name || chat.conversation);
    const draw = () => {
      const now = app.chats.groups.get(chat.conversation);
      dialog.body.replaceChildren(...this.#infoParts(chat, now, dialog, draw));
    };
    draw();
  }

  #infoParts(chat, group, dialog, draw) {
    const app = this.#app;
    const id = group.group;
    const admin = group.you?.role === 'admin' || group.you?.role === 'owner';
    const owner = group.you?.role === 'owner';
    const run = async (op, data) => {
      try {
        await app.client.request(op, { group: id, ...data });
        await this.load(chat, true);
        if (dialog.element.isConnected) draw();
        return true;
      } catch (error) {
        dialog.fail(explain(error));
        return false;
      }
    };
    const parts = [
      h(
        'p',
        { class: 'soft' },
        `${t(group.kind === 'channel' ? 'a_channel' : 'a_group')} · ${t('members_n', { n: group.members })} · ${t(`join_${group.join}`)}`,
      ),
      group.announcement && h('p', { class: 'announcement', dir: 'auto' }, group.announcement),
    ];
    if (admin) parts.push(this.#editForm(group, run));
    parts.push(h('h3', {}, t('members')), this.#memberList(chat, group, run));
    if (admin) parts.push(this.#adder(run));
    parts.push(
      h(
        'div',
        { class: 'dialog-buttons' },
        admin &&
          h(
            'button',
            {
              type: 'button',
              class: 'button quiet',
              onclick: () => run('group.mute_all', { on: !group.muted }),
            },
            t(group.muted ? 'unmute_all' : 'mute_all'),
          ),
        owner
          ? h(
              'button',
              {
                type: 'button',
                class: 'button danger',
                onclick: async () => {
                  if (await confirmed(t('dissolve'), t('dissolve_sure'), t('dissolve')))
                    (await run('group.dissolve')) && dialog.close();
                },
              },
              t('dissolve'),
            )
          : h(
              'button',
              {
                type: 'button',
                class: 'button danger',
                onclick: async () => {
                  if (await confirmed(t('leave'), t('leave_sure'), t('leave')))
                    (await run('group.leave')) && dialog.close();
                },
              },
              t('leave'),
            ),
      ),
    );
    return parts.filter(Boolean);
  }

  #editForm(group, run) {
    const name = h('input', {
      class: 'entry',
      value: group.name,
      maxlength: '60',
      'aria-label': t('group_name'),
    });
    const announcement = h('textarea', {
      class: 'entry',
      rows: '2',
      'aria-label': t('announcement'),
      placeholder: t('announcement'),
    });
    announcement.value = group.announcement ?? '';
    const join = h(
      'select',
      { class: 'entry', 'aria-label': t('join_rule') },
      ...['open', 'approval', 'invite'].map((rule) =>
        h('option', { value: rule, selected: rule === group.join }, t(`join_${rule}`)),
      ),
    );
    return h(
      'form',
      {
        class: 'dialog-form',
        onsubmit: (event) => {
          event.preventDefault();
          run('group.update', {
            name: name.value.trim(),
            announcement: announcement.value,
            join: join.value,
          });
        },
      },
      name,
      announcement,
      join,
      h('div', { class: 'dialog-buttons' }, h('button', { type: 'submit', class: 'button' }, t('save'))),
    );
  }

  #memberList(chat, group, run) {
    const { chats } = this.#app;
    const rank = { owner: 0, admin: 1, member: 2 };
    const members = [...(this.#members.get(chat.conversation) ?? [])].sort(
      (a, b) => rank[a.role] - rank[b.role],
    );
    return h(
      'ul',
      { class: 'people' },
      ...members.map((member) => {
        const name = member.user === chats.me ? t('you') : chats.nameOf(member.user);
        const button =
          this.#mayChange(group, member) &&
          h(
            'button',
            {
              type: 'button',
              class: 'icon-button',
              'aria-haspopup': 'menu',
              'aria-expanded': 'false',
              'aria-label': t('member_menu', { name }),
              onclick: (event) => this.#memberMenu(event.currentTarget, group, member, run),
            },
            icon('more'),
          );
        return h(
          'li',
          { 'data-user': member.user },
          avatar(member.user, name),
          h('span', { class: 'people-name', dir: 'auto' }, name),
          member.role !== 'member' && h('span', { class: 'tag' }, t(`role_${member.role}`)),
          member.muted_until && h('span', { class: 'tag' }, t('muted')),
          button,
        );
      }),
    );
  }

  #mayChange(group, member) {
    const mine = group.you?.role;
    if (member.user === this.#app.me.id || member.role === 'owner') return false;
    return mine === 'owner' || (mine === 'admin' && member.role === 'member');
  }

  #memberMenu(anchor, group, member, run) {
    const owner = group.you?.role === 'owner';
    const { user } = member;
    const menu = openMenu(anchor, [
      owner && {
        icon: 'group',
        text: t(member.role === 'admin' ? 'no_admin' : 'make_admin'),
        run: () => run('group.role', { user, role: member.role === 'admin' ? 'member' : 'admin' }),
      },
      {
        icon: 'mute',
        text: t(member.muted_until ? 'unmute' : 'mute_hour'),
        run: () => run('group.mute', { user, seconds: member.muted_until ? 0 : 3600 }),
      },
      owner && {
        icon: 'forward',
        text: t('transfer'),
        run: async () => {
          if (await confirmed(t('transfer'), t('transfer_sure'), t('transfer')))
            run('group.transfer', { user });
        },
      },
      { icon: 'out', text: t('remove'), danger: true, run: () => run('group.remove', { user }) },
    ]);
    /* A dialog hides what is not in it. */
    anchor.closest('dialog')?.append(document.querySelector('.menu'));
    return menu;
  }

  #adder(run) {
    const people = peoplePicker(this.#app);
    return h(
      'form',
      {
        class: 'dialog-form',
        onsubmit: async (event) => {
          event.preventDefault();
          const users = people.chosen();
          if (users.length > 0) run('group.add', { users });
        },
      },
      people.element,
      h(
        'div',
        { class: 'dialog-buttons' },
        h('button', { type: 'submit', class: 'button quiet' }, t('add_people')),
      ),
    );
  }

  /** The pinned messages of any chat. */
  async pinned(chat) {
    const app = this.#app;
    const dialog = openDialog(t('pinned_list'));
    try {
      const events = await app.client.pinned(chat.conversation);
      const words = { today: t('today'), yesterday: t('yesterday') };
      dialog.body.append(
        events.length === 0
          ? h('p', { class: 'soft' }, t('pinned_none'))
          : h(
              'ul',
              { class: 'people' },
              ...events.map((event) =>
                h(
                  'li',
                  {},
                  h(
                    'button',
                    {
                      type: 'button',
                      class: 'quote',
                      onclick: () => {
                        dialog.close();
                        app.openMessage(event);
                      },
                    },
                    h(
                      'span',
                      { class: 'quote-name' },
                      `${app.chats.nameOf(event.from)} · ${shortTime(new Date(event.sent_at), new Date(), locale(), words)}`,
                    ),
                    h('span', { class: 'quote-text' }, preview(event)),
                  ),
                ),
              ),
            ),
      );
    } catch (error) {
      dialog.fail(explain(error));
    }
  }
}
