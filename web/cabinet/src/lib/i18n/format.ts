// Messages in the syntax of ICU, as much of it as the cabinet says: {name}, {n, plural, =0 {…} one {…} other {#…}},
// {role, select, owner {…} other {…}}. CLDR's rules come from Intl.PluralRules.

export type Values = Record<string, string | number>;

type Part = string | { name: string; kind: 'value' | 'plural' | 'select'; cases: Record<string, Part[]> };

const parsed = new Map<string, Part[]>();
const rules = new Map<string, Intl.PluralRules>();

/** Says a message in a language. */
export function format(message: string, values: Values, language: string): string {
  let parts = parsed.get(message);
  if (!parts) parsed.set(message, (parts = parse(message)));
  return say(parts, values, language, null);
}

/** The variables of a message. */
export function variables(message: string): string[] {
  const names = new Set<string>();
  const walk = (parts: Part[]): void => {
    for (const part of parts) {
      if (typeof part === 'string') continue;
      names.add(part.name);
      Object.values(part.cases).forEach(walk);
    }
  };
  walk(parse(message));
  return [...names].sort();
}

function say(parts: Part[], values: Values, language: string, count: number | null): string {
  return parts.map((part) => (typeof part === 'string' ? hashes(part, count, language) : one(part, values, language, count))).join('');
}

const hashes = (text: string, count: number | null, language: string): string =>
  count === null ? text : text.replaceAll('#', count.toLocaleString(language));

function one(part: Exclude<Part, string>, values: Values, language: string, count: number | null): string {
  const value = values[part.name];
  if (part.kind === 'value') {
    if (value === undefined) return `{${part.name}}`;
    return typeof value === 'number' ? value.toLocaleString(language) : isolated(value);
  }
  if (part.kind === 'select') return say(part.cases[String(value)] ?? part.cases.other ?? [], values, language, count);
  const n = Number(value);
  const chosen = part.cases[`=${n}`] ?? part.cases[rule(language).select(n)] ?? part.cases.other ?? [];
  return say(chosen, values, language, n);
}

const OTHER_WAY = /[\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}\p{Bidi_Control}]/u;

/** Text that runs the other way does so for itself, and turns nothing around it (Unicode UAX 9, FSI and PDI). */
const isolated = (text: string): string => (OTHER_WAY.test(text) ? `\u2068${text}\u2069` : text);

function rule(language: string): Intl.PluralRules {
  let found = rules.get(language);
  if (!found) rules.set(language, (found = new Intl.PluralRules(language)));
  return found;
}

function parse(message: string): Part[] {
  let at = 0;

  function body(nested: boolean): Part[] {
    const parts: Part[] = [];
    let text = '';
    while (at < message.length && !(nested && message[at] === '}')) {
      if (message[at] === '{') {
        if (text) parts.push(text);
        text = '';
        at += 1;
        parts.push(argument());
      } else {
        text += message[at];
        at += 1;
      }
    }
    if (text) parts.push(text);
    return parts;
  }

  function word(): string {
    const from = at;
    while (at < message.length && !/[,{}\s]/.test(message[at] ?? '')) at += 1;
    const found = message.slice(from, at);
    while (/[,\s]/.test(message[at] ?? '')) at += 1;
    return found;
  }

  function argument(): Part {
    const name = word();
    if (message[at] === '}') {
      at += 1;
      return { name, kind: 'value', cases: {} };
    }
    const kind = word() as 'plural' | 'select';
    const cases: Record<string, Part[]> = {};
    while (at < message.length && message[at] !== '}') {
      const key = word();
      at += 1;
      cases[key] = body(true);
      at += 1;
      while (/\s/.test(message[at] ?? '')) at += 1;
    }
    at += 1;
    return { name, kind, cases };
  }

  return body(false);
}
