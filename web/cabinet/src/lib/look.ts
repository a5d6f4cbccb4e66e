// How the widget looks: colours that are read, and what is said where nothing is written.

import type { Content, Language } from './api/types';

export const LAYOUTS = ['center', 'corner', 'side', 'sheet', 'bar'] as const;

const channels = (color: string): number[] => [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16));
const luminance = (color: string): number => {
  const [red = 0, green = 0, blue = 0] = channels(color).map((channel) => channel / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
};

/** The contrast of a text on a colour, in black or white, whichever is read better (WCAG 2.2 §1.4.3). */
export const contrast = (color: string): number => Math.max(1.05 / (luminance(color) + 0.05), (luminance(color) + 0.05) / 0.05);

/** Black or white, whichever is read better on it. */
export const readable = (color: string): string => (luminance(color) > 0.179 ? '#000' : '#fff');

/** What a visitor consents to where nothing is written. */
export const consent = (language: Language): string => (language === 'ru' ? 'Даю согласие на обработку телефона для обратного звонка.' : 'I agree that my phone is used for this callback.');

/** The nearest darker colour on which white is read. */
export function mended(color: string): string {
  for (let part = 1; part > 0; part -= 0.02) {
    const darker = `#${channels(color).map((channel) => Math.round(channel * part).toString(16).padStart(2, '0')).join('')}`.toUpperCase();
    if (1.05 / (luminance(darker) + 0.05) >= 4.5) return darker;
  }
  return '#000000';
}

/** What the dialog says where nothing is written. */
export const usual = (language: Language): Content =>
  language === 'ru'
    ? { title: 'Не нашли, что искали?', text: 'Хотите, перезвоним за {seconds}? Ответим на все вопросы.', button: 'Жду звонка', color: '#0B6B55', layout: 'center' }
    : { title: 'Didn’t find it?', text: 'Shall we call you in {seconds}? We’ll answer anything.', button: 'Call me', color: '#0B6B55', layout: 'center' };

/** The nearest of what was written, field by field. */
export const nearest = (...all: Content[]): Content => Object.assign({}, ...all.map((one) => Object.fromEntries(Object.entries(one).filter(([, value]) => value)))) as Content;
