// SPDX-License-Identifier: MIT
/*
 * The API page: /openapi.json for people. Everything on it but the words around it is the server's:
 * what is switched off is not there.
 */

import { h, seal, setText } from './dom.js';
import { initLanguage, t } from './i18n.js';
import { languageSwitch } from './view_language.js';

const methods = ['get', 'post', 'put', 'delete'];

/* ---- shapes: JSON Schema as the server writes it, in one line that people read ---- */

const words = { 'date-time': 'time' };

function plain(schema) {
  if (schema.const !== undefined) return [JSON.stringify(schema.const)];
  if (schema.enum) return [schema.enum.map((word) => JSON.stringify(word)).join(' | ')];
  const types = [schema.type ?? 'any'].flat();
  if (types[0] === 'object' && schema.properties) return members(schema);
  if (types[0] === 'object' && schema.additionalProperties)
    return ['{ *: ', ...shape(schema.additionalProperties), ' }'];
  if (types[0] === 'array' && schema.items) return ['[', ...shape(schema.items), ']'];
  return [words[schema.format] ?? types.join(' | ')];
}

function members(schema) {
  const required = new Set(schema.required ?? []);
  const parts = Object.entries(schema.properties).flatMap(([name, of]) => [
    ', ',
    name,
    required.has(name) ? ': ' : '?: ',
    ...shape(of),
  ]);
  return ['{ ', ...parts.slice(1), ' }'];
}

function joined(schemas, sign) {
  return schemas.flatMap((one) => [sign, ...shape(one)]).slice(1);
}

/** @returns {(string|Element)[]} */
function shape(schema) {
  if (schema.$ref) {
    const name = schema.$ref.split('/').at(-1);
    return [h('a', { href: `#shape-${name}` }, name)];
  }
  if (schema.anyOf) return joined(schema.anyOf, ' | ');
  if (schema.allOf && !schema.type) return joined(schema.allOf, ' & ');
  return plain(schema);
}

function limits({ type, minimum, maximum, minLength, maxLength, minItems, maxItems }) {
  const [low, high] = [minimum ?? minItems ?? minLength, maximum ?? maxItems ?? maxLength];
  if (low === undefined && high === undefined) return '';
  const unit = [type].flat()[0] === 'string' ? ' B' : '';
  /* Of a text the document has characters; the server counts bytes, and the upper limit is both. */
  return unit ? ` ≤ ${high}${unit}` : ` ${low ?? ''}…${high ?? ''}`;
}

/* ---- one route or op ---- */

function line(name, schema, { required, description, where }) {
  return h(
    'tr',
    {},
    h('th', { scope: 'row' }, h('code', {}, name), where && h('span', { class: 'api-where' }, where)),
    h('td', {}, h('code', {}, ...shape(schema)), h('span', { class: 'soft' }, limits(schema))),
    h('td', {}, description ?? '', required && h('span', { class: 'tag' }, t('api_required'))),
  );
}

function table(title, rows) {
  if (rows.length === 0) return null;
  return h(
    'section',
    {},
    h('h4', {}, title),
    h('div', { class: 'api-scroll', tabindex: '0', role: 'region', 'aria-label': title },
      h('table', {}, h('tbody', {}, ...rows)),
    ),
  );
}

function bodyRows(schema) {
  const required = new Set(schema?.required ?? []);
  return Object.entries(schema?.properties ?? {}).map(([name, of]) =>
    line(name, of, { required: required.has(name), description: of.description }),
  );
}

function answerOf(answer) {
  const content = answer.content ?? {};
  const [media] = Object.keys(content);
  if (!media) return [t('api_nothing_back')];
  const { schema } = content[media];
  return schema ? shape(schema.properties?.data ?? {}) : [media];
}

class Page {
  constructor(document) {
    this.api = document;
    this.entries = []; /* {element, text}: what the filter looks at */
  }

  #entry(id, head, text, parts) {
    const element = h(
      'details',
      { class: 'api-entry', id },
      h('summary', {}, ...head),
      h('div', { class: 'api-inside' }, ...parts),
    );
    this.entries.push({ element, text: text.toLowerCase() });
    return element;
  }

  #refusals(responses) {
    const found = Object.entries(responses).filter(([status]) => status >= '400');
    const rows = found.map(([status, answer]) => {
      const of = this.#resolve(answer);
      return h('tr', {}, h('th', { scope: 'row' }, status), h('td', {}, of.description));
    });
    return table(t('api_errors'), rows);
  }

  #resolve(node) {
    if (!node.$ref) return node;
    return node.$ref
      .split('/')
      .slice(1)
      .reduce((at, step) => at[step], this.api);
  }

  #route(path, method, what) {
    const parameters = what.parameters.map((one) =>
      line(one.name, one.schema, { ...one, where: t(`api_in_${one.in}`) }),
    );
    const body = what.requestBody?.content?.['application/json']?.schema;
    const good = Object.entries(what.responses).filter(([status]) => status < '400');
    return this.#entry(
      what.operationId,
      [
        h('span', { class: `api-method api-${method}` }, method.toUpperCase()),
        h('code', { class: 'api-path' }, path),
        h('span', { class: 'api-summary' }, what.summary),
        what.security && h('span', { class: 'tag' }, t('api_open')),
      ],
      `${method} ${path} ${what.summary}`,
      [
        table(t('api_parameters'), parameters),
        table(t('api_body'), bodyRows(body)),
        table(
          t('api_answers'),
          good.map(([status, answer]) =>
            h(
              'tr',
              {},
              h('th', { scope: 'row' }, status),
              h('td', {}, h('code', {}, ...answerOf(answer))),
            ),
          ),
        ),
        this.#refusals(what.responses),
      ].filter(Boolean),
    );
  }

  #op(name, what) {
    return this.#entry(
      `op-${name}`,
      [h('code', { class: 'api-path' }, name), h('span', { class: 'api-summary' }, what.summary)],
      `${name} ${what.summary}`,
      [
        table(t('api_data'), bodyRows(what.data)),
        table(t('api_answers'), [
          h('tr', {}, h('td', {}, h('code', {}, ...shape(what.answer)))),
        ]),
        what.errors.length > 0 &&
          table(t('api_errors'), [h('tr', {}, h('td', {}, what.errors.join(', ')))]),
      ].filter(Boolean),
    );
  }

  routes() {
    const byTag = new Map(this.api.tags.map((tag) => [tag.name, { tag, list: [] }]));
    for (const [path, item] of Object.entries(this.api.paths))
      for (const method of methods)
        if (item[method]) byTag.get(item[method].tags[0]).list.push([path, method, item[method]]);
    return [...byTag.values()].map(({ tag, list }) =>
      h(
        'section',
        { class: 'api-group', 'aria-labelledby': `tag-${tag.name}` },
        h('h3', { id: `tag-${tag.name}` }, tag.name),
        tag.description && h('p', { class: 'soft' }, tag.description),
        ...list.map((one) => this.#route(...one)),
      ),
    );
  }

  ops() {
    return Object.entries(this.api['x-nuncio-ops']).map(([name, what]) => this.#op(name, what));
  }

  shapes() {
    return Object.entries(this.api.components.schemas).map(([name, of]) =>
      this.#entry(
        `shape-${name}`,
        [h('code', { class: 'api-path' }, name), h('span', { class: 'api-summary' }, of.description)],
        `${name} ${of.description}`,
        [h('p', {}, h('code', {}, ...shape({ ...of, description: undefined })))],
      ),
    );
  }

  codes() {
    const head = ['api_code', 'api_name', 'api_status', 'api_meaning'];
    return h(
      'div',
      { class: 'api-scroll', tabindex: '0', role: 'region', 'aria-label': t('api_meaning') },
      h(
        'table',
        { class: 'api-codes' },
        h('thead', {}, h('tr', {}, ...head.map((key) => h('th', { scope: 'col' }, t(key))))),
        h(
          'tbody',
          {},
          ...Object.entries(this.api['x-nuncio-codes']).map(([code, row]) =>
            h(
              'tr',
              {},
              h('th', { scope: 'row' }, code),
              h('td', {}, h('code', {}, row.name)),
              h('td', {}, String(row.status)),
              h('td', {}, row.meaning),
            ),
          ),
        ),
      ),
    );
  }

  /** How many are left. */
  filter(query) {
    const parts = query.toLowerCase().split(/\s+/).filter(Boolean);
    let left = 0;
    for (const { element, text } of this.entries) {
      element.hidden = !parts.every((part) => text.includes(part));
      left += element.hidden ? 0 : 1;
    }
    for (const group of document.querySelectorAll('.api-group'))
      group.hidden = !group.querySelector('.api-entry:not([hidden])');
    return left;
  }
}

/* ---- the page ---- */

function chapter(id, title, ...content) {
  return h('section', { id, 'aria-labelledby': `${id}-title` }, h('h2', { id: `${id}-title` }, title), ...content);
}

/* An address with a part opens what it names: a link to a shape, or from somewhere else. */
function reveal() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!(target instanceof HTMLDetailsElement)) return;
  target.open = true;
  target.scrollIntoView({ block: 'start' });
}

function draw(api) {
  const page = new Page(api);
  const nothing = h('p', { class: 'api-nothing', role: 'status' });
  const search = h('input', {
    class: 'entry',
    type: 'search',
    id: 'filter',
    placeholder: t('api_filter'),
    'aria-label': t('api_filter'),
    oninput: () => setText(nothing, page.filter(search.value) === 0 ? t('api_nothing') : ''),
  });
  document.title = `${t('api')} · nuncio`;
  document.body.replaceChildren(
    h(
      'header',
      { class: 'api-top' },
      h('h1', { class: 'brand' }, seal(), h('span', {}, `nuncio ${t('api')}`)),
      h('span', { class: 'soft' }, api.info.version),
      languageSwitch(() => draw(api)),
    ),
    h(
      'main',
      { class: 'api-main' },
      h('p', {}, t('api_lead'), ' ', h('a', { href: 'openapi.json' }, t('api_download'))),
      search,
      nothing,
      chapter('routes', t('api_routes'), ...page.routes()),
      chapter('ops', t('api_ops'), h('div', { class: 'api-group' }, ...page.ops())),
      chapter('shapes', t('api_shapes'), h('div', { class: 'api-group' }, ...page.shapes())),
      chapter('codes', t('api_codes'), page.codes()),
    ),
  );
  reveal();
}

initLanguage();
addEventListener('hashchange', reveal);
try {
  const response = await fetch('openapi.json');
  if (!response.ok) throw new Error(String(response.status));
  draw(await response.json());
} catch {
  document.body.append(h('p', { class: 'api-nothing', role: 'alert' }, t('api_failed')));
}
