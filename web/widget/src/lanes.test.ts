import { expect, it } from 'vitest';
import type { Told } from './config.ts';
import { segments } from './lanes.ts';

it('draws a manager who is called first, and waits for the visitor', () => {
  const told: Told = [['accepted', 0], ['calling_manager', 1], ['calling_visitor', 6], ['talking', 14]];
  expect(segments(told, 6, 20)).toEqual({
    visitor: [['ring', 6, 14], ['talk', 14, 20]],
    manager: [['ring', 1, 6], ['up', 6, 14], ['talk', 14, 20]],
  });
});

it('draws both side by side, and a visitor who waits', () => {
  const told: Told = [['calling_manager', 1], ['calling_visitor', 1], ['waiting', 7], ['talking', 12], ['ended', 30]];
  expect(segments(told, null, 40)).toEqual({
    visitor: [['ring', 1, 7], ['up', 7, 12], ['talk', 12, 30]],
    manager: [['ring', 1, 12], ['talk', 12, 30]],
  });
});

it('draws nothing before anybody is called', () => {
  expect(segments([['accepted', 0]], null, 3)).toEqual({ visitor: [], manager: [] });
});
