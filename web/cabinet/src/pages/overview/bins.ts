// Talks by the second at which they began, as columns of squares. Pure.

export interface Column {
  second: number;
  squares: number;
  /** Of them, at the top, those that began later than was promised. */
  late: number;
}

/** Columns no higher than `highest`: a square stands for `each` talks; what is later than the picture is its last column. */
export function bins(seconds: { second: number; talks: number; late: number }[], widest: number, highest: number): { each: number; columns: Column[] } {
  const counts = new Map<number, { talks: number; late: number }>();
  for (const one of seconds) {
    const second = Math.min(one.second, widest - 1);
    const { talks, late } = counts.get(second) ?? { talks: 0, late: 0 };
    counts.set(second, { talks: talks + one.talks, late: late + one.late });
  }
  const each = Math.max(1, Math.ceil(Math.max(0, ...[...counts.values()].map((one) => one.talks)) / highest));
  const columns = [...counts].sort(([a], [b]) => a - b).map(([second, { talks, late }]) => ({ second, squares: Math.ceil(talks / each), late: Math.ceil(late / each) }));
  return { each, columns };
}
