import { expect, it } from 'vitest';
import { headed } from './table';

const bytes = (text: string) => new Uint8Array(new TextEncoder().encode(text));
const text = (part: Uint8Array) => new TextDecoder().decode(part);

it('parts a sheet from what is told before it, wherever the network cuts', () => {
  const whole = '1000\n2000\n2345\n\nPK\n\nfile';
  for (let cut = 0; cut <= whole.length; cut += 1) {
    const told: number[] = [];
    const take = headed((lines) => told.push(lines));
    const file = [whole.slice(0, cut), whole.slice(cut)].map((part) => text(take(bytes(part)))).join('');
    expect(file, `cut at ${cut}`).toBe('PK\n\nfile');
    expect(told).toEqual([1000, 2000, 2345]);
  }
});
