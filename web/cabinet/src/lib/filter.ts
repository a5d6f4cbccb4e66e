// Which calls a page is about, as its address says it, by the names that the API has. Pure.

export const names = ['period', 'from', 'to', 'site', 'status', 'reason', 'kind', 'source', 'campaign', 'keyword', 'page', 'region', 'device', 'manager', 'hour', 'number', 'late', 'waiting'] as const;
export type Name = (typeof names)[number];
export type Change = Partial<Record<Name | 'order', string | null>>;

/** What of an address could never be asked: it is left out, and nothing is said of it. */
const isReadable: Partial<Record<string, (value: string) => boolean>> = {
  hour: (value) => /^\d{1,3}$/.test(value) && Number(value) < 168,
  late: (value) => value === 'true',
  waiting: (value) => value === 'true',
};

/** What stands in an address of what can be asked for. */
export function asked(search: URLSearchParams): URLSearchParams {
  const found = new URLSearchParams();
  for (const name of [...names, 'order']) {
    const value = search.get(name);
    if (value !== null && (isReadable[name]?.(value) ?? true)) found.set(name, value);
  }
  return found;
}

/** The same with a change, as it stands in an address: `?…`, or nothing. A period is either named or from day to day. */
export function changed(search: URLSearchParams, change: Change): string {
  const found = asked(search);
  if ('period' in change) found.delete('from'), found.delete('to');
  if ('from' in change) found.delete('period');
  for (const [name, value] of Object.entries(change)) value === null ? found.delete(name) : found.set(name, value);
  const text = found.toString();
  return text ? `?${text}` : '';
}

/** The filters that were chosen beside period and site; a kind of source and its name are one. */
export function chips(search: URLSearchParams): Name[] {
  const found = asked(search);
  const chosen = names.filter((name) => !['period', 'from', 'to', 'site'].includes(name) && found.has(name));
  return chosen.filter((name) => name !== 'source' || !found.has('kind'));
}

/** The same days, without any other filter. */
export const anew = (search: URLSearchParams): string => changed(search, Object.fromEntries(names.filter((name) => !['period', 'from', 'to'].includes(name)).map((name) => [name, null])));

/** How the API calls a keyword that there is not. */
export const NO_KEYWORD = '(none)';

/** What is to be taken away with a chip. */
export const without = (name: Name): Change => (name === 'kind' ? { kind: null, source: null } : { [name]: null });
