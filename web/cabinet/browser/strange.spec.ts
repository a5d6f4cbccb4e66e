// Names that are scripts, marks of templates, or of another direction, and an address in Cyrillic: each is text, wherever
// it is shown, and nothing of it runs.

import { MARINA, VISITOR, addManager, addSite, expect, fits, isSaved, prove, publish, register, siteName, sound, test } from './cabinet';
import type { Page } from '@playwright/test';

const COMPANY = '🌷 "><script>alert(1)</script>';
const PERSON = 'ليلى <b onclick=alert(2)>Ирина</b>';
const SITE = '<img src=x onerror=alert(3)> ромашка';
const SOUND = '{n, plural, other {#}} ${7*7} <%= 7*7 %>';
const MANAGER = 'مدير 👩‍💼 <svg onload=alert(4)>';
const OFFICE = `'"><iframe src=javascript:alert(5)>`;
const NOTE = '=1+1 <a href="javascript:alert(6)">x</a>';
const ADDRESS = 'магазин-цветов.рф';

test('whatever is typed is shown as text', async ({ page }) => {
  const { number } = await register(page, undefined, COMPANY);
  const site = await addSite(page, number, `https://${ADDRESS}`);
  await prove(page, number, MARINA);
  await prove(page, number, VISITOR);
  await typeAll(page, number, site);
  const call = await publishAndCall(page, site);

  const shown: [string, string[]][] = [
    ['/account', [COMPANY]],
    [`/c/${number}/sites`, [COMPANY, SITE, ADDRESS, PERSON]],
    [`${site}/calling`, [SITE, SOUND, MANAGER]],
    [`${site}/offices`, [OFFICE, MANAGER]],
    [`${site}/protection`, [NOTE]],
    [`${site}/history`, [PERSON]],
    [`/c/${number}/team`, [PERSON, SITE]],
    [`/c/${number}/company`, [COMPANY, MANAGER, NOTE]],
    [`/c/${number}/company/history`, [PERSON]],
    [`/c/${number}/calls?kind=test`, [SITE, MANAGER]],
    [`/c/${number}/calls/${call}`, [SITE, MANAGER]],
    ['/outbox', [COMPANY]],
  ];
  for (const [path, texts] of shown) {
    await page.goto(path);
    for (const text of texts) await shows(page, text);
    await asText(page, path);
  }
  await page.goto(`${site}/calling`);
  await expect(page.getByRole('region', { name: 'Так пройдёт звонок' })).toContainText(MANAGER);
  await page.getByRole('button', { name: 'Найти' }).click();
  await page.getByRole('combobox', { name: 'Поиск и команды' }).fill('ромашка');
  await expect(page.getByRole('option', { name: SITE }).first()).toBeVisible();
  await asText(page, 'the search');
});

/** Types a strange text into every field that takes one. */
async function typeAll(page: Page, number: string, site: string): Promise<void> {
  await page.goto('/account');
  await page.getByLabel('Имя').fill(PERSON);
  await page.getByRole('button', { name: 'Сохранить' }).click();
  await expect(page.getByRole('button', { name: 'Сохранить' })).toBeDisabled();
  await page.goto(`${site}/calling`);
  await siteName(page).fill(SITE);
  await sound(page).fill(SOUND);
  await addManager(page, MANAGER, MARINA);
  await isSaved(page);
  await page.goto(`${site}/offices`);
  await page.getByRole('button', { name: 'Добавить офис' }).click();
  await page.getByRole('textbox', { name: 'Название' }).fill(OFFICE);
  await addManager(page, MANAGER, MARINA);
  await isSaved(page);
  await page.goto(`${site}/protection`);
  await block(page);
  await page.goto(`/c/${number}/company`);
  await addManager(page, MANAGER, MARINA);
  await isSaved(page);
  await block(page);
}

async function block(page: Page): Promise<void> {
  await page.getByRole('textbox', { name: 'Кого', exact: true }).fill('+7909555*');
  await page.getByRole('textbox', { name: 'Почему' }).fill(NOTE);
  await page.getByRole('button', { name: 'Добавить', exact: true }).click();
  await isSaved(page);
}

/** Publishes the site and the company, and has a visitor called; the call. */
async function publishAndCall(page: Page, site: string): Promise<string> {
  await publish(page);
  await expect(page.getByText('Она действует на всех сайтах компании').first()).toBeVisible();
  await page.goto(`${site}/calling`);
  await publish(page);
  await expect(page.getByText(/версия 1 от/)).toBeVisible();
  await page.getByRole('button', { name: 'Позвонить мне для проверки' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Позвонить мне для проверки' }).click();
  await page.waitForURL(/\/calls\/[0-9a-f-]{36}/);
  await expect(page.getByRole('dialog').getByText('Звонок прошёл успешно').first()).toBeVisible({ timeout: 40_000 });
  return page.url().split('/').pop() ?? '';
}

/** It stands on the page, letter by letter: as text or in a field. */
async function shows(page: Page, text: string): Promise<void> {
  const all = (): Promise<string> =>
    page.evaluate(() => [document.body.innerText, ...[...document.querySelectorAll('input')].map((field) => field.value)].join('\n'));
  await expect.poll(all).toContain(text);
}

/** Nothing that was typed became an element, and no letter was cut in two. */
async function asText(page: Page, where: string): Promise<void> {
  const became = page.locator('iframe, script:not([src]), [onerror], [onload], [onclick], [href^="javascript:"], img[src="x"]');
  await expect(became, where).toHaveCount(0);
  expect(await page.evaluate(() => document.body.innerText), where).not.toMatch(/\p{Surrogate}/u);
  await fits(page, where);
}
