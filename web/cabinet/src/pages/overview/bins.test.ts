import { expect, test } from 'vitest';
import { bins } from './bins';

test('a square is a talk while there are few', () => {
  expect(bins([{ second: 12, talks: 2, late: 0 }, { second: 7, talks: 1, late: 0 }], 60, 11)).toEqual({ each: 1, columns: [{ second: 7, squares: 1, late: 0 }, { second: 12, squares: 2, late: 0 }] });
});

test('a square stands for several where a column would be too high', () => {
  const { each, columns } = bins([{ second: 20, talks: 45, late: 0 }, { second: 21, talks: 1, late: 0 }], 60, 11);
  expect([each, ...columns.map((column) => column.squares)]).toEqual([5, 9, 1]);
});

test('what is later than the picture stands at its end', () => {
  expect(bins([{ second: 59, talks: 1, late: 0 }, { second: 300, talks: 2, late: 2 }], 60, 11).columns).toEqual([{ second: 59, squares: 3, late: 2 }]);
});
