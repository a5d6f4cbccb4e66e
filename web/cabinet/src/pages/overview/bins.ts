// Talks by the second at which they began, as columns of squares. Pure.

export interface Column {
  second: number;
  squares: number;
  /** Later than anything that may be promised. */
  late: boolean;
}

const LONGEST_PROMISE = 60;

/** Columns no higher than `highest`: a square stands for `each` talks; what is later than the picture is its last column. */
export function bins(seconds: { second: number; talks: number }[], widest: number, highest: number): { each: number; columns: Column[] } {
  const talks = new Map<number, number>();
  for (const one of seconds) {
    const second = Math.min(one.second, widest - 1);
    talks.set(second, (talks.get(second) ?? 0) + one.talks);
  }
  const each = Math.max(1, Math.ceil(Math.max(0, ...talks.values()) / highest));
  const columns = [...talks].sort(([a], [b]) => a - b).map(([second, n]) => ({ second, squares: Math.ceil(n / each), late: second >= LONGEST_PROMISE }));
  return { each, columns };
}
