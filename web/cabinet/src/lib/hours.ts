// Opening hours: intervals like `09:00-18:00`, several a day; one that ends before it begins goes over midnight.

import type { Day, Week } from './api/types';

export const days: readonly Day[] = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];
/** Intervals of one day, at most. */
export const MOST_INTERVALS = 8;
const DAY = 1440;

export interface Interval {
  from: number;
  to: number;
}

export const emptyWeek = (): Week => ({ mon: [], tue: [], wed: [], thu: [], fri: [], sat: [], sun: [] });
export const officeWeek = (): Week => ({ mon: ['09:00-18:00'], tue: ['09:00-18:00'], wed: ['09:00-18:00'], thu: ['09:00-18:00'], fri: ['09:00-18:00'], sat: [], sun: [] });

/** Minutes of `9:00`, `0900`, `9`; null where it is no time. `24:00` is the day's end. */
export function readTime(text: string): number | null {
  const found = /^\s*(\d{1,2})(?:[:.\s]?(\d{2}))?\s*$/.exec(text);
  if (!found) return null;
  const minutes = Number(found[1]) * 60 + Number(found[2] ?? 0);
  return Number(found[2] ?? 0) < 60 && minutes <= DAY ? minutes : null;
}

export const writeTime = (minutes: number): string => `${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`;

export function readInterval(text: string): Interval | null {
  const [a = '', b = ''] = text.split('-');
  const [from, to] = [readTime(a), readTime(b)];
  return from === null || to === null || from === to ? null : { from, to };
}

export const writeInterval = ({ from, to }: Interval): string => `${writeTime(from)}-${writeTime(to)}`;
export const isOverMidnight = ({ from, to }: Interval): boolean => to < from;

/** `9:00–18:00`, for people. */
export function pretty(text: string): string {
  return text.split('-').map((time) => time.replace(/^0(\d:)/, '$1')).join('–');
}

/** What of a week is open, as bars of a day's 24 hours: its own intervals, and what came over midnight. */
export function bars(week: Week, day: Day): { from: number; to: number; text: string; came: boolean }[] {
  const before = days[(days.indexOf(day) + 6) % 7] ?? 'sun';
  const read = (of: Day) => week[of].flatMap((text) => readInterval(text) ?? []);
  const came = read(before).filter(isOverMidnight).map(({ to }) => ({ from: 0, to, text: '', came: true }));
  const own = read(day).map((interval) => ({ from: interval.from, to: isOverMidnight(interval) ? DAY : interval.to, text: pretty(writeInterval(interval)), came: false }));
  return [...came, ...own].filter(({ from, to }) => to > from).sort((a, b) => a.from - b.from);
}

/** The first two intervals of a day that overlap; null where none do. */
export function overlap(texts: string[]): { a: string; b: string } | null {
  const read = texts.flatMap((text) => {
    const interval = readInterval(text);
    return interval ? [{ text, from: interval.from, to: isOverMidnight(interval) ? interval.to + DAY : interval.to }] : [];
  });
  read.sort((a, b) => a.from - b.from);
  for (const [i, b] of read.entries()) {
    const a = read[i - 1];
    if (a && b.from < a.to) return { a: pretty(a.text), b: pretty(b.text) };
  }
  return null;
}

/** Hours of a week that are open. */
export function hoursOpen(week: Week): number {
  const minutes = days.flatMap((day) => week[day]).flatMap((text) => readInterval(text) ?? []);
  return minutes.reduce((sum, { from, to }) => sum + (to < from ? to + DAY - from : to - from), 0) / 60;
}

/** Days with the same hours, together and in order: [[mon…fri, hours], [sat, hours]]. */
export function grouped(week: Week): { from: Day; to: Day; hours: string[] }[] {
  const groups: { from: Day; to: Day; hours: string[] }[] = [];
  for (const day of days) {
    const last = groups.at(-1);
    if (last && last.hours.join() === week[day].join()) last.to = day;
    else groups.push({ from: day, to: day, hours: week[day] });
  }
  return groups.filter(({ hours }) => hours.length > 0);
}
