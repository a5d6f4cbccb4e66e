import { beforeAll, expect, it, vi } from 'vitest';
import type { Manager } from './api/types';
import { emptyWeek } from './hours';
import { speak } from './i18n/index.svelte';
import { told } from './said';

beforeAll(async () => {
  vi.stubGlobal('document', { documentElement: {} });
  await speak('ru');
});

const anna: Manager = { name: 'Анна', address: '+74955550101', extension: null, extension_delay_s: 2, accept_key: 'auto', on: true, hours: null };
const lines = (from: Manager[], to: Manager[]) => told({ field: 'managers', from, to }).lines?.map((line) => line.replaceAll('\u00a0', ' '));

it('tells what became different of a manager', () => {
  expect(lines([anna], [{ ...anna, address: '+74955550102', on: false, extension: '12', hours: { ...emptyWeek(), mon: ['09:00-15:00'] } }])).toEqual([
    'Выключен: Анна.',
    'Анна, номер: +7 495 555-01-01 → +7 495 555-01-02.',
    'Анна, добавочный: — → 12.',
    'Анна, часы: в часы сайта → пн 9:00–15:00.',
  ]);
  expect(lines([anna], [{ ...anna, name: 'Анна Белова', accept_key: 'no', extension_delay_s: 5 }])).toEqual([
    'Анна Белова, имя: Анна → Анна Белова.',
    'Анна Белова, пауза перед добавочным: 2 с → 5 с.',
    'Анна Белова, просить нажать 1: Когда есть добавочный → Не просить.',
  ]);
});

it('tells the number of a manager that came or went', () => {
  expect(lines([], [anna])).toEqual(['Добавлен номер: Анна, +7 495 555-01-01.']);
  expect(lines([{ ...anna, name: '' }], [])).toEqual(['Убран номер: +7 495 555-01-01.']);
});
