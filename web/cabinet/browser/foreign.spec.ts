// The widget on pages that are hard on it: of the strictest policy, without storage, from right to left, swallowing keys,
// pasted twice, changing without a load, and with the service gone.

import type { Page } from '@playwright/test';
import { accessible, expect, openShadows, test } from './cabinet';

const TALKER = '8 916 555-01-47';
const LINE = '<script async src="/w/practice.js"></script>';

interface Foreign {
  body?: string;
  headers?: Record<string, string>;
  html?: string;
}

/** Opens a page of nobody's, with the line on it; its shadow is opened, so that it can be read. */
async function visit(page: Page, { body = LINE, headers = {}, html = 'lang="ru"' }: Foreign = {}): Promise<void> {
  await openShadows(page);
  await page.route('**/foreign/**', (route) =>
    route.fulfill({ contentType: 'text/html; charset=utf-8', headers, body: `<!doctype html><html ${html}><title>Чужая</title><body><main><h1>Чужая страница</h1><p><input aria-label="Своё поле"></p></main>${body}</body></html>` }),
  );
  await page.goto('/foreign/page');
}

const button = (page: Page) => page.getByRole('button', { name: 'Перезвоните мне' });

/** The offer opens, and takes a number. */
async function offers(page: Page): Promise<void> {
  await button(page).click();
  const dialog = page.getByRole('dialog');
  await expect(dialog.getByText('29 секунд')).toBeVisible();
  await dialog.getByLabel('Ваш телефон').fill(TALKER);
}

test('under the strictest policy it works, and reports nothing', async ({ page }) => {
  const policy = "default-src 'none'; script-src 'nonce-one' 'strict-dynamic'; style-src 'self'; connect-src 'self'; require-trusted-types-for 'script'; trusted-types 'none'";
  await page.addInitScript(() => {
    const seen: string[] = [];
    Object.assign(window, { seen });
    document.addEventListener('securitypolicyviolation', ({ effectiveDirective, blockedURI }) => seen.push(`${effectiveDirective} ${blockedURI}`));
  });
  await visit(page, { body: LINE.replace('<script', '<script nonce="one"'), headers: { 'content-security-policy': policy } });
  await offers(page);
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').getByRole('button', { name: 'Отменить звонок' }).click();
  await expect(page.getByRole('dialog').getByText('Звонок отменён')).toBeVisible();
  expect(await page.evaluate(() => (window as unknown as { seen: string[] }).seen)).toEqual([]);
});

test('where nothing can be stored it remembers for itself', async ({ page }) => {
  await page.addInitScript(() => Object.defineProperty(window, 'localStorage', { get: () => { throw new DOMException('denied', 'SecurityError'); } }));
  await visit(page);
  await offers(page);
});

test('from right to left its cross and its button stand where a line ends', async ({ page }) => {
  await visit(page, { html: 'lang="ar" dir="rtl"' });
  await expect(button(page)).toBeVisible();
  expect((await button(page).boundingBox())?.x ?? 999).toBeLessThan(100);
  await offers(page);
  const [box, cross] = [await page.getByRole('dialog').boundingBox(), await page.getByRole('button', { name: 'Закрыть', exact: true }).boundingBox()];
  expect((cross?.x ?? 0) - (box?.x ?? 0)).toBeLessThan(60);
  await accessible(page, 'right to left');
});

test('a page that swallows keys gets none that are typed in the dialog', async ({ page }) => {
  await page.addInitScript(() => {
    for (const kind of ['keydown', 'keyup', 'keypress']) document.addEventListener(kind, (event) => event.preventDefault());
  });
  await visit(page);
  await button(page).click();
  const phone = page.getByRole('dialog').getByLabel('Ваш телефон');
  await expect(phone).toBeFocused();
  await page.keyboard.type('8916');
  await expect(phone).toHaveValue('8916');
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toHaveCount(0);
});

test('pasted twice it is there once, and adds one name to the page', async ({ page }) => {
  await visit(page, { body: '' });
  const before = await page.evaluate(() => Object.keys(window));
  for (let time = 0; time < 2; time += 1) {
    await page.evaluate(() => new Promise<void>((loaded) => {
      const script = document.createElement('script');
      script.src = '/w/practice.js';
      script.onload = () => loaded();
      document.head.append(script);
    }));
  }
  await expect(button(page)).toHaveCount(1);
  const added = await page.evaluate((known) => Object.keys(window).filter((name) => !known.includes(name)), before);
  expect(added).toEqual(['CallBack']);
});

test('a page that changes without a load is another page of the visit', async ({ page }) => {
  await visit(page);
  await expect(button(page)).toBeVisible();
  const pages = () => page.evaluate(() => (JSON.parse(localStorage.getItem('callback:practice') ?? '{}') as { pages?: number }).pages ?? 0);
  await expect.poll(pages).toBe(1);
  await page.evaluate(() => history.pushState({}, '', '/foreign/other'));
  await expect(async () => {
    await page.mouse.move(100 + Math.random() * 100, 100);
    expect(await pages()).toBe(2);
  }).toPass();
});

test('a form of the page’s own orders, and its counters are told', async ({ page }) => {
  await visit(page);
  await expect(button(page)).toBeVisible();
  const told = page.evaluate(() => new Promise<string[]>((done) => {
    const { CallBack } = window as unknown as { CallBack: { on(event: string, told: () => void): void; order(phone: string): void } };
    const seen: string[] = [];
    CallBack.on('opened', () => seen.push('opened'));
    CallBack.on('ordered', () => done([...seen, 'ordered']));
    CallBack.order('8 916 555-01-18');
  }));
  expect((await told).toSorted()).toEqual(['opened', 'ordered']);
  await page.getByRole('dialog').getByRole('button', { name: 'Отменить звонок' }).click();
  await expect(page.getByRole('dialog').getByText('Звонок отменён')).toBeVisible();
});

test.describe('with the service gone', () => {
  test.use({ provoked: [/ERR_FAILED|Failed to load resource|net::/] });

  test('the page is as it was', async ({ page }) => {
    const thrown: string[] = [];
    page.on('pageerror', (error) => thrown.push(error.message));
    await visit(page);
    await expect(button(page)).toBeVisible();
    await page.route('**/w/**', (route) => route.abort());
    await button(page).click();
    await page.getByLabel('Своё поле').fill('пишется');
    await expect(page.getByRole('dialog')).toHaveCount(0);
    expect(thrown).toEqual([]);
    await page.unroute('**/w/**');
    await button(page).click();
    await expect(page.getByRole('dialog')).toBeVisible();
  });
});
