import { expect, it } from 'vitest';
import { initial } from './initial';

it.each([['ромашка', 'Р'], ['🌷 Цветы', '🌷'], [' ليلى', 'ل'], ['', '']])('%s', (name, letter) => {
  expect(initial(name)).toBe(letter);
});
