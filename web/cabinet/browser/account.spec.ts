// Whoever signs in, by every way there is: a code of an app, one on paper, a forgotten password, another address.

import { createHmac } from 'node:crypto';
import type { Page } from '@playwright/test';
import { PASSWORD, accessible, expect, fits, register, test } from './cabinet';

// A code or a link that was used once is refused.
test.use({ provoked: [/\b(401|409|410|422)\b/] });

/** One user for all of these, as they leave him: from one address few may register. */
const user = { email: '', password: PASSWORD };

async function enter(page: Page): Promise<void> {
  if (!user.email) {
    user.email = (await register(page)).email;
    return;
  }
  await page.goto('/login');
  await page.getByLabel('Почта').fill(user.email);
  await page.getByLabel('Пароль', { exact: true }).fill(user.password);
  await page.getByRole('button', { name: 'Войти', exact: true }).click();
  await page.waitForURL(/\/c\//);
}

test('a forgotten password is set anew by a link that works once', async ({ page }) => {
  await enter(page);
  const { email } = user;
  await leave(page);
  await page.getByRole('link', { name: 'Не помню' }).click();
  await page.getByLabel('Почта').fill(email);
  await page.getByRole('button', { name: 'Прислать ссылку' }).click();
  await expect(page.getByText('ссылка уже в пути')).toBeVisible();
  const link = await linkOf(page, email, 'Новый пароль');
  await page.goto(link);
  await page.getByLabel('Придумайте пароль', { exact: true }).fill('шесть лиловых слонов');
  await accessible(page, 'a new password');
  await page.getByRole('button', { name: 'Сохранить и войти' }).click();
  await page.waitForURL(/\/c\//);
  user.password = 'шесть лиловых слонов';
  await page.goto(link);
  await page.getByLabel('Придумайте пароль', { exact: true }).fill('семь лиловых слонов');
  await page.getByRole('button', { name: 'Сохранить и войти' }).click();
  await expect(page.getByRole('link', { name: 'Прислать новую ссылку' }).or(page.getByRole('button', { name: 'Прислать новую ссылку' }))).toBeVisible();
});

test('an address changes when both boxes have agreed', async ({ page }) => {
  await enter(page);
  const { email } = user;
  const next = `next${Date.now()}@romashka.example`;
  await page.goto('/account');
  await page.getByLabel('Новая почта').fill(next);
  await page.locator('section[aria-labelledby=h-email]').getByLabel('Пароль сейчас', { exact: true }).fill(user.password);
  await page.getByRole('button', { name: 'Сменить почту' }).click();
  await expect(page.getByText('Проверьте оба ящика')).toBeVisible();
  await page.goto(await linkOf(page, email, 'почт'));
  await expect(page.getByText('Половина сделана')).toBeVisible();
  await accessible(page, 'half of a change of address');
  await page.goto(await linkOf(page, next, 'почт'));
  await expect(page.getByText('Почта изменена')).toBeVisible();
  user.email = next;
  await accessible(page, 'a changed address');
  await page.goto('/account');
  await expect(page.getByText(`Сейчас ${next}.`)).toBeVisible();
});

test('a code is asked for beside the password, and one on paper helps once', async ({ page }) => {
  await enter(page);
  await page.goto('/account');
  const factor = page.getByRole('region', { name: 'Вход по коду' }).or(page.locator('section[aria-labelledby=h-totp]'));
  await factor.getByRole('button', { name: 'Включить' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Пароль сейчас', { exact: true }).fill(user.password);
  await dialog.getByRole('button', { name: 'Дальше' }).click();
  const secret = (await dialog.locator('.mono').innerText()).replace(/\s/g, '');
  await fits(page, 'a key for the app');
  await accessible(page, 'a key for the app');
  await dialog.getByLabel('Код из приложения').fill(code(secret));
  await dialog.getByRole('button', { name: 'Дальше' }).click();
  const paper = await dialog.locator('.codes li').first().innerText();
  await accessible(page, 'codes on paper');
  await dialog.getByRole('button', { name: 'Коды сохранены' }).click();
  await expect(factor.getByText('Осталось 10 запасных кодов.')).toBeVisible();
  for (const isGood of [true, false]) {
    await leave(page);
    await page.getByLabel('Почта').fill(user.email);
    await page.getByLabel('Пароль', { exact: true }).fill(user.password);
    await page.getByRole('button', { name: 'Войти', exact: true }).click();
    await page.getByLabel('Код из приложения').fill(paper);
    await accessible(page, 'the code of a login');
    await page.getByRole('button', { name: 'Войти', exact: true }).click();
    if (isGood) await page.waitForURL(/\/c\//);
    else await expect(page.getByText('Код не подошёл или уже использован.')).toBeVisible();
  }
});

async function leave(page: Page): Promise<void> {
  await page.request.post('/api/v1/logout', { data: {} });
  await page.goto('/login');
}

/** The newest letter's link to an address. */
async function linkOf(page: Page, email: string, words: string): Promise<string> {
  await page.goto('/outbox');
  const letter = page.locator('article').filter({ hasText: email }).filter({ hasText: words }).first();
  return (await letter.getByRole('link').first().getAttribute('href')) ?? '';
}

/** The code of an app (RFC 6238: SHA-1, 6 digits, 30 s) for a secret in base 32 (RFC 4648). */
function code(secret: string): string {
  const bits = [...secret].map((letter) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0')).join('');
  const key = Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => parseInt(byte, 2)));
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000)));
  const mac = createHmac('sha1', key).update(step).digest();
  const at = (mac.at(-1) ?? 0) & 15;
  return String((mac.readUInt32BE(at) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}
