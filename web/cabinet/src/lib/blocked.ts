// Entries of a blacklist: what each is, and whether two are the same.

import type { Blocked } from './api/types';
import { bare } from './phone';

export type Kind = 'number' | 'mask' | 'network';

export function kindOf(what: string): Kind {
  if (/[/:]|^\d+\.\d+\.\d+/.test(what)) return 'network';
  return /[*•?]/.test(what) ? 'mask' : 'number';
}

/** Those of `list` that neither `known` nor the list itself has already, however they are spelled. */
export function fresh(list: Blocked[], known: Blocked[]): Blocked[] {
  const seen = new Set(known.map(({ what }) => spelling(what)));
  return list.filter(({ what }) => {
    const one = spelling(what);
    return seen.has(one) ? false : seen.add(one);
  });
}

/** The same for `8 (909) 555-01-12` and `+79095550112`. */
export function spelling(what: string): string {
  const kind = kindOf(what);
  if (kind === 'network') return what.trim().toLowerCase();
  // What has no digits at all is kept as it is, for the server to say so.
  return `${bare(what) || what.trim()}${kind === 'mask' ? '*' : ''}`;
}
