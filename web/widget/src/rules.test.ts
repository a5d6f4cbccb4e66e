// The page and the service read rules alike: ten thousand visits of dice, decided by the service's own reading.

import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { decide, type Facts, type Rule } from './rules.ts';

interface Site {
  scenarios: Rule[][];
  visits: [Facts, [number, number] | null][];
}

it('decides as the service does', { timeout: 600_000 }, () => {
  // Built with all of the workspace, as the tests have built it already.
  const built = execFileSync('cargo', ['build', '--quiet', '--workspace', '--example', 'visits', '--message-format=json'], { maxBuffer: 64 << 20, encoding: 'utf8' });
  const program = built.match(/"executable":"([^"]+visits)"/)?.[1] ?? '';
  const told = execFileSync(program, { maxBuffer: 64 << 20, encoding: 'utf8' });
  const sites = told.trim().split('\n').map((line) => JSON.parse(line) as Site);
  const count = { all: 0, found: 0 };
  for (const { scenarios, visits } of sites) {
    for (const [facts, found] of visits) {
      expect(decide(scenarios, facts), JSON.stringify({ scenarios, facts })).toEqual(found);
      count.all += 1;
      if (found) count.found += 1;
    }
  }
  expect(count.all).toBe(10_000);
  // As many are shown something as not, or so: else the dice say little.
  expect(count.found).toBeGreaterThan(3_000);
  expect(count.found).toBeLessThan(7_000);
});
