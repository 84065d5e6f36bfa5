// SPDX-License-Identifier: MIT
/* Times and sizes as people read them. Pure: `now` and the locale are given. */

const startOfDay = (date) => new Date(date.getFullYear(), date.getMonth(), date.getDate());

/** Whole calendar days between two times, in local time. */
export function daysBetween(earlier, later) {
  return Math.round((startOfDay(later) - startOfDay(earlier)) / 86_400_000);
}

export function clock(date, locale) {
  return new Intl.DateTimeFormat(locale, {
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  }).format(date);
}

/** For a day separator. `words` has today and yesterday. */
export function day(date, now, locale, words) {
  const ago = daysBetween(date, now);
  if (ago <= 0) return words.today;
  if (ago === 1) return words.yesterday;
  const far = date.getFullYear() !== now.getFullYear();
  const options = {
    weekday: 'long',
    month: 'long',
    day: 'numeric',
    ...(far ? { year: 'numeric' } : {}),
  };
  return new Intl.DateTimeFormat(locale, options).format(date);
}

/** For a row of the list: as short as can be. */
export function shortTime(date, now, locale, words) {
  const ago = daysBetween(date, now);
  if (ago <= 0) return clock(date, locale);
  if (ago === 1) return words.yesterday;
  if (ago < 7) return new Intl.DateTimeFormat(locale, { weekday: 'short' }).format(date);
  const far = date.getFullYear() !== now.getFullYear();
  return new Intl.DateTimeFormat(locale, {
    month: 'short',
    day: 'numeric',
    ...(far ? { year: 'numeric' } : {}),
  }).format(date);
}

/** "5 minutes ago". */
export function ago(date, now, locale, justNow) {
  const seconds = Math.max(0, (now - date) / 1000);
  if (seconds < 60) return justNow;
  const format = new Intl.RelativeTimeFormat(locale, { numeric: 'auto' });
  if (seconds < 3600) return format.format(-Math.floor(seconds / 60), 'minute');
  if (seconds < 86_400) return format.format(-Math.floor(seconds / 3600), 'hour');
  return format.format(-Math.floor(seconds / 86_400), 'day');
}

export const bytes = (text) => new TextEncoder().encode(text).length;

const pictures = /^(?:\p{Extended_Pictographic}|\p{Emoji_Component}|\p{Regional_Indicator}|\s)+$/u;

/** One to three emoji and nothing else: shown large. */
export function isEmojiOnly(text) {
  if (
    text.length > 40 ||
    !pictures.test(text) ||
    !/\p{Extended_Pictographic}|\p{Regional_Indicator}/u.test(text)
  )
    return false;
  const count = [...new Intl.Segmenter().segment(text.replace(/\s/g, ''))].length;
  return count >= 1 && count <= 3;
}
