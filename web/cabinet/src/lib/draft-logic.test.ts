import { describe, expect, it } from 'vitest';
import { differences, left, moved, problemsAt, remembered, same, topOf } from './draft-logic';

it('compares without regard to the order of keys', () => {
  expect(same({ a: [1, { b: null }], c: 'x' }, { c: 'x', a: [1, { b: null }] })).toBe(true);
  expect(same([1, 2], [2, 1])).toBe(false);
  expect(same(null, {})).toBe(false);
});

it('keeps what was typed while the last edit was on its way', () => {
  const sent = { rounds: 3, name: 'a' };
  expect(left({ rounds: 3, name: 'ab', url: 'x' }, sent)).toEqual({ name: 'ab', url: 'x' });
});

it('tells what differs from what is published; a missing field is none', () => {
  expect(differences({ rounds: 3, recording: null }, { rounds: 2 })).toEqual([{ field: 'rounds', from: 2, to: 3 }]);
  expect(differences({ rounds: 3 }, null)).toEqual([]);
});

it('finds the problems inside a field', () => {
  const problem = (field: string) => ({ field, code: 'required', detail: '' });
  const all = ['managers[2].address', 'managers', 'managers_more', 'schedule.mon'].map(problem);
  expect(problemsAt(all, 'managers').map(({ field }) => field)).toEqual(['managers[2].address', 'managers']);
  expect(topOf('managers[2].address')).toBe('managers');
  expect(topOf('schedule.mon')).toBe('schedule');
});

describe('undo', () => {
  it('takes the keystrokes of one field as one step', () => {
    let stack = remembered([], { field: 'name', before: '' }, 0);
    stack = remembered(stack, { field: 'name', before: 'a' }, 300);
    stack = remembered(stack, { field: 'rounds', before: 2 }, 400);
    expect(stack.map(({ field, before }) => [field, before])).toEqual([['name', ''], ['rounds', 2]]);
  });
  it('keeps each edit of a list', () => {
    let stack = remembered([], { field: 'managers', before: [] }, 0);
    stack = remembered(stack, { field: 'managers', before: [1] }, 100);
    expect(stack).toHaveLength(2);
  });
});

it('moves an item, and stays inside the list', () => {
  expect(moved(['a', 'b', 'c'], 2, 0)).toEqual(['c', 'a', 'b']);
  expect(moved(['a', 'b', 'c'], 0, 9)).toEqual(['b', 'c', 'a']);
  expect(moved(['a'], 5, 0)).toEqual(['a']);
});
