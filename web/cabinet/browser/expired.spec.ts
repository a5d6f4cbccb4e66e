// A login that ends while somebody works: it is asked for again, and what was typed is saved under the next one.

import { PASSWORD, addSite, expect, isSaved, login, register, siteName, test } from './cabinet';
import type { Locator, Page } from '@playwright/test';

const TYPED = 'Ромашка на Тверской';

// An ended login is refused, and so is a wrong password.
test.use({ provoked: [/\b401\b/] });

test('the password is asked for over the page, and the edit goes on', async ({ page, colleague: elsewhere }) => {
  const { settings } = await halfTyped(page, elsewhere);
  const dialog = page.getByRole('dialog', { name: 'Вы вышли' });
  await expect(dialog).toBeVisible();
  await expect(siteName(page)).toHaveValue(TYPED);

  await enter(dialog, 'не тот пароль');
  await expect(dialog).toContainText('Почта или пароль не подошли');
  await enter(dialog, PASSWORD);
  await expect(dialog).toHaveCount(0);
  await arrived(page, elsewhere, settings);
});

test('a page that is loaded anew asks for the password first, and has the edit', async ({ page, colleague: elsewhere }) => {
  const { settings, email } = await halfTyped(page, elsewhere);
  await expect(page.getByRole('dialog', { name: 'Вы вышли' })).toBeVisible();
  await page.reload();
  await page.getByLabel('Почта').fill(email);
  await enter(page, PASSWORD);
  await expect(siteName(page)).toHaveValue(TYPED);
  await arrived(page, elsewhere, settings);
});

/** Somebody types the name of a site, and his login is ended by himself elsewhere before he is at its end. */
async function halfTyped(page: Page, elsewhere: Page): Promise<{ settings: string; email: string }> {
  const { number, email } = await register(page);
  const settings = `${await addSite(page, number)}/calling`;
  await page.goto(settings);
  await siteName(page).fill(TYPED.slice(0, 4));
  await isSaved(page);

  await login(elsewhere, email);
  await elsewhere.goto('/account');
  await elsewhere.getByRole('button', { name: /^Завершить/ }).click();
  await expect(elsewhere.getByRole('button', { name: /^Завершить/ })).toHaveCount(0);
  await siteName(page).pressSequentially(TYPED.slice(4));
  return { settings, email };
}

async function enter(form: Page | Locator, password: string): Promise<void> {
  await form.getByLabel('Пароль', { exact: true }).fill(password);
  await form.getByRole('button', { name: 'Войти', exact: true }).click();
}

/** It is in the service, and not only on the page where it was typed. */
async function arrived(page: Page, elsewhere: Page, settings: string): Promise<void> {
  await isSaved(page);
  await elsewhere.goto(settings);
  await expect(siteName(elsewhere)).toHaveValue(TYPED);
}
