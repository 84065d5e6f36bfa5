// SPDX-License-Identifier: MIT
/* The words of the page, in English and Chinese. A text may be a function of its variables. */

const en = {
  title: 'nuncio',
  motto: 'Word for word, and nothing lost.',
  motto_more: 'Messages are stored before they are called sent, and arrive in order.',
  sign_in: 'Sign in',
  sign_up: 'Create account',
  sign_out: 'Sign out',
  to_sign_up: 'New here? Create an account',
  to_sign_in: 'Have an account? Sign in',
  user_id: 'User name',
  user_id_hint: 'Others find you by it. It cannot be changed later.',
  display_name: 'Name to show (optional)',
  password: 'Password',
  show_password: 'Show password',
  working: 'One moment…',
  language: 'Language',
  chats: 'Conversations',
  find: 'Find a person',
  find_clear: 'Clear search',
  people: 'People',
  found: ({ n }) => (n === 0 ? 'Nobody found' : n === 1 ? '1 person found' : `${n} people found`),
  nobody: 'Nobody by that name.',
  nobody_hint: 'Search looks at the beginning of user names and names.',
  no_chats: 'No conversations yet',
  no_chats_hint: 'Find a person above and say hello.',
  loading_chats: 'Loading…',
  pick: 'Pick a conversation',
  pick_hint: 'Or find somebody and begin one.',
  back: 'Back to conversations',
  messages_with: ({ name }) => `Messages with ${name}`,
  write: ({ name }) => `Write to ${name}`,
  write_short: 'Write a message',
  send: 'Send',
  keys: 'Enter sends, Shift + Enter starts a new line',
  newest: 'To the newest message',
  begin: ({ name }) => `This is the beginning of your conversation with ${name}.`,
  loading_older: 'Loading older messages…',
  load_failed: 'These messages could not be loaded.',
  again: 'Try again',
  discard: 'Discard',
  you: 'You',
  unread: ({ n }) => (n === 1 ? '1 unread message' : `${n} unread messages`),
  new_messages: 'New messages',
  said: ({ name, text }) => `${name}: ${text}`,
  not_text: ({ kind }) => `[${kind}]`,
  online: 'Online',
  away: 'Away',
  offline: 'Offline',
  last_seen: ({ when }) => `Last seen ${when}`,
  just_now: 'just now',
  today: 'Today',
  yesterday: 'Yesterday',
  status_sending: 'Sending',
  status_waiting: 'Waiting for connection',
  status_stored: 'Stored',
  status_delivered: 'Delivered',
  status_read: 'Read',
  status_failed: 'Not sent',
  failed_why: ({ why }) => `Not sent: ${why}`,
  too_long: ({ n }) => `Too long by ${n} bytes`,
  connecting: 'Connecting…',
  syncing: 'Catching up…',
  waiting: ({ s }) => (s > 0 ? `No connection. Next attempt in ${s} s.` : 'No connection. Trying…'),
  outbox: ({ n }) => (n === 1 ? '1 message is waiting.' : `${n} messages are waiting.`),
  try_now: 'Try now',
  back_online: 'Connected again',
  replaced: 'This session was ended because you signed in elsewhere.',
  resume: 'Use it here',
  signed_out_why: 'Your session has ended. Please sign in again.',
  error_login_failed: 'User name or password is wrong.',
  error_exists: 'This user name is taken.',
  error_registration_closed: 'New accounts are made by the operator of this server only.',
  error_rate_limited: 'Too many attempts. Please wait a little.',
  error_network: 'The server cannot be reached.',
  error_not_found: 'This person does not exist any more.',
  error_denied: 'Not allowed.',
  error_not_member: 'You are not a member of this conversation.',
  error_too_large: 'The message is too long.',
  error_other: ({ message }) => `It did not work: ${message}`,
};

const zh = {
  title: 'nuncio',
  motto: '一字不差，一言不失。',
  motto_more: '消息落盘之后才算发出，并按次序送达。',
  sign_in: '登录',
  sign_up: '注册',
  sign_out: '退出登录',
  to_sign_up: '第一次来？注册一个账号',
  to_sign_in: '已有账号？登录',
  user_id: '用户名',
  user_id_hint: '别人通过它找到你，之后不能更改。',
  display_name: '显示名称（可选）',
  password: '密码',
  show_password: '显示密码',
  working: '请稍候…',
  language: '语言',
  chats: '会话',
  find: '查找联系人',
  find_clear: '清除搜索',
  people: '联系人',
  found: ({ n }) => (n === 0 ? '没有找到' : `找到 ${n} 人`),
  nobody: '没有找到这个人。',
  nobody_hint: '按用户名或名称的开头查找。',
  no_chats: '还没有会话',
  no_chats_hint: '在上方找一个人，打个招呼吧。',
  loading_chats: '加载中…',
  pick: '选择一个会话',
  pick_hint: '或者找一个人，开始聊天。',
  back: '返回会话列表',
  messages_with: ({ name }) => `与${name}的消息`,
  write: ({ name }) => `写给${name}`,
  write_short: '写消息',
  send: '发送',
  keys: 'Enter 发送，Shift + Enter 换行',
  newest: '回到最新消息',
  begin: ({ name }) => `你与${name}的会话从这里开始。`,
  loading_older: '正在加载更早的消息…',
  load_failed: '消息加载失败。',
  again: '重试',
  discard: '丢弃',
  you: '我',
  unread: ({ n }) => `${n} 条未读消息`,
  new_messages: '新消息',
  said: ({ name, text }) => `${name}：${text}`,
  not_text: ({ kind }) => `[${kind}]`,
  online: '在线',
  away: '离开',
  offline: '离线',
  last_seen: ({ when }) => `${when}在线`,
  just_now: '刚刚',
  today: '今天',
  yesterday: '昨天',
  status_sending: '发送中',
  status_waiting: '等待连接',
  status_stored: '已存储',
  status_delivered: '已送达',
  status_read: '已读',
  status_failed: '未发送',
  failed_why: ({ why }) => `未发送：${why}`,
  too_long: ({ n }) => `超出 ${n} 字节`,
  connecting: '正在连接…',
  syncing: '正在同步…',
  waiting: ({ s }) => (s > 0 ? `连接已断开，${s} 秒后重试。` : '连接已断开，正在重试…'),
  outbox: ({ n }) => `${n} 条消息等待发送。`,
  try_now: '立即重试',
  back_online: '已重新连接',
  replaced: '你已在别处登录，此会话已结束。',
  resume: '在此处使用',
  signed_out_why: '登录已失效，请重新登录。',
  error_login_failed: '用户名或密码错误。',
  error_exists: '这个用户名已被使用。',
  error_registration_closed: '此服务器只由管理员开设账号。',
  error_rate_limited: '尝试次数过多，请稍后再试。',
  error_network: '无法连接服务器。',
  error_not_found: '此人已不存在。',
  error_denied: '没有权限。',
  error_not_member: '你不是此会话的成员。',
  error_too_large: '消息太长。',
  error_other: ({ message }) => `操作失败：${message}`,
};

export const languages = { en: 'English', zh: '中文' };
const tables = { en, zh };
const key = 'nuncio:language';
let current = 'en';

/** The stored choice, else what the browser prefers. */
export function chooseLanguage(stored, preferred) {
  if (tables[stored]) return stored;
  return /^zh\b/i.test(preferred ?? '') ? 'zh' : 'en';
}

export function initLanguage() {
  current = chooseLanguage(localStorage.getItem(key), navigator.language);
  document.documentElement.lang = current === 'zh' ? 'zh-Hans' : 'en';
}

export function setLanguage(language) {
  localStorage.setItem(key, language);
  initLanguage();
}

export const language = () => current;
/** For Intl. */
export const locale = () =>
  current === 'zh' ? 'zh-CN' : navigator.language?.startsWith('en') ? navigator.language : 'en';

/** The text for a key. */
export function t(name, variables = {}) {
  const text = tables[current][name] ?? en[name];
  return typeof text === 'function' ? text(variables) : text;
}

/** What to tell a person about an error. */
export function explain(error) {
  return en[`error_${error?.reason}`]
    ? t(`error_${error.reason}`)
    : t('error_other', { message: error?.message ?? '' });
}

/** Both tables, for the tests. */
export const texts = tables;
