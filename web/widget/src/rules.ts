// Which scenario a visit has come to: the same reading as the service's `behaviour::decide`. A rule is, for each thing that
// is known, what it must be: numbers from, or from and to; or masks in small letters. What is not known holds nobody.

export type Rule = Record<string, number[] | string[]>;
export type Facts = Record<string, number | string | undefined>;

/** Whether a text in small letters is like a mask: `*` stands for any letters or none. */
export const isLike = (mask: string, text: string): boolean => {
  const [first = '', ...parts] = mask.split('*');
  const last = parts.pop();
  if (last === undefined) return text === first;
  if (!text.startsWith(first)) return false;
  let rest = text.slice(first.length);
  for (const part of parts) {
    const at = rest.indexOf(part);
    if (at < 0) return false;
    rest = rest.slice(at + part.length);
  }
  return rest.endsWith(last);
};

const holds = (want: number[] | string[], fact: Facts[string]): boolean => {
  if (typeof fact === 'string') return want.some((mask) => typeof mask === 'string' && isLike(mask, fact.toLowerCase()));
  const [from, to = Infinity] = want as number[];
  return typeof fact === 'number' && typeof from === 'number' && (from > to ? fact >= from || fact <= to : fact >= from && fact <= to);
};

/** The first scenario of which a rule holds, and that rule, by their places. */
export function decide(scenarios: Rule[][], facts: Facts): [scenario: number, rule: number] | null {
  for (const [i, rules] of scenarios.entries()) {
    const at = rules.findIndex((rule) => Object.entries(rule).every(([name, want]) => holds(want, facts[name])));
    if (at >= 0) return [i, at];
  }
  return null;
}
