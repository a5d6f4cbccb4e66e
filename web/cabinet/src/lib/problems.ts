// What the API refused, in the reader's words.

import { ApiError, Away } from './api/client';
import type { Problem } from './api/types';
import { maybe, t, type Key } from './i18n/index.svelte';
import type { Values } from './i18n/format';

/** What a problem can be called, that has words. */
export type Code<K = Key> = K extends `problem.${infer C}` ? C : never;

/** A problem that the page sees by itself. */
export const seen = (field: string, code: Code, params: Problem['params'] = {}): Problem => ({ field, code, detail: '', params });

/** One wrong field in words; the server's own sentence where the code is not known. */
export function inWords(problem: Problem): string {
  const params: Values = {};
  for (const [name, value] of Object.entries(problem.params ?? {})) {
    params[name] = Array.isArray(value) ? value.join(', ') : typeof value === 'number' ? value : String(value);
  }
  return maybe(`problem.${problem.code}`, params, problem.detail);
}

/** An error as one sentence. */
export function sentence(error: unknown): string {
  if (error instanceof Away) return t('error.away');
  if (!(error instanceof ApiError)) return t('error.unknown');
  const [first] = error.problems;
  if (first) return inWords(first);
  if (error.kind === 'paused') return paused(error);
  return maybe(`error.${error.kind}`, {}, error.status >= 500 ? t('error.unknown') : error.message);
}

/** How long there are no more tries. */
function paused(error: ApiError): string {
  const seconds = error.number('retry_after_s') ?? 60;
  return seconds > 90 ? t('error.paused.minutes', { n: Math.ceil(seconds / 60) }) : t('error.paused.seconds', { n: seconds });
}

/** The words for a field of a form, of an error of its request. */
export function fieldError(error: unknown, field: string): string {
  if (!(error instanceof ApiError)) return '';
  const problem = error.problems.find((one) => one.field === field);
  return problem ? inWords(problem) : '';
}
