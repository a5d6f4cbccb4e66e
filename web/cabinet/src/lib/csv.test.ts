import { expect, it } from 'vitest';
import { read, write } from './csv';

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

it('writes a formula as text', () => {
  expect(write([{ what: '+79095550112', note: '=HYPERLINK("x")', until: null }])).toContain(`"'=HYPERLINK(""x"")"`);
});
