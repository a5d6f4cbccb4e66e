import { expect, test } from 'vitest';
import { anew, asked, changed, chips, without } from './filter';

const search = (text: string): URLSearchParams => new URLSearchParams(text);

test('an address says what is asked for, and nothing else of it is', () => {
  expect(asked(search('site=k7&utm_source=x&status=connected&order=talk')).toString()).toBe('site=k7&status=connected&order=talk');
});

test('a period is either named or from day to day', () => {
  expect(changed(search('from=2026-11-01&to=2026-11-02&site=k7'), { period: 'week' })).toBe('?site=k7&period=week');
  expect(changed(search('period=week'), { from: '2026-11-01', to: '2026-11-02' })).toBe('?from=2026-11-01&to=2026-11-02');
});

test('an empty keyword is one that was hidden', () => {
  expect(changed(search(''), { keyword: '' })).toBe('?keyword=');
  expect(changed(search('keyword='), { keyword: null })).toBe('');
  expect(chips(search('keyword='))).toEqual(['keyword']);
});

test('a kind of source and its name are one chip', () => {
  expect(chips(search('period=week&site=k7&kind=search&source=Google&manager=A'))).toEqual(['kind', 'manager']);
  expect(changed(search('kind=search&source=Google&manager=A'), without('kind'))).toBe('?manager=A');
});

test('to begin anew leaves the days', () => {
  expect(anew(search('from=2026-10-01&to=2026-10-05&site=k7&device=phone&late=true'))).toBe('?from=2026-10-01&to=2026-10-05');
});
