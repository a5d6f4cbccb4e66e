import { expect, it } from 'vitest';
import { contrast, mended, nearest } from './look';

it.each([['#0B6B55', 6.5], ['#FFFFFF', 21], ['#777777', 4.7], ['#3FC29E', 9.4]])('%s', (color, ratio) => expect(contrast(color)).toBeCloseTo(ratio, 0));

it('mends a colour until white is read on it', () => {
  for (const color of ['#FF8B57', '#8AB4F8', '#FFFFFF', '#FFFF00']) {
    const white = 1.05 / (1.05 / 4.5);
    expect(white).toBeCloseTo(4.5);
    expect(contrast(mended(color)), color).toBeGreaterThanOrEqual(4.5);
  }
  expect(mended('#0B6B55')).toBe('#0B6B55');
});

it('lets the nearest win, field by field', () => expect(nearest({ title: 'a', text: 'b' }, { title: 'c', text: null }, { text: '' })).toEqual({ title: 'c', text: 'b' }));
