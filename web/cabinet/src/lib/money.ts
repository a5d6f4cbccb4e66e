// Money for reading: the service writes exact decimals as texts, people read coins.

const MINUS = '\u2212';

/** `1 240,16 ₽`, `−8,88 ₽`; with `signed` a plus before what comes in. */
export function money(amount: string, currency: string, language: string, signed = false): string {
  return written(amount, language, { style: 'currency', currency, currencyDisplay: 'narrowSymbol', signDisplay: signed ? 'exceptZero' : 'auto' });
}

/** A price, which may be finer than coins: `1,105 ₽`. */
export function price(amount: string, currency: string, language: string): string {
  return written(amount, language, { style: 'currency', currency, currencyDisplay: 'narrowSymbol', maximumFractionDigits: 4 });
}

/** Whether it is nothing. */
export const isNothing = (amount: string): boolean => Number(amount) === 0;

function written(amount: string, language: string, how: Intl.NumberFormatOptions): string {
  const form = new Intl.NumberFormat(language === 'en' ? 'en-GB' : language, how);
  // What is less than half a coin is nothing, and nothing has no sign.
  return form.format(Number(amount)).replace(/-(?=.*[1-9])/, MINUS).replace(/^-/, '');
}
