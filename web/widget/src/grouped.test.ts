import { expect, it } from 'vitest';
import { grouped } from './grouped.ts';

it.each([
  ['9', '9'], ['9161', '916 1'], ['9161234567', '916 123-45-67'], ['(916) 123 45 67', '916 123-45-67'], ['916 ', '916'],
  // Of 8 nobody knows yet what it is.
  ['8916', '8916'], ['89161234567', '8 916 123-45-67'], ['8005553535', '800 555-35-35'], ['88005553535', '8 800 555-35-35'],
  // Another country's, too long, no number: as it was written.
  ['+7 916 123-45-67', '+7 916 123-45-67'], ['916123456789', '916123456789'], ['восемь', 'восемь'], ['', ''],
])('%s in Russia', (typed, written) => expect(grouped(typed, '3 3-2-2')).toBe(written));

it('keeps the 0 of home before its group', () => expect(grouped('07400123456', '4 6')).toBe('07400 123456'));
