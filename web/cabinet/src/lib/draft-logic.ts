// What a draft store decides, without state: which edits are still to be sent, what differs, what is undone.

import type { Change, Problem } from './api/types';

export type Fields = Record<string, unknown>;

/** Whether two values of JSON are the same; the order of keys does not count. */
export function same(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const keys = Object.keys(a);
  if (keys.length !== Object.keys(b).length) return false;
  return keys.every((key) => key in b && same((a as Fields)[key], (b as Fields)[key]));
}

/** Edits that are left when those of `sent` have arrived: what was typed meanwhile stays. */
export function left(pending: Fields, sent: Fields): Fields {
  return Object.fromEntries(Object.entries(pending).filter(([field, value]) => !(field in sent && same(sent[field], value))));
}

/** Top-level fields of a body that differ from what is published. */
export function differences(body: Fields, published: Fields | null): Change[] {
  if (!published) return [];
  const fields = [...new Set([...Object.keys(body), ...Object.keys(published)])];
  return fields
    .filter((field) => !same(body[field] ?? null, published[field] ?? null))
    .map((field) => ({ field, from: published[field] ?? null, to: body[field] ?? null }));
}

/** The problems of one field or of what is in it: `managers` has `managers[2].address`. */
export function problemsAt(problems: Problem[], field: string): Problem[] {
  return problems.filter((problem) => problem.field === field || problem.field.startsWith(`${field}.`) || problem.field.startsWith(`${field}[`));
}

/** The top-level field of a path. */
export const topOf = (path: string): string => path.split(/[.[]/)[0] ?? path;

export interface Undo {
  field: string;
  before: unknown;
}

/** Adds to what can be undone: keystrokes in one field within `within_ms` are one step. */
export function remembered(stack: (Undo & { at: number })[], step: Undo, now: number, within_ms = 1_500): (Undo & { at: number })[] {
  const last = stack.at(-1);
  if (last && last.field === step.field && now - last.at < within_ms && typeof step.before !== 'object') {
    return [...stack.slice(0, -1), { ...last, at: now }];
  }
  return [...stack, { ...step, at: now }].slice(-100);
}

/** Moves a list's item. */
export function moved<T>(list: readonly T[], from: number, to: number): T[] {
  const copy = [...list];
  const [item] = copy.splice(from, 1);
  if (item !== undefined) copy.splice(Math.max(0, Math.min(to, copy.length)), 0, item);
  return copy;
}
