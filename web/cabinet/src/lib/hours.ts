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
  return from === null || to === null || from === DAY ? null : { from, to };
}

/** Whether each is an interval. */
export const areRead = (texts: string[]): boolean => texts.every((text) => readInterval(text) !== null);

/** An interval one of whose times is what somebody typed; what is no time stays, to be said wrong and never published. */
export function retimed(text: string, side: 0 | 1, typed: string): string {
  const minutes = readTime(typed);
  const times = text.split('-');
  times[side] = minutes === null ? typed.trim().replaceAll('-', ':') : writeTime(minutes);
  return `${times[0] ?? ''}-${times[1] ?? ''}`;
}

export const writeInterval = ({ from, to }: Interval): string => `${writeTime(from)}-${writeTime(to)}`;
/** From nine to nine is a day. */
export const isOverMidnight = ({ from, to }: Interval): boolean => to <= from;

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
  return minutes.reduce((sum, { from, to }) => sum + (to <= from ? to + DAY - from : to - from), 0) / 60;
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

/** Whether it is open at a minute of a date, until when, and when it opens next; dates are `2026-11-20`. */
export function openAt(week: Week | null, exceptions: { date: string; hours: string[] }[], date: string, minute: number): { open: true; until: number | null } | { open: false; next: { date: string; minute: number } | null } {
  if (!week) return { open: true, until: null };
  const read = (on: string) => (exceptions.find((one) => one.date === on)?.hours ?? week[dayOf(on)]).flatMap((text) => readInterval(text) ?? []).sort((a, b) => a.from - b.from);
  const came = read(shift(date, -1)).filter((one) => isOverMidnight(one) && minute < one.to)[0];
  if (came) return { open: true, until: came.to };
  const inside = read(date).find((one) => one.from <= minute && (isOverMidnight(one) || minute < one.to));
  if (inside) return { open: true, until: inside.to };
  for (let ahead = 0; ahead <= 31; ahead += 1) {
    const on = shift(date, ahead);
    const next = read(on).find((one) => ahead > 0 || one.from > minute);
    if (next) return { open: false, next: { date: on, minute: next.from } };
  }
  return { open: false, next: null };
}

/** The weekday of a date. */
export const dayOf = (date: string): Day => days[(new Date(`${date}T12:00:00Z`).getUTCDay() + 6) % 7] ?? 'mon';

function shift(date: string, by: number): string {
  const at = new Date(`${date}T12:00:00Z`);
  at.setUTCDate(at.getUTCDate() + by);
  return at.toISOString().slice(0, 10);
}
