import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import en from './en.json';
import { format, variables } from './format';
import ru from './ru.json';

describe('messages', () => {
  it('have the same keys in both languages', () => {
    expect(Object.keys(en)).toEqual(Object.keys(ru));
  });

  it('have the same variables in both languages', () => {
    const differ = Object.keys(ru).filter((key) => String(variables(ru[key as keyof typeof ru])) !== String(variables(en[key as keyof typeof en])));
    expect(differ).toEqual([]);
  });

  it('have every plural form that the language needs', () => {
    const needed = { ru: ['one', 'few', 'many', 'other'], en: ['one', 'other'] };
    for (const [language, words] of [['ru', ru], ['en', en]] as const) {
      for (const [key, message] of Object.entries(words)) {
        if (!message.includes(', plural,') || /=0 \{[^}]*\} other/.test(message)) continue;
        for (const form of needed[language]) expect(message, `${language} ${key}`).toContain(`${form} {`);
      }
    }
  });

  it('are all that the source asks for', () => {
    const files = (dir: string): string[] => readdirSync(dir, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? files(join(dir, entry.name)) : [join(dir, entry.name)]));
    const asked = files('src').filter((name) => /\.(svelte|ts)$/.test(name) && !name.includes('.test.')).flatMap((name) => [...readFileSync(name, 'utf8').matchAll(/\bt\('([^'$]+)'/g)].map((found) => found[1] ?? ''));
    expect(asked.filter((key) => !(key in ru))).toEqual([]);
  });
});

describe('format', () => {
  const message = '{n, plural, one {# изменение} few {# изменения} many {# изменений} other {# изменения}} в черновике';
  it.each([[1, '1 изменение'], [2, '2 изменения'], [5, '5 изменений'], [11, '11 изменений'], [21, '21 изменение'], [1.5, '1,5 изменения']])('%d', (n, said) => {
    expect(format(message, { n }, 'ru')).toBe(`${said} в черновике`);
  });
  it('takes an exact number before a form', () => {
    expect(format('{n, plural, =0 {none} one {# day} other {# days}}', { n: 0 }, 'en')).toBe('none');
  });
  it('chooses by a word, and fills what is inside', () => {
    expect(format('{role, select, owner {all of {what}} other {some}}', { role: 'owner', what: 'it' }, 'en')).toBe('all of it');
  });
  it('leaves an unknown variable to be seen', () => {
    expect(format('Hello {name}', {}, 'en')).toBe('Hello {name}');
  });
  it('keeps a name that runs the other way to itself', () => {
    expect(format('{name}: 12', { name: 'ليلى' }, 'en')).toBe('\u2068ليلى\u2069: 12');
  });
  it('says script as text', () => {
    expect(format('{name}', { name: '<script>{n}</script>' }, 'en')).toBe('<script>{n}</script>');
  });
});
