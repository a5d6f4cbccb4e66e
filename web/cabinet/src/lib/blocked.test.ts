import { expect, it } from 'vitest';
import { fresh, kindOf } from './blocked';

const entries = (...all: string[]) => all.map((what) => ({ what, note: '', until: null }));

it.each([['+79095550112', 'number'], ['+7909555*', 'mask'], ['203.0.113.0/24', 'network'], ['2001:db8::/32', 'network']])('%s is a %s', (what, kind) => {
  expect(kindOf(what)).toBe(kind);
});

it('takes a number once, however it is spelled', () => {
  const list = entries('8 (909) 555-01-12', '+79095550112', '+7909555*', '+7909555', '203.0.113.1', '+7 916 555-01-47');
  expect(fresh(list, entries('+79165550147')).map(({ what }) => what)).toEqual(['8 (909) 555-01-12', '+7909555*', '+7909555', '203.0.113.1']);
});
