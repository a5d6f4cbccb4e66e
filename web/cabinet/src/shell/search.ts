// What can be found: pages, settings, companies, actions; and how a word is looked for.

import type { Role, SiteSummary } from '../lib/api/types';
import { company } from '../lib/company.svelte';
import { siteFields } from '../lib/fields';
import { maybe, t } from '../lib/i18n/index.svelte';
import { sitePages } from '../lib/routes';
import { may, session } from '../lib/session.svelte';
import { setTheme, theme } from '../lib/theme.svelte';

export interface Found {
  group: string;
  title: string;
  sub: string;
  href?: string;
  run?: () => void;
  /** Found, but not listed before something is looked for. */
  hidden?: boolean;
  /** More text that finds it. */
  also?: string;
  /** The title in parts; every second one matched. */
  parts?: string[];
}

/** Pages, settings and actions of a company. */
export function places(c: string, role: Role | null, sites: SiteSummary[], site: SiteSummary | undefined): Found[] {
  const page = (title: string, href: string): Found => ({ group: t('search.pages'), title, sub: '', href });
  const pagesOf = (one: SiteSummary): Found[] => sitePages.map((on) => ({ ...page(t(`page.${on}`), `/c/${c}/sites/${one.key}/${on}`), sub: one.name, also: one.url, hidden: one !== site }));
  const found: Found[] = [];
  if (site && may(role, 'settings')) {
    for (const [field, { page: on }] of Object.entries(siteFields)) {
      const title = maybe(`field.${field}`);
      if (title) found.push({ group: t('search.settings'), title, sub: `${site.name} → ${t(`page.${on}`)}`, href: `/c/${c}/sites/${site.key}/${on}?field=${field}`, also: maybe(`field.${field}.help`) });
    }
  }
  if (role === 'accountant' && !company.now?.is_charged) found.push(page(t('page.start'), `/c/${c}/start`));
  if (may(role, 'calls')) found.push(page(t('page.overview'), `/c/${c}/overview`), page(t('page.calls'), `/c/${c}/calls`), page(t('page.live'), `/c/${c}/live`), page(t('page.analysis'), `/c/${c}/analysis`));
  if (may(role, 'settings')) {
    found.push(page(t('page.sites'), `/c/${c}/sites`));
    // Those of the open site come first.
    if (site) found.push(...pagesOf(site));
    for (const one of sites) if (one !== site) found.push(...pagesOf(one));
    found.push(page(t('page.notices'), `/c/${c}/notices`), page(t('page.company'), `/c/${c}/company`), page(t('page.companyHistory'), `/c/${c}/company/history`));
  }
  if (may(role, 'money') && company.now?.is_charged) found.push(page(t('page.balance'), `/c/${c}/balance`));
  if (may(role, 'change')) found.push(page(t('page.companyVisitors'), `/c/${c}/company/visitors`));
  if (may(role, 'team')) found.push(page(t('page.team'), `/c/${c}/team`));
  found.push(page(t('page.account'), '/account'));
  for (const one of session.me?.memberships ?? []) {
    if (one.number !== c) found.push({ group: t('search.companies'), title: one.company, sub: `ID ${one.number}`, href: `/c/${one.number}`, also: one.number });
  }
  const action = (title: string, run: () => void): Found => ({ group: t('search.actions'), title, sub: '', run });
  found.push(action(t(theme() === 'dark' ? 'search.light' : 'search.dark'), () => setTheme(theme() === 'dark' ? 'light' : 'dark')));
  found.push(action(t('logout'), () => void session.leave()));
  return found;
}

const plain = (text: string): string => text.toLowerCase().replaceAll('ё', 'е');

/** What fits a query, a digit run finds a number from any digit; the best of each group first. */
export function find(query: string, all: Found[], most = 24): Found[] {
  const q = plain(query.trim());
  if (!q) return all.filter((one) => !one.hidden && one.group !== t('search.settings') && one.group !== t('search.calls')).slice(0, most);
  const digits = /^[\d\s()+-]{3,}$/.test(query.trim()) ? q.replace(/\D/g, '').replace(/^8(?=\d{4,})/, '7') : '';
  const hits = all.flatMap((one) => {
    const at = plain(one.title).indexOf(q);
    if (at >= 0) return [{ ...one, parts: [one.title.slice(0, at), one.title.slice(at, at + q.length), one.title.slice(at + q.length)] }];
    const isNumber = digits && (one.also ?? '').replace(/\D/g, '').includes(digits);
    return isNumber || (q.length > 2 && plain(`${one.sub} ${one.also ?? ''}`).includes(q)) ? [one] : [];
  });
  const groups = [...new Set(hits.map((hit) => hit.group))];
  return groups.flatMap((group) => hits.filter((hit) => hit.group === group).slice(0, 8)).slice(0, most);
}
