// The service is gone while somebody works: it is said, waited for, and what was typed meanwhile is saved when it is back.

import { addSite, expect, isSaved, login, register, siteName, sound } from './cabinet';
import { test } from './service';
import type { Locator, Page } from '@playwright/test';

// Requests that find nobody.
test.use({ provoked: [/net::ERR_/] });

test('it is killed and started again', async ({ page, colleague: elsewhere, service }) => {
  const { email, settings } = await begun(page);
  await service.kill();
  await siteName(page).fill('Ромашка на Тверской');
  await expect(away(page)).toBeVisible();
  await expect(page.getByText('Нет связи: правки сохранены здесь')).toBeVisible();
  await sound(page).fill('ромашка');

  await service.start();
  await expect(away(page), 'asked for again by itself').toHaveCount(0, { timeout: 30_000 });
  await isSaved(page);
  await login(elsewhere, email);
  await elsewhere.goto(settings);
  await expect(siteName(elsewhere)).toHaveValue('Ромашка на Тверской');
  await expect(sound(elsewhere)).toHaveValue('ромашка');
});

test('the page is loaded anew before it was found again', async ({ page, service }) => {
  await begun(page);
  await service.kill();
  await siteName(page).fill('Ромашка на Тверской');
  await expect(away(page)).toBeVisible();
  await service.start();
  await page.reload();
  await expect(siteName(page)).toHaveValue('Ромашка на Тверской');
  await isSaved(page);
});

test('it takes the request, and never answers', async ({ page, service }) => {
  await page.clock.install();
  await begun(page);
  service.freeze();
  const asked = page.waitForRequest((request) => request.method() === 'PATCH');
  await siteName(page).fill('Ромашка на Тверской');
  await asked;
  await page.clock.fastForward('01:00');
  await expect(away(page)).toBeVisible();
  service.thaw();
  await page.getByRole('button', { name: 'Попробовать сейчас' }).click();
  await expect(away(page)).toHaveCount(0);
  await isSaved(page);
});

const away = (page: Page): Locator => page.getByRole('complementary', { name: 'Нет связи' });

/** A site whose settings are open, and have been written to. */
async function begun(page: Page): Promise<{ email: string; settings: string }> {
  const { number, email } = await register(page);
  const settings = `${await addSite(page, number)}/calling`;
  await page.goto(settings);
  await siteName(page).fill('Ромашка');
  await isSaved(page);
  return { email, settings };
}
