// Settings and their differences in words: «Ждём трубку: 15 с → 20 с», «Добавили Анну Белову».

import type { Blocked, Change, Content, Exception, KeywordGroup, Manager, Office, Scenario, SiteBody, Week } from './api/types';
import { same } from './draft-logic';
import { siteFields } from './fields';
import { grouped, pretty as prettyHours } from './hours';
import { language, maybe, t, type Key } from './i18n/index.svelte';
import { bare, pretty } from './phone';
import { country } from './places';
import { date } from './when';
import { zoneName } from './zones';

const list = (items: string[]): string => new Intl.ListFormat(language(), { type: 'conjunction' }).format(items);

/** A telephone with its extension, for reading: of `+74951234567;ext=102`. */
export function telephone(text: string): string {
  const [address = '', ext] = text.split(';ext=');
  return ext ? t('telephone.ext', { phone: pretty(address), ext }) : pretty(address);
}

/** A value of a setting. */
export function said(field: string, value: unknown): string {
  const unit = siteFields[field as keyof SiteBody]?.unit;
  if (value === null || value === undefined || value === '') return maybe(`none.${field}`, {}, '—');
  if (typeof value === 'number') return unit === 'minute' ? t('unit.minute', { n: Math.round(value / 60) }) : unit ? t(`unit.${unit}`, { n: value }) : String(value);
  if (typeof value === 'boolean') return t(value ? 'on' : 'off');
  if (field === 'own_recording') return t('recording.is');
  if (field === 'countries' && Array.isArray(value)) return value.length ? list(value.map(String).map(country)) : '—';
  if (field === 'country' || field === 'default_country') return country(String(value));
  if (field === 'time_zone') return zoneName(String(value), language());
  if (field === 'schedule') return saidWeek(value as Week);
  if (Array.isArray(value)) return t('count.items', { n: value.length });
  return maybe(`choice.${field}.${String(value)}`, {}, pretty(String(value)));
}

/** Hours of a week: «пн–пт 9:00–18:00». */
export function saidWeek(week: Week | null): string {
  if (!week) return t('hours.always');
  const parts = grouped(week).map(({ from, to, hours }) => `${t(`day.${from}.short`)}${from === to ? '' : `–${t(`day.${to}.short`)}`} ${hours.map(prettyHours).join(', ')}`);
  return parts.join(' · ') || t('hours.never');
}

export interface Told {
  label: string;
  /** A value that became another one. */
  from?: string;
  to?: string;
  /** What happened to a list. */
  lines?: string[];
}

/** One difference in words. */
export function told(change: Change): Told {
  const label = maybe(`field.${change.field}`, {}, change.field);
  const lists: Record<string, (from: never, to: never) => string[]> = { managers, offices, blocked, exceptions, schedule, missed_emails: emails, scenarios, keyword_groups: groups, content };
  const tell = lists[change.field];
  if (!tell) return { label, from: said(change.field, change.from), to: said(change.field, change.to) };
  return { label, lines: tell(change.from as never, change.to as never) };
}

/** One of two values that a field was given at once: a list by what it has more and less than the other. */
export function beside(field: string, one: unknown, other: unknown): string {
  const { to, lines } = told({ field, from: other, to: one });
  return lines ? lines.join(' ') : (to ?? '');
}

/** A difference on one line, for the draft bar. */
export function oneLine(change: Change): string {
  const { label, from, to, lines } = told(change);
  return lines ? `${label}: ${lines.join(' ')}` : `${label}: ${from} → ${to}`;
}

const known = (manager: Manager): string => manager.name || pretty(manager.address);
/** With the number, for one that is not in a list where it could be seen. */
const whole = (manager: Manager): string => [manager.name, pretty(manager.address)].filter(Boolean).join(', ');

function managers(from: Manager[] | null, to: Manager[] | null): string[] {
  const [old, now] = [from ?? [], to ?? []];
  const twin = (among: Manager[], one: Manager) => among.find((other) => bare(other.address) === bare(one.address)) ?? among.find((other) => other.name === one.name);
  const lines: string[] = [];
  for (const one of now) if (!twin(old, one)) lines.push(t('diff.manager.added', { name: whole(one) }));
  for (const one of old) if (!twin(now, one)) lines.push(t('diff.manager.removed', { name: whole(one) }));
  for (const one of now) {
    const before = twin(old, one);
    if (!before || same(before, one)) continue;
    if (before.on !== one.on) lines.push(t(one.on ? 'diff.manager.on' : 'diff.manager.off', { name: known(one) }));
    lines.push(...managerFields(before, one).map(([field, from, to]) => t('diff.manager.changed', { name: known(one), what: t(`diff.manager.${field}`), from, to })));
  }
  const kept = now.filter((one) => twin(old, one)).map(known);
  const order = old.filter((one) => twin(now, one)).map((one) => known(twin(now, one) ?? one));
  if (!same(kept, order)) lines.push(t('diff.manager.order', { names: now.map(known).join(', ') }));
  return lines;
}

/** What else is different of a manager, before and after. */
function managerFields(before: Manager, now: Manager): ['name' | 'address' | 'extension' | 'pause' | 'key' | 'hours', string, string][] {
  const said = (one: Manager) => ({
    name: one.name || '—',
    address: pretty(one.address),
    extension: one.extension ?? '—',
    pause: t('unit.second', { n: one.extension_delay_s }),
    key: t(`choice.accept_key.${one.accept_key}`),
    hours: one.hours ? saidWeek(one.hours) : t('manager.hours.site'),
  });
  const [from, to] = [said(before), said(now)];
  return (Object.keys(to) as (keyof typeof to)[]).filter((field) => from[field] !== to[field]).map((field) => [field, from[field], to[field]]);
}

function named<T>(from: T[] | null, to: T[] | null, name: (item: T) => string, key: (item: T) => string = name): string[] {
  const [old, now] = [from ?? [], to ?? []];
  const lines: string[] = [];
  for (const one of now) if (!old.some((other) => key(other) === key(one))) lines.push(t('diff.added', { what: name(one) }));
  for (const one of old) if (!now.some((other) => key(other) === key(one))) lines.push(t('diff.removed', { what: name(one) }));
  for (const one of now) {
    const before = old.find((other) => key(other) === key(one));
    if (before && !same(before, one)) lines.push(t('diff.changed', { what: name(one) }));
  }
  return lines.length ? lines : [t('diff.order')];
}

const offices = (from: Office[] | null, to: Office[] | null): string[] => named(from, to, (office) => office.name || t('office.unnamed'));
const scenarios = (from: Scenario[] | null, to: Scenario[] | null): string[] => named(from, to, (one) => one.name || t('scenarios.unnamed'), (one) => one.key);
const groups = (from: KeywordGroup[] | null, to: KeywordGroup[] | null): string[] => named(from, to, (one) => one.name || t('scenarios.unnamed'));

function content(from: Content | null, to: Content | null): string[] {
  const fields = ['title', 'text', 'button', 'color', 'layout'] as const;
  const value = (of: Content | null, field: (typeof fields)[number]): string => (field === 'layout' ? t(`layout.${of?.layout ?? 'center'}`) : (of?.[field] ?? t('content.inherited')));
  return fields.filter((field) => (from?.[field] ?? null) !== (to?.[field] ?? null)).map((field) => `${t(`content.${field}`)}: ${value(from, field)} → ${value(to, field)}.`);
}

const emails = (from: string[] | null, to: string[] | null): string[] => named(from, to, (email) => email);
const blocked = (from: Blocked[] | null, to: Blocked[] | null): string[] => named(from, to, (entry) => pretty(entry.what));
const exceptions = (from: Exception[] | null, to: Exception[] | null): string[] => named(from, to, (one) => date(one.date, language()), (one) => one.date);

function schedule(from: Week | null, to: Week | null): string[] {
  if (!from || !to) return [`${saidWeek(from)} → ${saidWeek(to)}`];
  const days = (Object.keys(to) as (keyof Week)[]).filter((day) => !same(from[day], to[day]));
  const hours = (texts: string[]) => texts.map(prettyHours).join(', ') || t('hours.closed');
  return days.map((day) => `${t(`day.${day}` as Key)}: ${hours(from[day] ?? [])} → ${hours(to[day])}.`);
}
