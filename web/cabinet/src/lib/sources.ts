// Filters and sources in words.

import type { CallRow } from './api/types';
import { NO_KEYWORD, type Name } from './filter';
import { maybe, t } from './i18n/index.svelte';
import { pretty } from './phone';
import { region } from './places';

/** «Google, поиск»: who it was, then what kind; what has no name is its kind, and another site is told by its name. */
export function source(kind: string, name: string | null): string {
  const what = maybe(`source.${kind}`, {}, kind);
  if (!name) return what;
  return kind === 'referral' ? name : `${name}, ${what.toLowerCase()}`;
}

/** Where a call came from. */
export const cameFrom = (call: CallRow): string => (call.by === 'visitor' ? (call.came ? source(call.came.kind, call.came.name) : '—') : t(`source.${call.by}`));

/** A keyword as it is told: never one that was hidden. */
export const keyword = (value: string | null): string => (value === null ? t('keyword.none') : value === '' ? t('call.keyword.hidden') : `«${value}»`);

/** Where a visitor came in and where he ordered, by their paths: «/uborka». */
export function pages({ came, page }: CallRow): { landing: string; page: string } {
  const path = (address: string): string => (URL.canParse(address) ? new URL(address).pathname : address);
  return { landing: path(came?.landing || page || ''), page: path(page ?? '') };
}

/** `Пн, 14:00` */
export function hourOfWeek(hour: number, language: string): string {
  // 2024-01-01 was a Monday.
  const at = new Date(Date.UTC(2024, 0, 1 + Math.floor(hour / 24), hour % 24));
  return new Intl.DateTimeFormat(language, { weekday: 'short', hour: '2-digit', minute: '2-digit', timeZone: 'UTC' }).format(at);
}

/** A chosen filter: «Источник: Google, поиск». */
export function inWords(name: Name, search: URLSearchParams, language: string): string {
  const value = search.get(name) ?? '';
  const told: Partial<Record<Name, () => string>> = {
    status: () => value.split(',').map((one) => maybe(`status.${one}`, {}, one)).join(', '),
    reason: () => maybe(`reason.${value}`, {}, value),
    kind: () => source(value, search.get('source')),
    keyword: () => keyword(value === NO_KEYWORD ? null : value),
    campaign: () => value || t('panel.without'),
    page: () => value || t('panel.unknown'),
    device: () => (value ? maybe(`device.${value}`, {}, value) : t('panel.unknown')),
    hour: () => hourOfWeek(Number(value), language),
    number: () => pretty(value),
    region: () => (value ? region(value) : t('panel.unknown')),
  };
  if (name === 'late' || name === 'waiting') return t(`filter.${name}`);
  return `${t(`filter.${name}` as 'filter.status')}: ${told[name]?.() ?? value}`;
}
