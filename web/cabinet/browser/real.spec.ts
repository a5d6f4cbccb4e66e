// The widget on pages that nobody here wrote: it comes, takes a number, goes, and each page stays as it was.

import { resolve } from 'node:path';
import type { Page } from '@playwright/test';
import { expect, openShadows, test } from './cabinet';

const PAGES = [
  'startbootstrap-agency/dist/index.html', 'startbootstrap-business-casual/dist/index.html', 'startbootstrap-clean-blog/dist/index.html', 'startbootstrap-creative/dist/index.html',
  'startbootstrap-freelancer/dist/index.html', 'startbootstrap-grayscale/dist/index.html', 'startbootstrap-landing-page/dist/index.html', 'startbootstrap-sb-admin-2/index.html',
  'html5-boilerplate/dist/index.html', 'reveal.js/index.html', 'swagger-ui-dist/index.html',
];

// What these pages say of themselves, and of the fonts that they do not get, is not ours.
test.use({ provoked: [/^(?!.*\/w\/)/s] });

/** A page as it is looked at: every element of it, and what it has by now that scripts see. */
interface Watched {
  /** Where each element is, and all that styles say of it, but for the pointer: pages hide one that rests. */
  looks(): string[];
  /** The window's own names, and those of the prototypes that everything is made of. */
  names(): string[];
  /** How far anything was pushed about since. */
  shifts(): number;
}

const watched = (page: Page) =>
  page.evaluateHandle((): Watched => {
    const nodes = [...document.querySelectorAll('*')];
    let shifted = 0;
    new PerformanceObserver((list) => list.getEntries().forEach((entry) => (shifted += (entry as unknown as { value: number }).value))).observe({ type: 'layout-shift' });
    return {
      looks: () =>
        nodes.map((node) => {
          const [style, { x, y, width, height }] = [getComputedStyle(node), node.getBoundingClientRect()];
          return `${node.localName}.${node.className} ${x} ${y} ${width} ${height} ${[...style].map((name) => (name === 'cursor' ? '' : style.getPropertyValue(name))).join('|')}`;
        }),
      names: () => [window, Element.prototype, Node.prototype, EventTarget.prototype, Object.prototype, Array.prototype, Function.prototype, Promise.prototype, History.prototype].flatMap((one) => Object.getOwnPropertyNames(one).filter((name) => !/^\d+$/.test(name))),
      shifts: () => shifted,
    };
  });

/** Once nothing moves: what two looks in a row see alike. */
async function still(page: Page, of: Awaited<ReturnType<typeof watched>>): Promise<string[]> {
  let last: string[] = [];
  await expect.poll(async () => {
    const before = last.join('\n');
    last = await of.evaluate((it) => it.looks());
    return last.join('\n') === before;
  }, { timeout: 20_000 }).toBe(true);
  return last;
}

for (const path of PAGES) {
  test(`${path.split('/')[0]} stays as it was`, async ({ page, baseURL }) => {
    await openShadows(page);
    await page.route((url) => url.origin !== new URL(baseURL ?? '').origin, (route) => route.abort());
    await page.route('**/real/**', (route) => route.fulfill({ path: resolve('node_modules', new URL(route.request().url()).pathname.slice('/real/'.length)) }).catch(() => route.abort()));
    await page.goto(`/real/${path}`);
    const it = await watched(page);
    const [looks, names] = [await still(page, it), await it.evaluate((of) => of.names())];

    // As a tag manager puts it there.
    await page.evaluate(() => document.head.append(Object.assign(document.createElement('script'), { src: '/w/practice.js', async: true })));
    const button = page.getByRole('button', { name: 'Перезвоните мне' });
    await expect(button).toBeVisible();
    const same = async (when: string) => {
      const now = await still(page, it);
      expect(now.flatMap((one, at) => (one === looks[at] ? [] : [one.slice(0, 80)])), `${when}: elements that look otherwise`).toEqual([]);
    };
    await same('with the button');
    const address = page.url();
    await button.click();
    const phone = page.getByRole('dialog').getByLabel('Ваш телефон');
    await expect(phone).toBeFocused();
    await same('with the dialog');
    await page.keyboard.type('8916 f?');
    await expect(phone).toHaveValue('8916 f?');
    await page.keyboard.press('Escape');
    await expect(page.getByRole('dialog')).toHaveCount(0);
    await same('after it');
    expect(page.url(), 'no key got through').toBe(address);
    const known = new Set(names);
    expect((await it.evaluate((of) => of.names())).filter((name) => !known.has(name))).toEqual(['CallBack']);
    expect(await it.evaluate((of) => of.shifts())).toBe(0);
  });
}
