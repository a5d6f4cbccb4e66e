// Time zones and countries that the browser proposes.

import { offset } from './when';

/** The browser's own zone. */
export const ownZone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone || 'Europe/Moscow';

/** All zones of this browser, and one that it may not know. */
export function zones(also: string): string[] {
  const all = Intl.supportedValuesOf('timeZone').filter((zone) => zone.includes('/'));
  return all.includes(also) ? all : [also, ...all];
}

const russianNames: Record<string, string> = {
  'Europe/Moscow': 'Москва', 'Europe/Kaliningrad': 'Калининград', 'Europe/Samara': 'Самара', 'Asia/Yekaterinburg': 'Екатеринбург', 'Asia/Omsk': 'Омск',
  'Asia/Novosibirsk': 'Новосибирск', 'Asia/Krasnoyarsk': 'Красноярск', 'Asia/Irkutsk': 'Иркутск', 'Asia/Yakutsk': 'Якутск', 'Asia/Vladivostok': 'Владивосток',
  'Asia/Magadan': 'Магадан', 'Asia/Kamchatka': 'Камчатка', 'Europe/Minsk': 'Минск', 'Asia/Almaty': 'Алматы', 'Asia/Tbilisi': 'Тбилиси', 'Asia/Yerevan': 'Ереван',
};

/** `Москва, UTC+3`. */
export function zoneName(zone: string, language: string): string {
  const city = (language === 'ru' && russianNames[zone]) || (zone.split('/').pop() ?? zone).replaceAll('_', ' ');
  return `${city}, ${offset(zone, language)}`;
}

/** The country of the browser: by its language's region, else by its zone. */
export function ownCountry(): string {
  for (const tag of navigator.languages) {
    const region = new Intl.Locale(tag).region;
    if (region) return region;
  }
  return ownZone() in russianNames || navigator.language.startsWith('ru') ? 'RU' : 'GB';
}
