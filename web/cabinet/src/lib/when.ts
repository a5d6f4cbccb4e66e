// Instants and dates for reading, by the reader's language and the company's zone.

export interface Where {
  language: string;
  zone: string;
}

const made = new Map<string, Intl.DateTimeFormat>();

function form({ language, zone }: Where, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const locale = language === 'en' ? 'en-GB' : language;
  const key = locale + zone + JSON.stringify(options);
  let found = made.get(key);
  if (!found) {
    try {
      found = new Intl.DateTimeFormat(locale, { timeZone: zone, ...options });
    } catch {
      // A zone that this browser does not know: better the browser's own than nothing.
      found = new Intl.DateTimeFormat(locale, options);
    }
    made.set(key, found);
  }
  return found;
}

/** `14:21` */
export const time = (at: string, where: Where): string => form(where, { hour: '2-digit', minute: '2-digit' }).format(new Date(at));
/** `14:21:07` */
export const exact = (at: string, where: Where): string => form(where, { hour: '2-digit', minute: '2-digit', second: '2-digit' }).format(new Date(at));
/** `20 ноября` */
export const day = (at: string, where: Where): string => form(where, { day: 'numeric', month: 'long' }).format(new Date(at));
/** `20 нояб.` */
export const shortDay = (at: string, where: Where): string => form(where, { day: 'numeric', month: 'short' }).format(new Date(at));
/** `20 нояб. 2026`; a date without a time has no zone, and what is none stays as it is. */
export function wholeDay(text: string, language: string): string {
  const at = new Date(`${text}T12:00:00Z`);
  return Number.isNaN(at.getTime()) ? text : form({ language, zone: 'UTC' }, { day: 'numeric', month: 'short', year: 'numeric' }).format(at).replace(/\s?г\.$/, '');
}
/** `20 ноября, 14:21` */
export const both = (at: string, where: Where): string => `${day(at, where)}, ${time(at, where)}`;
/** `31 декабря 2026, четверг`; a date without a time has no zone. */
export function date(text: string, language: string): string {
  const at = new Date(`${text}T12:00:00Z`);
  if (Number.isNaN(at.getTime())) return text;
  const where = { language, zone: 'UTC' };
  const whole = form(where, { day: 'numeric', month: 'long', year: 'numeric' }).format(at).replace(/\s?г\.$/, '');
  return `${whole}, ${form(where, { weekday: 'long' }).format(at)}`;
}
/** `2026-11-20`, in the zone. */
export const isoDay = (at: string, where: Where): string => form({ ...where, language: 'sv' }, { year: 'numeric', month: '2-digit', day: '2-digit' }).format(new Date(at));

/** `2:08`, `1:02:08`. */
export function clock(seconds: number): string {
  const s = Math.round(seconds);
  const [h, m, rest] = [Math.floor(s / 3600), Math.floor((s % 3600) / 60), String(s % 60).padStart(2, '0')];
  return h ? `${h}:${String(m).padStart(2, '0')}:${rest}` : `${m}:${rest}`;
}

/** `UTC+3`, `UTC+5:30`. */
export function offset(zone: string, language: string): string {
  const parts = form({ language: 'en', zone }, { timeZoneName: 'longOffset' }).formatToParts(new Date());
  const found = parts.find((part) => part.type === 'timeZoneName')?.value.replace('GMT', 'UTC').replace(/([+-])0(\d)/, '$1$2').replace(':00', '') ?? 'UTC';
  return language === 'ru' ? found.replace('-', '−') : found;
}

/** `14–20 ноября`, `20 ноября`; dates without a time. */
export function days(from: string, to: string, language: string): string {
  const locale = language === 'en' ? 'en-GB' : language;
  const [first, last] = [from, to].map((text) => new Date(`${text}T12:00:00Z`)) as [Date, Date];
  const year = last.getUTCFullYear() === new Date().getUTCFullYear() ? {} : { year: 'numeric' as const };
  return new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'long', timeZone: 'UTC', ...year }).formatRange(first, last).replace(/\s?г\.$/, '');
}

/** The name of a day, of a week by its first day, or of a month, by its date: `сб 14`, `14 нояб.`, `ноябрь`. */
export function step(text: string, of: 'day' | 'week' | 'month', language: string): string {
  const options: Record<typeof of, Intl.DateTimeFormatOptions> = { day: { weekday: 'short', day: 'numeric' }, week: { day: 'numeric', month: 'short' }, month: { month: 'short', year: '2-digit' } };
  return form({ language, zone: 'UTC' }, options[of]).format(new Date(`${text}T12:00:00Z`)).replace(/\s?г\.$/, '').replace(',', '');
}
