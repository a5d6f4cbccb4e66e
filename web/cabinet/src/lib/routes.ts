// The addresses of the cabinet, and which page each is. Pure: the router and its tests read the same table.

import type { Role } from './api/types';

export type Page =
  | 'login' | 'register' | 'confirm' | 'forgot' | 'reset' | 'email' | 'invite'
  | 'home' | 'start' | 'account' | 'overview' | 'calls' | 'live' | 'analysis' | 'sites' | 'installation' | 'scenarios' | 'look' | 'calling' | 'schedule' | 'offices' | 'protection' | 'notices' | 'history' | 'team' | 'company' | 'companyHistory' | 'letters' | 'balance' | 'more' | 'companyVisitors'
  | 'missing';

export interface Place {
  page: Page;
  params: Record<string, string>;
}

const table: [string, Page][] = [
  ['/', 'home'],
  ['/login', 'login'],
  ['/register', 'register'],
  ['/confirm', 'confirm'],
  ['/forgot', 'forgot'],
  ['/reset', 'reset'],
  ['/email', 'email'],
  ['/invite', 'invite'],
  ['/account', 'account'],
  ['/c/:c', 'home'],
  ['/c/:c/start', 'start'],
  ['/c/:c/overview', 'overview'],
  ['/c/:c/calls', 'calls'],
  ['/c/:c/calls/:call', 'calls'],
  ['/c/:c/live', 'live'],
  ['/c/:c/live/:call', 'live'],
  ['/c/:c/analysis', 'analysis'],
  ['/c/:c/sites', 'sites'],
  ['/c/:c/sites/:site', 'calling'],
  ['/c/:c/sites/:site/installation', 'installation'],
  ['/c/:c/sites/:site/scenarios', 'scenarios'],
  ['/c/:c/sites/:site/look', 'look'],
  ['/c/:c/sites/:site/calling', 'calling'],
  ['/c/:c/sites/:site/schedule', 'schedule'],
  ['/c/:c/sites/:site/offices', 'offices'],
  ['/c/:c/sites/:site/protection', 'protection'],
  ['/c/:c/sites/:site/notices', 'notices'],
  ['/c/:c/sites/:site/history', 'history'],
  ['/c/:c/team', 'team'],
  ['/c/:c/notices', 'letters'],
  ['/c/:c/company', 'company'],
  ['/c/:c/company/history', 'companyHistory'],
  ['/c/:c/balance', 'balance'],
  ['/c/:c/balance/:call', 'balance'],
  ['/c/:c/company/visitors', 'companyVisitors'],
  ['/c/:c/more', 'more'],
];

/** Pages that are seen without a login. */
export const open: ReadonlySet<Page> = new Set<Page>(['login', 'register', 'confirm', 'forgot', 'reset', 'email', 'invite']);

/** Pages of one site's settings, in the order of the side rail. */
export const sitePages = ['installation', 'scenarios', 'look', 'calling', 'schedule', 'offices', 'notices', 'protection', 'history'] as const;
export type SitePage = (typeof sitePages)[number];

/** Finds the page of an address. */
export function place(path: string): Place {
  const parts = split(path);
  for (const [pattern, page] of table) {
    const params = fits(split(pattern), parts);
    if (params) return { page, params };
  }
  return { page: 'missing', params: parts[0] === 'c' && parts[1] ? { c: decode(parts[1]) } : {} };
}

const split = (path: string): string[] => path.split('/').filter(Boolean);

function fits(pattern: string[], parts: string[]): Record<string, string> | null {
  if (pattern.length !== parts.length) return null;
  const params: Record<string, string> = {};
  for (const [i, want] of pattern.entries()) {
    const got = parts[i] ?? '';
    if (want.startsWith(':')) params[want.slice(1)] = decode(got);
    else if (want !== got) return null;
  }
  return params;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The first page of a company for whoever has a role in it. */
export const homeOf = (number: string, role: Role | null): string => `/c/${number}/${role === 'accountant' ? 'start' : 'overview'}`;

/** The login that leads back to where somebody was going. */
export function loginBefore(path: string, search: URLSearchParams): string {
  const asked = search.size ? `${path}?${search}` : path;
  return asked === '/' ? '/login' : `/login?next=${encodeURIComponent(asked)}`;
}

/** Where one goes after logging in: inside the cabinet only, never to another host. */
export function afterLogin(asked: string | null): string {
  return asked && /^\/(c\/|account|invite)/.test(asked) && !asked.startsWith('//') ? asked : '/';
}
