// Money as its owner sees it: paid in at the till, taken by a call, and every line of it explained.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import { MARINA, VISITOR, accessible, addSite, expect, fits, prove, register } from './cabinet';
import { test } from './service';

// An amount that is refused.
test.use({ configured: '[billing]\ncurrency = "RUB"\n', provoked: [/\b422\b/] });

const DECK = `prefix,description,rate_per_minute,connect_fee,initial_s,increment_s,effective_from
7,Russia,1.60,0,1,1,2020-01-01
`;

/** How the pages are, narrow and wide, light and dark. */
async function isFine(page: Page, where: string): Promise<void> {
  for (const [width, colorScheme] of [[360, 'light'], [360, 'dark'], [1440, 'dark'], [1440, 'light']] as const) {
    await page.setViewportSize({ width, height: 900 });
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await fits(page, `${where} at ${width}`);
    await accessible(page, `${where} at ${width}, ${colorScheme}`);
  }
}

/** Goes to the till with an amount. */
async function topUp(page: Page, amount: string): Promise<void> {
  await page.getByRole('button', { name: 'Пополнить' }).first().click();
  await page.getByRole('dialog').getByRole('textbox').fill(amount);
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { name: 'Учебная касса' })).toBeVisible();
}

/** A site whose manager may be called, published; its key. */
async function publishedSite(page: Page, number: string): Promise<string> {
  const site = (await addSite(page, number)).split('/').pop() ?? '';
  await prove(page, number, MARINA);
  await prove(page, number, VISITOR);
  const managers = [{ name: 'Марина', address: MARINA, extension: null, extension_delay_s: 0, accept_key: 'auto', on: true, hours: null }];
  const drafted = await page.request.patch(`/api/v1/sites/${site}/draft`, { data: { revision: 0, set: { managers, own_managers: true } } });
  const { revision } = (await drafted.json()) as { revision: number };
  const published = await page.request.post(`/api/v1/sites/${site}/publish`, { data: { revision } });
  expect(published.ok(), await published.text()).toBe(true);
  return site;
}

test('paid at the till, taken by a call, told on the statement, opened as a call', async ({ page, service }) => {
  await writeFile(join(service.home, 'deck.csv'), DECK);
  await service.run('deck', 'import', 'deck.csv', '--trunk', 'practice');
  await service.run('markup', 'set', '--percent', '50');
  const { number } = await register(page);
  const balance = `/c/${number}/balance`;

  // Nothing is there, and it says what to do.
  await page.getByRole('link', { name: 'Баланс' }).first().click();
  await expect(page.getByText('Денег не хватит на звонок')).toBeVisible();
  await expect(page.getByText('Строк пока нет')).toBeVisible();
  await isFine(page, 'an empty balance');

  // Too little is refused in place; the right amount goes to the till.
  await page.getByRole('button', { name: 'Пополнить' }).first().click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('textbox').fill('0,5');
  await page.keyboard.press('Enter');
  await expect(dialog.locator('.err')).toContainText('От 1 до');
  await accessible(page, 'the form of a payment');
  await page.keyboard.press('Escape');
  await topUp(page, '1000');
  await isFine(page, 'the till');
  await page.getByRole('button', { name: 'Оплатить 1000.00 RUB' }).click();
  await expect(page.getByText(/Зачислили 1.000,00/)).toBeVisible();
  await expect(page.getByRole('row', { name: /Пополнение/ })).toContainText('учебная касса');
  await expect(page.getByText('Денег не хватит на звонок')).toHaveCount(0);

  // A call takes some of it.
  const site = await publishedSite(page, number);
  const ordered = await page.request.post(`/api/v1/sites/${site}/test-call`, { data: { phone: VISITOR, office: '' } });
  expect(ordered.ok(), await ordered.text()).toBe(true);
  await page.goto(balance);
  await expect(page.getByRole('heading', { name: 'Придержано' })).toBeVisible();
  const row = page.getByRole('row', { name: /Звонок/ });
  await expect(row).toBeVisible({ timeout: 60_000 });
  await isFine(page, 'a balance with a call');
  const amount = (await row.getByRole('cell').nth(2).innerText()).replace('−', '');
  await row.getByRole('link').click();
  const charged = page.getByRole('region', { name: 'Деньги' });
  await expect(charged.getByText('Марина')).toBeVisible();
  await expect(charged.locator('dd').last()).toHaveText(amount);
  await isFine(page, 'a call with its price');
  await page.keyboard.press('Escape');
  await expect(row.getByRole('link')).toBeFocused();

  // What a number costs, before it is called.
  await page.getByRole('textbox', { name: 'Любой номер' }).fill('8 846 555-01-30');
  await page.keyboard.press('Enter');
  await expect(page.getByText('2,40 ₽ за минуту'.replace(' ₽', '\u00a0₽'), { exact: true })).toBeVisible();
  await expect(page.getByText(/4,80.₽ за минуту/)).toBeVisible();

  // The whole statement as a file.
  const file = page.waitForEvent('download');
  await page.getByRole('link', { name: 'Скачать CSV' }).click();
  expect((await file).suggestedFilename()).toMatch(/^statement-.*\.csv$/);
});

test('a payment whose notice is lost comes all the same, and one that fails says so', async ({ page, service }) => {
  await writeFile(join(service.home, 'deck.csv'), DECK);
  await service.run('deck', 'import', 'deck.csv', '--trunk', 'practice');
  const { number } = await register(page);
  await page.goto(`/c/${number}/balance`);
  await topUp(page, '250');
  await page.getByRole('button', { name: 'Оплатить, но извещение потерять' }).click();
  await expect(page.getByText(/Ждём подтверждения платежа 250,00/)).toBeVisible();
  await isFine(page, 'a payment that is waited for');
  await expect(page.getByText(/Зачислили 250,00/)).toBeVisible({ timeout: 20_000 });
  await topUp(page, '70');
  await page.getByRole('button', { name: 'Платёж не прошёл' }).click();
  await expect(page.getByText(/Платёж 70,00.* не прошёл/)).toBeVisible();
  await expect(page.getByRole('row', { name: /Пополнение/ })).toHaveCount(1);
  await isFine(page, 'a payment that failed');
});
