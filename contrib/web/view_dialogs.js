// SPDX-License-Identifier: MIT
/* Dialogs that are no chat's own: choosing people, forwarding, settings. */

import { h, icon, avatar } from './dom.js';
import { t, explain, locale } from './i18n.js';
import { openDialog } from './dialog.js';

/** A field in which people are looked up and chosen. @returns {{element, chosen: () => string[]}} */
export function peoplePicker(app) {
  const chosen = new Map();
  let searching = null;
  let timer = 0;
  const chips = h('div', { class: 'chips' });
  const results = h('ul', { class: 'people results', 'aria-label': t('people') });
  const drawChips = () =>
    chips.replaceChildren(
      ...[...chosen].map(([id, name]) =>
        h(
          'button',
          {
            type: 'button',
            class: 'chip',
            'aria-label': t('take_out', { name }),
            onclick: () => {
              chosen.delete(id);
              drawChips();
            },
          },
          h('span', {}, name),
          icon('close'),
        ),
      ),
    );
  const take = (user) => {
    chosen.set(user.id, user.name || user.id);
    input.value = '';
    results.replaceChildren();
    drawChips();
    input.focus();
  };
  const look = async () => {
    const query = input.value.trim();
    searching?.abort();
    if (query === '') {
      results.replaceChildren();
      return;
    }
    const { signal } = (searching = new AbortController());
    try {
      const users = await app.findPeople(query, signal);
      if (signal.aborted) return;
      results.replaceChildren(
        ...users.slice(0, 6).map((user) =>
          h(
            'li',
            {},
            h(
              'button',
              { type: 'button', class: 'person', 'data-user': user.id, onclick: () => take(user) },
              avatar(user.id, user.name),
              h('span', { class: 'people-name' }, user.name || user.id),
              h('span', { class: 'soft' }, `@${user.id}`),
            ),
          ),
        ),
      );
    } catch {
      /* the next letter tries again */
    }
  };
  const input = h('input', {
    class: 'entry',
    type: 'search',
    autocomplete: 'off',
    placeholder: t('add_people'),
    'aria-label': t('add_people'),
    oninput: () => {
      clearTimeout(timer);
      timer = setTimeout(look, 180);
    },
    onkeydown: (event) => {
      if (event.key !== 'Enter' || event.isComposing) return;
      event.preventDefault();
      results.querySelector('button')?.click();
    },
  });
  return {
    element: h('div', { class: 'picker' }, chips, input, results),
    chosen: () => [...chosen.keys()],
  };
}

/** Chooses a chat. @param {(chat: object) => void} chosen */
export function forwardDialog(app, chosen) {
  const dialog = openDialog(t('forward'));
  dialog.body.append(
    h(
      'ul',
      { class: 'people' },
      ...app.chats.list().map((chat) =>
        h(
          'li',
          {},
          h(
            'button',
            {
              type: 'button',
              class: 'person',
              'data-key': chat.key,
              onclick: () => {
                dialog.close();
                chosen(chat);
              },
            },
            avatar(chat.peer ?? chat.conversation, app.chats.title(chat)),
            h('span', { class: 'people-name', dir: 'auto' }, app.chats.title(chat)),
          ),
        ),
      ),
    ),
  );
  dialog.body.querySelector('button')?.focus();
}

/** A choice of people for one of the two policies, which is told to the server at once. */
function policySelect(client, name, chosen, fail) {
  const select = h(
    'select',
    {
      class: 'entry',
      id: name === 'messages' ? 'policy' : `policy-${name}`,
      onchange: () => client.request('contact.policy', { [name]: select.value }).catch(fail),
    },
    ...['everyone', 'contacts', 'nobody'].map((word) =>
      h('option', { value: word, selected: word === chosen }, t(`policy_${word}`)),
    ),
  );
  const words = t(name === 'messages' ? 'policy' : `${name}_policy`);
  return h('label', { class: 'labelled' }, h('span', {}, words), select);
}

/** Who may write to me and see me, whom I have blocked, and where I am signed in. */
export async function settingsDialog(app) {
  const dialog = openDialog(t('settings'));
  const { client } = app;
  const fail = (error) => dialog.fail(explain(error));
  try {
    const [{ messages, presence }, { blocked }, { devices }] = await Promise.all([
      client.request('contact.policy_get'),
      client.request('block.list', { limit: 100 }),
      client.request('device.list').catch(() => ({ devices: [] })),
    ]);
    dialog.body.append(
      policySelect(client, 'messages', messages, fail),
      policySelect(client, 'presence', presence, fail),
      h('h3', {}, t('blocked_people')),
      blocked.length === 0
        ? h('p', { class: 'soft' }, t('blocked_none'))
        : blockedList(app, blocked, fail),
    );
    if (devices.length > 0)
      dialog.body.append(h('h3', {}, t('devices')), deviceList(app, devices, fail));
  } catch (error) {
    fail(error);
  }
}

function blockedList(app, blocked, fail) {
  return h(
    'ul',
    { class: 'people' },
    ...blocked.map(({ user }) => {
      const row = h(
        'li',
        { 'data-user': user },
        avatar(user, app.chats.nameOf(user)),
        h('span', { class: 'people-name' }, app.chats.nameOf(user)),
        h(
          'button',
          {
            type: 'button',
            class: 'link',
            onclick: () =>
              app.client
                .request('block.remove', { user })
                .then(() => row.remove())
                .catch(fail),
          },
          t('unblock'),
        ),
      );
      return row;
    }),
  );
}

function deviceList(app, devices, fail) {
  const { client } = app;
  return h(
    'ul',
    { class: 'people devices' },
    ...devices.map(({ session, node, device, since }) => {
      const here = session === client.session?.session && node === client.session?.node;
      const row = h(
        'li',
        { 'data-session': session },
        h(
          'span',
          { class: 'people-name' },
          device || session,
          h('time', { class: 'soft' }, new Date(since).toLocaleString(locale())),
        ),
        here
          ? h('span', { class: 'tag' }, t('this_device'))
          : h(
              'button',
              {
                type: 'button',
                class: 'link',
                onclick: () =>
                  client
                    .request('device.close', { session, node })
                    .then(() => row.remove())
                    .catch(fail),
              },
              t('sign_out'),
            ),
      );
      return row;
    }),
  );
}
