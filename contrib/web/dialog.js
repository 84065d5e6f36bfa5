// SPDX-License-Identifier: MIT
/* Menus and dialogs: what opens over the page, takes the keyboard, and gives it back. */

import { h, icon } from './dom.js';
import { t } from './i18n.js';

let closeOpenMenu = null;

/**
 * A menu beside a button. Arrow keys, Home and End move, Escape and a click elsewhere close it.
 * @param {Element} anchor gets the keyboard back
 * @param {{icon: string, text: string, danger?: boolean, checked?: boolean, run: () => void}[]} items
 *   checked: one of several of which one holds
 * @param {Element[]} [head] what stands above the items
 */
export function openMenu(anchor, items, head = []) {
  closeOpenMenu?.();
  const buttons = items.filter(Boolean).map((item) =>
    h(
      'button',
      {
        type: 'button',
        role: item.checked === undefined ? 'menuitem' : 'menuitemradio',
        'aria-checked': item.checked === undefined ? null : String(item.checked),
        class: `menu-item${item.danger ? ' danger' : ''}`,
        tabindex: '-1',
        onclick: () => {
          close();
          item.run();
        },
      },
      icon(item.icon),
      h('span', {}, item.text),
      item.checked && icon('stored', 'checked'),
    ),
  );
  const menu = h('div', { class: 'menu', role: 'menu' }, ...head, ...buttons);
  const all = () => [...menu.querySelectorAll('button')];
  const close = () => {
    if (closeOpenMenu !== close) return;
    closeOpenMenu = null;
    menu.remove();
    anchor.setAttribute('aria-expanded', 'false');
    document.removeEventListener('pointerdown', outside, true);
    window.removeEventListener('resize', close);
    if (menu.contains(document.activeElement) || document.activeElement === document.body)
      anchor.focus({ preventScroll: true });
  };
  const outside = (event) => {
    if (!menu.contains(event.target)) close();
  };
  menu.addEventListener('keydown', (event) => {
    const steps = { ArrowDown: 1, ArrowUp: -1, ArrowRight: 1, ArrowLeft: -1 };
    const list = all();
    const at = list.indexOf(document.activeElement);
    if (event.key === 'Escape' || event.key === 'Tab') {
      event.preventDefault();
      event.stopPropagation();
      anchor.focus({ preventScroll: true });
      close();
    } else if (steps[event.key] || event.key === 'Home' || event.key === 'End') {
      event.preventDefault();
      const next =
        event.key === 'Home'
          ? 0
          : event.key === 'End'
            ? list.length - 1
            : (at + steps[event.key] + list.length) % list.length;
      list[next].focus();
    }
  });
  closeOpenMenu = close;
  document.body.append(menu);
  place(menu, anchor.getBoundingClientRect());
  anchor.setAttribute('aria-expanded', 'true');
  document.addEventListener('pointerdown', outside, true);
  window.addEventListener('resize', close);
  (buttons.find((button) => button.getAttribute('aria-checked') === 'true') ??
    buttons[0] ??
    all()[0])?.focus({ preventScroll: true });
  return close;
}

/* Below the anchor if there is room, else above; never outside of the window. */
function place(menu, box) {
  const { offsetWidth: width, offsetHeight: height } = menu;
  const margin = 8;
  const below = box.bottom + height + margin <= innerHeight;
  const top = below ? box.bottom + 4 : Math.max(margin, box.top - height - 4);
  const left = Math.min(Math.max(margin, box.right - width), innerWidth - width - margin);
  menu.style.setProperty('--x', `${left}px`);
  menu.style.setProperty('--y', `${top}px`);
}

/**
 * A dialog with a title and a close button.
 * @returns {{element: HTMLDialogElement, body: Element, close: () => void, fail: (text: string) =>
 *   void}}
 */
export function openDialog(title, { onclose } = {}) {
  const before = document.activeElement;
  const body = h('div', { class: 'dialog-body' });
  const error = h('p', { class: 'dialog-error', role: 'alert' });
  const element = h(
    'dialog',
    { class: 'dialog', 'aria-label': title },
    h(
      'header',
      { class: 'dialog-top' },
      h('h2', {}, title),
      h(
        'button',
        {
          type: 'button',
          class: 'icon-button',
          'aria-label': t('close'),
          onclick: () => element.close(),
        },
        icon('close'),
      ),
    ),
    body,
    error,
  );
  element.addEventListener('close', () => {
    element.remove();
    before?.focus?.({ preventScroll: true });
    onclose?.();
  });
  element.addEventListener('keydown', (event) => event.stopPropagation());
  element.addEventListener('click', (event) => {
    if (event.target === element) element.close(); /* on the backdrop */
  });
  document.body.append(element);
  element.showModal();
  return {
    element,
    body,
    close: () => element.close(),
    fail: (text) => {
      error.textContent = text;
    },
  };
}

/** Asks before something that cannot be taken back. @returns {Promise<boolean>} */
export function confirmed(title, text, yes) {
  return new Promise((resolve) => {
    let answer = false;
    const dialog = openDialog(title, { onclose: () => resolve(answer) });
    dialog.body.append(
      h('p', {}, text),
      h(
        'div',
        { class: 'dialog-buttons' },
        h('button', { type: 'button', class: 'button quiet', onclick: () => dialog.close() }, t('cancel')),
        h(
          'button',
          {
            type: 'button',
            class: 'button danger',
            autofocus: true,
            onclick: () => {
              answer = true;
              dialog.close();
            },
          },
          yes,
        ),
      ),
    );
    dialog.body.querySelector('.danger').focus();
  });
}
