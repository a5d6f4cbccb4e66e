// One line on a page: the button, the offer, the call as it goes on, and the call found again after a reload.

import type { Page } from '@playwright/test';
import { accessible, expect, fits, openShadows, test } from './cabinet';

/** Of the practice exchange: he picks up, and talks. */
const TALKER = '8 916 555-01-47';
const BUSY = '8 916 555-01-17';

// A number that is none is refused.
test.use({ provoked: [/\b422\b/] });

/** The page of a company that nobody knows, on which the script stands; its shadow is opened, so that it can be read. */
async function visit(page: Page): Promise<void> {
  await openShadows(page);
  await page.goto('/practice/shop.html');
}

const button = (page: Page) => page.getByRole('button', { name: 'Перезвоните мне' });

for (const [width, colorScheme] of [[1440, 'light'], [360, 'dark']] as const) {
  test(`from the button to the talk at ${width} px, ${colorScheme}`, async ({ page }) => {
    test.slow();
    await page.setViewportSize({ width, height: width < 500 ? 740 : 900 });
    await page.emulateMedia({ colorScheme });
    await visit(page);
    await button(page).click();
    const dialog = page.getByRole('dialog');
    await expect(dialog.getByText('29 секунд')).toBeVisible();
    const phone = dialog.getByLabel('Ваш телефон');
    await expect(phone).toBeFocused();
    await fits(page, 'the offer');
    await accessible(page, 'the offer');
    await page.keyboard.press('Enter');
    await expect(dialog.getByText('Введите телефон')).toBeVisible();
    await phone.fill('8 916 555-01');
    await page.keyboard.press('Enter');
    await expect(dialog.getByText('Это не похоже на номер')).toBeVisible();
    await expect(phone).toBeFocused();
    await accessible(page, 'a number that is none');
    await phone.clear();
    await phone.pressSequentially('9165550147');
    await expect(phone, 'grouped as it is written').toHaveValue('916 555-01-47');
    await phone.fill(TALKER);
    await page.keyboard.press('Enter');
    await expect(dialog.getByText('Звоним вам. Возьмите трубку')).toBeVisible({ timeout: 20_000 });
    await accessible(page, 'a call');
    await expect(dialog.getByText('Вы на связи')).toBeVisible({ timeout: 40_000 });
    await page.reload();
    await expect(dialog.getByText('Вы на связи')).toBeVisible();
    await accessible(page, 'a talk');
    await expect(dialog.getByText('Как поговорили?')).toBeVisible({ timeout: 40_000 });
    await accessible(page, 'how it was');
    await dialog.getByRole('button', { name: '5, отлично' }).click();
    await expect(dialog.getByText('Спасибо!')).toBeVisible();
    await dialog.getByRole('button', { name: 'Закрыть окно' }).click();
    await expect(dialog).toHaveCount(0);
  });
}

test('a visitor who is busy is told so, and a call is cancelled', async ({ page }) => {
  test.slow();
  await visit(page);
  await button(page).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Ваш телефон').fill(BUSY);
  await page.keyboard.press('Enter');
  await expect(dialog.getByText('У вас занято')).toBeVisible({ timeout: 40_000 });
  await accessible(page, 'a failure');
  await page.keyboard.press('Escape');
  await expect(button(page)).toBeFocused();
  await button(page).click();
  await dialog.getByLabel('Ваш телефон').fill('8 916 555-01-18');
  await page.keyboard.press('Enter');
  await dialog.getByRole('button', { name: 'Отменить звонок' }).click();
  await expect(dialog.getByText('Звонок отменён')).toBeVisible();
});

test('whoever leaves is asked once, in whatever tab', async ({ page, context }) => {
  await page.clock.install();
  await visit(page);
  await expect(button(page)).toBeVisible();
  await page.clock.fastForward(4_000);
  const leave = async (tab: Page): Promise<void> => {
    await tab.mouse.move(400, 300);
    await tab.mouse.move(400, 120);
    await tab.mouse.move(400, -20);
  };
  await leave(page);
  const dialog = page.getByRole('dialog');
  await expect(dialog.getByText('расскажем о текущих скидках')).toBeVisible();
  await page.keyboard.press('Escape');
  await leave(page);
  await expect(dialog).toHaveCount(0);
  const other = await context.newPage();
  await other.clock.install();
  await visit(other);
  await expect(button(other)).toBeVisible();
  await other.clock.fastForward(4_000);
  await leave(other);
  await expect(other.getByRole('dialog')).toHaveCount(0);
});
