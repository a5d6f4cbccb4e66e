// From registration to one's own first call, as a newcomer does it.

import { ANNA, VISITOR, accessible, expect, register, test } from './cabinet';
import type { Page } from '@playwright/test';

/** Has a telephone called, and types the code that it heard. */
async function verify(page: Page): Promise<void> {
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('button', { name: 'Позвонить сейчас' }).click();
  const heard = await dialog.getByText(/Код для кабинета/).innerText();
  const code = heard.match(/\d, \d, \d, \d/)?.[0].replace(/\D/g, '') ?? '';
  await dialog.getByRole('textbox', { name: 'Код' }).fill(code);
  await dialog.getByRole('button', { name: 'Подтвердить' }).click();
}

test('registration, site, number, its proof, publishing, a call, and the call in the journal', async ({ page }) => {
  await register(page);
  await expect(page.getByRole('heading', { name: 'До первого звонка 5 шагов' })).toBeVisible();
  await page.getByRole('button', { name: 'Добавить сайт' }).click();
  await page.getByRole('dialog').getByRole('textbox').fill('romashka.example');
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/calling/);

  await page.locator('[data-field=managers]').getByRole('button', { name: 'Добавить номер' }).click();
  await page.getByRole('textbox', { name: 'Имя' }).fill('Анна Белова');
  await page.getByRole('textbox', { name: 'Номер или SIP-адрес' }).fill(ANNA);
  await accessible(page, 'the form of a manager');
  await page.getByRole('dialog').getByRole('button', { name: 'Добавить номер' }).click();
  await page.getByRole('button', { name: /^Проверить/ }).first().click();
  await verify(page);
  await expect(page.getByText('проверен').first()).toBeVisible();

  await page.getByRole('button', { name: 'Опубликовать' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Опубликовать' }).click();
  await expect(page.getByText(/версия 1 от/)).toBeVisible();
  await expect(page.getByRole('button', { name: 'Опубликовать' })).toHaveCount(0);

  await page.getByRole('button', { name: 'Позвонить мне для проверки' }).click();
  await page.getByRole('textbox', { name: 'Ваш телефон' }).fill(VISITOR);
  await page.getByRole('dialog').getByRole('button', { name: 'Проверить' }).click();
  await verify(page);
  await page.getByRole('dialog').getByRole('button', { name: 'Позвонить мне для проверки' }).click();
  await page.waitForURL(/\/calls\/[0-9a-f-]{36}/);
  await expect(page.getByText('Звонок прошёл успешно').first()).toBeVisible({ timeout: 40_000 });
  await accessible(page, 'a call');
});
