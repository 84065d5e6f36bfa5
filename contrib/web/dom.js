// SPDX-License-Identifier: MIT
/* Building the page from parts. Text always becomes text nodes, never markup. */

/**
 * Makes an element. Properties: `on*` are listeners, `class` and other names are attributes; true
 * is an empty attribute, false, null and undefined are none.
 */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else setAttribute(element, name, value);
  }
  element.append(
    ...children.flat().filter((child) => child !== null && child !== undefined && child !== false),
  );
  return element;
}

export function setAttribute(element, name, value) {
  if (value === false || value === null || value === undefined) element.removeAttribute(name);
  else element.setAttribute(name, value === true ? '' : String(value));
}

/** Writes text only when it differs, so that a screen reader is not told twice. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Makes the children of a parent equal to the items, reusing what is there by key.
 * @param {Element} parent
 * @param {{key: string}[]} items
 * @param {Map<string, {node: Element, mark: string}>} known kept by the caller between calls
 * @param {(item: any, node: Element|null) => Element} draw makes a node, or brings the given one up
 *   to date and returns it
 * @param {(item: any) => string} markOf a text that changes when the item must be drawn again
 */
export function reconcile(parent, items, known, draw, markOf) {
  const wanted = new Set();
  let place = parent.firstElementChild;
  for (const item of items) {
    wanted.add(item.key);
    const mark = markOf(item);
    let entry = known.get(item.key);
    if (!entry || entry.mark !== mark) {
      const node = draw(item, entry?.node ?? null);
      if (entry && entry.node !== node) {
        if (place === entry.node) place = node;
        entry.node.replaceWith(node);
      }
      known.set(item.key, (entry = { node, mark }));
    }
    if (entry.node === place) place = place.nextElementSibling;
    else parent.insertBefore(entry.node, place);
  }
  for (const [key, { node }] of known) {
    if (wanted.has(key)) continue;
    node.remove();
    known.delete(key);
  }
}

const paths = {
  back: 'M15 5l-7 7 7 7',
  send: 'M5 12h13M12 5.5L18.5 12 12 18.5',
  out: 'M14 5H7a2 2 0 0 0-2 2v10a2 2 0 0 0 2 2h7M11 12h9M17 8.5l3.5 3.5-3.5 3.5',
  search: 'M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM16 16l4.5 4.5',
  down: 'M6 9.5l6 6 6-6',
  close: 'M6.5 6.5l11 11M17.5 6.5l-11 11',
  sending: 'M12 20a8 8 0 1 0 0-16 8 8 0 0 0 0 16zM12 8v4.2l2.6 1.6',
  stored: 'M5.5 12.5l4.3 4.3L18.5 8',
  delivered: 'M2.5 12.8l4 4 8.3-8.6M11.6 16.4l.6.5 9-8.7',
  read: 'M2.5 12.8l4 4 8.3-8.6M11.6 16.4l.6.5 9-8.7',
  more: 'M5.5 12h.01M12 12h.01M18.5 12h.01',
  add: 'M12 5.5v13M5.5 12h13',
  reply: 'M9.5 6L4 11.5 9.5 17M4.5 11.5H14a6 6 0 0 1 6 6v.5',
  smile: 'M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17zM9 10h.01M15 10h.01M8.5 14c1 1.4 2.2 2 3.5 2s2.5-.6 3.5-2',
  edit: 'M5 19l1-4L16.5 4.5l3 3L9 18l-4 1zM14.5 6.5l3 3',
  copy: 'M9 9h10v10H9zM5 15V5h10',
  forward: 'M14.5 6l5.5 5.5L14.5 17M19.5 11.5H10a6 6 0 0 0-6 6v.5',
  recall: 'M5 8h9.5a5 5 0 0 1 0 10H9M8.5 4.5L5 8l3.5 3.5',
  trash: 'M5 7.5h14M10 7V5h4v2M7 7.5l.8 11.5h8.4L17 7.5M10.3 11v4.5M13.7 11v4.5',
  pin: 'M9 4.5h6l-.8 6 2.8 2.5v1.5H7V13l2.8-2.5-.8-6zM12 14.5V20',
  mute: 'M6.5 16.5h11c-1-1.2-1.5-2.6-1.5-4.5V10a4 4 0 0 0-8 0v2c0 1.9-.5 3.3-1.5 4.5zM10.5 19.5h3M4 4l16 16',
  archive: 'M4.5 5h15v4h-15zM6 9v10h12V9M10 12.5h4',
  group: 'M9 11.5a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM3.5 18.5c.4-3 2.4-4.5 5.5-4.5s5.1 1.5 5.5 4.5M15.5 11a2.6 2.6 0 1 0-.6-5.1M17 14.2c2 .4 3.2 1.8 3.5 4.3',
  info: 'M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17zM12 11v5M12 8v.01',
  settings: 'M4.5 7h9M17.5 7h2M4.5 17h2M10.5 17h9M15.5 9a2 2 0 1 0 0-4 2 2 0 0 0 0 4zM8.5 19a2 2 0 1 0 0-4 2 2 0 0 0 0 4z',
  failed: 'M12 7v6M12 16.6v.2M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18z',
};

/** A line icon; decoration only, so name the thing beside it or on its button. */
export function icon(name, className = '') {
  const svg = svgElement('svg', {
    viewBox: '0 0 24 24',
    class: `icon icon-${name} ${className}`,
    'aria-hidden': 'true',
  });
  svg.append(svgElement('path', { d: paths[name] }));
  return svg;
}

/** The seal: an n, a gate, a bell. */
export function seal() {
  const svg = svgElement('svg', { viewBox: '0 0 32 32', class: 'seal', 'aria-hidden': 'true' });
  svg.append(
    svgElement('rect', { width: 32, height: 32, rx: 9, class: 'seal-ground' }),
    svgElement('path', { d: 'M9.5 23.5V15a6.5 6.5 0 0 1 13 0v8.5', class: 'seal-line' }),
    svgElement('circle', { cx: 16, cy: 22.4, r: 2.5, class: 'seal-dot' }),
  );
  return svg;
}

/** The seal's arch, sounding. */
export function arches() {
  const svg = svgElement('svg', {
    viewBox: '0 0 400 300',
    class: 'arches',
    'aria-hidden': 'true',
    preserveAspectRatio: 'xMidYMax slice',
  });
  for (let i = 0; i < 9; i++) {
    const radius = 26 + i * 25;
    const top = 232 - i * 6;
    svg.append(
      svgElement('path', {
        d: `M${200 - radius} 310V${top}a${radius} ${radius} 0 0 1 ${2 * radius} 0V310`,
        class: `arch arch-${i}`,
      }),
    );
  }
  svg.append(svgElement('circle', { cx: 200, cy: 268, r: 13, class: 'arch-dot' }));
  return svg;
}

function svgElement(tag, attributes) {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  return element;
}

/** A round initial in a colour that belongs to the id. */
export function avatar(id, name) {
  let sum = 0;
  for (const char of id) sum = (sum * 31 + char.codePointAt(0)) >>> 0;
  const initial = [...(name || id).trim()][0] ?? '?';
  return h(
    'span',
    { class: `avatar tint-${sum % 8}`, 'aria-hidden': 'true' },
    initial.toUpperCase(),
  );
}

/** Text with its http(s) addresses as links; everything else stays text. */
export function linked(text) {
  const parts = [];
  let end = 0;
  for (const match of text.matchAll(
    /\bhttps?:\/\/[^\s<>"']+[^\s<>"'.,:;!?)\]}，。！？；：）】》]/gi,
  )) {
    if (match.index > end) parts.push(text.slice(end, match.index));
    parts.push(h('a', { href: match[0], target: '_blank', rel: 'noopener noreferrer' }, match[0]));
    end = match.index + match[0].length;
  }
  if (end < text.length) parts.push(text.slice(end));
  return parts;
}

/** Arrow keys, Home and End among the buttons of a list; one of them is in the Tab order. */
export function roving(event, container) {
  const steps = { ArrowDown: 1, ArrowUp: -1, Home: -Infinity, End: Infinity };
  const step = steps[event.key];
  if (step === undefined) return;
  const buttons = [...container.querySelectorAll('button.row')];
  if (buttons.length === 0) return;
  const at = buttons.indexOf(document.activeElement);
  const next = buttons[Math.max(0, Math.min(buttons.length - 1, at + step))];
  event.preventDefault();
  for (const button of buttons) button.tabIndex = button === next ? 0 : -1;
  next.focus();
}

/** A text with parts of it marked: [begin, end) in characters. */
export function marked(text, marks) {
  const points = [...text];
  const parts = [];
  let at = 0;
  for (const [begin, end] of marks) {
    if (begin > at) parts.push(points.slice(at, begin).join(''));
    parts.push(h('mark', {}, points.slice(begin, end).join('')));
    at = end;
  }
  if (at < points.length) parts.push(points.slice(at).join(''));
  return parts;
}
