// What a page pays, in bytes of gzip -9: the build writes what is measured.

import { readdirSync, readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';

const size = (start: string): number => {
  const name = readdirSync('dist').find((file) => new RegExp(`^${start}[-.]`).test(file) && file.endsWith('.js')) ?? '';
  return gzipSync(readFileSync(`dist/${name}`), { level: 9 }).length;
};

it('is light', () => {
  const [loader, watch, dialog] = [size('loader'), size('watch'), size('dialog')];
  const [words, call] = [Math.max(size('ru'), size('en')), Math.max(size('call.ru'), size('call.en'))];
  expect(loader, 'loader').toBeLessThanOrEqual(2_200);
  expect(watch, 'who watches').toBeLessThanOrEqual(2_250);
  expect(dialog, 'dialog with its styles').toBeLessThanOrEqual(5_550);
  expect(words, 'words of one language').toBeLessThanOrEqual(950);
  expect(call, 'who shows a call, with its words').toBeLessThanOrEqual(4_500);
});
