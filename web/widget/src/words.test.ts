import { expect, it } from 'vitest';
import enCall from './en.call.ts';
import en from './en.ts';
import ruCall from './ru.call.ts';
import ru from './ru.ts';
import { fill, seconds } from './words.ts';

const flat = (words: object, path = ''): [string, string][] =>
  Object.entries(words).flatMap(([name, value]) => (typeof value === 'string' ? [[path + name, value]] : typeof value === 'object' ? flat(value as object, `${path}${name}.`) : []));
const names = (text: string): string[] => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? '').sort();

it('says the same in both languages, with the same left to be filled in', () => {
  const [one, two] = [flat([ru, ruCall]), flat([en, enCall])];
  expect(one.map(([path]) => path)).toEqual(two.map(([path]) => path));
  for (const [i, [path, text]] of one.entries()) expect(names(text), path).toEqual(names(two[i]?.[1] ?? ''));
});

it.each([[1, '1 секунду'], [22, '22 секунды'], [29, '29 секунд']])('%d', (n, said) => expect(seconds(new Intl.RelativeTimeFormat('ru', { numeric: 'auto' }), n).replace('\u00a0', ' ')).toBe(said));

it('fills in what it knows', () => expect(fill('{a} и {b}', { a: '1' })).toBe('1 и {b}'));
