// SPDX-License-Identifier: MIT
/* Sign in and sign up. */

import { h, seal, arches, setText } from './dom.js';
import { t, explain } from './i18n.js';
import { languageSwitch } from './view_language.js';

/**
 * @param {Element} root
 * @param {{rest: import('./nuncio.js').Rest, redraw: () => void, done: (user: object) => void,
 *   notice?: string}} app
 * @param {{mode: 'in'|'up', id: string}} form what survives a change of language
 */
export function showAuth(root, app, form = { mode: 'in', id: '' }) {
  const up = form.mode === 'up';
  const error = h('p', { class: 'form-error', role: 'alert', id: 'auth-error' }, app.notice ?? '');
  const id = field('user', t('user_id'), {
    value: form.id,
    autocomplete: 'username',
    autocapitalize: 'none',
    spellcheck: 'false',
    required: true,
    maxlength: 64,
    'aria-describedby': up ? 'user-hint' : null,
  });
  const name = up && field('name', t('display_name'), { autocomplete: 'name', maxlength: 64 });
  const password = field('password', t('password'), {
    type: 'password',
    autocomplete: up ? 'new-password' : 'current-password',
    required: true,
  });
  const reveal = h('input', {
    type: 'checkbox',
    id: 'reveal',
    onchange: () => {
      password.input.type = reveal.checked ? 'text' : 'password';
    },
  });
  const submit = h(
    'button',
    { class: 'primary', type: 'submit' },
    up ? t('sign_up') : t('sign_in'),
  );

  async function send(event) {
    event.preventDefault();
    submit.disabled = true;
    setText(submit, t('working'));
    setText(error, '');
    const user = id.input.value.trim();
    try {
      if (up)
        await app.rest.register({
          id: user,
          password: password.input.value,
          name: name.input.value.trim(),
        });
      app.done(await app.rest.login(user, password.input.value));
    } catch (reason) {
      setText(error, explain(reason));
      submit.disabled = false;
      setText(submit, up ? t('sign_up') : t('sign_in'));
      (reason.reason === 'login_failed' ? password : id).input.focus();
    }
  }

  function swap() {
    showAuth(root, { ...app, notice: '' }, { mode: up ? 'in' : 'up', id: id.input.value });
  }

  root.className = 'auth';
  root.replaceChildren(
    h(
      'aside',
      { class: 'auth-side', 'aria-hidden': 'true' },
      h('p', { class: 'motto' }, t('motto')),
      h('p', { class: 'motto-more' }, t('motto_more')),
      arches(),
    ),
    h(
      'main',
      { class: 'auth-main' },
      h(
        'div',
        { class: 'auth-top' },
        languageSwitch(() => {
          app.redraw({ mode: form.mode, id: id.input.value });
        }),
      ),
      h(
        'div',
        { class: 'auth-card' },
        h('div', { class: 'brand brand-big' }, seal(), h('span', {}, 'nuncio')),
        h('h1', {}, up ? t('sign_up') : t('sign_in')),
        h(
          'form',
          { onsubmit: send, 'aria-describedby': 'auth-error' },
          error,
          id.box,
          up && h('p', { class: 'hint', id: 'user-hint' }, t('user_id_hint')),
          name && name.box,
          password.box,
          h('label', { class: 'check', for: 'reveal' }, reveal, h('span', {}, t('show_password'))),
          submit,
        ),
        h(
          'button',
          { class: 'link', type: 'button', onclick: swap },
          up ? t('to_sign_in') : t('to_sign_up'),
        ),
      ),
    ),
  );
  id.input.focus();
}

function field(name, label, attributes) {
  const input = h('input', { id: `field-${name}`, name, type: 'text', ...attributes });
  return {
    input,
    box: h('div', { class: 'field' }, h('label', { for: `field-${name}` }, label), input),
  };
}
