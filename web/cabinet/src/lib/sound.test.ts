import { expect, it } from 'vitest';
import { wav } from './sound';

it('writes samples as a WAV file that says what it is', () => {
  const file = new DataView(wav(new Float32Array([0, 1, -1, 0.5, 7]), 8000));
  const text = (at: number, length: number) => String.fromCharCode(...new Uint8Array(file.buffer, at, length));
  expect([text(0, 4), text(8, 8), text(36, 4)]).toEqual(['RIFF', 'WAVEfmt ', 'data']);
  expect([file.getUint32(4, true), file.getUint32(40, true), file.byteLength]).toEqual([46, 10, 54]);
  expect([file.getUint16(22, true), file.getUint32(24, true), file.getUint16(34, true)]).toEqual([1, 8000, 16]);
  expect([0, 1, 2, 3, 4].map((i) => file.getInt16(44 + i * 2, true))).toEqual([0, 32767, -32767, 16384, 32767]);
});
