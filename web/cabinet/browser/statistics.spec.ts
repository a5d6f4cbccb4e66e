// What became of calls: found, explained, called again, watched and taken away, over the practice company's week.

import { readFile } from 'node:fs/promises';
import type { Page } from '@playwright/test';
import { accessible, expect, fits, lookAround, test } from './cabinet';

/** The practice exchange's visitor who answers, and talks. */
const TALKER = '+7 916 555-01-47';

const rows = (page: Page) => page.locator('[data-call]');

test('the reason of a failure is two clicks away, and its visitor is called again', async ({ page }) => {
  const company = await lookAround(page);
  await page.goto(`${company}/calls`);
  await expect(rows(page).first()).toBeVisible();
  const all = await rows(page).count();
  await page.getByRole('button', { name: 'Фильтр' }).click();
  await page.getByRole('menuitemradio', { name: 'Менеджер не взял трубку' }).click();
  await expect(page).toHaveURL(/status=manager_no_answer/);
  await expect(page.getByText('Статус: Менеджер не взял трубку')).toBeVisible();
  await expect.poll(() => rows(page).count()).toBeLessThan(all);
  const few = await rows(page).count();
  expect(few).toBeGreaterThan(0);
  await page.reload();
  await expect(rows(page)).toHaveCount(few);

  const phone = await rows(page).first().innerText();
  await rows(page).first().click();
  const drawer = page.getByRole('dialog');
  await expect(drawer.getByText('Никто из менеджеров не взял трубку')).toBeVisible();
  await expect(drawer.getByText('нет ответа').first()).toBeVisible();
  await accessible(page, 'a call that was missed');
  await page.goBack();
  await expect(drawer).toHaveCount(0);
  await expect(rows(page)).toHaveCount(few);
  await page.goForward();
  await drawer.getByRole('button', { name: 'Перезвонить', exact: true }).click();
  await expect(page.getByText(`Звоним: ${phone}`).first()).toBeVisible();
  await drawer.getByRole('textbox', { name: 'Заметка' }).fill('<b>после обеда</b>');
  await drawer.getByRole('button', { name: 'Уже перезвонили' }).click();
  await expect(drawer.getByText('Ещё не перезвонили')).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(page.getByText('<b>после обеда</b>')).toBeVisible();
});

test('a click on a line of the analysis filters all of it, and its table has as many lines', async ({ page }) => {
  const company = await lookAround(page);
  await page.goto(`${company}/analysis`);
  await page.getByRole('button', { name: /^Google, поиск/ }).click();
  await expect(page).toHaveURL(/kind=search&source=Google/);
  const orders = Number(await page.locator('.tri b').first().innerText());
  expect(orders).toBeGreaterThan(0);
  await page.goto(page.url().replace('/analysis', '/calls'));
  await expect(rows(page)).toHaveCount(orders);
  await page.getByRole('button', { name: /^Выгрузить/ }).click();
  const began = page.waitForEvent('download');
  await page.getByRole('menuitem', { name: 'Текст (CSV)' }).click();
  const table = await readFile(await (await began).path(), 'utf8');
  expect(table.trim().split('\r\n')).toHaveLength(orders + 1);
});

test('a table that takes long says how far it is, and can be given up', async ({ page }) => {
  const company = await lookAround(page);
  await page.goto(`${company}/calls`);
  const take = page.getByRole('button', { name: /^Выгрузить/ });
  await expect(take).toBeVisible();
  const network = await page.context().newCDPSession(page);
  const slow = (bytes: number) => network.send('Network.emulateNetworkConditions', { offline: false, latency: 0, uploadThroughput: -1, downloadThroughput: bytes });
  await network.send('Network.enable');
  await slow(2_000);
  await take.click();
  await page.getByRole('menuitem', { name: 'Текст (CSV)' }).click();
  await expect(page.getByRole('progressbar')).toBeVisible();
  await accessible(page, 'a table on its way');
  await page.getByRole('button', { name: 'Отменить выгрузку' }).click();
  await expect(page.getByRole('progressbar')).toHaveCount(0);
  await slow(-1);
  await take.click();
  const began = page.waitForEvent('download');
  await page.getByRole('menuitem', { name: 'Таблица Excel (XLSX)' }).click();
  const sheet = await readFile(await (await began).path());
  expect(sheet.subarray(0, 4).toString('latin1'), 'nothing before the file').toBe('PK\x03\x04');
});

test('a call is watched while it runs, and stands in the journal when it is over', async ({ page }) => {
  const company = await lookAround(page);
  await page.goto(`${company}/live`);
  await expect(page.getByText('Сейчас никто не звонит.')).toBeVisible();
  const order = { order_id: crypto.randomUUID(), phone: TALKER, country: 'RU', visit: { page: 'http://127.0.0.1/prices' } };
  const status = await page.evaluate(async (body) => (await fetch('/w/v1/practice/orders', { method: 'POST', body: JSON.stringify(body) })).status, order);
  expect(status).toBe(202);
  const row = page.getByRole('listitem').filter({ hasText: TALKER });
  await expect(row.getByText('Говорят')).toBeVisible({ timeout: 30_000 });
  await accessible(page, 'a call on the air');
  await expect(row).toHaveCount(0, { timeout: 30_000 });
  await page.getByRole('link', { name: 'Журнал' }).click();
  await expect(rows(page).first()).toHaveText(TALKER);
});

for (const [width, colorScheme] of [[1440, 'light'], [1440, 'dark'], [360, 'light'], [360, 'dark']] as const) {
  test(`the numbers of a week at ${width} px, ${colorScheme}`, async ({ page }) => {
    await page.setViewportSize({ width, height: width < 500 ? 740 : 900 });
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    const company = await lookAround(page);
    await page.goto(`${company}/calls`);
    for (const menu of ['Период', 'Фильтр']) {
      await page.getByRole('button', { name: menu }).click();
      for (const item of await page.getByRole('menu').locator('[role^=menuitem]').all()) await expect(item, 'nothing cuts it off').toBeInViewport({ ratio: 1 });
      await fits(page, menu);
      await accessible(page, menu);
      await page.keyboard.press('Escape');
    }
    for (const path of ['/overview', '/analysis', '/calls', '/calls?order=talk', '/calls?from=2020-01-01&to=2020-12-31', '/analysis?from=2020-01-01&to=2026-12-31']) {
      await page.goto(company + path);
      await expect(page.locator('main .card').first()).toBeVisible();
      await fits(page, path);
      await accessible(page, path);
    }
  });
}
