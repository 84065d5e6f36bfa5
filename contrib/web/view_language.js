// SPDX-License-Identifier: MIT
/* The choice of language: one button per language, the present one pressed. */

import { h } from './dom.js';
import { language, languages, setLanguage, t } from './i18n.js';

/** @param {() => void} redraw called after the change */
export function languageSwitch(redraw) {
  const buttons = Object.entries(languages).map(([code, name]) =>
    h(
      'button',
      {
        type: 'button',
        class: 'language',
        lang: code === 'zh' ? 'zh-Hans' : code,
        'data-language': code,
        'aria-pressed': code === language() ? 'true' : 'false',
        onclick: () => {
          setLanguage(code);
          redraw();
          document.querySelector(`[data-language="${code}"]`)?.focus();
        },
      },
      name,
    ),
  );
  return h('div', { class: 'languages', role: 'group', 'aria-label': t('language') }, ...buttons);
}
