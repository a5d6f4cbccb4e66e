// Scenarios of the widget: what a rule may ask, and how it is said.

import type { Rule, Scenario } from './api/types';
import { language, t, type Key } from './i18n/index.svelte';
import { country } from './places';

/** How a part of a rule is written: a choice of words, masks, a number, a name, a pair of hours, a switch. */
export type Kind = 'words' | 'masks' | 'number' | 'name' | 'hours' | 'switch' | 'visitor' | 'variables';

interface About {
  kind: Kind;
  /** Of whom is asked; else it is the moment. */
  isWho?: true;
  /** What it begins with. */
  begin: Rule[keyof Rule];
  max?: number;
  unit?: Key;
  words?: readonly string[];
  /** As a compiled rule calls it. */
  fact: string;
}

export const sources = ['search', 'ad', 'direct', 'social', 'messenger', 'email', 'referral', 'ai', 'internal'] as const;
export const devices = ['phone', 'tablet', 'computer'] as const;
const DAY_S = 86_400;

export const parts: Record<keyof Rule, About> = {
  source: { kind: 'words', isWho: true, begin: ['search'], words: sources, fact: 'source' },
  keyword: { kind: 'masks', isWho: true, begin: [], fact: 'keyword' },
  page: { kind: 'masks', isWho: true, begin: ['/*'], fact: 'page' },
  device: { kind: 'words', isWho: true, begin: ['phone'], words: devices, fact: 'device' },
  country: { kind: 'masks', isWho: true, begin: [], fact: 'country' },
  visitor: { kind: 'visitor', isWho: true, begin: 'returning', fact: 'visitor' },
  hours: { kind: 'hours', isWho: true, begin: [9, 18], fact: 'hour' },
  since_order_days: { kind: 'number', isWho: true, begin: 30, max: 3_650, unit: 'rule.days', fact: 'order_days' },
  variables: { kind: 'variables', isWho: true, begin: {}, fact: '$' },
  exit: { kind: 'switch', begin: true, fact: 'exit' },
  active_s: { kind: 'number', begin: 30, max: DAY_S, unit: 'unit.second.short', fact: 'active' },
  within_s: { kind: 'number', begin: 60, max: DAY_S, unit: 'unit.second.short', fact: 'active' },
  score: { kind: 'number', begin: 60, max: 10_000, fact: 'score' },
  pages: { kind: 'number', begin: 3, max: 1_000, fact: 'pages' },
  depth: { kind: 'number', begin: 70, max: 100, unit: 'rule.percent', fact: 'depth' },
  idle_s: { kind: 'number', begin: 20, max: DAY_S, unit: 'unit.second.short', fact: 'idle' },
  return_s: { kind: 'number', begin: 10, max: DAY_S, unit: 'unit.second.short', fact: 'away' },
  event: { kind: 'name', begin: '', fact: 'event' },
};
export const partNames = Object.keys(parts) as (keyof Rule)[];

/** The part that a compiled rule's fact is of. */
export const partOf = (fact: string): keyof Rule => (fact.startsWith('$') ? 'variables' : (partNames.find((name) => parts[name].fact === fact) ?? 'exit'));

const list = (items: string[]): string => new Intl.ListFormat(language(), { type: 'disjunction' }).format(items);
const quoted = (masks: string[]): string => list(masks.map((mask) => `«${mask}»`));

/** A part of a rule in words: «пришёл из поиска». */
export function said(name: keyof Rule, value: Rule[keyof Rule]): string {
  if (name === 'visitor') return t(`rule.visitor.${value as 'new'}`);
  if (name === 'source') return t('rule.source', { list: list((value as string[]).map((one) => t(`source.${one}` as Key).toLowerCase())) });
  if (name === 'device') return t('rule.device', { list: list((value as string[]).map((one) => t(`device.${one}` as Key).toLowerCase())) });
  if (name === 'country') return t('rule.country', { list: list((value as string[]).map(country)) });
  if (name === 'hours') return t('rule.hours', { from: (value as number[])[0] ?? 0, until: (value as number[])[1] ?? 24 });
  if (name === 'variables') return Object.entries(value as Record<string, string[]>).map(([variable, masks]) => t('rule.variables', { name: variable, list: quoted(masks) })).join(', ');
  if (name === 'exit') return t('rule.exit');
  if (name === 'event') return t('rule.event', { name: String(value) });
  if (Array.isArray(value)) return t(`rule.${name}` as 'rule.keyword', { list: quoted(value as string[]) });
  return t(`rule.${name}` as 'rule.score', { n: Number(value) });
}

/** A rule as one sentence: whom, and when. */
export function sentence(rule: Rule): string {
  const has = (name: keyof Rule): boolean => rule[name] !== undefined && rule[name] !== false;
  const told = (isWho: boolean): string[] => partNames.filter((name) => has(name) && !!parts[name].isWho === isWho).map((name) => said(name, rule[name]));
  return [told(true), told(false)].map((all) => all.join(', ')).filter(Boolean).join(' → ');
}

/** A scenario that is added. */
export const blank = (): Scenario => ({ key: crypto.getRandomValues(new Uint32Array(1))[0]?.toString(36) ?? 'new', name: t('scenarios.new'), on: false, content: {}, rules: [{ exit: true }] });
