import { describe, expect, it } from 'vitest';
import { areRead, bars, emptyWeek, grouped, hoursOpen, officeWeek, openAt, overlap, readInterval, readTime, retimed, writeInterval } from './hours';

it.each([['9', 540], ['9:05', 545], ['0930', 570], ['24:00', 1440], ['24:01', null], ['9:60', null], ['', null], ['девять', null]])('reads the time %s', (text, minutes) => {
  expect(readTime(text)).toBe(minutes);
});

it('reads and writes an interval over midnight', () => {
  const interval = readInterval('22:00-2:00');
  expect(interval).toEqual({ from: 1320, to: 120 });
  expect(interval && writeInterval(interval)).toBe('22:00-02:00');
  expect(hoursOpen({ ...emptyWeek(), mon: ['09:00-09:00'] }), 'from nine to nine').toBe(24);
  expect(readInterval('24:00-2:00')).toBeNull();
});

it('keeps what is typed and is no time, as no interval', () => {
  expect(retimed('09:00-18:00', 0, '930')).toBe('09:30-18:00');
  expect(retimed('09:00-18:00', 1, '25:00')).toBe('09:00-25:00');
  expect(retimed('09:00-18:00', 0, '9--')).toBe('9::-18:00');
  expect(areRead(['09:00-18:00', '19:00-20:00'])).toBe(true);
  expect(areRead(['09:00-18:00', '19:00-25:00'])).toBe(false);
  expect(areRead(['-18:00'])).toBe(false);
});

it('draws what came over midnight on the next day, Sunday to Monday too', () => {
  const week = { ...emptyWeek(), sun: ['22:00-02:00'] };
  expect(bars(week, 'sun')).toEqual([{ from: 1320, to: 1440, text: '22:00–2:00', came: false }]);
  expect(bars(week, 'mon')).toEqual([{ from: 0, to: 120, text: '', came: true }]);
});

it('finds what overlaps, over midnight too', () => {
  expect(overlap(['09:00-13:00', '14:00-18:00'])).toBeNull();
  expect(overlap(['12:00-18:00', '09:00-13:00'])).toEqual({ a: '9:00–13:00', b: '12:00–18:00' });
  expect(overlap(['20:00-02:00', '23:00-23:30'])).toEqual({ a: '20:00–2:00', b: '23:00–23:30' });
});

it('counts and groups hours', () => {
  expect(hoursOpen(officeWeek())).toBe(45);
  expect(hoursOpen({ ...emptyWeek(), sat: ['22:00-02:00'] })).toBe(4);
  expect(grouped(officeWeek())).toEqual([{ from: 'mon', to: 'fri', hours: ['09:00-18:00'] }]);
});

describe('openAt', () => {
  const week = { ...officeWeek(), sat: ['22:00-02:00'] };
  it('is open inside, and closed until the next day', () => {
    expect(openAt(week, [], '2026-11-20', 600)).toEqual({ open: true, until: 1080 });
    expect(openAt(week, [], '2026-11-20', 1080)).toEqual({ open: false, next: { date: '2026-11-21', minute: 1320 } });
  });
  it('is open after midnight by the day before', () => {
    expect(openAt(week, [], '2026-11-22', 60)).toEqual({ open: true, until: 120 });
  });
  it('keeps exceptions, and knows when it never opens', () => {
    expect(openAt(week, [{ date: '2026-11-20', hours: [] }], '2026-11-20', 600)).toEqual({ open: false, next: { date: '2026-11-21', minute: 1320 } });
    expect(openAt(emptyWeek(), [], '2026-11-20', 600)).toEqual({ open: false, next: null });
    expect(openAt(null, [], '2026-11-20', 600)).toEqual({ open: true, until: null });
  });
});
