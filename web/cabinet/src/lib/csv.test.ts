import { expect, it } from 'vitest';
import { decode, read, write } from './csv';

const list = [
  { what: '+790955501*', note: 'спам; "14" заявок, за час', until: '2026-12-20' },
  { what: '203.0.113.0/24', note: '', until: null },
];

it('reads what it wrote', () => {
  expect(read(write(list))).toEqual(list);
});

it('reads a spreadsheet with semicolons and dates of here, without a head', () => {
  expect(read('+79095550112;звонит ночью;1.2.2027\r\n;пусто;\n')).toEqual([{ what: '+79095550112', note: 'звонит ночью', until: '2027-02-01' }]);
});

it('reads what a Russian Excel writes, under a head of its own', () => {
  const bytes = new Uint8Array([0xca, 0xee, 0xe3, 0xee, 0x3b, 0xcf, 0xee, 0xf7, 0xe5, 0xec, 0xf3, 0x0d, 0x0a, ...Buffer.from('+79095550112;'), 0xf1, 0xef, 0xe0, 0xec, 0x0d, 0x0a]);
  expect(decode(bytes)).toBe('Кого;Почему\r\n+79095550112;спам\r\n');
  expect(read(decode(bytes))).toEqual([{ what: '+79095550112', note: 'спам', until: null }]);
  expect(decode(new TextEncoder().encode('Кого;Почему'))).toBe('Кого;Почему');
});

it('writes a formula as text', () => {
  expect(write([{ what: '+79095550112', note: '=HYPERLINK("x")', until: null }])).toContain(`"'=HYPERLINK(""x"")"`);
});
