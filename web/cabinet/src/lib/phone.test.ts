import { expect, it } from 'vitest';
import { bare, isSip, parted, pretty, sameNumber } from './phone';

it.each([
  ['+79165550147', '+7 916 555-01-47'],
  ['+7916•••••47', '+7 916 •••-••-47'],
  ['+442079460123', '+44 20 7946 0123'],
  ['+375291234567', '+375 291 234 567'],
  ['8 (495) 555-01-01', '8 (495) 555-01-01'],
  ['sip:anna@192.0.2.7', 'sip:anna@192.0.2.7'],
])('%s is read as %s', (phone, said) => {
  expect(pretty(phone).replaceAll('\u00a0', ' ')).toBe(said);
});

it('knows the same number in another spelling', () => {
  expect(sameNumber('8 (495) 555-01-01', '+74955550101')).toBe(true);
  expect(sameNumber('', '')).toBe(false);
  expect(sameNumber('SIP:anna@192.0.2.7', 'sip:anna@192.0.2.7')).toBe(true);
  expect(bare('+44 20 7946 0123')).toBe('442079460123');
  expect(isSip(' sips:a@b.example')).toBe(true);
});

it.each([
  ['8 495 123-45-67 доб. 102', '8 495 123-45-67', '102'],
  ['+7 (495) 123-45-67, доб 102', '+7 (495) 123-45-67', '102'],
  ['+74951234567,102', '+74951234567', '102'],
  ['84951234567, 84951234568', '84951234567, 84951234568', null],
  ['sip:reception@pbx.example', 'sip:reception@pbx.example', null],
])('parts %s', (text, address, extension) => expect(parted(text)).toEqual({ address, extension }));
