// Telephone numbers for reading. What is typed is read by the server, which knows every country's plan.

import { t } from './i18n/index.svelte';

const NBSP = '\u00a0';

/** What stands in the place of a number that was erased. */
export const isForgotten = (phone: string): boolean => phone.startsWith('forgotten-');

/** A number as people write it: `+7 916 555-01-47`; others in groups of three. A masked digit is kept. */
export function pretty(phone: string): string {
  if (isForgotten(phone)) return t('visitors.forgotten');
  const russian = /^\+7([\d•*]{3})([\d•*]{3})([\d•*]{2})([\d•*]{2})$/.exec(phone);
  if (russian) return `+7${NBSP}${russian[1]}${NBSP}${russian[2]}-${russian[3]}-${russian[4]}`;
  const london = /^\+44(\d{2})(\d{4})(\d{4})$/.exec(phone);
  if (london) return `+44${NBSP}${london.slice(1).join(NBSP)}`;
  const other = /^\+(\d{7,15})$/.exec(phone);
  if (!other) return phone;
  const digits = other[1] ?? '';
  return `+${digits.replace(/(\d{3})(?=\d{2,})/g, `$1${NBSP}`)}`;
}

/** Whether two spellings are the same number, as far as it can be seen here: `8 (495)…` is `+7495…`. */
export function sameNumber(a: string, b: string): boolean {
  return bare(a) !== '' && bare(a) === bare(b);
}

/** Digits with a country, `sip:` addresses in small letters. */
export function bare(text: string): string {
  const trimmed = text.trim().toLowerCase();
  if (isSip(trimmed)) return trimmed;
  const digits = trimmed.replace(/\D/g, '');
  return digits.length === 11 && digits.startsWith('8') ? `7${digits.slice(1)}` : digits;
}

/** A telephone as people write it, with an extension after it: «8 495 123-45-67 доб. 102», of a SIP address nothing. */
export function parted(text: string): { address: string; extension: string | null } {
  // After a mere comma there may be another number.
  const found = isSip(text) ? null : /^(.*\d\)?)[\s,;]*(?:(?:доб(?:авочный)?|вн(?:утр)?|ext(?:ension)?|x|#|;ext=)[.:=\s]*([\d*#]{1,32})|,\s*(\d{1,6}))\s*$/i.exec(text);
  return { address: found?.[1] ?? text.trim(), extension: found?.[2] ?? found?.[3] ?? null };
}

export const isSip = (address: string): boolean => /^sips?:/i.test(address.trim());
