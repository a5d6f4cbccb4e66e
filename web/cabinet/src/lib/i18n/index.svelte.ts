// The words of the cabinet: one file a language, loaded when it is spoken. Reading `t` in a template follows the language.

import type { Language } from '../api/types';
import { format, type Values } from './format';
import type ru from './ru.json';

export type Key = keyof typeof ru;
type Words = Record<Key, string>;

const files: Record<Language, () => Promise<{ default: Words }>> = {
  ru: () => import('./ru.json'),
  en: () => import('./en.json'),
};

class Speech {
  language = $state<Language>('ru');
  words = $state.raw<Partial<Words>>({});
}

const speech = new Speech();

/** The language that is spoken. */
export const language = (): Language => speech.language;

/** Speaks another language. */
export async function speak(chosen: Language): Promise<void> {
  const file = await files[chosen]();
  speech.words = file.default;
  speech.language = chosen;
  document.documentElement.lang = chosen;
}

/** The language of the browser, where the cabinet has it. */
export function proposed(): Language {
  const known = navigator.languages.map((tag) => tag.slice(0, 2)).find((tag) => tag === 'ru' || tag === 'en');
  return (known as Language | undefined) ?? 'en';
}

/** A text by its key. */
export function t(key: Key, values: Values = {}): string {
  return format(speech.words[key] ?? key, values, speech.language);
}

/** A text whose key is put together; `or` where there is none. */
export function maybe(key: string, values: Values = {}, or = ''): string {
  const message = (speech.words as Record<string, string>)[key];
  return message === undefined ? or : format(message, values, speech.language);
}
