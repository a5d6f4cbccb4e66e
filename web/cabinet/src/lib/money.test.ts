import { describe, expect, it } from 'vitest';
import { money, price } from './money';

const plain = (text: string): string => text.replace(/[\u00a0\u202f]/g, ' ');

describe('money', () => {
  it.each([
    ['1240.160000', 'ru', '1 240,16 ₽'],
    ['-8.884000', 'ru', '−8,88 ₽'],
    ['-0.000001', 'ru', '0,00 ₽'],
    ['1240.160000', 'en', '₽1,240.16'],
    ['-8.880000', 'en', '−₽8.88'],
  ])('%s in %s', (amount, language, said) => {
    expect(plain(money(amount, 'RUB', language))).toBe(said);
  });
  it('says what came in', () => {
    expect(plain(money('1000.000000', 'RUB', 'ru', true))).toBe('+1 000,00 ₽');
    expect(plain(money('0.000000', 'RUB', 'ru', true))).toBe('0,00 ₽');
  });
  it('has the coins of its currency', () => {
    expect(plain(money('1500.000000', 'JPY', 'en'))).toBe('¥1,500');
  });
  it('shows a price finer than coins', () => {
    expect(plain(price('1.105000', 'RUB', 'ru'))).toBe('1,105 ₽');
    expect(plain(price('2.000000', 'RUB', 'ru'))).toBe('2,00 ₽');
  });
});
