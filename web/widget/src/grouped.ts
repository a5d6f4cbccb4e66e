// A number as its country writes it.

/**
 * Digits in groups (`3 3-2-2`). What begins like a number of another country is left as it is; what begins as it is dialled at
 * home, with 0, 1 or 8, is grouped once it is whole: before that nobody knows whether the first digit belongs to it.
 */
export function grouped(typed: string, grouping: string): string {
  const digits = typed.replace(/[\s()-]/g, '');
  const whole = (grouping.match(/\d/g) ?? []).reduce((sum, n) => sum + Number(n), 0);
  const isHome = /^[018]/.test(digits);
  const lead = isHome && digits.length === whole + 1 ? 1 : 0;
  if (/\D/.test(digits) || digits.length - lead > whole || (isHome && digits.length < whole)) return typed;
  let at = lead;
  const rest = grouping.replace(/(\d)(\D*)/g, (_, n: string, between: string) => {
    const group = digits.slice(at, (at += Number(n)));
    return group + (at < digits.length ? between : '');
  });
  return digits.slice(0, lead) + (lead && digits[0] !== '0' ? ' ' : '') + rest;
}
